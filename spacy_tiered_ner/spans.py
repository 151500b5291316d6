"""The only writer of span groups and of `doc.ents`.

A group's attributes run parallel to its spans: `scores` float32 (n,), `tiers` n producer names, `runner_up_labels`
n strings ("" where there is no other label) and `runner_up_scores` float32 (n,). Slicing or joining groups drops
them, so nobody else touches them.
"""

from collections.abc import Sequence

import numpy as np
from spacy.tokens import Doc, Span, SpanGroup


def write_group(
    doc: Doc,
    key: str,
    spans: Sequence[Span],
    scores: Sequence[float],
    tier: str,
    runner_up_labels: Sequence[str],
    runner_up_scores: Sequence[float],
) -> None:
    """Write candidates, nested and overlapping ones included, in reading order (outer before inner)."""
    order = sorted(range(len(spans)), key=lambda i: (spans[i].start, -spans[i].end, -scores[i]))
    attrs = {
        "scores": np.array([scores[i] for i in order], dtype=np.float32),
        "tiers": [tier] * len(order),
        "runner_up_labels": [runner_up_labels[i] for i in order],
        "runner_up_scores": np.array([runner_up_scores[i] for i in order], dtype=np.float32),
    }
    doc.spans[key] = SpanGroup(doc, name=key, attrs=attrs, spans=[spans[i] for i in order])


def flat(spans: Sequence[Span], scores: Sequence[float]) -> list[Span]:
    """The flat projection: highest score first, the longer span on a tie, never overlapping.

    RETURNS (List[Span]): In reading order.
    """
    order = sorted(range(len(spans)), key=lambda i: (-scores[i], spans[i].start - spans[i].end, spans[i].start))
    taken: set[int] = set()
    chosen = []
    for i in order:
        tokens = range(spans[i].start, spans[i].end)
        if taken.isdisjoint(tokens):
            taken.update(tokens)
            chosen.append(spans[i])
    return sorted(chosen, key=lambda span: span.start)


def write_ents(doc: Doc, entities: Sequence[Span], overwrite: bool) -> int:
    """Merge flat entities with those an earlier component set. Where two overlap, `overwrite` keeps the new one.

    RETURNS (int): How many of the new entities were written.
    """
    present = list(doc.ents)
    if not present:
        doc.set_ents(list(entities))
        return len(entities)
    winners, losers = (list(entities), present) if overwrite else (present, list(entities))
    taken = {token for span in winners for token in range(span.start, span.end)}
    kept = [span for span in losers if taken.isdisjoint(range(span.start, span.end))]
    doc.set_ents(winners + kept)
    return len(entities) if overwrite else len(kept)
