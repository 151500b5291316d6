"""A batch of windows as arrays, and the inputs that each kind of graph takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .prompt import Prompt, Subwords

NO_SUBWORD, PADDING = -1, -2


@dataclass(frozen=True)
class Batch:
    """input_ids, attention_mask int64 (B, T); words int64 (B, W): position of each word's first subword, -1 for a
    word without subwords, -2 for padding; lengths int64 (B, W): subwords of each word; labels int64 (B, P):
    positions of the label vectors; counts int64 (B,): words of each row.
    """

    input_ids: np.ndarray
    attention_mask: np.ndarray
    words: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray
    counts: np.ndarray


def build_batch(windows: Sequence[Subwords], prompt: Prompt, suffix: Sequence[int], pad: int) -> Batch:
    """Put one prompt before each window and pad to the longest."""
    head, tail = len(prompt.ids), len(suffix)
    size = len(windows)
    longest = head + tail + max(len(window.ids) for window in windows)
    most = max(len(window.starts) for window in windows)
    input_ids = np.full((size, longest), pad, dtype=np.int64)
    mask = np.zeros((size, longest), dtype=np.int64)
    words = np.full((size, most), PADDING, dtype=np.int64)
    lengths = np.zeros((size, most), dtype=np.int64)
    input_ids[:, :head] = prompt.ids
    for row, window in enumerate(windows):
        end = head + len(window.ids)
        input_ids[row, head:end] = window.ids
        input_ids[row, end : end + tail] = suffix
        mask[row, : end + tail] = 1
        count = len(window.starts)
        words[row, :count] = np.where(window.lengths > 0, window.starts + head, NO_SUBWORD)
        lengths[row, :count] = window.lengths
    counts = np.array([len(window.starts) for window in windows], dtype=np.int64)
    return Batch(input_ids, mask, words, lengths, np.tile(prompt.positions, (size, 1)), counts)


def factored_inputs(batch: Batch, config: dict) -> dict[str, np.ndarray]:
    """Inputs of our own graphs."""
    words = batch.words
    if config.get("subtoken_pooling", "first") == "last":
        words = np.where(words >= 0, words + batch.lengths - 1, words)
    return {
        "input_ids": batch.input_ids,
        "attention_mask": batch.attention_mask,
        "words": words,
        "labels": batch.labels,
    }


def token_inputs(batch: Batch, config: dict) -> dict[str, np.ndarray]:
    """Inputs of the gliner library's token-level graphs: word numbers from 1 on the subwords that are pooled."""
    pooling = config.get("subtoken_pooling", "first")
    mask = np.zeros_like(batch.input_ids)
    row, word = np.nonzero(batch.words >= 0)
    start, length = batch.words[row, word], batch.lengths[row, word]
    if pooling in ("mean", "max"):
        offset = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        mask[np.repeat(row, length), np.repeat(start, length) + offset] = np.repeat(word + 1, length)
    else:
        mask[row, start + length - 1 if pooling == "last" else start] = word + 1
    return {
        "input_ids": batch.input_ids,
        "attention_mask": batch.attention_mask,
        "words_mask": mask,
        "text_lengths": batch.counts[:, None],
    }


def span_inputs(batch: Batch, config: dict) -> dict[str, np.ndarray]:
    """Inputs of the gliner library's span-level graphs."""
    size, words = batch.words.shape
    starts = np.repeat(np.arange(words), config["max_width"])
    ends = starts + np.tile(np.arange(config["max_width"]), words)
    valid = ends[None, :] < batch.counts[:, None]
    spans = np.stack((starts, ends), axis=-1)[None].repeat(size, axis=0) * valid[..., None]
    return {**token_inputs(batch, config), "span_idx": spans, "span_mask": valid}
