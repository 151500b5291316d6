"""Streams: nothing escapes across a border of chunks, what is held is bounded, and the bound is closed."""

import re

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_tiered_ner.pii.finding import Finding
from spacy_tiered_ner.pii.pieces import substitute
from spacy_tiered_ner.pii.redaction import Redactor
from spacy_tiered_ner.pii.stream import StreamRedactor, StreamRestorer

LETTER = (
    "Dear Ms Lovelace,\nthe card 4111 1111 1111 1111 of Ada Lovelace was charged. Write to\nada@lovelace.org or "
    "call +44 20 7946 0958! The server 10.0.0.17 has it; ADA LOVELACE agreed.\n\n"
    "Yours, Charles Babbage (charles@babbage.org)"
)
NAME = re.compile(r"\b[A-Z]\w+(?: [A-Z]\w+)+|\S+@\S+\w")


def names(text):
    return [Finding(match.start(), match.end(), "PERSON", 0.9, "name") for match in NAME.finditer(text)]


def masked(text, findings):
    return Redactor(default="mask").redact(text, findings).text


def chunks_of(text, sizes):
    """Cut a text into chunks of these sizes, over and over."""
    position = number = 0
    while position < len(text):
        yield text[position : position + sizes[number % len(sizes)]]
        position += sizes[number % len(sizes)]
        number += 1


@pytest.fixture(scope="module")
def pipe():
    config = {"gliner": None, "deny_list": {"PERSON": ["Ada Lovelace", "Charles Babbage"]}, "default_operator": "mask"}
    return spacy.blank("en").add_pipe("pii_redactor", config=config)


sentences = st.lists(
    st.sampled_from(
        ["Ada Lovelace came.", "it rained\n", "mail bob@x.org!", "A b c.", "Eve Van Der Berg", "\n\n", "x" * 50]
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(sentences, st.lists(st.integers(1, 90), min_size=1, max_size=5), st.sampled_from([140, 300, 4000]))
def test_any_chunks_give_what_the_whole_text_gives(parts, sizes, limit):
    text = " ".join(parts)
    stream = StreamRedactor(names, masked, limit=limit, lookahead=60)
    assert "".join(stream(chunks_of(text, sizes))) == masked(text, names(text))
    assert not stream.withheld


@pytest.mark.parametrize("sizes", [[1], [7], [3, 50, 1], [1000]])
def test_real_rules_find_the_same_in_a_stream(pipe, sizes):
    text = LETTER * 3
    whole = pipe.redact(text).text
    assert whole.count("*") > 200
    assert "".join(pipe.redact_stream(chunks_of(text, sizes), limit=1000, lookahead=100)) == whole


def test_text_goes_out_while_it_comes_in():
    stream = StreamRedactor(names, masked, limit=1000, lookahead=50)
    text = "It rained all day. " * 40
    held = [len(text[: end + 10]) - sum(map(len, out)) for end, out in fed(stream, text, 10)]
    assert max(held) <= 50 + len("It rained all day. ") + 10


def fed(stream, text, size):
    out = []
    for start in range(0, len(text), size):
        out.append(stream.feed(text[start : start + size]))
        yield start, out


def test_what_was_found_once_is_found_later_without_help():
    def only_in_full(text):
        return [Finding(m.start(), m.end(), "PERSON", 0.9, "x") for m in re.finditer("Ada Lovelace", text)]

    text = "Ada Lovelace wrote it. " + "It rained all day. " * 20 + "Lovelace agreed, ADA LOVELACE too."
    out = "".join(StreamRedactor(only_in_full, masked, limit=500, lookahead=60)(chunks_of(text, [9])))
    assert "lovelace" not in out.lower()
    assert out.count("It rained all day.") == 20


def test_context_before_a_border_still_counts(pipe):
    text = (
        "It rained all day, all night and in the morning. " * 4
        + "The passport number is below.\nC01X00T47\n"
        + "Bye. " * 60
    )
    whole = pipe.redact(text).text
    assert "C01X00T47" not in whole
    assert "".join(pipe.redact_stream(chunks_of(text, [20]), limit=400, lookahead=60)) == whole


@pytest.mark.parametrize("size", [1, 7, 100, 10**6])
def test_endless_word_is_withheld_up_to_the_next_space(size):
    text = f"Hello there. {'x' * 5000} and then. More of it."
    stream = StreamRedactor(names, masked, limit=200, lookahead=50)
    with pytest.warns(UserWarning, match=r"W211.*200 characters \(`limit`\)"):
        out = "".join(stream(chunks_of(text, [size])))
    assert out == "Hello there. [WITHHELD] and then. More of it."
    assert stream.withheld == 5000


@pytest.mark.parametrize("size", [1, 50, 10**6])
def test_endless_finding_is_withheld_up_to_a_blank_line(size):
    def key_block(text):
        begin = text.find("BEGIN KEY")
        return [Finding(begin, len(text), "API_KEY", 1.0, "x")] if begin >= 0 else []

    text = f"Hello there. BEGIN KEY {'abcd efgh. ' * 200}\n \nAnd then. More of it."
    with pytest.warns(UserWarning, match="W211"):
        out = "".join(StreamRedactor(key_block, masked, limit=300, lookahead=50)(chunks_of(text, [size])))
    assert out.startswith("Hello there. [WITHHELD]")
    assert out.endswith("And then. More of it.")
    assert "abcd" not in out


def test_never_more_is_held_than_the_bound():
    stream = StreamRedactor(names, masked, limit=200, lookahead=50)
    for text in ("x" * 1000, "a " * 1000, "Ada Lovelace. " * 200, "Ada Lovelace " * 200):
        for _, _ in fed(stream, text, 30):
            assert len(stream._held) <= 230
            assert len(stream._context) <= 50


@pytest.mark.parametrize(("limit", "lookahead"), [(100, 60), (0, 1), (10, 0)])
def test_bounds_that_cannot_work(pipe, limit, lookahead):
    with pytest.raises(ValueError, match="T014"):
        list(pipe.redact_stream(["text"], limit=limit, lookahead=lookahead))


def test_failing_detector_withholds_a_stream(pipe, monkeypatch):
    monkeypatch.setitem(pipe.detectors.rules, "email", lambda doc: 1 / 0)
    with pytest.warns(UserWarning, match="W200"):
        out = "".join(pipe.redact_stream(chunks_of(LETTER, [40]), limit=400, lookahead=50))
    assert set(out.split()) == {"[WITHHELD]"}


TAGS = {"<PERSON_1>": "Ada Lovelace", "<EMAIL_1>": "ada@x.org", "Maria Lopez": "Bob"}


def tags(text):
    found = [(m.start(), m.end(), TAGS[m[0]]) for m in re.finditer("|".join(TAGS), text)]
    return sorted(found)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([*TAGS, " ", " ", "a", "<", "Maria", "\n"]), max_size=40),
    st.lists(st.integers(1, 9), min_size=1),
)
def test_restored_stream_is_the_restored_text(parts, sizes):
    text = "".join(parts)
    assert "".join(StreamRestorer(tags, 12)(chunks_of(text, sizes))) == substitute(text, tags(text))
