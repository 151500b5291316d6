"""A threshold for each label, chosen on validation data."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from ..spans import flat
from .bootstrap import f1
from .metrics import CharSpan, StrictScore, strict_score
from .schemes import label_counts

STEP = 0.05
GRID = [round(STEP * step, 2) for step in range(1, 20)]
FEWEST_SPANS = 10


@dataclass(frozen=True)
class Sweep:
    """curve: Strict F1 of all labels together at each threshold. best (float): The best one for all. thresholds: The
    best for each label, `best` for those that have too few annotations or are never right (`undecided`). before, after:
    On the validation data.
    """

    curve: list[tuple[float, float]]
    best: float
    thresholds: dict[str, float]
    undecided: list[str]
    before: StrictScore
    after: StrictScore


@dataclass(frozen=True)
class Scored:
    """What a pipeline found in a text. candidates: With their scores. fixed: Entities of other components, which no
    threshold changes.
    """

    candidates: list[tuple[CharSpan, float]]
    fixed: frozenset[CharSpan]

    def above(self, thresholds: Mapping[str, float], default: float, nested: bool) -> set[CharSpan]:
        """RETURNS (Set[CharSpan]): What counts with these thresholds: flat as `doc.ents`, or nested."""
        kept = [(span, score) for span, score in self.candidates if score > thresholds.get(span.label, default)]
        spans, scores = [span for span, _ in kept], [score for _, score in kept]
        if nested:
            return {*self.fixed, *spans}
        return set(flat([*self.fixed, *spans], [*(2.0 for _ in self.fixed), *scores]))


def sweep(
    documents: Sequence[Scored], predicted: Sequence[Set[CharSpan]], gold: Sequence[Set[CharSpan]], nested: bool
) -> Sweep | None:
    """Choose for each label by its own F1; of equally good thresholds the middle one. A label with fewer than ten
    annotations gets none of its own. Thresholds below all scores are not tried.

    predicted: What the pipeline decides now. RETURNS (Optional[Sweep]): None without scores.
    """
    least = min((score for doc in documents for _, score in doc.candidates), default=1.0)
    grid = [threshold for threshold in GRID if threshold + STEP > least]
    if not grid:
        return None
    labels = sorted({span.label for spans in (*predicted, *gold) for span in spans} | labels_in(documents))
    found = {t: [doc.above({}, t, nested) for doc in documents] for t in grid}
    sums = np.stack([label_counts(found[t], gold, labels).sum(axis=0) for t in grid])
    curve = f1(sums.sum(axis=1))
    best = grid[middle_of_best(curve)]
    by_label = f1(sums)
    decided = (sums[0, :, 2] >= FEWEST_SPANS) & (by_label.max(axis=0) > 0)
    thresholds = {
        label: grid[middle_of_best(by_label[:, column])] if decided[column] else best
        for column, label in enumerate(labels)
    }
    undecided = [label for label, own in zip(labels, decided, strict=True) if not own]
    after = strict_score([doc.above(thresholds, best, nested) for doc in documents], gold)
    return Sweep(
        list(zip(grid, curve.tolist(), strict=True)),
        best,
        thresholds,
        undecided,
        strict_score(predicted, gold),
        after,
    )


def labels_in(documents: Sequence[Scored]) -> set[str]:
    return {span.label for doc in documents for span, _ in doc.candidates}


def middle_of_best(values: np.ndarray) -> int:
    """RETURNS (int): The middle of the longest run of the highest value."""
    best = np.flatnonzero(values >= values.max() - 1e-12)
    runs = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
    longest = max(runs, key=len)
    return int(longest[len(longest) // 2])
