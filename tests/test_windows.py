from itertools import pairwise

import numpy as np
import pytest
from conftest import make_nlp

from spacy_tiered_ner.gliner.windows import Window, plan_windows


def case(seed: int) -> dict:
    """A random document and settings."""
    random = np.random.default_rng(seed)
    count, budget = int(random.integers(1, 400)), int(random.integers(4, 300))
    window = int(random.integers(1, 150))
    starts = np.flatnonzero(random.random(count) < random.choice([0.0, 0.02, 0.1, 0.5]))
    return {
        "lengths": random.integers(0, min(budget, random.choice([2, 6, 300])) + 1, count),
        "sentence_starts": starts,
        "window": window,
        "stride": int(random.integers(1, window + 1)),
        "budget": budget,
    }


@pytest.mark.parametrize("seed", range(200))
def test_every_plan(seed):
    settings = case(seed)
    lengths, starts, window, budget = (settings[key] for key in ("lengths", "sentence_starts", "window", "budget"))
    plan = plan_windows(**settings)
    owned = [word for part in plan for word in range(part.own_start, part.own_end)]
    assert owned == list(range(len(lengths)))
    for part in plan:
        assert part.start <= part.own_start <= part.own_end <= part.end
        assert part.end - part.start <= window
        assert lengths[part.start : part.end].sum() <= budget
    for part, following in pairwise(plan):
        half = part.start + (min(part.start + window, len(lengths)) - part.start) // 2
        assert part.start < following.start <= part.end
        if part.end in starts:
            assert following.start == part.end
        else:
            assert not {*range(max(half, part.start) + 1, part.end + 1)} & {*starts.tolist()}


@pytest.mark.parametrize(
    ("count", "starts", "window", "stride", "expected"),
    [
        (5, [], 8, 6, [(0, 5, 0, 5)]),
        (8, [], 8, 6, [(0, 8, 0, 8)]),
        (14, [], 8, 6, [(0, 8, 0, 7), (6, 14, 7, 14)]),
        (16, [], 8, 8, [(0, 8, 0, 8), (8, 16, 8, 16)]),
        (14, [0, 5, 7], 8, 6, [(0, 7, 0, 7), (7, 14, 7, 14)]),
        (14, [0, 8], 8, 6, [(0, 8, 0, 8), (8, 14, 8, 14)]),
        (14, [0, 3], 8, 6, [(0, 8, 0, 7), (6, 14, 7, 14)]),
    ],
)
def test_plans(count, starts, window, stride, expected):
    plan = plan_windows(np.ones(count, dtype=np.int32), np.array(starts, dtype=np.int64), window, stride, 100)
    assert plan == [Window(*numbers) for numbers in expected]


def test_budget_counts_subwords():
    plan = plan_windows(np.array([1, 1, 9, 1, 1, 1]), np.zeros(0, dtype=np.int64), 100, 100, 10)
    assert [(part.start, part.end) for part in plan] == [(0, 2), (2, 4), (4, 6)]


SENTENCES = [
    ("Barack Obama was born in Honolulu in 1961. ", ["Barack Obama", "Honolulu", "1961"]),
    ("Angela Merkel visited Paris on 3 May 2012. ", ["Angela Merkel", "Paris", "3 May 2012"]),
    ("Then they talked for a long while about the weather, the harvest and the price of bread. ", []),
    ("Marie Curie moved to Berlin in 1906. ", ["Marie Curie", "Berlin", "1906"]),
    ("Nobody had seen it before, and nobody saw it afterwards. ", []),
]


@pytest.mark.parametrize("sentencizer", [True, False])
def test_long_document_finds_what_its_sentences_hold(sentencizer):
    nlp = make_nlp()
    if sentencizer:
        nlp.add_pipe("sentencizer", first=True)
    order = np.random.default_rng(5).integers(0, len(SENTENCES), 320)
    doc = nlp("".join(SENTENCES[i][0] for i in order))
    expected, offset = set(), 0
    for i in order:
        text, names = SENTENCES[i]
        expected |= {(offset + text.index(name), offset + text.index(name) + len(name)) for name in names}
        offset += len(text)
    found = {(ent.start_char, ent.end_char) for ent in doc.ents}
    assert len(found & expected) > 0.9 * len(expected)
    assert len(found & expected) > 0.9 * len(found)
    keys = [(span.start, span.end, span.label) for span in doc.spans["gliner"]]
    assert len(set(keys)) == len(keys)
    stats = doc._.tiered_ner["gliner_ner"]
    assert len(doc) > 3000
    assert stats["coverage"] == 1.0
    assert stats["windows"] > 20


def test_entities_on_window_borders_are_found_once(starter):
    whole = starter("Angela Merkel visited Paris. " * 12)
    nlp = make_nlp(window=8, stride=4)
    doc = nlp(whole.text)
    assert doc._.tiered_ner["gliner_ner"]["windows"] > 10
    assert [ent.text for ent in doc.ents] == ["Angela Merkel", "Paris"] * 12
