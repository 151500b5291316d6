"""Label Studio: tasks with the teacher's labels as predictions, and exports in its format "JSON"."""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as etree

from ...errors import Errors
from ..records import TeacherRecord
from .answers import Answer, Answers, GivenSpan

CONTROL, OBJECT = "label", "text"
TASKS, CONFIG = "tasks.json", "labels.xml"


def to_task(record: TeacherRecord, reason: str) -> dict[str, Any]:
    """RETURNS (dict): A task to import. `record` is our id: some exports of Label Studio overwrite `id`."""
    confidence = [record.confidence[span] for span in record.taught if span in record.confidence]
    result = [
        {
            "id": f"span{number}",
            "from_name": CONTROL,
            "to_name": OBJECT,
            "type": "labels",
            "value": {
                "start": span.start,
                "end": span.end,
                "text": record.text[span.start : span.end],
                "labels": [span.label],
            },
            **({"score": record.confidence[span]} if span in record.confidence else {}),
        }
        for number, span in enumerate(sorted(record.taught))
    ]
    prediction: dict[str, Any] = {"model_version": str(record.meta.get("model", "teacher")), "result": result}
    if confidence:
        prediction["score"] = min(confidence)
    return {"data": {"text": record.text, "record": record.id, "selected": reason}, "predictions": [prediction]}


def labelling_config(labels: Mapping[str, str]) -> str:
    """Make the labelling interface (Settings, Labeling Interface, Code).

    labels (Mapping): With what they mean, or "". RETURNS (str): XML.
    """
    view = etree.Element("View")
    control = etree.SubElement(view, "Labels", name=CONTROL, toName=OBJECT)
    for label, meaning in labels.items():
        etree.SubElement(control, "Label", {"value": label, **({"hint": meaning} if meaning else {})})
    etree.SubElement(view, "Text", name=OBJECT, value="$text")
    etree.indent(view)
    return etree.tostring(view, encoding="unicode") + "\n"


def read_answers(tasks: Any, path: Any) -> Answers:
    """tasks (Any): A parsed export. RAISES (ValueError): T311 where it is something else."""
    if not isinstance(tasks, list) or not all(isinstance(task, dict) and "annotations" in task for task in tasks):
        reason = "a list of tasks with `annotations`; choose the export format JSON, not JSON-MIN"
        raise ValueError(Errors.T311.format(path=path, tool="Label Studio", wanted=reason))
    answers = Answers()
    for task in tasks:
        data = task.get("data", {})
        given = [annotation for annotation in task["annotations"] if not annotation.get("was_cancelled")]
        answers.skipped["cancelled"] += len(task["annotations"]) - len(given)
        answers.skipped["without an answer"] += not task["annotations"]
        for annotation in given:
            regions = annotation.get("result", [])
            spans = [span for region in regions if region.get("type") == "labels" for span in spans_of(region["value"])]
            answers.skipped["regions of other kinds"] += sum(region.get("type") != "labels" for region in regions)
            time = annotation.get("updated_at") or annotation.get("created_at")
            reviewer = reviewer_of(annotation.get("completed_by"))
            answers.answers.append(
                Answer(str(data.get("record", "")), str(data.get("text", "")), reviewer, time, spans)
            )
    return answers


def spans_of(value: Mapping[str, Any]) -> list[GivenSpan]:
    return [GivenSpan(value["start"], value["end"], label, value.get("text")) for label in value["labels"]]


def reviewer_of(completed_by: Any) -> str:
    """RETURNS (str): The e-mail address where the export has it, otherwise the number of the user."""
    if isinstance(completed_by, dict):
        completed_by = completed_by.get("email") or completed_by.get("id")
    return "" if completed_by is None else str(completed_by)
