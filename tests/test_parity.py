"""Our engine and our export against the gliner library, on seeded models of the architectures that users load."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy

pytest.importorskip("gliner")

from gliner import GLiNER
from miniatures import ARCHITECTURES, SENTENCES, build_miniature

from spacy_tiered_ner.gliner.batch import build_batch
from spacy_tiered_ner.gliner.decoding import decode
from spacy_tiered_ner.gliner.engine import Engine, load_engine
from spacy_tiered_ner.gliner.export import export_model
from spacy_tiered_ner.gliner.labels import parse_labels
from spacy_tiered_ner.gliner.prompt import PromptTokenizer
from spacy_tiered_ner.gliner.source import ModelFiles

LABELS = ["person", "city", "date", "a thing that jumps", "company"]


@pytest.fixture(scope="module", params=ARCHITECTURES)
def exports(request, tmp_path_factory) -> dict[str, Path]:
    """One model in three forms: the library's weights, the library's own ONNX graph, and ours."""
    root = tmp_path_factory.mktemp(request.param)
    weights = build_miniature(request.param, root / "weights")
    GLiNER.from_pretrained(str(weights)).export_to_onnx(root / "library")
    export_model(str(weights), root / "ours", precision="fp32")
    return {"weights": weights, "library": root / "library", "ours": root / "ours"}


def run(engine: Engine) -> tuple[np.ndarray, np.ndarray]:
    """Logits of one padded batch, with those of padding and of spans beyond a row's end blanked."""
    tokenizer = PromptTokenizer(engine.tokenizer(), engine.config, 512)
    words_of = spacy.blank("en").tokenizer
    windows = [tokenizer.words([token.text for token in words_of(text)], 99)[0] for text in SENTENCES]
    prompt = tokenizer.prompts(parse_labels(LABELS))[0]
    batch = build_batch(windows, [prompt] * len(windows), tokenizer.suffix, 0)
    logits = engine.run(batch)
    ends = np.arange(logits.shape[1])[:, None] + (np.arange(logits.shape[2]) if not engine.token_level else 0)
    valid = ends[None] < batch.counts[:, None, None]
    return np.where(valid[..., None], logits, -50.0), batch.counts


def spans(logits: np.ndarray, counts: np.ndarray, token_level: bool) -> set[tuple[int, ...]]:
    found = decode(logits, token_level, counts, np.arange(len(LABELS)), np.full(len(LABELS), 0.5))
    return set(zip(found.window.tolist(), found.first.tolist(), found.last.tolist(), found.label.tolist(), strict=True))


def test_logits_and_spans_equal_the_library(exports):
    reference: Any = load_engine(ModelFiles(exports["weights"]), "torch", "fp32")
    factored, _ = run(reference)
    reference.network = None  # from here on the library's own forward pass
    wanted, counts = run(reference)
    expected = spans(wanted, counts, reference.token_level)
    assert expected
    assert np.abs(factored - wanted).max() < 1e-4
    for form in ("library", "ours"):
        engine = load_engine(ModelFiles(exports[form]), "onnx", "fp32")
        logits, _ = run(engine)
        assert np.abs(logits - wanted).max() < 1e-4, form
        assert spans(logits, counts, engine.token_level) == expected, form


def test_pipeline_equals_predict_entities(exports):
    """Where the library's word splitter and spaCy's agree, the pipe finds all of its entities with their scores. Which
    of overlapping ones with equal scores stays in `doc.ents` differs: we take the longer span.
    """
    text = "Ada Lovelace wrote notes on the Analytical Engine of Charles Babbage in London"
    library = GLiNER.from_pretrained(str(exports["weights"]))
    wanted = library.predict_entities(text, LABELS, threshold=0.5)
    nlp = spacy.blank("en")
    nlp.add_pipe("gliner_ner", config={"model": str(exports["ours"]), "labels": LABELS})
    doc = nlp(text)
    group = doc.spans["gliner"]
    scores = {
        (s.start_char, s.end_char, s.label_): score for s, score in zip(group, group.attrs["scores"], strict=True)
    }
    assert wanted
    for entity in wanted:
        assert scores[entity["start"], entity["end"], entity["label"]] == pytest.approx(entity["score"], abs=1e-4)
    assert doc.ents


def test_export_writes_only_what_is_needed(exports):
    assert {file.name for file in exports["ours"].iterdir()} == {
        "export.json",
        "gliner_config.json",
        "model.onnx",
        "tokenizer.json",
    }
    report = json.loads((exports["ours"] / "export.json").read_text(encoding="utf8"))
    assert 0 <= report["logit_difference"] <= 1e-4
