"""A document with the redacted text and the annotations of the original."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from spacy.tokens import Doc, Span, Token
from spacy.vocab import Vocab

from ..spans import flat, write_gold, write_group
from .redaction import Redaction

PARALLEL = ("scores", "tiers", "runner_up_labels", "runner_up_scores")


@dataclass
class Word:
    """A token of the redacted document. old (Optional[Token]): What it was, None where it was replaced."""

    start: int
    text: str
    old: Token | None = None
    space: bool = False


def redacted_doc(doc: Doc, redaction: Redaction, vocab: Vocab | None = None) -> Doc:
    """Tokens that were not touched keep what they have. A replacement takes the place of the replaced tokens in the
    sentence (`dep`, `head`), without tag or lemma. Entities and span groups move along. `user_data`, custom attributes
    and tensors stay behind: nobody knows what is in them.

    vocab (Optional[Vocab]): By default a new one: that of `doc` knows every word of the original, and is pickled along.
    RETURNS (Doc): With the text of `redaction`.
    """
    words = make_words(doc, redaction)
    old_vocab: Any = doc.vocab
    kept: dict[str, Any] = annotations(doc, redaction, words) if words else {}
    new = Doc(
        Vocab(lex_attr_getters=old_vocab.lex_attr_getters) if vocab is None else vocab,
        words=[word.text for word in words],
        spaces=[word.space for word in words],
        **kept,
    )
    new.cats = dict(doc.cats)

    def move(span: Span) -> Span | None:
        start = redaction.to_redacted(span.start_char)
        end = redaction.to_redacted(span.end_char, end=True)
        ids: dict[str, Any] = {}
        if not redaction.touches(span.start_char, span.end_char):
            ids = {"kb_id": span.kb_id_, "span_id": span.id_}
        return new.char_span(start, end, span.label_, alignment_mode="expand", **ids) if start < end else None

    if doc.has_annotation("ENT_IOB"):
        ents = [span for span in map(move, doc.ents) if span is not None]
        new.set_ents(flat(ents, [0.0] * len(ents)))
    for key, group in doc.spans.items():
        moved = [(span, number) for number, span in enumerate(map(move, group)) if span is not None]
        spans = [span for span, _ in moved]
        if all(name in group.attrs for name in PARALLEL):
            write_group(new, key, spans, *([group.attrs[name][n] for _, n in moved] for name in PARALLEL))
        else:
            write_gold(new, key, spans, ents=False)
    return new


def make_words(doc: Doc, redaction: Redaction) -> list[Word]:
    """RETURNS (List[Word]): Untouched tokens as they are, and what is between them, cut at white space and where a
    replacement begins or ends.
    """
    words: list[Word] = []
    position = 0
    borders = sorted({b for item in redaction.replacements for b in (item.new_start, item.new_end)})
    untouched = list(outside(doc, redaction))
    for token, start, end in [*untouched, (None, len(redaction.text), len(redaction.text))]:
        edges = [position, *borders[bisect_right(borders, position) : bisect_left(borders, start)], start]
        for first, last in pairwise(edges):
            for match in re.finditer(r"\s+|\S+", redaction.text[first:last]):
                add_words(words, first + match.start(), match[0])
        if token is not None:
            words.append(Word(start, token.text, token))
        position = end
    return words


def add_words(words: list[Word], start: int, text: str) -> None:
    """A space belongs to the word before it; other white space is a word of its own."""
    if text[0] == " " and words and not words[-1].space:
        words[-1].space = True
        start, text = start + 1, text[1:]
    if text:
        words.append(Word(start, text))


def outside(doc: Doc, redaction: Redaction) -> Iterator[tuple[Token, int, int]]:
    """YIELDS (tuple): The tokens that no replacement touches, and where they begin and end now."""
    replacements = iter(redaction.replacements)
    item = next(replacements, None)
    for token in doc:
        end = token.idx + len(token)
        while item is not None and item.end <= token.idx:
            item = next(replacements, None)
        if item is None or end <= item.start:
            start = redaction.to_redacted(token.idx)
            yield token, start, start + len(token)


def annotations(doc: Doc, redaction: Redaction, words: list[Word]) -> dict[str, list[Any]]:
    """RETURNS (Dict[str, List]): What the constructor of Doc takes, as far as the original has it."""
    kept = [word.old for word in words]
    found: dict[str, list[Any]] = {}
    for name, attr, get in (
        ("tags", "TAG", lambda token: token.tag_),
        ("pos", "POS", lambda token: token.pos_),
        ("morphs", "MORPH", lambda token: str(token.morph)),
        ("lemmas", "LEMMA", lambda token: token.lemma_),
    ):
        if doc.has_annotation(attr):
            found[name] = ["" if token is None else get(token) for token in kept]
    if doc.has_annotation("DEP"):
        found["heads"], found["deps"] = parse(doc, redaction, words)
    elif doc.has_annotation("SENT_START"):
        starts = {place(words, redaction.to_redacted(token.idx)) for token in doc if token.is_sent_start}
        found["sent_starts"] = [number in starts for number in range(len(words))]
    return found


def place(words: list[Word], offset: int) -> int:
    """RETURNS (int): The word that has the character, or the next one; the number of words where there is none."""
    number = bisect_right(words, offset, key=lambda word: word.start) - 1
    return number if number >= 0 and offset < words[number].start + len(words[number].text) else number + 1


def parse(doc: Doc, redaction: Redaction, words: list[Word]) -> tuple[list[int], list[str]]:
    """Tokens that share a word now hang where the highest of them did, and all that hung on them hangs on the word.

    RETURNS (Tuple[List[int], List[str]]): Heads and relations.
    """
    places = [min(place(words, redaction.to_redacted(token.idx)), len(words) - 1) for token in doc]
    depths = {token.i: sum(1 for _ in token.ancestors) for token in doc}
    highest: dict[int, Token] = {}
    for token, number in zip(doc, places, strict=True):
        if number not in highest or depths[token.i] < depths[highest[number].i]:
            highest[number] = token
    heads, deps, last = [], [], min(highest)
    for number in range(len(words)):
        last = number if number in highest else last
        top = highest.get(number)
        heads.append(last if top is None else places[top.head.i])
        deps.append("dep" if top is None else top.dep_)
    return heads, deps
