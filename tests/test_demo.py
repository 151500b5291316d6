"""`python -m spacy tiered demo`: the tables, the page and the errors, not how good the model is."""

import re
import subprocess
import sys

import pytest
import spacy
import srsly
from spacy.cli._util import app
from spacy.tokens import Span
from typer.testing import CliRunner

from spacy_tiered_ner import extensions
from spacy_tiered_ner.cli.demo import DEMO_TEXTS, read_source, shorten
from spacy_tiered_ner.cli.page import read_candidates, render_page
from spacy_tiered_ner.factories import DEFAULT_LABELS
from spacy_tiered_ner.spans import write_group

TEXT = "Marie Curie was born in Warsaw in 1867."


def demo(*args):
    return CliRunner().invoke(app, ["tiered", "demo", *map(str, args)])


def flat(text):
    return " ".join(text.split())


@pytest.fixture
def doc():
    """A document with an entity, one nested in it, and one below the threshold; label and text need escaping."""
    extensions.register()
    doc = spacy.blank("en")("<script>alert(1)</script> Ada Lovelace met (Charles Babbage) & others")
    ada, babbage = (next(t.i for t in doc if t.text == name) for name in ("Ada", "Babbage"))
    spans = [
        Span(doc, ada, ada + 2, label="person"),
        Span(doc, ada, ada + 1, label="<given> name"),
        Span(doc, babbage, babbage + 1, label="person"),
    ]
    write_group(doc, "gliner", spans, [0.984, 0.7, 0.35], "gliner", ["", "", ""], [0, 0, 0])
    doc.ents = spans[:1]
    doc._.gliner_labels = ["person", "<given> name"]
    doc.user_data["title"] = "A & B"
    return doc


def test_demo_texts():
    texts = read_source(None)
    assert len(texts) >= 12
    for text in texts:
        assert text["title"]
        assert 30 <= len(text["text"].split()) <= 90
        assert 4 <= len(set(text["labels"])) == len(text["labels"]) <= 8


def test_command_without_arguments(tmp_path):
    command = [sys.executable, "-m", "spacy", "tiered", "demo", "--output", "out/page.html"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf8", check=True)
    texts = list(srsly.read_jsonl(DEMO_TEXTS))
    page = (tmp_path / "out" / "page.html").read_text(encoding="utf8")
    for text in texts:
        assert f" {text['title']} " in result.stdout
        assert f"<h2>{text['title']}</h2>" in page
        assert all(f">{label}</span>" in page for label in text["labels"])
    summary = rf"{len(texts)} docs, \d+ words, \d+ entities, \d+ candidates, [\d.]+ s, [\d.]+ docs/s, coverage 100%"
    assert re.search(summary, flat(result.stdout))
    assert "out/page.html" in result.stdout.replace("\\", "/")
    assert not result.stderr
    assert page.count("<article>") == len(texts)
    assert not re.search(r"<script|<link|src=|url\(|@import|https?://", page)


def test_text_and_labels(tmp_path):
    path = tmp_path / "page.html"
    result = demo(TEXT, "-l", "person, city,year", "-o", path, "-t", 0)
    assert result.exit_code == 0
    table = [line.split() for line in result.stdout.splitlines()]
    assert ["text", "label", "score", "tier", "status"] in table
    scores = [row[-3] for row in table if row[-2:] in (["gliner", "entity"], ["gliner", "overlap"])]
    assert scores
    assert all(re.fullmatch(r"[01]\.\d\d", score) for score in scores)
    page = path.read_text(encoding="utf8")
    labels = re.search('<div class="labels">(.+)</div>', page)[1]
    assert re.findall(">([^<]+)</span>", labels) == ["person", "city", "year"]
    assert re.search(r">(person|city|year) (\.\d\d|1\.00)</b>", page)


def test_nothing_found_and_no_html(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = demo(TEXT, "--threshold", 1, "--no-html")
    assert result.exit_code == 0
    assert " 0 entities" in flat(result.stdout)
    assert "Nothing found" in demo("", "--no-html").stdout
    assert not list(tmp_path.iterdir())


def test_jsonl(tmp_path):
    path = tmp_path / "texts.jsonl"
    lines = [
        {"text": TEXT, "title": "First", "labels": ["scientist"]},
        {"text": TEXT},
        {"text": TEXT, "labels": {"person": {"threshold": 0.9}, "place": "city"}},
    ]
    srsly.write_jsonl(path, lines)
    result = demo(path, "-o", tmp_path / "page.html")
    assert result.exit_code == 0
    assert all(f" {title} " in result.stdout for title in ("First", "texts.jsonl, line 2", "texts.jsonl, line 3"))
    page = (tmp_path / "page.html").read_text(encoding="utf8")
    asked = [re.findall(">([^<]+)</span>", row) for row in re.findall('<div class="labels">(.+)</div>', page)]
    assert asked == [["scientist"], DEFAULT_LABELS, ["person", "place"]]


def test_long_text_is_read_by_paragraphs(tmp_path):
    path = tmp_path / "book.txt"
    path.write_text(f"{TEXT}\n\n{TEXT}\n", encoding="utf8")
    assert [text["title"] for text in read_source(str(path))] == ["book.txt"]
    path.write_text("\n \n".join([TEXT] * 300), encoding="utf8")
    texts = read_source(str(path))
    assert {text["text"] for text in texts} == {TEXT}
    assert texts[-1]["title"] == "book.txt, paragraph 300"
    result = demo(path, "--no-html")
    assert "300 docs" in flat(result.stdout)
    assert "300/300" in result.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["letter.txt"], "no file letter.txt"),
        (["letters.JSONL"], "no file letters.JSONL"),
        ([TEXT, "--model", "no such model"], "T020"),
        ([TEXT, "--labels", "city,city"], "T002"),
        ([TEXT, "--labels", ","], "T001"),
    ],
)
def test_errors(args, message):
    result = demo(*args, "--no-html")
    assert result.exit_code == 1
    assert message in flat(result.stdout)


@pytest.mark.parametrize("line", ['"text"', '{"title": "no text"}', '{"text": 3}', "{"])
def test_bad_lines(tmp_path, line):
    path = tmp_path / "texts.jsonl"
    path.write_text(line, encoding="utf8")
    assert demo(path, "--no-html").exit_code == 1


def test_help():
    result = CliRunner().invoke(app, ["tiered", "--help"])
    assert result.exit_code == 0
    assert re.search(r"^\s*demo\s+Find entities", result.stdout, re.MULTILINE)


def test_candidates(doc):
    found = [(c.span.text, c.tier, c.status) for c in read_candidates(doc, "gliner", 0.5)]
    assert found == [
        ("Ada Lovelace", "gliner", "entity"),
        ("Ada", "gliner", "overlap"),
        ("Babbage", "gliner", "below threshold"),
    ]
    doc._.gliner_labels = {"person": {"threshold": 0.3}, "<given> name": {"threshold": 0.8}}
    assert [c.status for c in read_candidates(doc, "gliner", 0.5)] == ["entity", "below threshold", "overlap"]


def test_page(doc):
    page = render_page([doc], spans_key="gliner", threshold=0.5, title="<t>")
    assert "<title>&lt;t&gt;</title>" in page
    assert "<h2>A &amp; B</h2>" in page
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2
    assert re.search(r"<mark[^>]*>Ada Lovelace<b>person</b></mark>", page)
    for caption in ("person .98", "&lt;given&gt; name .70", "person .35"):
        assert page.count(f">{caption}</b>") == 1
    rows = [int(row) for row in re.findall(r'<b style="grid-row: (\d+)', page)]
    assert rows == [2, 3, 2]
    view = re.findall(r'<div class="view" dir="auto">(.*)</div>', page)[1]
    words = re.sub(r"<[ib] .*?</[ib]>|<.*?>", "", view)
    assert words == "&lt;script&gt;alert(1)&lt;/script&gt; Ada Lovelace met (Charles Babbage) &amp; others"


def test_page_without_documents():
    assert "<article>" not in render_page([], spans_key="gliner", threshold=0.5, title="Nothing")


def test_shorten():
    assert shorten("a\n b") == "a b"
    assert shorten("x" * 40) == "x" * 40
    assert shorten("a" * 30 + "b" * 30) == "a" * 20 + "…" + "b" * 19
