"""Entity-level metrics."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

Span: TypeAlias = tuple[int, int, str]


class CharSpan(NamedTuple):
    """A `Span` with names: `end` is exclusive."""

    start: int
    end: int
    label: str


def clusters(found: Set[Span], wanted: Set[Span]) -> Iterator[tuple[set[Span], set[Span]]]:
    """Divide the spans of a document so that those of different parts do not overlap. Whatever compares overlapping
    spans can then go part by part, which keeps long documents quick.
    """
    part: tuple[set[Span], set[Span]] = (set(), set())
    reach = 0
    for span, side in sorted([*((span, 0) for span in found), *((span, 1) for span in wanted)]):
        if span[0] >= reach and (part[0] or part[1]):
            yield part
            part = (set(), set())
        part[side].add(span)
        reach = max(reach, span[1])
    if part[0] or part[1]:
        yield part


@dataclass
class StrictScore:
    """Strict micro precision, recall and F1: a span counts where both borders and the label are right."""

    true_positives: int = 0
    predicted: int = 0
    gold: int = 0

    def add(self, predicted: Set[Span], gold: Set[Span]) -> None:
        self.true_positives += len(predicted & gold)
        self.predicted += len(predicted)
        self.gold += len(gold)

    @property
    def precision(self) -> float:
        return self.true_positives / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        return self.true_positives / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        total = self.predicted + self.gold
        return 2 * self.true_positives / total if total else 0.0


def strict_score(predicted: Iterable[Set[Span]], gold: Iterable[Set[Span]]) -> StrictScore:
    """Score documents given as sets of (start, end, label)."""
    score = StrictScore()
    for found, wanted in zip(predicted, gold, strict=True):
        score.add(found, wanted)
    return score
