"""What `gliner_ner` needs to learn, made when it first does: the thinc model, training rows, rehearsal."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from safetensors.torch import save
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Model

from ...errors import Errors
from ..factored import FactoredSpanModel
from ..predictor import Predictor
from ..torch_engine import TorchEngine
from .gold import read_gold
from .lora import add_adapters, merged_weights
from .network import build_model
from .rehearsal import Rehearsal
from .rows import Row, RowMaker
from .settings import Training


class Trainer:
    """predictor (Predictor): On a TorchEngine, whose weights are trained in place. vocab (Vocab): Of the pipeline.
    counts (Counter): What the documents so far held, as `read_gold` and `RowMaker.rows` count it.
    foreign (Counter): Labels of spans that were left out, as the pipe does not look for them.
    RAISES (ValueError): T051 for a model that is not span-level.
    """

    def __init__(self, predictor: Predictor, vocab: Vocab, spans_key: str, settings: Training):
        engine: Any = predictor.engine
        assert isinstance(engine, TorchEngine)
        if not isinstance(engine.network, FactoredSpanModel):
            raise ValueError(Errors.T051.format(kind=type(engine.library.model).__name__))
        self.library, self.settings, self.spans_key = engine.library, settings, spans_key
        if settings.lora_rank:
            add_adapters(engine.network.encoder.bert_layer.model, settings.lora_rank)
        self.model: Model = build_model(engine.network, settings)
        self.row_maker = RowMaker(predictor.tokenizer, engine.config, predictor.window, predictor.stride, settings)
        self.rehearsal = Rehearsal(settings, vocab, spans_key) if settings.rehearsal else None
        self.counts: Counter[str] = Counter()
        self.foreign: Counter[str] = Counter()

    def rows(self, examples: Iterable[Example], labels: Sequence[str]) -> list[Row]:
        """labels: What to ask where a document does not have its own labels."""
        rows = []
        for example in examples:
            gold = read_gold(example, self.spans_key, self.counts)
            if gold is not None:
                vocabulary = gold.labels or labels
                self.foreign.update(label for _, _, label in gold.spans if label not in vocabulary)
                rows += self.row_maker.rows(gold, vocabulary, self.counts)
        if self.rehearsal is not None and rows:
            for gold, vocabulary in self.rehearsal.draw(len(rows)):
                rows += self.row_maker.rows(gold, vocabulary, Counter())
        return rows

    def sound(self) -> bool:
        """RETURNS (bool): Whether all weights are finite."""
        return all(bool(value.isfinite().all()) for value in self.library.model.parameters())

    def weights(self) -> bytes:
        """RETURNS (bytes): The trained weights in safetensors format, adapters merged."""
        model = self.library.model
        state = merged_weights(model) if self.settings.lora_rank else model.state_dict()
        return save({name: value.contiguous() for name, value in state.items()}, metadata={"format": "pt"})
