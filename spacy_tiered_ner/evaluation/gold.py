"""Annotated texts as evaluation sees them: with the annotators' own borders, whatever the tokenizer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import spacy
from spacy.tokens import Span as DocSpan

from ..corpus import DOCBIN, SPANS_KEY, Record, corpus_files, file_type, read_docbin, read_records
from ..errors import Errors
from ..spans import flat
from .metrics import CharSpan


@dataclass(frozen=True)
class GoldText:
    """spans: What counts. asked: Labels that the annotators looked for, None where it is not known; predictions of
    others cannot be judged. covered (int): Annotations left out because they overlap another in flat evaluation.
    """

    text: str
    spans: frozenset[CharSpan]
    asked: frozenset[str] | None
    covered: int = 0


def read_gold(path: Path, spans_key: str | None = None) -> list[GoldText]:
    """Read a file, or every file of a directory, as `read_corpus` does.

    spans_key (Optional[str]): Count every span, in .spacy files those of this group. With None the flat entities count:
        `doc.ents`, or of JSONL and passages the longest spans.
    RAISES (ValueError): As `read_corpus`; T064 no documents.
    """
    texts = [text for file in corpus_files(path) for text in read_file(file, spans_key)]
    if not texts:
        raise ValueError(Errors.T064.format(path=path))
    return texts


def read_file(path: Path, spans_key: str | None) -> Iterable[GoldText]:
    if file_type(path) != DOCBIN:
        return (from_record(record, nested=spans_key is not None) for record in read_records(path))
    return from_docbin(path, spans_key)


def from_docbin(path: Path, spans_key: str | None) -> Iterable[GoldText]:
    key = spans_key or SPANS_KEY
    for doc in read_docbin(path, spacy.blank("xx"), key):
        every = char_spans(doc.spans[key])
        spans = every if spans_key else char_spans(doc.ents)
        asked = doc._.gliner_labels
        yield GoldText(doc.text, spans, frozenset(asked) if asked else None, len(every - spans))


def from_record(record: Record, nested: bool) -> GoldText:
    every = list(dict.fromkeys(trimmed(record.text, *span) for span in record.spans))
    spans = every if nested else flat(every, [0.0] * len(every))
    asked = frozenset(record.labels) if record.labels else None
    return GoldText(record.text, frozenset(spans), asked, len(every) - len(spans))


def trimmed(text: str, start: int, end: int, label: str) -> CharSpan:
    """Leave out white space at the ends, as `make_doc` does."""
    marked = text[start:end]
    return CharSpan(start + len(marked) - len(marked.lstrip()), end - len(marked) + len(marked.rstrip()), label)


def char_spans(spans: Iterable[DocSpan]) -> frozenset[CharSpan]:
    return frozenset(CharSpan(span.start_char, span.end_char, span.label_) for span in spans)


def labels_of(texts: Sequence[GoldText]) -> list[str]:
    """RETURNS (List[str]): Every label that is annotated or was looked for, sorted."""
    return sorted({label for text in texts for label in text.asked or ()} | {s.label for t in texts for s in t.spans})
