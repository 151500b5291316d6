"""What is in the training data, and what of it cannot be used."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from spacy.training import Example

from .gold import gold_labels, read_gold

Finding = tuple[str, dict[str, Any]]


def survey(examples: Iterable[Example], spans_key: str, max_width: int) -> tuple[Counter[str], Counter[str]]:
    """RETURNS (Tuple[Counter, Counter]): Spans of each label; counts as of `read_gold`, and those `too_wide`."""
    labels: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for example in examples:
        labels.update(gold_labels([example], spans_key))
        gold = read_gold(example, spans_key, counts)
        counts["too_wide"] += sum(last - first >= max_width for first, last, _ in gold.spans) if gold else 0
    return labels, counts


def unused_labels(found: Counter[str], labels: Sequence[str]) -> Iterator[Finding]:
    """YIELDS (tuple): Warning code and its values, where the labels of the data and of the pipe differ."""
    yield from foreign_labels(Counter({label: count for label, count in found.items() if label not in labels}))
    if without := [label for label in labels if label not in found]:
        yield "W005", {"labels": ", ".join(without)}


def foreign_labels(foreign: Counter[str]) -> Iterator[Finding]:
    """YIELDS (tuple): Warning code and its values, for labels of the data that the pipe does not look for."""
    if foreign:
        yield "W004", {"count": foreign.total(), "labels": ", ".join(sorted(foreign))}


def unusable(counts: Counter[str], spans_key: str, max_width: int | None) -> Iterator[Finding]:
    """YIELDS (tuple): Warning code and its values, for spans and documents that training has to leave out."""
    lost = {kind: counts[kind] for kind in ("too_wide", "unaligned", "cut")}
    if sum(lost.values()):
        yield "W003", {"count": sum(lost.values()), "total": counts["spans"], "width": max_width, **lost}
    if counts["unannotated"]:
        yield "W006", {"count": counts["unannotated"], "total": counts["documents"], "key": spans_key}
