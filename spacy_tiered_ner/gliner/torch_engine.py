"""Torch engine: the factored network on the library's weights, on the GPU where there is one."""

from contextlib import suppress
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from ..errors import Errors
from ..extras import needs
from .batch import Batch, factored_inputs, span_inputs, token_inputs
from .source import ModelFiles


def load_library_model(files: ModelFiles, allow_pickle: bool) -> Any:
    """RETURNS (gliner.GLiNER): On CPU, in evaluation mode. RAISES: T022, T024, T027; ImportError T029."""
    weights = files.torch_weights(allow_pickle)
    with needs("train"):
        from gliner import GLiNER
    try:
        # Eager attention is the quickest on CPU, by far so in bfloat16.
        model = GLiNER.from_pretrained(str(files.path), load_tokenizer=True, _attn_implementation="eager")
    except Exception as error:
        raise ValueError(Errors.T022.format(path=weights, reason=str(error).strip().splitlines()[0])) from error
    return model.eval()


class TorchEngine:
    """library (gliner.GLiNER): Owns the weights. network (Optional[FactoredModel]): Shares them; None for
    architectures without a factored form, which run as the library runs them.
    """

    def __init__(self, files: ModelFiles, allow_pickle: bool):
        self.config = files.config
        library = load_library_model(files, allow_pickle)
        import torch

        from .factored import factored

        self.torch = torch
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.library = library.to(self.device)
        self.token_level = self.config.get("span_mode") == "token_level"
        self.network: Any = None
        with suppress(ValueError):
            self.network = factored(library)

    def tokenizer(self) -> Tokenizer:
        return self.library.data_processor.transformer_tokenizer.backend_tokenizer

    def run(self, batch: Batch) -> np.ndarray:
        if self.network is not None:
            return self.forward(self.network, factored_inputs(batch, self.config)).float().cpu().numpy()
        inputs = token_inputs if self.token_level else span_inputs
        return self.forward(self.library.model, inputs(batch, self.config)).logits.float().cpu().numpy()

    def forward(self, network: Any, arrays: dict[str, np.ndarray]) -> Any:
        network.eval()
        with self.torch.no_grad():
            return network(**{name: self.torch.from_numpy(array).to(self.device) for name, array in arrays.items()})
