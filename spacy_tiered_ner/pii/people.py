"""Who is who: mentions that share their name parts are one person."""

import re
import unicodedata
from collections.abc import Callable, Iterable

# Letters, and the marks of Indic and related scripts, which `\w` leaves out.
MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u0670\u0900-\u0dff\u0e31-\u0e4e\u0eb1-\u0ece\u0f00-\u109f\u1780-\u17ff"
LETTER = rf"(?:[^\W\d_]|[{MARKS}])"
PART = re.compile(rf"{LETTER}+(?:['\u2019-]{LETTER}+)*")
TITLES = frozenset(
    word
    for words in (
        "mr mrs ms miss mx dr prof professor sir dame lord lady jr",
        "herr frau monsieur madame mme mlle signor signora senor senora sr sra",
    )
    for word in words.split()
)


def fold(value: str) -> str:
    """RETURNS (str): What two spellings of one value have in common: case, white space and width are left out."""
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())


def plain(value: str) -> str:
    """RETURNS (str): Folded and without accents, as an e-mail address writes a name."""
    decomposed = unicodedata.normalize("NFKD", fold(value))
    return unicodedata.normalize("NFKC", "".join(char for char in decomposed if not "\u0300" <= char <= "\u036f"))


def name_parts(value: str) -> list[str]:
    """RETURNS (List[str]): The words of a name, plain, without titles; the value itself if there is none."""
    words = PART.findall(plain(value))
    return [word for word in words if word not in TITLES] or words or [plain(value)]


class People:
    """Numbers the persons of a session. "Lovelace" and "Dr. Ada Lovelace" are one person, unless several fit.

    names (List[FrozenSet[str]]): The parts of each person's names. last_names (List[str]): The last of the fullest.
    """

    def __init__(self) -> None:
        self.record: Callable[[str], None] | None = None
        self.names: list[frozenset[str]] = []
        self.last_names: list[str] = []
        self._known: dict[frozenset[str], int] = {}
        self._having: dict[str, set[int]] = {}

    def __call__(self, value: str) -> int:
        """RETURNS (int): The person that `value` names; a new one where nobody or several could be meant."""
        words = name_parts(value)
        parts = frozenset(words)
        if parts not in self._known:
            person = self._known[parts] = self._match(parts)
            if parts == self.names[person]:
                self.last_names[person] = words[0 if "," in value else -1]
            if self.record is not None:
                self.record(value)
        return self._known[parts]

    def having(self, parts: Iterable[str]) -> set[int]:
        """RETURNS (Set[int]): Who has any of these parts."""
        return set().union(*(self._having.get(part, ()) for part in parts))

    def _match(self, parts: frozenset[str]) -> int:
        fuller = set.intersection(*(self._having.get(part, set()) for part in parts))
        shorter = {person for person in self.having(parts) if self.names[person] <= parts}
        fits = fuller or shorter
        if len(fits) == 1:
            person = fits.pop()
        else:
            person = len(self.names)
            self.names.append(frozenset())
            self.last_names.append("")
        self.names[person] |= parts
        for part in parts:
            self._having.setdefault(part, set()).add(person)
        return person
