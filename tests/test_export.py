"""The export command and its gate."""

import json
import subprocess
import sys

import pytest
import spacy

pytest.importorskip("gliner")

from miniatures import SENTENCES, build_miniature

from spacy_tiered_ner.gliner import export
from spacy_tiered_ner.gliner.export import export_model


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return build_miniature("bert", tmp_path_factory.mktemp("bert") / "weights")


@pytest.fixture
def annotated(tmp_path, weights):
    """Annotations that are the FP32 model's own entities, so that every loss shows."""
    export_model(str(weights), tmp_path / "fp32", precision="fp32")
    nlp = spacy.blank("xx")
    nlp.add_pipe("gliner_ner", config={"model": str(tmp_path / "fp32"), "labels": ["person", "city"]})
    rows = []
    for doc in nlp.pipe(SENTENCES):
        spans = [{"start": e.start_char, "end": e.end_char, "label": e.label_} for e in doc.ents]
        rows.append({"text": doc.text, "spans": spans, "labels": ["person", "city"]})
    assert any(row["spans"] for row in rows)
    path = tmp_path / "annotated.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf8")
    return path


def test_cli_int8_with_data_reports_f1_before_and_after(weights, annotated, tmp_path):
    command = [sys.executable, "-m", "spacy", "tiered", "export", str(weights), str(tmp_path / "out")]
    done = subprocess.run(
        [*command, "--data", str(annotated), "--max-loss", "60"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "out" / "export.json").read_text(encoding="utf8"))
    assert report["f1_fp32"] == 100.0
    assert report["f1_int8"] > 40.0
    assert {f.name for f in (tmp_path / "out").iterdir()} >= {"model_int8.onnx", "tokenizer.json", "gliner_config.json"}
    assert not (tmp_path / "out" / "model.onnx").exists()
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "T042" in again.stdout


def collapse(source, target, excluded):
    """As reported of some models: after INT8 every logit is far below zero."""
    import onnx

    model = onnx.load(str(source))
    low = onnx.helper.make_node("Sub", ["low_input", "low_by"], ["logits"])
    for node in model.graph.node:
        node.output[:] = ["low_input" if name == "logits" else name for name in node.output]
    model.graph.node.append(low)
    model.graph.initializer.append(onnx.helper.make_tensor("low_by", onnx.TensorProto.FLOAT, [1], [100.0]))
    onnx.save(model, str(target))


def test_gate_refuses_a_loss_and_leaves_nothing(weights, annotated, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "quantize", collapse)
    before = set(tmp_path.iterdir())
    with pytest.raises(ValueError, match=r"T041.*loss of F1 by INT8 is 100.00 points"):
        export_model(str(weights), tmp_path / "out", data=annotated)
    with pytest.raises(ValueError, match=r"T041.*agreement"):
        export_model(str(weights), tmp_path / "out")
    assert set(tmp_path.iterdir()) == before


def test_graph_that_differs_from_the_library_is_refused(weights, tmp_path, monkeypatch):
    from spacy_tiered_ner.gliner.factored import FactoredSpanModel

    forward = FactoredSpanModel.forward
    monkeypatch.setattr(FactoredSpanModel, "forward", lambda self, *inputs: forward(self, *inputs) + 0.01)
    with pytest.raises(ValueError, match=r"T041.*largest difference of a logit"):
        export_model(str(weights), tmp_path / "out", precision="fp32")
    assert not (tmp_path / "out").exists()


def test_texts_beyond_the_window_are_counted(weights, tmp_path):
    path = tmp_path / "mixed.jsonl"
    rows = [{"text": text, "spans": [], "labels": ["city"]} for text in ("Rain. " * 600, "Rain.", "")]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf8")
    report = export_model(str(weights), tmp_path / "out", precision="fp32", data=path)
    assert (report.texts, report.logits_compared, report.too_long) == (3, 1, 1)


def test_nothing_found_is_no_proof(weights, tmp_path):
    path = tmp_path / "empty.jsonl"
    path.write_text(json.dumps({"text": "Rain fell.", "spans": [], "labels": ["city"]}), encoding="utf8")
    with pytest.raises(ValueError, match=r"T047.*finds nothing that counts in .*empty.jsonl.*--data"):
        export_model(str(weights), tmp_path / "out", data=path)
    assert not (tmp_path / "out").exists()


def test_output_that_holds_the_model_is_refused(weights):
    with pytest.raises(ValueError, match=r"T046.*beside"):
        export_model(str(weights), weights.parent, force=True)
    assert weights.is_dir()


def test_nothing_to_compare_is_refused(weights, tmp_path):
    path = tmp_path / "long.jsonl"
    path.write_text(json.dumps({"text": "Rain. " * 600, "spans": [], "labels": ["city"]}), encoding="utf8")
    with pytest.raises(ValueError, match=r"T041.*fit the window.*is 0"):
        export_model(str(weights), tmp_path / "out", precision="fp32", data=path)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("line", "reason"),
    [("not json", "JSONDecodeError"), ('{"text": "a"}', "KeyError"), ('{"text": "a", "spans": [{"start": 0}]}', "end")],
)
def test_bad_data_line_is_named(weights, tmp_path, line, reason):
    path = tmp_path / "bad.jsonl"
    path.write_text('{"text": "fine", "spans": []}\n' + line, encoding="utf8")
    with pytest.raises(ValueError, match=rf"T043.*line 2.*{reason}"):
        export_model(str(weights), tmp_path / "out", data=path)


def test_other_heads_are_refused_by_name(weights, tmp_path):
    from gliner import GLiNER

    from spacy_tiered_ner.gliner.factored import factored

    library = GLiNER.from_pretrained(str(weights))
    library.config.span_mode = "marker"
    with pytest.raises(ValueError, match=r"T040.*'marker' is not markerV0"):
        factored(library)


def test_int8_keeps_excluded_layers_in_fp32(weights, tmp_path):
    import onnx
    from gliner import GLiNER

    library = GLiNER.from_pretrained(str(weights))
    names = export.write_graph(library, tmp_path / "model.onnx")
    down = [name for name in names if export.FFN_DOWN in name and export.ATTENTION_OUT not in name]
    assert len(down) == library.config.encoder_config.num_hidden_layers
    export.quantize(tmp_path / "model.onnx", tmp_path / "int8.onnx", down)
    graph = onnx.load(str(tmp_path / "int8.onnx")).graph
    nodes = graph.node
    assert set(down) <= {node.name for node in nodes if node.op_type == "MatMul"}
    assert any(node.op_type == "MatMulInteger" for node in nodes)
    weights = [onnx.numpy_helper.to_array(t) for t in graph.initializer if t.data_type == onnx.TensorProto.INT8]
    assert 32 < max(abs(array.astype(int)).max() for array in weights if array.ndim == 2) <= 64
