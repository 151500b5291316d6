"""Placeholders and operators: what stands in for a value, who gets the same, and the way back."""

import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_tiered_ner.pii.finding import Finding
from spacy_tiered_ner.pii.placeholders import Placeholders

LABELS = ["PERSON", "EMAIL", "date of birth", "TEXT", "1st"]
TAGLIKE = ["<PERSON_1>", "PERSON_1", "person_1b", "<person 2>", "[EMAIL_1]", "\\<PERSON\\_1\\>", "<TEXT_1>", "_1", "b"]
WORDS = [
    "Ada",
    "ADA",
    "Ada Lovelace",
    "Lovelace's",
    "ada@x.org",
    "👩‍🚀",
    "e\u0301",
    " ",
    "\n",
    "<",
    ">",
    "[",
    "\\",
    "7",
]
fragments = st.lists(st.sampled_from([*TAGLIKE, *WORDS]) | st.text(max_size=4), min_size=1, max_size=14)


@st.composite
def documents(draw):
    """A text, and findings anywhere in it: on fragments, across them, overlapping."""
    parts = draw(fragments)
    text = "".join(parts)
    findings = []
    for _ in range(draw(st.integers(0, 4)) if text else 0):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        findings.append(Finding(start, end, draw(st.sampled_from(LABELS)), draw(st.floats(0, 1)), "test"))
    return text, findings


def find(text: str, *values: tuple[str, str]) -> list[Finding]:
    """A finding for each (value, label), each after the one before."""
    findings, position = [], 0
    for value, label in values:
        start = text.index(value, position)
        position = start + len(value)
        findings.append(Finding(start, position, label, 0.9, "test"))
    return findings


@settings(max_examples=1000, deadline=None)
@given(st.lists(documents(), min_size=1, max_size=3))
def test_placeholders_restore_exactly_what_they_replaced(texts):
    placeholders = Placeholders()
    masked = [placeholders.mask(text, findings) for text, findings in texts]
    assert [placeholders.restore(text) for text in masked] == [text for text, _ in texts]
