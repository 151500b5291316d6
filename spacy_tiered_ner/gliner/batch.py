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
    positions of the label vectors, -1 for padding; counts int64 (B,): words of each row.
    """

    input_ids: np.ndarray
    attention_mask: np.ndarray
    words: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray
    counts: np.ndarray


def build_batch(
    windows: Sequence[Subwords], prompts: Sequence[Prompt], suffix: Sequence[int], pad: int, multiple: int = 1
) -> Batch:
    """Put its prompt before each window and pad to the longest.

    multiple (int): Numbers of subwords and words are rounded up to a multiple of this.
    """
    tail = len(suffix)
    size = len(windows)
    longest = max(len(prompt.ids) + len(window.ids) for prompt, window in zip(prompts, windows, strict=True)) + tail
    most = max(len(window.starts) for window in windows)
    input_ids = np.full((size, rounded(longest, multiple)), pad, dtype=np.int64)
    mask = np.zeros_like(input_ids)
    words = np.full((size, rounded(most, multiple)), PADDING, dtype=np.int64)
    lengths = np.zeros_like(words)
    labels = np.full((size, max(len(prompt.positions) for prompt in prompts)), NO_SUBWORD, dtype=np.int64)
    for row, (prompt, window) in enumerate(zip(prompts, windows, strict=True)):
        head = len(prompt.ids)
        end = head + len(window.ids)
        input_ids[row, :head] = prompt.ids
        input_ids[row, head:end] = window.ids
        input_ids[row, end : end + tail] = suffix
        mask[row, : end + tail] = 1
        count = len(window.starts)
        words[row, :count] = np.where(window.lengths > 0, window.starts + head, NO_SUBWORD)
        lengths[row, :count] = window.lengths
        labels[row, : len(prompt.positions)] = prompt.positions
    counts = np.array([len(window.starts) for window in windows], dtype=np.int64)
    return Batch(input_ids, mask, words, lengths, labels, counts)


def rounded(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple


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
