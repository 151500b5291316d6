"""Training data of the starter model: reading, tokenisation and the sampling of texts and label sets.

Files of the data directory:
- `*.jsonl`, `*.jsonl.gz`: one object a line with `text`, `spans` (`start`, `end` exclusive in characters, `label`) and,
  optionally, `labels` (the label list that the annotators worked with). The file name names the source.
- `*.txt`: passages with inline labels from specific to generic, then labels that do not occur:
  `[Marie Curie|physicist;scientist;person] taught in [Paris|city;location]. ## album; university`
"""

import gzip
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import spacy
from tokenizers import Tokenizer

from spacy_tiered_ner.corpus import parse_passage

MAX_WORDS = 220

# How many texts of a source one round draws; sources not named give DEFAULT_TEXTS at the most.
DEFAULT_TEXTS = 1200
TEXTS_PER_ROUND = {
    "multiconer2-en": 12000,
    "nuner-sample-1k": 3000,
    "grobid-ner": 3000,
    "gum": 3000,
    "wikigold": 1600,
    "synthetic-news-blog": 1500,
    "scirex": 2700,
    "schema-guided-dialogue": 3000,
    "multidogo": 2500,
    "litbank": 2000,
    "annoctr": 1900,
    "product-attributes": 2300,
    "stackoverflow-ner": 1800,
    "re3d": 800,
    "maintie": 500,
    "linnaeus": 500,
    "synthetic": 2000,
}
PASSAGE_REPEATS = 3
OPEN_SOURCES = {"nuner-sample-1k"}
GENERIC = {"person", "organization", "location", "date", "time", "event", "product", "object", "concept", "group"}


@dataclass
class Text:
    """A tokenised text. ids: subword ids; starts: first subword of each word; spans: (first, last, labels)."""

    source: str
    ids: np.ndarray
    starts: np.ndarray
    spans: list[tuple[int, int, tuple[str, ...]]]
    absent: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()


@dataclass
class Example:
    """One training sequence: texts of one source behind one prompt."""

    labels: list[str]
    ids: list[int]
    starts: list[int]
    targets: list[tuple[int, int, int]] = field(default_factory=list)


def read_raw(path: Path) -> Iterator[tuple[str, list, tuple[str, ...], tuple[str, ...]]]:
    if path.suffix == ".txt":
        for line in path.read_text(encoding="utf8").splitlines():
            if line.strip():
                yield (*parse_passage(line.strip()), ())
        return
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf8") as lines:
        for line in lines:
            row = json.loads(line)
            spans = [(span["start"], span["end"], (span["label"],)) for span in row["spans"]]
            yield row["text"], spans, (), tuple(row.get("labels", ()))


def load(directories: list[Path], tokenizer: Tokenizer) -> dict[str, list[Text]]:
    """Tokenise every file. RETURNS (dict): Source name -> texts. Passage files have source `passages-<name>`."""
    words_of = spacy.blank("en").tokenizer
    texts: dict[str, list[Text]] = defaultdict(list)
    paths = sorted(
        path
        for directory in directories
        for pattern in ("*.jsonl", "*.jsonl.gz", "*.txt")
        for path in directory.glob(pattern)
    )
    for path in paths:
        name = path.name.split(".")[0]
        source = f"passages-{name}" if path.suffix == ".txt" else name
        for raw, spans, absent, vocabulary in read_raw(path):
            text = tokenize(raw, spans, words_of, tokenizer)
            if text is not None:
                text.source, text.absent, text.vocabulary = source, absent, vocabulary
                texts[source].append(text)
    return dict(texts)


def tokenize(raw: str, spans: list, words_of, tokenizer: Tokenizer) -> Text | None:
    doc = words_of(raw)
    tokens = [token for token in doc if not token.is_space][:MAX_WORDS]
    if not tokens:
        return None
    number = {token.i: index for index, token in enumerate(tokens)}
    encoding = tokenizer.encode([token.text for token in tokens], is_pretokenized=True, add_special_tokens=False)
    starts = np.full(len(tokens), -1, dtype=np.int32)
    for position, word in enumerate(encoding.word_ids):
        if word is not None and starts[word] < 0:
            starts[word] = position
    aligned = []
    for start, end, labels in spans:
        span = doc.char_span(start, end, alignment_mode="expand")
        inside = [number[token.i] for token in span if token.i in number] if span is not None else []
        if inside:
            aligned.append((inside[0], inside[-1], labels))
    return Text("", np.array(encoding.ids, dtype=np.int32), starts, aligned)


class Sampler:
    """Draws examples: which texts, how many of one source together, which labels are asked and in what words."""

    def __init__(self, texts: dict[str, list[Text]], variants: dict[str, list[str]], seed: int):
        self.random = random.Random(seed)
        self.texts = texts
        self.variants = variants
        self.counts = {
            source: Counter(label for text in group for _, _, labels in text.spans for label in labels)
            for source, group in texts.items()
        }
        foreign = {label for count in self.counts.values() for label in count} - GENERIC
        self.foreign = sorted(foreign)

    def is_open(self, source: str) -> bool:
        return source in OPEN_SOURCES or source.startswith("passages-")

    def round(self) -> list[list[Text]]:
        """RETURNS (list): Groups of texts, shuffled; the texts of a group share a source and a prompt."""
        groups = []
        for source, group in self.texts.items():
            if source.startswith("passages-"):
                wanted = PASSAGE_REPEATS * len(group)
            else:
                wanted = min(
                    TEXTS_PER_ROUND.get(source, DEFAULT_TEXTS), max(len(group), TEXTS_PER_ROUND.get(source, 0))
                )
            pool: list[Text] = []
            while len(pool) < wanted:
                pool += self.random.sample(group, min(len(group), wanted - len(pool)))
            self.random.shuffle(pool)
            groups += [[text] for text in pool] if self.is_open(source) else self.packed(pool)
        self.random.shuffle(groups)
        return groups

    def packed(self, pool: list[Text]) -> list[list[Text]]:
        """Join short texts of a source: the prompt is paid once, and labels are asked where they do not occur."""
        groups: list[list[Text]] = []
        size, limit = 0, 0
        for text in pool:
            if not groups or size + len(text.starts) > limit or text.vocabulary:
                groups.append([])
                size, limit = 0, self.random.choice((0, 30, 45, 60, 80))
            groups[-1].append(text)
            size += len(text.starts)
        return groups

    def example(self, texts: list[Text]) -> Example:
        """Choose and word the labels of one group."""
        source = texts[0].source
        spans, ids, starts = [], [], []
        for text in texts:
            spans += [(first + len(starts), last + len(starts), labels) for first, last, labels in text.spans]
            starts += [start + len(ids) if start >= 0 else -1 for start in text.starts.tolist()]
            ids += text.ids.tolist()
        asked = self.choose(source, spans, texts)
        words = {label: self.word(label) if not self.is_open(source) else label for label in asked}
        names = sorted(set(words.values()))
        self.random.shuffle(names)
        index = {name: number for number, name in enumerate(names)}
        targets = []
        for first, last, labels in spans:
            label = next((label for label in labels if label in words), None)
            if label is not None:
                targets.append((first, last, index[words[label]]))
        return Example(names, ids, starts, targets)

    def choose(self, source: str, spans: list, texts: list[Text]) -> set[str]:
        rng = self.random
        positives: set[str] = set()
        for labels in {labels for _, _, labels in spans}:
            positives.add(labels[0] if rng.random() < 0.5 else rng.choice(labels))
            if len(labels) > 1 and rng.random() < 0.2:
                positives.add(rng.choice(labels))
        if len(positives) > 1 and rng.random() < 0.25:
            positives.discard(rng.choice(sorted(positives)))
        if len(positives) > 18:
            positives = set(rng.sample(sorted(positives), 18))
        present = {label for _, _, labels in spans for label in labels}
        counts = self.counts[source]
        room = max(0, rng.choice((4, 8, 12, 16, 20)) - len(positives))
        if source.startswith("passages-"):
            absent = [label for label in texts[0].absent if label not in present]
            negatives = rng.sample(absent, rng.randint(len(absent) // 2, len(absent)))
            others = rng.sample(self.foreign, min(len(self.foreign), rng.randint(0, 4)))
            negatives += [label for label in others if label not in present and label not in counts]
        else:
            pool = sorted((set(texts[0].vocabulary) or set(counts)) - present)
            if source in OPEN_SOURCES:
                negatives = rng.sample(pool, min(len(pool), rng.randint(0, 12)))
            else:
                negatives = rng.sample(pool, min(len(pool), rng.randint(0, 18)))
            if len(counts) < 5 and rng.random() < 0.5:
                negatives += [label for label in rng.sample(self.foreign, 3) if label not in counts]
        chosen = positives | set(negatives[:room])
        if not chosen:
            chosen = {rng.choice(sorted(counts))} if counts else {"entity"}
        return chosen

    def word(self, label: str) -> str:
        options = self.variants.get(label)
        return self.random.choice(options) if options and self.random.random() < 0.3 else label
