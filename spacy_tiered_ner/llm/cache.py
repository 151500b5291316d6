"""Answers on disk, so that nothing is paid for twice."""

import hashlib
import json
import os
import sqlite3
import warnings
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ..errors import Errors, Warnings
from ..extras import needs
from ..gliner.checks import check_least, check_positive
from .clients.base import Client, Reply
from .strategy import Question


def cache_key(client: Client, question: Question, fingerprint: str) -> str:
    """RETURNS (str): SHA-256 of the model, its settings, the template (its fingerprint), the schema (which names the
    labels) and both messages, which hold the text.
    """
    parts = [client.settings(), fingerprint, schema_text(question.schema), question.system, question.user]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=256)
def schema_text(schema: type[BaseModel]) -> str:
    return json.dumps(schema.model_json_schema(), sort_keys=True)


class AnswerCache:
    """A diskcache (SQLite) of responses as JSON text, which several processes may share. Nothing is pickled: a file
    that holds a pickle is refused.
    """

    def __init__(self, path: str, *, max_age: float | None, max_size: int):
        self.path, self.max_age, self.max_size = Path(path).expanduser(), max_age, max_size
        self._process, self._opened, self._warned = 0, None, False

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_process": 0, "_opened": None}

    @property
    def _cache(self) -> Any:
        if self._process != os.getpid():
            self._opened, self._process = open_cache(self.path, self.max_size), os.getpid()
        return self._opened

    def get(self, key: str) -> Reply | None:
        """RETURNS (Optional[Reply]): None where there is none. RAISES (ValueError): T117 for a damaged cache."""
        try:
            value = self._cache.get(key)
        except sqlite3.Error as error:
            raise ValueError(Errors.T117.format(path=self.path, reason=error)) from error
        try:
            return None if value is None else Reply(**json.loads(value))
        except (ValueError, TypeError):
            raise ValueError(Errors.T117.format(path=self.path, reason="an entry is no answer")) from None

    def set(self, key: str, reply: Reply) -> None:
        """Keep an answer. Where that fails (a full disk), the run goes on without, with one warning."""
        cache = self._cache
        from diskcache import Timeout

        try:
            cache.set(key, json.dumps(asdict(reply)), expire=self.max_age)
        except (OSError, sqlite3.Error, Timeout) as error:
            if not self._warned:
                self._warned = True
                warnings.warn(Warnings.W100.format(path=self.path, reason=error), stacklevel=2)

    def clear(self) -> None:
        self._cache.clear()


def open_cache(path: Path, max_size: int) -> Any:
    with needs("llm"):
        import diskcache
        from diskcache.core import MODE_PICKLE

    class TextDisk(diskcache.Disk):
        def fetch(self, mode: int, filename: Any, value: Any, read: bool) -> Any:
            if mode == MODE_PICKLE:
                raise ValueError(Errors.T117.format(path=path, reason="an entry is a Python pickle"))
            return super().fetch(mode, filename, value, read)

    try:
        return diskcache.Cache(str(path), disk=TextDisk, size_limit=max_size, eviction_policy="least-recently-stored")
    except Exception as error:
        raise ValueError(Errors.T117.format(path=path, reason=error)) from error


def build_disk_cache_v1(
    path: str | None = None, max_age: float | None = None, max_size: int = 1_000_000_000
) -> AnswerCache | None:
    """Answers on disk.

    path (Optional[str]): A directory; null for no cache. The answers may quote the texts, so it is as private as they
        are. max_age (Optional[float]): Seconds after which an answer is asked for again; null for never.
    max_size (int): Bytes; beyond it the oldest answers go.
    RAISES (ValueError): T050, T014 no positive number.
    """
    if max_age is not None:
        check_positive("max_age", max_age)
    check_least("max_size", max_size, 1)
    return None if path is None else AnswerCache(path, max_age=max_age, max_size=max_size)
