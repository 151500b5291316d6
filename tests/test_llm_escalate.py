"""What `llm_escalate` asks and writes."""

import json
import warnings
from typing import Any

import numpy as np
import pytest
import spacy
from chat_server import Answer, labelled, serve, spans_in
from conftest import entities, make_nlp
from llm import EVERYTHING, LABELS, candidate_doc, escalating, instructor_client, ledger, tiered
from spacy.tokens import DocBin, Span

TEXT = "Ada Lovelace of Acme Corp met Paris Hilton in Paris. It rained all day."
FOUND = [("Ada Lovelace", "person", 0.9), ("Acme Corp", "person", 0.6), ("Paris Hilton", "person", 0.55)]


def verdicts(by_span: dict[str, dict[str, Any]], **more: Any) -> Any:
    """Answers by the text of the span that is asked about."""

    def answer(body: dict[str, Any]) -> Answer:
        found = {span["id"]: {"text": None, **by_span[span["span"]]} for span in spans_in(body)}
        return Answer(json.dumps({**found, **more}))

    return answer


def test_keep_relabel_move_and_drop():
    answers = {
        "Ada Lovelace": {"label": "person"},
        "Acme Corp": {"label": "organization"},
        "Paris Hilton": {"label": "not an entity"},
        "rained": {"label": "city", "text": "rained all day"},
    }
    with serve(verdicts(answers)) as server:
        nlp = escalating(server.url)
        doc = nlp(candidate_doc(nlp, TEXT, [*FOUND, ("rained", "city", 0.4)]))
    expected = [("Ada Lovelace", "person"), ("Acme Corp", "organization"), ("rained all day", "city")]
    assert tiered(doc) == [(*span, 1.0, "llm") for span in expected]
    assert entities(doc) == expected
    assert [(span.text, span.label_) for span in doc.spans["llm"]] == expected
    assert doc.spans["tiered"].attrs["runner_up_labels"] == ["", "person", ""]
    counts = {name: ledger(doc)[name] for name in ("asked", "kept", "relabelled", "moved", "dropped", "calls")}
    assert counts == {"asked": 4, "kept": 1, "relabelled": 1, "moved": 1, "dropped": 1, "calls": 1}
    assert (ledger(doc)["input_tokens"], ledger(doc)["output_tokens"]) == (100, 10)
    assert nlp.get_pipe("llm_escalate").usage["changed"] == 3


def test_certain_documents_cost_nothing_and_stay_as_they_are():
    with serve(labelled("city")) as server:
        nlp = make_nlp(labels=LABELS)
        before = nlp("Angela Merkel visited Paris on Monday.")
        nlp.add_pipe("llm_escalate", config={"client": instructor_client(server.url)})
        doc = nlp("Angela Merkel visited Paris on Monday.")
        assert server.requests == []
    assert entities(doc) == entities(before) == [("Angela Merkel", "person"), ("Paris", "city")]
    assert [(span.text, tier) for span, tier in zip(doc.spans["tiered"], ["gliner"] * 2, strict=True)] == [
        ("Angela Merkel", "gliner"),
        ("Paris", "gliner"),
    ]
    assert ledger(doc)["calls"] == 0
    assert "llm" not in doc.spans


def test_thresholds_of_tier_1_hold_for_what_is_not_asked():
    nlp = make_nlp(labels={"person": {"threshold": 0.999}, "city": "city"})
    nlp.add_pipe("llm_escalate", config={"max_share": 0.0})
    doc = nlp("Angela Merkel visited Paris on Monday.")
    assert [span.label_ for span in doc.spans["gliner"]] == ["person", "city"]
    assert [span.label_ for span in doc.spans["tiered"]] == [ent.label_ for ent in doc.ents] == ["city"]


def test_only_the_sentences_around_doubtful_spans_are_sent():
    text = "The secret is 42. Acme Corp sold it. Nobody knew. " + "Filler words go on and on. " * 50 + "Paris slept."
    with serve(labelled("city")) as server:
        nlp = escalating(server.url)
        nlp(candidate_doc(nlp, text, [("Acme Corp", "person", 0.5), ("Paris", "city", 0.5)]))
        (prompt,) = server.prompts
        assert '"Acme Corp sold it."' in prompt
        assert '"Paris slept."' in prompt
        assert "secret" not in prompt
        assert "Nobody" not in prompt
        nlp.get_pipe("llm_escalate").limits["context_sentences"] = 1
        nlp(candidate_doc(nlp, text, [("Acme Corp", "person", 0.5)]))
        assert '"The secret is 42. Acme Corp sold it. Nobody knew."' in server.prompts[-1]


def test_long_documents_are_divided_into_requests():
    sentences = [f"Number {n} is about Mister{n} alone." for n in range(40)]
    with serve(labelled("person")) as server:
        nlp = escalating(server.url, max_words=50, max_spans=4)
        doc = nlp(candidate_doc(nlp, " ".join(sentences), [(f"Mister{n}", "person", 0.5) for n in range(40)]))
        asked = [len(spans_in(request)) for request in server.requests]
        words = [len(nlp.make_doc(" ".join(json.loads(p) for p in lines(prompt)))) for prompt in server.prompts]
    assert sum(asked) == ledger(doc)["kept"] == 40
    assert max(asked) <= 4
    assert max(words) <= 50


def lines(prompt: str) -> list[str]:
    return [line for line in prompt.splitlines() if line.startswith('"')]


def test_the_cap_takes_the_most_doubtful_and_records_the_others():
    found = [(f"Mister{n}", "person", 0.5 + n / 100) for n in range(10)]
    text = " ".join(f"Mister{n}" for n in range(10))
    with serve(labelled("person")) as server:
        nlp = escalating(server.url, max_share=0.2)
        doc = nlp(candidate_doc(nlp, text, found))
        (request,) = server.requests
        assert [span["span"] for span in spans_in(request)] == ["Mister0", "Mister1"]
    assert ledger(doc)["skipped"] == {"cap": 8}
    assert [text[place["start"] : place["end"]] for place in ledger(doc)["left_out"]] == [
        f"Mister{n}" for n in range(2, 10)
    ]
    assert {place["reason"] for place in ledger(doc)["left_out"]} == {"cap"}


def test_the_share_is_one_of_the_batch():
    with serve(labelled("person")) as server:
        nlp = escalating(server.url, max_share=0.1)
        docs = [candidate_doc(nlp, f"Mister{n} slept.", [(f"Mister{n}", "person", 0.5)]) for n in range(20)]
        asked = [ledger(doc)["asked"] for doc in nlp.pipe(docs, batch_size=20)]
    assert sum(asked) == 2


def test_overlapping_candidates_are_one_question():
    answers = {"Paris Hilton": {"label": "person"}}
    with serve(verdicts(answers)) as server:
        nlp = escalating(server.url)
        doc = nlp(candidate_doc(nlp, TEXT, [("Paris Hilton", "person", 0.6), ("Paris", "city", 0.8)]))
        (request,) = server.requests
        (span,) = spans_in(request)
    assert span["overlapping"] == [{"span": "Paris", "proposed": "city"}]
    assert tiered(doc) == [("Paris Hilton", "person", 1.0, "llm"), ("Paris", "city", 0.8, "gliner")]
    assert entities(doc) == [("Paris Hilton", "person")]
    assert ledger(doc)["covered"] == 1


@pytest.mark.parametrize(
    ("text", "label", "kept"),
    [("New York University", "organization", ["New York"]), ("York University", "organization", [])],
)
def test_what_crosses_a_decision_goes_and_what_lies_in_it_stays(text, label, kept):
    with serve(verdicts({"University": {"label": label, "text": text}})) as server:
        nlp = escalating(server.url, policy={**EVERYTHING, "low": 0.35, "high": 0.45})
        found = [("New York", "city", 0.9), ("University", "organization", 0.4)]
        doc = nlp(candidate_doc(nlp, "She left New York University early.", found))
    assert [span.text for span in doc.spans["tiered"] if span.label_ == "city"] == kept
    assert entities(doc) == [(text, label)]


def test_missing_entities_are_grounded_and_take_no_place():
    more = {
        "missing": [
            {"text": "Paris", "label": "city"},
            {"text": "Atlantis", "label": "city"},
            {"text": "Lovelace", "label": "person"},
            {"text": "It", "label": "planet"},
        ]
    }
    strategy = {"@misc": "spacy-tiered-ner.candidate_questions.v1", "missing": True}
    answers = {"Ada Lovelace": {"label": "person"}}
    with serve(verdicts(answers, **more)) as server:
        nlp = escalating(server.url, strategy=strategy)
        text = "Ada Lovelace was in Paris. Paris slept."
        doc = nlp(candidate_doc(nlp, text, [("Ada Lovelace", "person", 0.5)]))
        assert "missing" in server.requests[0]["messages"][0]["content"]
    assert entities(doc) == [("Ada Lovelace", "person"), ("Paris", "city")]
    assert ledger(doc)["rejected"] == {"hallucinated": 1, "wrong_labels": 1}


def test_documents_without_an_entity_are_asked_for_one():
    policy = {"@misc": "spacy-tiered-ner.no_entity_policy.v1"}
    with serve(verdicts({}, missing=[{"text": "Paris", "label": "city"}])) as server:
        nlp = escalating(server.url, policy=policy)
        docs = [candidate_doc(nlp, text, found) for text, found in (("In Paris.", []), (TEXT, FOUND), ("", []))]
        docs = list(nlp.pipe(docs))
        assert len(server.requests) == 1
    assert [entities(doc) for doc in docs] == [[("Paris", "city")], [*((p, label) for p, label, _ in FOUND)], []]


def test_implicit_entities_need_evidence():
    implicit = [
        {"label": "city", "value": "Rome", "evidence": "the eternal city"},
        {"label": "city", "value": "Oz", "evidence": "the emerald city"},
        {"label": "planet", "value": "Mars", "evidence": "the eternal city"},
    ]
    strategy = {"@misc": "spacy-tiered-ner.candidate_questions.v1", "implicit": True}
    with serve(labelled("person", implicit=implicit)) as server:
        nlp = escalating(server.url, strategy=strategy)
        doc = nlp(candidate_doc(nlp, "Ada saw the eternal city.", [("Ada", "person", 0.5)]))
    place = {"evidence": "the eternal city", "start": 8, "end": 24}
    assert doc._.implicit_entities == [{"label": "city", "value": "Rome", **place}]
    assert ledger(doc)["implicit"] == 1
    assert ledger(doc)["rejected"] == {"hallucinated": 1, "wrong_labels": 1}


def test_one_question_a_label():
    answers = {"person": ["Ada Lovelace"], "organization": ["Acme Corp"], "city": ["nowhere"]}

    def answer(body: dict[str, Any]) -> Answer:
        question = body["messages"][1]["content"].splitlines()[-1]
        label = question.removeprefix("What describes ").removesuffix(" in the passages?")
        return Answer(json.dumps({"mentions": answers[label]}))

    strategy = {"@misc": "spacy-tiered-ner.label_questions.v1"}
    with serve(answer) as server:
        nlp = escalating(server.url, strategy=strategy)
        found = [("Ada Lovelace", "person", 0.6), ("Acme", "organization", 0.6), ("Paris Hilton", "person", 0.6)]
        doc = nlp(candidate_doc(nlp, TEXT, found))
        assert len(server.requests) == 2, "the city was not in question"
    assert entities(doc) == [("Ada Lovelace", "person"), ("Acme Corp", "organization")]
    counts = {name: ledger(doc)[name] for name in ("kept", "moved", "dropped")}
    assert counts == {"kept": 1, "moved": 1, "dropped": 1}


def test_a_label_that_nobody_proposed_is_a_new_label():
    def answer(body: dict[str, Any]) -> Answer:
        found = ["Acme Corp", "Paris"] if "describes city" in body["messages"][1]["content"] else []
        return Answer(json.dumps({"mentions": found}))

    strategy = {"@misc": "spacy-tiered-ner.label_questions.v1", "missing": True}
    with serve(answer) as server:
        nlp = escalating(server.url, strategy=strategy)
        doc = nlp(candidate_doc(nlp, "Acme Corp met us in Paris.", [("Acme Corp", "person", 0.6)]))
    assert entities(doc) == [("Acme Corp", "city"), ("Paris", "city")]
    assert {name: ledger(doc)[name] for name in ("relabelled", "dropped", "missing")} == {
        "relabelled": 1,
        "dropped": 0,
        "missing": 1,
    }


def test_guidelines_reach_the_prompt():
    labels = {
        "person": {"description": "a human", "positive": ["Ada"], "negative": ["the queen"], "prompts": ["people"]},
        "city": "a big town",
        "organization": None,
    }
    with serve(labelled("person")) as server:
        nlp = escalating(server.url, labels=labels)
        nlp(candidate_doc(nlp, TEXT, FOUND))
        system = server.requests[0]["messages"][0]["content"]
    assert "- person (also: people): a human\n  For example: Ada\n  Not: the queen\n" in system
    assert "- city: a big town\n" in system


def test_own_templates(tmp_path):
    (tmp_path / "system.jinja").write_text("{% for g in guidelines %}<{{ g.label }}>{% endfor %}", encoding="utf8")
    (tmp_path / "user.jinja").write_text("{% for s in spans %}{{ s | json }}\n{% endfor %}", encoding="utf8")
    strategy = {"@misc": "spacy-tiered-ner.candidate_questions.v1", "templates": str(tmp_path)}
    with serve(labelled("person")) as server:
        nlp = escalating(server.url, strategy=strategy)
        doc = nlp(candidate_doc(nlp, TEXT, FOUND))
        assert server.requests[0]["messages"][0]["content"] == "<person><organization><city>"
    assert {ent.label_ for ent in doc.ents} == {"person"}


@pytest.mark.parametrize("source", ["{{ secret }}", "{{ ''.__class__.__mro__ }}", "{% for"])
def test_bad_templates(tmp_path, source):
    (tmp_path / "user.jinja").write_text("x", encoding="utf8")
    strategy = {"@misc": "spacy-tiered-ner.candidate_questions.v1", "templates": str(tmp_path)}
    with pytest.raises(ValueError, match="T107"):
        escalating(None, strategy=strategy)
    (tmp_path / "system.jinja").write_text(source, encoding="utf8")
    with serve(labelled("person")) as server:
        nlp = escalating(server.url, strategy=strategy)
        with pytest.raises(ValueError, match="T107"):
            nlp(candidate_doc(nlp, TEXT, FOUND))
        assert server.requests == []


def test_disagreement_of_a_ruler_and_gliner():
    policy = {"@misc": "spacy-tiered-ner.disagreement_policy.v1"}
    with serve(labelled("organization")) as server:
        nlp = escalating(server.url, policy=policy)
        doc = candidate_doc(nlp, TEXT, FOUND[:2])
        doc.spans["ner"] = [doc.char_span(0, 12, label="person"), doc.char_span(30, 42, label="person")]
        doc = nlp(doc)
        assert [span["span"] for span in spans_in(server.requests[0])] == ["Acme Corp", "Paris Hilton"]
        nlp(candidate_doc(nlp, TEXT, FOUND))
        assert len(server.requests) == 1, "no other component has seen the document"
    assert tiered(doc)[0] == ("Ada Lovelace", "person", 1.0, "ner")
    assert [ent.label_ for ent in doc.ents] == ["person", "organization", "organization"]


def test_entities_of_earlier_components_are_told_apart():
    with serve(labelled("organization")) as server:
        nlp = spacy.blank("en")
        nlp.add_pipe("entity_ruler").add_patterns(
            [{"label": "city", "pattern": "Paris"}, {"label": "x", "pattern": "Zed"}]
        )
        nlp.add_pipe("gliner_ner", config={"labels": LABELS})
        policy = {"@misc": "spacy-tiered-ner.disagreement_policy.v1"}
        nlp.add_pipe(
            "llm_escalate", config={"client": instructor_client(server.url), "policy": policy, "max_share": 1.0}
        )
        doc = nlp("Angela Merkel visited Paris. Zed ran.")
        assert [span["span"] for span in spans_in(server.requests[0])] == ["Angela Merkel", "Zed"]
        nlp("She visited Paris.")
        assert len(server.requests) == 1
    assert [(span.text, span.label_) for span in doc.spans["ner"]] == [("Paris", "city"), ("Zed", "x")]
    assert entities(doc) == [("Angela Merkel", "organization"), ("Paris", "city"), ("Zed", "organization")]


def test_other_entities_keep_what_they_carry():
    with serve(labelled("not an entity")) as server:
        nlp = escalating(server.url, policy={**EVERYTHING, "low": 0.55, "high": 0.65})
        doc = candidate_doc(nlp, TEXT, FOUND[:2])
        ada, acme = doc.ents
        ada = Span(doc, ada.start, ada.end, label="person", kb_id="Q7259", span_id="first")
        doc.set_ents([ada, acme], blocked=[doc[-3:-2]])
        doc = nlp(doc)
    assert [(ent.text, ent.kb_id_, ent.ent_id_) for ent in doc.ents] == [("Ada Lovelace", "Q7259", "first")]
    assert [token.ent_iob_ for token in doc[-4:]] == ["O", "B", "O", "O"]


def test_an_entity_that_the_llm_keeps_keeps_its_ids():
    with serve(labelled("person")) as server:
        nlp = escalating(server.url)
        doc = candidate_doc(nlp, TEXT, FOUND[:1])
        (ada,) = doc.ents
        doc.set_ents([Span(doc, ada.start, ada.end, label="person", kb_id="Q7259", span_id="first")])
        doc = nlp(doc)
    assert [(ent.text, ent.kb_id_, ent.ent_id_) for ent in doc.ents] == [("Ada Lovelace", "Q7259", "first")]
    assert [(span.kb_id_, span.id_) for span in doc.spans["llm"]] == [("Q7259", "first")]


def test_groups_survive_serialisation():
    with serve(labelled("city")) as server:
        nlp = escalating(server.url)
        doc = nlp(candidate_doc(nlp, TEXT, FOUND))
    (again,) = (
        DocBin(store_user_data=True).from_bytes(DocBin(docs=[doc], store_user_data=True).to_bytes()).get_docs(nlp.vocab)
    )
    assert tiered(again) == tiered(doc)
    assert again.spans["tiered"].attrs["scores"].dtype == np.float32
    assert {**ledger(again), "left_out": [], "details": []} == ledger(doc)


def test_without_a_client_nothing_changes_but_the_ledger():
    nlp = escalating(None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        docs = [nlp(candidate_doc(nlp, TEXT, FOUND)) for _ in range(2)]
    assert sum("[W105]" in str(warning.message) for warning in caught) == 1
    assert [entities(doc) for doc in docs] == [[(phrase, label) for phrase, label, _ in FOUND]] * 2
    assert ledger(docs[1])["skipped"] == {"no_client": 3}
    assert len(ledger(docs[1])["left_out"]) == 3


def test_a_group_of_another_name_and_several_groups():
    with serve(labelled("organization")) as server:
        nlp = escalating(server.url, spans_key=["mine", "gliner"])
        doc = candidate_doc(nlp, TEXT, FOUND[1:])
        doc.spans["mine"] = [doc.char_span(16, 25, label="person"), doc.char_span(0, 12, label="person")]
        doc = nlp(doc)
        assert [span["span"] for span in spans_in(server.requests[0])] == ["Paris Hilton"], "the others have 1.0"
    expected = [("Ada Lovelace", "person", 1.0, "mine"), ("Acme Corp", "person", 1.0, "mine")]
    assert tiered(doc) == [*expected, ("Paris Hilton", "organization", 1.0, "llm")]


def test_registered_functions_of_users():
    @spacy.registry.misc("test.only_long_words.v1")
    def only_long_words():
        from spacy_tiered_ner.llm.policy import Doubt

        return lambda doc, candidates: Doubt(np.array([float(len(span.text) > 10) for span in candidates.spans]))

    with serve(labelled("city")) as server:
        nlp = escalating(server.url, policy={"@misc": "test.only_long_words.v1"})
        doc = nlp(candidate_doc(nlp, TEXT, FOUND))
    assert entities(doc) == [("Ada Lovelace", "city"), ("Acme Corp", "person"), ("Paris Hilton", "city")]
