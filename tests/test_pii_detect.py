"""pii_redactor's detectors together: model and rules, overlaps, repeated names, lists, failures, processes. All data is
made up."""

import pickle
import warnings
from itertools import pairwise

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import registry

from spacy_tiered_ner.pii.finding import CERTAIN, MODEL, Finding
from spacy_tiered_ner.pii.merge import merge
from spacy_tiered_ner.pii.neighbours import postal_codes
from spacy_tiered_ner.pii.normalise import Reading
from spacy_tiered_ner.pii.occurrences import occurrences
from spacy_tiered_ner.pii.propagate import propagate

TEXT = (
    "Maria Lindqvist wrote from maria.l@example.org about card 4539 1488 0343 6467. "
    "Call LINDQVIST at the office, (312) 555-0187."
)
SECRETS = ["Lindqvist", "LINDQVIST", "maria.l@example.org", "4539 1488 0343 6467", "555-0187"]


def make(**config) -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("pii_redactor", config=config)
    return nlp


@pytest.fixture(scope="module")
def nlp() -> Language:
    return make()


@pytest.fixture(scope="module")
def rules_only() -> Language:
    return make(gliner=None)


def labelled(doc: Doc) -> list[tuple[str, str]]:
    return [(span.text, span.label_) for span in doc.spans["pii"]]


def values(nlp: Language, text: str) -> list[tuple[str, str]]:
    return [(text[f.start : f.end], f.label) for f in nlp.get_pipe("pii_redactor").find(text)]


def test_works_alone_and_writes_spans_text_and_report(nlp: Language):
    doc = nlp(TEXT)
    assert {("maria.l@example.org", "EMAIL"), ("4539 1488 0343 6467", "CREDIT_CARD"), ("LINDQVIST", "PERSON")} <= set(
        labelled(doc)
    )
    group = doc.spans["pii"]
    scores = dict(zip([span.text for span in group], group.attrs["scores"].tolist(), strict=True))
    assert scores["4539 1488 0343 6467"] == CERTAIN > scores["Maria Lindqvist"] > 0.4
    assert {span.id_ for span in group} >= {MODEL, "email", "credit_card", "phone"}
    assert group.attrs["tiers"] == ["pii"] * len(group)
    assert not [secret for secret in SECRETS if secret in doc._.redacted_text]
    assert doc._.redacted_text == nlp.get_pipe("pii_redactor").redact(TEXT).text
    report = doc._.tiered_ner["pii_redactor"]
    assert (report["findings"], report["withheld"], report["failed"]) == (len(group), False, [])
    assert doc.text == TEXT


def test_pipe_gives_what_single_calls_give(nlp: Language):
    texts = [TEXT, "", "   ", "Nothing to see here.", "Write to Anna Kowalska, 12 Larkspur Lane."] * 3
    docs = list(nlp.pipe(texts, batch_size=4))
    assert [doc.text for doc in docs] == texts
    assert [labelled(doc) for doc in docs] == [labelled(nlp(text)) for text in texts]


def test_shares_the_gliner_of_the_pipeline_with_labels_of_its_own():
    nlp = spacy.blank("en")
    ner = nlp.add_pipe("gliner_ner", config={"labels": ["spacecraft"]})
    redactor = nlp.add_pipe("pii_redactor", config={"labels": {"CRAFT": "spacecraft", "PERSON": "person"}})
    doc = nlp("Sunita Williams flew on the Starliner.")
    assert redactor.model.pipe is ner
    assert ("Sunita Williams", "PERSON") in labelled(doc)
    assert ("Starliner", "CRAFT") in [(text.removeprefix("the "), label) for text, label in labelled(doc)]
    assert ner.labels == ("spacecraft",)
    assert redactor.labels == ("CRAFT", "PERSON")


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"mode": "open"}, "T012"),
        ({"threshold": 1.5}, "T010"),
        ({"thresholds": {"PHONE": -1.0}}, "T010"),
        ({"labels": []}, "T001"),
        ({"labels": {"PERSON": 3}}, "T003"),
        ({"rules": {"phone": {"regions": ["Germany"]}}}, "T200"),
    ],
)
def test_settings_that_cannot_work(config: dict, code: str):
    with pytest.raises(ValueError, match=code):
        make(**config)


def test_a_gliner_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"T201.*other_ner"):
        make(gliner="other_ner")("Anna")


def test_thresholds_by_label():
    text = "Dr. Quill met us at 10:30 pm on 3 May 1980."
    low = values(make(gliner=None), text)
    high = values(make(gliner=None, thresholds={"TIME": 0.99, "DATE": 0.99}), text)
    assert {label for _, label in low} - {label for _, label in high} == {"DATE", "TIME"}
    assert values(make(gliner=None, threshold=1.0), text) == []


def test_allow_and_deny_lists(rules_only: Language):
    text = "Mail help@example.org or mara@example.org about Blue Falcon's bills."
    nlp = make(gliner=None, allow_list=["HELP@example.org"], deny_list={"PROJECT": ["blue falcon"]})
    assert values(rules_only, text) == [("help@example.org", "EMAIL"), ("mara@example.org", "EMAIL")]
    assert values(nlp, text) == [("mara@example.org", "EMAIL"), ("Blue Falcon", "PROJECT")]


REPEATED = [
    ("Mr. Tobias Wren left. WREN was late.", ["Tobias Wren", "WREN"]),
    ("Mr. Tobias Wren left. Wren's hat stayed, the Wrens' dog too.", ["Tobias Wren", "Wren", "Wrens"]),
    ("Mr. Tobias Wren left. tobias wren came back, and Tobias sang.", ["Tobias Wren", "tobias wren", "Tobias"]),
    ("Mr. Will Wren said he will come; Wren did.", ["Will Wren", "Wren"]),
    ("Mr. Tobias Wren saw the Wrenching tool.", ["Tobias Wren"]),
    ("Frau Anna-Lena von der Heide kam. Heide ging.", ["Anna-Lena von der Heide", "Heide"]),
]


@pytest.mark.parametrize(("text", "persons"), REPEATED)
def test_a_name_found_once_is_found_everywhere(rules_only: Language, text: str, persons: list[str]):
    assert [value for value, label in values(rules_only, text) if label == "PERSON"] == persons
    assert len([label for _, label in values(make(gliner=None, repeats=False), text) if label == "PERSON"]) == 1


def test_any_value_found_once_is_found_everywhere(rules_only: Language):
    text = "The password is Tr0ub4dor&3. I typed TR0UB4DOR&3 twice, then (Tr0ub4dor&3)."
    assert [value.upper() for value, _ in values(rules_only, text)] == ["TR0UB4DOR&3"] * 3


def test_names_without_spaces_between_words():
    text = "王小明来了。王小明走了。"
    assert [(f.start, f.end) for f in propagate(text, [Finding(0, 3, "PERSON", 0.9, "x")])] == []
    assert [(s, e) for s, e, _ in occurrences(text, ["王小明"])] == [(0, 3), (6, 9)]


def test_postal_codes_beside_addresses():
    text = "12 Larkspur Lane, 60614 Wrenton\n2937 QY Heron; 88213 lamps"
    findings = [
        Finding(0, 16, "ADDRESS", 0.9, "x"),
        Finding(24, 31, "LOCATION", 0.9, "x"),
        Finding(40, 45, "LOCATION", 0.9, "x"),
    ]
    assert [text[f.start : f.end] for f in postal_codes(text, findings)] == ["60614", "2937 QY"]


@st.composite
def marks(draw) -> list[Finding]:
    def one() -> Finding:
        start = draw(st.integers(0, 40))
        label = draw(st.sampled_from(["PERSON", "EMAIL", "DATE"]))
        score = draw(st.sampled_from([0.4, 0.7, CERTAIN]))
        return Finding(start, start + draw(st.integers(1, 15)), label, score, draw(st.sampled_from([MODEL, "rule"])))

    return [one() for _ in range(draw(st.integers(0, 8)))]


def characters(findings: list[Finding]) -> set[int]:
    return {i for finding in findings for i in range(finding.start, finding.end)}


@given(marks())
@settings(max_examples=300, deadline=None)
def test_everything_marked_is_covered_once(findings: list[Finding]):
    merged = merge(findings)
    assert characters(merged) == characters(findings)
    assert all(one.end <= other.start for one, other in pairwise(merged))
    assert merge(merged) == merged
    assert merge(reversed(findings)) == merged
    certain = [finding for finding in findings if finding.score == CERTAIN]
    assert characters([finding for finding in merged if finding.score == CERTAIN]) == characters(certain)


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([(0, 10, "PERSON", 0.9), (5, 15, "ORG", 0.5)], [(0, 15, "PERSON")]),
        ([(0, 10, "PERSON", 0.5), (2, 5, "ORG", 0.9)], [(0, 10, "PERSON")]),
        ([(0, 16, "PHONE", 0.9), (0, 16, "CREDIT_CARD", 1.0)], [(0, 16, "CREDIT_CARD")]),
        ([(0, 30, "PERSON", 0.9), (10, 20, "EMAIL", 1.0)], [(0, 10, "PERSON"), (10, 20, "EMAIL"), (20, 30, "PERSON")]),
        ([(0, 5, "PERSON", 0.9), (5, 9, "EMAIL", 0.9)], [(0, 5, "PERSON"), (5, 9, "EMAIL")]),
    ],
)
def test_who_names_an_overlap(findings: list, expected: list):
    merged = merge([Finding(*values, MODEL) for values in findings])
    assert [(f.start, f.end, f.label) for f in merged] == expected


def test_what_stays_in_the_text_gives_way_to_all_else():
    nlp = make(gliner=None, deny_list={"TITLE": ["Dr. Tobias Wren"]}, operators={"TITLE": "keep"})
    doc = nlp("Dr. Tobias Wren left.")
    assert doc._.redacted_text == "Dr. <PERSON_1> left."
    assert labelled(doc) == [("Dr.", "TITLE"), ("Tobias Wren", "PERSON")]


HIDDEN = ["", "\u200b", "\u200d", "\ufeff", "\u00ad", "\u2060"]


@given(st.text(max_size=20), st.text(max_size=20), st.data())
@settings(max_examples=60, deadline=None)
def test_characters_put_into_a_number_do_not_hide_it(
    rules_only: Language, before: str, after: str, data: st.DataObject
):
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    card = "".join(
        (char if data.draw(st.booleans()) else char.translate(wide)) + data.draw(st.sampled_from(HIDDEN))
        for char in "4539148803436467"
    ).rstrip("".join(HIDDEN))
    text = f"{before} card: {card} {after}"
    found = [(f.start, f.end) for f in rules_only.get_pipe("pii_redactor").find(text)]
    start = text.index(card, len(before))
    assert any(first <= start and start + len(card) <= last for first, last in found)


TRICKY = st.lists(st.sampled_from([*HIDDEN, " ", "  ", "a", "1", "é", "а", "\n"]) | st.text(max_size=3), max_size=20)


@given(TRICKY.map("".join), st.integers(0, 30), st.integers(0, 30))
@settings(max_examples=300, deadline=None)
def test_a_reading_leads_back_to_the_same_characters(rules_only: Language, text: str, start: int, length: int):
    doc = rules_only.make_doc(text)
    reading = Reading(doc)
    plain = reading.doc.text
    assert reading.kept is None or len(reading.kept) == len(plain)
    if start + length >= len(plain):
        return
    (back,) = reading.restore([Finding(start, start + length + 1, "X", 1.0, "x")])
    assert 0 <= back.start < back.end <= len(text)
    again = Reading(rules_only.make_doc(text[back.start : back.end])).doc.text
    assert again.isascii() == plain[start : start + length + 1].isascii() or len(again) == length + 1


def test_cyrillic_and_greek_words_stay_as_they_are(rules_only: Language):
    for text in ("Иван Сорокин пишет", "Ο Νίκος γράφει"):
        doc = rules_only.make_doc(text)
        assert Reading(doc).doc is doc


def test_spans_cover_findings_inside_tokens(rules_only: Language):
    doc = rules_only("see:mara@example.org|x and id=219-09-9998;")
    for finding in rules_only.get_pipe("pii_redactor").find(doc):
        assert any(s.start_char <= finding.start and finding.end <= s.end_char for s in doc.spans["pii"])
    assert "mara@" not in doc._.redacted_text
    assert "9998" not in doc._.redacted_text


def test_a_long_document_is_read_to_its_end(nlp: Language):
    text = "The weather was fine that day. " * 400 + "Then Anna Kowalska arrived with 4539 1488 0343 6467."
    assert {"Anna Kowalska", "4539 1488 0343 6467"} <= {value for value, _ in values(nlp, text)}


def build_failing(word: str):
    def fail(doc: Doc):
        if word in doc.text:
            raise KeyError(doc.text)
        return []

    return fail


registry.misc.register("test.failing.v1", func=build_failing)
FAILING = {"failing": {"@misc": "test.failing.v1", "word": "Heron"}}


def test_a_text_is_withheld_when_a_detector_fails():
    nlp = make(gliner=None, rules=FAILING)
    texts = ["Heron: mara@example.org", "Wren: mara@example.org", "Heron again"]
    with pytest.warns(UserWarning, match=r"W200.*'failing'.*KeyError") as caught:
        docs = list(nlp.pipe(texts))
    assert [doc._.redacted_text for doc in docs] == ["[WITHHELD]", "Wren: <EMAIL_1>", "[WITHHELD]"]
    assert [doc._.tiered_ner["pii_redactor"]["failed"] for doc in docs] == [["failing"], [], ["failing"]]
    assert labelled(docs[0]) == [(texts[0], "WITHHELD")]
    assert len(caught) == 1
    assert "Heron" not in str(caught[0].message)
    assert nlp.get_pipe("pii_redactor").redact(texts[0]).text == "[WITHHELD]"


def test_fail_open_goes_on_without_the_detector():
    nlp = make(gliner=None, rules=FAILING, mode="fail_open")
    with pytest.warns(UserWarning, match="W201"):
        doc = nlp("Heron: mara@example.org")
    assert doc._.redacted_text == "Heron: <EMAIL_1>"


def test_a_model_that_fails_withholds_only_its_document(monkeypatch: pytest.MonkeyPatch):
    nlp = make()
    predictor = nlp.get_pipe("pii_redactor").model.pipe.predictor
    run = predictor.run

    def failing(units):
        if any(list(unit.subwords.ids) == marked for unit in units):
            raise RuntimeError("out of memory")
        return run(units)

    texts = ["Anna Kowalska came.", "Tobias Wren left.", "Mara Quill stayed."]
    marked = predictor.tokenizer.words([token.text for token in nlp.make_doc(texts[1])], 400)[0].ids.tolist()
    monkeypatch.setattr(predictor, "run", failing)
    with pytest.warns(UserWarning, match=r"W200.*'gliner'.*RuntimeError"):
        docs = list(nlp.pipe(texts))
    assert [doc._.redacted_text == "[WITHHELD]" for doc in docs] == [False, True, False]
    assert "Mara" not in docs[2]._.redacted_text


@pytest.mark.parametrize("gliner", ["auto", None])
def test_two_processes(gliner: str | None):
    nlp = make(gliner=gliner, threads=1)
    texts = [TEXT, "Anna Kowalska, 219-09-9998"] * 3
    expected = [nlp(text) for text in texts]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        docs = list(nlp.pipe(texts, n_process=2, batch_size=2))
    assert [doc._.redacted_text for doc in docs] == [doc._.redacted_text for doc in expected]
    assert [labelled(doc) for doc in docs] == [labelled(doc) for doc in expected]


def test_saved_and_loaded(nlp: Language, tmp_path):
    nlp.to_disk(tmp_path / "pipeline")
    loaded = spacy.load(tmp_path / "pipeline")
    assert labelled(loaded(TEXT)) == labelled(nlp(TEXT))
    assert labelled(spacy.blank("en").from_config(loaded.config).from_bytes(nlp.to_bytes())(TEXT)) == labelled(
        nlp(TEXT)
    )


def test_no_value_stays_anywhere_but_in_the_text(nlp: Language, tmp_path):
    doc = nlp(TEXT)
    redactor = nlp.get_pipe("pii_redactor")
    annotations = {
        "groups": doc.spans.to_bytes(),
        "user data": pickle.dumps(dict(doc.user_data)),
        "pipe": redactor.to_bytes(),
        "detectors": pickle.dumps([redactor.detectors.denied, redactor.detectors.allowed, redactor.redactor]),
        "findings": repr(redactor.find(TEXT)).encode(),
        "redaction": repr(redactor.redact(TEXT)).encode(),
        "config": nlp.config.to_str().encode(),
    }
    for name, data in annotations.items():
        assert not [secret for secret in SECRETS if secret.encode() in data], name


def test_a_missing_extra_is_named_and_its_rules_can_be_left_out(run_python):
    code = """
import sys
for name in ("phonenumbers", "stdnum", "faker", "cryptography"):
    sys.modules[name] = None
import spacy
nlp = spacy.blank("en")
try:
    nlp.add_pipe("pii_redactor")
except ImportError as error:
    print(error)
rules = {"phone": None, "payment": None, "national_ids": None}
nlp.add_pipe("pii_redactor", config={"gliner": None, "rules": rules})
print(nlp("Mail mara@example.org")._.redacted_text)
"""
    printed = run_python("-c", code)
    assert "T029" in printed
    assert "spacy-tiered-ner[pii]" in printed
    assert "Mail <EMAIL_1>" in printed


def test_copies_work_as_spawned_processes_need_them(nlp: Language):
    pipe = nlp.get_pipe("pii_redactor")
    copy = pickle.loads(pickle.dumps(pipe))
    assert copy.redact(TEXT).text == pipe.redact(TEXT).text
