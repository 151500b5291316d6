"""From the offsets of a tool to characters of the text.

Tools in a browser may count an emoji as two (UTF-16) or leave out carriage returns. Which reading of the offsets is
right is decided for a whole answer, by the marked text where the tool quotes it, otherwise by the borders of words.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ...evaluation.gold import trimmed
from ...evaluation.metrics import CharSpan
from .answers import GivenSpan

LINE_END = re.compile(r"\\r|\\n|\s")

Reading: TypeAlias = dict[int, int]


@dataclass(frozen=True)
class Placed:
    """mended: How many spans were not where the tool says. unsure: How many could as well be elsewhere. lost: Those
    that fit nowhere.
    """

    spans: frozenset[CharSpan]
    mended: int
    unsure: int
    lost: list[GivenSpan]


def place(text: str, given: Sequence[GivenSpan]) -> Placed:
    """Read the spans of an answer. A quoted span that is not where it should be is looked for in the other readings,
    and taken where it stands if that is once in the text.
    """
    ranked = sorted(readings_of(text), key=lambda reading: -likelihood(text, reading, given))
    best = likelihood(text, ranked[0], given)
    rivals = [reading for reading in ranked[1:] if likelihood(text, reading, given) == best]
    spans, lost, mended, unsure = set(), [], 0, 0
    for span in given:
        found = next(filter(None, (borders(text, reading, span) for reading in ranked)), None) or only_place(text, span)
        if found is None:
            lost.append(span)
            continue
        spans.add(trimmed(text, *found, span.label))
        mended += found != (span.start, span.end)
        unsure += span.quoted is None and any(borders(text, rival, span) not in (None, found) for rival in rivals)
    return Placed(frozenset(spans), mended, unsure, lost)


def readings_of(text: str) -> list[Reading]:
    """RETURNS (List[Reading]): From a tool's offsets to ours: characters first, then UTF-16; each also without carriage
    returns. Only those that differ.
    """
    readings: list[Reading] = []
    for returns in (1, 0):
        for wide in (1, 2):
            units = 0
            reading: Reading = {}
            for place, char in enumerate(text):
                reading.setdefault(units, place)
                units += returns if char == "\r" else wide if ord(char) > 0xFFFF else 1
            reading.setdefault(units, len(text))
            if reading not in readings:
                readings.append(reading)
    return readings


def borders(text: str, reading: Reading, span: GivenSpan) -> tuple[int, int] | None:
    """RETURNS (Optional[tuple]): Where the span is in this reading; None outside the text or beside the quoted text."""
    start, end = reading.get(span.start), reading.get(span.end)
    if start is None or end is None or not text[start:end].strip():
        return None
    if span.quoted is not None and LINE_END.sub("", text[start:end]) != LINE_END.sub("", span.quoted):
        return None
    return start, end


def likelihood(text: str, reading: Reading, given: Sequence[GivenSpan]) -> int:
    """RETURNS (int): How many of the spans agree with their quoted text, or without one do not cut a word."""
    places = [(borders(text, reading, span), span) for span in given]
    return sum(
        span.quoted is not None or not any(cuts_word(text, border) for border in found)
        for found, span in places
        if found
    )


def cuts_word(text: str, place: int) -> bool:
    return 0 < place < len(text) and text[place - 1].isalnum() and text[place].isalnum()


def only_place(text: str, span: GivenSpan) -> tuple[int, int] | None:
    if not span.quoted or text.count(span.quoted) != 1:
        return None
    start = text.index(span.quoted)
    return start, start + len(span.quoted)
