"""Annotated texts as evaluation sees them: with the annotators' own borders, whatever the tokenizer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import spacy
from spacy.tokens import Span as DocSpan

from ..corpus import (
    DOCBIN,
    SPANS_KEY,
    Record,
    annotated_groups,
    corpus_files,
    file_type,
    open_docbin,
    read_records,
)
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

    spans_key (Optional[str]): Count every span, in .spacy files those of this group, or of the only one that there is.
        With None the flat entities count: `doc.ents`, or of JSONL and passages the longest spans.
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
    """RAISES (ValueError): T063 no annotations, T303 several span groups, none of them `spans_key`."""
    wanted = spans_key or SPANS_KEY
    for number, doc in enumerate(open_docbin(path, spacy.blank("xx")), 1):
        groups, has_ents = annotated_groups(doc), doc.has_annotation("ENT_IOB")
        key = wanted if wanted in groups else groups[0] if len(groups) == 1 else None
        if key is None and (bool(spans_key and groups) or not has_ents):
            error = Errors.T303 if groups else Errors.T063
            raise ValueError(error.format(path=path, number=number, key=wanted, groups=groups))
        every = [char_span(span) for span in (doc.spans[key] if key else doc.ents)]
        entities = char_spans(doc.ents) if has_ents else outermost(every)
        asked = frozenset(doc._.gliner_labels) if doc._.gliner_labels else None
        if spans_key:
            yield GoldText(doc.text, frozenset(every), asked)
        else:
            yield GoldText(doc.text, entities, asked, len(set(every) - entities))


def outermost(spans: Iterable[CharSpan]) -> frozenset[CharSpan]:
    """RETURNS (FrozenSet[CharSpan]): The flat projection of annotations: the longest first, of several labels on the
    same borders the first given.
    """
    distinct = list(dict.fromkeys(spans))
    return frozenset(flat(distinct, [0.0] * len(distinct)))


def from_record(record: Record, nested: bool) -> GoldText:
    every = [trimmed(record.text, *span) for span in record.spans]
    spans = frozenset(every) if nested else outermost(every)
    asked = frozenset(record.labels) if record.labels else None
    return GoldText(record.text, spans, asked, len(set(every) - spans))


def trimmed(text: str, start: int, end: int, label: str) -> CharSpan:
    """Leave out white space at the ends, as `make_doc` does."""
    marked = text[start:end]
    return CharSpan(start + len(marked) - len(marked.lstrip()), end - len(marked) + len(marked.rstrip()), label)


def char_spans(spans: Iterable[DocSpan]) -> frozenset[CharSpan]:
    return frozenset(map(char_span, spans))


def char_span(span: DocSpan) -> CharSpan:
    return CharSpan(span.start_char, span.end_char, span.label_)


def labels_of(texts: Sequence[GoldText]) -> list[str]:
    """RETURNS (List[str]): Every label that is annotated or was looked for, sorted."""
    return sorted({label for text in texts for label in text.asked or ()} | {s.label for t in texts for s in t.spans})
