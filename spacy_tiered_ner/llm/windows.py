"""What is asked about, and the passages of the document that are shown with it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc

from .candidates import Candidates
from .ontology import Ontology
from .passage import Passage, Replaced, make_passage

SENTENCIZER = Sentencizer()


@dataclass(frozen=True)
class Item:
    """A doubtful span. start, end: Tokens, end exclusive. options: The labels proposed for these borders, best first.
    rivals: Other candidates that overlap it, as (text, label), best first. values: What it may stand for in an
    ontology, as (label, value), where that is not clear; none for what is hidden, as they would tell what it is.
    """

    id: str
    start: int
    end: int
    options: tuple[str, ...]
    rivals: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        return self.options[0]


@dataclass(frozen=True)
class Window:
    """One request's share of a document. labels: All that may be answered. whole: It is also about entities that
    nobody found. doubt: That of its most doubtful part.
    """

    doc: Doc
    passages: tuple[Passage, ...]
    items: tuple[Item, ...]
    labels: tuple[str, ...]
    whole: bool
    doubt: float

    def passage_of(self, item: Item) -> Passage:
        return next(p for p in self.passages if p.start <= item.start and item.end <= p.end)

    def borders_of(self, item: Item) -> tuple[int, int]:
        """RETURNS (Tuple[int, int]): Where the span stands in the text of its passage."""
        span = self.doc[item.start : item.end]
        return self.passage_of(item).to_shown(span.start_char, span.end_char)

    def text_of(self, item: Item) -> str:
        return self.context_of(item)[1]

    def context_of(self, item: Item, width: int = 40) -> tuple[str, str, str]:
        """RETURNS (Tuple[str, str, str]): The span as it is shown, between up to `width` characters of its passage."""
        text = self.passage_of(item).text
        start, end = self.borders_of(item)
        return text[max(start - width, 0) : start], text[start:end], text[end : end + width]


def sentence_borders(doc: Doc) -> list[int]:
    """RETURNS (List[int]): First tokens of the sentences, and the number of tokens. Where the pipeline sets no
    sentences, punctuation divides them, as spaCy's `sentencizer` does.
    """
    if doc.has_annotation("SENT_START"):
        starts = [token.i for token in doc if token.is_sent_start]
    else:
        (guesses,) = SENTENCIZER.predict([doc])
        starts = [i for i, is_start in enumerate(guesses) if is_start]
    return sorted({0, *starts, len(doc)})


def plan(
    doc: Doc,
    candidates: Candidates,
    chosen: Mapping[int, float],
    whole: float,
    labels: Sequence[str],
    *,
    replaced: Sequence[Replaced] = (),
    ontology: Ontology | None = None,
    context_sentences: int,
    max_words: int,
    max_spans: int,
) -> list[Window]:
    """Divide the doubtful spans into requests that hold only the sentences around them.

    chosen: Indices and doubts. whole: Doubt of the document, all of which is shown where it is above 0.
    replaced: What to hide behind placeholders, as `make_passage` takes it.
    max_words, max_spans: Of one request; of a single sentence that is longer, `max_words` around its span are shown.
    """
    borders = sentence_borders(doc)
    sentences = np.array(borders)
    pieces: list[Piece] = []
    for i in sorted(chosen, key=lambda i: int(candidates.starts[i])):
        start, end = int(candidates.starts[i]), int(candidates.ends[i])
        first = max(int(np.searchsorted(sentences, start, side="right")) - 1 - context_sentences, 0)
        last = min(int(np.searchsorted(sentences, end, side="left")) + context_sentences, len(borders) - 1)
        begin, finish = shorten(borders[first], borders[last], start, end, max_words)
        before = pieces[-1] if pieces else None
        if before and begin <= before.end and finish - before.start <= max_words and len(before.chosen) < max_spans:
            pieces[-1] = Piece(before.start, max(finish, before.end), [*before.chosen, i])
        else:
            pieces.append(Piece(begin, finish, [i]))
    if whole > 0:
        pieces = with_rest(pieces, borders, max_words)
    windows = []
    for group in divide(pieces, max_words, max_spans):
        passages = tuple(make_passage(doc, start, end, replaced) for start, end in joined(group))
        asked = [i for piece in group for i in piece.chosen]
        items = tuple(make_item(candidates, i, f"c{n}", replaced, ontology) for n, i in enumerate(asked, 1))
        doubt = max([whole, *(chosen[i] for i in asked)])
        windows.append(Window(doc, passages, items, tuple(labels), whole > 0, doubt))
    return windows


@dataclass(frozen=True)
class Piece:
    """start, end: Tokens to show, end exclusive. chosen: Indices of the doubtful candidates in it."""

    start: int
    end: int
    chosen: list[int]


def shorten(begin: int, finish: int, start: int, end: int, max_words: int) -> tuple[int, int]:
    """Cut begin..finish to `max_words` around start..end, which always stay whole."""
    if finish - begin <= max_words:
        return begin, finish
    spare = max(max_words - (end - start), 0) // 2
    return max(begin, start - spare), min(finish, end + spare)


def with_rest(pieces: list[Piece], borders: list[int], max_words: int) -> list[Piece]:
    """Add the sentences that no piece shows in full."""
    shown = {token for piece in pieces for token in range(piece.start, piece.end)}
    rest = []
    for begin, finish in pairwise(borders):
        for start in range(begin, finish, max_words):
            end = min(start + max_words, finish)
            if not shown.issuperset(range(start, end)):
                rest.append(Piece(start, end, []))
    return sorted([*pieces, *rest], key=lambda piece: (piece.start, piece.end))


def divide(pieces: list[Piece], max_words: int, max_spans: int) -> Iterator[list[Piece]]:
    """YIELDS (List[Piece]): The pieces of one request."""
    group: list[Piece] = []
    words = spans = 0
    for piece in pieces:
        size = piece.end - piece.start
        if group and (words + size > max_words or spans + len(piece.chosen) > max_spans):
            yield group
            group, words, spans = [], 0, 0
        group.append(piece)
        words, spans = words + size, spans + len(piece.chosen)
    if group:
        yield group


def joined(pieces: list[Piece]) -> list[tuple[int, int]]:
    """RETURNS (List[Tuple[int, int]]): Their token borders, those that touch as one."""
    borders: list[tuple[int, int]] = []
    for piece in pieces:
        if borders and piece.start <= borders[-1][1]:
            borders[-1] = (borders[-1][0], max(piece.end, borders[-1][1]))
        else:
            borders.append((piece.start, piece.end))
    return borders


def make_item(
    candidates: Candidates, index: int, name: str, replaced: Sequence[Replaced], ontology: Ontology | None
) -> Item:
    start, end = int(candidates.starts[index]), int(candidates.ends[index])
    touching = np.flatnonzero((candidates.starts < end) & (start < candidates.ends)).tolist()
    touching.sort(key=lambda i: -candidates.scores[i])
    same = [i for i in touching if (candidates.starts[i], candidates.ends[i]) == (start, end)]
    options = [candidates.labels[i] for i in same]
    if candidates.runner_up_labels[same[0]]:
        options.append(candidates.runner_up_labels[same[0]])
    options = [*dict.fromkeys(options)]
    rivals = []
    for i in touching:
        if i not in same:
            span = candidates.spans[i]
            rival = make_passage(span.doc, span.start, span.end, replaced)
            rivals.append((rival.text, candidates.labels[i]))
    values = []
    hidden = bool(replaced) and make_passage(candidates.spans[index].doc, start, end, replaced).pieces
    if ontology is not None and not hidden:
        for label in options:
            offered = ontology(label, candidates.spans[index].text)
            values += [(label, value) for value in offered or () if not isinstance(offered, str)]
    return Item(name, start, end, tuple(options), tuple(rivals), tuple(values))
