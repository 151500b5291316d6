"""`python -m spacy tiered redact`: files in and out, the summary, the report, and every bad input."""

import csv
import io
import json
import re
import subprocess
import sys

import pytest
from pii_texts import KEY
from typer.testing import CliRunner

from spacy_tiered_ner.cli import tiered
from spacy_tiered_ner.pii.vault import Vault

RULES = """[nlp]
lang = "en"
pipeline = ["pii_redactor"]

[components]

[components.pii_redactor]
factory = "pii_redactor"
gliner = null

[components.pii_redactor.deny_list]
PERSON = ["Ada Lovelace", "Charles Babbage"]
"""
NOTE = 'Ada Lovelace said "call +44 20 7946 0958",\nor write to ada@lovelace.org. Lovelace left.'
REDACTED = '<PERSON_1> said "call <PHONE_1>",\nor write to <EMAIL_1>. <PERSON_1b> left.'
OTHER = "Charles Babbage paid with 4111 1111 1111 1111."


@pytest.fixture(autouse=True)
def rules(tmp_path, monkeypatch):
    """Tests run in a directory of their own, with a pipeline of rules."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PII_KEY", KEY)
    (tmp_path / "rules.cfg").write_text(RULES)
    return tmp_path


def redact(*arguments):
    return CliRunner().invoke(tiered, ["redact", *map(str, arguments), "-p", "rules.cfg"])


def flat(text):
    return " ".join(text.split())


def write_csv(path, rows, **options):
    with path.open("w", newline="", encoding="utf8") as file:
        csv.writer(file, **options).writerows(rows)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_text(rules, end):
    source = f"{NOTE}\n\n{OTHER}\n".replace("\n", end)
    (rules / "in.txt").write_bytes(source.encode())
    result = redact("in.txt", "out.txt")
    assert result.exit_code == 0, result.output
    expected = f"{REDACTED}\n\n<PERSON_2> paid with <CREDIT_CARD_1>.\n".replace("\n", end)
    assert (rules / "out.txt").read_bytes() == expected.encode()
    table = [line.split() for line in result.output.splitlines()]
    assert ["PERSON", "3"] in [line[:2] for line in table]
    assert ["CREDIT_CARD", "1", "1.00", "1.00"] in table
    assert "6 findings of 4 types" in flat(result.output)
    assert not re.search("Lovelace|4111|7946", result.output)


def test_jsonl(rules):
    rows = [
        {
            "id": 1,
            "text": NOTE,
            "more": {"who": ["Ada Lovelace", 4111111111111111, None, True, 7]},
            "kept": "Ada Lovelace",
        },
        {"text": OTHER},
    ]
    (rules / "in.jsonl").write_text("\n\n".join(map(json.dumps, rows)) + "\n")
    result = redact("in.jsonl", "out.jsonl", "-f", "text", "-f", "more")
    assert result.exit_code == 0, result.output
    first, empty, second, last = (rules / "out.jsonl").read_text().split("\n")
    assert (empty, last) == ("", "")
    assert json.loads(first) == {
        "id": 1,
        "text": REDACTED,
        "more": {"who": ["<PERSON_1>", "<CREDIT_CARD_1>", None, True, 7]},
        "kept": "Ada Lovelace",
    }
    assert json.loads(second) == {"text": "<PERSON_1> paid with <CREDIT_CARD_1>."}
    assert "Copied as they are, whatever is in them: 'id', 'kept'." in flat(result.output)


@pytest.mark.parametrize(("name", "delimiter"), [("in.csv", ","), ("in.tsv", "\t")])
def test_csv(rules, name, delimiter):
    header = ["id", "name", "note"]
    rows = [["1", "Ada Lovelace", NOTE], [], ["2", "Charles, Babbage", OTHER]]
    write_csv(rules / name, [header, *rows], delimiter=delimiter)
    result = redact(name, f"out.{name[-3:]}")
    assert result.exit_code == 0, result.output
    text = (rules / f"out.{name[-3:]}").read_bytes().decode()
    found = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    assert found == [
        header,
        ["1", "<PERSON_1>", REDACTED],
        [],
        ["2", "Charles, Babbage", "<PERSON_1> paid with <CREDIT_CARD_1>."],
    ]
    assert text.count("\r\n") == 4


def test_csv_columns_scope_and_operators(rules):
    write_csv(rules / "in.csv", [["id", "name", "note"], ["1", "Ada Lovelace", OTHER], ["2", "", OTHER]])
    result = redact(
        "in.csv", "out.csv", "-f", "note", "--scope", "session", "-o", "CREDIT_CARD=hash", "-o", "*=pseudonym"
    )
    assert result.exit_code == 0, result.output
    _, first, second = csv.reader((rules / "out.csv").open(newline=""))
    assert first[:2] == ["1", "Ada Lovelace"]
    assert first[2] == second[2]
    assert re.fullmatch(r"\w+ \w+ paid with <CREDIT_CARD#[0-9a-f]{16}>\.", first[2])
    assert "Copied as they are, whatever is in them: 'id', 'name'." in flat(result.output)


def test_dates_of_a_subject_are_shifted_alike(rules):
    rows = [["who", "note"], *([who, "seen on 2020-01-10 and 2020-02-10"] for who in ("a", "b", "a"))]
    write_csv(rules / "in.csv", rows)
    result = redact("in.csv", "out.csv", "-f", "note", "-s", "who", "-o", "*=date_shift")
    assert result.exit_code == 0, result.output
    _, *notes = (row[1] for row in csv.reader((rules / "out.csv").open(newline="")))
    assert notes[0] == notes[2]
    assert all("2020-01-10" not in note and re.fullmatch(r"seen on [\d-]{10} and [\d-]{10}", note) for note in notes)


def test_operator_for_what_was_not_found_is_named(rules):
    (rules / "in.txt").write_text(NOTE)
    result = redact("in.txt", "out.txt", "-o", "person=mask", "-o", "PERSN=mask")
    assert "an operator was named for: PERSN." in flat(result.output)
    assert (rules / "out.txt").read_text().startswith("************ said")


def test_vault_leads_back(rules):
    (rules / "in.txt").write_text(NOTE)
    assert redact("in.txt", "out.txt", "--vault", "v.vault").exit_code == 0
    assert Vault("v.vault").restore((rules / "out.txt").read_text()) == NOTE


def test_long_line(rules):
    line = f"{NOTE} Nothing to see here. ".replace("\n", " ") * 2500
    (rules / "in.jsonl").write_text(json.dumps({"text": line}))
    result = redact("in.jsonl", "out.jsonl")
    assert result.exit_code == 0, result.output
    text = json.loads((rules / "out.jsonl").read_text())["text"]
    assert len(line) > 200_000
    assert text == f"{REDACTED} Nothing to see here. ".replace("\n", " ") * 2500


def test_report_shows_values_only_if_asked_for(rules):
    (rules / "in.jsonl").write_text(json.dumps({"text": NOTE + " <b>& on 2020-01-10"}) + "\n")
    assert redact("in.jsonl", "out.jsonl", "-r", "report.html").exit_code == 0
    page = (rules / "report.html").read_text()
    for value in ("Lovelace", "7946", "ada@"):
        assert value not in page
    for part in ("&lt;PERSON_1&gt;", "PHONE", "email 1", "line 1", "&lt;b&gt;&amp;", "Least sure"):
        assert part in page
    assert not re.search(r"<script|<link|src=|url\(|@import|https?://", page)
    assert redact("in.jsonl", "out.jsonl", "-r", "report.html", "--show-values", "-F").exit_code == 0
    page = (rules / "report.html").read_text()
    assert "<s>Ada Lovelace</s>" in page
    assert "shows the values" in page


def test_command_in_a_process_of_its_own(rules):
    (rules / "in.txt").write_text("Write to ada@lovelace.org, says Marie Curie.")
    command = [sys.executable, "-m", "spacy", "tiered", "redact", "in.txt", "out.txt"]
    result = subprocess.run(command, cwd=rules, capture_output=True, text=True, encoding="utf8", check=False)
    assert result.returncode == 0, result.stderr
    assert (rules / "out.txt").read_text() == "Write to <EMAIL_1>, says <PERSON_1>."
    assert "Curie" not in result.stdout + result.stderr


# Bad input


FILES = {
    "good.csv": b"id,note\n1,Ada Lovelace\n",
    "open.csv": b'id,note\n1,ok\n2,"Ada Lovelace\n3,x\n',
    "inside.csv": b'id,note\n1,"Ada "Lovelace""\n',
    "ragged.csv": b"id,note\n1,ok\n2,Ada,Lovelace\n",
    "latin.csv": "id,note\n1,Jos\xe9\n".encode("latin1"),
    "empty.csv": b"",
    "good.jsonl": b'{"text": "Ada Lovelace"}\n',
    "broken.jsonl": b'{"text": "ok"}\n{"text": "Ada Lovelace"\n',
    "list.jsonl": b'["Ada Lovelace"]\n',
    "field.jsonl": b'{"note": "Ada Lovelace"}\n',
    "lone.jsonl": b'{"text": "Ada \\ud800 Lovelace"}\n',
    "latin.jsonl": '{"text": "ok"}\n{"text": "Jos\xe9"}\n'.encode("latin1"),
    "latin.txt": "Jos\xe9 Lovelace".encode("latin1"),
    "good.txt": b"Ada Lovelace",
    "good.dat": b"Ada Lovelace",
    "there.txt": b"other",
}
BAD = [
    (["open.csv", "out.csv"], "T245.*line 3: unexpected end"),
    (["inside.csv", "out.csv"], "T245.*line 2"),
    (["ragged.csv", "out.csv"], "T245.*line 3: it has 3 fields, and the header 2"),
    (["latin.csv", "out.csv"], "T242.*line 2"),
    (["good.csv", "out.csv", "-f", "nope"], "T244.*'nope'.*id, note"),
    (["good.csv", "out.csv", "-s", "nope"], "T244.*'nope'.*id, note"),
    (["broken.jsonl", "out.jsonl"], "T243.*line 2: Expecting ',' delimiter"),
    (["list.jsonl", "out.jsonl"], "T243.*line 1: it is no object"),
    (["field.jsonl", "out.jsonl"], "T243.*line 1.*'text'.*--field"),
    (["lone.jsonl", "out.jsonl"], "T243.*line 1.*surrogates"),
    (["latin.jsonl", "out.jsonl"], "T242.*line 2"),
    (["latin.txt", "out.txt"], "T242.*line 1"),
    (["good.dat", "out.dat"], "T241.*--format.*csv, jsonl, text"),
    (["good.txt", "out.txt", "--format", "xml"], "T241"),
    (["good.txt", "good.txt", "-F"], "T240.*good.txt"),
    (["good.txt", "./x/../good.txt", "-F"], "T240"),
    (["good.txt", "link.txt", "-F"], "T240"),
    (["good.txt", "out.txt", "-r", "good.txt", "-F"], "T240"),
    (["good.txt", "out.txt", "-r", "out.txt", "-F"], "T240"),
    (["good.txt", "there.txt"], "T246.*there.txt.*--force"),
    (["good.txt", "out.txt", "-r", "there.txt"], "T246"),
    (["missing.txt", "out.txt"], "no file missing.txt"),
    (["good.txt", "out.txt", "-o", "PERSON"], "T248.*'PERSON'"),
    (["good.txt", "out.txt", "-o", "PERSON=masc"], "T222.*'masc'"),
    (["good.txt", "out.txt", "--scope", "corpus"], "T223"),
    (["good.txt", "out.txt", "--vault", "v", "--scope", "doc"], "T223"),
    (["good.txt", "out.txt", "--vault", "good.csv"], "T237"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_an_error_that_shows_no_value_and_writes_nothing(rules, arguments, message):
    for name, content in FILES.items():
        (rules / name).write_bytes(content)
    (rules / "x").mkdir()
    (rules / "link.txt").hardlink_to(rules / "good.txt")
    before = {path.name for path in rules.iterdir()}
    result = redact(*arguments)
    assert result.exit_code == 1
    assert re.search(message, flat(result.output)), result.output
    assert not re.search("Lovelace|Jos", result.output)
    assert {path.name for path in rules.iterdir()} == before
    assert {name: (rules / name).read_bytes() for name in FILES} == FILES


def test_empty_files(rules):
    for name in ("e.txt", "e.csv", "e.jsonl"):
        (rules / name).write_bytes(b"")
        result = redact(name, f"out_{name}")
        assert result.exit_code == 0, result.output
        assert (rules / f"out_{name}").read_bytes() == b""


def test_pipeline_without_a_redactor(rules):
    blocks = [
        '[nlp]\nlang = "en"\npipeline = ["sentencizer"]',
        "[components]",
        '[components.sentencizer]\nfactory = "sentencizer"',
    ]
    (rules / "rules.cfg").write_text("\n\n".join(blocks))
    (rules / "in.txt").write_text("x")
    result = redact("in.txt", "out.txt")
    assert re.search(r"T247.*rules\.cfg.*sentencizer", flat(result.output))
