"""Invented values, what they stand for, and where they stand in a text."""

import re
from collections.abc import Callable, Iterator

from .people import PART, People, plain
from .pieces import PERSONS
from .placeholders import tag_word

# Scripts that put no space between words are read character by character.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# Shorter names are often words, and would be taken for names where they are none.
LEAST_LETTERS = 4
TOKEN = re.compile(rf"[^\W{UNSPACED}]+|\S")


class Fakes:
    """Each original has one fake of its own, and no two originals share one.

    seen (Set[str]): The words that texts have kept: a fake that is one of them would be taken for a fake there.
    """

    def __init__(self, people: People):
        self.record: Callable[[str, str, str], None] | None = None
        self.people = people
        self.record_seen: Callable[[list[str]], None] | None = None
        self.seen: set[str] = set()
        self.parts: dict[tuple[int, str], str] = {}
        self._fakes: dict[tuple[str, str], str] = {}
        self._originals: dict[str, str] = {}
        self._starting: dict[str, list[str]] = {}

    def __len__(self) -> int:
        return len(self._originals)

    def get(self, label: str, original: str) -> str | None:
        return self._fakes.get((label, original))

    def free(self, fake: str, original: str, text: str) -> bool:
        """RETURNS (bool): Whether a fake can stand for this original and nothing else, also in `text`."""
        return self._originals.get(fake, original) == original and fake not in text and fake not in self.seen

    def see(self, text: str) -> None:
        """Remember the words of a text, as far as they are long enough for a fake."""
        new = {word for word in TOKEN.findall(text) if len(word) >= LEAST_LETTERS} - self.seen
        self.seen |= new
        if new and self.record_seen is not None:
            self.record_seen(sorted(new))

    def new(self, label: str, original: str, fake: str) -> str:
        self.add(label, original, fake)
        if self.record is not None:
            self.record(label, original, fake)
        return fake

    def add(self, label: str, original: str, fake: str) -> None:
        """Take in what another session recorded."""
        self._fakes[label, original] = fake
        if fake not in self._originals:
            starting = self._starting.setdefault(TOKEN.findall(fake)[0], [])
            starting.append(fake)
            starting.sort(key=len, reverse=True)
        self._originals[fake] = original
        if tag_word(label) in PERSONS:
            person, parts = self.people(original), PART.findall(plain(original))
            for part, new in zip(parts, PART.findall(fake), strict=False):
                self.parts.setdefault((person, part), new)

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """YIELDS (Tuple[int, int, str]): Where a fake stands, whole words only, and what it stands for."""
        if not self._originals:
            return
        ends = {match.end() for match in TOKEN.finditer(text)}
        position = 0
        for match in TOKEN.finditer(text):
            start = match.start()
            if start < position:
                continue
            for fake in self._starting.get(match[0], ()):
                if text.startswith(fake, start) and start + len(fake) in ends:
                    position = start + len(fake)
                    yield start, position, self._originals[fake]
                    break
