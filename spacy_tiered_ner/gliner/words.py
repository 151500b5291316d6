"""From a Doc to the words that the encoder sees, and from word spans back to spaCy spans.

Words are spaCy's tokens, white space left out. Only tokens that hold several words for the encoder are divided:
runs of Chinese, Japanese or Korean script (one piece a character) and very long strings (pieces of at most
`MAX_PIECE` characters). A candidate that begins or ends inside such a token is aligned as `alignment_mode` says.
"""

import re
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc, Span

MAX_PIECE = 40
CJK = "\u2e80-\u303f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
HAS_CJK = re.compile(f"[{CJK}]")
PIECES = re.compile(f"[{CJK}]|[^{CJK}]{{1,{MAX_PIECE}}}", re.DOTALL)


@dataclass
class Words:
    """texts: n strings; tokens: index of each word's token, int32 (n,); pieces: {word: (start, end)} in characters
    of the document, only for words that are part of a token.
    """

    texts: list[str]
    tokens: np.ndarray
    pieces: dict[int, tuple[int, int]]

    def __len__(self) -> int:
        return len(self.texts)


def split_words(doc: Doc) -> Words:
    """RETURNS (Words): The words of a document in order."""
    texts: list[str] = []
    tokens: list[int] = []
    pieces: dict[int, tuple[int, int]] = {}
    for token in doc:
        text = token.text
        if token.is_space:
            continue
        if len(text) <= MAX_PIECE and (text.isascii() or len(text) == 1 or not HAS_CJK.search(text)):
            texts.append(text)
            tokens.append(token.i)
            continue
        found = list(PIECES.finditer(text))
        for match in found:
            if len(found) > 1:
                pieces[len(texts)] = (token.idx + match.start(), token.idx + match.end())
            texts.append(match.group())
            tokens.append(token.i)
    return Words(texts, np.array(tokens, dtype=np.int32), pieces)


def span_of(doc: Doc, words: Words, first: int, last: int, label: str, alignment_mode: str) -> Span | None:
    """The spaCy span of the words first..last (inclusive).

    RETURNS (Optional[Span]): None where `alignment_mode` leaves nothing.
    """
    start, end = int(words.tokens[first]), int(words.tokens[last]) + 1
    if alignment_mode == "expand" or not (first in words.pieces or last in words.pieces):
        return Span(doc, start, end, label=label)
    begin = words.pieces[first][0] if first in words.pieces else doc[start].idx
    finish = words.pieces[last][1] if last in words.pieces else doc[end - 1].idx + len(doc[end - 1])
    return doc.char_span(begin, finish, label=label, alignment_mode=alignment_mode)
