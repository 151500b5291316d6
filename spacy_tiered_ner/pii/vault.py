"""What leads back from replacements to values, kept in a file that is worthless without the key."""

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import Errors
from .keys import KEY_VARIABLE, derive_key
from .session import Session

NONCE = 12
SALT_LENGTH = 16
PATIENCE = 30.0
CHECK = b"spacy-tiered-ner vault"
SETUP = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "BEGIN IMMEDIATE",
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
)


class Vault:
    """An SQLite file (WAL) with one row for each entry of a session, in the order in which they came, sealed with
    AES-GCM together with its number. Several processes and threads may use it at a time.
    """

    def __init__(self, path: str | Path, key_variable: str = KEY_VARIABLE):
        """path: Created when first used, readable by its owner alone. key_variable: The environment variable with the
        key; scrypt and a salt of the vault's own make the key of AES from it.
        """
        self.path, self.key_variable = Path(path), key_variable
        self._reset()

    def __repr__(self) -> str:
        return f"Vault({str(self.path)!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "key_variable": self.key_variable}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._db: sqlite3.Connection | None = None
        self._cipher: Any = None
        self._forget()

    def _forget(self) -> None:
        self._fresh: list[list[Any]] = []
        self._session = Session(self._fresh.append)
        self._count = 0

    @contextmanager
    def session(self, *, write: bool = True) -> Iterator[Session]:
        """Use what all processes have put in so far; what is new is written in the end, unless there is an error.

        RAISES (ValueError): T227, T228 for the key, T235 wrong key, T236 altered, T237 no vault, T238 busy.
        """
        if self._process != os.getpid():
            self._reset()
        with self._lock:
            db = self._connection()
            try:
                self._run(db, "BEGIN IMMEDIATE" if write else "BEGIN")
                self._read(db)
                yield self._session
                if self._fresh:
                    self._write(db)
                self._run(db, "COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                self._forget()
                raise

    def restore(self, text: str) -> str:
        """Put values back in place of tags and pseudonyms, as `Redactor.restore`."""
        with self.session(write=False) as session:
            return session.restore(text)

    def close(self) -> None:
        with self._lock:
            if self._db is not None:
                self._db.close()
            self._reset()

    def _connection(self) -> sqlite3.Connection:
        if self._db is None:
            derive_key(self.key_variable, "vault")
            try:
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
                db = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
            except (OSError, sqlite3.Error) as error:
                raise ValueError(Errors.T237.format(path=self.path, reason=error)) from None
            try:
                self._cipher = self._prepare(db)
            except BaseException:
                db.close()
                raise
            self._db = db
        return self._db

    def _prepare(self, db: sqlite3.Connection) -> Any:
        """Make the tables and the salt where the file is new.

        RETURNS (AESGCM): The cipher. RAISES (ValueError): T235 wrong key.
        """
        for statement in SETUP:
            self._run(db, statement)
        meta = dict(self._run(db, "SELECT name, CAST(value AS BLOB) FROM meta"))
        salt = meta.get("salt") or os.urandom(SALT_LENGTH)
        cipher = self._new_cipher(salt)
        if not meta:
            for name, value in (
                ("salt", salt),
                ("check", seal(cipher, CHECK, b"check")),
                ("count", seal(cipher, b"0", b"count")),
            ):
                self._run(db, "INSERT INTO meta VALUES (?, ?)", (name, value))
        elif unseal(cipher, meta.get("check", b""), b"check") != CHECK:
            raise ValueError(Errors.T235.format(path=self.path, variable=self.key_variable))
        self._run(db, "COMMIT")
        return cipher

    def _new_cipher(self, salt: bytes) -> Any:
        key = derive_key(self.key_variable, "vault", salt)
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(key)

    def _read(self, db: sqlite3.Connection) -> None:
        """Take in what others wrote. RAISES (ValueError): T236 where a row is missing or was altered."""
        sealed = self._run(db, "SELECT CAST(value AS BLOB) FROM meta WHERE name = 'count'")
        count = unseal(self._cipher, sealed[0][0], b"count") if sealed else None
        select = "SELECT id, CAST(data AS BLOB) FROM entries WHERE id > ? ORDER BY id"
        rows = self._run(db, select, (self._count,))
        if count is None or int(count) != self._count + len(rows):
            raise ValueError(Errors.T236.format(path=self.path, what="entries are missing, or were added by others"))
        for number, (row, data) in enumerate(rows, self._count + 1):
            entry = unseal(self._cipher, data, str(number).encode())
            if entry is None:
                raise ValueError(Errors.T236.format(path=self.path, what=f"entry {row} was altered"))
            self._session.add(json.loads(entry))
        self._count += len(rows)

    def _write(self, db: sqlite3.Connection) -> None:
        for number, entry in enumerate(self._fresh, self._count + 1):
            data = seal(self._cipher, json.dumps(entry).encode(), str(number).encode())
            self._run(db, "INSERT INTO entries VALUES (?, ?)", (number, data))
        self._count += len(self._fresh)
        self._fresh.clear()
        count = seal(self._cipher, str(self._count).encode(), b"count")
        self._run(db, "UPDATE meta SET value = ? WHERE name = 'count'", (count,))

    def _run(self, db: sqlite3.Connection, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """RETURNS (List): The rows. RAISES (ValueError): T237, T238."""
        try:
            return db.execute(statement, values).fetchall()
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise ValueError(Errors.T238.format(path=self.path, seconds=PATIENCE)) from None
            raise ValueError(Errors.T237.format(path=self.path, reason=error)) from None
        except sqlite3.Error as error:
            raise ValueError(Errors.T237.format(path=self.path, reason=error)) from None


def seal(cipher: Any, value: bytes, place: bytes) -> bytes:
    """RETURNS (bytes): A nonce and the encrypted value, which opens only in its place."""
    nonce = os.urandom(NONCE)
    return nonce + cipher.encrypt(nonce, value, place)


def unseal(cipher: Any, data: bytes, place: bytes) -> bytes | None:
    """RETURNS (Optional[bytes]): The value; None where the key is another one, or anything was altered."""
    from cryptography.exceptions import InvalidTag

    try:
        return cipher.decrypt(data[:NONCE], data[NONCE:], place)
    except (InvalidTag, ValueError):
        return None
