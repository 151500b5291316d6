"""The round trip through a real Label Studio server. It is too large for the development environment: install it into
an environment of its own and name its program, `LABEL_STUDIO=/path/to/label-studio pytest tests/test_review_server.py`.
"""

import os
import shutil
import socket
import subprocess
import time

import pytest
import requests
import srsly
from test_review import TEXTS, export, take, teacher, truth_of  # noqa: F401

PROGRAM = os.environ.get("LABEL_STUDIO") or shutil.which("label-studio")
TOKEN = "0123456789abcdef0123456789abcdef01234567"
PATIENCE = 180

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="needs a Label Studio server: pip install label-studio elsewhere, and set LABEL_STUDIO"
)


@pytest.fixture
def server(tmp_path):
    """A server with a new database. Yields a function that calls its API."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [PROGRAM, "start", "--no-browser", "--init", "--data-dir", str(tmp_path / "data"), "--port", str(port)]
    command += ["--username", "me@example.com", "--password", "secret-1234", "--user-token", TOKEN]
    settings = {"COLLECT_ANALYTICS": "False", "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true"}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **settings})

        def call(method, path, **more):
            headers = {"Authorization": f"Token {TOKEN}"}
            return requests.request(method, f"http://127.0.0.1:{port}/api/{path}", headers=headers, timeout=60, **more)

        try:
            wait_for(lambda: call("GET", "projects").ok, process)
            yield call
        finally:
            process.terminate()
            process.wait(30)


def wait_for(ready, process):
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if ready():
                return
        except requests.ConnectionError:
            pass
        time.sleep(1)
    pytest.fail("The server did not start")


def test_round_trip(server, teacher, tmp_path):  # noqa: F811
    directory = export(teacher, "label-studio", tmp_path / "review")
    config = (directory / "labels.xml").read_text(encoding="utf8")
    project = server("POST", "projects", json={"title": "review", "label_config": config}).json()["id"]
    tasks = srsly.read_json(directory / "tasks.json")
    made = server("POST", f"projects/{project}/import?return_task_ids=true", json=tasks).json()
    assert made["prediction_count"] == len(TEXTS)
    for number, (task_id, task) in enumerate(zip(made["task_ids"], tasks, strict=True)):
        if number == 0:
            assert server("DELETE", f"tasks/{task_id}").ok
            continue
        result = [
            {
                "from_name": "label",
                "to_name": "text",
                "type": "labels",
                "value": {**span, "labels": [span.pop("label")]},
            }
            for span in truth_of(task["data"]["text"])
        ]
        answer = {"result": [], "was_cancelled": True} if number == 1 else {"result": result}
        assert server("POST", f"tasks/{task_id}/annotations", json=answer).ok
    answers = server("GET", f"projects/{project}/export?exportType=JSON&download_all_tasks=true")
    (tmp_path / "export.json").write_bytes(answers.content)
    rows, report, _ = take(teacher, directory, tmp_path / "export.json", tmp_path / "merged.jsonl", "label-studio")
    reviewed = [row for row in rows if "review" in row]
    assert len(reviewed) == len(TEXTS) - 2
    assert all(row["spans"] == truth_of(row["text"]) for row in reviewed)
    assert all(row["review"][0]["time"] for row in reviewed)
    assert (report["missing"], report["not_taken"]["cancelled"]) == (2, 1)
