"""What is replaced in a text: findings made disjoint, and trimmed to what is worth replacing."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import Errors
from .finding import Finding
from .merge import merge

PERSONS = frozenset({"PERSON", "NAME"})
POSSESSIVE = re.compile("['\u2019][sS]$")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the original text that is replaced as a whole."""

    start: int
    end: int
    label: str
    score: float = 1.0
    source: str = ""


def cover(text: str, findings: Iterable[Finding]) -> list[Piece]:
    """Findings that overlap become one piece. White space at the ends and a person's possessive ending stay outside.

    RETURNS (List[Piece]): In reading order. RAISES (ValueError): T220 for borders outside the text.
    """
    findings = list(findings)
    for finding in findings:
        if not 0 <= finding.start < finding.end <= len(text):
            raise ValueError(Errors.T220.format(start=finding.start, end=finding.end, length=len(text)))
    pieces = []
    for finding in merge(findings):
        value = text[finding.start : finding.end]
        start = finding.start + len(value) - len(value.lstrip())
        value = value.strip()
        if finding.label.upper() in PERSONS:
            value = POSSESSIVE.sub("", value) or value
        if value:
            pieces.append(Piece(start, start + len(value), finding.label, finding.score, finding.source))
    return pieces


def overlaps(piece: Piece, others: Iterable[Piece]) -> bool:
    return any(piece.start < other.end and other.start < piece.end for other in others)


def gaps(text: str, pieces: Iterable[Piece]) -> Iterator[tuple[int, int]]:
    """YIELDS (Tuple[int, int]): The stretches between pieces, the empty ones left out."""
    position = 0
    for piece in pieces:
        if position < piece.start:
            yield position, piece.start
        position = piece.end
    if position < len(text):
        yield position, len(text)


def disjoint(found: Iterable[tuple[int, int, Any]]) -> list[tuple[int, int, Any]]:
    """RETURNS (List[tuple]): Of (start, end, what) that overlap, the first; of those with one start, the longest."""
    chosen: list[tuple[int, int, Any]] = []
    for item in sorted(found, key=lambda item: (item[0], -item[1])):
        if not chosen or item[0] >= chosen[-1][1]:
            chosen.append(item)
    return chosen


def substitute(text: str, replacements: Iterable[tuple[int, int, str]]) -> str:
    """replacements: Disjoint (start, end, new text), in reading order."""
    parts, position = [], 0
    for start, end, new in replacements:
        parts += [text[position:start], new]
        position = end
    return "".join([*parts, text[position:]])
