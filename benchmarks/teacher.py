"""Zero-shot, a teacher, and its student on a real annotated set.

No language model is asked: the teacher is the set's gold with seeded errors (`spacy_tiered_ner/teacher/corruption.py`),
by default so many that its strict F1 is about 90. The set is divided into halves. One is for tests, against clean gold;
there the teacher is corrupted gold as well. Of the other half a fifth, with clean gold, is the people's validation
set that chooses the checkpoint. The student learns the rest from the teacher, once as it is and once after a review: a
share of the texts, chosen as `tiered review export` chooses them, has gold in place of the teacher's labels. A student
of gold alone is what these texts allow at most. With --systematic the same error is made wherever a phrase occurs.

The teacher's tokens are estimated from the real prompts for these texts and answers, and their price is that of
--price-of; the seconds that a language model takes are not measured.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from common import markdown, write_json
from train_runs import SPLIT_SEED, SYSTEMS, Task, add_arguments, evaluate, halved, scores, train, zero_shot

from spacy_tiered_ner.corpus import Record, file_type, split_docs
from spacy_tiered_ner.evaluation.metrics import CharSpan
from spacy_tiered_ner.llm.budget import build_budget_v1
from spacy_tiered_ner.llm.clients.base import estimate
from spacy_tiered_ner.llm.clients.replay import build_replay_client_v1
from spacy_tiered_ner.llm.guidelines import parse_guidelines
from spacy_tiered_ner.llm.prices import find_price
from spacy_tiered_ner.spans import flat
from spacy_tiered_ner.teacher.annotate import Job
from spacy_tiered_ner.teacher.corruption import corrupt
from spacy_tiered_ner.teacher.panel import build_teacher_v1
from spacy_tiered_ner.teacher.records import TeacherRecord, parse_teacher, plain_spans, text_id
from spacy_tiered_ner.teacher.selection import select
from spacy_tiered_ner.teacher.texts import RawText

HELD_OUT = 0.2
RANDOM_SHARE = 0.3
OTHER_SAMPLE = 1000  # added to the seed


def find_files(data: Sequence[Path], chosen: Sequence[str]) -> list[Path]:
    files: list[Path] = []
    for path in data:
        inside = [*sorted(path.glob("dev/*.jsonl")), *sorted(path.glob("*.jsonl*"))] if path.is_dir() else [path]
        files += [file for file in inside if file_type(file) and (not chosen or file.name.split(".")[0] in chosen)]
    if not files:
        sys.exit(f"No annotated JSONL ({', '.join(chosen) or 'any'}) in {', '.join(map(str, data))}")
    return files


class Teacher:
    """Gold with errors. Two samples of it agree on a span or not, as those of a language model would."""

    def __init__(self, labels: Sequence[str], nested: bool, args: argparse.Namespace):
        self.labels, self.nested = labels, nested
        self.settings = {"share": args.error_share, "systematic": args.systematic}
        self.seed = args.seeds[0]

    def spans(self, record: Record, seed: int) -> list[CharSpan]:
        gold = [CharSpan(*span) for span in record.spans]
        found = corrupt(record.text, gold, self.labels, seed=seed, **self.settings)
        return found if self.nested else flat(found, [0.0] * len(found))

    def __call__(self, record: Record) -> TeacherRecord:
        spans = self.spans(record, self.seed)
        other = set(self.spans(record, self.seed + OTHER_SAMPLE))
        confidence = {span: 1.0 if span in other else 0.5 for span in spans}
        meta = {"id": text_id(record.text), "model": "gold with seeded errors"}
        row = {"text": record.text, "spans": plain_spans(spans, confidence), "labels": record.labels, "meta": meta}
        return parse_teacher(json.dumps(row))


def count(found: Sequence[Record], gold: Sequence[Record]) -> np.ndarray:
    """RETURNS (ndarray): True positives, predicted and gold spans of each text."""
    pairs = zip(found, gold, strict=True)
    return np.array([(len({*f.spans} & {*g.spans}), len({*f.spans}), len({*g.spans})) for f, g in pairs])


def reviewed(records: Sequence[TeacherRecord], gold: Sequence[Record], share: float, seed: int) -> list[Record]:
    chosen = select(records, round(share * len(records)), RANDOM_SHARE, seed, "en")
    pairs = zip(records, gold, strict=True)
    return [replace(record, spans=clean.spans) if record.id in chosen else record for record, clean in pairs]


def teacher_tokens(records: Sequence[TeacherRecord], labels: Sequence[str], model: str) -> dict[str, Any]:
    """RETURNS (dict): Tokens read and written for the texts, and US dollars, None where the price is not known."""
    panel = build_teacher_v1({"any": build_replay_client_v1(".", "none")}, build_budget_v1())
    guidelines, nlp = parse_guidelines(labels), spacy.blank("en")
    read = written = 0
    for record in records:
        for window in Job(RawText(record.text, [], None, record.id), nlp, panel, guidelines).windows:
            (question,) = panel.voters[0].strategy.ask(window, guidelines)
            read += estimate(question.system + question.user)
        mentions = [{"text": record.text[start:end], "label": label} for start, end, label in record.spans]
        written += estimate(json.dumps({"mentions": mentions}))
    price = find_price(*model.split("/", 1), None)
    return {"read": read, "written": written, "model": model, "cost": price(read, written) if price else None}


def run_set(task: Task, args: argparse.Namespace) -> dict[str, Any]:
    records, dev = split_docs(task.train, HELD_OUT, SPLIT_SEED)
    teacher = Teacher(task.labels, task.nested, args)
    taught, taught_test = [teacher(record) for record in records], [teacher(record) for record in task.test]
    reference = count(taught_test, task.test)
    base = evaluate(zero_shot(args.model), task.test, task.nested)
    results = {"zero-shot": {**scores(base.counts, reference), "predict_docs_per_second": base.docs_per_second}}
    results["teacher"] = scores(reference, reference)
    lessons = {"student": taught, f"student, {args.review_share:.0%} reviewed": None, "student of gold": records}
    for name, lesson in lessons.items():
        counts: Any = 0
        runs = []
        for seed in args.seeds:
            print(f"{task.name}, {name}, seed {seed}", file=sys.stderr)
            texts = reviewed(taught, records, args.review_share, seed) if lesson is None else lesson
            changed = {"vars.max_steps": args.max_steps} if args.max_steps else {}
            overrides = {"system.seed": seed, **changed}
            trained = train(task, SYSTEMS[args.system], args, texts, dev, "model-best", overrides)
            tested = evaluate(trained.nlp, task.test, task.nested)
            counts = counts + tested.counts
            runs.append({"train_seconds": trained.seconds, "predict_docs_per_second": tested.docs_per_second})
        speeds = {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}
        results[name] = {**scores(counts, len(args.seeds) * reference), **speeds}
    return {
        "texts": {"train": len(records), "dev": len(dev), "test": len(task.test)},
        "teacher_on_training_texts": scores(count(taught, records), count(taught, records)),
        "teacher_tokens": teacher_tokens(taught, task.labels, args.price_of),
        "systems": results,
    }


def report(name: str, found: dict[str, Any]) -> None:
    rows = []
    for system, figures in found["systems"].items():
        low, high = figures["f1_interval"]
        row = [system, figures["p"], figures["r"], figures["f1"], f"{low:.1f} to {high:.1f}"]
        low, high = figures["difference_interval"]
        row += [f"{figures['difference']:+.1f}", f"{low:+.1f} to {high:+.1f}"]
        rows.append([*row, *(figures.get(key, "") for key in ("train_seconds", "predict_docs_per_second"))])
    header = ["system", "P", "R", "F1", "95 %", "over teacher", "95 %", "train s", "docs/s"]
    texts, tokens = found["texts"], found["teacher_tokens"]
    print(f"\n{name}: {texts['train']} texts to learn, {texts['dev']} to choose, {texts['test']} to test\n")
    print(markdown(header, rows))
    money = "price not known" if tokens["cost"] is None else f"${tokens['cost']:.3f}"
    total = tokens["read"] + tokens["written"]
    print(f"\nTeacher, estimated for {texts['train']} texts: {total} tokens, {money} at the price of {tokens['model']}")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="annotated JSONL, or directories with it")
    parser.add_argument("--sets", nargs="+", default=[], metavar="NAME", help="files of the directories, by name")
    parser.add_argument("--system", choices=SYSTEMS, default="gliner", help="what the student is")
    parser.add_argument("--error-share", type=float, default=0.11, help="share of spans that the teacher gets wrong")
    parser.add_argument("--systematic", action="store_true", help="the same error wherever a phrase occurs")
    parser.add_argument("--review-share", type=float, default=0.2, help="share of texts that are reviewed")
    parser.add_argument("--price-of", default="openai/gpt-4.1-mini", help="provider/model")
    parser.add_argument("--max-steps", type=int, help="instead of those in the config")
    add_arguments(parser, seeds=1)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    results = {}
    for path in find_files(args.data, args.sets):
        name = path.name.split(".")[0]
        results[name] = run_set(halved(name, path), args)
        report(name, results[name])
        if args.out:
            write_json(args.out, {"settings": {k: str(v) for k, v in vars(args).items()}, "sets": results})


if __name__ == "__main__":
    main()
