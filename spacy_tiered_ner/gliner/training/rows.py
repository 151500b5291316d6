"""Training rows: one window of a document, the labels asked for it, and the targets."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..batch import build_batch, factored_inputs
from ..labels import LabelSet
from ..predictor import cut
from ..prompt import Prompt, PromptTokenizer, Subwords
from ..windows import plan_windows
from .gold import Gold
from .settings import Training

SHAPE_MULTIPLE = 16


@dataclass(frozen=True)
class Row:
    """spans: (first, last, label) in words of the window. missing: bool (words,). vocabulary: labels to ask for."""

    subwords: Subwords
    spans: list[tuple[int, int, str]]
    missing: np.ndarray
    vocabulary: Sequence[str]


@dataclass(frozen=True)
class TrainingBatch:
    """inputs: arrays of the factored network. targets: float32 (B, W, max_width, P). mask: bool, the same shape, for
    what counts in the loss. weights: float32 (B, P), of each asked label. share: of this batch in its update.
    """

    inputs: dict[str, np.ndarray]
    targets: np.ndarray
    mask: np.ndarray
    weights: np.ndarray
    share: float


class RowMaker:
    """tokenizer (PromptTokenizer): Of the model. config (dict): The content of gliner_config.json.
    window, stride (int): In words. settings (Training): How labels are chosen and weighed.
    """

    def __init__(self, tokenizer: PromptTokenizer, config: dict, window: int, stride: int, settings: Training):
        self.tokenizer, self.config, self.settings = tokenizer, config, settings
        self.window, self.stride = window, stride
        self.max_width = int(config["max_width"])
        self.prompt_room = tokenizer.limit // 2 - len(tokenizer.prefix) - 1
        self.text_room = tokenizer.limit - self.prompt_room - len(tokenizer.prefix) - len(tokenizer.suffix) - 1
        self.pad = tokenizer.tokenizer.token_to_id("[PAD]") or 0
        self.encoded: dict[str, tuple[list[int], int]] = {}
        self.seen: Counter[str] = Counter()

    def rows(self, gold: Gold, vocabulary: Sequence[str], counts: Counter[str]) -> list[Row]:
        """Cut a document into windows as for prediction.

        counts (Counter): Adds the spans that cannot be learned: `too_wide` for the model, `cut` by every window.
        """
        fitting = [span for span in gold.spans if span[1] - span[0] < self.max_width]
        counts["too_wide"] += len(gold.spans) - len(fitting)
        subwords, _ = self.tokenizer.words(gold.words.texts, self.text_room)
        if len(gold.words) <= self.window and len(subwords.ids) <= self.text_room:
            return [Row(subwords, fitting, gold.missing, vocabulary)]
        no_sentences = np.zeros(0, dtype=np.int64)
        rows, covered = [], set()
        for part in plan_windows(subwords.lengths, no_sentences, self.window, self.stride, self.text_room):
            inside = [span for span in fitting if part.start <= span[0] and span[1] < part.end]
            covered.update(inside)
            spans = [(first - part.start, last - part.start, label) for first, last, label in inside]
            rows.append(Row(cut(subwords, part), spans, gold.missing[part.start : part.end], vocabulary))
        counts["cut"] += len(set(fitting) - covered)
        return rows

    def batches(self, rows: list[Row], labels: LabelSet, size: int) -> Iterator[TrainingBatch]:
        """Batches of up to `size` rows of similar length, with freshly drawn labels."""
        rows.sort(key=lambda row: len(row.subwords.ids))
        wordings = dict(zip(labels.names, labels.prompts, strict=True))
        for start in range(0, len(rows), size):
            batch = rows[start : start + size]
            yield self.batch(batch, wordings, len(batch) / len(rows))

    def batch(self, rows: Sequence[Row], wordings: Mapping[str, tuple[str, ...]], share: float) -> TrainingBatch:
        asked = [self.ask(row, wordings) for row in rows]
        inputs = build_batch(
            [row.subwords for row in rows],
            [prompt for prompt, _ in asked],
            self.tokenizer.suffix,
            self.pad,
            SHAPE_MULTIPLE,
        )
        size, words = inputs.words.shape
        shape = (size, words, self.max_width, inputs.labels.shape[1])
        targets = np.zeros(shape, dtype=np.float32)
        mask = np.zeros(shape, dtype=bool)
        weights = np.ones((size, shape[3]), dtype=np.float32)
        for number, (row, (_, names)) in enumerate(zip(rows, asked, strict=True)):
            columns = {name: column for column, name in enumerate(names)}
            for first, last, label in row.spans:
                if label in columns:
                    targets[number, first, last - first, columns[label]] = 1.0
                    self.seen[label] += 1
            mask[number, :, :, : len(names)] = self.usable(row, words)[..., None]
            weights[number, : len(names)] = [self.weight(name) for name in names]
        return TrainingBatch(factored_inputs(inputs, self.config), targets, mask, weights, share)

    def usable(self, row: Row, words: int) -> np.ndarray:
        """Spans that end inside the window and touch no missing word: bool (words, max_width)."""
        count = len(row.missing)
        ends = np.arange(words)[:, None] + np.arange(self.max_width)
        missing_before = np.concatenate(([0], np.cumsum(row.missing), np.full(words + self.max_width - count, count)))
        return (ends < count) & (missing_before[ends + 1] == missing_before[np.arange(words)][:, None])

    def ask(self, row: Row, wordings: Mapping[str, tuple[str, ...]]) -> tuple[Prompt, list[str]]:
        """Choose labels, their wording and their order. RETURNS (tuple): The prompt, and the labels in its order."""
        present = sorted({label for _, _, label in row.spans} & set(row.vocabulary))
        absent = [label for label in row.vocabulary if label not in present]
        kept = [label for label in present if random.random() >= self.settings.label_dropout]
        random.shuffle(kept)
        random.shuffle(absent)
        if self.settings.negatives is not None:
            absent = absent[: max(1, round(self.settings.negatives * len(kept)))]
        chosen: list[tuple[str, tuple[list[int], int]]] = []
        room = self.prompt_room
        for label in (kept + absent) or present[:1]:
            encoded = self.encode(random.choice(wordings.get(label, (label,))))
            room -= len(encoded[0])
            if room < 0 and chosen:
                break
            chosen.append((label, encoded))
        random.shuffle(chosen)
        return self.tokenizer.join([encoded for _, encoded in chosen]), [label for label, _ in chosen]

    def encode(self, wording: str) -> tuple[list[int], int]:
        if wording not in self.encoded:
            self.encoded[wording] = self.tokenizer.encode_label(wording)
        return self.encoded[wording]

    def weight(self, label: str) -> float:
        weights = self.settings.class_weights
        if not isinstance(weights, str):
            return float(weights.get(label, 1.0))
        mean = self.seen.total() / max(1, len(self.seen))
        return float((mean / self.seen[label]) ** 0.5) if self.seen[label] else 1.0
