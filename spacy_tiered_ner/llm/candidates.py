"""What earlier components found in a document, as one list of candidates."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from spacy.tokens import Doc, Span

from ..errors import Errors
from ..spans import EARLIER, TIERED


@dataclass
class Candidates:
    """Parallel sequences (n,) in reading order, each (span, label) once.

    starts, ends: Token borders, int (n,), the end exclusive. scores: float32 (n,), 1.0 where a producer gives none.
    tiers: All producers that found it, the one with the highest score first. runner_up_labels, runner_up_scores: The
    best other label of the same span ("" and 0 where there is none). spans: As they were found, with `kb_id` and `id`.
    asked_for: The labels that Tier 1 looked for in the document, with their thresholds.
    """

    starts: np.ndarray
    ends: np.ndarray
    labels: list[str]
    scores: np.ndarray
    tiers: list[tuple[str, ...]]
    runner_up_labels: list[str]
    runner_up_scores: np.ndarray
    spans: list[Span]
    asked_for: dict[str, float]

    def __len__(self) -> int:
        return len(self.spans)

    def runs(self) -> Iterator[slice]:
        """YIELDS (slice): Neighbours that hang together: none overlaps a candidate outside its run."""
        begin = reach = 0
        for i, (start, end) in enumerate(zip(self.starts.tolist(), self.ends.tolist(), strict=True)):
            if start >= reach and i > begin:
                yield slice(begin, i)
                begin = i
            reach = max(reach, end)
        if begin < len(self):
            yield slice(begin, len(self))

    def overlaps(self, run: slice) -> np.ndarray:
        """RETURNS (ndarray): Which of a run's n candidates share a token, bool (n, n), false where their borders are
        the same.
        """
        starts, ends = self.starts[run], self.ends[run]
        shared = (starts[:, None] < ends) & (starts < ends[:, None])
        return shared & ((starts[:, None] != starts) | (ends[:, None] != ends))


Found = dict[tuple[int, int, str], tuple[float, tuple[str, ...], Span, str, float]]


def read_candidates(doc: Doc, spans_keys: Sequence[str]) -> Candidates:
    """Read span groups, and the entities of other components (a `ner`, an `entity_ruler`), which have no scores and
    count as 1.0: `doc.spans["ner"]`, where `gliner_ner` kept them, and what stands in `doc.ents` without being an
    entity of `gliner_ner`. An earlier decision (`doc.spans["tiered"]`) speaks for all of them.

    RAISES (ValueError): T121 for attributes that do not run parallel to their spans.
    """
    found: Found = {}
    for key in spans_keys if TIERED in spans_keys else (*spans_keys, EARLIER):
        if key in doc.spans:
            read_group(doc, key, found)
    thresholds = tier_1_thresholds(doc)
    for ent in doc.ents:
        where = (ent.start, ent.end, ent.label_)
        score, finders, _, other, other_score = found.get(where, (0.0, (), ent, "", 0.0))
        if where not in found or score <= thresholds.get(ent.label_, 0.0):
            found[where] = (1.0, (EARLIER, *finders), ent, other, other_score)
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
        thresholds,
    )


def read_group(doc: Doc, key: str, found: Found) -> None:
    group = doc.spans[key]
    count = len(group)
    columns: dict[str, Any] = {"scores": np.ones(count), "tiers": [key] * count}
    columns |= {"runner_up_labels": [""] * count, "runner_up_scores": np.zeros(count)}
    for name in columns:
        columns[name] = group.attrs.get(name, columns[name])
        if len(columns[name]) != count:
            raise ValueError(Errors.T121.format(key=key, name=name, values=len(columns[name]), spans=count))
    for name in ("scores", "runner_up_scores"):
        columns[name] = np.asarray(columns[name], dtype=np.float32).tolist()
    for span, score, tier, other, other_score in zip(group, *columns.values(), strict=True):
        if span.start == span.end:
            continue
        where = (span.start, span.end, span.label_)
        before = found.get(where)
        if before is None:
            found[where] = (score, (tier,), span, other, other_score)
        elif tier not in before[1]:
            better = score > before[0]
            both = (tier, *before[1]) if better else (*before[1], tier)
            best = (score, both, span, other, other_score) if better else (before[0], both, *before[2:])
            found[where] = best


def tier_1_thresholds(doc: Doc) -> dict[str, float]:
    """RETURNS (Dict[str, float]): The labels that Tier 1 looked for in this document, and their thresholds."""
    known: dict[str, float] = {}
    for entry in (doc._.tiered_ner or {}).values():
        known.update(entry.get("thresholds", {}))
    return known
