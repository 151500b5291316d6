"""Counts that all processes of `nlp.pipe(n_process=...)` share."""

import multiprocessing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.context import get_spawning_popen
from typing import Any


class Tally:
    """Named numbers in shared memory. A process that is forked off or spawned counts into the same ones; a copy
    (pickle, deepcopy) starts with the values and goes its own way.
    """

    def __init__(self, names: tuple[str, ...]):
        self.names = names
        self._numbers = shared([0.0] * len(names))

    @contextmanager
    def locked(self) -> Iterator["Tally"]:
        """Read and write as one step."""
        with self._numbers.get_lock():
            yield self

    def __getitem__(self, name: str) -> float:
        return self._numbers[self.names.index(name)]

    def add(self, amounts: Mapping[str, float]) -> None:
        with self.locked():
            for name, amount in amounts.items():
                self._numbers[self.names.index(name)] += amount

    def clear(self) -> None:
        with self.locked():
            self._numbers[:] = [0.0] * len(self.names)

    def as_dict(self) -> dict[str, float]:
        with self.locked():
            return dict(zip(self.names, self._numbers[:], strict=True))

    def __getstate__(self) -> dict[str, Any]:
        numbers = self._numbers if get_spawning_popen() is not None else self._numbers[:]
        return {"names": self.names, "_numbers": numbers}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.names, self._numbers = state["names"], state["_numbers"]
        if isinstance(self._numbers, list):
            self._numbers = shared(self._numbers)


def shared(numbers: list[float]) -> Any:
    """RETURNS (Array): In shared memory, with a lock that forked and spawned processes can both take."""
    return multiprocessing.get_context("spawn").Array("d", numbers)
