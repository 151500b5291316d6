import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, Span

from spacy_tiered_ner.spans import flat, write_ents, write_group

WORDS = ["a", "b", "c", "d", "e", "f"]


@pytest.fixture
def doc() -> Doc:
    return Doc(spacy.blank("en").vocab, words=WORDS)


def make(doc: Doc, *places: tuple[int, int]) -> list[Span]:
    return [Span(doc, start, end, label=f"L{number}") for number, (start, end) in enumerate(places)]


@pytest.mark.parametrize(
    ("places", "scores", "expected"),
    [
        ([], [], []),
        ([(0, 2), (1, 3)], [0.6, 0.9], [(1, 3)]),
        ([(0, 1), (0, 3)], [0.7, 0.7], [(0, 3)]),
        ([(0, 3), (0, 1)], [0.7, 0.71], [(0, 1)]),
        ([(0, 2), (1, 3), (2, 4)], [0.8, 0.9, 0.7], [(1, 3)]),
        ([(0, 2), (1, 3), (2, 4)], [0.9, 0.8, 0.7], [(0, 2), (2, 4)]),
        ([(4, 6), (0, 2)], [0.9, 0.1], [(0, 2), (4, 6)]),
        ([(0, 2), (1, 3)], [0.5, 0.5], [(0, 2)]),
    ],
)
def test_flat(doc, places, scores, expected):
    assert [(span.start, span.end) for span in flat(make(doc, *places), scores)] == expected


@pytest.mark.parametrize("seed", range(20))
def test_flat_never_overlaps_and_leaves_out_only_what_a_better_span_covers(doc, seed):
    random = np.random.default_rng(seed)
    places = [tuple(sorted(random.choice(7, 2, replace=False).tolist())) for _ in range(8)]
    scores = random.permutation(8).tolist()
    spans = make(doc, *places)
    chosen = flat(spans, scores)
    tokens = [i for span in chosen for i in range(span.start, span.end)]
    assert tokens == sorted(set(tokens))
    for span, score in zip(spans, scores, strict=True):
        better = [other for other in chosen if scores[spans.index(other)] >= score]
        assert any(other.start < span.end and span.start < other.end for other in better)


def test_same_span_with_two_labels_takes_the_higher(doc):
    assert [span.label_ for span in flat(make(doc, (0, 2), (0, 2)), [0.6, 0.9])] == ["L1"]


def test_write_group_sorts_everything_alike(doc):
    spans = make(doc, (2, 3), (0, 1), (0, 2), (0, 2))
    write_group(doc, "key", spans, [0.1, 0.2, 0.3, 0.4], "tier", ["w", "x", "y", "z"], [0.01, 0.02, 0.03, 0.04])
    group = doc.spans["key"]
    assert [span.label_ for span in group] == ["L3", "L2", "L1", "L0"]
    assert group.attrs["scores"].tolist() == np.float32([0.4, 0.3, 0.2, 0.1]).tolist()
    assert group.attrs["scores"].dtype == group.attrs["runner_up_scores"].dtype == np.float32
    assert group.attrs["runner_up_labels"] == ["z", "y", "x", "w"]
    assert group.attrs["runner_up_scores"].tolist() == np.float32([0.04, 0.03, 0.02, 0.01]).tolist()
    assert group.attrs["tiers"] == ["tier"] * 4


def test_write_group_replaces_and_may_be_empty(doc):
    write_group(doc, "key", make(doc, (0, 1)), [0.5], "tier", [""], [0.0])
    write_group(doc, "key", [], [], "tier", [], [])
    assert len(doc.spans["key"]) == 0
    assert doc.spans["key"].attrs["scores"].shape == (0,)


@pytest.mark.parametrize(
    ("overwrite", "expected", "written"),
    [
        (False, [(0, 2, "OLD"), (3, 4, "OLD"), (5, 6, "NEW")], 1),
        (True, [(1, 3, "NEW"), (3, 4, "OLD"), (5, 6, "NEW")], 2),
    ],
)
def test_write_ents(doc, overwrite, expected, written):
    doc.set_ents([Span(doc, 0, 2, "OLD"), Span(doc, 3, 4, "OLD")])
    new = [Span(doc, 1, 3, "NEW"), Span(doc, 5, 6, "NEW")]
    assert write_ents(doc, new, overwrite) == written
    assert [(ent.start, ent.end, ent.label_) for ent in doc.ents] == expected


@pytest.mark.parametrize("overwrite", [False, True])
def test_write_ents_into_an_empty_document(doc, overwrite):
    assert write_ents(doc, [Span(doc, 1, 3, "NEW")], overwrite) == 1
    assert [(ent.start, ent.end) for ent in doc.ents] == [(1, 3)]


def test_ids_stay_with_kept_entities_and_leave_with_replaced_ones(doc):
    doc.set_ents([Span(doc, 0, 2, "OLD", kb_id="Q1", span_id="one"), Span(doc, 3, 5, "OLD", kb_id="Q2", span_id="two")])
    write_ents(doc, [Span(doc, 0, 1, "NEW")], overwrite=True)
    assert [(ent.label_, ent.kb_id_, ent.ent_id_) for ent in doc.ents] == [("NEW", "", ""), ("OLD", "Q2", "two")]
    assert doc[1].ent_id_ == ""
