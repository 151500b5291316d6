"""What reviewers answered, whatever the tool."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True)
class GivenSpan:
    """A span as the tool gives it. quoted (Optional[str]): The marked text, where the tool says it."""

    start: int
    end: int
    label: str
    quoted: str | None = None


@dataclass(frozen=True)
class Answer:
    """id: Of the record. text: As the tool showed it. time: None where the tool does not tell."""

    id: str
    text: str
    reviewer: str
    time: str | None
    spans: list[GivenSpan]


@dataclass
class Answers:
    """skipped: What was not taken over, counted by reason."""

    answers: list[Answer] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
