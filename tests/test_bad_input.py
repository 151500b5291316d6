"""Each kind of bad input gives a coded error or a defined behaviour."""

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import onnx
import pytest
import spacy
from conftest import candidates, entities, make_nlp

from spacy_tiered_ner.gliner.source import STARTER, resolve

SENTENCE = "Angela Merkel visited Paris on 3 May 2012."
FOUND = [("Angela Merkel", "person"), ("Paris", "city"), ("3 May 2012", "date")]


def code(name: str) -> str:
    return rf"\[{name}\]"


# Text


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\t \r\n \u00a0\u3000"])
def test_text_without_words(starter, text):
    docs = [starter(text), *starter.pipe([text, SENTENCE, text])]
    for doc in (docs[0], docs[1], docs[3]):
        assert entities(doc) == []
        assert candidates(doc) == []
        assert doc.spans["gliner"].attrs["scores"].shape == (0,)
        assert doc._.tiered_ner["gliner_ner"]["coverage"] == 1.0
    assert entities(docs[2]) == FOUND


ODD_TEXTS = [
    "Paris\x00 and \x00London\x07\x1b[0m\x7f",
    "\u202eolleh\u202c שלום עולם مرحبا بالعالم",
    "He met <<ENT>> and <<SEP>> in [SEP] [CLS] [PAD] [MASK] Paris",
    "<<ENT>>",
    "👨\u200d👩\u200d👧\u200d👦 met 🏳️\u200d🌈 in Paris 🇫🇷",
    "Cafe\u0301 Zoe\u0308 in Z\u0336a\u0336l\u0336go\u0301\u0302\u0303\u0304 to\u030awn",
    "Angela   Merkel\n\n\tvisited \u00a0 Paris  ",
    "\ufeffParis\u200b\u2028London\u00ad",
    "\U0010ffff\uffff\ue000 Paris",
    "東京都 に 住む田中さん。 서울특별시 Paris北京",
    "e" + "\u0301" * 200 + " Paris",
]


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_every_span_lies_on_whole_tokens_of_the_unchanged_text(everything, text):
    doc = everything(text)
    words = [token for token in doc if not token.is_space]
    found = candidates(doc)
    assert doc.text == text
    assert len(set(found)) == len(found)
    width = everything.get_pipe("gliner_ner").files.config["max_width"]
    pieces = doc._.tiered_ner["gliner_ner"]["words"]
    if pieces == len(words):
        runs = [(i, j) for i in range(pieces) for j in range(i, min(pieces, i + width))]
        expected = {(words[i].idx, words[j].idx + len(words[j])) for i, j in runs}
        assert {(start, end) for start, end, _ in found} == expected
        assert len(found) == 2 * len(expected)
    borders = [(token.idx, token.idx + len(token)) for token in words]
    starts, ends = zip(*borders, strict=True)
    assert {start for start, _, _ in found} == set(starts)
    assert {end for _, end, _ in found} == set(ends)
    for span in doc.spans["gliner"]:
        assert text[span.start_char : span.end_char] == span.text
    assert doc._.tiered_ner["gliner_ner"]["coverage"] == 1.0


@pytest.mark.parametrize("odd", ["<<ENT>>", "<<SEP>>", "[SEP]", "<<ENT>> city <<SEP>>", "\x00", "\u200d"])
def test_markers_in_text_shift_nothing(starter, odd):
    found = entities(starter(f"{SENTENCE} It said {odd} twice. {SENTENCE}"))
    assert [entity for entity in found if entity in FOUND] == FOUND * 2


@pytest.mark.parametrize("odd", ["<<ENT>>", "x <<SEP>> y", "[SEP]", "\x00\x01", "👨\u200d👩\u200d👧", "שם", "e\u0301"])
def test_odd_labels(starter, odd):
    doc = starter.make_doc(SENTENCE)
    doc._.gliner_labels = ["person", odd, "city", "date"]
    found = entities(starter(doc))
    assert {("Angela Merkel", "person"), ("3 May 2012", "date")} <= set(found)
    assert starter.vocab.strings[odd]


def test_lone_surrogates_in_text_are_refused_by_spacy(starter):
    with pytest.raises(UnicodeEncodeError):
        starter("Paris \ud800")


def test_one_very_long_token(starter):
    doc = starter(f"{SENTENCE} {'pneumonia' * 2300} {SENTENCE}")
    stats = doc._.tiered_ner["gliner_ner"]
    assert [entity for entity in entities(doc) if entity in FOUND[1:]] == FOUND[1:] * 2
    assert stats["coverage"] == 1.0
    assert stats["words_shortened"] == 0
    assert stats["words"] > 500


@pytest.mark.parametrize("lang", ["zh", "xx"])
def test_text_without_spaces(lang):
    text = "安格拉·默克尔于2012年访问巴黎。"
    doc = make_nlp(lang, labels=["person"], candidate_threshold=0.0)(text)
    spans = {(start, end) for start, end, _ in candidates(doc)}
    assert {(token.idx, token.idx + len(token)) for token in doc} <= spans
    assert len(spans) == len(doc.spans["gliner"])
    assert all(text[span.start_char : span.end_char] == span.text for span in doc.spans["gliner"])


@pytest.mark.parametrize(("mode", "misaligned"), [("expand", 0), ("contract", 9), ("strict", 12)])
def test_spans_inside_a_token(mode, misaligned):
    nlp = make_nlp("xx", labels=["city"], candidate_threshold=0.0, alignment_mode=mode)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        docs = [nlp("北京 上海市") for _ in range(2)]
    for doc in docs:
        assert [(start, end) for start, end, _ in candidates(doc)] == [(0, 6), (0, 2), (3, 6)]
        assert doc._.tiered_ner["gliner_ner"]["misaligned"] == misaligned
    assert sum("[W001]" in str(warning.message) for warning in caught) == (misaligned > 0)


def test_text_above_max_length():
    nlp = make_nlp()
    text = (SENTENCE + " ") * 1400
    nlp.max_length = 10_000
    with pytest.raises(ValueError, match=code("E088")):
        nlp(text)
    nlp.max_length = len(text)
    doc = nlp(text)
    stats = doc._.tiered_ner["gliner_ner"]
    assert len(text) > 60_000
    assert stats["coverage"] == 1.0
    assert stats["words"] == len(doc)
    found = [entity for entity in entities(doc) if entity == FOUND[1]]
    assert len(found) > 1000
    assert doc.ents[-1].end > len(doc) - 5


# Labels


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([], "T001"),
        (["person", "person"], "T002"),
        ([1, 2], "T003"),
        (["  "], "T003"),
        ({"ORG": {"prompt": ["company"]}}, "T003"),
        (["a\udc80"], "T005"),
        ({"ORG": {"threshold": 7}}, "T010"),
    ],
)
def test_bad_labels_at_run_time(starter, pipe, labels, expected):
    before = pipe.labels
    with pytest.raises(ValueError, match=code(expected)):
        pipe.labels = labels
    assert pipe.labels == before
    doc = starter.make_doc(SENTENCE)
    doc._.gliner_labels = labels
    with pytest.raises(ValueError, match=code(expected)):
        starter(doc)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], code("T001")),
        (["person", "person"], code("T002")),
        ([1, 2], code("T003")),
        ({"ORG": {"threshold": 7}}, code("T010")),
        (["a\udc80"], "surrogates not allowed"),  # spaCy's check of the config comes first
    ],
)
def test_bad_labels_in_the_config(labels, message):
    with pytest.raises(ValueError, match=message):
        make_nlp(labels=labels)


def test_label_longer_than_the_window(starter):
    doc = starter.make_doc(SENTENCE)
    doc._.gliner_labels = ["person", "a very " * 150 + "long label"]
    with pytest.raises(ValueError, match=code("T004")):
        starter(doc)


def test_500_labels(starter):
    doc = starter.make_doc(SENTENCE)
    doc._.gliner_labels = ["person", *(f"kind of mineral {number}" for number in range(498)), "date"]
    doc = starter(doc)
    assert {("Angela Merkel", "person"), ("3 May 2012", "date")} <= set(entities(doc))


# Settings


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("threshold", 1.01, "T010"),
        ("threshold", -0.5, "T010"),
        ("candidate_threshold", 2.0, "T010"),
        ("candidate_threshold", 0.6, "T011"),
        ("runtime", "tensorflow", "T012"),
        ("precision", "int4", "T012"),
        ("alignment_mode", "loose", "T012"),
        ("stride", 129, "T013"),
        ("stride", 0, "T013"),
        ("window", 0, "T013"),
        ("batch_size", 0, "T014"),
        ("threads", -1, "T014"),
    ],
)
def test_bad_settings(setting, value, expected):
    with pytest.raises(ValueError, match=code(expected)) as error:
        make_nlp(**{setting: value})
    assert f"`{setting}`" in str(error.value)


@pytest.mark.parametrize("config", [{"treshold": 0.5}, {"window": "wide"}, {"labels": "person"}, {"model": None}])
def test_config_that_spacy_refuses(config):
    with pytest.raises(ValueError, match=next(iter(config))):
        spacy.blank("en").add_pipe("gliner_ner", config=config)


# Model files


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STARTER, tmp_path / "model"))


def unknown_graph(path: Path) -> None:
    tensors = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("pixels", "logits")]
    node = onnx.helper.make_node("Identity", ["pixels"], ["logits"])
    graph = onnx.helper.make_graph([node], "other", tensors[:1], tensors[1:])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9), path)


def add_config(path: Path, **settings: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf8")), **settings}), encoding="utf8")


@pytest.mark.parametrize(
    ("name", "damage", "expected"),
    [
        ("gliner_config.json", Path.unlink, "T021"),
        ("tokenizer.json", Path.unlink, "T021"),
        ("model_int8.onnx", Path.unlink, "T026"),
        ("gliner_config.json", lambda path: path.write_text('{"max_width": 12,'), "T022"),
        ("gliner_config.json", lambda path: path.write_text("[]"), "T022"),
        ("gliner_config.json", lambda path: path.write_bytes(b"\xff\xfe\x00"), "T022"),
        ("tokenizer.json", lambda path: path.write_text('{"version": "1.0"}'), "T022"),
        ("tokenizer.json", lambda path: path.write_bytes(b"\x80"), "T022"),
        ("model_int8.onnx", lambda path: path.write_bytes(path.read_bytes()[:100_000]), "T022"),
        ("model_int8.onnx", lambda path: path.write_bytes(b""), "T022"),
        ("model_int8.onnx", unknown_graph, "T023"),
        ("gliner_config.json", lambda path: add_config(path, labels_encoder="bert-base-uncased"), "T028"),
    ],
)
def test_bad_model_directory(model_dir, name, damage, expected):
    damage(model_dir / name)
    nlp = make_nlp(model=str(model_dir))
    with pytest.raises(ValueError, match=code(expected)) as error:
        nlp(SENTENCE)
    assert str(model_dir) in str(error.value)
    with pytest.raises(ValueError, match=code(expected)):
        nlp.initialize()


def test_precision_that_is_not_there():
    with pytest.raises(ValueError, match=code("T026") + ".*fp32"):
        make_nlp(precision="fp32")(SENTENCE)


def test_pickled_weights_are_refused_unless_allowed(model_dir):
    (model_dir / "model.safetensors").unlink()
    with pytest.raises(ValueError, match=code("T027")):
        make_nlp(model=str(model_dir), runtime="torch")(SENTENCE)
    (model_dir / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(ValueError, match=code("T024")):
        make_nlp(model=str(model_dir), runtime="torch")(SENTENCE)
    assert resolve(str(model_dir), "torch", "auto", True).torch_weights(True).name == "pytorch_model.bin"


@pytest.mark.parametrize(
    "model", ["", "strater", "a/b/c", "two words", "./missing", "/nowhere/at/all", "a..b/c", "-a/b"]
)
def test_model_that_cannot_be_meant(model):
    with pytest.raises(ValueError, match=code("T020")):
        make_nlp(model=model)(SENTENCE)


FETCH = """
import os, spacy
nlp = spacy.blank("en")
nlp.add_pipe("gliner_ner", config={"model": "urchade/gliner_small-v2.1@main"})
try:
    nlp("Paris")
except ValueError as error:
    print(error)
"""


@pytest.mark.parametrize("offline", ["0", "1"])
def test_hub_id_without_network(run_python, offline):
    printed = run_python("-c", FETCH, HF_ENDPOINT="http://127.0.0.1:9", HF_HUB_OFFLINE=offline)
    assert printed.startswith("[T025]")
    assert "hf download urchade/gliner_small-v2.1 --local-dir" in printed
