"""From spaCy examples to gold spans in the encoder's words."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..words import Words, split_words


@dataclass(frozen=True)
class Gold:
    """spans: (first word, last word inclusive, label). missing: bool (words,), where nothing is annotated.
    labels: The labels that this document was annotated with, or None for those of the pipe.
    """

    words: Words
    spans: list[tuple[int, int, str]]
    missing: np.ndarray
    labels: tuple[str, ...] | None


def gold_spans(doc: Doc, spans_key: str) -> list[Span] | None:
    """The annotated spans: the group where there is one, else the entities; None where there is no annotation. A
    group with scores holds what a model found, so it is no annotation.
    """
    if spans_key in doc.spans and "scores" not in doc.spans[spans_key].attrs:
        return list(doc.spans[spans_key])
    return list(doc.ents) if doc.has_annotation("ENT_IOB") else None


def gold_labels(examples: Iterable[Example], spans_key: str) -> Counter[str]:
    """RETURNS (Counter): How many annotated spans each label has."""
    return Counter(span.label_ for eg in examples for span in gold_spans(eg.reference, spans_key) or ())


def read_gold(example: Example, spans_key: str, counts: Counter[str]) -> Gold | None:
    """Align the annotation of an example with the words of its document.

    counts (Counter): Adds `documents`, `spans`, and what cannot be used: `unannotated` documents, `unaligned` spans
        (their borders are no token borders).
    RETURNS (Optional[Gold]): None where there is no word or no annotation.
    """
    counts["documents"] += 1
    wanted = gold_spans(example.reference, spans_key)
    words = split_words(example.predicted)
    if wanted is None or not len(words):
        counts["unannotated"] += wanted is None
        return None
    counts["spans"] += len(wanted)
    spans = []
    for span in example.get_aligned_spans_y2x(wanted, allow_overlap=True):
        first, after = np.searchsorted(words.tokens, (span.start, span.end))
        if after > first:
            spans.append((int(first), int(after) - 1, span.label_))
    counts["unaligned"] += len(wanted) - len(spans)
    labels = example.reference._.gliner_labels
    return Gold(words, spans, missing_words(example, words, spans_key), tuple(labels) if labels is not None else None)


def missing_words(example: Example, words: Words, spans_key: str) -> np.ndarray:
    """Words without annotation, as `Doc.set_ents(missing=...)` marks them; a span group has none."""
    reference = example.reference
    if spans_key in reference.spans or not any(token.ent_iob == 0 for token in reference):
        return np.zeros(len(words), dtype=bool)
    annotated = np.array([value is not None for value in example.get_aligned_ner()])
    return ~annotated[words.tokens]
