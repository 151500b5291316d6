"""The factored span and token heads: GLiNER's numbers, computed once per word instead of once per span.

GLiNER's "markerV0" span head (Zaratiana et al. 2024, `gliner.modeling.span_rep.SpanMarkerV0`) scores the span
(i, j) for label c as ``W2 . relu(W1 . [relu(s_i); relu(e_j)] + b1) + b2``, dotted with the label vector q_c. As W1
acts on a concatenation, it splits into a start half and an end half that are computed once per word, and W2 moves
to the label side:

    A_i = W1[:, :D] relu(s_i)      B_j = W1[:, D:] relu(e_j) + b1      score = relu(A_i + B_j) . (W2' q_c) + b2 . q_c
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import Errors


def gather_positions(hidden: Tensor, positions: Tensor) -> Tensor:
    """Pick vectors (B, N, D) at positions (B, N) of hidden (B, T, D); a negative position gives zeros."""
    index = positions.clamp(min=0).unsqueeze(-1).expand(-1, -1, hidden.size(-1))
    return torch.gather(hidden, 1, index) * (positions >= 0).unsqueeze(-1).to(hidden.dtype)


def run_rnn(rnn: nn.LSTM, vectors: Tensor, words: Tensor) -> Tensor:
    """Run over each row's own length, as the library does."""
    lengths = (words > -2).sum(-1)
    packed = nn.utils.rnn.pack_padded_sequence(vectors, lengths.cpu(), batch_first=True, enforce_sorted=False)
    output, _ = rnn(packed)
    return nn.utils.rnn.pad_packed_sequence(output, batch_first=True, total_length=vectors.size(1))[0]


class FactoredModel(nn.Module):
    """What both heads share: encoder, word and label vectors. Shares its weights with the library's model.

    model (gliner.modeling.base.BaseUniEncoderModel): The torch module inside a `gliner.GLiNER` object.
    """

    label_axis: int

    def __init__(self, model: Any):
        super().__init__()
        self.config = model.config
        self.encoder = model.token_rep_layer
        self.prompt = getattr(model, "prompt_rep_layer", nn.Identity())
        self.rnn = model.rnn.lstm if hasattr(model, "rnn") else None

    def encode(self, input_ids: Tensor, attention_mask: Tensor, words: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """input_ids, attention_mask (B, T); words (B, W), labels (B, C): subword positions. A word without subwords
        has -1, padding -2.

        RETURNS (tuple): Word vectors (B, W, D) and projected label vectors (B, C, D).
        """
        hidden = self.encoder(input_ids, attention_mask)
        word_vectors = gather_positions(hidden, words)
        if self.rnn is not None:
            word_vectors = run_rnn(self.rnn, word_vectors, words)
        return word_vectors, self.prompt(gather_positions(hidden, labels))


class FactoredSpanModel(FactoredModel):
    """Span-level uni-encoder with a markerV0 head. Logits (B, W, max_width, C), not masked."""

    label_axis = 3

    def __init__(self, model: Any):
        super().__init__(model)
        head = model.span_rep_layer.span_rep_layer
        self.max_width = model.config.max_width
        self.start, self.end = head.project_start, head.project_end
        self.hidden_layer, self.out_layer = head.out_project[0], head.out_project[3]

    def forward(self, input_ids: Tensor, attention_mask: Tensor, words: Tensor, labels: Tensor) -> Tensor:
        word_vectors, label_vectors = self.encode(input_ids, attention_mask, words, labels)
        size = self.config.hidden_size
        weight, bias = self.hidden_layer.weight, self.hidden_layer.bias
        starts = F.linear(self.start(word_vectors).relu(), weight[:, :size])
        ends = F.linear(self.end(word_vectors).relu(), weight[:, size:], bias)
        padded = F.pad(ends, (0, 0, 0, self.max_width - 1))
        count = word_vectors.size(1)
        queries = (label_vectors @ self.out_layer.weight).transpose(1, 2)
        offsets = (label_vectors * self.out_layer.bias).sum(-1).unsqueeze(1)
        # One width at a time: the large intermediate stays in the processor's cache.
        scores = [(starts + padded[:, k : k + count]).relu() @ queries + offsets for k in range(self.max_width)]
        return torch.stack(scores, dim=2)


class FactoredTokenModel(FactoredModel):
    """Token-level uni-encoder. Logits (B, W, C, 3): start, end, inside.

    The library's `Scorer` concatenates token, label and product vectors before one large matrix: the token and
    label thirds are computed once per token and once per label.
    """

    label_axis = 2

    def __init__(self, model: Any):
        super().__init__(model)
        self.scorer = model.scorer

    def forward(self, input_ids: Tensor, attention_mask: Tensor, words: Tensor, labels: Tensor) -> Tensor:
        word_vectors, label_vectors = self.encode(input_ids, attention_mask, words, labels)
        size = self.config.hidden_size
        first, last = self.scorer.out_mlp[0], self.scorer.out_mlp[3]
        token_a, token_b = self.scorer.proj_token(word_vectors).split(size, dim=-1)
        label_a, label_b = self.scorer.proj_label(label_vectors).split(size, dim=-1)
        by_token = F.linear(token_a, first.weight[:, :size], first.bias).unsqueeze(2)
        by_label = F.linear(label_a, first.weight[:, size : 2 * size]).unsqueeze(1)
        product = F.linear(token_b.unsqueeze(2) * label_b.unsqueeze(1), first.weight[:, 2 * size :])
        return last((by_token + by_label + product).relu())


def factored(library: Any) -> FactoredModel:
    """The factored twin of a library model. RAISES (ValueError): T040 for architectures without one."""
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
