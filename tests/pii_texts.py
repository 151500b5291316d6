"""Texts with findings for the tests of what replaces them."""

from hypothesis import strategies as st

from spacy_tiered_ner.pii.finding import Finding

KEY = "a secret that is long enough"
LABELS = ["PERSON", "EMAIL", "DATE", "date of birth", "TEXT", "1st"]
TAG_LIKE = ["<PERSON_1>", "PERSON_1", "person_1b", "<person 2>", "[EMAIL_1]", "\\<PERSON\\_1\\>", "<TEXT_1>", "_1", "b"]
WORDS = [
    "Ada",
    "ADA",
    "Ada Lovelace",
    "Lovelace's",
    "ada@x.org",
    "1815-12-10",
    "田中太郎",
    "राम कुमार",
    "e\u0301",
    "👩\u200d🚀",
]
MARKS = [" ", " ", "\n", "<", ">", "[", "\\", "&lt;", "7", ":", "\u200b"]
fragments = st.lists(st.sampled_from([*TAG_LIKE, *WORDS, *MARKS]) | st.text(max_size=4), min_size=1, max_size=14)


@st.composite
def documents(draw):
    """A text, and findings anywhere in it: on its fragments, across them, overlapping."""
    text = draw(st.sampled_from(["", " "])).join(draw(fragments))
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
