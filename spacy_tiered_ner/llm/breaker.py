"""A circuit breaker (Nygard, "Release It!"): stops asking a server that keeps failing."""

import threading
import time


class Breaker:
    """Opens after `failures` failed requests in a row. After `seconds` it lets one request through: if that succeeds it
    closes, if not it stays open as long again.
    """

    def __init__(self, failures: int, seconds: float):
        self.failures, self.seconds = failures, seconds
        self._restart()

    def _restart(self) -> None:
        self._lock = threading.Lock()
        self._row, self._opened_at, self._trying = 0, 0.0, False

    def __getstate__(self) -> dict[str, float]:
        return {"failures": self.failures, "seconds": self.seconds}

    def __setstate__(self, state: dict[str, float]) -> None:
        self.__dict__.update(state)
        self._restart()

    @property
    def open(self) -> bool:
        return self._row >= self.failures

    def allow(self) -> bool:
        """RETURNS (bool): Whether a request may be sent now."""
        with self._lock:
            if not self.open:
                return True
            if self._trying or time.monotonic() - self._opened_at < self.seconds:
                return False
            self._trying = True
            return True

    def record(self, succeeded: bool) -> None:
        with self._lock:
            self._row = 0 if succeeded else self._row + 1
            self._opened_at = time.monotonic()
            self._trying = False
