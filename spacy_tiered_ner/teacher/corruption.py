"""Seeded errors in gold annotations, which stand for those of a language model where none is at hand.

Of the spans that go wrong (`share`), half are missed, three in ten begin or end a word too early or too late, and two
in ten get another label. Beside them, for about every third of the wrong spans a word that is in no entity is marked. A
share of 0.11 leaves a strict F1 of about 90.
"""

import random
from collections.abc import Sequence

from ..evaluation.metrics import CharSpan
from ..evaluation.schemes import WORD

MISSED, MOVED = 0.5, 0.8
SPURIOUS = 0.35


def corrupt(
    text: str, spans: Sequence[CharSpan], labels: Sequence[str], *, share: float, seed: int, systematic: bool = False
) -> list[CharSpan]:
    """Make errors. They depend on the seed and the text alone, not on what was corrupted before.

    share (float): Of the spans. systematic (bool): The same surface form goes wrong in the same way in all texts, which
        a student cannot average out; otherwise each mention by itself.
    """
    words = [match.span() for match in WORD.finditer(text)]
    found: set[CharSpan] = set()
    for span in spans:
        mention = text[span.start : span.end].casefold() if systematic else f"{text}\0{span.start}\0{span.end}"
        rng = random.Random(f"{seed}\0{span.label}\0{mention}")
        if rng.random() >= share:
            found.add(span)
            continue
        kind = rng.random()
        if kind < MISSED:
            continue
        if kind < MOVED:
            found.add(moved(span, words, rng))
        else:
            others = [label for label in labels if label != span.label]
            found.add(CharSpan(span.start, span.end, rng.choice(others or [span.label])))
    rng = random.Random(f"{seed}\0{text}")
    free = [word for word in words if not any(word[0] < span.end and span.start < word[1] for span in spans)]
    count = sum(rng.random() < SPURIOUS * share for _ in spans)
    for start, end in rng.sample(free, min(count, len(free))):
        found.add(CharSpan(start, end, rng.choice(list(labels))))
    return sorted(found)


def moved(span: CharSpan, words: Sequence[tuple[int, int]], rng: random.Random) -> CharSpan:
    """One border a word further out or in; a single word at the edge of the text stays as it is."""
    inside = [i for i, (start, end) in enumerate(words) if start < span.end and span.start < end]
    if not inside:
        return span
    first, last = inside[0], inside[-1]
    borders = [(first - 1, last), (first, last + 1)]
    if last > first:
        borders += [(first + 1, last), (first, last - 1)]
    possible = [(low, high) for low, high in borders if low >= 0 and high < len(words)]
    if not possible:
        return span
    low, high = rng.choice(possible)
    return CharSpan(words[low][0], words[high][1], span.label)
