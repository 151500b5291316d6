"""What training takes from documents: gold spans, windows, labels and their wording, and what it has to leave out."""

import random
from collections import Counter

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example

pytest.importorskip("gliner")

from miniatures import build_miniature

from spacy_tiered_ner import extensions
from spacy_tiered_ner.gliner.labels import parse_labels
from spacy_tiered_ner.gliner.training.gold import read_gold

WORDS = ["Cranes", "at", "the", "Port", "of", "Mombasa", "unload", "timber", "."]


@pytest.fixture(scope="module")
def make_pipe(tmp_path_factory):
    weights = str(build_miniature("bert", tmp_path_factory.mktemp("bert") / "weights"))

    def make(training: dict | None = None, **config):
        nlp = spacy.blank("en")
        settings = {"model": weights, "runtime": "torch", "labels": ["port", "city"], "training": training or {}}
        return nlp.add_pipe("gliner_ner", config={**settings, **config})

    return make


def example_of(words=WORDS, ents=(), group=None, **options) -> Example:
    """ents, group: (start, end, label) in tokens of the reference."""
    reference = Doc(VOCAB, words=words)
    reference.set_ents([Span(reference, *span) for span in ents], **{"default": "outside", **options})
    if group is not None:
        reference.spans["gliner"] = [Span(reference, *span) for span in group]
    return Example(Doc(VOCAB, words=words), reference)


VOCAB = spacy.blank("en").vocab


def make_doc(tokens: list[str]) -> Doc:
    """A token may have a space behind it."""
    return Doc(VOCAB, words=[token.rstrip(" ") for token in tokens], spaces=[token.endswith(" ") for token in tokens])


def gold(example: Example, counts=None):
    extensions.register()
    return read_gold(example, "gliner", Counter() if counts is None else counts)


def test_gold_is_the_group_or_else_the_entities():
    nested = [(3, 6, "port"), (5, 6, "city"), (5, 6, "place")]
    assert gold(example_of(ents=[(5, 6, "city")])).spans == [(5, 5, "city")]
    assert gold(example_of(ents=[(5, 6, "city")], group=nested)).spans == [
        (3, 5, "port"),
        (5, 5, "city"),
        (5, 5, "place"),
    ]
    assert gold(example_of(ents=[(5, 6, "city")], group=[])).spans == []


def test_candidates_of_a_model_are_no_gold():
    example = example_of(ents=[(5, 6, "city")])
    doc = example.reference
    doc.spans["gliner"] = SpanGroup(doc, name="gliner", spans=[doc[0:1]], attrs={"scores": np.ones(1)})
    assert gold(example).spans == [(5, 5, "city")]


def test_unannotated_and_empty_documents():
    counts: Counter = Counter()
    assert gold(Example(Doc(VOCAB, words=WORDS), Doc(VOCAB, words=WORDS)), counts) is None
    assert gold(example_of(words=[]), counts) is None
    assert gold(example_of(), counts).spans == []
    assert counts["documents"] == 3
    assert counts["unannotated"] == 1


def test_white_space_and_other_tokens_of_the_reference_are_aligned():
    reference = Doc(
        VOCAB,
        words=["\n", "New", "York", "-", "based", "\n", "firm"],
        spaces=[False, True, False, False, True, False, False],
    )
    predicted = Doc(
        VOCAB, words=["\n", "New", "York", "-based", "\n", "firm"], spaces=[False, True, False, True, False, False]
    )
    spans = [Span(reference, 1, 3, "city"), Span(reference, 3, 4, "HYPHEN"), Span(reference, 6, 7, "FIRM")]
    reference.set_ents(spans, default="outside")
    counts: Counter = Counter()
    assert gold(Example(predicted, reference), counts).spans == [(0, 1, "city"), (3, 3, "FIRM")]
    assert counts["spans"] == 3
    assert counts["unaligned"] == 1


def rows_of(pipe, example: Example, vocabulary=("city", "port")):
    return pipe.trainer.row_maker.rows(gold(example), vocabulary, Counter())


def batch_of(pipe, example: Example, vocabulary=("city", "port"), labels=None):
    maker = pipe.trainer.row_maker
    wordings = parse_labels(labels or list(vocabulary))
    return next(maker.batches(rows_of(pipe, example, vocabulary), wordings, 8))


def asked(pipe, batch) -> list[str]:
    """The prompt of the first row as text, label by label."""
    tokenizer = pipe.predictor.tokenizer.tokenizer
    text = tokenizer.decode(batch.inputs["input_ids"][0].tolist(), skip_special_tokens=False)
    return [part.replace(" ", "").replace("##", "") for part in text.split("<<SEP>>")[0].split("<<ENT>>")[1:]]


def test_targets_stand_where_the_spans_are(make_pipe):
    pipe = make_pipe()
    example = example_of(group=[(3, 6, "port"), (5, 6, "city")])
    batch = batch_of(pipe, example)
    names = asked(pipe, batch)
    found = {(int(i), int(i + k), names[c]) for _, i, k, c in np.argwhere(batch.targets)}
    assert found == {(3, 5, "port"), (5, 5, "city")}
    width = pipe.files.config["max_width"]
    count = len(WORDS)
    assert batch.mask[0, ..., 0].sum() == sum(min(width, count - i) for i in range(count))


def test_missing_annotation_does_not_count(make_pipe):
    pipe = make_pipe()
    reference = Doc(VOCAB, words=WORDS)
    reference.set_ents([Span(reference, 5, 6, "city")], missing=[reference[7:8]], default="outside")
    batch = batch_of(pipe, Example(Doc(VOCAB, words=WORDS), reference))
    mask = batch.mask[0, ..., 0]
    assert not mask[7].any()
    assert mask[6, 0]
    assert not mask[6, 1:].any()
    assert mask[8, 0]


def test_labels_of_a_document_are_asked_instead(make_pipe):
    pipe = make_pipe()
    example = example_of(group=[(5, 6, "town")])
    example.reference._.gliner_labels = ["town", "ship"]
    (row,) = pipe.trainer.rows([example], ["city", "port"])
    assert set(row.vocabulary) == {"town", "ship"}


def test_negatives_and_label_dropout(make_pipe):
    random.seed(0)
    vocabulary = ["city", *(first + second for first in "abcde" for second in "mnop")]
    example = example_of(group=[(5, 6, "city")])
    counts = Counter()
    pipe = make_pipe()
    assert sorted(asked(pipe, batch_of(pipe, example, vocabulary))) == sorted(vocabulary)
    pipe = make_pipe({"negatives": 3, "label_dropout": 0.5})
    for _ in range(60):
        names = asked(pipe, batch_of(pipe, example, vocabulary))
        counts["city" in names, len(names)] += 1
    assert set(counts) == {(True, 4), (False, 1)}
    assert 15 < counts[True, 4] < 45


def test_wording_is_drawn_from_the_prompts(make_pipe):
    pipe = make_pipe()
    labels = {"city": {"prompts": ["city", "town", "place"]}, "port": "harbour"}
    example = example_of(group=[(5, 6, "city")])
    seen = {name for _ in range(40) for name in asked(pipe, batch_of(pipe, example, labels=labels))}
    assert seen == {"city", "town", "place", "harbour"}


def test_balanced_weights_raise_rare_labels(make_pipe):
    pipe = make_pipe({"class_weights": "balanced"})
    batch_of(pipe, example_of(group=[(0, 1, "port"), (3, 6, "port"), (7, 8, "port"), (5, 6, "city")]))
    maker = pipe.trainer.row_maker
    assert maker.weight("city") > 1 > maker.weight("port") > 0
    assert maker.weight("never seen") == 1


def test_labels_never_take_more_than_half_of_the_window(make_pipe):
    pipe = make_pipe()
    vocabulary = [f"a rather long label with number {number}" for number in range(300)]
    example = example_of(group=[(5, 6, vocabulary[77])])
    batch = batch_of(pipe, example, vocabulary)
    assert batch.inputs["input_ids"].shape[1] <= pipe.predictor.tokenizer.limit
    assert 1 < batch.mask.shape[-1] < 300
    assert batch.targets.sum() == 1


def test_long_documents_are_cut_into_windows_that_hold_every_span(make_pipe):
    pipe = make_pipe(window=20, stride=12)
    words = [f"w{i % 7}" for i in range(200)]
    spans = [(i, i + 1 + i % 6, "city") for i in range(0, 190, 3)]
    example = example_of(words=words, group=spans)
    counts: Counter = Counter()
    rows = pipe.trainer.row_maker.rows(gold(example), ["city"], counts)
    assert len(rows) > 10
    assert max(len(row.missing) for row in rows) <= 20
    assert counts["cut"] == counts["too_wide"] == 0
    assert sum(len(row.spans) for row in rows) >= len(spans)


def test_what_cannot_be_learned_is_counted_and_reported(make_pipe):
    pipe = make_pipe()
    wide = example_of(group=[(0, 9, "port"), (5, 6, "city")])
    part = Doc(VOCAB, words=["Mombasa-based", "firm"])
    whole = make_doc(["Mombasa", "-based ", "firm"])
    whole.set_ents([Span(whole, 0, 1, "city")], default="outside")
    bare = Example(Doc(VOCAB, words=WORDS), Doc(VOCAB, words=WORDS))
    with pytest.warns(UserWarning, match="W00[36]") as caught:
        pipe.initialize(lambda: [wide, Example(part, whole), bare])
    texts = [str(warning.message) for warning in caught]
    assert any(
        "[W003] 2 of 3" in text and "1 are wider than the 6 words" in text and "1 do not begin" in text
        for text in texts
    )
    assert any("[W006] 1 of 3" in text for text in texts)


def test_labels_that_only_further_data_has_are_named(make_pipe):
    pipe = make_pipe(labels=["city"])
    with pytest.warns(UserWarning, match=r"W004\] 1 annotated.*port"):
        pipe.update([example_of(group=[(3, 6, "port"), (5, 6, "city")])])


def test_annotated_labels_that_are_not_looked_for_are_named_when_scored(make_pipe):
    pipe = make_pipe(labels=["city"])
    example = example_of(ents=[(3, 6, "port")])
    example.predicted = pipe(example.predicted)
    with pytest.warns(UserWarning, match=r"W007.*port"):
        scores = pipe.score([example])
    assert scores["ents_r"] == 0.0


def test_data_without_spans(make_pipe):
    nothing = [example_of(), example_of()]
    with pytest.raises(ValueError, match="T052"):
        make_pipe(labels=None).initialize(lambda: nothing)
    unannotated = [Example(Doc(VOCAB, words=WORDS), Doc(VOCAB, words=WORDS))]
    pipe = make_pipe()
    with pytest.warns(UserWarning, match="W006"), pytest.raises(ValueError, match="T052"):
        pipe.update(unannotated)
    with pytest.raises(ValueError, match="T052"):
        make_pipe(labels=None).update([example_of(ents=[(5, 6, "city")])])


def test_rehearsal_mixes_in_its_share(make_pipe):
    random.seed(0)
    pipe = make_pipe({"rehearsal": 0.5})
    examples = [example_of(group=[(5, 6, "city")]) for _ in range(4)]
    own = general = 0
    for _ in range(5):
        for row in pipe.trainer.rows(examples, ["city", "port"]):
            if list(row.vocabulary) == ["city", "port"]:
                own += 1
            else:
                general += 1
                assert row.vocabulary
    assert own == 20 <= general <= 22  # a long passage gives two rows


def test_rehearsal_from_a_file_of_ones_own(make_pipe, tmp_path):
    path = tmp_path / "general.jsonl"
    path.write_text(
        '{"text": "Rain in Cork.", "spans": [{"start": 8, "end": 12, "label": "town"}], "labels": ["town", "river"]}'
    )
    pipe = make_pipe({"rehearsal": 0.9, "rehearsal_corpus": str(path)})
    rows = pipe.trainer.rows([example_of(group=[(5, 6, "city")])], ["city"])
    assert len(rows) == 10
    assert sorted(rows[-1].vocabulary) == ["river", "town"]
    assert rows[-1].spans == [(2, 2, "town")]
