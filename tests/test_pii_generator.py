"""The texts that the benchmark makes up."""

import sys
from collections import Counter
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def generate():
    sys.path.insert(0, str(BENCHMARKS))
    from pii_generator import generate

    yield generate
    sys.path.remove(str(BENCHMARKS))


def test_the_same_seed_gives_the_same_texts(generate):
    assert list(generate(120, 7)) == list(generate(120, 7))
    assert list(generate(120, 7)) != list(generate(120, 8))


def test_thirty_types_in_ten_locales_with_borders(generate):
    rows = list(generate(300, 1))
    types = Counter(span["label"] for row in rows for span in row["spans"])
    assert len(types) >= 30
    assert len({row["locale"] for row in rows}) == 10
    assert any(not row["spans"] for row in rows)
    for row in rows:
        borders = [(span["start"], span["end"]) for span in row["spans"]]
        assert borders == sorted(borders)
        assert all(row["text"][start:end].strip() == row["text"][start:end] != "" for start, end in borders)
        assert "{" + row["spans"][0]["label"] not in row["text"] if row["spans"] else True
