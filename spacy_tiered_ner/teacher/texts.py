"""The texts that a teacher is to label."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ..corpus import Record, read_lines
from ..errors import Errors
from .records import text_id


@dataclass(frozen=True)
class RawText(Record):
    """id: `meta.id` or `id` of the line, or made of the text."""

    id: str


def read_texts(path: Path) -> tuple[list[RawText], int]:
    """Read JSONL with `text` and perhaps `id`; annotations in it are not looked at.

    RETURNS (Tuple[List[RawText], int]): Each text once, and how many lines repeated an earlier one.
    RAISES (ValueError): T344 bad line, T062 damaged file, T064 no texts, T310 different texts with one id.
    """
    rows = list(read_lines(path, parse_text, Errors.T344))
    if not rows:
        raise ValueError(Errors.T064.format(path=path))
    texts = {row.text: row for row in reversed(rows)}
    kept = [row for row in rows if texts[row.text] is row]
    repeated = [id for id, count in Counter(row.id for row in kept).items() if count > 1]
    if repeated:
        lines = [number for number, row in enumerate(rows, 1) if row.id == repeated[0]]
        raise ValueError(Errors.T310.format(path=path, count=len(repeated), id=repeated[0], lines=lines))
    return kept, len(rows) - len(kept)


def parse_text(line: str) -> RawText:
    row = json.loads(line)
    text, meta = row["text"], row.get("meta") or {}
    if not isinstance(text, str):
        raise TypeError(f"`text` is {text!r}, not a string")
    if not isinstance(meta, dict):
        raise TypeError(f"`meta` is {meta!r}, not an object")
    given = meta.get("id", row.get("id"))
    return RawText(text, [], None, text_id(text) if given is None else str(given))
