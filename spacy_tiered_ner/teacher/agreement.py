"""What several answers about the same window say together."""

from collections.abc import Sequence

from ..llm.answers import Decision

Votes = Sequence[frozenset[Decision]]


def unanimous(votes: Votes) -> bool:
    return len(set(votes)) <= 1


def decide(votes: Votes, arbiter: frozenset[Decision] | None = None) -> dict[Decision, float]:
    """Choose spans, each with the share of all answers that have it.

    votes (Sequence[FrozenSet[Decision]]): Those of equals: what at least half of them have is chosen. Of two that
        overlap and that no answer has together, the one with more votes stays, or else the longer one.
    arbiter (Optional[FrozenSet[Decision]]): What a stronger model says; if given, it alone decides.
    """
    every = [*votes, arbiter] if arbiter is not None else list(votes)
    voters = {span: {i for i, vote in enumerate(every) if span in vote} for vote in every for span in vote}
    if arbiter is not None:
        chosen = set(arbiter)
    else:
        chosen = {span for span, backers in voters.items() if 2 * len(backers) >= len(every)}
    kept: list[Decision] = []
    for span in sorted(chosen, key=lambda s: (-len(voters[s]), s.start - s.end, s.start, s.label)):
        rivals = (other for other in kept if span.start < other.end and other.start < span.end)
        if all(voters[span] & voters[other] for other in rivals):
            kept.append(span)
    return {span: len(voters[span]) / len(every) for span in sorted(kept, key=lambda s: (s.start, s.end, s.label))}
