"""Runs documents through an engine: windows, length-sorted batches, worker threads, decoding, merging."""

import os
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from spacy.tokens import Doc

from .batch import build_batch
from .decoding import Candidates, decode
from .engine import Engine, sequence_limit
from .labels import LabelSet
from .prompt import Prompt, PromptTokenizer, Subwords
from .windows import Window, plan_windows
from .words import Words, split_words

KEPT_LABEL_SETS = 64


@dataclass(frozen=True)
class CompiledLabels:
    """A label set laid out for the encoder. first_prompts, cutoffs: per label, int and float32 (n,)."""

    labels: LabelSet
    prompts: list[Prompt]
    first_prompts: np.ndarray
    cutoffs: np.ndarray
    budget: int


@dataclass
class Prediction:
    """All candidates of one document, in words of that document, and what was done to find them."""

    words: Words
    labels: LabelSet
    candidates: Candidates
    stats: dict[str, float]


@dataclass(frozen=True)
class Unit:
    """One window of one document."""

    doc: int
    window: Window
    subwords: Subwords
    labels: CompiledLabels


@dataclass
class Pending:
    """Documents whose batches are in the workers."""

    words: list[Words]
    labels: list[CompiledLabels]
    stats: list[dict[str, float]]
    batches: list[tuple[list[Unit], Future]] = field(default_factory=list)

    def result(self) -> list[Prediction]:
        """Wait, and put the windows of each document together."""
        parts: dict[int, list[Candidates]] = defaultdict(list)
        for units, future in self.batches:
            candidates, seconds = future.result()
            bounds = np.searchsorted(candidates.window, np.arange(len(units) + 1))
            for row, unit in enumerate(units):
                parts[unit.doc].append(shifted(candidates, slice(*bounds[row : row + 2]), unit.window.start))
                stats = self.stats[unit.doc]
                stats["time"] += seconds / len(units)
                stats["windows"] += 1
                stats["words_read"] += unit.window.own_end - unit.window.own_start
        return [
            Prediction(words, labels.labels, joined(parts[doc]), stats)
            for doc, (words, labels, stats) in enumerate(zip(self.words, self.labels, self.stats, strict=True))
        ]


def shifted(candidates: Candidates, rows: slice, offset: int) -> Candidates:
    arrays = {name: array[rows] for name, array in vars(candidates).items()}
    arrays["first"] = arrays["first"] + offset
    arrays["last"] = arrays["last"] + offset
    return Candidates(**arrays)


def joined(parts: list[Candidates]) -> Candidates:
    if len(parts) == 1:
        return parts[0]
    names = Candidates.__dataclass_fields__
    return Candidates(**{name: np.concatenate([getattr(part, name) for part in parts] or [[]]) for name in names})


class Predictor:
    """engine (Engine): The model. window, stride (int): In words. batch_size (int): Windows a run.
    threads (int): Runs at a time. candidate_threshold (float): Least score of a candidate; a lower threshold of a
    label lowers it for that label.
    """

    def __init__(
        self, engine: Engine, *, window: int, stride: int, batch_size: int, threads: int, candidate_threshold: float
    ):
        self.engine = engine
        self.tokenizer = PromptTokenizer(engine.tokenizer(), engine.config, sequence_limit(engine.config))
        self.window, self.stride, self.batch_size, self.threads = window, stride, batch_size, threads
        self.candidate_threshold = candidate_threshold
        self.pad = self.tokenizer.tokenizer.token_to_id("[PAD]") or 0
        self.compiled: dict[LabelSet, CompiledLabels] = {}
        self.executor: ThreadPoolExecutor | None = None
        self.process = 0

    def compile(self, labels: LabelSet) -> CompiledLabels:
        if labels not in self.compiled:
            if len(self.compiled) >= KEPT_LABEL_SETS:
                self.compiled.clear()
            prompts = self.tokenizer.prompts(labels)
            counts = np.cumsum([0, *(len(group) for group in labels.prompts)])
            cutoffs = np.minimum(labels.cutoffs(self.candidate_threshold), np.float32(self.candidate_threshold))
            used = max(len(prompt.ids) for prompt in prompts) + len(self.tokenizer.suffix)
            budget = self.tokenizer.limit - used
            self.compiled[labels] = CompiledLabels(labels, prompts, counts[:-1], cutoffs, budget)
        return self.compiled[labels]

    def submit(self, docs: Sequence[Doc], label_sets: Sequence[LabelSet]) -> Pending:
        """Tokenise documents, plan their windows and hand the batches to the workers."""
        compiled = [self.compile(labels) for labels in label_sets]
        pending = Pending([split_words(doc) for doc in docs], compiled, [])
        by_labels: dict[LabelSet, list[Unit]] = defaultdict(list)
        for number, (doc, words, labels) in enumerate(zip(docs, pending.words, compiled, strict=True)):
            units, shortened = self.units(number, doc, words, labels)
            by_labels[labels.labels] += units
            pending.stats.append(
                {"time": 0.0, "words": len(words), "words_read": 0, "windows": 0, "words_shortened": shortened}
            )
        for units in by_labels.values():
            units.sort(key=lambda unit: len(unit.subwords.ids))
            for start in range(0, len(units), self.batch_size):
                batch = units[start : start + self.batch_size]
                pending.batches.append((batch, self.workers().submit(self.run, batch)))
        return pending

    def units(self, number: int, doc: Doc, words: Words, labels: CompiledLabels) -> tuple[list[Unit], int]:
        if not len(words):
            return [], 0
        subwords, shortened = self.tokenizer.words(words.texts, labels.budget)
        if len(words) <= self.window and len(subwords.ids) <= labels.budget:
            return [Unit(number, Window(0, len(words), 0, len(words)), subwords, labels)], shortened
        windows = plan_windows(subwords.lengths, sentence_starts(doc, words), self.window, self.stride, labels.budget)
        return [Unit(number, window, cut(subwords, window), labels) for window in windows], shortened

    def run(self, units: list[Unit]) -> tuple[Candidates, float]:
        """RETURNS (tuple): Candidates that the windows own, ordered by window, in words of the window; seconds."""
        began = time.perf_counter()
        labels = units[0].labels
        windows = [unit.subwords for unit in units]
        logits = []
        for prompt in labels.prompts:
            batch = build_batch(windows, [prompt] * len(windows), self.tokenizer.suffix, self.pad)
            logits.append(self.engine.run(batch))
        label_axis = 2 if self.engine.token_level else 3
        scores = logits[0] if len(logits) == 1 else np.concatenate(logits, axis=label_axis)
        found = decode(scores, self.engine.token_level, batch.counts, labels.first_prompts, labels.cutoffs)
        own = np.array([(unit.window.own_start, unit.window.own_end) for unit in units]) - np.array(
            [[unit.window.start] for unit in units]
        )
        kept = (found.first >= own[found.window, 0]) & (found.first < own[found.window, 1])
        owned = Candidates(**{name: array[kept] for name, array in vars(found).items()})
        return owned, time.perf_counter() - began

    def workers(self) -> ThreadPoolExecutor:
        """Threads do not survive a fork, so each process makes its own."""
        if self.executor is None or self.process != os.getpid():
            self.executor, self.process = ThreadPoolExecutor(self.threads), os.getpid()
        return self.executor

    def __getstate__(self) -> dict:
        return {**self.__dict__, "executor": None}


def available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def sentence_starts(doc: Doc, words: Words) -> np.ndarray:
    if not doc.has_annotation("SENT_START"):
        return np.zeros(0, dtype=np.int64)
    tokens = words.tokens
    first_piece = np.concatenate(([True], tokens[1:] != tokens[:-1]))
    return np.array(
        [i for i, token in enumerate(tokens) if first_piece[i] and doc[int(token)].is_sent_start], dtype=np.int64
    )


def cut(subwords: Subwords, window: Window) -> Subwords:
    starts, lengths = subwords.starts[window.start : window.end], subwords.lengths[window.start : window.end]
    begin = int(starts[0])
    return Subwords(subwords.ids[begin : int(starts[-1] + lengths[-1])], starts - begin, lengths)
