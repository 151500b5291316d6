"""Pipelines and documents on disk, in bytes and in configs."""

import json
import pickle
import shutil

import numpy as np
import pytest
import spacy
from conftest import candidates, entities, make_nlp, spans_of
from spacy.tokens import Doc, DocBin
from thinc.api import Config

from spacy_tiered_ner.gliner.source import STARTER

MERKEL = "Angela Merkel visited Paris on 3 May 2012."


LOAD = """
import json, sys, spacy
doc = spacy.load(sys.argv[1])(sys.argv[2])
group = doc.spans["gliner"]
spans = [[span.start_char, span.end_char, span.label_] for span in group]
print(json.dumps([spans, [ent.text for ent in doc.ents], group.attrs["scores"].tolist()]))
"""


def test_saved_pipeline_needs_neither_network_nor_original(tmp_path, run_python):
    shutil.copytree(STARTER, tmp_path / "original")
    nlp = make_nlp(model=str(tmp_path / "original"))
    doc = nlp(MERKEL)
    nlp.to_disk(tmp_path / "saved")
    shutil.rmtree(tmp_path / "original")
    shutil.move(tmp_path / "saved", tmp_path / "moved")
    spans, texts, scores = json.loads(run_python("-c", LOAD, str(tmp_path / "moved"), MERKEL))
    assert [tuple(span) for span in spans] == candidates(doc)
    assert texts == [ent.text for ent in doc.ents]
    assert scores == pytest.approx(doc.spans["gliner"].attrs["scores"].tolist(), abs=1e-5)


def test_saving_over_another_model_leaves_none_of_it(tmp_path, starter):
    (tmp_path / "gliner_ner" / "model").mkdir(parents=True)
    (tmp_path / "gliner_ner" / "model" / "model_quantized.onnx").write_bytes(b"older")
    starter.to_disk(tmp_path)
    files = {file.name for file in (tmp_path / "gliner_ner" / "model").iterdir()}
    assert files == {"gliner_config.json", "tokenizer.json", "model_int8.onnx"}


def test_saving_where_it_was_loaded_from(tmp_path, starter):
    starter.to_disk(tmp_path)
    nlp = spacy.load(tmp_path)
    nlp.to_disk(tmp_path)
    assert entities(spacy.load(tmp_path)(MERKEL)) == entities(nlp(MERKEL)) != []


def test_bytes(starter):
    other = spacy.blank("en").from_config(starter.config).from_bytes(starter.to_bytes())
    assert spans_of(other(MERKEL)) == spans_of(starter(MERKEL))


def test_component_survives_pickling(starter):
    starter(MERKEL)
    component = pickle.loads(pickle.dumps(starter.get_pipe("gliner_ner")))
    assert spans_of(component(starter.make_doc(MERKEL))) == spans_of(starter(MERKEL))


@pytest.mark.parametrize("way", ["docbin", "pickle", "bytes"])
def test_documents_keep_their_attributes(starter, way):
    doc = starter(MERKEL)
    if way == "docbin":
        data = DocBin(store_user_data=True, docs=[doc]).to_bytes()
        copy = next(DocBin().from_bytes(data).get_docs(starter.vocab))
    elif way == "pickle":
        copy = pickle.loads(pickle.dumps(doc))
    else:
        copy = Doc(starter.vocab).from_bytes(doc.to_bytes())
    assert spans_of(copy) == spans_of(doc)
    attrs, before = copy.spans["gliner"].attrs, doc.spans["gliner"].attrs
    assert attrs["scores"].dtype == attrs["runner_up_scores"].dtype == np.float32
    assert {key: list(value) for key, value in attrs.items()} == {key: list(value) for key, value in before.items()}
    assert copy._.tiered_ner == doc._.tiered_ner


def test_config_round_trip():
    labels = {"WHO": {"prompts": ["person", "human"], "threshold": 0.4}, "city": {"description": "a town"}}
    nlp = make_nlp(labels=labels, candidate_threshold=0.2)
    config = Config().from_str(nlp.config.to_str())
    other = spacy.util.load_model_from_config(config, auto_fill=False)
    assert other.config["components"]["gliner_ner"]["labels"] == labels
    assert spans_of(other(MERKEL)) == spans_of(nlp(MERKEL))


def test_labels_set_at_run_time_are_saved_unless_the_config_says_otherwise(tmp_path):
    nlp = make_nlp()
    nlp.get_pipe("gliner_ner").labels = {"人": {"prompts": ["person"]}}
    nlp.to_disk(tmp_path)
    assert entities(spacy.load(tmp_path)(MERKEL)) == [("Angela Merkel", "人")]
    override = {"components.gliner_ner.labels": ["city"]}
    assert entities(spacy.load(tmp_path, config=override)(MERKEL)) == [("Paris", "city")]


def test_settings_of_the_config_beat_saved_ones(tmp_path, starter):
    starter.to_disk(tmp_path)
    nlp = spacy.load(tmp_path, config={"components.gliner_ner.threshold": 1.0})
    assert entities(nlp(MERKEL)) == []


def test_labels_through_initialize():
    nlp = make_nlp()
    nlp.config["initialize"]["components"]["gliner_ner"] = {"labels": ["city"]}
    nlp.initialize()
    assert entities(nlp(MERKEL)) == [("Paris", "city")]
