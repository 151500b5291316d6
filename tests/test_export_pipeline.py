"""Export of whole pipelines: what is carried over, what the gate measures, and that the result needs no torch."""

import json
import subprocess
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path

import pytest
import spacy
import srsly
from packaging.requirements import Requirement
from spacy.tokens import Doc, DocBin

pytest.importorskip("gliner")

from miniatures import SENTENCES, build_miniature
from test_export import collapse

import spacy_tiered_ner
from spacy_tiered_ner.gliner import export
from spacy_tiered_ner.gliner.pipeline_export import export_pipeline

CONFIGURED = {"WHO": {"prompts": ["person", "human"], "threshold": 0.55}, "city": "city"}
LEARNED = {**CONFIGURED, "ship": "vessel"}
THRESHOLDS = {"WHO": 0.55, "city": 0.5, "ship": 0.5}
RULE = {"label": "RULE", "pattern": "Charles Babbage", "id": "cb"}
READ = """
import json, sys
import spacy
for name in ("torch", "gliner", "transformers"):
    try:
        __import__(name)
    except ImportError:
        continue
    sys.exit(f"{name} is here")
nlp = spacy.load(sys.argv[1])
result = []
for doc in nlp.pipe(json.loads(sys.argv[2])):
    group = doc.spans["found"]
    ents = [[ent.start_char, ent.end_char, ent.label_, ent.ent_id_] for ent in doc.ents]
    spans = [[span.start_char, span.end_char, span.label_] for span in group]
    result.append({"ents": ents, "spans": spans, "scores": group.attrs["scores"].tolist()})
print(json.dumps(result))
"""


def above_threshold(doc: Doc) -> list:
    group = doc.spans["found"]
    return [span for span, score in zip(group, group.attrs["scores"], strict=True) if score > THRESHOLDS[span.label_]]


def save_gold(docs: list[Doc], path: Path, nested: bool = True) -> Path:
    """What the model found itself, so that every loss shows."""
    gold = []
    for doc in docs:
        reference = spacy.blank("en").make_doc(doc.text)
        if nested:
            spans = [(span.start_char, span.end_char, span.label_) for span in above_threshold(doc)]
            reference.spans["found"] = [reference.char_span(*span) for span in spans]
        reference.set_ents([reference.char_span(e.start_char, e.end_char, e.label_) for e in doc.ents])
        gold.append(reference)
    DocBin(docs=gold).to_disk(path)
    return path


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A pipeline of three components in root/model-best, whose own dev corpus is root/dev.spacy."""
    root = tmp_path_factory.mktemp("pipeline")
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("entity_ruler").add_patterns([RULE])
    weights = build_miniature("bert", root / "weights")
    settings = {"model": str(weights), "runtime": "torch", "labels": CONFIGURED, "spans_key": "found", "threads": 1}
    nlp.add_pipe("gliner_ner", name="finder", config=settings)
    nlp.get_pipe("finder").labels = LEARNED
    nlp.vocab["Nürnberg"]
    nlp.meta["requirements"] = ["spacy-lookups-data>=1.0", "spacy-tiered-ner==0.0.1"]
    docs = list(nlp.pipe(SENTENCES))
    assert len({span.label for doc in docs for span in above_threshold(doc)}) == len(LEARNED)
    assert any(len(above_threshold(doc)) > len(doc.ents) for doc in docs)
    save_gold(docs, root / "dev.spacy")
    save_gold(docs, root / "flat.spacy", nested=False)
    nlp.config["paths"]["dev"] = str(root / "dev.spacy")
    nlp.to_disk(root / "model-best")
    return root


@pytest.fixture(scope="module")
def fp32(root):
    export_pipeline(root / "model-best", root / "fp32", precision="fp32")
    return root / "fp32"


@pytest.fixture
def read_without_torch(tmp_path):
    """Open a pipeline where torch, gliner and transformers (with all that builds on them) are not installed."""
    site = tmp_path / "site"
    site.mkdir()
    for folder in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for file in Path(folder).iterdir():
            if not any(word in file.name.lower() for word in ("torch", "gliner", "transformers")):
                (site / file.name).symlink_to(file)
    package = Path(spacy_tiered_ner.__file__).parent
    if not (site / package.name).exists():
        (site / package.name).symlink_to(package)

    def read(path: Path) -> list[dict]:
        command = [sys.executable, "-S", "-c", READ, str(path), json.dumps(SENTENCES)]
        done = subprocess.run(
            command, env={"PYTHONPATH": str(site)}, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return read


def test_same_result_without_torch(root, fp32, read_without_torch):
    found = read_without_torch(fp32)
    for doc, row in zip(spacy.load(root / "model-best").pipe(SENTENCES), found, strict=True):
        group = doc.spans["found"]
        assert row["ents"] == [[e.start_char, e.end_char, e.label_, e.ent_id_] for e in doc.ents]
        assert row["spans"] == [[s.start_char, s.end_char, s.label_] for s in group]
        assert row["scores"] == pytest.approx(group.attrs["scores"].tolist(), abs=1e-4)
    assert any(ent[2:] == ["RULE", "cb"] for row in found for ent in row["ents"])


def test_cli_int8_is_measured_on_the_dev_corpus_of_the_config(root, tmp_path, read_without_torch):
    command = [sys.executable, "-m", "spacy", "tiered", "export", str(root / "model-best"), str(tmp_path / "out")]
    command += ["--precision", "int8", "--max-loss", "60"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "finder" in done.stdout
    report = json.loads((tmp_path / "out" / "export.json").read_text(encoding="utf8"))["finder"]
    assert report["reference"] == str(root / "dev.spacy")
    assert report["measured"] == "doc.spans['found']"
    assert (report["texts"], report["logits_compared"], report["too_long"]) == (len(SENTENCES), len(SENTENCES), 0)
    assert report["f1_fp32"] == 100.0
    assert 40.0 < report["f1_int8"] <= 100.0
    files = {file.name for file in (tmp_path / "out" / "finder" / "model").iterdir()}
    assert files == {"gliner_config.json", "tokenizer.json", "model_int8.onnx"}
    assert any(row["spans"] for row in read_without_torch(tmp_path / "out"))


def test_everything_else_is_carried_over(root, fp32):
    source = root / "model-best"
    changed = {Path("config.cfg"), Path("meta.json"), Path("export.json")}
    kept = [path.relative_to(fp32) for path in fp32.rglob("*") if path.is_file()]
    kept = [path for path in kept if path not in changed and path.parts[0] != "finder"]
    assert {path.parts[0] for path in kept} >= {"vocab", "tokenizer", "sentencizer.json", "entity_ruler"}
    for path in kept:
        assert (fp32 / path).read_bytes() == (source / path).read_bytes()
    before, after = (srsly.read_json(path / "meta.json") for path in (source, fp32))
    other, own = map(Requirement, after.pop("requirements"))
    assert other.name == "spacy-lookups-data"
    assert (own.name, own.specifier.contains(version(own.name))) == ("spacy-tiered-ner", True)
    assert not own.specifier.contains("0.0.1")
    before.pop("requirements")
    assert after == before


def test_only_runtime_and_precision_change_in_the_config(root, fp32):
    before, after = (spacy.util.load_config(path / "config.cfg") for path in (root / "model-best", fp32))
    assert after["components"]["finder"]["training"]
    before["components"]["finder"].update(runtime="onnx", precision="fp32")
    assert after == before


def test_labels_that_were_learned_stay(fp32):
    assert spacy.load(fp32).get_pipe("finder").label_data == LEARNED


def test_given_data_beats_the_dev_corpus_and_flat_gold_is_compared_with_entities(root, tmp_path):
    path = root / "flat.spacy"
    report = export_pipeline(root / "model-best", tmp_path / "out", data=path, max_loss=60)["finder"]
    assert (report.reference, report.measured, report.f1_fp32) == (str(path), "doc.ents", 100.0)


def test_annotators_who_looked_for_less_cost_no_precision(root, tmp_path):
    nlp = spacy.load(root / "model-best")
    rows = []
    for doc in nlp.pipe(SENTENCES):
        spans = [span for span in above_threshold(doc) if span.label_ == "city"]
        spans = [{"start": span.start_char, "end": span.end_char, "label": "city"} for span in spans]
        rows.append({"text": doc.text, "spans": spans, "labels": ["city"]})
    assert any(row["spans"] for row in rows)
    srsly.write_jsonl(tmp_path / "city.jsonl", rows)
    data = tmp_path / "city.jsonl"
    report = export_pipeline(root / "model-best", tmp_path / "out", data=data, max_loss=100)["finder"]
    assert report.f1_fp32 == 100.0


def test_without_annotations_int8_is_compared_with_fp32(root, tmp_path, monkeypatch):
    nlp = spacy.load(root / "model-best")
    nlp.config["paths"]["dev"] = str(tmp_path / "gone.spacy")
    nlp.to_disk(tmp_path / "pipeline")
    monkeypatch.setattr(export, "quantize", lambda source, target, excluded: target.write_bytes(source.read_bytes()))
    report = export_pipeline(tmp_path / "pipeline", tmp_path / "out")["finder"]
    assert (report.reference, report.f1_int8) == ("built-in texts", 100.0)
    monkeypatch.setattr(export, "quantize", collapse)
    with pytest.raises(ValueError, match=r"T041.*agreement of INT8 with FP32 is 0.0 %.*--data"):
        export_pipeline(tmp_path / "pipeline", tmp_path / "refused")


def test_a_loss_is_refused_and_leaves_nothing(root, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "quantize", collapse)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "kept").touch()
    with pytest.raises(ValueError, match=r"T041.*loss of F1 by INT8 is 100.00 points.*raise --max-loss"):
        export_pipeline(root / "model-best", tmp_path / "out", force=True)
    with pytest.raises(ValueError, match="T041"):
        export_pipeline(root / "model-best", tmp_path / "new" / "out")
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*")] == [Path("out"), Path("out/kept")]


def test_annotations_with_other_labels_are_no_measure(root, tmp_path):
    srsly.write_jsonl(tmp_path / "other.jsonl", [{"text": "Rain.", "spans": [{"start": 0, "end": 4, "label": "x"}]}])
    with pytest.raises(ValueError, match=r"T047.*'finder' finds nothing.*other.jsonl.*labels of 'finder'"):
        export_pipeline(root / "model-best", tmp_path / "out", data=tmp_path / "other.jsonl")


def test_directory_in_use_and_nothing_to_export_are_named(root, fp32, tmp_path):
    with pytest.raises(ValueError, match=r"T042.*--force"):
        export_pipeline(root / "model-best", fp32)
    with pytest.raises(ValueError, match=r"T045.*finder already runs with `runtime` = \"onnx\""):
        export_pipeline(fp32, tmp_path / "out")
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "other")
    with pytest.raises(ValueError, match=r"T044.*no `gliner_ner`.*sentencizer"):
        export_pipeline(tmp_path / "other", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("out", ["model-best", "model-best/onnx", "."])
def test_output_and_pipeline_must_lie_apart(root, out):
    with pytest.raises(ValueError, match=r"T046.*beside"):
        export_pipeline(root / "model-best", root / out, force=True)
    assert (root / "model-best" / "finder" / "model" / "model.safetensors").is_file()
    assert not (root / "model-best" / "onnx").exists()


def test_every_component_in_torch_is_exported_even_a_disabled_one(root, tmp_path):
    nlp = spacy.load(root / "model-best")
    settings = {"model": str(root / "weights"), "runtime": "torch", "labels": ["date"], "spans_key": "second"}
    nlp.add_pipe("gliner_ner", config=settings)
    nlp.disable_pipe("finder")
    nlp.to_disk(tmp_path / "pipeline")
    reports = export_pipeline(tmp_path / "pipeline", tmp_path / "out", max_loss=100, data=root / "dev.spacy")
    assert list(reports) == ["finder", "gliner_ner"]
    nlp = spacy.load(tmp_path / "out")
    assert nlp.disabled == ["finder"]
    assert [pipe.runtime for _, pipe in nlp.components if hasattr(pipe, "runtime")] == ["onnx", "onnx"]
