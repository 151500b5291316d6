"""`llm_escalate` in a user's life: saved, trained beside, scored, run from a config and from the command line."""

import json
import pickle
import shutil
from copy import deepcopy
from pathlib import Path

import pytest
import spacy
from annotated import write_docbin
from chat_server import Answer, labelled, serve
from conftest import entities, make_nlp
from llm import EVERYTHING, candidate_doc, escalating, instructor_client, ledger
from spacy.cli import app
from spacy.cli.train import train
from spacy.training import Example
from spacy.util import load_config
from typer.testing import CliRunner

import spacy_tiered_ner.cli  # noqa: F401

CONFIGS = Path(__file__).parent.parent / "configs"
TEXT = "Acme Corp met Paris Hilton in Rome."
FOUND = [("Acme Corp", "company", 0.6), ("Rome", "city", 0.9)]
ONTOLOGY = {"company": {"Q1 Acme": ["Acme Corp"], "Q2 Apex": []}, "city": {"Q220": ["Roma"], "Q90": ["Paris"]}}


def test_a_saved_pipeline_takes_its_ontology_along(tmp_path):
    (tmp_path / "ontology.json").write_text(json.dumps(ONTOLOGY), encoding="utf8")
    with serve(labelled("company")) as server:
        nlp = escalating(server.url, labels=["company", "city"], ontology=str(tmp_path / "ontology.json"))
        before = nlp(candidate_doc(nlp, TEXT, FOUND[:1]))
        nlp.to_disk(tmp_path / "pipeline")
        (tmp_path / "ontology.json").unlink()
        again = spacy.load(shutil.copytree(tmp_path / "pipeline", tmp_path / "moved"))
        after = again(candidate_doc(again, TEXT, FOUND[:1]))
        in_bytes = spacy.blank("en")
        settings = {**nlp.get_pipe_config("llm_escalate")}
        in_bytes.add_pipe(settings.pop("factory"), config=settings)
        in_bytes.from_bytes(nlp.to_bytes())
        copied = in_bytes(candidate_doc(in_bytes, TEXT, FOUND[:1]))
    value = {"start": 0, "end": 9, "label": "company", "text": "Acme Corp", "value": "Q1 Acme"}
    for doc in (before, after, copied):
        assert [ent.kb_id_ for ent in doc.ents] == ["Q1 Acme"]
        assert doc._.canonical == [value]


def test_an_ontology_that_is_nowhere():
    nlp = escalating(None, ontology="nowhere.json")
    with pytest.raises(ValueError, match=r"\[T106\].*nowhere.json"):
        nlp(candidate_doc(nlp, TEXT, FOUND))


def test_the_llm_chooses_among_the_values_of_the_ontology():
    def answer(body):
        value = "Q220" if "Q220" in body["messages"][1]["content"] else "Q7"
        return Answer(json.dumps({"c1": {"label": "city", "text": None, "canonical": value}}))

    with serve(answer) as server:
        nlp = escalating(server.url, labels=["city"], ontology=ONTOLOGY)
        doc = nlp(candidate_doc(nlp, TEXT, [("Rome", "city", 0.9)]))
        assert '"values": ["Q220", "Q90"]' in server.prompts[0]
        wrong = escalating(server.url, labels=["city"], ontology={"city": {"Q1": ["a"], "Q2": ["b"]}})
        other = wrong(candidate_doc(wrong, TEXT, [("Rome", "city", 0.9)]))
    assert [(ent.text, ent.kb_id_) for ent in doc.ents] == [("Rome", "Q220")]
    assert [(ent.text, ent.kb_id_) for ent in other.ents] == [("Rome", "")]
    assert ledger(other)["rejected"] == {"wrong_values": 1}


def test_a_function_as_ontology():
    @spacy.registry.misc("test.upper_ontology.v1")
    def upper_ontology():
        return lambda label, text: f"{label}:{text.upper()}"

    nlp = escalating(None, max_share=0.0, ontology={"@misc": "test.upper_ontology.v1"})
    doc = nlp(candidate_doc(nlp, TEXT, FOUND))
    assert [ent.kb_id_ for ent in doc.ents] == ["company:ACME CORP", "city:ROME"]


def test_it_is_scored_like_gliner_ner():
    with serve(labelled("city")) as server:
        nlp = escalating(server.url, labels=["city"])
        gold = candidate_doc(nlp, TEXT, [("Rome", "city", 1.0)])
        gold.spans["tiered"] = gold.ents
        scores = nlp.evaluate([Example(candidate_doc(nlp, TEXT, [("Rome", "company", 0.6)]), gold)])
    assert scores["ents_f"] == scores["spans_tiered_f"] == 1.0


@pytest.mark.parametrize("asked", [False, True])
def test_spacy_train_evaluates_without_asking(asked, tmp_path):
    data = str(write_docbin(tmp_path / "all.spacy"))
    with serve(labelled("crop")) as server:
        tier_3 = {"factory": "llm_escalate", "client": instructor_client(server.url), "policy": EVERYTHING}
        config = load_config(CONFIGS / "spacy_ner_plus_gliner.cfg", {"paths.train": data, "paths.dev": data})
        config["nlp"]["pipeline"].append("llm_escalate")
        config["components"]["llm_escalate"] = {**tier_3, "run_in_training": asked}
        config["training"]["frozen_components"].append("llm_escalate")
        config.to_disk(tmp_path / "config.cfg")
        train(tmp_path / "config.cfg", tmp_path / "out", overrides={"vars.max_steps": 2, "training.eval_frequency": 1})
        assert bool(server.requests) == asked
        nlp = spacy.load(tmp_path / "out" / "model-last")
        nlp("The Blue Heron left the Port of Gdynia with 400 tonnes of barley.")
        assert server.requests


def test_the_config_assembles_and_runs_without_a_server(tmp_path):
    done = CliRunner().invoke(app, ["assemble", str(CONFIGS / "gliner_llm.cfg"), str(tmp_path / "pipeline")])
    assert done.exit_code == 0, done.output
    with serve(labelled("ORG")) as server:
        overrides = {"components.llm_escalate.client": instructor_client(server.url)}
        nlp = spacy.load(tmp_path / "pipeline", config=overrides)
        doc = nlp("Apple sold the Newton in Cupertino. She met Emmanuel Macron at the Elysee Palace.")
        assert len(server.requests) == 1
    assert set(doc.spans["tiered"].attrs["tiers"]) == {"gliner", "llm"}


def test_the_demo_asks_an_llm_and_says_what_it_cost(tmp_path):
    with serve(labelled("city")) as server:
        page = tmp_path / "page.html"
        text = "Apple sold the Newton in Cupertino. She met Emmanuel Macron at the Elysee Palace."
        command = ["tiered", "demo", text, "--labels", "person,city", "--output", str(page)]
        done = CliRunner().invoke(app, [*command, "--llm", "openai/test", "--base-url", server.url])
    assert done.exit_code == 0, done.output
    assert "LLM openai/test: 1 of " in done.output
    assert " llm " in done.output
    assert "1 calls (0 failed), 110 tokens (0 of them estimated)" in " ".join(done.output.split())
    assert page.is_file()


MISC = "spacy-tiered-ner."
POLICIES = {
    "band": {"@misc": f"{MISC}score_band_policy.v1", "per_label": {"city": {"low": 0.1}}},
    "margin": {"@misc": f"{MISC}margin_policy.v1"},
    "conflict": {"@misc": f"{MISC}conflict_policy.v1"},
    "disagreement": {"@misc": f"{MISC}disagreement_policy.v1"},
    "always": {"@misc": f"{MISC}always_policy.v1", "labels": ["person"]},
    "none": {"@misc": f"{MISC}no_entity_policy.v1"},
}


@pytest.mark.parametrize("copy", [deepcopy, lambda nlp: pickle.loads(pickle.dumps(nlp))])
def test_pipelines_with_any_policy_can_be_copied(copy):
    with serve(labelled("city")) as server:
        nlp = copy(escalating(server.url, policy={"@misc": f"{MISC}any_policy.v1", "*": POLICIES}))
        doc = nlp(candidate_doc(nlp, "Acme Corp paid.", [("Acme Corp", "person", 0.6)]))
    assert entities(doc) == [("Acme Corp", "city")]


def test_a_set_of_policies_replaces_the_default(tmp_path):
    policies = {"z": {**POLICIES["always"], "labels": ["city"]}, "a": POLICIES["always"]}
    nlp = escalating(None, policy={"@misc": f"{MISC}any_policy.v1", "*": policies, "weights": [1.0, 0.0]})
    nlp.to_disk(tmp_path)
    for loaded in (nlp, spacy.load(tmp_path)):
        found = [("Acme Corp", "person", 0.5), ("Rome", "city", 0.5)]
        doc = loaded(candidate_doc(loaded, "Acme Corp paid in Rome.", found))
        assert [place["label"] for place in ledger(doc)["left_out"]] == ["city"]


def test_documents_keep_their_own_labels():
    with serve(labelled("musical instrument")) as server:
        nlp = make_nlp()
        nlp.add_pipe("llm_escalate", config={"client": instructor_client(server.url), "policy": EVERYTHING})
        doc = nlp.make_doc("The Stradivarius was sold in London.")
        doc._.gliner_labels = ["musical instrument", "city"]
        nlp(doc)
        assert "- musical instrument\n- city\n" in server.requests[0]["messages"][0]["content"]
    assert "musical instrument" in {label for _, label in entities(doc)}
