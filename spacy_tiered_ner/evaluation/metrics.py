"""Entity-level metrics."""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

Span: TypeAlias = tuple[int, int, str]


class CharSpan(NamedTuple):
    """A `Span` with names: `end` is exclusive."""

    start: int
    end: int
    label: str


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
