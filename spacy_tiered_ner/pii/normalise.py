"""What a reader sees, for the detectors: tricks with characters undone, and a way back to the text as it is.

Zero-width characters are left out; full-width letters and digits, digits of other scripts, typographic dashes and
spaces become ASCII; a Cyrillic or Greek letter that looks like a Latin one becomes it where Latin letters or digits
stand in the same word, so that words that are wholly Cyrillic or Greek stay as they are.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

import numpy as np
from spacy.tokens import Doc

from .finding import Finding

INVISIBLE = (
    "\u00ad\u0300-\u036f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff"
)
LEFT_OUT = re.compile(f"[{INVISIBLE}]")
FOREIGN_WORD = re.compile(r"[\w@.\-+]*[\u0370-\u052f][\w@.\-+]*")
LATIN = re.compile("[A-Za-z0-9]")
LOOKALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухԁһԛԝгΑΒΕΖΗΙΚΜΝΟΡΤΥΧαινορυϲϳ", "ABESIJKMHOPCTYXaesijopcyxdhqwrABEZHIKMNOPTYXaivopucj"
)
DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63"


@lru_cache(maxsize=4096)
def plain(char: str) -> str:
    """RETURNS (str): The ASCII character that this one stands for, or itself."""
    if char in DASHES:
        return "-"
    if char in "\u2018\u2019\u02bc\uff07":
        return "'"
    digit = unicodedata.digit(char, None)
    if digit is not None and unicodedata.category(char) == "Nd":
        return str(digit)
    compatible = unicodedata.normalize("NFKC", char)
    return compatible if len(compatible) == 1 and compatible.isascii() else char


def plain_text(text: str) -> str:
    """RETURNS (str): The text with every character replaced by what it stands for, as long as before."""
    if text.isascii():
        return text
    text = "".join(char if char.isascii() else plain(char) for char in text)
    return FOREIGN_WORD.sub(unmasked, text)


def unmasked(match: re.Match) -> str:
    word = match.group()
    return word.translate(LOOKALIKES) if LATIN.search(word) else word


class Reading:
    """A document as the detectors read it.

    doc (Doc): The document itself, or one with the same tokens and plain characters.
    """

    def __init__(self, doc: Doc):
        self.doc = doc
        self.kept: np.ndarray | None = None
        text = doc.text
        if text.isascii():
            return
        plain = plain_text(text)
        hidden = LEFT_OUT.search(plain)
        if plain == text and not hidden:
            return
        pairs = []
        for token in doc:
            word = plain[token.idx : token.idx + len(token)]
            word = LEFT_OUT.sub("", word) if hidden else word
            if word:
                pairs.append((word, bool(token.whitespace_)))
            elif token.whitespace_:
                pairs.append((" ", False))
        self.doc = Doc(doc.vocab, words=[word for word, _ in pairs], spaces=[space for _, space in pairs])
        if hidden:
            self.kept = kept_characters(doc, plain)

    def restore(self, findings: Iterable[Finding]) -> list[Finding]:
        """RETURNS (List[Finding]): Where the findings are in the document itself."""
        kept = self.kept
        if kept is None:
            return list(findings)
        return [replace(f, start=int(kept[f.start]), end=int(kept[f.end - 1]) + 1) for f in findings]


def kept_characters(doc: Doc, text: str) -> np.ndarray:
    """RETURNS (ndarray): The position of every character that the reading keeps, int (n,)."""
    hidden = {match.start() for match in LEFT_OUT.finditer(text)}
    kept = [i for i in range(len(text)) if i not in hidden]
    return np.array(kept, dtype=np.int64)
