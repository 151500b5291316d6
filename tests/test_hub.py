"""Hub loading, against a real HTTP server on loopback that speaks the few routes the hub client uses."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from spacy_tiered_ner.gliner.source import STARTER

REPO, PINNED, LATEST = "someone/tiny-gliner", "a" * 40, "b" * 40
SCRIPT = """
import spacy, sys
nlp = spacy.blank("en")
nlp.add_pipe("gliner_ner", config={"model": sys.argv[1], "labels": ["person", "city"]})
doc = nlp("Marie Curie moved to Paris.")
print("candidates", len(doc.spans["gliner"]), doc._.tiered_ner["gliner_ner"]["coverage"])
"""


class Hub(BaseHTTPRequestHandler):
    requested: ClassVar[list[str]] = []

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        path = self.path.split("?")[0]
        self.requested.append(path)
        prefix = f"/api/models/{REPO}"
        files = {"onnx/model_int8.onnx": "model_int8.onnx"} | {n: n for n in ("gliner_config.json", "tokenizer.json")}
        if path.startswith(prefix):
            revision = path.removeprefix(prefix).removeprefix("/revision/") or LATEST
            sha = LATEST if revision == "main" else revision
            siblings = [{"rfilename": name} for name in [*files, "pytorch_model.bin"]]
            self.send(json.dumps({"id": REPO, "sha": sha, "siblings": siblings}).encode(), "application/json", body)
            return
        _, _, rest = path.partition("/resolve/")
        revision, _, name = rest.partition("/")
        if path.startswith(f"/{REPO}/") and name in files:
            content = (STARTER / files[name]).read_bytes()
            etag = hashlib.sha256(content).hexdigest()
            self.send(content, "application/octet-stream", body, {"X-Repo-Commit": revision, "ETag": f'"{etag}"'})
            return
        self.send_error(404)

    def send(self, content: bytes, kind: str, body: bool, headers: dict[str, str] | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *args):
        pass


@pytest.fixture
def hub():
    Hub.requested.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def run(model: str, endpoint: str, home: Path, **extra: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0", **extra}
    environment |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, model], env=environment, capture_output=True, text=True, check=False
    )


def test_pinned_revision_is_fetched_and_then_served_offline(hub, tmp_path):
    first = run(f"{REPO}@{PINNED}", hub, tmp_path)
    assert "candidates" in first.stdout, first.stderr
    assert f"/{REPO}/resolve/{PINNED}/onnx/model_int8.onnx" in Hub.requested
    assert not [path for path in Hub.requested if LATEST in path or path.endswith(".bin")]
    offline = run(f"{REPO}@{PINNED}", "http://127.0.0.1:9", tmp_path, HF_HUB_OFFLINE="1")
    assert offline.stdout == first.stdout


def test_latest_revision_without_pin(hub, tmp_path):
    assert "candidates" in run(REPO, hub, tmp_path).stdout
    assert f"/{REPO}/resolve/{LATEST}/gliner_config.json" in Hub.requested


def test_without_network_the_error_says_what_to_do(tmp_path):
    failed = run(REPO, "http://127.0.0.1:9", tmp_path)
    assert failed.returncode != 0
    assert "[T025]" in failed.stderr
    assert "starter" in failed.stderr


def test_unknown_repository(hub, tmp_path):
    failed = run("someone/else", hub, tmp_path)
    assert failed.returncode != 0
    assert "[T025]" in failed.stderr
