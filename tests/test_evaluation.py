"""The measures of `evaluation/`, on counts and spans whose results follow by hand or from a known source of errors."""

import random
import time

import numpy as np
import pytest

from spacy_tiered_ner.evaluation import bootstrap
from spacy_tiered_ner.evaluation.bootstrap import compare, f1, interval, resample
from spacy_tiered_ner.evaluation.calibration import calibrate
from spacy_tiered_ner.evaluation.confusion import NOTHING, confusion
from spacy_tiered_ner.evaluation.gold import GoldText
from spacy_tiered_ner.evaluation.metrics import CharSpan, strict_score
from spacy_tiered_ner.evaluation.schemes import label_counts, scheme_counts, token_counts
from spacy_tiered_ner.evaluation.strata import labels_by_form, score_strata
from spacy_tiered_ner.evaluation.thresholds import Scored, sweep


def spans(*triples):
    return frozenset(CharSpan(*triple) for triple in triples)


def text(words, *marked):
    """marked: (phrase, label), where it first stands."""
    found = [(words.index(phrase), words.index(phrase) + len(phrase), label) for phrase, label in marked]
    return GoldText(words, spans(*found), None)


def random_spans(rng, count):
    bounds = ((start, start + rng.randint(1, 9)) for start in (rng.randint(0, 30) for _ in range(count)))
    return spans(*((start, end, rng.choice("ABC")) for start, end in bounds))


@pytest.mark.parametrize(
    ("predicted", "gold", "points"),
    [
        ([(0, 5, "A")], [(0, 5, "A")], {"strict": 1, "exact": 1, "partial": 1, "type": 1}),
        ([(0, 5, "B")], [(0, 5, "A")], {"strict": 0, "exact": 1, "partial": 1, "type": 0}),
        ([(0, 4, "A")], [(0, 5, "A")], {"strict": 0, "exact": 0, "partial": 0.5, "type": 1}),
        ([(0, 4, "B")], [(0, 5, "A")], {"strict": 0, "exact": 0, "partial": 0.5, "type": 0}),
        # Half-open spans that touch share no character.
        ([(0, 5, "A")], [(5, 9, "A")], {"strict": 0, "exact": 0, "partial": 0, "type": 0}),
        # A prediction inside the gold span must not take it from the right one, whichever comes first.
        ([(0, 2, "A"), (0, 5, "A")], [(0, 5, "A")], {"strict": 1, "exact": 1, "partial": 1, "type": 1}),
        ([(0, 5, "A"), (0, 5, "B")], [(0, 5, "B")], {"strict": 1, "exact": 1, "partial": 1, "type": 1}),
        ([], [(0, 5, "A")], {"strict": 0, "exact": 0, "partial": 0, "type": 0}),
    ],
)
def test_schemes(predicted, gold, points):
    counts = scheme_counts([spans(), spans(*predicted)], [spans(), spans(*gold)])
    assert {scheme: found[1, 0] for scheme, found in counts.items()} == points
    assert all(found[0].tolist() == [0, 0, 0] for found in counts.values())
    assert all(found[1, 1:].tolist() == [len(predicted), len(gold)] for found in counts.values())


def test_strict_scheme_is_the_headline():
    """On nested, overlapping and touching spans nervaluate's strict counts are those of our own strict score."""
    rng = random.Random(0)
    gold = [random_spans(rng, rng.randint(0, 6)) for _ in range(200)]
    predicted = [frozenset(rng.sample(sorted(g), len(g) // 2)) | random_spans(rng, rng.randint(0, 3)) for g in gold]
    strict = scheme_counts(predicted, gold)["strict"].sum(axis=0)
    score = strict_score(predicted, gold)
    assert strict.tolist() == [score.true_positives, score.predicted, score.gold]
    assert label_counts(predicted, gold, ["A", "B", "C"]).sum(axis=(0, 1)).tolist() == strict.tolist()


def test_long_documents_are_quick():
    """What is compared grows with the document and not with its square. A wide span keeps its whole part together."""
    gold = [frozenset(CharSpan(10 * i, 10 * i + 6, "A") for i in range(20_000))]
    predicted = [frozenset(CharSpan(10 * i, 10 * i + 6 - i % 2, "A") for i in range(20_000)) | spans((0, 25, "B"))]
    began = time.perf_counter()
    counts = scheme_counts(predicted, gold)
    found = token_counts(["abcdef    " * 20_000], predicted, gold)
    pairs = confusion(predicted, gold)
    assert time.perf_counter() - began < 20
    assert counts["strict"].tolist() == [[10_000, 20_001, 20_000]]
    assert counts["partial"].tolist() == [[15_000, 20_001, 20_000]]
    assert found.tolist() == [[20_000, 20_003, 20_000]]
    assert dict(pairs) == {("A", "A"): 20_000, (NOTHING, "B"): 1}


def test_words_flatter():
    """A long entity found but for one word: nothing for the entity, nearly all for the words."""
    words = "The National Museum of Natural History reopened"
    gold, found = [spans((4, 38, "ORG"))], [spans((8, 38, "ORG"))]
    assert strict_score(found, gold).true_positives == 0
    assert token_counts([words], found, gold).tolist() == [[5, 5, 5]]
    assert token_counts([words], [spans((13, 38, "ORG"))], gold).tolist() == [[4, 4, 5]]


def counts_of(size, recall, seed=0, entities=4):
    """Of a system that finds each entity with this probability, with as many spurious ones as it misses."""
    rng = np.random.default_rng(seed)
    found = rng.binomial(entities, recall, size)
    return np.stack([found, np.full(size, entities), np.full(size, entities)], axis=1)


def test_interval_narrows_with_documents():
    widths = []
    for size in (50, 200, 800):
        counts = counts_of(size, 0.8)
        low, high = interval(f1(resample(counts)))
        assert low < f1(counts.sum(axis=0)) < high
        widths.append(high - low)
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.25)
    assert widths[1] / widths[2] == pytest.approx(2, rel=0.25)


def test_interval_covers_the_truth():
    """Of intervals from 100 test sets about 95 hold the true F1."""
    covered = 0
    for seed in range(100):
        low, high = interval(f1(resample(counts_of(60, 0.7, seed))))
        covered += low <= 0.7 <= high
    assert 88 <= covered <= 100


def test_documents_are_drawn_whole():
    """Four entities that succeed or fail together are worth one: the interval is twice as wide."""
    together = counts_of(300, 0.8, entities=1) * 4
    apart = counts_of(300, 0.8, entities=4)
    widths = [np.diff(interval(f1(resample(counts))))[0] for counts in (together, apart)]
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.2)


def test_resamples_are_reproducible(monkeypatch):
    counts = counts_of(40, 0.8)
    drawn = resample(counts)
    assert (resample(counts) == drawn).all()
    assert (resample(counts, seed=1) != drawn).any()
    monkeypatch.setattr(bootstrap, "BLOCK", 100)
    assert (resample(counts) == drawn).all()
    assert (resample(np.stack([counts, counts], axis=1))[:, 1] == drawn).all()


def test_comparison():
    base = counts_of(100, 0.7, seed=1)
    same = compare(base, base)
    assert (same.f1, same.f1_interval, same.p_value) == (0, (0, 0), 1)
    better = compare(counts_of(100, 0.8, seed=2), base)
    assert better.f1 == pytest.approx(0.1, abs=0.05)
    assert better.f1_interval[0] > 0
    assert better.p_value < 0.01
    turned = compare(base, counts_of(100, 0.8, seed=2))
    assert turned.f1 == -better.f1
    assert turned.p_value == pytest.approx(better.p_value, abs=0.005)
    assert compare(base[:1], counts_of(1, 0.0)).p_value == pytest.approx(1)


def test_p_values_of_equal_systems_are_even():
    """Where two systems are equally good, p is below 0.1 in about a tenth of the comparisons."""
    p_values = [compare(counts_of(40, 0.7, 2 * n), counts_of(40, 0.7, 2 * n + 1)).p_value for n in range(60)]
    assert sum(p < 0.1 for p in p_values) <= 13
    assert sum(p < 0.5 for p in p_values) >= 18


def test_confusion():
    gold = [spans((0, 4, "A"), (5, 9, "A"), (20, 25, "B")), spans((0, 4, "A"), (0, 9, "B"))]
    predicted = [spans((0, 4, "B"), (6, 9, "A"), (30, 35, "C")), spans((0, 4, "A"), (1, 9, "B"))]
    assert dict(confusion(predicted, gold)) == {
        ("A", "B"): 1,
        ("A", "A"): 2,
        ("B", NOTHING): 1,
        (NOTHING, "C"): 1,
        ("B", "B"): 1,
    }
    both = [spans((0, 9, "A"), (0, 9, "B"))]
    assert dict(confusion([spans((0, 9, "B"))], both)) == {("B", "B"): 1, ("A", NOTHING): 1}


def test_strata():
    train = [text("Paris and Nice", ("Paris", "city"), ("Nice", "city")), text("Nice people", ("Nice", "trait"))]
    forms = labels_by_form(train)
    tested = text(
        "PARIS, Nice, Oslo and the old town of Oslo Bay", ("PARIS", "city"), ("Nice", "city"), ("Oslo", "city")
    )
    tested = GoldText(tested.text, tested.spans | spans((26, 44, "area")), None)
    found = frozenset(span for span in tested.spans if span.label == "city") - spans((13, 17, "city"))
    scores = score_strata([tested], [found], forms)
    recalls = {name: (score.true_positives, score.gold) for name, score in scores.items()}
    assert recalls == {
        "in train": (1, 1),
        "ambiguous in train": (1, 1),
        "not in train": (0, 2),
        "easy": (1, 1),
        "hard": (1, 3),
        "one word": (2, 3),
        "four words or more": (0, 1),
    }
    assert set(score_strata([tested], [found], None)) == {"one word", "four words or more"}


def scored(rng, right):
    """Candidates whose score is right with the probability `right(score)`, and the gold spans."""
    candidates, gold = [], set()
    for place in range(4000):
        span, score = CharSpan(2 * place, 2 * place + 1, "A"), 0.3 + 0.7 * rng.random()
        candidates.append((span, score))
        if rng.random() < right(score):
            gold.add(span)
    return candidates, gold


def test_calibration():
    rng = random.Random(0)
    candidates, gold = scored(rng, lambda score: score)
    honest = calibrate([candidates], [gold])
    assert honest.error < 0.03
    assert honest.least >= 0.3
    assert [b.low for b in honest.bins] == pytest.approx([0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
    candidates, gold = scored(rng, lambda score: score - 0.25)
    assert calibrate([candidates], [gold]).error == pytest.approx(0.25, abs=0.03)
    candidates, gold = scored(rng, lambda score: 0.65)
    assert calibrate([candidates], [gold]).error == pytest.approx(0.175, abs=0.03)  # too high and too low
    assert calibrate([[(CharSpan(0, 1, "A"), 1.0)], []], [spans((0, 1, "A")), spans()]).error == 0
    assert calibrate([[]], [spans((0, 1, "A"))]) is None


def test_thresholds_for_each_label():
    """A's candidates are right above 0.4, B's above 0.8; C has too few annotations and D's are all elsewhere."""
    documents, gold = [], []
    for place, score in enumerate(np.linspace(0.31, 0.99, 120)):
        candidates = [(CharSpan(10 * i, 10 * i + 5, label), float(score)) for i, label in enumerate("ABD")]
        wanted = [span for span, _ in candidates if score > {"A": 0.4, "B": 0.8, "D": 1}[span.label]]
        wanted.append(CharSpan(60, 65, "D"))
        if place < 3:
            wanted.append(CharSpan(50, 55, "C"))
        documents.append(Scored(candidates, spans()))
        gold.append(spans(*wanted))
    predicted = [frozenset(doc.above({}, 0.5, nested=False)) for doc in documents]
    found = sweep(documents, predicted, gold, nested=False)
    assert found.thresholds["A"] == pytest.approx(0.4)
    assert found.thresholds["B"] == pytest.approx(0.8)
    assert set(found.undecided) == {"C", "D"}
    assert found.thresholds["C"] == found.thresholds["D"] == found.best
    assert found.after.f1 > found.before.f1
    assert min(threshold for threshold, _ in found.curve) == pytest.approx(0.3)
    assert sweep([Scored([], spans())], [spans()], [spans((0, 1, "A"))], nested=False) is None


def test_thresholds_and_other_components():
    """A fixed entity keeps its place in the flat projection; nested spans stay where spans are evaluated."""
    doc = Scored(
        [(CharSpan(0, 9, "A"), 0.9), (CharSpan(20, 25, "A"), 0.6), (CharSpan(20, 23, "B"), 0.5)], spans((5, 9, "R"))
    )
    assert doc.above({}, 0.3, nested=False) == spans((5, 9, "R"), (20, 25, "A"))
    assert doc.above({"B": 0.55}, 0.3, nested=True) == spans((5, 9, "R"), (0, 9, "A"), (20, 25, "A"))
