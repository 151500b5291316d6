"""The gate of the export: the graph against the gliner library on real text, and F1 before and after INT8."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from ..corpus import read_corpus
from ..errors import Errors
from ..evaluation.metrics import Span, strict_score
from ..factories import DEFAULT_LABELS
from .batch import Batch, build_batch, span_inputs, token_inputs
from .component import GlinerNER
from .decoding import decode
from .engine import load_engine, sequence_limit
from .labels import LabelSet, parse_labels
from .prompt import PromptTokenizer
from .source import ModelFiles
from .words import split_words

MAX_LOGIT_DIFFERENCE = 1e-4
MAX_RELATIVE_DIFFERENCE = 1e-5  # of the largest logit, where that allows more
MIN_AGREEMENT = 0.8
THRESHOLD = 0.5
PARITY_TEXTS = 64
BUILT_IN = "built-in texts"
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
USE_TORCH = 'The graph does not compute what the gliner library does: keep `runtime` = "torch" for this model.'
SHORTER_TEXTS = "Give texts that fit one window of the model with --data."
MAX_LOSS = "Keep FP32 (--precision fp32), or raise --max-loss if you accept the loss."
GIVE_DATA = "Keep FP32 (--precision fp32), or give annotated documents with --data, so that F1 decides."


@dataclass
class GateReport:
    """What was measured.

    reference: The annotated file or directory, or the built-in texts. texts: How many they are.
    measured: What F1 is of: `doc.ents`, or the span group where annotations are nested or missing.
    logit_difference: Largest absolute difference to the gliner library, over the first `logits_compared` texts that
        fit one window; `too_long` ones between them did not.
    f1_fp32, f1_int8: In points, strict micro; against the annotations, or else against FP32's own spans.
    """

    reference: str
    texts: int
    measured: str
    logits_compared: int = 0
    too_long: int = 0
    logit_difference: float = 0.0
    f1_fp32: float | None = None
    f1_int8: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class GateData:
    """texts: n strings. asked: For each, the labels that its annotators looked for, None where not known.
    gold: n sets of (start, end, label) in characters, or None. key: The span group they come from, None: `doc.ents`.
    """

    name: str
    texts: list[str]
    asked: list[list[str] | None]
    gold: list[set[Span]] | None
    key: str | None

    @property
    def labels(self) -> list[str]:
        """Every annotated label, sorted."""
        return sorted({label for spans in self.gold or () for _, _, label in spans})


def read_data(path: Path | None, nlp: Language, spans_key: str) -> GateData:
    """Read annotated documents; without a path, the built-in texts, which have no annotations.

    Where some document's group holds other spans than its entities (nested ones, say), the groups are what counts,
    otherwise the entities.
    RAISES (ValueError): As `read_corpus`; T064 no documents.
    """
    if path is None:
        return GateData(BUILT_IN, SAMPLE, [None] * len(SAMPLE), None, spans_key)
    docs = list(read_corpus(path, nlp, spans_key))
    if not docs:
        raise ValueError(Errors.T064.format(path=path))
    key = spans_key if any(spans_in(doc, spans_key) != spans_in(doc, None) for doc in docs) else None
    asked = [doc._.gliner_labels for doc in docs]
    return GateData(str(path), [doc.text for doc in docs], asked, [spans_in(doc, key) for doc in docs], key)


def spans_in(doc: Doc, key: str | None) -> set[Span]:
    """The spans of a group, or with None those of `doc.ents`."""
    return {(s.start_char, s.end_char, s.label_) for s in (doc.ents if key is None else doc.spans[key])}


def spans_above_threshold(doc: Doc, pipe: GlinerNER) -> set[Span]:
    """The spans of the pipe's group whose score exceeds the threshold of their label."""
    labels = labels_of(doc, pipe)
    thresholds = dict(zip(labels.names, labels.cutoffs(pipe.threshold), strict=True))
    group = doc.spans[pipe.spans_key]
    scored = zip(group, group.attrs["scores"], strict=True)
    return {(s.start_char, s.end_char, s.label_) for s, score in scored if score > thresholds[s.label_]}


def labels_of(doc: Doc, pipe: GlinerNER) -> LabelSet:
    return parse_labels(doc._.gliner_labels or pipe.label_data or DEFAULT_LABELS, pipe.name)


class Gate:
    """Measures an exported `gliner_ner`, and refuses what lost too much.

    before (Language): With the component in FP32. name (str): Of the component.
    after (Callable): Loads the same pipeline with the component in INT8.
    max_loss (float): Points of F1 that INT8 may lose.
    own_labels (bool): Look for the component's labels, and leave those out of the comparison that a text's annotators
        did not look for; otherwise look for what the annotators did.
    """

    def __init__(
        self,
        before: Language,
        name: str,
        after: Callable[[], Language],
        data: GateData,
        *,
        max_loss: float,
        own_labels: bool,
    ):
        self.before, self.name, self.after, self.data = before, name, after, data
        self.max_loss, self.own_labels = max_loss, own_labels
        measured = "doc.ents" if data.key is None else f"doc.spans[{data.key!r}]"
        self.report = GateReport(data.name, len(data.texts), measured)

    def docs(self, nlp: Language) -> Iterator[Doc]:
        for text, asked in zip(self.data.texts, self.data.asked, strict=True):
            doc = nlp.make_doc(text)
            doc._.gliner_labels = None if self.own_labels else asked
            yield doc

    def check_graph(self, library: Any, files: ModelFiles) -> None:
        """Logits and spans of the FP32 graph against the library's forward pass. RAISES (ValueError): T041."""
        import torch

        report, pipe = self.report, component(self.before, self.name)
        engine = load_engine(files, "onnx", "fp32")
        tokenizer = PromptTokenizer(engine.tokenizer(), engine.config, sequence_limit(engine.config))
        inputs = token_inputs if engine.token_level else span_inputs
        differing, largest = 0, 0.0
        for doc in self.docs(self.before):
            words = split_words(doc)
            prompt = tokenizer.prompts(labels_of(doc, pipe))[0]
            subwords, _ = tokenizer.words(words.texts, tokenizer.limit)
            if not len(words):
                continue
            if len(prompt.ids) + len(subwords.ids) + len(tokenizer.suffix) > tokenizer.limit:
                report.too_long += 1
                continue
            batch = build_batch([subwords], [prompt], tokenizer.suffix, 0)
            tensors = {name: torch.from_numpy(array) for name, array in inputs(batch, engine.config).items()}
            with torch.inference_mode():
                wanted = library.model(**tensors).logits.numpy()
            found = engine.run(batch)
            differing += len(decoded(wanted, batch, engine.token_level) ^ decoded(found, batch, engine.token_level))
            if not engine.token_level:
                valid = np.arange(found.shape[1])[:, None] + np.arange(found.shape[2]) < len(words)
                wanted, found = wanted[:, valid], found[:, valid]
            largest = float(np.maximum(largest, np.abs(wanted).max()))
            report.logit_difference = float(np.maximum(report.logit_difference, np.abs(wanted - found).max()))
            report.logits_compared += 1
            if report.logits_compared == PARITY_TEXTS:
                break
        if not report.logits_compared:
            refuse("the number of texts that fit the window, to compare logits on,", "0", 1, SHORTER_TEXTS)
        limit = max(MAX_LOGIT_DIFFERENCE, MAX_RELATIVE_DIFFERENCE * largest)
        if not report.logit_difference <= limit:
            measure = "the largest difference of a logit to the gliner library"
            refuse(measure, f"{report.logit_difference:.2g}", f"{limit:.2g}", USE_TORCH)
        if differing:
            refuse("the number of spans that differ from the gliner library's", str(differing), 0, USE_TORCH)

    def check_int8(self) -> None:
        """F1 of INT8 against FP32. RAISES (ValueError): T041 refused, T047 FP32 finds nothing, so nothing is shown."""
        int8 = self.spans(self.after())
        gold = self.fp32_spans if self.data.gold is None else self.data.gold
        before, after = (100 * strict_score(spans, gold).f1 for spans in (self.fp32_spans, int8))
        self.report.f1_fp32, self.report.f1_int8 = before, after
        if before == 0:
            raise ValueError(Errors.T047.format(name=self.name, data=self.data.name))
        if self.data.gold is None and after < 100 * MIN_AGREEMENT:
            refuse("the agreement of INT8 with FP32", f"{after:.1f} %", f"{100 * MIN_AGREEMENT:.0f} %", GIVE_DATA)
        if self.data.gold is not None and before - after > self.max_loss:
            value = f"{before - after:.2f} points ({before:.2f} before, {after:.2f} after)"
            refuse("the loss of F1 by INT8", value, self.max_loss, MAX_LOSS)

    @cached_property
    def fp32_spans(self) -> list[set[Span]]:
        return self.spans(self.before)

    def spans(self, nlp: Language) -> list[set[Span]]:
        """What a pipeline finds in each text: of the component's group where the data says so, else `doc.ents`."""
        pipe = component(nlp, self.name)
        nlp.enable_pipe(self.name)
        result = []
        for doc, asked in zip(nlp.pipe(self.docs(nlp)), self.data.asked, strict=True):
            spans = spans_in(doc, None) if self.data.key is None else spans_above_threshold(doc, pipe)
            result.append({span for span in spans if asked is None or span[2] in asked})
        return result


def component(nlp: Language, name: str) -> GlinerNER:
    pipe = nlp.get_pipe(name)
    assert isinstance(pipe, GlinerNER)
    return pipe


def decoded(logits: np.ndarray, batch: Batch, token_level: bool) -> set[tuple[int, int, int]]:
    prompts = batch.labels.shape[1]
    found = decode(logits, token_level, batch.counts, np.arange(prompts), np.full(prompts, THRESHOLD))
    return set(zip(found.first.tolist(), found.last.tolist(), found.label.tolist(), strict=True))


def refuse(measure: str, value: str, limit: Any, mend: str) -> None:
    raise ValueError(Errors.T041.format(measure=measure, value=value, limit=limit, mend=mend))
