"""The gate of the export: the graph against the gliner library on real text, and F1 before and after INT8."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from spacy.language import Language

from ..errors import Errors
from ..evaluation.metrics import Span, strict_score
from ..factories import DEFAULT_LABELS
from .batch import Batch, build_batch, span_inputs, token_inputs
from .component import GlinerNER
from .decoding import decode
from .engine import load_engine, sequence_limit
from .labels import parse_labels
from .prompt import PromptTokenizer
from .source import ModelFiles
from .words import split_words

MAX_LOGIT_DIFFERENCE = 1e-4
MIN_AGREEMENT = 0.8
THRESHOLD = 0.5
PARITY_TEXTS = 64
SAMPLE = [
    "Grace Hopper joined the Eckert-Mauchly Computer Corporation in Philadelphia in 1949.",
    "On 4 October 1957 the Soviet Union launched Sputnik 1 from Baikonur.",
    "The Rolling Stones played Hyde Park in London on 5 July 1969, two days after the death of Brian Jones.",
    "Novo Nordisk reported 61 % higher sales of Wegovy, and its shares rose in Copenhagen.",
    "She sent the parcel to 12 Harbour Street in Galway, but nobody answered the door.",
    "The James Webb Space Telescope photographed the Carina Nebula in July 2022.",
    "A storm named Ciarán closed the port of Dover and cut power to 30,000 homes in Brittany.",
    "Version 2.1 of the library fixes a memory leak reported by two users of Debian.",
]


@dataclass
class GateReport:
    """logit_difference: Largest absolute difference to the library. f1_*: In points, strict micro, threshold 0.5;
    against the given annotations, or else against the FP32 graph's own spans.
    """

    logit_difference: float
    texts: int
    reference: str
    f1_fp32: float | None = None
    f1_int8: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class GateData:
    """texts: n strings; labels: n label lists to ask; gold: n sets of (start, end, label) in characters, or None."""

    texts: list[str]
    labels: list[list[str]]
    gold: list[set[Span]] | None
    name: str


def read_data(path: Path | None) -> GateData:
    """Read annotated JSONL (`text`, `spans`, optional `labels`). RAISES (ValueError): T043 for a bad line."""
    if path is None:
        return GateData(SAMPLE, [DEFAULT_LABELS] * len(SAMPLE), None, "sample texts")
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf8").splitlines(), 1):
        try:
            row = json.loads(line)
            gold = {(int(span["start"]), int(span["end"]), str(span["label"])) for span in row["spans"]}
            rows.append((str(row["text"]), row.get("labels"), gold))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(Errors.T043.format(path=path, line=number, reason=repr(error))) from error
    every = sorted({label for _, _, gold in rows for _, _, label in gold})
    return GateData([row[0] for row in rows], [row[1] or every for row in rows], [row[2] for row in rows], path.name)


def check_fp32(library: Any, files: ModelFiles, data: GateData) -> GateReport:
    """Logits and spans of the FP32 graph against the library's forward pass. RAISES (ValueError): T041."""
    import torch

    engine = load_engine(files, "onnx", "fp32")
    tokenizer = PromptTokenizer(engine.tokenizer(), engine.config, sequence_limit(engine.config))
    inputs = token_inputs if engine.token_level else span_inputs
    words_of = spacy.blank("xx").tokenizer
    largest, compared, differing = 0.0, 0, 0
    for text, labels in zip(data.texts[:PARITY_TEXTS], data.labels, strict=False):
        words = split_words(words_of(text))
        prompt = tokenizer.prompts(parse_labels(labels))[0]
        subwords, _ = tokenizer.words(words.texts, tokenizer.limit)
        if not len(words) or len(prompt.ids) + len(subwords.ids) + 2 > tokenizer.limit:
            continue
        batch = build_batch([subwords], prompt, tokenizer.suffix, 0)
        tensors = {name: torch.from_numpy(array) for name, array in inputs(batch, engine.config).items()}
        with torch.inference_mode():
            wanted = library.model(**tensors).logits.numpy()
        found = engine.run(batch)
        compared += 1
        differing += len(spans_of(wanted, batch, engine.token_level) ^ spans_of(found, batch, engine.token_level))
        if not engine.token_level:
            valid = np.arange(found.shape[1])[:, None] + np.arange(found.shape[2]) < len(words)
            wanted, found = wanted[:, valid], found[:, valid]
        largest = max(largest, float(np.abs(wanted - found).max()))
    if not compared:
        refuse("the number of texts that fit the window, to compare with the gliner library,", "0", 1, "")
    if not largest <= MAX_LOGIT_DIFFERENCE:
        refuse("the largest difference of a logit to the gliner library", f"{largest:.2g}", MAX_LOGIT_DIFFERENCE, "")
    if differing:
        refuse("the number of spans that differ from the gliner library's", str(differing), 0, "")
    return GateReport(largest, len(data.texts), data.name)


def spans_of(logits: np.ndarray, batch: Batch, token_level: bool) -> set[tuple[int, int, int]]:
    prompts = batch.labels.shape[1]
    found = decode(logits, token_level, batch.counts, np.arange(prompts), np.full(prompts, THRESHOLD))
    return set(zip(found.first.tolist(), found.last.tolist(), found.label.tolist(), strict=True))


def check_int8(files: ModelFiles, data: GateData, max_loss: float, report: GateReport) -> None:
    """F1 of INT8 against FP32. RAISES (ValueError): T041."""
    fp32 = predict(files, "fp32", data)
    int8 = predict(files, "int8", data)
    if data.gold is None:
        report.f1_fp32, report.f1_int8 = 100.0, 100 * strict_score(int8, fp32).f1
        if any(fp32) and report.f1_int8 < 100 * MIN_AGREEMENT:
            refuse(
                "the agreement of INT8 with FP32", f"{report.f1_int8:.1f} %", f"{100 * MIN_AGREEMENT:.0f} %", "--data"
            )
        return
    report.f1_fp32 = 100 * strict_score(fp32, data.gold).f1
    report.f1_int8 = 100 * strict_score(int8, data.gold).f1
    loss = report.f1_fp32 - report.f1_int8
    if loss > max_loss:
        value = f"{loss:.2f} points ({report.f1_fp32:.2f} before, {report.f1_int8:.2f} after)"
        refuse("the loss of F1 by INT8", value, max_loss, "--max-loss")


def predict(files: ModelFiles, precision: str, data: GateData) -> list[set[Span]]:
    nlp = pipeline(files.path, precision)
    docs = []
    for text, labels in zip(data.texts, data.labels, strict=True):
        doc = nlp.make_doc(text)
        doc._.gliner_labels = labels
        docs.append(doc)
    return [{(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents} for doc in nlp.pipe(docs)]


def pipeline(model: Path, precision: str) -> Language:
    nlp = spacy.blank("xx")
    nlp.max_length = 10**9
    pipe = nlp.add_pipe("gliner_ner", config={"model": str(model), "precision": precision, "threshold": THRESHOLD})
    assert isinstance(pipe, GlinerNER)
    return nlp


def refuse(measure: str, value: str, limit: Any, option: str) -> None:
    raise ValueError(Errors.T041.format(measure=measure, value=value, limit=limit, option=option or "nothing"))
