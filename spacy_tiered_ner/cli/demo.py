"""`python -m spacy tiered demo`."""

import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import srsly
from typer import Argument, Option
from wasabi import msg

from ..factories import DEFAULT_LABELS
from ..spans import TIERED
from . import tiered

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

PIPE = "gliner_ner"
SPANS_KEY = "gliner"
ESCALATION = "llm_escalate"
DEMO_TEXTS = Path(__file__).parent / "demo_texts.jsonl"
FILE_TYPES = (".txt", ".jsonl")
LEAST_SCORE = 0.3
LONG_TEXT = 2000
MANY_TEXTS = 20
BATCH_SIZE = 32
HEADER = ("text", "label", "score", "tier", "status")
SHOWN_CHARACTERS = 40


@tiered.command("demo")
def demo_cli(
    source: Annotated[
        str | None, Argument(help="A text, a .txt file or a .jsonl file; without it, texts that come with the package")
    ] = None,
    *,
    labels: Annotated[str | None, Option("--labels", "-l", help="What to look for, comma-separated")] = None,
    model: Annotated[str, Option("--model", "-m", help="starter, a model directory or a hub id")] = "starter",
    threshold: Annotated[float, Option("--threshold", "-t", min=0, max=1, help="What entities must exceed")] = 0.5,
    llm: Annotated[
        str | None, Option("--llm", help="Ask an LLM about doubtful spans: provider/model, such as ollama/qwen3")
    ] = None,
    base_url: Annotated[str | None, Option("--base-url", help="Of an OpenAI-compatible server for --llm")] = None,
    output: Annotated[Path, Option("--output", "-o", help="HTML page to write")] = Path("demo.html"),
    no_html: Annotated[bool, Option("--no-html", help="Write no page")] = False,
) -> None:
    """Find entities in texts, print them as tables and write a page that shows them.

    A .txt file is one document; if it is longer than 2000 words, each of its paragraphs (between blank lines) is one,
    so that there is progress to show. A line of a .jsonl file has "text" and, if you like, "title" and "labels".
    """
    from .page import read_candidates, render_page

    try:
        nlp = build(model, threshold, llm, base_url)
        docs, seconds = annotate(nlp, read_source(source), split_labels(labels))
        spans_key = SPANS_KEY if llm is None else TIERED
        found = [read_candidates(doc, spans_key, threshold) for doc in docs]
        summary = summarize(docs, sum(map(len, found)), seconds)
        for doc, candidates in zip(docs, found, strict=True):
            msg.divider(doc.user_data["title"])
            print_table(candidates)
        if not no_html:
            page = render_page(
                docs, spans_key=spans_key, threshold=threshold, title="Entities by spacy-tiered-ner", summary=summary
            )
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text(page, encoding="utf8")
    except (ValueError, ImportError, OSError) as error:
        msg.fail("Demo failed", str(error), exits=1)
    msg.good(summary, None if no_html else f"Page: {output}")
    if llm is not None:
        from ..llm.ledger import summarize as summarize_llm

        msg.info(summarize_llm(nlp.get_pipe(ESCALATION).usage))  # type: ignore[attr-defined]


def read_source(source: str | None) -> list[dict[str, Any]]:
    """RETURNS (List[dict]): "text", "title" and perhaps "labels" of each document."""
    if source is None:
        return list(srsly.read_jsonl(DEMO_TEXTS))
    path = Path(source)
    if not os.path.isfile(source):
        if path.suffix.lower() in FILE_TYPES:
            raise FileNotFoundError(f"There is no file {source}")
        return [{"text": source, "title": "Text"}]
    if path.suffix.lower() == ".jsonl":
        return [read_line(line, f"{path.name}, line {number}") for number, line in enumerate(srsly.read_jsonl(path), 1)]
    text = path.read_text(encoding="utf-8-sig")
    if len(text.split()) <= LONG_TEXT:
        return [{"text": text, "title": path.name}]
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return [{"text": text, "title": f"{path.name}, paragraph {n}"} for n, text in enumerate(paragraphs, 1)]


def read_line(line: Any, name: str) -> dict[str, Any]:
    if not isinstance(line, dict) or not isinstance(line.get("text"), str):
        raise ValueError(f'{name}: a line must be a JSON object with a string "text"')
    return {"title": name, **line}


def split_labels(labels: str | None) -> list[str] | None:
    return None if labels is None else [label.strip() for label in labels.split(",") if label.strip()]


def build(model: str, threshold: float, llm: str | None, base_url: str | None) -> "Language":
    """llm (Optional[str]): "provider/model" for Tier 3."""
    import spacy

    nlp = spacy.blank("en")
    config = {
        "model": model,
        "threshold": threshold,
        "candidate_threshold": min(threshold, LEAST_SCORE),
        "spans_key": SPANS_KEY,
    }
    nlp.add_pipe(PIPE, config=config)
    if llm is not None:
        client = {"@misc": "spacy-tiered-ner.instructor_client.v1", "model": llm, "base_url": base_url}
        nlp.add_pipe(ESCALATION, config={"spans_key": SPANS_KEY, "client": client})
    nlp.initialize()
    nlp.max_length = sys.maxsize
    return nlp


def annotate(
    nlp: "Language", texts: Sequence[dict[str, Any]], labels: Sequence[str] | None
) -> tuple[list["Doc"], float]:
    """Run the pipeline. labels (Optional[Sequence]): Asked of every text; None leaves each its own, or the default.

    RETURNS (tuple): The documents, and the seconds that they took without loading the model.
    """
    from tqdm import tqdm

    def make_doc(item: dict[str, Any]) -> "Doc":
        doc = nlp.make_doc(item["text"])
        doc.user_data["title"] = item["title"]
        doc._.gliner_labels = labels if labels is not None else item.get("labels", DEFAULT_LABELS)
        return doc

    few = len(texts) <= MANY_TEXTS and sum(len(item["text"].split()) for item in texts) <= LONG_TEXT
    began = time.perf_counter()
    docs = list(tqdm(nlp.pipe(map(make_doc, texts), batch_size=BATCH_SIZE), total=len(texts), unit="doc", disable=few))
    return docs, time.perf_counter() - began


def print_table(candidates: Sequence[Any]) -> None:
    if not candidates:
        msg.text("Nothing found")
        return
    rows = [(shorten(c.span.text), c.span.label_, f"{c.score:.2f}", c.tier, c.status) for c in candidates]
    msg.table(rows, header=HEADER, divider=True, aligns=("l", "l", "r", "l", "l"), max_col=SHOWN_CHARACTERS)


def shorten(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """Put a text on one line and leave out its middle where it is longer than `limit`."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return f"{text[: limit - 1 - tail]}…{text[-tail:]}"


def summarize(docs: Sequence["Doc"], candidates: int, seconds: float) -> str:
    stats = [doc._.tiered_ner[PIPE] for doc in docs]
    words = sum(doc["words"] for doc in stats)
    coverage = sum(doc["words"] * doc["coverage"] for doc in stats) / words if words else 1.0
    entities = sum(len(doc.ents) for doc in docs)
    return (
        f"{len(docs)} docs, {words} words, {entities} entities, {candidates} candidates, "
        f"{seconds:.2f} s, {len(docs) / seconds:.1f} docs/s, coverage {coverage:.0%}"
    )
