"""A time limit for a whole request."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait

from .base import Reply, RequestFailed


def within(seconds: float, ask: Callable[[], Reply]) -> Reply:
    """Ask in a thread of its own, and stop waiting after so many seconds. HTTP libraries limit the time of each read,
    which a server that sends a byte now and then never exceeds; nothing can end such a thread, but it holds up nobody.

    RAISES (RequestFailed): What `ask` raises, or the time-out.
    """
    future: Future[Reply] = Future()

    def run() -> None:
        try:
            future.set_result(ask())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="llm_request", daemon=True).start()
    wait([future], seconds)
    if not future.done():
        raise RequestFailed("time-out", retryable=True, sent=True)
    return future.result()
