"""The files of a review: what `tiered review` writes for a tool, and reads back from it."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...corpus import read_lines
from ...errors import Errors
from ...files import write_text
from ..records import TeacherRecord, labels_of, parse_teacher, write_rows
from . import argilla, jsonl, label_studio
from .answers import Answers

TOOLS = ("label-studio", "argilla", "jsonl")
SELECTION = "selection.jsonl"


def write_review(
    directory: Path, tool: str, records: Sequence[TeacherRecord], selection: dict[str, str], force: bool = False
) -> list[Path]:
    """Write the chosen records in the order of choice, and which they are and why.

    force (bool): Replace an earlier export in the directory.
    RETURNS (List[Path]): The files. RAISES (ValueError): T042 where the directory has something in it.
    """
    if directory.exists() and any(directory.iterdir()):
        if not force or not (directory / SELECTION).is_file():
            raise ValueError(Errors.T042.format(path=directory))
        shutil.rmtree(directory)
    by_id = {record.id: record for record in records}
    chosen = [(by_id[id], reason) for id, reason in selection.items()]
    labels = labels_of(records)
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
    return sorted(path for path in directory.rglob("*") if path.is_file())


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
