"""Counts of each document under the four schemes of SemEval 2013, from nervaluate, and token by token.

How nervaluate is called matters. It takes last positions, so half-open spans that touch would overlap; it infers its
format from the first document, which may be empty; and it matches greedily in the order given, so a prediction that
only overlaps could take the gold span of an exact one.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence, Set
from typing import Any, TypeAlias

import numpy as np

from ..extras import needs
from .metrics import Span, clusters

SCHEMES = {"strict": "strict", "exact": "exact", "partial": "partial", "type": "ent_type"}
PARTIAL_CREDIT = 0.5
WORD = re.compile(r"\w+|[^\w\s]")

Spans: TypeAlias = Set[Span]


def scheme_counts(predicted: Sequence[Spans], gold: Sequence[Spans]) -> dict[str, np.ndarray]:
    """Count under each scheme: `strict` (borders and label), `exact` (borders), `partial` (borders, half a point for an
    overlap), `type` (label and some overlap).

    RETURNS (dict): By scheme (documents, 3): points, predicted, gold. RAISES (ImportError): T029 no nervaluate.
    """
    evaluator = import_evaluator()
    tags = sorted({label for spans in (*predicted, *gold) for _, _, label in spans})
    counts = {scheme: np.zeros((len(gold), 3)) for scheme in SCHEMES}
    for i, (every, annotated) in enumerate(zip(predicted, gold, strict=True)):
        for found, wanted in clusters(every, annotated):
            true, pred = [as_dicts(sorted(wanted))], [as_dicts(exact_first(found, wanted))]
            overall = evaluator(true, pred, tags=tags, loader="dict").evaluate()["overall"]
            for scheme, name in SCHEMES.items():
                result = overall[name]
                points = result.correct + PARTIAL_CREDIT * result.partial
                counts[scheme][i] += points, result.actual, result.possible
    return counts


def import_evaluator() -> Any:
    with needs("evaluate"):
        from nervaluate import Evaluator
    return Evaluator


def as_dicts(spans: Iterable[Span]) -> list[dict[str, Any]]:
    return [{"start": start, "end": end - 1, "label": label} for start, end, label in spans]


def exact_first(found: Spans, wanted: Spans) -> list[Span]:
    """RETURNS (List[Span]): The right ones, then those with right borders, then the others, each in reading order."""
    borders = {(start, end) for start, end, _ in wanted}
    return sorted(found, key=lambda span: (span not in wanted, span[:2] not in borders, span))


def token_counts(texts: Sequence[str], predicted: Sequence[Spans], gold: Sequence[Spans]) -> np.ndarray:
    """Count words with their labels, as token-level scores do: long entities count often, half an entity counts half.

    RETURNS (ndarray): (documents, 3): right, predicted, gold pairs of a word and a label.
    """
    counts = np.zeros((len(texts), 3))
    for i, (text, found, wanted) in enumerate(zip(texts, predicted, gold, strict=True)):
        words = [match.span() for match in WORD.finditer(text)]
        ours, theirs = labelled_words(words, found), labelled_words(words, wanted)
        counts[i] = len(ours & theirs), len(ours), len(theirs)
    return counts


def labelled_words(words: Sequence[tuple[int, int]], spans: Spans) -> set[tuple[int, str]]:
    firsts, lasts = [first for first, _ in words], [last for _, last in words]
    return {
        (number, label)
        for start, end, label in spans
        for number in range(bisect_right(lasts, start), bisect_left(firsts, end))
    }


def label_counts(predicted: Sequence[Spans], gold: Sequence[Spans], labels: Sequence[str]) -> np.ndarray:
    """Strict counts of each label. RETURNS (ndarray): (documents, labels, 3)."""
    numbers = {label: number for number, label in enumerate(labels)}
    counts = np.zeros((len(gold), len(labels), 3))
    for i, (found, wanted) in enumerate(zip(predicted, gold, strict=True)):
        for column, spans in enumerate((found & wanted, found, wanted)):
            for _, _, label in spans:
                counts[i, numbers[label], column] += 1
    return counts
