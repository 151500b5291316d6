"""Plain JSONL: one text a line, to edit `spans` by hand or with a tool of one's own.

A line that comes back may also have `reviewer`, `time`, and `answer`: anything but "accept" skips it, as in Prodigy.
"""

from collections.abc import Iterable
from typing import Any

from ..records import TeacherRecord, plain_spans
from .answers import Answer, Answers, GivenSpan

TASKS = "tasks.jsonl"


def to_line(record: TeacherRecord, reason: str) -> dict[str, Any]:
    return {
        "id": record.id,
        "text": record.text,
        "spans": plain_spans(record.taught, record.confidence),
        "labels": record.labels or [],
        "selected": reason,
    }


def read_answers(rows: Iterable[dict[str, Any]]) -> Answers:
    answers = Answers()
    for row in rows:
        if row.get("answer", "accept") != "accept":
            answers.skipped["cancelled"] += 1
            continue
        text = row["text"]
        spans = [
            GivenSpan(span["start"], span["end"], span["label"], text[span["start"] : span["end"]])
            for span in row["spans"]
        ]
        answers.answers.append(
            Answer(str(row.get("id", "")), text, str(row.get("reviewer") or ""), row.get("time"), spans)
        )
    return answers
