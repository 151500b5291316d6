"""From logits to candidates, vectorised. Scores are sigmoid probabilities, as in the gliner library."""

from dataclasses import dataclass

import numpy as np


@dataclass
class Candidates:
    """Parallel arrays (n,): window of the batch, first and last word in it (inclusive), label index, score, and the
    best other label of the same span with its score (-1 and 0 where there is only one label).
    """

    window: np.ndarray
    first: np.ndarray
    last: np.ndarray
    label: np.ndarray
    score: np.ndarray
    runner_up: np.ndarray
    runner_up_score: np.ndarray


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -80, 80)))


def span_rows(logits: np.ndarray, counts: np.ndarray, cutoff: float) -> tuple[np.ndarray, ...]:
    """Spans with any score above the cutoff from span-level logits (B, W, K, P); counts (B,): words of each row.

    RETURNS (tuple): row, first, last (n,), probabilities (n, P).
    """
    threshold = -np.inf if cutoff <= 0 else np.log(cutoff) - np.log1p(-cutoff) if cutoff < 1 else np.inf
    _, words, width, prompts = logits.shape
    spans = np.unique(np.flatnonzero(logits > threshold) // prompts)
    row, first, extent = spans // (words * width), spans // width % words, spans % width
    valid = first + extent < counts[row]
    row, first, extent = row[valid], first[valid], extent[valid]
    return row, first, first + extent, sigmoid(logits[row, first, extent])


def token_rows(logits: np.ndarray, counts: np.ndarray, cutoff: float) -> tuple[np.ndarray, ...]:
    """The same from token-level logits (B, W, P, 3) of start, end, inside.

    A span runs from a start to an end whose words are all inside; its score is the least of all these.
    """
    scores = sigmoid(logits)
    found: set[tuple[int, int, int]] = set()
    for row, count in enumerate(counts):
        starts, ends, inside = (scores[row, :count, :, kind] for kind in range(3))
        outside = np.concatenate((np.zeros((1, inside.shape[1])), np.cumsum(inside < cutoff, axis=0)))
        for prompt in np.flatnonzero((starts > cutoff).any(0) & (ends > cutoff).any(0)):
            first = np.flatnonzero(starts[:, prompt] > cutoff)[:, None]
            last = np.flatnonzero(ends[:, prompt] > cutoff)[None, :]
            whole = outside[last + 1, prompt] == outside[first, prompt]
            pairs = np.argwhere((last >= first) & whole)
            found.update((row, int(first[i, 0]), int(last[0, j])) for i, j in pairs)
    order = np.array(sorted(found), dtype=np.int64).reshape(-1, 3)
    rows = [
        np.minimum(np.minimum(scores[b, i, :, 0], scores[b, j, :, 1]), scores[b, i : j + 1, :, 2].min(0))
        for b, i, j in order
    ]
    probabilities = np.stack(rows) if rows else np.zeros((0, logits.shape[2]), dtype=logits.dtype)
    return order[:, 0], order[:, 1], order[:, 2], probabilities


def decode(
    logits: np.ndarray, token_level: bool, counts: np.ndarray, first_prompts: np.ndarray, cutoffs: np.ndarray
) -> Candidates:
    """Every (span, label) whose score is above the label's cutoff.

    logits (ndarray): (B, W, K, P) or, at token level, (B, W, P, 3), for all P phrasings.
    first_prompts (ndarray): Index of each label's first phrasing, ascending, int (labels,).
    cutoffs (ndarray): float32 (labels,).
    """
    rows = token_rows if token_level else span_rows
    row, first, last, probabilities = rows(logits, counts, float(cutoffs.min()))
    if len(first_prompts) < probabilities.shape[1]:
        probabilities = np.maximum.reduceat(probabilities, first_prompts, axis=1)
    span, label = np.nonzero(probabilities > cutoffs)
    score = probabilities[span, label]
    others = probabilities[span]
    others[np.arange(len(span)), label] = -1.0
    runner_up = others.argmax(1) if len(span) else np.zeros(0, dtype=np.int64)
    runner_up_score = others[np.arange(len(span)), runner_up]
    alone = runner_up_score < 0
    runner_up, runner_up_score = np.where(alone, -1, runner_up), np.where(alone, 0.0, runner_up_score)
    return Candidates(row[span], first[span], last[span], label, score, runner_up, runner_up_score)
