"""Argilla: a dataset directory that `rg.Dataset.from_disk` reads, with the teacher's labels as suggestions, and what
`Dataset.to_disk` or `records.to_json` writes.

Such files have no time, and tell neither drafts nor discarded responses apart: only records that are completed count.
"""

from collections.abc import Mapping
from typing import Any

from ...errors import Errors
from ..records import TeacherRecord, plain_spans
from .answers import Answer, Answers, GivenSpan

FIELD, QUESTION = "text", "spans"
RECORDS, SETTINGS, DATASET = "records.json", ".argilla/settings.json", ".argilla/dataset.json"


def to_record(record: TeacherRecord, reason: str) -> dict[str, Any]:
    spans = [
        {("score" if key == "confidence" else key): value for key, value in span.items()}
        for span in plain_spans(record.taught, record.confidence)
    ]
    suggestion = {"value": spans, "score": None, "agent": str(record.meta.get("model", "teacher"))}
    return {
        "id": record.id,
        "fields": {FIELD: record.text},
        "metadata": {"selected": reason},
        "suggestions": {QUESTION: suggestion} if spans else {},
        "responses": {},
        "vectors": {},
    }


def dataset_settings(labels: Mapping[str, str]) -> dict[str, Any]:
    """labels (Mapping): With what they mean, or "", which becomes the guidelines of the dataset, in Markdown."""
    guidelines = "\n".join(f"- **{label}**: {meaning}" for label, meaning in labels.items() if meaning)
    options = [{"text": label, "value": label} for label in labels]
    span_settings = {"type": "span", "allow_overlapping": True, "field": FIELD, "options": options}
    reason = {"type": "terms", "values": None, "visible_for_annotators": False}
    return {
        "guidelines": guidelines or None,
        "questions": [{"name": QUESTION, "title": "Entities", "required": True, "settings": span_settings}],
        "fields": [
            {"name": FIELD, "title": "Text", "required": True, "settings": {"type": "text", "use_markdown": False}}
        ],
        "vectors": [],
        "metadata": [{"name": "selected", "title": "Selected", "visible_for_annotators": False, "settings": reason}],
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
        "mapping": None,
    }


def read_answers(records: Any, path: Any) -> Answers:
    """records (Any): A parsed records.json. RAISES (ValueError): T311 where it is something else."""
    if not isinstance(records, list) or not all(isinstance(r, dict) and "responses" in r for r in records):
        raise ValueError(Errors.T311.format(path=path, tool="Argilla", wanted="a list of records with `responses`"))
    answers = Answers()
    for record in records:
        responses = record["responses"].get(QUESTION, [])
        if record.get("status") != "completed":
            answers.skipped["not completed"] += 1
            continue
        for response in responses:
            if response.get("value") is None:
                answers.skipped["cancelled"] += 1
                continue
            spans = [GivenSpan(span["start"], span["end"], span["label"]) for span in response["value"]]
            reviewer = str(response.get("user_id") or "")
            answers.answers.append(Answer(str(record["id"]), record["fields"][FIELD], reviewer, None, spans))
    return answers
