"""Tier 1: the `gliner_ner` pipe."""

import json
import math
import tempfile
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import srsly
from spacy.language import Language
from spacy.pipeline.trainable_pipe import TrainablePipe
from spacy.tokens import Doc
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.util import minibatch
from spacy.vocab import Vocab
from thinc.api import Optimizer, set_dropout_rate

from .. import extensions
from ..errors import Errors, Warnings
from ..factories import DEFAULT_LABELS
from .annotation import annotate
from .checks import check_least, check_option, check_thresholds, check_windows
from .engine import load_engine
from .labels import Labels, LabelSet, parse_labels
from .predictor import Prediction, Predictor, available_cores
from .source import WEIGHTS, ModelFiles, resolve
from .training.gold import gold_labels
from .training.settings import Training
from .training.survey import foreign_labels, survey, unusable, unused_labels

BATCHES_A_CHUNK = 4
CHUNKS_IN_FLIGHT = 3


class GlinerNER(TrainablePipe):
    """Open-vocabulary named entity recognition with a GLiNER model (Zaratiana et al. 2024).

    Writes every candidate to `doc.spans[spans_key]` and the flat projection to `doc.ents`. The model is loaded when
    it is first needed, and learns with the runtime "torch". The settings are described in README.md.
    """

    def __init__(
        self,
        vocab: Vocab,
        name: str = "gliner_ner",
        *,
        model: str,
        labels: Labels | None,
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
        training: Training,
        scorer: Callable | None,
    ):
        """RAISES (ValueError): T001 to T014, for settings that cannot work."""
        check_option("runtime", runtime, ("onnx", "torch"))
        check_option("precision", precision, ("auto", "fp32", "int8"))
        check_option("alignment_mode", alignment_mode, ("strict", "contract", "expand"))
        check_thresholds(threshold, candidate_threshold)
        check_windows(window, stride)
        check_least("batch_size", batch_size, 1)
        check_least("threads", threads, 0)
        extensions.register()
        self.vocab, self.name, self.scorer = vocab, name, scorer
        self.model_name, self.runtime, self.precision, self.allow_pickle = model, runtime, precision, allow_pickle
        self.threshold, self.candidate_threshold = threshold, candidate_threshold
        self.overwrite_ents, self.alignment_mode = overwrite_ents, alignment_mode
        self.window, self.stride, self.batch_size = window, stride, batch_size
        self.threads = threads or available_cores()
        self.cfg: dict[str, Any] = {"spans_key": spans_key}
        self.training = training
        self._config_labels = labels
        self.labels = labels
        self._taught_labels: list[str] | None = None
        self.model: Any = None
        self._trainer: Any = None
        self._learned = False
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
        """The labels to look for. Assign a list or a mapping, as in the config, to change them without a reload; None
        for those of the training data, or common ones.
        """
        return self._label_set.names

    @labels.setter
    def labels(self, labels: Labels | None) -> None:
        self._label_set = parse_labels(DEFAULT_LABELS if labels is None else labels, self.name)
        self._given_labels = labels

    @property
    def label_data(self) -> Labels | None:
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

    @property
    def is_trainable(self) -> bool:
        return self.runtime == "torch"

    @property
    def trainer(self) -> Any:
        """RETURNS (Trainer): Made when first needed. RAISES (ValueError): T055 where the runtime cannot learn."""
        if self._trainer is None:
            if not self.is_trainable:
                raise ValueError(Errors.T055.format(name=self.name, runtime=self.runtime))
            predictor = self.predictor
            from .training.trainer import Trainer

            self._trainer = Trainer(predictor, self.vocab, self.spans_key, self.training)
            self.model = self._trainer.model
        return self._trainer

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Labels | None = None,
    ) -> None:
        """Take the labels from the data where none are given, and load the model, so that missing files show now.

        labels (Optional[Labels]): Replaces the configured labels, as from `[initialize.components.gliner_ner]`.
        RAISES (ValueError): T052 where annotated documents hold no span.
        """
        validate_get_examples(get_examples, "GlinerNER.initialize")
        if labels is not None:
            self.labels = labels
        found, counts = survey(get_examples(), self.spans_key, int(self.files.config.get("max_width", 0)))
        if counts["documents"] > counts["unannotated"] and not found and self.is_trainable:
            raise ValueError(Errors.T052.format(name=self.name, key=self.spans_key))
        if self._given_labels is None and found:
            self.labels = sorted(found)
        if found:
            self._taught_labels = [label for label in self.labels if label in found]
            self._warn_of(unused_labels(found, self.labels))
            self._warn_of(unusable(counts, self.spans_key, self.files.config.get("max_width")))
        self.predictor.compile(self._label_set)
        if self.is_trainable:
            self.model = self.trainer.model

    def add_label(self, label: str) -> int:
        """RETURNS (int): 0 if the label is there already, otherwise 1."""
        if label in self.labels:
            return 0
        given = self._given_labels
        self.labels = {**given, label: label} if isinstance(given, Mapping) else [*(given or ()), label]
        if self._taught_labels is not None:
            self._taught_labels.append(label)
        return 1

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch of examples: from `reference.spans[spans_key]` where there is that group, else from
        `reference.ents`.

        RAISES (ValueError): T052 nothing to learn from, T053 a loss or gradient that is not finite, T055 runtime.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, "GlinerNER.update")
        trainer = self.trainer
        rows = trainer.rows(examples, self._taught_labels or self.labels)
        self._warn_of(foreign_labels(trainer.foreign))
        self._warn_of(unusable(trainer.counts, self.spans_key, self.files.config.get("max_width")))
        if self._given_labels is None or trainer.counts["documents"] == trainer.counts["unannotated"]:
            raise ValueError(Errors.T052.format(name=self.name, key=self.spans_key))
        set_dropout_rate(self.model, drop)
        for batch in trainer.row_maker.batches(rows, self._label_set, self.batch_size):
            scores, backprop = self.model.begin_update(batch)
            loss, d_scores = self.get_loss(examples, (scores, batch))
            backprop(d_scores)
            losses[self.name] += loss
        if sgd not in (None, False):
            self.finish_update(sgd)
        return losses

    def get_loss(self, examples: Iterable[Example], scores: tuple[Any, Any]) -> tuple[float, Any]:
        """scores (tuple): The logits, and the TrainingBatch that they belong to, which holds the targets.

        RETURNS (Tuple[float, Tensor]): The loss and its gradient by the logits. RAISES (ValueError): T053.
        """
        from .training.loss import span_loss

        logits, batch = scores
        loss, gradient = span_loss(logits, batch, self.training)
        if not math.isfinite(loss):
            raise ValueError(Errors.T053.format(what="loss", value=loss, number=self.model.shims[0].steps + 1))
        return loss, gradient

    def finish_update(self, sgd: Optimizer) -> None:
        self.model.finish_update(sgd)
        self._learned = True

    def use_params(self, params: dict) -> Iterator[None]:
        """Predict with these parameters, such as an optimizer's averages, until the generator goes on."""
        if self.model is None:
            yield
        else:
            with self.model.use_params(params):
                yield

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Run the scorer. Annotated labels that the pipe does not look for count as missed, with a warning."""
        examples = list(examples)
        unknown = sorted(set(gold_labels(examples, self.spans_key)) - set(self.labels))
        if unknown and self.scorer is not None:
            self._warn_once("W007", name=self.name, labels=", ".join(unknown))
        return super().score(examples, **kwargs)

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
            written = annotate(
                doc, prediction, self.spans_key, self.threshold, self.alignment_mode, self.overwrite_ents
            )
            self._report(doc, prediction, written)

    def _report(self, doc: Doc, prediction: Prediction, written: dict[str, int]) -> None:
        stats: dict[str, Any] = dict(prediction.stats)
        read = stats.pop("words_read")
        stats["coverage"] = (read - stats["words_shortened"]) / stats["words"] if stats["words"] else 1.0
        stats.update(written)
        labels = prediction.labels
        stats["thresholds"] = dict(zip(labels.names, labels.cutoffs(self.threshold).tolist(), strict=True))
        doc._.tiered_ner = {**(doc._.tiered_ner or {}), self.name: stats}
        if written["misaligned"]:
            self._warn_once("W001", count=written["misaligned"], name=self.name, mode=self.alignment_mode)
        if stats["words_shortened"]:
            self._warn_once("W002", count=stats["words_shortened"], name=self.name)

    def _warn_once(self, code: str, **values: Any) -> None:
        if code not in self._warned:
            self._warned.add(code)
            warnings.warn(getattr(Warnings, code).format(**values), stacklevel=2)

    def _warn_of(self, findings: Iterable[tuple[str, dict[str, Any]]]) -> None:
        for code, values in findings:
            self._warn_once(code, name=self.name, **values)

    def _state(self) -> dict[str, Any]:
        """What belongs to the files, and the labels that were set while running."""
        state = {"model": self.model_name, "config_labels": self._config_labels, "labels": self._given_labels}
        return plain({**state, "taught_labels": self._taught_labels})

    def _restore(self, state: dict[str, Any], files: ModelFiles) -> None:
        """Take the packed model and labels, unless the config now says otherwise than when they were saved."""
        if self.model_name == state["model"]:
            self._files, self._predictor = files, None
            self.model, self._trainer, self._learned = None, None, False
        if plain(self._config_labels) == plain(state["config_labels"]):
            self.labels = state["labels"]
            self._taught_labels = state.get("taught_labels")

    def _packed(self) -> dict[str, bytes]:
        """RETURNS (Dict[str, bytes]): The model files by name, with the weights as they are now. RAISES: T056."""
        files = self.files.runtime_files(self.runtime, self.precision, self.allow_pickle)
        if not self._learned:
            return {file.name: file.read_bytes() for file in files}
        small = {file.name: file.read_bytes() for file in files if file.suffix not in (".safetensors", ".bin", ".pt")}
        if not self.trainer.sound():
            raise ValueError(Errors.T056.format(name=self.name))
        return {**small, WEIGHTS: self.trainer.weights()}

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write the model files and labels into a directory. Weights that training broke do not replace older ones.

        RAISES (ValueError): T056 where such weights are all there is.
        """
        path = Path(path)
        if self._learned and (path / "state.json").is_file() and not self.trainer.sound():
            self._warn_once("W008", name=self.name, path=path)
            return
        packed = self._packed()
        (path / "model").mkdir(parents=True, exist_ok=True)
        (path / "state.json").write_text(json.dumps(self._state(), indent=2), encoding="utf8")
        for other in (path / "model").iterdir():
            if other.is_file() and other.name not in packed:
                other.unlink()
        for name, content in packed.items():
            (path / "model" / name).write_bytes(content)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "GlinerNER":
        """Use the model files and labels of a directory. Settings come from the config."""
        path = Path(path)
        self._restore(json.loads((path / "state.json").read_text(encoding="utf8")), ModelFiles(path / "model"))
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        return srsly.msgpack_dumps({"state": self._state(), "model": self._packed()})

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "GlinerNER":
        message = srsly.msgpack_loads(data)
        self._unpacked = tempfile.TemporaryDirectory(prefix="spacy-tiered-ner-")
        directory = Path(self._unpacked.name)
        for name, content in message["model"].items():
            (directory / Path(name).name).write_bytes(content)
        self._restore(message["state"], ModelFiles(directory))
        return self


def plain(value: Any) -> Any:
    """The JSON form of a setting: frozen lists and dictionaries of the config become ordinary ones."""
    return json.loads(json.dumps(value))
