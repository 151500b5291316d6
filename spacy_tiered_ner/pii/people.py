"""Who is who: mentions that share their name parts are one person."""

import re
import unicodedata

PART = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
TITLES = frozenset(
    "mr mrs ms miss mx dr prof professor sir dame lord lady herr frau monsieur madame mme mlle signor signora "
    "señor señora sr sra don doña jr".split()
)


def fold(value: str) -> str:
    """RETURNS (str): What two spellings of one value have in common: case, white space and width are left out."""
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())


def name_parts(value: str) -> frozenset[str]:
    """RETURNS (FrozenSet[str]): The words of a name, folded, without titles; the value itself if there is none."""
    words = PART.findall(fold(value))
    return frozenset(word for word in words if word not in TITLES) or frozenset(words) or frozenset((fold(value),))


class People:
    """Numbers the persons of a session. "Lovelace" and "Dr. Ada Lovelace" are one person, unless several fit."""

    def __init__(self) -> None:
        self.names: list[frozenset[str]] = []
        self._known: dict[frozenset[str], int] = {}
        self._having: dict[str, set[int]] = {}

    def __call__(self, value: str) -> int:
        """RETURNS (int): The person that `value` names; a new one where nobody or several could be meant."""
        parts = name_parts(value)
        if parts not in self._known:
            self._known[parts] = self._match(parts)
        return self._known[parts]

    def _match(self, parts: frozenset[str]) -> int:
        near = [self._having.get(part, set()) for part in parts]
        fuller = set.intersection(*near)
        shorter = {person for person in set.union(*near) if self.names[person] <= parts}
        fits = fuller or shorter
        if len(fits) != 1:
            self.names.append(frozenset())
        person = fits.pop() if len(fits) == 1 else len(self.names) - 1
        self.names[person] |= parts
        for part in parts:
            self._having.setdefault(part, set()).add(person)
        return person
