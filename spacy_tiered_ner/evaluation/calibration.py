"""Whether scores can be read as probabilities."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from .metrics import CharSpan, Span

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Candidates with scores from `low` to `high`: how many, their mean score, and the share of them that is right."""

    low: float
    high: float
    count: int
    score: float
    right: float


@dataclass(frozen=True)
class Calibration:
    """error (float): Expected calibration error, the mean of |score - right| over the bins, weighted by their counts.
    least (float): The lowest score there is: nothing is known of what a pipeline did not keep. bins: Those not empty.
    """

    error: float
    count: int
    least: float
    bins: list[Bin]


def calibrate(candidates: Sequence[Sequence[tuple[CharSpan, float]]], gold: Sequence[Set[Span]]) -> Calibration | None:
    """Compare the scores of all candidates with whether they are right in borders and label. None without any."""
    pairs = [(score, span in wanted) for found, wanted in zip(candidates, gold, strict=True) for span, score in found]
    if not pairs:
        return None
    scores, right = np.array([score for score, _ in pairs]), np.array([hit for _, hit in pairs], dtype=float)
    numbers = np.minimum((scores * BINS).astype(int), BINS - 1)
    bins = []
    for number in np.unique(numbers).tolist():
        chosen = numbers == number
        low, high = number / BINS, (number + 1) / BINS
        bins.append(Bin(low, high, int(chosen.sum()), float(scores[chosen].mean()), float(right[chosen].mean())))
    error = sum(b.count * abs(b.score - b.right) for b in bins) / len(pairs)
    return Calibration(error, len(pairs), float(scores.min()), bins)
