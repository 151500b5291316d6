"""Export of library models to our ONNX graphs: factored head, INT8, and the gate that an artefact has to pass."""

import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import spacy
import srsly
from spacy.language import Language

from ..corpus import SPANS_KEY
from ..errors import Errors
from .gate import THRESHOLD, Gate, GateReport, read_data
from .source import CONFIG, ONNX_FILES, TOKENIZER, ModelFiles, resolve
from .torch_engine import load_library_model

OPSET = 17
FFN_DOWN = "/output/dense/"
ATTENTION_OUT = "/attention/output/dense/"
REPORT = "export.json"


def export_model(
    model: str,
    out: Path,
    *,
    precision: str = "int8",
    data: Path | None = None,
    max_loss: float = 0.6,
    allow_pickle: bool = False,
    force: bool = False,
) -> GateReport:
    """Export a GLiNER model with torch weights to a directory that `gliner_ner` runs without torch.

    model (str): Directory or hub id. out (Path): Directory to create. data (Optional[Path]): Annotated documents for
    the F1 before and after INT8; without them INT8 is held against the FP32 graph's own spans.
    max_loss (float): Points of F1 that INT8 may lose.
    RETURNS (GateReport): What was measured; also written to out/export.json.
    RAISES (ValueError): T040 architecture, T041 the gate refused, T042 directory in use, T046 it holds the model,
        T047 nothing to measure. Nothing is left behind then.
    """
    with staged(out, Path(model), force) as work:
        gate_data = read_data(data, spacy.blank("xx"), SPANS_KEY)
        files = resolve(model, "torch", precision, allow_pickle)
        library = load_library_model(files, allow_pickle)
        before = bare_pipeline(work, "fp32", gate_data.labels)
        after = partial(bare_pipeline, work, "int8", gate_data.labels)
        gate = Gate(before, "gliner_ner", after, gate_data, max_loss=max_loss, own_labels=False)
        build(library, work, precision, gate)
        srsly.write_json(work / REPORT, gate.report.as_dict())
        for name in ("README.md", "LICENSE"):
            if (files.path / name).is_file():
                shutil.copy(files.path / name, work / name)
    return gate.report


def bare_pipeline(model: Path, precision: str, labels: list[str]) -> Language:
    nlp = spacy.blank("xx")
    nlp.max_length = 10**9
    settings = {"model": str(model), "precision": precision, "labels": labels or None, "threshold": THRESHOLD}
    nlp.add_pipe("gliner_ner", config=settings)
    return nlp


@contextmanager
def staged(out: Path, model: Path, force: bool) -> Iterator[Path]:
    """An empty directory to write into, which takes the place of `out` if nothing is raised.

    model (Path): What is exported, where it is a directory. RAISES (ValueError): T042, T046.
    """
    if model.exists() and model.resolve().is_relative_to(out.resolve()):
        raise ValueError(Errors.T046.format(out=out, model=model))
    if out.exists() and any(out.iterdir()) and not force:
        raise ValueError(Errors.T042.format(path=out))
    present = next(parent for parent in out.absolute().parents if parent.exists())
    with tempfile.TemporaryDirectory(dir=present, prefix=f".{out.name}-") as temporary:
        work = Path(temporary) / "out"
        work.mkdir()
        yield work
        if out.exists():
            shutil.rmtree(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        work.rename(out)


def build(library: Any, target: Path, precision: str, gate: Gate) -> None:
    """Write the configuration, the tokenizer and the graph; INT8 is tried with fewer and fewer layers.

    RAISES (ValueError): T040, and what the gate raises on the last attempt.
    """
    library.config.to_json_file(target / CONFIG)
    library.data_processor.transformer_tokenizer.backend_tokenizer.save(str(target / TOKENIZER))
    fp32 = target / ONNX_FILES["fp32"][0]
    names = write_graph(library, fp32)
    gate.check_graph(library, ModelFiles(target))
    if precision == "fp32":
        return
    int8 = target / ONNX_FILES["int8"][0]
    kept = [name for name in names if FFN_DOWN in name and ATTENTION_OUT not in name]
    deberta = library.config.encoder_config.model_type.startswith("deberta")
    attempts: list[Sequence[str]] = [kept] if deberta or not kept else [(), kept]
    for number, excluded in enumerate(attempts):
        quantize(fp32, int8, excluded)
        try:
            gate.check_int8()
        except ValueError:
            if number == len(attempts) - 1:
                raise
        else:
            break
    fp32.unlink()


def write_graph(library: Any, path: Path) -> list[str]:
    """Trace the factored model. RETURNS (List[str]): Names of the graph's matrix products."""
    import onnx
    import torch

    from .factored import factored

    network = factored(library).eval()
    example = (
        torch.randint(5, 50, (2, 12)),
        torch.ones(2, 12, dtype=torch.long),
        torch.arange(6, 11).repeat(2, 1),
        torch.tensor([[1, 3, 5]] * 2),
    )
    axes = {
        "input_ids": {0: "batch", 1: "subwords"},
        "attention_mask": {0: "batch", 1: "subwords"},
        "words": {0: "batch", 1: "words"},
        "labels": {0: "batch", 1: "labels"},
        "logits": {0: "batch", 1: "words", network.label_axis: "labels"},
    }
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            example,
            str(path),
            input_names=["input_ids", "attention_mask", "words", "labels"],
            output_names=["logits"],
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    fold_constants(path)
    return [node.name for node in onnx.load(str(path)).graph.node if node.op_type in ("MatMul", "Gemm")]


def fold_constants(path: Path) -> None:
    """Compute once what does not depend on the input, such as the halves of the span head's matrix."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def quantize(source: Path, target: Path, excluded: Sequence[str]) -> None:
    """Dynamic INT8 quantisation; products of two activations and `excluded` stay FP32.

    Weights are signed, per channel, and use seven bits: with eight, processors without VNNI instructions overflow the
    16-bit sums of their multiply-add.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.getLogger().addFilter(drop_advice)
    try:
        quantize_dynamic(
            source,
            target,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            op_types_to_quantize=["MatMul", "Gather"],
            nodes_to_exclude=list(excluded),
            extra_options={"MatMulConstBOnly": True},
        )
    finally:
        logging.getLogger().removeFilter(drop_advice)


def drop_advice(record: logging.LogRecord) -> bool:
    return "pre-processing before quantization" not in record.getMessage()
