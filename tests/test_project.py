"""The project as a whole: every step of `all` on the generated reports, and the wheel that comes out."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from chat_server import Answer, serve
from spacy.cli.project.assets import project_assets
from spacy.cli.project.run import project_run

from spacy_tiered_ner.corpus import read_records
from spacy_tiered_ner.teacher.files import read_guidelines
from spacy_tiered_ner.teacher.records import read_teacher

pytest.importorskip("gliner")

ROOT = Path(__file__).parent.parent
TEXT = "Ines Brandt found an oil leak on the gearbox of WTG 14 at Halden Ridge."
SIZES = {"texts": 80, "dev": 20, "test": 40}
# Enough steps to pass the gate; the figures are those of a student that has hardly begun
STEPS = {"vars.max_steps": 6, "vars.eval_frequency": 6, "vars.max_loss": 5, "vars.review_count": 20}
SETTINGS = {"vars.data": "small", **STEPS}
WHEEL = "packages/en_wind_reports-0.1.0/dist/en_wind_reports-0.1.0-py3-none-any.whl"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which `all` has run, on the first of its texts."""
    path = tmp_path_factory.mktemp("project")
    for name in ("assets", "configs", "scripts"):
        shutil.copytree(ROOT / name, path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "project.yml", path)
    (path / "small").mkdir()
    shutil.copy(path / "assets" / "guidelines.yaml", path / "small")
    for name, size in SIZES.items():
        lines = (path / "assets" / f"{name}.jsonl").read_text(encoding="utf8").splitlines(keepends=True)
        (path / "small" / f"{name}.jsonl").write_text("".join(lines[:size]), encoding="utf8")
    project_run(path, "all", overrides=SETTINGS, capture=True)
    return path


def run(path: Path, workflow: str, capfd: Any) -> str:
    """RETURNS (str): What it printed, whether it failed or not."""
    with contextlib.suppress(SystemExit):
        project_run(path, workflow, overrides=SETTINGS)
    return capfd.readouterr().out


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf8"))


def test_assets_are_what_the_seeded_scripts_write(tmp_path, capfd):
    shutil.copytree(ROOT / "assets", tmp_path / "assets")
    shutil.copy(ROOT / "project.yml", tmp_path)
    project_assets(tmp_path)
    assert capfd.readouterr().out.count("matching checksum") == len(list((ROOT / "assets").iterdir()))
    again = tmp_path / "again"
    for script, *arguments in (
        ("generate.py", again),
        ("record.py", "configs/teacher/replay.cfg", "assets/guidelines.yaml", again / "recorded_answers.jsonl"),
    ):
        subprocess.run([sys.executable, f"scripts/wind/{script}", *map(str, arguments)], check=True, cwd=ROOT)
    for path in again.iterdir():
        assert path.read_bytes() == (ROOT / "assets" / path.name).read_bytes(), path.name


def test_every_number_can_be_traced(project):
    summary = read(project / "metrics" / "summary.json")
    assert summary["test_documents"] == len(list(read_records(project / "small" / "test.jsonl"))) == 40
    records = read_teacher(project / "corpus" / "replay" / "texts.jsonl")
    model = "replay/simulated-small-a + replay/simulated-small-b, then replay/simulated-strong"
    assert {record.meta["model"] for record in records} == {model} == {summary["teacher"]["model"]}
    assert summary["labelled"]["calls"] == sum(record.meta["usage"]["calls"] for record in records)
    assert 2 * len(records) < summary["labelled"]["calls"] < 3 * len(records)
    reviewed = read_teacher(project / "corpus" / "reviewed.jsonl")
    people = [record for record in reviewed if record.reviews]
    assert summary["reviewed_share"] == len(people) / len(reviewed) == 0.25
    assert {review["reviewer"] for record in people for review in record.reviews} == {"simulated reviewer"}
    assert 0.85 < summary["teacher"]["f1"] < 0.93
    assert summary["teacher_on_random_share"]["documents"] == 6
    assert summary["zero_shot"]["f1"] < summary["teacher"]["f1"]
    assert "corpus/replay/test.jsonl" in (project / "metrics" / "student.html").read_text(encoding="utf8")
    assert read(project / "metrics" / "check.json")["documents"] == {"train": 80, "dev": 20, "test": 40}


def test_student_has_the_labels_of_the_guidelines(project):
    guidelines = read_guidelines(project / "assets" / "guidelines.yaml")
    for name in ("zero_shot", "pipeline"):
        nlp = spacy.load(project / "training" / name)
        assert nlp.get_pipe("gliner_ner").labels == tuple(guidelines)
        assert ("Ines Brandt", "technician") in [(ent.text, ent.label_) for ent in nlp(TEXT).ents]


def test_second_run_does_nothing_and_changed_guidelines_do_it_again(project, tmp_path, capfd):
    project = shutil.copytree(project, tmp_path / "project")
    output = run(project, "all", capfd)
    assert output.count("nothing changed") == 12
    assert "Running command" not in output
    path = project / "small" / "guidelines.yaml"
    before = path.read_text(encoding="utf8")
    path.write_text(before.replace("one wind turbine", "a wind turbine"), encoding="utf8")
    output = run(project, "all", capfd)
    assert "Skipping 'label'" not in output
    assert "has no answer to this prompt" in output, "the recording has no answer to other guidelines, and says so"
    assert "review-export" not in output


def test_step_that_was_killed_is_done_again(project, tmp_path, capfd):
    copy = shutil.copytree(project, tmp_path / "project")
    teacher = copy / "corpus" / "replay" / "texts.jsonl"
    whole = teacher.read_bytes()
    teacher.write_bytes(whole[: len(whole) // 2])
    (copy / "corpus" / "review" / "selection.jsonl").unlink()
    output = run(copy, "teach", capfd)
    assert "Skipping" not in output.partition("review-export")[0]
    again = teacher.read_bytes().splitlines()
    assert [json.loads(line)["spans"] for line in again] == [json.loads(line)["spans"] for line in whole.splitlines()]


def test_texts_of_ones_own_go_to_a_server_and_to_label_studio(tmp_path, capfd):
    """The first half of a project of one's own: four files, a model's address, and the tool of the reviewers."""
    (tmp_path / "mine").mkdir()
    shutil.copy(ROOT / "project.yml", tmp_path)
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    srsly.write_yaml(
        tmp_path / "mine" / "guidelines.yaml", {"port": "a named harbour", "ship": {"prompts": ["vessel"]}}
    )
    srsly.write_jsonl(
        tmp_path / "mine" / "texts.jsonl", [{"text": f"The Heron 🚢 left Cork on day {n}."} for n in range(9)]
    )
    content = {"mentions": [{"text": "Heron", "label": "ship"}, {"text": "Cork", "label": "port"}]}
    with serve(lambda body: Answer(json.dumps(content))) as server:
        config = tmp_path / "configs" / "teacher" / "openai.cfg"
        changed = config.read_text(encoding="utf8").replace("base_url = null", f'base_url = "{server.url}"')
        config.write_text(changed.replace("max_cost = 10.0", "max_cost = null"), encoding="utf8")
        mine = {
            "vars.data": "mine",
            "vars.teacher": "openai",
            "vars.review_tool": "label-studio",
            "vars.review_count": 5,
        }
        project_run(tmp_path, "teach", overrides=mine)
        assert len(server.requests) == 9
    assert "random" in capfd.readouterr().out
    tasks = read(tmp_path / "corpus" / "review" / "tasks.json")
    assert len(tasks) == 5
    (prediction,) = tasks[0]["predictions"]
    assert prediction["model_version"] == "openai/gpt-5-mini"
    assert [region["value"]["text"] for region in prediction["result"]] == ["Heron", "Cork"]
    labels = (tmp_path / "corpus" / "review" / "labels.xml").read_text(encoding="utf8")
    assert "a named harbour" in labels


def test_texts_of_ones_own_are_not_reviewed_by_the_simulation(project, tmp_path):
    tasks = project / "corpus" / "review" / "tasks.jsonl"
    lines = list(srsly.read_jsonl(tasks))
    srsly.write_jsonl(tmp_path / "tasks.jsonl", [*lines, {**lines[0], "id": "mine", "text": "A text of my own."}])
    script = [sys.executable, str(project / "scripts" / "wind" / "simulate_review.py")]
    done = subprocess.run([*script, tmp_path, tmp_path / "x"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "such as mine" in done.stderr


def test_wheel_runs_in_an_environment_without_torch(project, tmp_path):
    """Both wheels, ours and the pipeline's, from an index, as a user installs them."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", str(ROOT), str(project / WHEEL)]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    code = (
        "import importlib.util, json, sys, en_wind_reports\n"
        "nlp = en_wind_reports.load()\n"
        f"doc = nlp({TEXT!r})\n"
        "absent = [name for name in ('torch', 'gliner', 'transformers') if importlib.util.find_spec(name) is None]\n"
        "print(json.dumps([absent, nlp.meta['version'], [(ent.text, ent.label_) for ent in doc.ents]]))"
    )
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path, env=clean)
    assert done.returncode == 0, done.stderr
    absent, version, found = json.loads(done.stdout)
    assert absent == ["torch", "gliner", "transformers"]
    assert version == "0.1.0"
    here = spacy.load(project / "training" / "pipeline")(TEXT)
    assert found == [[ent.text, ent.label_] for ent in here.ents]
    assert found
