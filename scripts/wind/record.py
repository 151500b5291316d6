"""Records the answers that stand for language models in the demonstration. No model is asked.

They are the generator's own annotations with seeded errors (`spacy_tiered_ner.teacher.corruption`), more of them for
the two small models than for the strong one. An answer is found again by its prompt, so this runs anew when the
guidelines or the prompt templates change.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import spacy
from generate import generate, write_jsonl

from spacy_tiered_ner.evaluation.metrics import CharSpan
from spacy_tiered_ner.llm.clients.replay import prompt_key
from spacy_tiered_ner.llm.guidelines import Guidelines
from spacy_tiered_ner.teacher.annotate import Job
from spacy_tiered_ner.teacher.corruption import corrupt
from spacy_tiered_ner.teacher.files import read_guidelines, read_teacher_config
from spacy_tiered_ner.teacher.panel import Panel
from spacy_tiered_ner.teacher.records import span_of
from spacy_tiered_ner.teacher.texts import parse_text

SHARES = {"simulated-small-a": 0.2, "simulated-small-b": 0.2, "simulated-strong": 0.1}


def answers(rows: list[dict[str, Any]], guidelines: Guidelines, panel: Panel) -> list[dict[str, Any]]:
    nlp = spacy.blank("en")
    recorded = []
    for row in rows:
        job = Job(parse_text(json.dumps(row)), nlp, panel, guidelines)
        (window,) = job.windows
        for voter in panel.everyone:
            model = voter.sender.client.model
            (question,) = voter.strategy.ask(window, guidelines)
            gold = [span_of(span) for span in row["spans"]]
            seed = list(SHARES).index(model)
            spans = corrupt(row["text"], gold, list(guidelines), share=SHARES[model], seed=seed)
            answer = {"mentions": [mention(row["text"], span) for span in spans]}
            recorded.append({"model": model, "prompt": prompt_key(question), "answer": answer})
    return recorded


def mention(text: str, span: CharSpan) -> dict[str, str]:
    return {"text": text[span.start : span.end], "label": span.label}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("guidelines", type=Path)
    parser.add_argument("output", type=Path)
    args = parser.parse_args()
    panel, guidelines = read_teacher_config(args.config, {}), read_guidelines(args.guidelines)
    splits = generate()
    write_jsonl(args.output, answers([*splits["texts"], *splits["test"]], guidelines, panel))


if __name__ == "__main__":
    main()
