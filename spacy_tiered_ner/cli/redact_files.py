"""Texts in files: what is read, and how it is written back with other texts."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from ..errors import Errors

FORMATS = {".txt": "text", ".md": "text", ".log": "text", ".jsonl": "jsonl", ".csv": "csv", ".tsv": "csv"}
CHARACTERS = 8192
BOM = b"\xef\xbb\xbf"


@dataclass
class Row:
    """What belongs together. texts (List[str]): What is redacted. rebuilt (Callable): Makes the row's line from other
    texts. subject (Optional[str]): Whom it is about. copied (Sequence[str]): Fields that stay as they are. size (int):
    About how many bytes it has.
    """

    name: str
    texts: list[str]
    rebuilt: Callable[[list[str]], str]
    subject: str | None = None
    copied: Sequence[str] = ()

    @property
    def size(self) -> int:
        return sum(len(text.encode()) + 1 for text in self.texts)


def file_format(path: Path, given: str | None) -> str:
    """RAISES (ValueError): T241 where neither the option nor the name says it."""
    found = given or FORMATS.get(path.suffix.lower())
    if found is None or found not in FORMATS.values():
        raise ValueError(Errors.T241.format(path=path, formats=", ".join(sorted(set(FORMATS.values())))))
    return found


def open_source(path: Path) -> IO[str]:
    """Line ends stay as they are."""
    return path.open(encoding=encoding_of(path), newline="")


def encoding_of(path: Path) -> str:
    with path.open("rb") as file:
        return "utf-8-sig" if file.read(3) == BOM else "utf-8"


def read_chunks(path: Path) -> Iterator[str]:
    """RAISES (ValueError): T242 for bytes that are not UTF-8."""
    with open_source(path) as file:
        try:
            while chunk := file.read(CHARACTERS):
                yield chunk
        except UnicodeDecodeError:
            raise not_utf8(path) from None


def read_jsonl(path: Path, fields: list[str], subject: str | None) -> Iterator[Row]:
    """Every string in the fields is redacted, at any depth, and numbers too. Empty lines stay.

    RAISES (ValueError): T242 not UTF-8, T243 bad line.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                yield Row(f"line {number}", [], partial(unchanged, line.decode("utf-8", "replace")))
                continue
            try:
                row = json.loads(line.decode("utf-8-sig"))
                json.dumps(row, ensure_ascii=False).encode()
            except UnicodeDecodeError:
                raise not_utf8(path) from None
            except (ValueError, RecursionError) as error:
                # The message of a JSON error has its place, but nothing of the line.
                raise ValueError(Errors.T243.format(path=path, line=number, reason=error)) from None
            if not isinstance(row, dict) or not any(field in row for field in fields):
                reason = f"it is no object with a field {' or '.join(map(repr, fields))}"
                raise ValueError(Errors.T243.format(path=path, line=number, reason=reason))
            texts = [text for field in fields for text in strings(row.get(field))]
            copied = [name for name in row if name not in fields]
            rebuilt = json_rebuilder(row, fields, ending(line))
            yield Row(f"line {number}", texts, rebuilt, label_of(row, subject), copied)


def strings(value: Any) -> Iterator[str]:
    """YIELDS (str): The strings and numbers in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def replaced(value: Any, texts: Iterator[str]) -> Any:
    """RETURNS (Any): The value with other texts, in the order of `strings`; numbers stay numbers where they can."""
    if isinstance(value, str):
        return next(texts)
    if isinstance(value, int | float) and not isinstance(value, bool):
        text = next(texts)
        return value if text == str(value) else text
    if isinstance(value, dict):
        return {key: replaced(item, texts) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, texts) for item in value]
    return value


def json_rebuilder(row: dict[str, Any], fields: list[str], end: str) -> Callable[[list[str]], str]:
    def rebuilt(texts: list[str]) -> str:
        others = iter(texts)
        new = {field: replaced(row[field], others) for field in fields if field in row}
        return json.dumps({**row, **new}, ensure_ascii=False) + end

    return rebuilt


def ending(line: bytes) -> str:
    return "\r\n" if line.endswith(b"\r\n") else "\n" if line.endswith(b"\n") else ""


def label_of(row: dict[str, Any], subject: str | None) -> str | None:
    value = None if subject is None else row.get(subject)
    return None if value is None else str(value)


class CsvFile:
    """A CSV file with a header. columns (Sequence[str]): Those that are redacted, empty for all."""

    def __init__(self, path: Path, columns: list[str], subject: str | None, delimiter: str | None):
        """RAISES (ValueError): T244 for columns that the file lacks."""
        csv.field_size_limit(sys.maxsize)
        self.path = path
        self.delimiter = delimiter or ("\t" if path.suffix.lower() == ".tsv" else ",")
        with path.open("rb") as file:
            self.end = ending(file.readline()) or "\n"
        self.header = next(self._lines(), (1, []))[1]
        for name in [*columns, *([subject] if subject else [])]:
            if name not in self.header:
                raise ValueError(Errors.T244.format(path=path, column=name, columns=", ".join(self.header)))
        self.chosen = [n for n, name in enumerate(self.header) if not columns or name in columns]
        self.copied = [name for n, name in enumerate(self.header) if n not in self.chosen]
        self.subject = None if subject is None else self.header.index(subject)

    def __iter__(self) -> Iterator[Row]:
        """RAISES (ValueError): T242 not UTF-8, T245 broken quoting, or a row that does not fit the header."""
        for number, row in self._lines():
            if number == 1:
                yield Row("header", [], partial(unchanged, self._written(row)))
                continue
            if row and len(row) != len(self.header):
                reason = f"it has {len(row)} fields, and the header {len(self.header)}"
                raise ValueError(Errors.T245.format(path=self.path, line=number, reason=reason))
            texts = [row[n] for n in self.chosen] if row else []
            subject = row[self.subject] if row and self.subject is not None else None
            yield Row(f"line {number}", texts, partial(self._rebuilt, row), subject, self.copied)

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        """YIELDS (Tuple[int, List[str]]): The line in which a row begins, and its fields."""
        with open_source(self.path) as file:
            reader = csv.reader(file, delimiter=self.delimiter, strict=True)
            line = 1
            try:
                for row in reader:
                    yield line, row
                    line = reader.line_num + 1
            except csv.Error as error:
                raise ValueError(Errors.T245.format(path=self.path, line=line, reason=error)) from None
            except UnicodeDecodeError:
                raise not_utf8(self.path) from None

    def _rebuilt(self, row: list[str], texts: list[str]) -> str:
        others = dict(zip(self.chosen, texts, strict=True)) if row else {}
        return self._written([others.get(number, value) for number, value in enumerate(row)])

    def _written(self, row: list[str]) -> str:
        line = io.StringIO(newline="")
        csv.writer(line, delimiter=self.delimiter, lineterminator=self.end).writerow(row)
        return line.getvalue()


def unchanged(line: str, texts: list[str]) -> str:
    return line


def not_utf8(path: Path) -> ValueError:
    """RETURNS (ValueError): With the line; the decoder's own message would show the bytes."""
    with path.open("rb") as file:
        number = next((number for number, line in enumerate(file, 1) if not is_utf8(line)), 0)
    return ValueError(Errors.T242.format(path=path, line=number))


def is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def batches(rows: Iterable[Row], most: int, characters: int) -> Iterator[list[Row]]:
    """YIELDS (List[Row]): At most so many rows, and no more once they have so many characters."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(map(len, row.texts))
        if len(batch) == most or size >= characters:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
