"""What earlier components found in a document, as one list of candidates."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc, Span

from ..spans import EARLIER


@dataclass
class Candidates:
    """Parallel sequences (n,) in reading order, each (span, label) once.

    starts, ends: Token borders, int (n,), the end exclusive. scores: float32 (n,), 1.0 where a producer gives none.
    tiers: All producers that found it, the one with the highest score first. runner_up_labels, runner_up_scores: The
    best other label of the same span ("" and 0 where there is none). spans: As they were found, with `kb_id` and `id`.
    """

    starts: np.ndarray
    ends: np.ndarray
    labels: list[str]
    scores: np.ndarray
    tiers: list[tuple[str, ...]]
    runner_up_labels: list[str]
    runner_up_scores: np.ndarray
    spans: list[Span]

    def __len__(self) -> int:
        return len(self.spans)

    def overlaps(self) -> np.ndarray:
        """RETURNS (ndarray): Which candidates share a token, bool (n, n), false where their borders are the same."""
        shared = (self.starts[:, None] < self.ends) & (self.starts < self.ends[:, None])
        return shared & ((self.starts[:, None] != self.starts) | (self.ends[:, None] != self.ends))


Found = dict[tuple[int, int, str], tuple[float, tuple[str, ...], Span, str, float]]


def read_candidates(doc: Doc, spans_keys: Sequence[str]) -> Candidates:
    """Read span groups, and the entities of other components (a `ner`, an `entity_ruler`), which have no scores and
    count as 1.0: `doc.spans["ner"]`, where `gliner_ner` kept them, and what stands in `doc.ents` alone.
    """
    found: Found = {}
    for key in (*spans_keys, EARLIER):
        if key in doc.spans:
            read_group(doc, key, found)
    for ent in doc.ents:
        if (ent.start, ent.end, ent.label_) not in found:
            found[ent.start, ent.end, ent.label_] = (1.0, (EARLIER,), ent, "", 0.0)
    keys = sorted(found, key=lambda key: (key[0], -key[1], -found[key][0], key[2]))
    starts = np.array([key[0] for key in keys], dtype=np.int64)
    ends = np.array([key[1] for key in keys], dtype=np.int64)
    scores, tiers, spans, others, other_scores = zip(*map(found.__getitem__, keys), strict=True) if keys else [()] * 5
    return Candidates(
        starts,
        ends,
        [key[2] for key in keys],
        np.array(scores, dtype=np.float32),
        list(tiers),
        list(others),
        np.array(other_scores, dtype=np.float32),
        list(spans),
    )


def read_group(doc: Doc, key: str, found: Found) -> None:
    group = doc.spans[key]
    attrs = group.attrs
    count = len(group)
    scores = np.asarray(attrs.get("scores", np.ones(count)), dtype=np.float32).tolist()
    tiers: Iterable[str] = attrs.get("tiers", [key] * count)
    others: Iterable[str] = attrs.get("runner_up_labels", [""] * count)
    other_scores = np.asarray(attrs.get("runner_up_scores", np.zeros(count)), dtype=np.float32).tolist()
    for span, score, tier, other, other_score in zip(group, scores, tiers, others, other_scores, strict=True):
        where = (span.start, span.end, span.label_)
        before = found.get(where)
        if before is None:
            found[where] = (score, (tier,), span, other, other_score)
        elif tier not in before[1]:
            better = score > before[0]
            both = (tier, *before[1]) if better else (*before[1], tier)
            best = (score, both, span, other, other_score) if better else (before[0], both, *before[2:])
            found[where] = best
