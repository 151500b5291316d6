"""Who is escalated: policies that say how doubtful each candidate is, and the choice of the most doubtful.

A policy is a callable `(doc, candidates) -> Doubt`. Register one of your own with `@spacy.registry.misc`; processes
that are spawned need it to be picklable, so no closure.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from spacy.tokens import Doc

from ..errors import Errors
from ..gliner.checks import check_positive, check_share
from .candidates import Candidates

WHOLE = -1


@dataclass
class Doubt:
    """spans: How doubtful each candidate is, float32 (n,), from 0 (leave it alone) to 1 (ask first). document: The
    same for the document as a whole, which is then asked for entities that nobody found.
    """

    spans: np.ndarray
    document: float = 0.0


Policy: TypeAlias = Callable[[Doc, Candidates], Doubt]


def build_score_band_policy_v1(
    low: float = 0.3, high: float = 0.8, per_label: Mapping[str, Any] | None = None
) -> Policy:
    """Scores inside a band, the middle of it first.

    per_label (Dict[str, Dict[str, float]]): `low` and `high` of single labels.
    RAISES (ValueError): T010 not a share, T103 low not below high.
    """
    default = check_band("low", "high", low, high)
    bands = {}
    for label, own in (per_label or {}).items():
        if not isinstance(own, Mapping) or not set(own) <= {"low", "high"}:
            raise ValueError(Errors.T103.format(setting=f"per_label.{label}", value=own))
        names = (f"per_label.{label}.low", f"per_label.{label}.high")
        bands[label] = check_band(*names, own.get("low", low), own.get("high", high))

    return partial(score_band, default=default, bands=bands)


def score_band(
    doc: Doc, candidates: Candidates, *, default: tuple[float, float], bands: Mapping[str, tuple[float, float]]
) -> Doubt:
    if bands:
        both = np.array([bands.get(label, default) for label in candidates.labels], dtype=np.float32).reshape(-1, 2)
    else:
        both = np.array([default], dtype=np.float32)
    middle, half = both.mean(axis=1), (both[:, 1] - both[:, 0]) / 2
    return Doubt(np.maximum(1 - np.abs(candidates.scores - middle) / half, 0.0))


def check_band(low_name: str, high_name: str, low: Any, high: Any) -> tuple[float, float]:
    low, high = check_share(low_name, low), check_share(high_name, high)
    if low >= high:
        raise ValueError(Errors.T103.format(setting=f"{low_name}, {high_name}", value=(low, high)))
    return low, high


def build_margin_policy_v1(margin: float = 0.3) -> Policy:
    """Candidates whose second-best label comes closer than `margin`, the closest first."""
    return partial(small_margin, margin=check_positive("margin", margin))


def small_margin(doc: Doc, candidates: Candidates, *, margin: float) -> Doubt:
    gap = np.abs(candidates.scores - candidates.runner_up_scores)
    close = np.maximum(1 - gap / margin, 0.0)
    return Doubt(np.where(candidates.runner_up_scores > 0, close, 0.0))


def build_conflict_policy_v1() -> Policy:
    """Candidates that overlap another one with other borders; the stronger of them is asked about. The closer the
    scores, the more doubtful.
    """
    return conflict


def conflict(doc: Doc, candidates: Candidates) -> Doubt:
    scores = candidates.scores
    rival = np.full(len(scores), -1.0, dtype=np.float32)
    for run in candidates.runs():
        if run.stop - run.start == 1:
            continue
        rival[run] = np.where(candidates.overlaps(run), scores[run], -1.0).max(axis=1)
    return Doubt(np.where((rival >= 0) & (scores >= rival), 1 - (scores - rival), 0.0))


def build_disagreement_policy_v1(tiers: Sequence[str] = ("gliner", "ner"), threshold: float = 0.5) -> Policy:
    """Spans that some of the producers found with a score above the threshold, and others did not.

    tiers (List[str]): The producers to compare, as `attrs["tiers"]` names them; the entities of all components without
        scores are "ner". What only others found, and documents that only one of them has seen, are left alone.
    """
    wanted = frozenset(tiers)
    if len(wanted) < 2:
        raise ValueError(Errors.T050.format(setting="tiers", value=list(tiers), reason="needs at least two producers"))
    return partial(disagreement, wanted=wanted, threshold=check_share("threshold", threshold))


def disagreement(doc: Doc, candidates: Candidates, *, wanted: frozenset[str], threshold: float) -> Doubt:
    seen = {tier for tiers in candidates.tiers for tier in tiers}.union(doc.spans)
    if len(wanted & seen) < 2:
        return Doubt(np.zeros(len(candidates), dtype=np.float32))
    alone = [0 < len(wanted.intersection(tiers)) < len(wanted) for tiers in candidates.tiers]
    return Doubt(np.where(np.array(alone, dtype=bool) & (candidates.scores > threshold), 1.0, 0.0))


def build_always_policy_v1(labels: Sequence[str]) -> Policy:
    """Every candidate with one of the labels."""
    return partial(always, wanted=frozenset(labels))


def always(doc: Doc, candidates: Candidates, *, wanted: frozenset[str]) -> Doubt:
    return Doubt(np.array([float(label in wanted) for label in candidates.labels], dtype=np.float32))


def build_no_entity_policy_v1(labels: Sequence[str] | None = None) -> Policy:
    """Documents without an entity where one was expected: they are asked for what is missing.

    labels (Optional[List[str]]): Expect an entity of each of these; null for any entity at all.
    """
    return partial(no_entity, labels=None if labels is None else frozenset(labels))


def no_entity(doc: Doc, candidates: Candidates, *, labels: frozenset[str] | None) -> Doubt:
    present = {ent.label_ for ent in doc.ents}
    missing = not present if labels is None else not present.issuperset(labels)
    has_words = any(not token.is_space for token in doc)
    return Doubt(np.zeros(len(candidates), dtype=np.float32), float(missing and has_words))


def build_any_policy_v1(*policies: Policy, weights: Sequence[float] | None = None) -> Policy:
    """What any of the policies doubts; doubts of several add up as independent probabilities do, 1 - (1-a)(1-b).

    policies (Policy): None for score band, margin and conflict, each as it comes.
    weights (Optional[List[float]]): From 0 to 1, one a policy in their order, that its doubts are multiplied with.
    """
    if not policies:
        policies = (build_score_band_policy_v1(), build_margin_policy_v1(), build_conflict_policy_v1())
    if weights is not None and len(weights) != len(policies):
        raise ValueError(Errors.T104.format(policies=len(policies), weights=weights))
    shares = [1.0] * len(policies) if weights is None else [check_share("weights", weight) for weight in weights]
    return partial(any_of, policies=policies, shares=shares)


def any_of(doc: Doc, candidates: Candidates, *, policies: Sequence[Policy], shares: Sequence[float]) -> Doubt:
    calm: np.ndarray = np.ones(len(candidates), dtype=np.float32)
    document = 1.0
    for policy, share in zip(policies, shares, strict=True):
        doubt = policy(doc, candidates)
        calm = calm * (1 - share * doubt.spans)
        document *= 1 - share * doubt.document
    return Doubt(1 - calm, 1 - document)


@dataclass
class Choice:
    """Of one document. chosen: Index and doubt of each candidate to ask about, none overlapping another, the most
    doubtful first. whole: Doubt of the document as a whole; 0 where it is not asked about. left_out: Doubtful ones that
    the cap left out (`WHOLE` for the document). covered: How many doubtful ones overlap a chosen one, whose answer
    decides them too.
    """

    chosen: dict[int, float] = field(default_factory=dict)
    whole: float = 0.0
    left_out: list[int] = field(default_factory=list)
    covered: int = 0


def choose(batch: Sequence[Candidates], doubts: Sequence[Doubt], max_share: float) -> list[Choice]:
    """Take the most doubtful of all documents of a batch, up to `max_share` of its candidates (one at least, where
    the share is above 0). Of doubtful candidates that overlap, only the first is asked about.

    RETURNS (List[Choice]): One for each document.
    """
    ranked: list[tuple[float, int, int]] = []
    for number, doubt in enumerate(doubts):
        ranked += [(-float(doubt.spans[i]), number, i) for i in np.flatnonzero(doubt.spans > 0).tolist()]
        if doubt.document > 0:
            ranked.append((-doubt.document, number, WHOLE))
    ranked.sort()
    room = max(1, math.ceil(max_share * sum(map(len, batch)))) if max_share > 0 else 0
    choices = [Choice() for _ in batch]
    taken: list[set[int]] = [set() for _ in batch]
    for weight, number, index in ranked:
        choice, candidates = choices[number], batch[number]
        tokens = range(candidates.starts[index], candidates.ends[index]) if index != WHOLE else range(0)
        if not taken[number].isdisjoint(tokens):
            choice.covered += 1
        elif room == 0:
            choice.left_out.append(index)
        else:
            room -= 1
            taken[number].update(tokens)
            if index == WHOLE:
                choice.whole = -weight
            else:
                choice.chosen[index] = -weight
    return choices
