"""The vault: reversal across processes, no raw value in the file, and every way in which it can be wrong."""

import multiprocessing
import pickle
import sqlite3
import stat
import sys
import threading

import pytest
from pii_texts import KEY, find

from spacy_tiered_ner.pii import vault as vault_module
from spacy_tiered_ner.pii.redaction import Redactor
from spacy_tiered_ner.pii.vault import Vault

TEXT = "Dr. Ada Lovelace met Bob, and ADA LOVELACE wrote to ada@x.org."
FINDINGS = find(TEXT, *[(value, "PERSON") for value in ("Ada Lovelace", "Bob", "ADA LOVELACE")], ("ada@x.org", "EMAIL"))
TAGGED = "Dr. <PERSON_1> met <PERSON_2>, and <PERSON_1b> wrote to <EMAIL_1>."
NAMES = [f"{first} {last}" for first in ("Ada", "Bob", "Eve", "Kim") for last in ("Stone", "Moss", "Reed", "Hall")]


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("PII_KEY", KEY)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "corpus.vault"


def make(path, **operators):
    return Redactor(operators, scope="corpus", vault=path)


def test_another_redactor_goes_on_where_the_first_stopped(path):
    assert make(path).redact(TEXT, FINDINGS).text == TAGGED
    later = make(path)
    assert later.redact("Eve, Bob", find("Eve, Bob", ("Eve", "PERSON"), ("Bob", "PERSON"))).text == (
        "<PERSON_3>, <PERSON_2>"
    )
    assert later.restore(TAGGED) == TEXT
    assert Vault(path).restore("PERSON_3 told <person_2>'s friend") == "Eve told Bob's friend"


def test_pseudonyms_and_shifts_are_the_same_in_another_redactor(path):
    operators = {"PERSON": "pseudonym", "EMAIL": "pseudonym", "DATE": "date_shift"}
    text = f"{TEXT} 2020-01-10"
    findings = [*FINDINGS, *find(text, ("2020-01-10", "DATE"))]
    first = make(path, **operators).redact(text, findings, subject="a").text
    assert make(path, **operators).redact(text, findings, subject="a").text == first
    later = "Lovelace is 3"
    name = make(path, **operators).redact(later, find(later, ("Lovelace", "PERSON"))).text.removesuffix(" is 3")
    assert name in first.split()
    assert Vault(path).restore(f"{name}'s") == "Lovelace's"
    assert Vault(path).restore(first).startswith(TEXT)


def test_text_that_looks_like_a_tag_stays_itself_for_all(path):
    assert make(path).redact("see PERSON_1 and Bob", find("see PERSON_1 and Bob", ("Bob", "PERSON"))).text == (
        "see PERSON_1 and <PERSON_2>"
    )
    assert make(path).restore("PERSON_1 <PERSON_2>") == "PERSON_1 Bob"


def test_file_holds_no_raw_value_and_is_the_owners_alone(path):
    redactor = make(path, PERSON="pseudonym")
    redacted = redactor.redact(TEXT, FINDINGS).text
    files = sorted(path.parent.iterdir())
    content = b"".join(file.read_bytes() for file in files)
    fakes = {word for word in redacted.replace(".", "").replace(",", "").split() if len(word) > 4}
    assert len(fakes) >= 4
    for value in ["Lovelace", "LOVELACE", "ada@x.org", "PERSON", "EMAIL", KEY, *fakes]:
        assert value.encode() not in content, value
    assert b"salt" in content
    if sys.platform != "win32":
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert b"Lovelace" not in pickle.dumps(redactor)


# What can be wrong


def damage(path, *statements):
    Vault(path).close()
    with sqlite3.connect(path) as db:
        for statement in statements:
            db.execute(statement)
    db.close()


def test_wrong_key(path, monkeypatch):
    redacted = make(path).redact(TEXT, FINDINGS).text
    monkeypatch.setenv("PII_KEY", "another key of some length")
    for attempt in (lambda: make(path).restore(redacted), lambda: make(path).redact(TEXT, FINDINGS)):
        with pytest.raises(ValueError, match=r"T235.*corpus\.vault.*PII_KEY"):
            attempt()
    monkeypatch.setenv("PII_KEY", KEY)
    assert make(path).restore(redacted) == TEXT


@pytest.mark.parametrize(("key", "message"), [("", r"T227.*OTHER"), ("short", r"T228.*OTHER.*16")])
def test_missing_or_short_key_makes_no_file(path, monkeypatch, key, message):
    monkeypatch.setenv("OTHER", key)
    redactor = Redactor(scope="corpus", vault=path, key_variable="OTHER")
    with pytest.raises(ValueError, match=message):
        redactor.redact(TEXT, FINDINGS)
    assert not path.exists()


TAMPERED = [
    ("UPDATE entries SET data = substr(data, 1, length(data) - 1) || x'00' WHERE id = 2", "entry 2"),
    ("UPDATE entries SET data = (SELECT data FROM entries WHERE id = 3) WHERE id = 2", "entry 2"),
    ("UPDATE entries SET data = x'' WHERE id = 1", "entry 1"),
    ("DELETE FROM entries WHERE id = 2", "missing"),
    ("DELETE FROM entries WHERE id = (SELECT max(id) FROM entries)", "missing"),
    ("INSERT INTO entries SELECT max(id) + 1, data FROM entries", "added"),
    ("UPDATE meta SET value = x'00' WHERE name = 'count'", "missing"),
    ("DELETE FROM meta WHERE name = 'count'", "missing"),
]


@pytest.mark.parametrize(("statement", "what"), TAMPERED)
def test_tampered_vault_gives_nothing(path, statement, what):
    make(path).redact(TEXT, FINDINGS)
    damage(path, statement)
    with pytest.raises(ValueError, match=rf"T236.*{what}") as caught:
        make(path).restore(TAGGED)
    assert "Lovelace" not in str(caught.value)


@pytest.mark.parametrize(
    "statement", ["UPDATE meta SET value = x'00' WHERE name = 'check'", "DELETE FROM meta WHERE name = 'salt'"]
)
def test_tampered_salt_is_like_a_wrong_key(path, statement):
    make(path).redact(TEXT, FINDINGS)
    damage(path, statement)
    with pytest.raises(ValueError, match="T235"):
        make(path).restore(TAGGED)


def test_what_is_no_vault(path, tmp_path):
    path.write_text("no database, but long enough to be read as one " * 40)
    with pytest.raises(ValueError, match=r"T237.*corpus\.vault"):
        make(path).redact(TEXT, FINDINGS)
    with pytest.raises(ValueError, match="T237"):
        make(tmp_path / "none" / "x.vault").redact(TEXT, FINDINGS)
    with pytest.raises(ValueError, match="T237"):
        make(tmp_path).redact(TEXT, FINDINGS)


def test_failed_redaction_leaves_no_trace(path, monkeypatch):
    redactor = make(path, EMAIL="hash")
    monkeypatch.setattr("spacy_tiered_ner.pii.operators.hash.derive_key", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        redactor.redact(TEXT, FINDINGS)
    monkeypatch.undo()
    monkeypatch.setenv("PII_KEY", KEY)
    assert redactor.redact("Bob", find("Bob", ("Bob", "PERSON"))).text == "<PERSON_1>"
    assert make(path).restore("<PERSON_1>, <PERSON_2>") == "Bob, <PERSON_2>"


# Several at a time


def work(path, number, results):
    redactor = make(path)
    found = {}
    for name in NAMES[number:] + NAMES[:number]:
        found[name] = redactor.redact(name, find(name, (name, "PERSON"))).text
    results.put(found)


def test_processes_on_one_vault_agree(path):
    context = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn")
    results = context.Queue()
    workers = [context.Process(target=work, args=(path, number * 4, results)) for number in range(3)]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=20) for _ in workers]
    for worker in workers:
        worker.join()
    assert found[0] == found[1] == found[2]
    assert len(set(found[0].values())) == len(NAMES)
    assert {make(path).restore(tag): tag for tag in found[0].values()} == found[0]


def test_threads_on_one_redactor_agree(path):
    redactor, found = make(path), {}

    def redact(names):
        for name in names:
            found.setdefault(name, set()).add(redactor.redact(name, find(name, (name, "PERSON"))).text)

    threads = [threading.Thread(target=redact, args=(NAMES[n:] + NAMES[:n],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {len(tags) for tags in found.values()} == {1}
    assert len(set.union(*found.values())) == len(NAMES)


def test_redactor_goes_on_after_a_fork(path):
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("needs fork")
    context = multiprocessing.get_context("fork")
    redactor = make(path)
    redactor.redact(TEXT, FINDINGS)
    results = context.Queue()
    child = context.Process(target=lambda: results.put(redactor.redact("Eve", find("Eve", ("Eve", "PERSON"))).text))
    child.start()
    assert results.get(timeout=20) == "<PERSON_3>"
    child.join()
    assert redactor.restore("<PERSON_3>") == "Eve"


def test_locked_vault_is_an_error_after_a_while(path, monkeypatch):
    monkeypatch.setattr(vault_module, "PATIENCE", 0.2)
    redactor = make(path)
    redactor.redact(TEXT, FINDINGS)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ValueError, match=r"T238.*0\.2 seconds"):
        redactor.redact("Eve", find("Eve", ("Eve", "PERSON")))
    assert redactor.restore(TAGGED) == TEXT
    other.execute("ROLLBACK")
    other.close()
    assert redactor.redact("Eve", find("Eve", ("Eve", "PERSON"))).text == "<PERSON_3>"
