"""Policies, windows, passages and grounding of `llm_escalate`, on their own."""

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from llm import candidate_doc

from spacy_tiered_ner.llm.answers import parse_object
from spacy_tiered_ner.llm.candidates import Candidates, read_candidates
from spacy_tiered_ner.llm.guidelines import parse_guidelines
from spacy_tiered_ner.llm.ontology import load_ontology
from spacy_tiered_ner.llm.passage import make_passage
from spacy_tiered_ner.llm.policy import (
    Doubt,
    build_always_policy_v1,
    build_any_policy_v1,
    build_conflict_policy_v1,
    build_margin_policy_v1,
    build_score_band_policy_v1,
    choose,
)
from spacy_tiered_ner.llm.windows import plan
from spacy_tiered_ner.spans import write_group

NLP = spacy.blank("en")
TEXT = "Ada Lovelace of Acme Corp met Paris Hilton in Paris."
LIMITS = {"context_sentences": 0, "max_words": 400, "max_spans": 16}


def candidates_of(*scores: float, labels: tuple[str, ...] = ()) -> Candidates:
    words = [f"w{n}" for n in range(len(scores))]
    names = labels or ("person",) * len(scores)
    doc = candidate_doc(NLP, " ".join(words), list(zip(words, names, scores, strict=True)))
    return read_candidates(doc, ["gliner"])


def doubt(policy, candidates: Candidates) -> list[float]:
    doc = candidates.spans[0].doc if candidates.spans else NLP("")
    return [round(float(value), 3) for value in policy(doc, candidates).spans]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"low": 0.2, "high": 0.6}, [0.0, 0.5, 1.0, 0.5, 0.0, 0.0]),
        ({"low": 0.2, "high": 0.6, "per_label": {"b": {"low": 0.8, "high": 1.0}}}, [0.0, 0.5, 0.0, 0.0, 0.0, 1.0]),
        ({"low": 0.2, "high": 0.6, "per_label": {"b": {"high": 1.0}}}, [0.0, 0.5, 0.5, 0.75, 0.75, 0.25]),
    ],
)
def test_score_band(settings, expected):
    candidates = candidates_of(0.1, 0.3, 0.4, 0.5, 0.7, 0.9, labels=("a", "a", "b", "b", "b", "b"))
    assert doubt(build_score_band_policy_v1(**settings), candidates) == expected


@pytest.mark.parametrize(
    ("build", "settings", "code"),
    [
        (build_score_band_policy_v1, {"low": 0.6, "high": 0.4}, "T103"),
        (build_score_band_policy_v1, {"low": -1}, "T010"),
        (build_score_band_policy_v1, {"per_label": {"a": {"lo": 0.3}}}, "T103"),
        (build_margin_policy_v1, {"margin": 0.0}, "T050"),
    ],
)
def test_bad_policies(build, settings, code):
    with pytest.raises(ValueError, match=code):
        build(**settings)


def test_combined_policies_need_a_weight_each():
    with pytest.raises(ValueError, match="T104"):
        build_any_policy_v1(build_conflict_policy_v1(), weights=[0.1, 0.2])


def test_margin_is_the_distance_to_the_second_label():
    doc = NLP("a b c")
    spans = [doc.char_span(n, n + 1, label="x") for n in (0, 2, 4)]
    write_group(doc, "gliner", spans, [0.9, 0.6, 0.6], "gliner", ["y", "y", ""], [0.1, 0.5, 0.0])
    assert doubt(build_margin_policy_v1(margin=0.2), read_candidates(doc, ["gliner"])) == [0.0, 0.5, 0.0]


def test_conflict_asks_about_the_stronger_span():
    found = [("Paris Hilton", "person", 0.7), ("Paris", "city", 0.6), ("Hilton", "person", 0.3), ("Ada", "person", 0.5)]
    candidates = read_candidates(candidate_doc(NLP, TEXT, found), ["gliner"])
    by_text = dict(
        zip([span.text for span in candidates.spans], doubt(build_conflict_policy_v1(), candidates), strict=True)
    )
    assert by_text == {"Paris Hilton": 0.9, "Paris": 0.0, "Hilton": 0.0, "Ada": 0.0}


def test_doubts_add_up():
    candidates = candidates_of(0.5, 0.9, labels=("a", "b"))
    one, other = build_always_policy_v1(["a"]), build_score_band_policy_v1(0.0, 1.0)
    assert doubt(build_any_policy_v1(one, other, weights=[0.5, 0.5]), candidates) == [0.75, 0.1]


@given(st.lists(st.lists(st.floats(0, 1), max_size=6), min_size=1, max_size=5), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_the_choice_is_the_most_doubtful_within_the_share(doubts, share):
    batch = [candidates_of(*([0.5] * len(values))) for values in doubts]
    choices = choose(batch, [Doubt(np.array(values, dtype=np.float32)) for values in doubts], share)
    total = sum(map(len, doubts))
    chosen = [np.float32(doubts[n][i]) for n, choice in enumerate(choices) for i in choice.chosen]
    left = [np.float32(doubts[n][i]) for n, choice in enumerate(choices) for i in choice.left_out]
    assert len(chosen) <= (max(1, np.ceil(share * total)) if share else 0)
    assert len(chosen) + len(left) == sum(np.float32(value) > 0 for values in doubts for value in values)
    assert min(chosen, default=1) >= max(left, default=0)


WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Mn", "Zs")), min_size=1, max_size=8)


@given(st.lists(WORDS, min_size=1, max_size=12).map(" ".join), st.data())
@settings(max_examples=150, deadline=None)
def test_what_is_shown_maps_back_to_the_document(text, data):
    doc = NLP(text)
    start = data.draw(st.integers(0, len(doc) - 1))
    end = data.draw(st.integers(start + 1, len(doc)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6, unique=True)))
    replaced = [(a, b, f"<P_{n}>") for n, (a, b) in enumerate(zip(cuts[::2], cuts[1::2], strict=False)) if a < b]
    passage = make_passage(doc, start, end, replaced)
    low, high = doc[start:end].start_char, doc[start:end].end_char
    hidden = {place for a, b, _ in replaced for place in range(a, b)}
    assert passage.to_doc(0, len(passage.text)) == (low, high)
    for token in doc[start:end]:
        shown = passage.to_shown(token.idx, token.idx + len(token))
        back = passage.to_doc(*shown)
        assert back[0] <= token.idx
        assert token.idx + len(token) <= back[1]
        if hidden.isdisjoint(range(token.idx, token.idx + len(token))):
            assert passage.text[slice(*shown)] == token.text
            assert back == (token.idx, token.idx + len(token))
    if not hidden:
        assert passage.text == text[low:high]


@given(st.lists(st.integers(1, 12), min_size=1, max_size=8), st.data())
@settings(max_examples=60, deadline=None)
def test_every_chosen_span_is_asked_about_once_and_shown(lengths, data):
    words = [f"w{n}" for n in range(sum(lengths))]
    doc = spacy.tokens.Doc(
        NLP.vocab, words=words, sent_starts=[n in np.cumsum([0, *lengths]) for n in range(len(words))]
    )
    picked = sorted(data.draw(st.sets(st.integers(0, len(words) - 1), min_size=1)))
    spans = [doc[n : n + 1] for n in picked]
    write_group(
        doc, "gliner", [spacy.tokens.Span(doc, s.start, s.end, "x") for s in spans], [0.5] * len(spans), "gliner"
    )
    candidates = read_candidates(doc, ["gliner"])
    limits = {
        "context_sentences": data.draw(st.integers(0, 2)),
        "max_words": data.draw(st.integers(1, 30)),
        "max_spans": data.draw(st.integers(1, 5)),
    }
    whole = data.draw(st.booleans())
    windows = plan(doc, candidates, dict.fromkeys(range(len(spans)), 0.5), float(whole), ["x"], **limits)
    assert sorted(item.start for window in windows for item in window.items) == picked
    for window in windows:
        assert len(window.items) <= limits["max_spans"]
        assert [window.text_of(item) for item in window.items] == [doc[item.start].text for item in window.items]
        assert len({item.id for item in window.items}) == len(window.items)
    if whole:
        shown = {token for window in windows for p in window.passages for token in range(p.start, p.end)}
        assert shown == set(range(len(words)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}', {"a": 1}),
        ('x {"a": {"b": "}"}} y', {"a": {"b": "}"}}),
        ('{"a": 1, "b": [1, 2', {"a": 1, "b": [1, 2]}),
        ("[1]", None),
        ("none", None),
        ("{]", None),
    ],
)
def test_json_objects(text, expected):
    assert parse_object(text) == expected


@pytest.mark.parametrize(
    "labels", ["person", [3], {"person": 3}, {"person": {"desc": "x"}}, {"": "x"}, {"person": {"positive": "x"}}]
)
def test_bad_guidelines(labels):
    with pytest.raises(ValueError, match="T105"):
        parse_guidelines(labels)


def test_ontology(tmp_path):
    table = {"company": {"Acme Corporation": ["Acme", "ACME Corp."], "Apex Inc": ["Apex", "acme"]}}
    for ending, content in (("json", "{}"), ("yaml", "company: {Solo: [s]}")):
        (tmp_path / f"o.{ending}").write_text(content, encoding="utf8")
    ontology = load_ontology(table)
    assert ontology("company", "acme  CORP.") == "Acme Corporation"
    assert ontology("company", "Acme") == ["Acme Corporation", "Apex Inc"]
    assert ontology("company", "Acme Korporation")[0] == "Acme Corporation"
    assert ontology("city", "Acme") == []
    assert load_ontology(str(tmp_path / "o.yaml"))("company", "S") == "Solo"
    assert load_ontology(str(tmp_path / "o.json"))("company", "S") == []


@pytest.mark.parametrize(
    "source", ["o.csv", "missing.json", "bad.json", [], {"a": []}, {"a": {"b": "c"}}, {"a": {"b": [3]}}]
)
def test_bad_ontologies(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.json").write_text("{", encoding="utf8")
    with pytest.raises(ValueError, match="T106"):
        load_ontology(source)
