"""`llm_escalate` on documents that are out of the ordinary."""

import tracemalloc

import numpy as np
import pytest
import spacy
from chat_server import labelled, serve
from conftest import entities, make_nlp
from llm import EVERYTHING, LABELS, candidate_doc, escalating, instructor_client, ledger, tiered
from spacy.tokens import Doc, Span, SpanGroup

from spacy_tiered_ner.spans import write_ents, write_group

BORDERLINE = {**EVERYTHING, "low": 0.55, "high": 0.65}
NO_ENTITY = {"@misc": "spacy-tiered-ner.no_entity_policy.v1"}


@pytest.fixture(scope="module")
def server():
    with serve(labelled("city")) as running:
        yield running


@pytest.mark.parametrize(
    ("policy", "found", "ents"),
    [
        (EVERYTHING, {"Acme Corp": 0.5, "Rome": 0.6}, ["Rome"]),
        (BORDERLINE, {"Acme Corp": 0.9, "Corp": 0.8, "Rome": 0.6}, ["Corp", "Rome"]),
    ],
)
def test_blocked_tokens_stay_blocked(server, policy, found, ents):
    nlp = escalating(server.url, policy=policy)
    doc = nlp.make_doc("Acme Corp in Rome")
    doc.set_ents([], blocked=[doc[0:1]])
    spans = [doc.char_span(doc.text.index(text), doc.text.index(text) + len(text), label="person") for text in found]
    write_group(doc, "gliner", spans, list(found.values()), "gliner")
    doc = nlp(doc)
    assert [span.text for span in doc.spans["tiered"]] == list(found)
    assert [ent.text for ent in doc.ents] == ents
    assert doc[0].ent_iob_ == "B"


def test_empty_spans_are_no_candidates(server):
    nlp = escalating(server.url)
    doc = nlp.make_doc("Acme in Rome")
    doc.spans["gliner"] = SpanGroup(doc, spans=[Span(doc, 1, 1, "person"), Span(doc, 2, 3, "person")])
    doc.spans["gliner"].attrs["scores"] = np.array([0.5, 0.5])
    assert tiered(nlp(doc)) == [("Rome", "city", 1.0, "llm")]


def test_attributes_that_do_not_run_parallel(server):
    nlp = escalating(server.url)
    doc = candidate_doc(nlp, "Acme in Rome", [("Acme", "person", 0.5), ("Rome", "city", 0.5)])
    doc.spans["gliner"].attrs["scores"] = np.array([0.5])
    with pytest.raises(ValueError, match=r"\[T121\].*2 spans but 1 values in attrs\['scores'\]"):
        nlp(doc)


def test_one_bad_document_takes_no_others_with_it(server):
    nlp = escalating(server.url)
    docs = [candidate_doc(nlp, f"Acme in Rome {n}", [("Acme", "person", 0.5)]) for n in range(4)]
    docs[1].spans["gliner"].attrs["scores"] = np.array([])
    seen = []
    nlp.set_error_handler(
        lambda name, pipe, docs, error: seen.append((name, [doc.text for doc in docs], str(error)[:6]))
    )
    assert [entities(doc) for doc in nlp.pipe(docs)] == [[("Acme", "city")]] * 3
    assert seen == [("llm_escalate", ["Acme in Rome 1"], "[T121]")]
    assert nlp.get_pipe("llm_escalate").usage["documents"] == 3


def test_nothing_is_asked_where_no_label_is_known(server):
    nlp = escalating(server.url, labels=None, policy=NO_ENTITY)
    before = len(server.requests)
    with pytest.warns(UserWarning, match=r"\[W106\]"):
        doc = nlp("Acme in Rome")
    assert len(server.requests) == before
    assert ledger(doc)["skipped"] == {"no_labels": 1}


def test_a_document_that_is_not_asked_as_a_whole_is_counted():
    for more in ({"budget": {"@misc": "spacy-tiered-ner.budget.v1", "max_calls": 0}}, {}):
        nlp = escalating("http://127.0.0.1:1/v1" if more else None, policy=NO_ENTITY, **more)
        assert ledger(nlp("Acme in Rome"))["skipped"] == {"budget" if more else "no_client": 1}


def test_spans_without_a_label_get_one(server):
    nlp = escalating(server.url)
    doc = nlp.make_doc("Acme in Rome")
    doc.spans["gliner"] = SpanGroup(doc, spans=[doc[0:1]], attrs={"scores": [0.5]})
    doc = nlp(doc)
    assert entities(doc) == [("Acme", "city")]
    assert "\n- \n" not in server.requests[-1]["messages"][0]["content"]


@pytest.mark.parametrize(
    ("lang", "text"), [("zh", "马云在北京。他走了。"), ("xx", "👩‍👩‍👧"), ("xx", " \n\n "), ("en", "x")]
)
def test_the_last_and_the_first_token(server, lang, text):
    nlp = spacy.blank(lang)
    config = {"labels": LABELS, "policy": EVERYTHING, "max_share": 1.0, "client": instructor_client(server.url)}
    nlp.add_pipe("llm_escalate", config=config)
    doc = nlp.make_doc(text)
    spans = {(0, 1), (len(doc) - 1, len(doc))}
    doc.spans["gliner"] = SpanGroup(doc, spans=[Span(doc, *borders, "person") for borders in spans])
    doc.spans["gliner"].attrs["scores"] = [0.5] * len(spans)
    doc = nlp(doc)
    assert {(span.start, span.end) for span in doc.spans["tiered"]} == spans
    assert {span.label_ for span in doc.spans["tiered"]} == {"city"}


def test_a_ruler_behind_gliner_is_sure(server):
    nlp = make_nlp(labels={"person": {"threshold": 0.999}, "city": None})
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "person", "pattern": "Angela Merkel", "id": "chancellor"}])
    config = {"client": instructor_client(server.url), "policy": {**NO_ENTITY, "labels": ["date"]}}
    nlp.add_pipe("llm_escalate", config=config)
    doc = nlp("Angela Merkel visited Paris on Monday.")
    assert "Angela Merkel" in [span.text for span in doc.spans["gliner"]]
    assert [(ent.text, ent.ent_id_) for ent in doc.ents] == [("Angela Merkel", "chancellor"), ("Paris", "")]
    assert tiered(doc)[0] == ("Angela Merkel", "person", 1.0, "ner")


def test_doc_ents_follow_the_threshold_also_where_nothing_is_asked():
    nlp = escalating(None, threshold=0.8, max_share=0.0)
    doc = nlp(candidate_doc(nlp, "Acme met Bob", [("Acme", "person", 0.6), ("Bob", "person", 0.9)]))
    assert [span.text for span in doc.spans["tiered"]] == [ent.text for ent in doc.ents] == ["Bob"]


def test_a_second_pipe_builds_on_the_first():
    with serve(labelled("not an entity")) as server:
        nlp = escalating(server.url, policy={"@misc": "spacy-tiered-ner.always_policy.v1", "labels": ["person"]})
        nlp.add_pipe("llm_escalate", "second", config={"spans_key": "tiered", "labels": LABELS, "max_share": 0.0})
        doc = candidate_doc(nlp, "Acme met Bob in Rome", [("Acme", "person", 0.6), ("Rome", "city", 0.9)])
        doc.spans["ner"] = SpanGroup(doc, spans=[Span(doc, 2, 3, "person")])
        doc = nlp(doc)
    assert tiered(doc) == [("Rome", "city", 0.9, "gliner")]
    assert entities(doc) == [("Rome", "city")]
    assert set(doc._.tiered_ner) == {"llm_escalate", "second"}


def test_long_documents_take_linear_memory():
    nlp = escalating(None, policy={"@misc": "spacy-tiered-ner.any_policy.v1"}, max_share=0.1)
    doc = Doc(nlp.vocab, words=[f"w{n}" for n in range(60_000)])
    spans = [Span(doc, n, n + 2, "person") for n in range(0, 60_000, 3)]
    scores = np.random.default_rng(0).uniform(0.3, 1.0, len(spans)).tolist()
    write_group(doc, "gliner", spans, scores, "gliner")
    write_ents(doc, [span for span, score in zip(spans, scores, strict=True) if score > 0.5], overwrite=False)
    tracemalloc.start()
    nlp(doc)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000_000
    assert ledger(doc)["skipped"]["no_client"] == 2000


def test_a_misspelt_group_is_told(server):
    nlp = escalating(server.url, spans_key="glinr")
    with pytest.warns(UserWarning, match=r"\[W107\].*glinr.*gliner"):
        doc = nlp(candidate_doc(nlp, "Acme Corp in Rome", [("Acme Corp", "person", 0.9)]))
    assert tiered(doc) == [("Acme Corp", "person", 1.0, "ner")]
