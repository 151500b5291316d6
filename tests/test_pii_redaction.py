"""The redactor: exact reversal, offsets both ways, redacted documents, guards, and no raw value anywhere else."""

import asyncio
import logging
import pickle
import warnings

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from pii_texts import KEY, documents, find
from spacy.tokens import DocBin, Span

from spacy_tiered_ner.pii.finding import Finding
from spacy_tiered_ner.pii.operators.redact import Redact
from spacy_tiered_ner.pii.redacted_doc import redacted_doc
from spacy_tiered_ner.pii.redaction import Redactor
from spacy_tiered_ner.pii.session import Session
from spacy_tiered_ner.spans import write_group

TEXT = "Dr. Ada Lovelace met Babbage's wife in London. She wrote to ada@x.org,  and Bob.\n\nBob slept."
VALUES = [
    ("Ada Lovelace", "PERSON"),
    ("Babbage", "PERSON"),
    ("ada@x.org", "EMAIL"),
    ("Bob", "PERSON"),
    ("Bob", "PERSON"),
]
FINDINGS = find(TEXT, *VALUES)
MIXED = {"PERSON": "pseudonym", "EMAIL": "encrypt", "DATE": "tag", "TEXT": "pseudonym"}
REVERSIBLE = [
    ({}, "tag"),
    ({}, "encrypt"),
    ({}, "pseudonym"),
    (MIXED, "tag"),
    ({"PERSON": "keep"}, "pseudonym"),
]
TAGGED = "Dr. <PERSON_1> met <PERSON_2>'s wife in London. She wrote to <EMAIL_1>,  and <PERSON_3>.\n\n<PERSON_3> slept."


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("PII_KEY", KEY)


@pytest.fixture(scope="module")
def nlp():
    nlp = spacy.blank("en")
    nlp.add_pipe("pii_redactor", config={"gliner": None, "deny_list": {"PERSON": ["Ada Lovelace"]}})
    return nlp


# Reversal and offsets


@pytest.mark.parametrize(("operators", "default"), REVERSIBLE)
@settings(max_examples=100, deadline=None)
@given(texts=st.lists(documents(), min_size=1, max_size=3))
def test_reversible_operators_give_back_the_exact_text(operators, default, texts):
    redactor, session = Redactor(operators, default=default), Session()
    for text, findings in texts:
        redacted = redactor.redact(text, findings, session=session).text
        assert redactor.restore(redacted, session=session) == text


@settings(max_examples=200, deadline=None)
@given(documents(), st.sampled_from(["tag", "mask", "pseudonym", "drop"]))
def test_offsets_agree_with_the_text(document, name):
    text, findings = document
    redaction = Redactor(default=Redact("") if name == "drop" else name).redact(text, findings)
    for new, old, to, back in (
        (redaction.text, text, redaction.to_original, redaction.to_redacted),
        (text, redaction.text, redaction.to_redacted, redaction.to_original),
    ):
        for end in (False, True):
            places = [to(offset, end=end) for offset in range(len(new) + 1)]
            assert places == sorted(places)
            assert 0 <= places[0] <= places[-1] <= len(old)
        for offset, character in enumerate(new):
            start, end = to(offset), to(offset + 1, end=True)
            if (back(start), back(end, end=True)) == (offset, offset + 1) and end - start == 1:
                continue
            assert start <= end, character
    for item in redaction.replacements:
        assert redaction.to_redacted(item.start) == item.new_start
        assert redaction.to_redacted(item.end, end=True) == item.new_end
    position = new_position = 0
    for item in [*redaction.replacements, None]:
        start, new_start = (item.start, item.new_start) if item else (len(text), len(redaction.text))
        assert text[position:start] == redaction.text[new_position:new_start]
        for offset in range(position, start):
            moved = offset - position + new_position
            assert (redaction.to_redacted(offset), redaction.to_original(moved)) == (moved, offset)
        position, new_position = (item.end, item.new_end) if item else (0, 0)


@settings(max_examples=200, deadline=None)
@given(documents())
def test_every_character_of_a_finding_is_covered(document):
    text, findings = document
    redaction = Redactor(default="mask").redact(text, findings)
    assert len(redaction.text) == len(text)
    covered = {offset for finding in findings for offset in range(finding.start, finding.end)}
    for offset, (old, new) in enumerate(zip(text, redaction.text, strict=True)):
        inside = any(item.start <= offset < item.end for item in redaction.replacements)
        assert new == ("*" if inside else old)
        if not inside and offset in covered:
            rest = text[offset:]
            assert old.isspace() or rest[:2].lower() in ("'s", "\u2019s") or text[offset - 1] in "'\u2019"


def test_overlapping_findings_leave_no_residue():
    text = "Call Anna Smith-Jones now"
    findings = [Finding(5, 15, "PERSON", 0.9, "a"), Finding(10, 21, "PERSON", 0.6, "b"), Finding(6, 8, "X", 0.7, "c")]
    assert Redactor().redact(text, findings).text == "Call <PERSON_1> now"


@pytest.mark.parametrize("borders", [(0, 99), (5, 5), (-1, 3), (4, 2)])
def test_findings_of_another_text(borders):
    with pytest.raises(ValueError, match=r"\[T220\]"):
        Redactor().redact(TEXT, [Finding(*borders, "PERSON", 1.0, "x")])


def test_labels_need_not_be_known():
    redacted = Redactor().redact(TEXT, find(TEXT, ("Ada Lovelace", "lighthouse keeper"))).text
    assert redacted.startswith("Dr. <LIGHTHOUSE_KEEPER_1> met")


# Scopes


@pytest.mark.parametrize(("scope", "second"), [("doc", "<PERSON_1>"), ("session", "<PERSON_3>")])
def test_scope_says_how_far_numbers_go(scope, second):
    redactor = Redactor(scope=scope)
    redactor.redact(TEXT, FINDINGS)
    assert redactor.redact("Bob", find("Bob", ("Bob", "PERSON"))).text == second
    if scope == "doc":
        with pytest.raises(ValueError, match=r"T224.*`scope`"):
            redactor.restore("<PERSON_1>")
    else:
        assert redactor.restore("<PERSON_1>, <PERSON_3>") == "Ada Lovelace, Bob"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scope": "corpus"}, r"T223.*'corpus'.*None"),
        ({"vault": "x.vault"}, r"T223.*'doc'.*'x\.vault'"),
        ({"scope": "document"}, "T012.*`scope`"),
    ],
)
def test_scope_and_vault_must_fit(options, message):
    with pytest.raises(ValueError, match=message):
        Redactor(**options)


def test_fake_is_never_a_name_that_the_text_has():
    fakes = {Redactor(default="pseudonym").redact("Bob", find("Bob", ("Bob", "PERSON"))).text for _ in range(30)}
    text = "Bob " + " ".join(sorted(fakes))
    redactor, session = Redactor(default="pseudonym"), Session()
    for _ in range(30):
        session = Session()
        redacted = redactor.redact(text, find(text, ("Bob", "PERSON")), session=session).text
        assert redacted.split()[0] not in text.split()
        assert redactor.restore(redacted, session=session) == text


# Redacted documents


@pytest.fixture(scope="module")
def parsed():
    """A document with every annotation, from rules and by hand; it needs no trained pipeline."""
    nlp = spacy.blank("en")
    words = [token.text for token in nlp(TEXT)]
    doc = nlp(TEXT)
    roots = {"met": "met", "She": "wrote", "slept": "slept"}
    starts = {0, words.index("She"), len(words) - 3}
    root = 0
    for token in doc:
        if token.i in starts:
            root = next(t.i for t in doc[token.i :] if t.text in roots.values())
        token.head, token.dep_ = doc[root], "ROOT" if token.i == root else "dep"
        token.tag_, token.pos_, token.lemma_ = f"T{token.i}", "X", token.lower_
    entities = [doc.char_span(*span, label) for span, label in (((4, 16), "PERSON"), ((39, 45), "GPE"))]
    doc.ents = entities
    nested = [Span(doc, 1, 3, "PERSON"), Span(doc, 0, 3, "TITLED"), doc.char_span(39, 45, "GPE")]
    write_group(doc, "gliner", nested, [0.9, 0.5, 0.75], "gliner")
    doc.spans["plain"] = [doc[0:2], doc[-2:]]
    doc.cats = {"letter": 1.0}
    doc.user_data["raw"] = TEXT
    return doc


@pytest.mark.parametrize("default", ["tag", "mask", "pseudonym", "redact"])
def test_redacted_doc_carries_annotations_over(parsed, default):
    redaction = Redactor(default=default).redact(TEXT, FINDINGS)
    new = redacted_doc(parsed, redaction)
    assert new.text == redaction.text
    kept = [token for token in new if token.tag_]
    assert [token.text for token in kept] == [
        token.text
        for token in parsed
        if not any(f.start < token.idx + len(token) and token.idx < f.end for f in FINDINGS)
    ]
    for token in kept:
        old = parsed[int(token.tag_[1:])]
        assert (token.text, token.pos_, token.lemma_, token.dep_) == (old.text, old.pos_, old.lemma_, old.dep_)
        assert token.head.text == old.head.text
        assert token.whitespace_ == old.whitespace_
    assert [sentence.root.text for sentence in new.sents] == ["met", "wrote", "slept"]
    assert [sentence[0].is_sent_start for sentence in new.sents] == [True] * 3
    first = redaction.text[4 : redaction.to_redacted(16, end=True)]
    assert [(ent.text, ent.label_) for ent in new.ents] == [(first, "PERSON"), ("London", "GPE")]
    group = new.spans["gliner"]
    assert [(span.text, span.label_) for span in group] == [
        (f"Dr. {first}", "TITLED"),
        (first, "PERSON"),
        ("London", "GPE"),
    ]
    assert group.attrs["scores"].tolist() == [0.5, pytest.approx(0.9), 0.75]
    assert [span.text for span in new.spans["plain"]][1].endswith("slept.")
    assert new.cats == {"letter": 1.0}
    for dumped in (new.to_bytes(), pickle.dumps(new), DocBin(docs=[new], store_user_data=True).to_bytes()):
        assert b"Lovelace" not in dumped
        assert b"ada@x.org" not in dumped


@settings(max_examples=100, deadline=None)
@given(documents(), st.sampled_from(["tag", "pseudonym", "drop"]))
def test_redacted_doc_has_the_redacted_text(nlp, document, name):
    text, findings = document
    redaction = Redactor(default=Redact("") if name == "drop" else name).redact(text, findings)
    doc = nlp.make_doc(text)
    for token in doc:
        token.is_sent_start = token.i % 3 == 0
    new = redacted_doc(doc, redaction)
    assert new.text == redaction.text
    assert not len(new) or new[0].is_sent_start


# Guards


GUARDED = "Write to Ada Lovelace, ada@lovelace.org. ADA LOVELACE pays with 4111 1111 1111 1111."
ANSWER = "<PERSON_1>'s card <CREDIT_CARD_1>; write <email_1>, PERSON_1b and <PERSON_9>."
RESTORED = "Ada Lovelace's card 4111 1111 1111 1111; write ada@lovelace.org, ADA LOVELACE and <PERSON_9>."


def pieces(size=1):
    return (ANSWER[start : start + size] for start in range(0, len(ANSWER), size))


async def later():
    return ANSWER


async def chunks_later():
    for chunk in pieces(5):
        yield chunk


async def collected(chunks):
    return [chunk async for chunk in chunks]


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (lambda: ANSWER, str),
        (pieces, "".join),
        (lambda: [ANSWER, " Bye"], "".join),
        (later, asyncio.run),
        (chunks_later, lambda chunks: "".join(asyncio.run(collected(chunks)))),
    ],
)
def test_guard_redacts_on_the_way_in_and_restores_on_the_way_out(nlp, answer, read):
    seen = []

    def model(text):
        seen.append(text)
        return answer()

    restored = read(nlp.get_pipe("pii_redactor").guard(model, GUARDED))
    assert restored.removesuffix(" Bye") == RESTORED
    assert seen == ["Write to <PERSON_1>, <EMAIL_1>. <PERSON_1b> pays with <CREDIT_CARD_1>."]


@pytest.mark.parametrize("answer", [None, 7, b"bytes", {"text": "x"}])
def test_guard_refuses_what_it_cannot_restore(nlp, answer):
    with pytest.raises(ValueError, match=rf"T232.*{type(answer).__name__}"):
        nlp.get_pipe("pii_redactor").guard(lambda text: answer, GUARDED)


def test_guard_forgets_between_calls(nlp):
    pipe = nlp.get_pipe("pii_redactor")
    assert pipe.guard(lambda text: "<PERSON_1>", GUARDED) == "Ada Lovelace"
    assert pipe.guard(lambda text: "<PERSON_1>", "No name here") == "<PERSON_1>"


def test_error_of_the_guarded_call_knows_only_the_redacted_text(nlp):
    def model(text):
        raise RuntimeError(f"refused: {text}")

    with pytest.raises(RuntimeError) as caught:
        nlp.get_pipe("pii_redactor").guard(model, GUARDED)
    assert "Lovelace" not in str(caught.value)


# Secrets


@pytest.mark.parametrize("scope", ["doc", "session", "corpus"])
def test_no_raw_value_in_pickles_of_the_redactor(scope, tmp_path):
    options = {"vault": tmp_path / "v.sqlite"} if scope == "corpus" else {}
    redactor = Redactor(MIXED, scope=scope, **options)
    redaction = redactor.redact(TEXT, FINDINGS)
    dumped = pickle.dumps([redactor, redaction])
    copy, _ = pickle.loads(dumped)
    for value in ("Lovelace", "Babbage", "ada@x.org", KEY):
        assert value.encode() not in dumped
        assert value not in repr(redaction)
        assert value not in repr(vars(redactor))
    if scope == "corpus":
        assert copy.restore(redaction.text) == TEXT


def test_no_raw_value_in_what_the_pipe_writes_logs_or_says(nlp, caplog, capfd):
    secret = "4111 1111 1111 1111"
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        doc = nlp(GUARDED)
        pipe = nlp.get_pipe("pii_redactor")
        list(nlp.pipe([GUARDED] * 3))
        pipe.guard(lambda text: text, GUARDED)
    said = [str(warning.message) for warning in caught] + [caplog.text, *capfd.readouterr()]
    user_data = {key: value for key, value in doc.user_data.items() if value is not None}
    attrs = [group.attrs for group in doc.spans.values()]
    for value in (secret, "Lovelace", "ada@lovelace.org"):
        assert value not in repr(user_data)
        assert value not in repr(attrs)
        assert value not in "\n".join(said)
        assert value.encode() not in pickle.dumps(pipe.redactor)
