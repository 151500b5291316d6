"""Where the text of an answer stands in the passages that were shown."""

import re
import unicodedata
from collections.abc import Iterator

from spacy.tokens import Doc

from .passage import Passage
from .windows import Item, Window

SINGLE_QUOTES = "\u2018\u2019\u201a\u201b\u00b4`"
DOUBLE_QUOTES = "\u201c\u201d\u201e\u00ab\u00bb"
DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212"
ALIKE = str.maketrans(
    SINGLE_QUOTES + DOUBLE_QUOTES + DASHES,
    "'" * len(SINGLE_QUOTES) + '"' * len(DOUBLE_QUOTES) + "-" * len(DASHES),
)
Tokens = tuple[int, int]


def ground_item(window: Window, item: Item, text: str) -> Tokens | None:
    """New borders for a span: an occurrence of the text that overlaps it, the one nearest to its own borders.

    RETURNS (Optional[Tuple[int, int]]): Tokens, end exclusive; None where the text does not stand there.
    """
    passage = window.passage_of(item)
    touching = [
        place for place in occurrences(window.doc, passage, text) if place[0] < item.end and item.start < place[1]
    ]
    return min(touching, key=lambda place: abs(place[0] - item.start) + abs(place[1] - item.end), default=None)


def ground_text(window: Window, text: str) -> list[Tokens]:
    """RETURNS (List[Tuple[int, int]]): Everywhere that the text stands in the passages, in tokens, on token borders."""
    return [place for passage in window.passages for place in occurrences(window.doc, passage, text)]


def occurrences(doc: Doc, passage: Passage, text: str) -> list[Tokens]:
    """Verbatim; otherwise with case, white space, quotes and dashes aside, where that is found exactly once."""
    text = text.strip()
    if not text:
        return []
    found = {place for place in map(tokens(doc, passage), verbatim(passage.text, text)) if place}
    if not found:
        found = {place for place in map(tokens(doc, passage), loosely(passage.text, text)) if place}
        found = found if len(found) == 1 else set()
    return sorted(place for place in found if place is not None)


def tokens(doc: Doc, passage: Passage):
    def place(borders: tuple[int, int]) -> Tokens | None:
        span = doc.char_span(*passage.to_doc(*borders))
        return (span.start, span.end) if span is not None else None

    return place


def verbatim(shown: str, text: str) -> Iterator[tuple[int, int]]:
    position = shown.find(text)
    while position >= 0:
        yield position, position + len(text)
        position = shown.find(text, position + 1)


def loosely(shown: str, text: str) -> Iterator[tuple[int, int]]:
    words = [re.escape(word) for word in plain(text).split()]
    if not words:
        return
    folded, origins = [], []
    for i, char in enumerate(shown):
        for letter in plain(char):
            folded.append(letter)
            origins.append(i)
    for match in re.finditer(r"\s+".join(words), "".join(folded)):
        yield origins[match.start()], origins[match.end() - 1] + 1


def plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(ALIKE).casefold()
