"""What every engine offers, and the choice between them."""

from typing import Any, Protocol

import numpy as np
from tokenizers import Tokenizer

from ..errors import Errors
from .batch import Batch
from .source import TOKENIZER, ModelFiles

DEFAULT_LIMIT = 512


class Engine(Protocol):
    """Runs batches on one model. `run` may be called from several threads at once."""

    config: dict[str, Any]
    token_level: bool

    def tokenizer(self) -> Tokenizer: ...

    def run(self, batch: Batch) -> np.ndarray:
        """RETURNS (ndarray): Logits (B, W, max_width, P), or (B, W, P, 3) at token level."""
        ...


def sequence_limit(config: dict[str, Any]) -> int:
    """The longest sequence of the encoder in subwords."""
    encoder = config.get("encoder_config") or {}
    return int(encoder.get("max_position_embeddings") or DEFAULT_LIMIT)


def load_tokenizer(files: ModelFiles) -> Tokenizer:
    path = files.require(TOKENIZER)
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:
        raise ValueError(Errors.T022.format(path=path, reason=error)) from error


def load_engine(files: ModelFiles, runtime: str, precision: str, allow_pickle: bool = False) -> Engine:
    """runtime (str): "onnx" or "torch". precision (str): "auto", "int8" or "fp32" ONNX file."""
    if runtime == "torch":
        from .torch_engine import TorchEngine

        return TorchEngine(files, allow_pickle)
    from .onnx_engine import OnnxEngine

    return OnnxEngine(files, precision)
