"""Bootstrap intervals over documents, and paired comparison of two systems.

Counts are an array (documents, 3): true positives, predicted and gold spans of each document. Documents are what is
drawn, because the spans of one document succeed and fail together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

RESAMPLES = 1000
PERMUTATIONS = 10_000
SEED = 0
LEVEL = 95  # percent
FEWEST_DOCUMENTS = 50  # for intervals to be trusted
BLOCK = 4_000_000  # random numbers held at a time


def precision(sums: np.ndarray) -> np.ndarray:
    """sums (ndarray): True positives, predicted and gold (..., 3). RETURNS (ndarray): A share for each (...)."""
    return sums[..., 0] / np.maximum(sums[..., 1], 1)


def recall(sums: np.ndarray) -> np.ndarray:
    return sums[..., 0] / np.maximum(sums[..., 2], 1)


def f1(sums: np.ndarray) -> np.ndarray:
    return 2 * sums[..., 0] / np.maximum(sums[..., 1] + sums[..., 2], 1)


def resample(counts: np.ndarray, *, seed: int = SEED, resamples: int = RESAMPLES) -> np.ndarray:
    """Sum the counts of as many documents as there are, drawn with replacement. The same documents are drawn for the
    same number of documents and seed, so that results of two systems are paired.

    counts (ndarray): (documents, ...). RETURNS (ndarray): (resamples, ...).
    """
    size = len(counts)
    flat = counts.reshape(size, -1)
    rng = np.random.default_rng(seed)
    shares = np.full(size, 1 / size)
    sums = [rng.multinomial(size, shares, rows) @ flat for rows in blocks(resamples, size)]
    return np.concatenate(sums).reshape(resamples, *counts.shape[1:])


def interval(values: np.ndarray) -> tuple[float, float]:
    """RETURNS (Tuple[float, float]): The percentiles between which the middle 95 % of the values lie."""
    low, high = np.percentile(values, ((100 - LEVEL) / 2, (100 + LEVEL) / 2))
    return float(low), float(high)


def figures(counts: np.ndarray, seed: int = SEED) -> dict[str, Any]:
    """counts (ndarray): (documents, 3). RETURNS (dict): Precision, recall and F1 with their intervals, and numbers."""
    return figures_of_each(counts[:, None], seed)[0]


def figures_of_each(counts: np.ndarray, seed: int = SEED) -> list[dict[str, Any]]:
    """counts (ndarray): (documents, labels, 3). RETURNS (List[dict]): `figures` of each label."""
    drawn = resample(counts, seed=seed)
    rows = []
    for number, sums in enumerate(counts.sum(axis=0)):
        row: dict[str, Any] = {}
        for name, measure in {"precision": precision, "recall": recall, "f1": f1}.items():
            row[name] = float(measure(sums))
            row[f"{name}_interval"] = interval(measure(drawn[:, number]))
        points, predicted, gold = sums.tolist()
        rows.append(
            {
                **row,
                "correct": int(points) if points.is_integer() else points,
                "predicted": int(predicted),
                "gold": int(gold),
            }
        )
    return rows


@dataclass(frozen=True)
class Difference:
    """The first system's F1 less the second's, its interval, and how often exchanging the systems' results at random,
    document by document, gives as large a difference (`p_value`, two-sided approximate randomisation).
    """

    f1: float
    f1_interval: tuple[float, float]
    p_value: float


def compare(counts: np.ndarray, other: np.ndarray, *, seed: int = SEED) -> Difference:
    """counts, other (ndarray): Of two systems on the same documents in the same order (documents, 3)."""
    between = f1(resample(counts, seed=seed)) - f1(resample(other, seed=seed))
    observed = float(f1(counts.sum(axis=0)) - f1(other.sum(axis=0)))
    return Difference(observed, interval(between), randomisation_test(counts, other, seed=seed))


def randomisation_test(counts: np.ndarray, other: np.ndarray, *, seed: int = SEED, rounds: int = PERMUTATIONS) -> float:
    """RETURNS (float): The p-value; at least 1 / (rounds + 1)."""
    ours, theirs, change = counts.sum(axis=0), other.sum(axis=0), other - counts
    observed = abs(f1(ours) - f1(theirs))
    rng = np.random.default_rng(seed)
    as_large = 0
    for rows in blocks(rounds, len(counts)):
        moved = rng.integers(0, 2, (rows, len(counts))) @ change
        as_large += int((np.abs(f1(ours + moved) - f1(theirs - moved)) >= observed - 1e-12).sum())
    return (as_large + 1) / (rounds + 1)


def blocks(rows: int, columns: int) -> Iterator[int]:
    """Divide rows so that a block of them has about BLOCK cells."""
    most = max(1, BLOCK // columns)
    for done in range(0, rows, most):
        yield min(most, rows - done)
