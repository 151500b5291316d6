import math

import numpy as np
import pytest

from spacy_tiered_ner.gliner.decoding import decode, span_rows, token_rows

SEEDS = range(12)


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def slow_span_scores(logits, counts):
    """Every span of every row with the probabilities of all prompts."""
    for row, count in enumerate(counts):
        for first in range(count):
            for last in range(first, min(count, first + logits.shape[2])):
                yield (row, first, last), [sigmoid(x) for x in logits[row, first, last - first]]


def slow_token_scores(logits, counts):
    for row, count in enumerate(counts):
        for first in range(count):
            for last in range(first, count):
                starts, ends, inside = (
                    logits[row, first, :, 0],
                    logits[row, last, :, 1],
                    logits[row, first : last + 1, :, 2],
                )
                yield (row, first, last), [sigmoid(min(parts)) for parts in zip(starts, ends, *inside, strict=True)]


def batch(seed: int, token_level: bool):
    random = np.random.default_rng(seed)
    size, words, prompts = (int(random.integers(1, high)) for high in (4, 9, 6))
    shape = (size, words, prompts, 3) if token_level else (size, words, int(random.integers(1, 5)), prompts)
    logits = random.normal(0, 3, shape).astype(np.float32)
    counts = random.integers(1, words + 1, size)
    counts[-1] = words
    return logits, counts, prompts, random


SLOW = {False: slow_span_scores, True: slow_token_scores}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("cutoff", [0.0, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("token_level", [False, True])
def test_rows(seed, cutoff, token_level):
    logits, counts, _, _ = batch(seed, token_level)
    row, first, last, scores = (token_rows if token_level else span_rows)(logits, counts, cutoff)
    found = dict(zip(zip(row.tolist(), first.tolist(), last.tolist(), strict=True), scores.tolist(), strict=True))
    expected = {key: values for key, values in SLOW[token_level](logits, counts) if max(values) > cutoff}
    assert list(found) == list(expected)
    for key, values in expected.items():
        assert found[key] == pytest.approx(values, abs=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("token_level", [False, True])
def test_decode(seed, token_level):
    logits, counts, prompts, random = batch(seed, token_level)
    starts = np.flatnonzero(random.random(prompts) < 0.6)
    starts = np.unique(np.concatenate(([0], starts)))
    groups = [range(a, b) for a, b in zip(starts, [*starts[1:], prompts], strict=True)]
    cutoffs = random.choice([0.2, 0.5, 0.8], len(groups)).astype(np.float32)
    found = decode(logits, token_level, counts, starts, cutoffs)
    expected = []
    for key, values in SLOW[token_level](logits, counts):
        best = [max(values[p] for p in group) for group in groups]
        for label, score in enumerate(best):
            if score > cutoffs[label]:
                others = [(other, i) for i, other in enumerate(best) if i != label]
                other, runner_up = max(others) if others else (0.0, -1)
                expected.append((*key, label, score, runner_up, other))
    columns = ("window", "first", "last", "label", "score", "runner_up", "runner_up_score")
    rows = list(zip(*(getattr(found, name).tolist() for name in columns), strict=True))
    assert len(rows) == len(expected)
    for got, want in zip(rows, expected, strict=True):
        assert got == pytest.approx(want, abs=1e-5)


@pytest.mark.parametrize("token_level", [False, True])
def test_extreme_logits_give_finite_scores(token_level):
    logits = np.full((1, 2, 1, 3), 1e4, dtype=np.float32)
    logits[0, 1] = -1e4
    labels = 1 if token_level else 3
    found = decode(logits, token_level, np.array([2]), np.arange(labels), np.zeros(labels, dtype=np.float32))
    assert np.isfinite(found.score).all()
    assert found.score.max() == 1.0
    assert found.score.min() >= 0.0


@pytest.mark.parametrize("token_level", [False, True])
def test_nothing_found(token_level):
    logits = np.full((2, 3, 2, 3), -9, dtype=np.float32)
    labels = 2 if token_level else 3
    found = decode(logits, token_level, np.array([3, 2]), np.arange(labels), np.full(labels, 0.5, dtype=np.float32))
    assert [len(array) for array in vars(found).values()] == [0] * 7
