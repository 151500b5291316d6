"""Numbered tags such as `<PERSON_1>` that stand for values, and the way back."""

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any

from ..errors import Errors
from .finding import Finding
from .people import People, fold
from .pieces import PERSONS, Piece, cover, gaps, substitute

QUOTED = "TEXT"
# What models make of `<PERSON_1>`: other brackets, spaces, Markdown or HTML escapes, lower case; or no brackets at all.
# A letter behind the number is the spelling, or an ending.
TAG = re.compile(
    r"""
    (?: (?P<open> \\< | < | &lt; | \\\[ | \[ | \{ ) \s{0,2}
        (?P<word> [^\W\d_] (?: [\w\ -] | \\_ ){0,60}? ) (?: \\?_ | [\ -] )? (?P<number> [0-9]{1,9} )
        (?P<spelling> [a-z]{0,3} )
        \s{0,2} (?P<close> \\> | > | &gt; | \\\] | \] | \} )
    | (?<! \w ) (?P<bare> [^\W\d_] (?: \w | \\_ ){0,60}? ) \\?_ (?P<n> [0-9]{1,9} ) (?P<s> [a-z]{0,3} ) (?! \w )
    )""",
    re.IGNORECASE | re.VERBOSE,
)
CLOSING = {"\\<": "\\>", "<": ">", "&lt;": "&gt;", "\\[": "\\]", "[": "]", "{": "}", "": ""}
Key = tuple[str, int, str]


class Placeholders:
    """Gives each value a tag, the same value the same one. Lives in memory only and cannot be pickled.

    Spellings of one value share its number and differ in a letter (`<PERSON_1>` "Ada Lovelace", `<PERSON_1b>` "ADA",
    the same person), so that each tag restores exactly what stood there. Text that already looks like a tag takes that
    tag for itself, or gets another one (`<TEXT_1>`) where it is taken.
    """

    def __init__(self, people: People | None = None):
        """people (Optional[People]): Share it with whatever else must agree on who is who."""
        self.people = People() if people is None else people
        self.record: Callable[[list, str, str], None] | None = None
        self._values: dict[Key, str] = {}
        self._tags: dict[tuple[str, str], str] = {}
        self._numbers: dict[tuple[str, Hashable], int] = {}
        self._spellings: dict[tuple[str, int], int] = {}
        self._last: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} values)"

    def __reduce__(self) -> Any:
        raise TypeError(Errors.T221.format(what=type(self).__name__))

    def mask(self, text: str, findings: Iterable[Finding]) -> str:
        """RETURNS (str): The text with a tag for each finding; `restore` gives it back exactly."""
        return substitute(text, self.tags(text, findings))

    def tags(self, text: str, findings: Iterable[Finding]) -> list[tuple[int, int, str]]:
        """RETURNS (List[Tuple[int, int, str]]): What `mask` replaces, disjoint and in reading order."""
        pieces = cover(text, findings)
        quoted = [
            Piece(start + first, start + last, QUOTED)
            for start, end in gaps(text, pieces)
            for first, last in self.lookalikes(text[start:end])
        ]
        pieces = sorted([*pieces, *quoted], key=lambda piece: piece.start)
        return [(p.start, p.end, self.tag(p.label, text[p.start : p.end])) for p in pieces]

    def restore(self, text: str) -> str:
        """Put the values back, also where a model moved, repeated, inflected or slightly altered their tags."""
        return substitute(text, self.find(text))

    def tag(self, label: str, value: str) -> str:
        """RETURNS (str): The tag of the value, a new one if it has none; never the value itself."""
        word = tag_word(label)
        while (word, value) not in self._tags:
            number = self._numbers.get((word, self._identity(word, value))) or self._new_number(word)
            spelling = self._new_spelling(word, number)
            self._new((word, number, spelling), value, f"<{word}_{number}{spelling.lower()}>")
        return self._tags[word, value]

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """YIELDS (Tuple[int, int, str]): Where a tag stands, and what it stands for."""
        for start, end, (word, number, spelling) in tag_like(text, self._known):
            value = self._values.get((word, number, spelling))
            yield start, end, self._values[word, number, ""] + spelling.lower() if value is None else value

    def lookalikes(self, text: str) -> Iterator[tuple[int, int]]:
        """Let text that looks like a tag take that tag for itself.

        YIELDS (Tuple[int, int]): Where the tag is taken by another value, so that the text must be quoted.
        """
        for start, end, key in tag_like(text, lambda key: True):
            value = text[start:end]
            if not self._known(key):
                self._new(key, value, value)
            elif self._values.get(key) != value:
                yield start, end

    def add(self, key: Sequence[Any], value: str, tag: str) -> None:
        """Take in what another session recorded. A value that is its own tag was text that looked like one."""
        word, number, spelling = key
        self._values[word, number, spelling] = value
        if tag != value:
            self._last[word] = max(self._last.get(word, 0), number)
            self._tags[word, value] = tag
            self._numbers[word, self._identity(word, value)] = number

    def _new(self, key: Key, value: str, tag: str) -> None:
        self.add(key, value, tag)
        if self.record is not None:
            self.record(list(key), value, tag)

    def _identity(self, word: str, value: str) -> Hashable:
        return self.people(value) if word in PERSONS else fold(value)

    def _known(self, key: Key) -> bool:
        return key in self._values or (key[0], key[1], "") in self._values

    def _new_number(self, word: str) -> int:
        number = self._last.get(word, 0) + 1
        while self._known((word, number, "")):
            number += 1
        return number

    def _new_spelling(self, word: str, number: int) -> str:
        while True:
            count = self._spellings.get((word, number), 0)
            self._spellings[word, number] = count + 1
            if (word, number, letters(count)) not in self._values:
                return letters(count)


def tag_word(label: str) -> str:
    """RETURNS (str): The label as it stands in tags, "date of birth" as DATE_OF_BIRTH."""
    word = re.sub(r"[\W_]+", "_", label.upper()).strip("_")
    return word if word and not word[0].isdigit() else f"TAG_{word}".rstrip("_")


def letters(count: int) -> str:
    """RETURNS (str): "" for 0, then B, C, ... Z, AA, AB, ..."""
    name, count = "", count + 1 if count else 0
    while count:
        count, digit = divmod(count - 1, 26)
        name = chr(ord("A") + digit) + name
    return name


def tag_like(text: str, known: Any) -> Iterator[tuple[int, int, Key]]:
    """YIELDS (tuple): Start, end and key of what looks like a tag and is `known`, in reading order."""
    position = 0
    while match := TAG.search(text, position):
        word, number = match["word"] or match["bare"], int(match["number"] or match["n"])
        key = (tag_word(word), number, (match["spelling"] or match["s"] or "").upper())
        if CLOSING[(match["open"] or "").lower()] == (match["close"] or "").lower() and known(key):
            yield match.start(), match.end(), key
            position = match.end()
        else:
            position = match.start() + 1
