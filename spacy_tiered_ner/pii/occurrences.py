"""Where known values stand in a text, in time that grows with the text and not with the number of values."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from ..gliner.words import HAS_CJK

WORD = re.compile(r"\w+")


def lowered(text: str) -> str:
    """RETURNS (str): The text in lower case, as long as before."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def occurrences(lower: str, values: Iterable[str]) -> Iterator[tuple[int, int, str]]:
    """Find values that stand as words of their own, or with a plural or possessive s behind them.

    lower (str), values (Iterable[str]): In lower case.
    YIELDS (Tuple[int, int, str]): First character, the one after the last, the value.
    """
    by_word: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for value in values:
        first = WORD.search(value)
        if first is None or HAS_CJK.search(value):
            yield from anywhere(lower, value)
        else:
            by_word[first.group()].append((value, first.start()))
    if not by_word:
        return
    for match in WORD.finditer(lower):
        word = match.group()
        known = by_word.get(word, ())
        if word[-1] == "s":
            known = [*known, *by_word.get(word[:-1], ())]
        for value, lead in known:
            start = match.start() - lead
            if start >= 0 and lower.startswith(value, start):
                end = ended(lower, start + len(value))
                if end:
                    yield start, end, value


def ended(lower: str, end: int) -> int:
    """RETURNS (int): Where the word that a value ends with ends, 0 if it is another word."""
    if not lower[end : end + 1].isalnum() or not lower[end - 1].isalnum():
        return end
    return end + 1 if lower[end] == "s" and not lower[end + 1 : end + 2].isalnum() else 0


def anywhere(lower: str, value: str) -> Iterator[tuple[int, int, str]]:
    start = lower.find(value)
    while start >= 0:
        yield start, start + len(value), value
        start = lower.find(value, start + len(value))
