"""Rules made of regular expressions."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Doc

from ..context import raised, supported
from ..finding import CERTAIN, Finding

NUMBER = r"(?:\s*(?:no|nr|num|number|id|code|#|№|nummer|numéro|número|numero)\b\.?)?"
IS = rf"{NUMBER}\s*(?:[:=#]|\bis\b|\bwas\b|\bare\b|\bist\b|\best\b|\bes\b)?[\s:#(\"']*"
CODE = (
    r"(?P<value>(?=[A-Z\d/. -]*\d)[A-Z\d](?:[A-Z\d]|[./-](?=[A-Z\d])){3,24}(?:\s"
    r"(?=[A-Z]?\d)[A-Z\d-]{2,8}){0,4})(?![\w@])"
)
GROUPS = re.compile(r"[^ -]+")


@dataclass(frozen=True)
class Pattern:
    """One way to write a value.

    name (str): The `source` of its findings.
    label (str): The `label` of its findings.
    regex (Pattern): The value is its group `value` where it has one, else the whole match.
    score (float): How sure a match alone is.
    context (Optional[Pattern]): Words beside it that raise the score.
    valid (Optional[Callable]): Whether a checksum holds: the part for which it does is certain. Where it holds for no
        part, the score stays as it is.
    """

    name: str
    label: str
    regex: re.Pattern
    score: float
    context: re.Pattern | None = None
    valid: Callable[[str], Any] | None = None

    def find(self, text: str) -> Iterator[Finding]:
        group = self.regex.groupindex.get("value", 0)
        for match in self.regex.finditer(text):
            start, end = match.span(group)
            if start < 0:
                continue
            part = valid_part(text[start:end], self.valid) if self.valid else None
            if part:
                yield Finding(start + part[0], start + part[1], self.label, CERTAIN, self.name)
            elif self.context and supported(text, start, end, self.context):
                yield Finding(start, end, self.label, raised(self.score), self.name)
            elif self.score > 0:
                yield Finding(start, end, self.label, self.score, self.name)


class TextRule:
    """A rule that needs nothing but the text. `doc.text` is put together each time, so it is made once for all."""

    def __call__(self, doc: Doc) -> Iterator[Finding]:
        return self.scan(doc.text)

    def scan(self, text: str) -> Iterator[Finding]:
        """YIELDS (Finding): What the text holds."""
        raise NotImplementedError


def marks_of(rule: Callable[[Doc], Iterable[Finding]], doc: Doc, text: str) -> Iterable[Finding]:
    """text (str): That of the document. RETURNS (Iterable[Finding]): What a rule reports."""
    return rule.scan(text) if isinstance(rule, TextRule) else rule(doc)


class PatternRule(TextRule):
    """needs (Pattern): What a text must contain for any of the patterns to match; found quickly."""

    def __init__(self, patterns: Sequence[Pattern], needs: str):
        self.patterns, self.needs = tuple(patterns), re.compile(needs)

    def scan(self, text: str) -> Iterator[Finding]:
        if self.needs.search(text):
            for pattern in self.patterns:
                yield from pattern.find(text)


def valid_part(value: str, valid: Callable[[str], Any]) -> tuple[int, int] | None:
    """RETURNS (Optional[Tuple[int, int]]): The longest run of groups (divided by spaces or hyphens) that is valid: an
    expiry date behind a card number must not spoil it.
    """
    if valid(value):
        return 0, len(value)
    groups = [match.span() for match in GROUPS.finditer(value)]
    for count in range(len(groups) - 1, 0, -1):
        for first in range(len(groups) - count + 1):
            start, end = groups[first][0], groups[first + count - 1][1]
            if valid(value[start:end]):
                return start, end
    return None


def digits(value: str) -> str:
    return "".join(char for char in value if char.isdigit())


def named(names: str, flags: re.RegexFlag = re.IGNORECASE) -> re.Pattern:
    """RETURNS (Pattern): A code behind one of these names: "MRN: 00482-17"."""
    return re.compile(rf"(?<![^\W_])(?:{names}){IS}{CODE}", flags)
