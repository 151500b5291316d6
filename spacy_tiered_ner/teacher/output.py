"""The file that a teacher's labels go to, line by line, so that a run which was killed can go on."""

import errno
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..errors import Errors
from .records import TeacherRecord, read_teacher, write_rows


class Output:
    """stale (int): Lines that went to the file `replaced`, because the text, the guidelines, the templates or the
    models are others now. torn (bool): Whether the last line was cut off.
    """

    def __init__(self, path: Path):
        self.path, self.replaced = path, path.with_name(path.name + ".replaced")
        self.stale, self.torn = 0, False
        self._rows: dict[str, dict[str, Any]] = {}
        self._file: Any = None

    def open(self, keep: Callable[[TeacherRecord], bool]) -> set[str]:
        """Take over what is there already and is to be kept.

        RETURNS (Set[str]): The ids that need not be labelled again.
        RAISES (ValueError): T043 bad line, T345 lines that would be lost hold reviews.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists() and self._mend():
            records = read_teacher(self.path)
            self._rows = {record.id: record.row for record in records if keep(record)}
            lost = [record for record in records if record.id not in self._rows]
            if any(record.reviews for record in lost):
                raise ValueError(Errors.T345.format(path=self.path, count=len(lost)))
            self.stale = len(lost)
            if lost:
                self._keep_aside([record.row for record in lost])
                write_rows(self.path, self._rows.values())
        self._file = self.path.open("ab", buffering=0)
        return set(self._rows)

    def _keep_aside(self, rows: Sequence[dict[str, Any]]) -> None:
        with self.replaced.open("a", encoding="utf8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)

    def _mend(self) -> bool:
        """Remove a last line that was cut off. RETURNS (bool): Whether anything is left."""
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            try:
                json.loads(data[whole:])
            except ValueError:
                os.truncate(self.path, whole)
                self.torn = True
                return bool(data[:whole].strip())
            with self.path.open("ab") as file:
                file.write(b"\n")
        return bool(data.strip())

    def append(self, id: str, row: dict[str, Any]) -> None:
        """RAISES (OSError): T343 where it cannot be written; the file ends with a whole line then."""
        line = (json.dumps(row, ensure_ascii=False) + "\n").encode("utf8")
        size = os.fstat(self._file.fileno()).st_size
        try:
            if self._file.write(line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._file.truncate(size)
            raise OSError(Errors.T343.format(path=self.path, reason=error)) from error
        self._rows[id] = row

    def close(self, order: Sequence[str]) -> None:
        """Bring the lines into the order of the texts, where a run that was interrupted left another."""
        self._file.close()
        ordered = [id for id in order if id in self._rows]
        if ordered != list(self._rows):
            write_rows(self.path, (self._rows[id] for id in ordered))

    @property
    def rows(self) -> list[dict[str, Any]]:
        return list(self._rows.values())
