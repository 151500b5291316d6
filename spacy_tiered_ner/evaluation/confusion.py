"""Which types are taken for which."""

from collections import Counter
from collections.abc import Iterable, Sequence, Set

from .metrics import Span, clusters

NOTHING = ""


def confusion(predicted: Iterable[Set[Span]], gold: Iterable[Set[Span]]) -> Counter[tuple[str, str]]:
    """Pair the spans of each document one to one: the right ones, then those with the same borders, then those that
    have the largest share of their characters in common.

    RETURNS (Counter): (gold label, predicted label) to a number; NOTHING is the partner of a missed or spurious span.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for every, annotated in zip(predicted, gold, strict=True):
        for found, wanted in clusters(every, annotated):
            pairs = pair(sorted(wanted), sorted(found))
            counts.update((theirs[2], ours[2]) for theirs, ours in pairs)
            counts.update((span[2], NOTHING) for span in wanted - {theirs for theirs, _ in pairs})
            counts.update((NOTHING, span[2]) for span in found - {ours for _, ours in pairs})
    return counts


def pair(wanted: Sequence[Span], found: Sequence[Span]) -> list[tuple[Span, Span]]:
    overlapping = [(theirs, ours) for theirs in wanted for ours in found if overlap(theirs, ours) > 0]
    overlapping.sort(key=lambda two: (two[0] != two[1], -overlap(*two) / extent(*two)))
    paired, taken = [], set()
    for theirs, ours in overlapping:
        if ("gold", theirs) not in taken and ("found", ours) not in taken:
            taken |= {("gold", theirs), ("found", ours)}
            paired.append((theirs, ours))
    return paired


def overlap(one: Span, other: Span) -> int:
    return min(one[1], other[1]) - max(one[0], other[0])


def extent(one: Span, other: Span) -> int:
    return max(one[1], other[1]) - min(one[0], other[0])
