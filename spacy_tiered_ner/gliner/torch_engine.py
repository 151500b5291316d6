"""Reference engine: the gliner library's own forward pass in torch, on the GPU where there is one."""

from typing import Any

import numpy as np
from tokenizers import Tokenizer

from ..errors import Errors
from .batch import Batch, span_inputs, token_inputs
from .source import ModelFiles


def load_library_model(files: ModelFiles, allow_pickle: bool) -> Any:
    """RETURNS (gliner.GLiNER): On CPU, in evaluation mode. RAISES: T022, T024, T027; ImportError T029."""
    weights = files.torch_weights(allow_pickle)
    try:
        from gliner import GLiNER
    except ImportError as error:
        raise ImportError(Errors.T029.format(package="gliner", extra="torch")) from error
    try:
        model = GLiNER.from_pretrained(str(files.path), load_tokenizer=True)
    except Exception as error:
        raise ValueError(Errors.T022.format(path=weights, reason=str(error).strip().splitlines()[0])) from error
    return model.eval()


class TorchEngine:
    def __init__(self, files: ModelFiles, allow_pickle: bool):
        self.config = files.config
        library = load_library_model(files, allow_pickle)
        import torch

        self.torch = torch
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.library = library.to(self.device)
        self.token_level = self.config.get("span_mode") == "token_level"
        self.inputs = token_inputs if self.token_level else span_inputs

    def tokenizer(self) -> Tokenizer:
        return self.library.data_processor.transformer_tokenizer.backend_tokenizer

    def run(self, batch: Batch) -> np.ndarray:
        torch = self.torch
        inputs = {
            name: torch.from_numpy(array).to(self.device) for name, array in self.inputs(batch, self.config).items()
        }
        with torch.inference_mode():
            return self.library.model(**inputs).logits.float().cpu().numpy()
