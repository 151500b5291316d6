"""ONNX Runtime engine: numpy in, numpy out; no torch."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from ..errors import Errors
from .batch import Batch, factored_inputs, span_inputs, token_inputs
from .engine import load_tokenizer
from .source import ModelFiles

# The fused operator is several times slower on CPU than the separate ones (ONNX Runtime 1.31).
SLOW_FUSIONS = ["SkipLayerNormFusion"]
GRAPHS = {
    frozenset({"input_ids", "attention_mask", "words", "labels"}): factored_inputs,
    frozenset({"input_ids", "attention_mask", "words_mask", "text_lengths", "span_idx", "span_mask"}): span_inputs,
    frozenset({"input_ids", "attention_mask", "words_mask", "text_lengths"}): token_inputs,
}


class OnnxEngine:
    """One session with one thread of its own: callers run it from as many threads as there are cores.

    RAISES (ValueError): T022 damaged file, T023 unknown graph, T026 no ONNX file.
    """

    def __init__(self, files: ModelFiles, precision: str):
        self.files = files
        self.config = files.config
        self.path: Path = files.onnx(precision)
        self.session = self.open_session()
        inputs = frozenset(node.name for node in self.session.get_inputs())
        if "labels_input_ids" in inputs:
            raise ValueError(Errors.T028.format(path=files.path))
        if inputs not in GRAPHS:
            raise ValueError(Errors.T023.format(path=self.path, inputs=", ".join(sorted(inputs))))
        self.inputs = GRAPHS[inputs]
        self.token_level = self.config.get("span_mode") == "token_level"

    def open_session(self) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            return onnxruntime.InferenceSession(
                str(self.path), options, providers=["CPUExecutionProvider"], disabled_optimizers=SLOW_FUSIONS
            )
        except Exception as error:
            reason = str(error).strip().splitlines()[0]
            raise ValueError(Errors.T022.format(path=self.path, reason=reason)) from error

    def tokenizer(self) -> Tokenizer:
        return load_tokenizer(self.files)

    def run(self, batch: Batch) -> np.ndarray:
        try:
            return self.session.run(["logits"], self.inputs(batch, self.config))[0]
        except Exception as error:
            raise ValueError(Errors.T030.format(path=self.path, reason=str(error).strip().splitlines()[0])) from error

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "session": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.session = self.open_session()
