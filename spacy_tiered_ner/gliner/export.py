"""Export of library models to our ONNX graphs: factored head, INT8, and the gate that an artefact has to pass."""

import logging
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import srsly

from ..errors import Errors
from .gate import GateData, GateReport, check_fp32, check_int8, read_data
from .source import CONFIG, ONNX_FILES, TOKENIZER, ModelFiles, resolve
from .torch_engine import load_library_model

OPSET = 17
FFN_DOWN = "/output/dense/"
ATTENTION_OUT = "/attention/output/dense/"


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

    model (str): Directory or hub id. out (Path): Directory to create. data (Optional[Path]): Annotated JSONL for the
    F1 before and after INT8; without it INT8 is held against the FP32 graph's own spans.
    max_loss (float): Points of F1 that INT8 may lose.
    RETURNS (GateReport): What was measured; also written to out/export.json.
    RAISES (ValueError): T040 architecture, T041 the gate refused, T042 directory in use. Nothing is left behind then.
    """
    if out.exists() and any(out.iterdir()) and not force:
        raise ValueError(Errors.T042.format(path=out))
    gate_data = read_data(data)
    files = resolve(model, "torch", precision, allow_pickle)
    library = load_library_model(files, allow_pickle)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
        work = Path(temporary) / "model"
        work.mkdir()
        library.config.to_json_file(work / CONFIG)
        library.data_processor.transformer_tokenizer.backend_tokenizer.save(str(work / TOKENIZER))
        report = build(library, work, precision, gate_data, max_loss)
        srsly.write_json(work / "export.json", report.as_dict())
        for name in ("README.md", "LICENSE"):
            if (files.path / name).is_file():
                shutil.copy(files.path / name, work / name)
        if out.exists():
            shutil.rmtree(out)
        work.rename(out)
    return report


def build(library: Any, work: Path, precision: str, data: GateData, max_loss: float) -> GateReport:
    """Write the graph into `work` and run the gate on it; INT8 is tried with fewer and fewer layers."""
    fp32 = work / ONNX_FILES["fp32"][0]
    names = write_graph(library, fp32)
    report = check_fp32(library, ModelFiles(work), data)
    if precision == "fp32":
        return report
    int8 = work / ONNX_FILES["int8"][0]
    kept = [name for name in names if FFN_DOWN in name and ATTENTION_OUT not in name]
    deberta = library.config.encoder_config.model_type.startswith("deberta")
    attempts: list[Sequence[str]] = [kept] if deberta or not kept else [(), kept]
    for number, excluded in enumerate(attempts):
        quantize(fp32, int8, excluded)
        try:
            check_int8(ModelFiles(work), data, max_loss, report)
        except ValueError:
            if number == len(attempts) - 1:
                raise
        else:
            break
    fp32.unlink()
    return report


def write_graph(library: Any, path: Path) -> list[str]:
    """Trace the factored model. RETURNS (List[str]): Names of the graph's matrix products."""
    import onnx
    import torch

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


def factored(library: Any) -> Any:
    """The factored twin of a library model. RAISES (ValueError): T040 for architectures without one."""
    from .factored import FactoredSpanModel, FactoredTokenModel

    config = library.config
    kind = type(library.model).__name__
    if kind not in ("UniEncoderSpanModel", "UniEncoderTokenModel"):
        raise ValueError(Errors.T040.format(what=kind, reason="only uni-encoder span and token models have our graph"))
    if config.post_fusion_schema:
        raise ValueError(Errors.T040.format(what=kind, reason="post_fusion_schema is not supported"))
    if config.subtoken_pooling not in ("first", "last"):
        reason = f"subtoken_pooling {config.subtoken_pooling!r} is not supported"
        raise ValueError(Errors.T040.format(what=kind, reason=reason))
    if kind == "UniEncoderTokenModel":
        return FactoredTokenModel(library.model)
    if config.span_mode != "markerV0" or config.span_encoder_config:
        raise ValueError(Errors.T040.format(what=kind, reason=f"span_mode {config.span_mode!r} is not markerV0"))
    return FactoredSpanModel(library.model)


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
