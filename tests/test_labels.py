import numpy as np
import pytest

from spacy_tiered_ner.gliner.engine import load_tokenizer
from spacy_tiered_ner.gliner.labels import LabelSet, parse_labels
from spacy_tiered_ner.gliner.prompt import PromptTokenizer
from spacy_tiered_ner.gliner.source import STARTER, ModelFiles


@pytest.fixture(scope="module")
def tokenizer():
    files = ModelFiles(STARTER)
    return PromptTokenizer(load_tokenizer(files), files.config, 512)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["person"], LabelSet(("person",), (("person",),), (None,))),
        (("b", "a"), LabelSet(("b", "a"), (("b",), ("a",)), (None, None))),
        ({"ORG": "company"}, LabelSet(("ORG",), (("company",),), (None,))),
        ({"ORG": None}, LabelSet(("ORG",), (("ORG",),), (None,))),
        ({"ORG": {}}, LabelSet(("ORG",), (("ORG",),), (None,))),
        ({"ORG": {"prompts": ["company", "club"]}}, LabelSet(("ORG",), (("company", "club"),), (None,))),
        ({"ORG": {"description": "a group"}}, LabelSet(("ORG",), (("ORG: a group",),), (None,))),
        ({"ORG": {"threshold": 1}, "a": "b"}, LabelSet(("ORG", "a"), (("ORG",), ("b",)), (1.0, None))),
    ],
)
def test_forms(labels, expected):
    assert parse_labels(labels) == expected


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        ([], "T001"),
        ({}, "T001"),
        (["a", "b", "a"], "T002"),
        ("person", "T003"),
        (None, "T003"),
        (7, "T003"),
        ([1], "T003"),
        ([None], "T003"),
        ([["a"]], "T003"),
        ([""], "T003"),
        ([" \t"], "T003"),
        ({1: "a"}, "T003"),
        ({"a": ""}, "T003"),
        ({"a": 1}, "T003"),
        ({"a": ["b"]}, "T003"),
        ({"a": {"prompt": ["b"]}}, "T003"),
        ({"a": {"prompts": "company"}}, "T003"),
        ({"a": {"prompts": 3}}, "T003"),
        ({"a": {"prompts": ["b", ""]}}, "T003"),
        ({"a": {"prompts": [3]}}, "T003"),
        (["\ud800"], "T005"),
        ({"a": "x\udfff"}, "T005"),
        ({"a": {"threshold": 1.5}}, "T010"),
        ({"a": {"threshold": -0.1}}, "T010"),
        ({"a": {"threshold": "high"}}, "T010"),
        ({"a": {"threshold": True}}, "T010"),
        ({"a": {"threshold": float("nan")}}, "T010"),
    ],
)
def test_bad_forms(labels, code):
    with pytest.raises(ValueError, match=rf"\[{code}\]"):
        parse_labels(labels)


def test_cutoffs():
    cutoffs = parse_labels({"a": {"threshold": 0.25}, "b": {}}).cutoffs(0.75)
    assert cutoffs.dtype == np.float32
    assert cutoffs.tolist() == [0.25, 0.75]


def marker_count(tokenizer, ids) -> int:
    return int((np.asarray(ids) == tokenizer.tokenizer.token_to_id("<<ENT>>")).sum())


def test_prompt_layout(tokenizer):
    (prompt,) = tokenizer.prompts(parse_labels(["person", "big city"]))
    pieces = [tokenizer.tokenizer.id_to_token(int(i)) for i in prompt.ids]
    assert pieces == ["[CLS]", "<<ENT>>", "person", "<<ENT>>", "big", "city", "<<SEP>>"]
    assert prompt.positions.tolist() == [1, 3]


@pytest.mark.parametrize("label", ["<<ENT>>", "a <<ENT>> b", "<<SEP>>", "[SEP]", "\x00", "\u200b", "é\u0301", "人"])
def test_odd_labels_keep_the_layout(tokenizer, label):
    (prompt,) = tokenizer.prompts(parse_labels(["person", label, "city"]))
    ids = prompt.ids.tolist()
    assert marker_count(tokenizer, ids) == len(prompt.positions) == 3
    assert ids.count(tokenizer.tokenizer.token_to_id("<<SEP>>")) == 1
    assert {ids[i] for i in prompt.positions} == {tokenizer.tokenizer.token_to_id("<<ENT>>")}


def test_many_labels_are_split_and_keep_order(tokenizer):
    prompts = tokenizer.prompts(parse_labels([f"label number {i}" for i in range(500)]))
    assert len(prompts) > 1
    assert sum(len(prompt.positions) for prompt in prompts) == 500
    assert max(len(prompt.ids) for prompt in prompts) <= 256
    alone = tokenizer.encode_label("label number 499")[0]
    assert prompts[-1].ids[prompts[-1].positions[-1] :][: len(alone)].tolist() == alone


def test_a_label_longer_than_the_window(tokenizer):
    with pytest.raises(ValueError, match=r"\[T004\]"):
        tokenizer.prompts(parse_labels(["person", "very " * 300 + "long"]))


def test_markers_in_text_lose_their_meaning(tokenizer):
    subwords, shortened = tokenizer.words(["a", "<<ENT>>", "x<<SEP>>y", "b"], 100)
    assert len(subwords.lengths) == 4
    assert shortened == 0
    assert not set(subwords.ids.tolist()) & tokenizer.markers
    assert subwords.starts.tolist() == [0, 1, 2, 2 + int(subwords.lengths[2])]


def test_words_without_and_with_too_many_subwords(tokenizer):
    subwords, shortened = tokenizer.words(["a", "\x00", "antidisestablishmentarianism", "b"], 3)
    assert subwords.lengths.tolist() == [1, 0, 3, 1]
    assert subwords.starts.tolist() == [0, 1, 1, 4]
    assert len(subwords.ids) == 5
    assert shortened == 1
