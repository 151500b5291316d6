"""The only writer of span groups and of `doc.ents`.

A predicted group's attributes run parallel to its spans: `scores` float32 (n,), `tiers` n producer names,
`runner_up_labels` n strings ("" where there is no other label) and `runner_up_scores` float32 (n,). Slicing or joining
groups drops them, so nobody else touches them.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

import numpy as np
from spacy.attrs import ENT_IOB, ENT_TYPE
from spacy.tokens import Doc, Span, SpanGroup

BEGINS = 3  # ENT_IOB of "B"
EARLIER, TIERED = "ner", "tiered"


class Bounded(Protocol):
    """Anything from `start` to `end` (exclusive)."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


BoundedT = TypeVar("BoundedT", bound=Bounded)


def write_group(
    doc: Doc,
    key: str,
    spans: Sequence[Span],
    scores: Sequence[float],
    tier: str | Sequence[str],
    runner_up_labels: Sequence[str] | None = None,
    runner_up_scores: Sequence[float] | None = None,
) -> None:
    """Write candidates, nested and overlapping ones included, in reading order (outer before inner).

    tier (Union[str, Sequence[str]]): Who found them: one producer, or one for each span.
    """
    count = len(spans)
    tiers = [tier] * count if isinstance(tier, str) else tier
    others = [""] * count if runner_up_labels is None else runner_up_labels
    other_scores = [0.0] * count if runner_up_scores is None else runner_up_scores
    order = sorted(range(count), key=lambda i: (spans[i].start, -spans[i].end, -scores[i]))
    attrs = {
        "scores": np.array([scores[i] for i in order], dtype=np.float32),
        "tiers": [tiers[i] for i in order],
        "runner_up_labels": [others[i] for i in order],
        "runner_up_scores": np.array([other_scores[i] for i in order], dtype=np.float32),
    }
    doc.spans[key] = SpanGroup(doc, name=key, attrs=attrs, spans=[spans[i] for i in order])


def note_earlier_ents(doc: Doc) -> None:
    """Keep what earlier components found before a first group with scores is merged into their entities: as
    `doc.spans["ner"]`, empty where they found nothing. Nothing is written where none of them ran.
    """
    first = not any("scores" in group.attrs for group in doc.spans.values())
    if first and EARLIER not in doc.spans and doc.has_annotation("ENT_IOB"):
        doc.spans[EARLIER] = SpanGroup(doc, name=EARLIER, spans=list(doc.ents))


def write_gold(doc: Doc, key: str, spans: Iterable[Span], ents: bool = True) -> None:
    """Write annotations: a group without attributes, in reading order (outer before inner, then as given), each span
    and label once. With `ents`, `doc.ents` becomes their flat projection: the longest first, of several labels on the
    same borders the first given.
    """
    distinct: dict[tuple[int, int, int], Span] = {}
    for span in spans:
        distinct.setdefault((span.start, span.end, span.label), span)
    gold = sorted(distinct.values(), key=lambda span: (span.start, -span.end))
    doc.spans[key] = SpanGroup(doc, name=key, spans=gold)
    if ents:
        doc.set_ents(flat(gold, [0.0] * len(gold)))


def flat(spans: Sequence[BoundedT], scores: Sequence[float]) -> list[BoundedT]:
    """The flat projection: highest score first, the longer span on a tie, never overlapping.

    RETURNS (List[Bounded]): In reading order.
    """
    order = sorted(range(len(spans)), key=lambda i: (-scores[i], spans[i].start - spans[i].end, spans[i].start))
    taken: set[int] = set()
    chosen = []
    for i in order:
        covered = range(spans[i].start, spans[i].end)
        if taken.isdisjoint(covered):
            taken.update(covered)
            chosen.append(spans[i])
    return sorted(chosen, key=lambda span: span.start)


def write_ents(doc: Doc, entities: Sequence[Span], overwrite: bool) -> int:
    """Merge flat entities with those an earlier component set. Where two overlap, `overwrite` keeps the new one;
    tokens that were blocked with `doc.set_ents(blocked=...)` stay blocked.

    RETURNS (int): How many of the new entities were written.
    """
    if not doc.has_annotation("ENT_IOB"):
        doc.set_ents(list(entities))
        return len(entities)
    present = list(doc.ents)
    allowed = apart(entities, blocked_spans(doc))
    if overwrite:
        kept, written = apart(present, allowed), allowed
    else:
        kept, written = present, apart(allowed, present)
    replace_ents(doc, kept + written)
    return len(written)


def replace_ents(doc: Doc, entities: Sequence[Span]) -> None:
    """Make these the entities of a document that has some already; blocked tokens stay blocked."""
    # `set_ents` leaves the ent_id that a rule gave to the tokens of a former entity.
    staying = set(entities)
    for span in doc.ents:
        if span not in staying:
            for token in span:
                token.ent_id = 0
    doc.set_ents(list(entities), blocked=blocked_spans(doc))


def blocked_spans(doc: Doc) -> list[Span]:
    iob, kind = doc.to_array([ENT_IOB, ENT_TYPE]).reshape(-1, 2).T
    return [doc[i : i + 1] for i in np.flatnonzero((iob == BEGINS) & (kind == 0)).tolist()]


def apart(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """RETURNS (List[Span]): Those spans that share no token with the others."""
    taken = {token for span in others for token in range(span.start, span.end)}
    return [span for span in spans if taken.isdisjoint(range(span.start, span.end))]
