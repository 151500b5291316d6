"""Tier 1: the `gliner_ner` pipe."""

import os
import tempfile
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import srsly
from spacy.language import Language
from spacy.pipeline.pipe import Pipe
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch
from spacy.vocab import Vocab

from .. import extensions
from ..errors import Errors, Warnings
from ..spans import flat, write_ents, write_group
from .engine import load_engine
from .labels import Labels, LabelSet, check_share, parse_labels
from .predictor import Prediction, Predictor
from .source import ModelFiles, resolve
from .words import span_of

TIER = "gliner"
BATCHES_A_CHUNK = 4
CHUNKS_IN_FLIGHT = 3
ALIGNMENT_MODES = ("strict", "contract", "expand")


class GlinerNER(Pipe):
    """Open-vocabulary named entity recognition with a GLiNER model (Zaratiana et al. 2024).

    Writes every candidate to `doc.spans[spans_key]` and the flat projection to `doc.ents`. The model is loaded when
    it is first needed. The settings are described in README.md.
    """

    def __init__(
        self,
        vocab: Vocab,
        name: str = "gliner_ner",
        *,
        model: str,
        labels: Labels,
        threshold: float,
        candidate_threshold: float,
        spans_key: str,
        overwrite_ents: bool,
        runtime: str,
        precision: str,
        window: int,
        stride: int,
        batch_size: int,
        threads: int,
        alignment_mode: str,
        allow_pickle: bool,
        scorer: Callable | None,
    ):
        """RAISES (ValueError): T001 to T014, for settings that cannot work."""
        check_option("runtime", runtime, ("onnx", "torch"))
        check_option("precision", precision, ("auto", "fp32", "int8"))
        check_option("alignment_mode", alignment_mode, ALIGNMENT_MODES)
        check_share("threshold", threshold)
        check_share("candidate_threshold", candidate_threshold)
        if candidate_threshold > threshold:
            raise ValueError(Errors.T011.format(candidate=candidate_threshold, threshold=threshold))
        if not 1 <= stride <= window:
            raise ValueError(Errors.T013.format(window=window, stride=stride))
        for setting, value, least in (("batch_size", batch_size, 1), ("threads", threads, 0)):
            if value < least:
                raise ValueError(Errors.T014.format(setting=setting, value=value, least=least))
        extensions.register()
        self.vocab, self.name, self.scorer = vocab, name, scorer
        self.model_name, self.runtime, self.precision, self.allow_pickle = model, runtime, precision, allow_pickle
        self.threshold, self.candidate_threshold = threshold, candidate_threshold
        self.overwrite_ents, self.alignment_mode = overwrite_ents, alignment_mode
        self.window, self.stride, self.batch_size = window, stride, batch_size
        self.threads = threads or available_cores()
        self.cfg: dict[str, Any] = {"spans_key": spans_key}
        self._config_labels = labels
        self.labels = labels
        self._files: ModelFiles | None = None
        self._unpacked: tempfile.TemporaryDirectory | None = None
        self._predictor: Predictor | None = None
        self._warned: set[str] = set()

    @property
    def spans_key(self) -> str:
        """The span group that candidates are written to."""
        return self.cfg["spans_key"]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels to look for. Assign a list or a mapping, as in the config, to change them without a reload."""
        return self._label_set.names

    @labels.setter
    def labels(self, labels: Labels) -> None:
        self._label_set = parse_labels(labels, self.name)
        self._given_labels = labels

    @property
    def label_data(self) -> Labels:
        """The labels in the form in which they were given."""
        return self._given_labels

    @property
    def files(self) -> ModelFiles:
        if self._files is None:
            self._files = resolve(self.model_name, self.runtime, self.precision, self.allow_pickle)
        return self._files

    @property
    def predictor(self) -> Predictor:
        if self._predictor is None:
            self._predictor = Predictor(
                load_engine(self.files, self.runtime, self.precision, self.allow_pickle),
                window=self.window,
                stride=self.stride,
                batch_size=self.batch_size,
                threads=self.threads,
                candidate_threshold=self.candidate_threshold,
            )
        return self._predictor

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Labels | None = None,
    ) -> None:
        """Load the model, so that missing or damaged files show now.

        labels (Optional[Labels]): Replaces the configured labels, as from `[initialize.components.gliner_ner]`.
        """
        if labels is not None:
            self.labels = labels
        self.predictor.compile(self._label_set)

    def __call__(self, doc: Doc) -> Doc:
        error_handler = self.get_error_handler()
        try:
            self.set_annotations([doc], self.predict([doc]))
        except Exception as error:
            error_handler(self.name, self, [doc], error)
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Process documents in order. While the model runs on some, the next ones are prepared.

        batch_size (int): Most documents that are prepared at a time.
        """
        error_handler = self.get_error_handler()
        waiting: deque = deque()
        for docs in minibatch(stream, size=min(batch_size, BATCHES_A_CHUNK * self.batch_size)):
            try:
                waiting.append((docs, self._submit(docs)))
            except Exception as error:
                error_handler(self.name, self, docs, error)
                waiting.append((docs, None))
            if len(waiting) == CHUNKS_IN_FLIGHT:
                yield from self._finish(waiting.popleft(), error_handler)
        while waiting:
            yield from self._finish(waiting.popleft(), error_handler)

    def _finish(self, batch: tuple[Sequence[Doc], Any], error_handler: Callable) -> Iterator[Doc]:
        docs, pending = batch
        if pending is None:
            return
        try:
            self.set_annotations(docs, pending.result())
        except Exception as error:
            error_handler(self.name, self, docs, error)
        else:
            yield from docs

    def _submit(self, docs: Sequence[Doc]) -> Any:
        label_sets = [self._labels_of(doc) for doc in docs]
        return self.predictor.submit(docs, label_sets)

    def _labels_of(self, doc: Doc) -> LabelSet:
        own = doc._.gliner_labels
        return self._label_set if own is None else parse_labels(own, self.name)

    def predict(self, docs: Sequence[Doc]) -> list[Prediction]:
        """Find candidates without changing the documents."""
        return self._submit(docs).result()

    def set_annotations(self, docs: Sequence[Doc], predictions: Sequence[Prediction]) -> None:
        """Write `doc.spans[spans_key]`, `doc.ents` and `doc._.tiered_ner`."""
        for doc, prediction in zip(docs, predictions, strict=True):
            self._annotate(doc, prediction)

    def _annotate(self, doc: Doc, prediction: Prediction) -> None:
        found, names = prediction.candidates, prediction.labels.names
        thresholds = prediction.labels.cutoffs(self.threshold)
        spans, scores, above, others, other_scores = [], [], [], [], []
        misaligned = 0
        written_as: set[tuple[int, int, int]] = set()
        columns = (found.first, found.last, found.label, found.score, found.runner_up, found.runner_up_score)
        order = np.argsort(-found.score, kind="stable")
        for first, last, label, score, other, other_score in zip(*(c[order].tolist() for c in columns), strict=True):
            span = span_of(doc, prediction.words, first, last, names[label], self.alignment_mode)
            if span is None:
                misaligned += 1
                continue
            # Pieces of one token may align to the same span: the best score counts.
            if (span.start, span.end, label) in written_as:
                continue
            written_as.add((span.start, span.end, label))
            spans.append(span)
            scores.append(score)
            above.append(score > thresholds[label])
            others.append(names[other] if other >= 0 else "")
            other_scores.append(other_score)
        write_group(doc, self.spans_key, spans, scores, TIER, others, other_scores)
        chosen = [i for i, high in enumerate(above) if high]
        entities = flat([spans[i] for i in chosen], [scores[i] for i in chosen])
        written = write_ents(doc, entities, self.overwrite_ents)
        self._report(doc, prediction, len(spans), written, misaligned)

    def _report(self, doc: Doc, prediction: Prediction, candidates: int, written: int, misaligned: int) -> None:
        stats = dict(prediction.stats)
        read = stats.pop("words_read")
        stats["coverage"] = (read - stats["words_shortened"]) / stats["words"] if stats["words"] else 1.0
        stats.update(candidates=candidates, entities=written, misaligned=misaligned)
        doc._.tiered_ner = {**(doc._.tiered_ner or {}), self.name: stats}
        if misaligned:
            self._warn_once("W001", count=misaligned, name=self.name, mode=self.alignment_mode)
        if stats["words_shortened"]:
            self._warn_once("W002", count=stats["words_shortened"], name=self.name)

    def _warn_once(self, code: str, **values: Any) -> None:
        if code not in self._warned:
            self._warned.add(code)
            warnings.warn(getattr(Warnings, code).format(**values), stacklevel=2)

    def _state(self) -> dict[str, Any]:
        """What belongs to the files, and the labels that were set while running."""
        return {"model": self.model_name, "config_labels": self._config_labels, "labels": self._given_labels}

    def _restore(self, state: dict[str, Any], files: ModelFiles) -> None:
        """Take the packed model and labels, unless the config now says otherwise than when they were saved."""
        if self.model_name == state["model"]:
            self._files, self._predictor = files, None
        if plain(self._config_labels) == plain(state["config_labels"]):
            self.labels = state["labels"]

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write the model files and labels into a directory."""
        path = Path(path)
        (path / "model").mkdir(parents=True, exist_ok=True)
        srsly.write_json(path / "state.json", plain(self._state()))
        files = self.files.runtime_files(self.runtime, self.precision, self.allow_pickle)
        for other in (path / "model").iterdir():
            if other.is_file() and other.name not in {file.name for file in files}:
                other.unlink()
        for file in files:
            target = path / "model" / file.name
            if not target.exists() or not target.samefile(file):
                target.write_bytes(file.read_bytes())

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "GlinerNER":
        """Use the model files and labels of a directory. Settings come from the config."""
        path = Path(path)
        self._restore(srsly.read_json(path / "state.json"), ModelFiles(path / "model"))
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        files = self.files.runtime_files(self.runtime, self.precision, self.allow_pickle)
        return srsly.msgpack_dumps(
            {"state": plain(self._state()), "model": {file.name: file.read_bytes() for file in files}}
        )

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "GlinerNER":
        message = srsly.msgpack_loads(data)
        self._unpacked = tempfile.TemporaryDirectory(prefix="spacy-tiered-ner-")
        directory = Path(self._unpacked.name)
        for name, content in message["model"].items():
            (directory / Path(name).name).write_bytes(content)
        self._restore(message["state"], ModelFiles(directory))
        return self


def available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_option(setting: str, value: str, options: Sequence[str]) -> None:
    if value not in options:
        raise ValueError(Errors.T012.format(setting=setting, value=value, options=", ".join(map(repr, options))))


def plain(value: Any) -> Any:
    """The JSON form of a setting: frozen lists and dictionaries of the config become ordinary ones."""
    return srsly.json_loads(srsly.json_dumps(value))
