"""The whole evaluation of a pipeline as one table of plain values, for JSON and for the page."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .. import __version__
from ..errors import Warnings
from ..teacher.near import equal_texts
from .bootstrap import (
    FEWEST_DOCUMENTS,
    LEVEL,
    RESAMPLES,
    SEED,
    compare,
    f1,
    figures,
    figures_of_each,
    interval,
    resample,
)
from .calibration import calibrate
from .confusion import NOTHING, confusion
from .gold import GoldText
from .metrics import StrictScore
from .predictions import Predictions
from .schemes import label_counts, scheme_counts, token_counts
from .strata import labels_by_form, score_strata
from .thresholds import sweep

TOKEN_WARNING = (
    "This counts words, not entities: half an entity counts half, and long ones count often. It usually flatters; do "
    "not report it as the quality of NER."
)


@dataclass(frozen=True)
class Task:
    """What is evaluated on: the texts, those of the training data (or None) and the validation data (or None)."""

    name: str
    texts: list[GoldText]
    spans_key: str | None
    train: list[GoldText] | None = None
    validation: list[GoldText] | None = None
    seed: int = SEED

    @property
    def nested(self) -> bool:
        return self.spans_key is not None

    @property
    def gold(self) -> list[frozenset]:
        return [text.spans for text in self.texts]


def evaluate(
    task: Task,
    ours: Predictions,
    *,
    validated: Predictions | None = None,
    other: Predictions | None = None,
) -> dict[str, Any]:
    """Measure everything.

    ours (Predictions): On the texts. validated (Optional[Predictions]): The same pipeline's on the validation data.
    other (Optional[Predictions]): Another pipeline's on the texts, to compare with.
    RETURNS (dict): Scores as shares of 1; parts that could not be measured are None.
    """
    gold, found = task.gold, ours.spans
    labels = sorted({span.label for spans in (*gold, *found, *(other.spans if other else ())) for span in spans})
    by_label = label_counts(found, gold, labels)
    schemes = scheme_counts(found, gold)
    tokens = token_counts([text.text for text in task.texts], found, gold)
    calibration = calibrate(ours.candidates, gold)
    report = {
        "version": __version__,
        "data": task.name,
        "documents": len(gold),
        "measured": f"doc.spans[{task.spans_key!r}]" if task.spans_key else "doc.ents",
        "interval": {"level": LEVEL, "resamples": RESAMPLES, "seed": task.seed, "unit": "documents"},
        **system_report(ours, by_label, labels, task.seed),
        "schemes": {scheme: figures(counts, task.seed) for scheme, counts in schemes.items()},
        "token": {**figures(tokens, task.seed), "warning": TOKEN_WARNING},
        "confusion": confusion_rows(found, gold),
        "strata": {
            "train": task.train is not None,
            "scores": {name: plain_score(score) for name, score in strata(task, ours).items()},
        },
        "calibration": asdict(calibration) if calibration else None,
        "thresholds": threshold_report(task, ours, validated),
        "comparison": comparison(task, ours, other, labels) if other else None,
        "notes": notes(task, ours, other),
    }
    return report


def system_report(system: Predictions, by_label: np.ndarray, labels: Sequence[str], seed: int) -> dict[str, Any]:
    return {
        "name": system.name,
        "strict": figures(by_label.sum(axis=1), seed),
        "per_type": dict(zip(labels, figures_of_each(by_label, seed), strict=True)),
        "scores_key": system.scores_key,
        "cost_per_1000_documents": system.cost.per_thousand(),
    }


def plain_score(score: StrictScore) -> dict[str, Any]:
    values = {"precision": score.precision, "recall": score.recall, "f1": score.f1}
    return {**values, "correct": score.true_positives, "predicted": score.predicted, "gold": score.gold}


def confusion_rows(found: Sequence[frozenset], gold: Sequence[frozenset]) -> dict[str, Any]:
    """RETURNS (dict): `labels`, and `counts`, a row for each gold label and a last one for what is spurious, a column
    for each predicted label and a last one for what was missed.
    """
    counts = confusion(found, gold)
    names = sorted({label for pair in counts for label in pair} - {NOTHING})
    rows = [[counts[wanted, given] for given in (*names, NOTHING)] for wanted in (*names, NOTHING)]
    return {"labels": names, "counts": rows}


def strata(task: Task, ours: Predictions) -> dict[str, StrictScore]:
    forms = labels_by_form(task.train) if task.train is not None else None
    return score_strata(task.texts, ours.spans, forms)


def threshold_report(task: Task, ours: Predictions, validated: Predictions | None) -> dict[str, Any] | None:
    """Thresholds chosen on the validation data, and F1 with them on the texts."""
    if validated is None or task.validation is None:
        return None
    chosen = sweep(validated.scored, validated.spans, [text.spans for text in task.validation], task.nested)
    if chosen is None:
        return None
    after = [frozenset(doc.above(chosen.thresholds, chosen.best, task.nested)) for doc in ours.scored]
    labels = sorted({span.label for spans in (*after, *task.gold, *ours.spans) for span in spans})
    before_counts = label_counts(ours.spans, task.gold, labels).sum(axis=1)
    after_counts = label_counts(after, task.gold, labels).sum(axis=1)
    change = compare(after_counts, before_counts, seed=task.seed)
    return {
        "curve": chosen.curve,
        "best_for_all": chosen.best,
        "proposed": chosen.thresholds,
        "undecided": chosen.undecided,
        "validation": {"before": plain_score(chosen.before), "after": plain_score(chosen.after)},
        "test": {"f1": float(f1(after_counts.sum(axis=0))), "change": asdict(change)},
        "helps": chosen.after.f1 > chosen.before.f1,
    }


def comparison(task: Task, ours: Predictions, other: Predictions, labels: Sequence[str]) -> dict[str, Any]:
    by_label, their_labels = (label_counts(system.spans, task.gold, labels) for system in (ours, other))
    drawn = f1(resample(by_label, seed=task.seed)) - f1(resample(their_labels, seed=task.seed))
    totals = f1(by_label.sum(axis=0)) - f1(their_labels.sum(axis=0))
    per_type = {label: {"f1": float(totals[i]), "f1_interval": interval(drawn[:, i])} for i, label in enumerate(labels)}
    overall = compare(by_label.sum(axis=1), their_labels.sum(axis=1), seed=task.seed)
    calibration = calibrate(other.candidates, task.gold)
    return {
        **system_report(other, their_labels, labels, task.seed),
        "calibration": asdict(calibration) if calibration else None,
        "difference": {**asdict(overall), "test": "approximate randomisation over documents, two-sided"},
        "difference_per_type": per_type,
    }


def notes(task: Task, ours: Predictions, other: Predictions | None) -> list[str]:
    """RETURNS (List[str]): Warnings W300 to W303 and W312, for whoever reads the figures."""
    found = []
    covered = sum(text.covered for text in task.texts)
    total = covered + sum(map(len, task.gold))
    if covered:
        found.append(Warnings.W300.format(count=covered, total=total))
    for system in filter(None, (ours, other)):
        wanted = {span.label for spans in task.gold for span in spans}
        missing = sorted(wanted - {span.label for spans in system.spans for span in spans})
        if missing:
            found.append(Warnings.W301.format(name=system.name, labels=", ".join(missing)))
        if system.unjudged:
            found.append(Warnings.W302.format(name=system.name, count=system.unjudged))
    for split, texts in (("training", task.train), ("validation", task.validation)):
        shared = equal_texts([text.text for text in texts or ()], [text.text for text in task.texts])
        if shared:
            found.append(Warnings.W312.format(count=len(shared), split=split))
    if len(task.texts) < FEWEST_DOCUMENTS:
        found.append(Warnings.W303.format(count=len(task.texts), least=FEWEST_DOCUMENTS))
    return found
