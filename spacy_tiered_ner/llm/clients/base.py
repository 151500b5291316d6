"""What every client has in common."""

import os
import re
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from ...errors import Errors
from ..strategy import Question

BYTES_A_TOKEN = 3
VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


@dataclass(frozen=True)
class Reply:
    """text: The answer, meant to be JSON. input_tokens, output_tokens: What the provider counted, or, where it does not
    say, an estimate (`estimated`).
    """

    text: str
    input_tokens: int
    output_tokens: int
    estimated: bool = False


class RequestFailed(Exception):
    """reason: Without any part of the text or of a key. retryable: Whether the same request may succeed later.
    retry_after: Seconds to wait, where the server says. sent: Whether the request may have been worked on, and billed.
    """

    def __init__(self, reason: str, *, retryable: bool, retry_after: float | None = None, sent: bool = False):
        super().__init__(reason)
        self.reason, self.retryable, self.retry_after, self.sent = reason, retryable, retry_after, sent


class Client(Protocol):
    """provider, model: For the ledger and the prices. parallel: Whether requests may run at the same time.
    max_output_tokens: The most that an answer may have.
    """

    provider: str
    model: str
    parallel: bool
    max_output_tokens: int

    def settings(self) -> dict[str, Any]:
        """RETURNS (Dict[str, Any]): Everything besides the messages that an answer depends on, without keys."""

    def __call__(self, question: Question) -> Reply:
        """Ask once. RAISES (RequestFailed): Whatever went wrong."""


def estimate(text: str) -> int:
    """RETURNS (int): Tokens of a text, rather too many than too few: one for every three bytes."""
    return len(text.encode("utf8", "replace")) // BYTES_A_TOKEN + 1


def check_base_url(base_url: str | None) -> None:
    """RAISES (ValueError): T110 where the address is none, or holds a secret that a saved config would give away."""
    if base_url is None:
        return
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(Errors.T110.format(reason="it does not begin with http:// or https:// and a host"))
    if parts.username or parts.password or parts.query:
        raise ValueError(Errors.T110.format(reason="it holds a user, a password or a query, which would be saved"))


def check_variable(variable: str | None) -> None:
    """RAISES (ValueError): T111 where this is no name of an environment variable, and may be the key itself."""
    if variable is not None and not VARIABLE.fullmatch(variable):
        raise ValueError(Errors.T111)


def read_key(variable: str | None) -> str | None:
    """RETURNS (Optional[str]): The key in the environment variable. RAISES (ValueError): T112 empty."""
    if variable is None:
        return None
    key = os.environ.get(variable)
    if not key:
        raise ValueError(Errors.T112.format(variable=variable))
    return key


def key_option(variable: str | None, base_url: str | None) -> dict[str, Any]:
    """RETURNS (Dict[str, Any]): `api_key` for an SDK, which wants one for servers that need none, too; empty where it
    looks for the provider's own variable. RAISES (ValueError): T112.
    """
    key = read_key(variable)
    return {"api_key": key or "none"} if key or base_url else {}
