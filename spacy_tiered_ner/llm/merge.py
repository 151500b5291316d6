"""One rule that makes one decision of what the tiers say.

1. A span that the LLM was asked about is what it answered: kept, with another label or borders, or gone.
2. Any other candidate stays where its score is above its label's threshold, unless a span of the LLM has the same
   borders or crosses it. Nested ones stay.
3. What the LLM adds where nobody had found anything comes in where it overlaps nothing that stays.
`doc.spans["tiered"]` is all of that; `doc.ents` is its flat projection: spans of the LLM first, then entities that were
there before, then the highest score. Blocked tokens stay blocked.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from spacy.tokens import Doc, Span

from ..spans import TIERED, apart, blocked_spans, flat, replace_ents, write_group
from .answers import Decision
from .candidates import Candidates

LLM = "llm"
SURE = 1.0


def merge(
    doc: Doc,
    candidates: Candidates,
    thresholds: np.ndarray,
    verdicts: Mapping[tuple[int, int], Decision | None],
    missing: Iterable[Decision] = (),
) -> tuple[int, int]:
    """Write `doc.spans["tiered"]`, where there are verdicts `doc.spans["llm"]`, and `doc.ents` where they change.

    thresholds (ndarray): Of each candidate, float32 (n,). verdicts (Mapping): By the borders that were asked about.
    RETURNS (Tuple[int, int]): How many spans the group holds, and how many of `missing` are among them.
    """
    starts, ends = candidates.starts.tolist(), candidates.ends.tolist()
    above = (candidates.scores > thresholds).tolist()
    stays = [i for i, high in enumerate(above) if high and (starts[i], ends[i]) not in verdicts]
    decided = {(d.start, d.end, d.label): d for d in verdicts.values() if d is not None}
    touching = defaultdict(list)
    for decision in decided.values():
        for token in range(decision.start, decision.end):
            touching[token].append(decision)

    def excluded(start: int, end: int) -> bool:
        near = (decision for token in range(start, end) for decision in touching.get(token, ()))
        return any(excludes(decision, start, end) for decision in near)

    if decided:
        stays = [i for i in stays if not excluded(starts[i], ends[i])]
    others = [candidates.spans[i] for i in stays]
    spans = [make_span(doc, decision) for decision in decided.values()]
    taken = {token for span in (*others, *spans) for token in range(span.start, span.end)}
    for decision in missing:
        tokens = range(decision.start, decision.end)
        if taken.isdisjoint(tokens):
            taken.update(tokens)
            spans.append(make_span(doc, decision))
    before = [was(candidates, span) for span in spans]
    write_group(
        doc,
        TIERED,
        [*others, *spans],
        [*candidates.scores[stays].tolist(), *[SURE] * len(spans)],
        [*(candidates.tiers[i][0] for i in stays), *[LLM] * len(spans)],
        [*(candidates.runner_up_labels[i] for i in stays), *(label for label, _ in before)],
        [*candidates.runner_up_scores[stays].tolist(), *(score for _, score in before)],
    )
    if verdicts or spans:
        write_group(doc, LLM, spans, [SURE] * len(spans), LLM, *zip(*before, strict=True) if before else ())
    gone = {(ent.start, ent.end, ent.label) for ent in doc.ents}.difference((s.start, s.end, s.label) for s in others)
    if verdicts or spans or gone:
        write_flat(doc, others, candidates.scores[stays].tolist(), spans)
    return len(others) + len(spans), len(spans) - len(decided)


def excludes(decision: Decision, start: int, end: int) -> bool:
    """RETURNS (bool): Whether a candidate has the same borders as the decision, or crosses it."""
    if (start, end) == (decision.start, decision.end):
        return True
    inside = decision.start <= start and end <= decision.end
    around = start <= decision.start and decision.end <= end
    return start < decision.end and decision.start < end and not inside and not around


def make_span(doc: Doc, decision: Decision) -> Span:
    return Span(doc, decision.start, decision.end, label=decision.label, kb_id=decision.canonical)


def was(candidates: Candidates, span: Span) -> tuple[str, float]:
    """RETURNS (Tuple[str, float]): Another label that these borders had before, with its score, the best first."""
    same = (candidates.starts == span.start) & (candidates.ends == span.end)
    others = [i for i in np.flatnonzero(same).tolist() if candidates.labels[i] != span.label_]
    best = max(others, key=lambda i: candidates.scores[i], default=None)
    return ("", 0.0) if best is None else (candidates.labels[best], float(candidates.scores[best]))


def write_flat(doc: Doc, others: Sequence[Span], scores: Sequence[float], decided: Sequence[Span]) -> None:
    present = {(ent.start, ent.end, ent.label): ent for ent in doc.ents}
    blocked = blocked_spans(doc)
    spans, ranks = [*blocked, *decided], [*[5.0] * len(blocked), *[4.0] * len(decided)]
    for span, score in zip(others, scores, strict=True):
        ent = present.get((span.start, span.end, span.label))
        spans.append(span if ent is None else ent)
        ranks.append(score if ent is None else score + 2)
    replace_ents(doc, apart(flat(spans, ranks), blocked))
