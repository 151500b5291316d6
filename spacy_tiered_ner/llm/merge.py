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
    borders = list(zip(candidates.starts.tolist(), candidates.ends.tolist(), strict=True))
    scores, other_scores = candidates.scores.tolist(), candidates.runner_up_scores.tolist()
    above = (candidates.scores > thresholds).tolist()
    stays = [i for i, high in enumerate(above) if high and borders[i] not in verdicts]
    decided = {(d.start, d.end, d.label): d for d in verdicts.values() if d is not None}
    if decided:
        touching = defaultdict(list)
        for decision in decided.values():
            for token in range(decision.start, decision.end):
                touching[token].append(decision)
        stays = [i for i in stays if not excluded(touching, *borders[i])]
    others = [candidates.spans[i] for i in stays]
    present = {(ent.start, ent.end, ent.label_): ent for ent in doc.ents}
    spans = [make_span(doc, decision, present.get(place)) for place, decision in decided.items()]
    if missing:
        taken = {token for span in (*others, *spans) for token in range(span.start, span.end)}
        for decision in missing:
            tokens = range(decision.start, decision.end)
            if taken.isdisjoint(tokens):
                taken.update(tokens)
                spans.append(make_span(doc, decision, None))
    before = labels_before(candidates, borders, scores, spans)
    kept_scores = [scores[i] for i in stays]
    write_group(
        doc,
        TIERED,
        [*others, *spans],
        [*kept_scores, *[SURE] * len(spans)],
        [*(candidates.tiers[i][0] for i in stays), *[LLM] * len(spans)],
        [*(candidates.runner_up_labels[i] for i in stays), *(label for label, _ in before)],
        [*(other_scores[i] for i in stays), *(score for _, score in before)],
    )
    if verdicts or spans:
        write_group(doc, LLM, spans, [SURE] * len(spans), LLM, *zip(*before, strict=True) if before else ())
    write_flat(doc, present, others, kept_scores, spans)
    return len(others) + len(spans), len(spans) - len(decided)


def excluded(touching: Mapping[int, Sequence[Decision]], start: int, end: int) -> bool:
    """touching: The decisions at each token. RETURNS (bool): Whether one of them excludes a candidate."""
    return any(excludes(decision, start, end) for token in range(start, end) for decision in touching.get(token, ()))


def excludes(decision: Decision, start: int, end: int) -> bool:
    """RETURNS (bool): Whether a candidate has the same borders as the decision, or crosses it."""
    if (start, end) == (decision.start, decision.end):
        return True
    inside = decision.start <= start and end <= decision.end
    around = start <= decision.start and decision.end <= end
    return start < decision.end and decision.start < end and not inside and not around


def make_span(doc: Doc, decision: Decision, before: Span | None) -> Span:
    """before (Optional[Span]): The entity that the decision leaves as it was; it keeps its ids."""
    kb_id, span_id = ("", 0) if before is None else (before.kb_id, before.id)
    kb_id = decision.canonical or kb_id
    return Span(doc, decision.start, decision.end, label=decision.label, kb_id=kb_id, span_id=span_id)


def labels_before(
    candidates: Candidates, borders: Sequence[tuple[int, int]], scores: Sequence[float], spans: Sequence[Span]
) -> list[tuple[str, float]]:
    """RETURNS (List[Tuple[str, float]]): For each span another label that its borders had before, with its score, the
    best first; "" and 0 where they had none.
    """
    if not spans:
        return []
    places = defaultdict(list)
    for i, place in enumerate(borders):
        places[place].append(i)
    found = []
    for span in spans:
        others = [i for i in places.get((span.start, span.end), ()) if candidates.labels[i] != span.label_]
        best = max(others, key=scores.__getitem__, default=None)
        found.append(("", 0.0) if best is None else (candidates.labels[best], scores[best]))
    return found


def write_flat(
    doc: Doc,
    present: Mapping[tuple[int, int, str], Span],
    others: Sequence[Span],
    scores: Sequence[float],
    decided: Sequence[Span],
) -> None:
    """Write `doc.ents` where the decision changes them. present: The entities that there are."""
    if not decided and present.keys() <= {(span.start, span.end, span.label_) for span in others}:
        return
    blocked = blocked_spans(doc)
    spans, ranks = [*blocked, *decided], [*[5.0] * len(blocked), *[4.0] * len(decided)]
    for span, score in zip(others, scores, strict=True):
        ent = present.get((span.start, span.end, span.label_))
        spans.append(span if ent is None else ent)
        ranks.append(score if ent is None else score + 2)
    chosen = apart(flat(spans, ranks), blocked)
    if chosen != list(present.values()):
        replace_ents(doc, chosen)
