"""From the exceptions of many SDKs to one, without any text that a server sent."""

import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from .base import RequestFailed

RETRYABLE = {408, 409, 425, 429, 500, 502, 503, 504, 529}
NEVER_SENT = {"ConnectError", "ConnectionRefusedError", "gaierror"}
HINTS = {401: "check the key in {variable}", 403: "check what the key in {variable} may do", 404: "check `model`"}


def failed(error: BaseException, variable: str | None = None) -> RequestFailed:
    """error: What an SDK raised, perhaps around the cause. variable: Where the key comes from.

    RETURNS (RequestFailed): With the HTTP status, or else the kind of the error.
    """
    cause = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    chain = [error, *([] if cause is error else [cause])]
    if error.__cause__ is not None and error.__cause__ not in chain:
        chain.insert(1, error.__cause__)
    for link in chain:
        status = getattr(link, "status_code", None) or getattr(link, "code", None)
        if isinstance(status, int):
            hint = HINTS.get(status, "").format(variable=variable or "the environment")
            reason = f"HTTP {status}" + (f", {hint}" if hint else "")
            return RequestFailed(reason, retryable=status in RETRYABLE, retry_after=retry_after(link))
    names = {kind.__name__ for link in chain for kind in type(link).__mro__}
    if any("Timeout" in name for name in names):
        return RequestFailed("time-out", retryable=True, sent=True)
    if any("Connect" in name or name == "OSError" for name in names):
        return RequestFailed("no connection", retryable=True, sent=names.isdisjoint(NEVER_SENT))
    if isinstance(cause, ImportError):
        return RequestFailed(f"the package {cause.name} is not installed", retryable=False)
    if isinstance(cause, TypeError):
        return RequestFailed("TypeError, check `generation`", retryable=False)
    return RequestFailed(type(cause).__name__, retryable=False, sent=True)


def retry_after(error: Any) -> float | None:
    """RETURNS (Optional[float]): Seconds from the header `Retry-After`, which holds seconds or a date."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    value = headers.get("retry-after") or headers.get("Retry-After")
    if not value:
        return None
    try:
        return max(float(value), 0.0)
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.timezone.utc)
    return max((when - datetime.datetime.now(datetime.timezone.utc)).total_seconds(), 0.0)
