"""What consistency needs: one session gives the same value the same replacement, and knows the way back."""

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from ..errors import Errors
from .fakes import Fakes
from .people import PART, People
from .pieces import disjoint, substitute
from .placeholders import Placeholders


class Session:
    """Lives in memory only and cannot be pickled. Threads use it one at a time (`lock`).

    text (str), subject (Optional[str]): What is being redacted, and whom it is about.
    """

    def __init__(self, record: Callable[[list[Any]], None] | None = None, shifts: dict[str | None, int] | None = None):
        """record (Optional[Callable]): Called with each new entry, which `add` takes in another session.
        shifts (Optional[Dict]): Those of subjects, shared with other sessions.
        """
        self.lock = threading.RLock()
        self.people = People()
        self.placeholders = Placeholders(self.people)
        self.fakes = Fakes(self.people)
        self.text = ""
        self.subject: str | None = None
        self._shifts: dict[str | None, int] = {} if shifts is None else shifts
        self._own_shift: dict[str | None, int] = {}
        self._record = record
        self._add: dict[str, Callable[..., Any]] = {
            "person": self.people,
            "tag": self.placeholders.add,
            "fake": self.fakes.add,
            "shift": self._add_shift,
            "seen": self.fakes.seen.update,
        }
        self.people.record = partial(self._note, "person")
        self.placeholders.record = partial(self._note, "tag")
        self.fakes.record = partial(self._note, "fake")
        self.fakes.record_seen = partial(self._note, "seen")

    def __repr__(self) -> str:
        return f"Session({len(self.placeholders)} tags, {len(self.fakes)} fakes)"

    def __reduce__(self) -> Any:
        raise TypeError(Errors.T221.format(what="Session"))

    def begin(self, text: str, subject: str | None, persons: Iterable[str]) -> None:
        """Take up a text and the persons in it; full names come first, so that a last name alone is recognised."""
        self.text, self.subject = text, subject
        for value in sorted(persons, key=lambda value: -len(PART.findall(value))):
            self.people(value)

    def shift(self, draw: Callable[[], int]) -> int:
        """RETURNS (int): By how many days the dates of the subject are shifted; drawn when first needed."""
        shifts = self._own_shift if self.subject is None else self._shifts
        if self.subject not in shifts:
            shifts[self.subject] = draw()
            self._note("shift", self.subject, shifts[self.subject])
        return shifts[self.subject]

    def _add_shift(self, subject: str | None, days: int) -> None:
        (self._own_shift if subject is None else self._shifts)[subject] = days

    def find(self, text: str) -> list[tuple[int, int, str]]:
        """RETURNS (List[Tuple[int, int, str]]): Where replacements stand, and what they stand for."""
        return [*self.placeholders.find(text), *self.fakes.find(text)]

    def lookalikes(self, text: str) -> Iterator[tuple[int, int]]:
        """YIELDS (Tuple[int, int]): What in a text without replacements would be taken for one."""
        yield from self.placeholders.lookalikes(text)
        for start, end, _ in self.fakes.find(text):
            yield start, end

    def restore(self, text: str) -> str:
        """Put the values back, as `Redactor.restore`."""
        return substitute(text, disjoint(self.find(text)))

    def add(self, entry: list[Any]) -> None:
        """Take in what another session recorded."""
        kind, *values = entry
        record, self._record = self._record, None
        self._add[kind](*values)
        self._record = record

    def _note(self, *entry: Any) -> None:
        if self._record is not None:
            self._record(list(entry))
