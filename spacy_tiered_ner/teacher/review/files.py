"""The files of a review: what `tiered review` writes for a tool, and reads back from it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...corpus import read_lines
from ...errors import Errors
from ...files import write_text
from ...llm.guidelines import Guideline, Guidelines
from ..records import TeacherRecord, labels_of, parse_teacher, write_rows
from . import argilla, jsonl, label_studio
from .answers import Answers

TOOLS = ("label-studio", "argilla", "jsonl")
SELECTION = "selection.jsonl"
FILES = (
    label_studio.TASKS,
    label_studio.CONFIG,
    argilla.RECORDS,
    argilla.SETTINGS,
    argilla.DATASET,
    jsonl.TASKS,
    SELECTION,
)


def write_review(
    directory: Path,
    tool: str,
    records: Sequence[TeacherRecord],
    selection: Mapping[str, str],
    *,
    guidelines: Guidelines,
    force: bool = False,
) -> list[Path]:
    """Write the chosen records in the order of choice, and which they are and why.

    guidelines (Guidelines): Their labels come first; where they say what a label means, the tool shows it.
    force (bool): Replace the files of an earlier export; others in the directory stay.
    RETURNS (List[Path]): The files. RAISES (ValueError): T042 where the directory has something in it.
    """
    if directory.exists() and any(directory.iterdir()) and not (force and (directory / SELECTION).is_file()):
        raise ValueError(Errors.T042.format(path=directory))
    for name in FILES:
        (directory / name).unlink(missing_ok=True)
    by_id = {record.id: record for record in records}
    chosen = [(by_id[id], reason) for id, reason in selection.items()]
    labels = {label: explained(guidelines.get(label)) for label in [*guidelines, *labels_of(records)]}
    files: dict[str, Any] = {}
    if tool == "label-studio":
        files[label_studio.TASKS] = [label_studio.to_task(*pair) for pair in chosen]
        files[label_studio.CONFIG] = label_studio.labelling_config(labels)
    elif tool == "argilla":
        files[argilla.DATASET] = {"name": directory.resolve().name}
        files[argilla.SETTINGS] = argilla.dataset_settings(labels)
        files[argilla.RECORDS] = [argilla.to_record(*pair) for pair in chosen]
    else:
        write_rows(directory / jsonl.TASKS, (jsonl.to_line(*pair) for pair in chosen))
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        write_text(directory / name, text)
    write_rows(directory / SELECTION, ({"id": id, "selected": reason} for id, reason in selection.items()))
    return [directory / name for name in FILES if (directory / name).is_file()]


def explained(guideline: Guideline | None) -> str:
    """RETURNS (str): What a label means, with its examples, on one line."""
    if guideline is None:
        return ""
    examples = {"e.g.": guideline.positive, "not": guideline.negative}
    parts = [guideline.description, *(f"{word} {', '.join(of)}" for word, of in examples.items() if of)]
    return "; ".join(filter(None, parts))


def read_selection(directory: Path) -> dict[str, str]:
    """RETURNS (dict): By id why it was chosen. RAISES (ValueError): T312 where there is no selection."""
    path = directory / SELECTION
    if not path.is_file():
        raise ValueError(Errors.T312.format(path=path))
    rows = [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()]
    return {row["id"]: row["selected"] for row in rows}


def read_answers(path: Path, tool: str) -> Answers:
    """Read what a tool gives back: a file, for Argilla also the directory.

    RAISES (ValueError): T043 bad line, T062 damaged file, T311 another format.
    """
    if tool == "jsonl":
        return jsonl.read_answers(record.row for record in read_lines(path, parse_teacher, Errors.T043))
    if path.is_dir():
        path = path / argilla.RECORDS
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        return (label_studio if tool == "label-studio" else argilla).read_answers(content, path)
    except json.JSONDecodeError as error:
        raise ValueError(Errors.T062.format(path=path, reason=error)) from error
    except (KeyError, TypeError, AttributeError) as error:
        reason = f"an export of that tool ({type(error).__name__}: {error})"
        raise ValueError(Errors.T311.format(path=path, tool=tool, wanted=reason)) from error
