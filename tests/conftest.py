"""What the tests share: the starter pipeline, loaded once, and short ways to read spans and run a fresh process."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

LABELS = ["person", "organization", "city", "date"]


def make_nlp(lang: str = "en", **config: Any) -> Language:
    nlp = spacy.blank(lang)
    nlp.add_pipe("gliner_ner", config={"labels": LABELS, **config})
    return nlp


def entities(doc: Doc) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in doc.ents]


def candidates(doc: Doc, key: str = "gliner") -> list[tuple[int, int, str]]:
    return [(span.start_char, span.end_char, span.label_) for span in doc.spans[key]]


@pytest.fixture(scope="session")
def starter() -> Language:
    """An English pipeline with the starter model. Tests change its labels only per document."""
    return make_nlp()


@pytest.fixture(scope="session")
def everything() -> Language:
    """Keeps every span for every label, so that what it gives does not depend on scores."""
    return make_nlp("xx", labels=["person", "city"], candidate_threshold=0.0)


@pytest.fixture
def pipe(starter: Language) -> Any:
    """The starter's component; its labels are put back afterwards."""
    component: Any = starter.get_pipe("gliner_ner")
    before = component.label_data
    yield component
    component.labels = before


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., str]:
    """Run code or a module in a new process, without network. Returns what it printed."""

    def run(*arguments: str, **environment: str) -> str:
        variables = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub"), **environment}
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command, env=variables, cwd=tmp_path, capture_output=True, text=True, encoding="utf8", check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def spans_of(doc: Doc) -> list[tuple[int, int, str]]:
    return candidates(doc) + [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]


def scores_of(doc: Doc) -> dict[tuple[int, int, str], float]:
    return dict(zip(candidates(doc), doc.spans["gliner"].attrs["scores"].tolist(), strict=True))
