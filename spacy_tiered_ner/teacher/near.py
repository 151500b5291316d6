"""Texts that are, or are nearly, in two corpora at once."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ..evaluation.schemes import WORD

SHINGLE = 3  # words
FEWEST_SHINGLES = 5
SHARE = 0.7


@dataclass(frozen=True)
class Pair:
    """Numbers of two texts, and the share of the first one's word triples that the second one has."""

    first: int
    second: int
    share: float


def normalised(text: str) -> str:
    return " ".join(text.split()).casefold()


def equal_texts(first: Sequence[str], second: Sequence[str]) -> list[Pair]:
    """Equal but for case and white space. RETURNS (List[Pair]): For each text of the first the first such one."""
    places: dict[str, int] = {}
    for number, text in enumerate(second):
        places.setdefault(normalised(text), number)
    found = ((number, places.get(normalised(text))) for number, text in enumerate(first))
    return [Pair(number, place, 1.0) for number, place in found if place is not None]


def near_texts(first: Sequence[str], second: Sequence[str]) -> list[Pair]:
    """Texts of the first of which a large part stands in one of the second, but that are not equal to any.

    RETURNS (List[Pair]): With the text of the second that shares most. Texts of fewer than seven words have none.
    """
    equal = {pair.first for pair in equal_texts(first, second)}
    shingled = {number: shingles(text) for number, text in enumerate(first) if number not in equal}
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, found in shingled.items():
        for shingle in found if len(found) >= FEWEST_SHINGLES else ():
            holders[shingle].append(number)
    best: dict[int, Pair] = {}
    for place, text in enumerate(second):
        shared = Counter(number for shingle in shingles(text) for number in holders.get(shingle, ()))
        for number, count in shared.items():
            share = count / len(shingled[number])
            if share >= SHARE and (number not in best or share > best[number].share):
                best[number] = Pair(number, place, share)
    return [best[number] for number in sorted(best)]


def shingles(text: str) -> set[tuple[str, ...]]:
    words = WORD.findall(text.casefold())
    return {tuple(words[i : i + SHINGLE]) for i in range(len(words) - SHINGLE + 1)}
