"""Packages that come with an extra."""

from collections.abc import Iterator
from contextlib import contextmanager

from .errors import Errors


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Import inside this block what the extra brings. RAISES (ImportError): T029, with the command that brings it."""
    try:
        yield
    except ImportError as error:
        package = (error.name or "a package").partition(".")[0]
        raise ImportError(Errors.T029.format(package=package, extra=extra)) from error
