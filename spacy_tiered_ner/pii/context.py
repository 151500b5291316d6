"""Words beside a value that say what it is."""

import re
from collections.abc import Iterable

BEFORE, AFTER = 48, 16
BOOST = 0.4
MOST = 0.95


def words(*alternatives: str) -> re.Pattern:
    """RETURNS (Pattern): Matches any of these (regular expressions) at the beginning of a word, whatever the case."""
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(alternatives)})", re.IGNORECASE)


def any_of(patterns: Iterable[re.Pattern]) -> re.Pattern:
    return re.compile("|".join(pattern.pattern for pattern in patterns), re.IGNORECASE)


def supported(text: str, start: int, end: int, context: re.Pattern, before: int = BEFORE, after: int = AFTER) -> bool:
    """RETURNS (bool): Whether such a word stands at most so many characters before or after."""
    return bool(context.search(text, max(0, start - before), start) or context.search(text, end, end + after))


def raised(score: float) -> float:
    """RETURNS (float): The score of a finding whose context supports it; only a checksum gives more."""
    return max(score, min(MOST, score + BOOST))
