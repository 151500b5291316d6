"""Personal data stays in the process with `mask_pii`."""

import json
import re
from typing import Any

import pytest
from chat_server import Answer, serve, spans_in
from conftest import entities
from llm import candidate_doc, escalating, ledger

TEXT = (
    "Dr. Grete Hansen (grete.hansen@example.org, +49 30 901820) works for Norvik Systems in Oslo. "
    "Hansen's card is 4111 1111 1111 1111. Ask Hansen about Norvik."
)
PRIVATE = ["Grete", "Hansen", "grete.hansen", "example.org", "901820", "4111", "1111"]
FOUND = [("Grete Hansen", "person", 0.9), ("Norvik Systems", "city", 0.55), ("Norvik.", "city", 0.4)]


@pytest.mark.parametrize("found", [FOUND, [FOUND[0], ("Hansen's card", "organization", 0.6)]])
def test_nothing_personal_is_sent(found):
    def answer(body: dict[str, Any]) -> Answer:
        return Answer(json.dumps({span["id"]: {"label": "organization", "text": None} for span in spans_in(body)}))

    with serve(answer) as server:
        nlp = escalating(server.url, mask_pii=True, context_sentences=1)
        doc = nlp(candidate_doc(nlp, TEXT, found))
        sent = json.dumps(server.requests, default=str)
        assert not [text for text in PRIVATE if text.casefold() in sent.casefold()]
        assert "<PERSON_1>" in server.prompts[0]
        assert "Norvik Systems in Oslo" in server.prompts[0], "what is not personal stays readable"
        plain = escalating(server.url)
        plain(candidate_doc(plain, TEXT, found))
        assert "grete.hansen@example.org" in json.dumps(server.requests[-1]), "the test would see it"
    assert {ent.label_ for ent in doc.ents} == {"organization"}
    assert entities(doc)[0] == ("Grete Hansen", "organization")


def test_an_ontology_does_not_give_away_what_is_hidden():
    def answer(body: dict[str, Any]) -> Answer:
        return Answer(json.dumps({span["id"]: {"label": "city", "text": None} for span in spans_in(body)}))

    ontology = {"person": {"Hansen, Grete (CEO)": [], "Berg, Olaf": []}, "city": {"Norvik AS": [], "Nordvik": []}}
    with serve(answer) as server:
        nlp = escalating(server.url, mask_pii=True, ontology=ontology)
        nlp(candidate_doc(nlp, TEXT, FOUND[:2]))
        person, city = spans_in(server.requests[0])
    assert "values" not in person
    assert set(city["values"]) == {"Norvik AS", "Nordvik"}


def test_answers_are_understood_through_the_placeholders():
    def answer(body: dict[str, Any]) -> Answer:
        (span,) = spans_in(body)
        tag = re.search(r"<PERSON_\d+>", span["span"]).group()
        implicit = [{"label": "city", "value": f"the home of {tag}", "evidence": "in Oslo"}]
        return Answer(json.dumps({span["id"]: {"label": "person", "text": f"<TITLE_1> {tag}"}, "implicit": implicit}))

    strategy = {"@misc": "spacy-tiered-ner.candidate_questions.v1", "implicit": True}
    with serve(answer) as server:
        nlp = escalating(server.url, mask_pii=True, strategy=strategy)
        doc = nlp(candidate_doc(nlp, TEXT, FOUND[:1]))
    assert entities(doc) == [("Dr. Grete Hansen", "person")]
    assert doc._.implicit_entities[0]["value"] == "the home of Grete Hansen"
    assert ledger(doc)["moved"] == 1


def test_text_that_looks_like_a_placeholder_is_no_way_in():
    text = "<PERSON_1> said that Grete Hansen met <PERSON_2>."

    def answer(body: dict[str, Any]) -> Answer:
        (span,) = spans_in(body)
        return Answer(json.dumps({span["id"]: {"label": "person", "text": None}}))

    with serve(answer) as server:
        nlp = escalating(server.url, mask_pii=True)
        doc = nlp(candidate_doc(nlp, text, [("Grete Hansen", "person", 0.6)]))
        assert "Hansen" not in server.prompts[0]
    assert entities(doc) == [("Grete Hansen", "person")]


def test_the_pii_group_of_an_earlier_pipe_is_hidden_too():
    def answer(body: dict[str, Any]) -> Answer:
        return Answer(json.dumps({span["id"]: {"label": "city", "text": None} for span in spans_in(body)}))

    with serve(answer) as server:
        nlp = escalating(server.url, mask_pii=True)
        doc = candidate_doc(nlp, "The code word of Norvik is rosebud, in Oslo.", [("Oslo", "city", 0.6)])
        doc.spans["pii"] = [doc.char_span(27, 34, label="PASSWORD")]
        nlp(doc)
        assert "rosebud" not in server.prompts[0]
        assert "<PASSWORD_1>" in server.prompts[0]
