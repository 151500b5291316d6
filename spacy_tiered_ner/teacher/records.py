"""The teacher's labels: annotated JSONL that says where the labels come from, and later who reviewed them.

A line has `text`, `spans` (`start`, `end`, `label`, perhaps `confidence`), `labels` and `meta` (`id`, `model`,
`prompt_hash`, `time`, `usage`, `ambiguous`). The import of reviews adds `review`, a list of `reviewer`, `time` and
`spans`; `spans` is then what the reviewers decided, and `teacher` keeps what it was before. Other keys are kept.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..corpus import Record, parse_json, read_lines
from ..errors import Errors
from ..evaluation.metrics import CharSpan
from ..files import write_text


@dataclass(frozen=True)
class TeacherRecord(Record):
    """id: `meta.id`, or made of the text. taught: The teacher's own spans. confidence: Of those that have one.
    row: The line as it is.
    """

    id: str
    taught: frozenset[CharSpan]
    confidence: dict[CharSpan, float]
    row: dict[str, Any]

    @property
    def reviews(self) -> list[dict[str, Any]]:
        return self.row.get("review", [])

    @property
    def meta(self) -> dict[str, Any]:
        return self.row.get("meta", {})


def read_teacher(path: Path) -> list[TeacherRecord]:
    """RAISES (ValueError): T043 bad line, T062 damaged file, T064 no lines, T310 an id that occurs twice."""
    records = list(read_lines(path, parse_teacher, Errors.T043))
    if not records:
        raise ValueError(Errors.T064.format(path=path))
    repeated = [id for id, count in Counter(record.id for record in records).items() if count > 1]
    if repeated:
        lines = [number for number, record in enumerate(records, 1) if record.id == repeated[0]]
        raise ValueError(Errors.T310.format(path=path, count=len(repeated), id=repeated[0], lines=lines))
    return records


def parse_teacher(line: str) -> TeacherRecord:
    record, row = parse_json(line), json.loads(line)
    meta, taught = row.get("meta", {}), row.get("teacher", row["spans"])
    if not isinstance(meta, dict):
        raise TypeError(f"`meta` is {meta!r}, not an object")
    confidence = {span_of(span): span["confidence"] for span in taught if span.get("confidence") is not None}
    for value in confidence.values():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ValueError(f"`confidence` is {value!r}, not a number between 0 and 1")
    spans = frozenset(span_of(span) for span in taught)
    return TeacherRecord(
        record.text, record.spans, record.labels, str(meta.get("id") or text_id(record.text)), spans, confidence, row
    )


def span_of(span: Mapping[str, Any]) -> CharSpan:
    return CharSpan(span["start"], span["end"], span["label"])


def text_id(text: str) -> str:
    return hashlib.sha256(text.encode("utf8")).hexdigest()[:16]


def labels_of(records: Iterable[TeacherRecord]) -> list[str]:
    """RETURNS (List[str]): What was looked for or found, in the order in which it first occurs."""
    found = (label for record in records for label in (*(record.labels or ()), *(span[2] for span in record.spans)))
    return list(dict.fromkeys(found))


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write lines of JSON."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def plain_spans(spans: Iterable[CharSpan], confidence: Mapping[CharSpan, float] | None = None) -> list[dict[str, Any]]:
    """RETURNS (List[dict]): As they stand in a line, in reading order."""
    rows: Sequence[CharSpan] = sorted(spans)
    known = confidence or {}
    return [{**span._asdict(), **({"confidence": known[span]} if span in known else {})} for span in rows]
