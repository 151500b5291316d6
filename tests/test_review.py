"""Review of the teacher's labels: the formats of the tools, and what becomes of answers."""

import json
import xml.etree.ElementTree as etree

import pytest
import srsly
from spacy.cli._util import app
from typer.testing import CliRunner

import spacy_tiered_ner.cli  # noqa: F401
from spacy_tiered_ner.corpus import read_records
from spacy_tiered_ner.teacher.records import write_rows
from spacy_tiered_ner.teacher.selection import RANDOM

TEXTS = [
    "The Heron 🚢🚢 left Cork with barley.",
    "Fog kept the Gannet in Varna.\r\nIzmir was clear 🌞, said the crew of the Otter.",
    "No ship came in.",
    "🚀 Kestrel and Petrel met off Gdynia.",
    "The Dunlin carries timber to Bergen.",
]
TRUTH = [
    [("Heron", "ship"), ("Cork", "port"), ("barley", "cargo")],
    [("Gannet", "ship"), ("Varna", "port"), ("Izmir", "port"), ("Otter", "ship")],
    [],
    [("Kestrel", "ship"), ("Petrel", "ship"), ("Gdynia", "port")],
    [("Dunlin", "ship"), ("timber", "cargo"), ("Bergen", "port")],
]
LABELS = ["ship", "port", "cargo"]


def spans(text, phrases):
    found = ((text.index(phrase), len(phrase), label) for phrase, label in phrases)
    return [{"start": start, "end": start + length, "label": label} for start, length, label in found]


def line(number, phrases, text=None, **meta):
    text = TEXTS[number] if text is None else text
    return {
        "text": text,
        "spans": [{**span, "confidence": 0.9} for span in spans(text, phrases)],
        "labels": LABELS,
        "meta": {"id": f"doc{number}", "model": "some-llm", "prompt_hash": "abc", **meta},
        "source": "a key of one's own",
    }


@pytest.fixture
def teacher(tmp_path):
    """The teacher misses the first text's cargo, and takes the last text's port for cargo."""
    taught = [TRUTH[0][:2], TRUTH[1], TRUTH[2], TRUTH[3], [*TRUTH[4][:2], ("Bergen", "cargo")]]
    path = tmp_path / "teacher.jsonl"
    srsly.write_jsonl(path, [line(number, phrases) for number, phrases in enumerate(taught)])
    return path


def review(*arguments):
    return CliRunner().invoke(app, ["tiered", "review", *map(str, arguments)])


def export(teacher, tool, directory, *options):
    result = review("export", teacher, directory, "--to", tool, "--random-share", 1, *options)
    assert result.exit_code == 0, result.stdout
    return directory


def take(teacher, directory, answers, output, tool):
    report = output.with_suffix(".report.json")
    result = review("import", teacher, directory, answers, output, "--from", tool, "--json", report)
    assert result.exit_code == 0, result.stdout
    return list(srsly.read_jsonl(output)), json.loads(report.read_text(encoding="utf8")), result.stdout


def write_json(path, content):
    path.write_text(json.dumps(content), encoding="utf8")
    return path


def utf16(text, place):
    return len(text[:place].encode("utf-16-le")) // 2


def truth_of(text):
    return spans(text, TRUTH[TEXTS.index(text)])


def annotation(spans, reviewer=1, quoted=None, **more):
    """As Label Studio exports one; `quoted` is the text where it says which text is marked."""
    result = [
        {
            "id": f"r{number}",
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "origin": "manual",
            "value": {
                "start": span["start"],
                "end": span["end"],
                "labels": [span["label"]],
                **({"text": quoted[span["start"] : span["end"]]} if quoted else {}),
            },
        }
        for number, span in enumerate(spans)
    ]
    times = {"created_at": "2026-11-25T10:00:00.000000Z", "updated_at": f"2026-11-25T11:00:0{reviewer}.000000Z"}
    return {"completed_by": reviewer, "result": result, "was_cancelled": False, "ground_truth": False, **times, **more}


def exported(task, *annotations):
    return {"id": 1, "annotations": list(annotations), "predictions": [1], "drafts": [], "data": task["data"]}


def test_label_studio(teacher, tmp_path):
    """Texts, offsets and labels come back as they were, emoji and carriage returns included."""
    directory = export(teacher, "label-studio", tmp_path / "review")
    tasks = srsly.read_json(directory / "tasks.json")
    assert {task["data"]["text"] for task in tasks} == set(TEXTS)
    for task in tasks:
        (prediction,) = task["predictions"]
        assert prediction["model_version"] == "some-llm"
        for region in prediction["result"]:
            value = region["value"]
            assert task["data"]["text"][value["start"] : value["end"]] == value["text"]
            assert (region["from_name"], region["to_name"], region["type"]) == ("label", "text", "labels")
    view = etree.parse(directory / "labels.xml").getroot()
    assert [label.get("value") for label in view.iter("Label")] == LABELS
    assert view.find("Labels").get("toName") == view.find("Text").get("name") == "text"

    answers = [exported(task, annotation(truth_of(task["data"]["text"]))) for task in tasks]
    path = write_json(tmp_path / "export.json", answers)
    rows, report, printed = take(teacher, directory, path, tmp_path / "merged.jsonl", "label-studio")
    before = list(srsly.read_jsonl(teacher))
    for row, old in zip(rows, before, strict=True):
        assert row["spans"] == truth_of(row["text"])
        assert row["teacher"] == old["spans"]
        (given,) = row["review"]
        assert (given["reviewer"], given["time"]) == ("1", "2026-11-25T11:00:01.000000Z")
        assert given["spans"] == row["spans"]
        assert row["meta"] == old["meta"]
        assert row["source"] == old["source"]
    assert report["answered"] == report["given_out"] == 5
    assert report["changed"] == 2
    assert report["not_taken"] == {}
    assert (report["teacher"]["correct"], report["teacher"]["predicted"], report["teacher"]["gold"]) == (11, 12, 13)
    assert report["teacher"]["per_type"]["ship"]["f1"] == 1
    assert f"{100 * 11 / 13:.1f}" in printed
    assert "W303" in printed
    assert [len(record.spans) for record in read_records(tmp_path / "merged.jsonl")] == [3, 4, 0, 3, 3]


def test_cancelled_deleted_and_changed_tasks(teacher, tmp_path):
    """Nothing is lost in silence: every task without a usable answer is counted, and keeps the teacher's labels."""
    directory = export(teacher, "label-studio", tmp_path / "review")
    by_text = {task["data"]["text"]: task for task in srsly.read_json(directory / "tasks.json")}
    cancelled, changed, unplaceable, right = (by_text[TEXTS[number]] for number in (0, 1, 3, 4))
    changed = {"data": {**changed["data"], "text": changed["data"]["text"].replace("Fog", "Ice")}}
    nowhere = [{"start": 2, "end": 9, "label": "ship"}]
    relation = {"type": "relation", "from_id": "r0", "to_id": "r1", "direction": "right"}
    answer = annotation(truth_of(TEXTS[4]))
    answer["result"].append(relation)
    answers = [
        exported(cancelled, annotation([], was_cancelled=True)),
        exported(changed, annotation([])),
        exported(unplaceable, annotation(nowhere, quoted="another text, of other words, longer than the first")),
        exported(right, answer),
        exported({"data": {"text": "Somebody's own task.", "record": "?"}}, annotation([])),
    ]
    rows, report, printed = take(
        teacher, directory, write_json(tmp_path / "e.json", answers), tmp_path / "m.jsonl", "label-studio"
    )
    assert report["not_taken"] == {
        "cancelled": 1,
        "with a changed text": 1,
        "with spans that fit nowhere": 1,
        "regions of other kinds": 1,
        "of unknown texts": 1,
    }
    assert (report["answered"], report["missing"]) == (1, 4)
    assert report["lost"] == ["doc3"]
    assert "doc3" in printed
    assert [("review" in row, "teacher" in row) for row in rows] == [(False, False)] * 4 + [(True, True)]
    assert rows[:4] == list(srsly.read_jsonl(teacher))[:4]


def test_two_reviewers(teacher, tmp_path):
    """All are kept; the majority decides, of two the one who answered last; agreement is measured."""
    directory = export(teacher, "label-studio", tmp_path / "review")
    tasks = {task["data"]["text"]: task for task in srsly.read_json(directory / "tasks.json")}
    truth = truth_of(TEXTS[0])
    first, second, third = truth, truth[:2], [*truth[1:2], {**truth[0], "label": "cargo"}]
    answers = [
        exported(tasks[TEXTS[0]], annotation(first, 1), annotation(third, 3), annotation(second, 2)),
        exported(tasks[TEXTS[4]], annotation(truth_of(TEXTS[4]), 1), annotation(truth_of(TEXTS[4])[:2], 2)),
        exported(tasks[TEXTS[2]], annotation([], 1), annotation([], 2)),
    ]
    path = write_json(tmp_path / "e.json", answers)
    rows, report, _ = take(teacher, directory, path, tmp_path / "m.jsonl", "label-studio")
    assert rows[0]["spans"] == truth[:2]
    assert rows[4]["spans"] == truth_of(TEXTS[4])[:2]
    assert [given["reviewer"] for given in rows[0]["review"]] == ["1", "2", "3"]
    pairs = {tuple(pair["reviewers"]): pair for pair in report["agreement"]}
    assert pairs["1", "2"]["documents"] == 3
    assert pairs["1", "2"]["f1"] == pytest.approx(2 * 4 / (6 + 4))
    assert 0.5 < pairs["1", "2"]["kappa"] < 1
    assert pairs["1", "3"]["documents"] == 1
    again, _, _ = take(tmp_path / "m.jsonl", directory, path, tmp_path / "again.jsonl", "label-studio")
    assert again == rows
    changed_mind = {"updated_at": "2026-11-26T00:00:00Z"}
    later = [
        exported(tasks[TEXTS[0]], annotation(truth, 2, **changed_mind)),
        exported(tasks[TEXTS[4]], annotation(truth_of(TEXTS[4]), 1, **changed_mind)),
    ]
    path = write_json(tmp_path / "later.json", later)
    rows, _, _ = take(tmp_path / "m.jsonl", directory, path, tmp_path / "m2.jsonl", "label-studio")
    assert len(rows[0]["review"]) == 4
    assert rows[0]["spans"] == truth
    assert rows[4]["spans"] == truth_of(TEXTS[4])
    assert rows[0]["teacher"] == again[0]["teacher"]


def test_argilla(teacher, tmp_path):
    """The interface of Argilla counts an emoji as two: offsets are mended by the borders of words."""
    directory = export(teacher, "argilla", tmp_path / "review")
    settings = srsly.read_json(directory / ".argilla" / "settings.json")
    assert [option["value"] for option in settings["questions"][0]["settings"]["options"]] == LABELS
    records = srsly.read_json(directory / "records.json")
    for number, record in enumerate(records):
        text = record["fields"]["text"]
        value = [
            {"start": utf16(text, span["start"]), "end": utf16(text, span["end"]), "label": span["label"]}
            for span in truth_of(text)
        ]
        record["responses"] = {"spans": [{"value": value, "user_id": "1-2-3"}]}
        record["status"] = "pending" if number == 4 else "completed"
    pending = records[4]["id"]
    rows, report, _ = take(
        teacher, directory, write_json(directory / "records.json", records).parent, tmp_path / "m.jsonl", "argilla"
    )
    assert report["not_taken"]["not completed"] == 1
    shifted = [r for r in records[:4] if any(ord(char) > 0xFFFF for char in r["fields"]["text"])]
    assert report["not_taken"].get("spans with shifted offsets, mended", 0) >= len(shifted)
    for row in rows:
        if row["meta"]["id"] == pending:
            assert "review" not in row
        else:
            assert row["spans"] == truth_of(row["text"])
            assert row["review"][0]["reviewer"] == "1-2-3"
            assert row["review"][0]["time"] is None


def test_guidelines_and_a_second_export(teacher, tmp_path):
    """Reviewers see what the labels mean. A second export replaces the first one's files and no others."""
    srsly.write_yaml(
        tmp_path / "guidelines.yaml",
        {"berth": "where a ship lies", "ship": {"description": "a vessel", "positive": ["Heron"], "negative": ["tug"]}},
    )
    directory = export(teacher, "label-studio", tmp_path / "review", "--guidelines", tmp_path / "guidelines.yaml")
    labels = etree.parse(directory / "labels.xml").getroot().iter("Label")
    assert [(label.get("value"), label.get("hint")) for label in labels] == [
        ("berth", "where a ship lies"),
        ("ship", "a vessel; e.g. Heron; not tug"),
        ("port", None),
        ("cargo", None),
    ]
    (directory / "answers.json").write_text("[]", encoding="utf8")
    assert review("export", teacher, directory).exit_code == 1
    export(teacher, "argilla", directory, "--guidelines", tmp_path / "guidelines.yaml", "--force")
    settings = srsly.read_json(directory / ".argilla" / "settings.json")
    assert settings["guidelines"] == "- **berth**: where a ship lies\n- **ship**: a vessel; e.g. Heron; not tug"
    files = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}
    written = {"records.json", ".argilla/settings.json", ".argilla/dataset.json", "selection.jsonl"}
    assert files == {*written, "answers.json"}
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "tasks.json").write_text("not ours", encoding="utf8")
    assert "T042" in review("export", teacher, strange, "--force").stdout
    assert (strange / "tasks.json").read_text(encoding="utf8") == "not ours"


def test_jsonl(teacher, tmp_path):
    directory = export(teacher, "jsonl", tmp_path / "review")
    rows = list(srsly.read_jsonl(directory / "tasks.jsonl"))
    assert all(row["selected"] == RANDOM for row in rows)
    for row in rows:
        row |= {"spans": truth_of(row["text"]), "reviewer": "ada", "time": "2026-11-25T10:00:00Z"}
    rows[0]["answer"] = "ignore"
    del rows[1]["id"]
    srsly.write_jsonl(tmp_path / "answers.jsonl", rows)
    merged, report, _ = take(teacher, directory, tmp_path / "answers.jsonl", tmp_path / "m.jsonl", "jsonl")
    assert report["not_taken"] == {"cancelled": 1}
    assert report["reviewers"] == {"ada": 4}
    assert sum(row["spans"] == truth_of(row["text"]) for row in merged if "review" in row) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"meta": {"id": "doc1"}}, "T310"),
        ({"meta": []}, "line 1"),
        ({"spans": [{"start": 0, "end": 3, "label": "a", "confidence": 2}]}, "confidence"),
        ({"spans": [{"start": 0, "end": 300, "label": "a"}]}, "line 1"),
    ],
)
def test_bad_teacher_lines(teacher, tmp_path, change, message):
    rows = list(srsly.read_jsonl(teacher))
    rows[0] |= change
    srsly.write_jsonl(teacher, rows)
    result = review("export", teacher, tmp_path / "out")
    assert result.exit_code == 1
    assert message in " ".join(result.stdout.split())
    assert not (tmp_path / "out").exists()


def test_bad_exports(teacher, tmp_path):
    directory = export(teacher, "label-studio", tmp_path / "review")
    minimal = write_json(tmp_path / "min.json", [{"text": TEXTS[0], "id": 1, "label": [], "annotator": 1}])
    broken = tmp_path / "broken.json"
    broken.write_text("[{", encoding="utf8")
    odd = write_json(tmp_path / "odd.json", [{"annotations": [{"result": [{"type": "labels"}]}]}])
    cases = [
        ((teacher, directory, minimal, "--from", "label-studio"), "JSON-MIN"),
        ((teacher, directory, broken, "--from", "label-studio"), "T062"),
        ((teacher, directory, odd, "--from", "label-studio"), "T311"),
        ((teacher, directory, minimal, "--from", "argilla"), "T311"),
        ((teacher, tmp_path, minimal, "--from", "label-studio"), "T312"),
        ((teacher, directory, minimal, "--from", "paper"), "T012"),
    ]
    for (labels, given_out, answers, *options), message in cases:
        result = review("import", labels, given_out, answers, tmp_path / "out.jsonl", *options)
        assert result.exit_code == 1
        assert message in result.stdout
        assert not (tmp_path / "out.jsonl").exists()
    again = review("export", teacher, directory)
    assert again.exit_code == 1
    assert "T042" in again.stdout


def test_failed_writing_leaves_the_older_file(teacher, tmp_path):
    """What cannot be encoded fails half-way; the file of before is still there, and nothing beside it."""
    (tmp_path / "out").mkdir()
    target = tmp_path / "out" / "rows.jsonl"
    write_rows(target, [{"text": "before"}])
    with pytest.raises(UnicodeEncodeError):
        write_rows(target, [{"text": "x" * 100_000}, {"text": "\ud800"}])
    assert [path.name for path in target.parent.iterdir()] == ["rows.jsonl"]
    assert list(srsly.read_jsonl(target)) == [{"text": "before"}]
