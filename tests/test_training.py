"""`gliner_ner` learns: initialize, update, what is trained and what is not, saving and going on."""

import json
import math
import random

import pytest
import spacy
from annotated import TEXTS
from spacy.language import Language
from spacy.training import Example
from spacy.util import fix_random_seed
from thinc.api import SGD, Adam, ConfigValidationError, RAdam

pytest.importorskip("gliner")

import torch
from miniatures import build_miniature

from spacy_tiered_ner.gliner.training.dropout import ByteDropout

LABELS = ["CARGO", "CITY", "PORT", "VESSEL"]
FLAT = ["CARGO", "PORT", "VESSEL"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> str:
    return str(build_miniature("bert", tmp_path_factory.mktemp("bert") / "weights"))


def make_nlp(weights: str, training: dict | None = None, **config) -> Language:
    nlp = spacy.blank("en")
    settings = {"model": weights, "runtime": "torch", "training": training or {}, **config}
    nlp.add_pipe("gliner_ner", config=settings)
    return nlp


def flat_examples(nlp: Language) -> list[Example]:
    """Outer entities of the texts in `doc.ents`."""
    examples = []
    for text, phrases in TEXTS:
        doc = nlp.make_doc(text)
        spans = [doc.char_span(text.index(p), text.index(p) + len(p), label=label) for p, label in phrases]
        doc.set_ents(spacy.util.filter_spans(spans), default="outside")
        examples.append(Example(nlp.make_doc(text), doc))
    return examples


def learn(nlp: Language, examples: list[Example], steps: int, optimizer) -> list[float]:
    history = []
    for _ in range(steps):
        losses = nlp.update(examples, sgd=optimizer, drop=0.0)
        history.append(losses["gliner_ner"])
    return history


def state_of(nlp: Language) -> dict[str, torch.Tensor]:
    network = nlp.get_pipe("gliner_ner").trainer.model.shims[0]._model
    return {name: value.detach().clone() for name, value in network.named_parameters()}


def changed(before: dict, after: dict) -> set[str]:
    return {name for name in before if not torch.equal(before[name], after[name])}


def spans_of(nlp: Language) -> list[tuple]:
    docs = nlp.pipe([text for text, _ in TEXTS])
    return [
        (number, span.start, span.end, span.label_, round(float(score), 3))
        for number, doc in enumerate(docs)
        for span, score in zip(doc.spans["gliner"], doc.spans["gliner"].attrs["scores"], strict=True)
    ]


def fast() -> Adam:
    return Adam(0.005, L2=0.0, grad_clip=1.0, use_averages=False)


def test_learns_its_texts_and_keeps_them_when_saved(weights, tmp_path):
    fix_random_seed(0)
    nlp = make_nlp(weights)
    examples = flat_examples(nlp)
    optimizer = nlp.initialize(lambda: examples, sgd=fast())
    assert nlp.get_pipe("gliner_ner").labels == tuple(FLAT)
    history = learn(nlp, examples, 200, optimizer)
    assert history[-1] < history[0] / 5
    assert nlp.evaluate(examples)["ents_f"] > 0.9
    nlp.to_disk(tmp_path / "trained")
    loaded = spacy.load(tmp_path / "trained")
    assert loaded.get_pipe("gliner_ner").labels == tuple(FLAT)
    assert spans_of(loaded) == spans_of(nlp) != []
    copy = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())
    assert spans_of(copy) == spans_of(nlp)
    more = learn(loaded, examples, 1, loaded.resume_training(sgd=fast()))
    assert more[0] < history[0] / 3


def test_trained_labels_are_those_given(weights):
    nlp = make_nlp(weights, labels={"CARGO": "freight", "CITY": "city"})
    pipe = nlp.get_pipe("gliner_ner")
    examples = flat_examples(nlp)
    others = sum(ent.label_ != "CARGO" for example in examples for ent in example.reference.ents)
    with pytest.warns(UserWarning, match="W00[45]") as caught:
        nlp.initialize(lambda: examples)
    texts = [str(warning.message) for warning in caught]
    assert any(f"[W004] {others} annotated" in text and "PORT, VESSEL" in text for text in texts)
    assert any("[W005]" in text and "CITY" in text for text in texts)
    assert pipe.labels == ("CARGO", "CITY")
    batch = next(pipe.trainer.row_maker.batches(pipe.trainer.rows(examples, ["CARGO"]), pipe._label_set, 8))
    assert batch.mask.shape[-1] == 1
    pipe.initialize(lambda: examples, labels=["VESSEL"])
    assert pipe.labels == ("VESSEL",)
    assert pipe.label_data == ["VESSEL"]


def test_add_label(weights):
    pipe = make_nlp(weights, labels={"CARGO": "freight"}).get_pipe("gliner_ner")
    assert (pipe.add_label("CITY"), pipe.add_label("CITY")) == (1, 0)
    assert pipe.label_data == {"CARGO": "freight", "CITY": "CITY"}


def test_nothing_changes_before_finish_update(weights):
    nlp = make_nlp(weights)
    examples = flat_examples(nlp)
    nlp.initialize(lambda: examples)
    before = state_of(nlp)
    nlp.update(examples[:4], sgd=False)
    nlp.update(examples[4:], sgd=False)
    assert not changed(before, state_of(nlp))
    nlp.get_pipe("gliner_ner").finish_update(fast())
    assert changed(before, state_of(nlp))


@pytest.mark.parametrize(
    ("training", "encoder_learns"),
    [({}, True), ({"freeze_encoder": True}, False), ({"encoder_learn_rate": 0.0}, False)],
)
def test_what_learns(weights, training, encoder_learns):
    nlp = make_nlp(weights, training)
    examples = flat_examples(nlp)
    optimizer = nlp.initialize(lambda: examples, sgd=fast())
    before = state_of(nlp)
    learn(nlp, examples, 2, optimizer)
    names = changed(before, state_of(nlp))
    assert any(not name.startswith("encoder.") for name in names)
    assert any(name.startswith("encoder.") for name in names) is encoder_learns


@pytest.mark.parametrize("optimizer", [fast(), RAdam(0.01, L2=0.0), SGD(0.05, L2=0.0, grad_clip=1.0)])
def test_any_optimizer_of_spacy(weights, optimizer):
    nlp = make_nlp(weights)
    examples = flat_examples(nlp)
    nlp.initialize(lambda: examples, sgd=optimizer)
    history = learn(nlp, examples, 15, optimizer)
    assert history[-1] < 0.8 * history[0]


def test_encoder_takes_its_share_of_a_scheduled_rate(weights):
    nlp = make_nlp(weights, {"encoder_learn_rate": 0.1})
    examples = flat_examples(nlp)
    optimizer = Adam(iter([0.5, 0.25, 0.125]), use_averages=False)
    nlp.initialize(lambda: examples, sgd=optimizer)
    for rate in (0.5, 0.25):
        nlp.update(examples, sgd=False)
        nlp.get_pipe("gliner_ner").finish_update(optimizer)
        groups = nlp.get_pipe("gliner_ner").model.shims[0].torch_optimizer.param_groups
        assert [group["lr"] for group in groups] == pytest.approx([0.1 * rate, rate])
        optimizer.step_schedules()


def test_averages_are_used_and_put_back(weights):
    nlp = make_nlp(weights)
    examples = flat_examples(nlp)
    optimizer = nlp.initialize(lambda: examples, sgd=Adam(0.01, use_averages=True))
    learn(nlp, examples, 5, optimizer)
    before = state_of(nlp)
    with nlp.use_params(optimizer.averages):
        averaged = state_of(nlp)
    assert changed(before, averaged)
    assert max((averaged[name] - before[name]).abs().max() for name in before) < 0.1
    assert not changed(before, state_of(nlp))


def test_dropout_is_that_of_the_update(weights):
    nlp = make_nlp(weights)
    examples = flat_examples(nlp)
    nlp.initialize(lambda: examples)
    network = nlp.get_pipe("gliner_ner").model.shims[0]._model
    nlp.update(examples, drop=0.37)
    assert {module.p for module in network.modules() if isinstance(module, torch.nn.Dropout)} == {0.37}


def test_dropout_drops_its_share_and_keeps_the_mean():
    layer = ByteDropout(0.25)
    values = torch.ones(1000, 333, requires_grad=True)
    torch.manual_seed(0)
    dropped = layer(values)
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.005)
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.01)
    dropped.sum().backward()
    assert torch.equal(values.grad, dropped.detach())
    assert layer.eval()(values) is values


def test_lora_learns_beside_the_encoder_and_is_merged_when_saved(weights, tmp_path):
    nlp = make_nlp(weights, {"lora_rank": 4})
    examples = flat_examples(nlp)
    optimizer = nlp.initialize(lambda: examples, sgd=fast())
    before = state_of(nlp)
    learn(nlp, examples, 20, optimizer)
    names = {name for name in changed(before, state_of(nlp)) if name.startswith("encoder.")}
    assert names
    assert all(".lora_" in name for name in names)
    nlp.to_disk(tmp_path)
    kept = json.loads((tmp_path / "gliner_ner" / "model" / "gliner_config.json").read_text(encoding="utf8"))
    assert "lora" not in json.dumps(kept)
    loaded = spacy.load(tmp_path, config={"components": {"gliner_ner": {"training": {"lora_rank": 0}}}})
    assert [span[:4] for span in spans_of(loaded)] == [span[:4] for span in spans_of(nlp)] != []
    assert not any("lora" in name for name in state_of(loaded))


def test_focal_loss_and_weights_change_the_loss(weights):
    def first_loss(**training) -> float:
        nlp = make_nlp(weights, training)
        examples = flat_examples(nlp)
        nlp.initialize(lambda: examples)
        random.seed(0)
        return nlp.update(examples, sgd=False)["gliner_ner"]

    plain = first_loss()
    assert first_loss(focal_gamma=2.0) < plain
    assert first_loss(positive_weight=9.0) > plain
    assert first_loss(class_weights={"PORT": 3.0}) > plain
    assert first_loss(class_weights=dict.fromkeys(FLAT, 0.5)) == pytest.approx(plain / 2, rel=1e-3)


def test_other_components_train_while_it_is_frozen_and_annotates(weights):
    nlp = make_nlp(weights, labels=FLAT)
    nlp.add_pipe("textcat").add_label("A")
    nlp.get_pipe("textcat").add_label("B")
    examples = flat_examples(nlp)
    for example in examples:
        example.reference.cats = {"A": 1.0, "B": 0.0}
    with nlp.select_pipes(disable=["gliner_ner"]):
        optimizer = nlp.initialize(lambda: examples, sgd=Adam(0.001, use_averages=True))
    before = state_of(nlp)
    losses = nlp.update(examples, sgd=optimizer, exclude=["gliner_ner"], annotates=["gliner_ner"])
    assert losses["textcat"] > 0
    assert "gliner_ner" not in losses
    assert not changed(before, state_of(nlp))
    nlp.get_pipe("gliner_ner").model = None  # as before the first prediction
    with nlp.use_params(optimizer.averages):
        assert nlp(TEXTS[0][0]).cats


def test_loss_that_is_not_finite_stops_and_spares_saved_weights(weights, tmp_path):
    nlp = make_nlp(weights)
    examples = flat_examples(nlp)
    optimizer = nlp.initialize(lambda: examples, sgd=fast())
    learn(nlp, examples, 2, optimizer)
    nlp.to_disk(tmp_path / "good")
    kept = spans_of(spacy.load(tmp_path / "good"))
    shim = nlp.get_pipe("gliner_ner").model.shims[0]
    with torch.no_grad():
        shim._model.hidden_layer.weight[0, 0] = math.nan
    with pytest.raises(ValueError, match=r"T053.*loss of batch 3 is nan"):
        nlp.update(examples, sgd=optimizer)
    with pytest.warns(UserWarning, match="W008"):
        nlp.to_disk(tmp_path / "good")
    assert spans_of(spacy.load(tmp_path / "good")) == kept
    with pytest.raises(ValueError, match="T056"):
        nlp.to_disk(tmp_path / "new")


def test_gradient_that_is_not_finite_leaves_the_weights(weights):
    nlp = make_nlp(weights)
    examples = flat_examples(nlp)
    optimizer = nlp.initialize(lambda: examples, sgd=fast())
    before = state_of(nlp)
    nlp.update(examples, sgd=False)
    pipe = nlp.get_pipe("gliner_ner")
    pipe.model.shims[0]._model.hidden_layer.weight.grad[0, 0] = math.inf
    with pytest.raises(ValueError, match=r"T053.*gradient of batch 1"):
        pipe.finish_update(optimizer)
    assert not changed(before, state_of(nlp))


def test_runtime_that_cannot_learn():
    nlp = spacy.blank("en")
    nlp.add_pipe("gliner_ner", config={"labels": FLAT})
    with pytest.raises(ValueError, match=r"T055.*frozen_components"):
        nlp.update(flat_examples(nlp))


def test_token_level_models_do_not_train(tmp_path):
    nlp = make_nlp(str(build_miniature("bert-token", tmp_path / "token")))
    examples = flat_examples(nlp)
    with pytest.raises(ValueError, match="T051"):
        nlp.initialize(lambda: examples)


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"rehearsal": 1.0}, "T050.*rehearsal"),
        ({"label_dropout": 1.5}, "T010.*label_dropout"),
        ({"lora_rank": -1}, "T050.*lora_rank"),
        ({"lora_rank": 2, "freeze_encoder": True}, "T050.*freeze_encoder"),
        ({"class_weights": "even"}, "T050.*balanced"),
        ({"rehearsal": 0.5, "rehearsal_corpus": "missing.spacy"}, "T054.*missing.spacy"),
    ],
)
def test_bad_settings(weights, training, message):
    with pytest.raises(ValueError, match=message):
        make_nlp(weights, training, labels=FLAT).initialize()


def test_unknown_setting_fails(weights):
    with pytest.raises(ConfigValidationError, match="negativs"):
        make_nlp(weights, {"negativs": 3})
