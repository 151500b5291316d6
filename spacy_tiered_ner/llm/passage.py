"""A stretch of a document as the LLM sees it, with personal data behind placeholders where that is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from spacy.tokens import Doc

Replaced = tuple[int, int, str]


@dataclass(frozen=True)
class Passage:
    """start, end: Tokens of the document, end exclusive. offset: Its first character in the document. text: What is
    shown. pieces: Replaced parts in order, as (start, end) in `text` and (start, end) in the document.
    """

    start: int
    end: int
    offset: int
    text: str
    pieces: tuple[tuple[int, int, int, int], ...] = ()

    def to_doc(self, start: int, end: int) -> tuple[int, int]:
        """RETURNS (Tuple[int, int]): Characters of the document; what lies in a replaced part becomes all of it."""
        return self._move(start, end, 0, 2, self.offset)

    def to_shown(self, start: int, end: int) -> tuple[int, int]:
        """RETURNS (Tuple[int, int]): Characters of `text`, from those of the document."""
        return self._move(start, end, 2, 0, -self.offset)

    def _move(self, start: int, end: int, source: int, target: int, shift: int) -> tuple[int, int]:
        first = last = shift
        borders: list[int | None] = [None, None]
        for piece in self.pieces:
            low, high = piece[source], piece[source + 1]
            moved = piece[target + 1] - high
            if low <= start < high:
                borders[0] = piece[target]
            if low < end <= high:
                borders[1] = piece[target + 1]
            first = moved if high <= start else first
            last = moved if high <= end else last
        return (
            start + first if borders[0] is None else borders[0],
            end + last if borders[1] is None else borders[1],
        )


def make_passage(doc: Doc, start: int, end: int, replaced: Sequence[Replaced] = ()) -> Passage:
    """replaced: (start, end, placeholder) in characters of the document, in order, none overlapping another; what
    reaches beyond the passage is replaced as far as it lies in it.
    """
    span = doc[start:end]
    text, offset = span.text, span.start_char
    shown, position = [], 0
    pieces, length = [], 0
    for start_char, end_char, placeholder in replaced:
        low, high = max(start_char - offset, 0), min(end_char - offset, len(text))
        if low >= high:
            continue
        before = text[position:low]
        length += len(before)
        pieces.append((length, length + len(placeholder), low + offset, high + offset))
        shown += [before, placeholder]
        length += len(placeholder)
        position = high
    return Passage(start, end, offset, "".join([*shown, text[position:]]), tuple(pieces))
