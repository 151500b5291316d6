"""General examples mixed into fine-tuning, so that the model keeps finding what it found before."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import spacy
from spacy.training import Example
from spacy.vocab import Vocab

from ...corpus import read_corpus
from ...errors import Errors
from ..source import STARTER
from .gold import Gold, read_gold
from .settings import Training

MOST_LABELS = 16


class Rehearsal:
    """Documents of `settings.rehearsal_corpus`, each with its own labels."""

    def __init__(self, settings: Training, vocab: Vocab, spans_key: str):
        """RAISES (ValueError): T054 where the corpus has no annotated document."""
        self.share = settings.rehearsal
        source = settings.rehearsal_corpus
        path = STARTER / "passages" if source == "starter" else Path(source)
        if not path.exists():
            raise ValueError(Errors.T054.format(path=source, reason="it does not exist"))
        nlp = spacy.blank(vocab.lang or "xx")
        docs = list(read_corpus(path, nlp, spans_key))
        found = (read_gold(Example(doc, doc), spans_key, Counter()) for doc in docs)
        self.documents: list[Gold] = [gold for gold in found if gold is not None and (gold.spans or gold.labels)]
        if not self.documents:
            raise ValueError(Errors.T054.format(path=source, reason="it holds no annotated document"))

    def draw(self, count: int) -> Iterator[tuple[Gold, list[str]]]:
        """Documents to go with `count` others, so that `share` of all are general, and the labels to ask for each."""
        wanted = count * self.share / (1 - self.share)
        for _ in range(int(wanted) + (random.random() < wanted % 1)):
            gold = random.choice(self.documents)
            yield gold, self.ask(gold)

    def ask(self, gold: Gold) -> list[str]:
        """One label of each span, as a span may carry several from specific to generic, and some absent ones."""
        by_borders = defaultdict(list)
        for first, last, label in gold.spans:
            by_borders[first, last].append(label)
        present = {label for _, _, label in gold.spans}
        chosen = sorted({random.choice(labels) for labels in by_borders.values()})
        absent = [label for label in gold.labels or () if label not in present]
        random.shuffle(chosen)
        random.shuffle(absent)
        return (chosen[:MOST_LABELS] + absent[: max(1, MOST_LABELS - len(chosen))])[:MOST_LABELS] or list(present)
