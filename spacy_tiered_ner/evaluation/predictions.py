"""What a pipeline, or a file of predictions, says about annotated texts, and what that cost."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm

from ..corpus import JSONL, file_type, read_lines
from ..errors import Errors
from ..extensions import register
from ..gliner.component import GlinerNER
from ..gliner.gate import spans_above_threshold
from ..teacher.records import parse_teacher
from .gold import GoldText, char_span, char_spans, from_record, labels_of, read_gold
from .metrics import CharSpan
from .thresholds import Scored

BATCH_SIZE = 64


@dataclass(frozen=True)
class Cost:
    """What so many documents took, None where it is not known: seconds on the clock and of all processor cores, what
    components report of tokens and money, answers that came from a cache and cost nothing this time, and the
    components' own seconds by name.
    """

    documents: int
    seconds: float | None = None
    cpu_seconds: float | None = None
    tokens: float | None = None
    money: float | None = None
    cache_hits: float | None = None
    components: dict[str, float] = field(default_factory=dict)

    def per_thousand(self) -> dict[str, Any]:
        share = 1000 / self.documents
        names = ("seconds", "cpu_seconds", "tokens", "money", "cache_hits")
        values = {name: getattr(self, name) for name in names}
        return {
            "documents_measured": self.documents,
            **{name: None if value is None else value * share for name, value in values.items()},
            "component_seconds": {name: seconds * share for name, seconds in self.components.items()},
        }


@dataclass(frozen=True)
class Predictions:
    """spans: What counts in each text. candidates: All spans of the group `scores_key` with their scores, for each
    text; empty where there is none. unjudged (int): Predictions left out, with labels that the annotators did not
    look for.
    """

    name: str
    spans: list[frozenset[CharSpan]]
    candidates: list[list[tuple[CharSpan, float]]]
    scores_key: str | None
    unjudged: int
    cost: Cost

    @property
    def scored(self) -> list[Scored]:
        """The candidates of each text, and what counts in it without being one of them."""
        pairs = zip(self.spans, self.candidates, strict=True)
        return [Scored(found, spans - {span for span, _ in found}) for spans, found in pairs]


def predict(source: str, texts: Sequence[GoldText], *, spans_key: str | None = None, ask: bool = False) -> Predictions:
    """Run a pipeline on the texts, or look them up in a file of predictions.

    source (str): A pipeline's name or directory, or an annotated file, such as a teacher's labels.
    spans_key (Optional[str]): Count the spans of this group; those of `gliner_ner` above its thresholds. With None
        `doc.ents` counts.
    ask (bool): Have `gliner_ner` look for the labels that the annotators looked for, instead of its own.
    RAISES (ValueError, OSError): T301 texts that the file lacks; what `spacy.load` and `read_corpus` raise.
    """
    path = Path(source)
    if path.is_file() and file_type(path):
        return look_up(path, texts, spans_key)
    return run(spacy.load(source), source, texts, spans_key, ask)


def look_up(path: Path, texts: Sequence[GoldText], spans_key: str | None) -> Predictions:
    """Read predictions from a file. In a teacher's JSONL `confidence` is the score and `meta.usage` the cost."""
    if file_type(path) in JSONL:
        records = list(read_lines(path, parse_teacher, Errors.T043))
        rows = [from_record(record, nested=spans_key is not None) for record in records]
    else:
        records, rows = [], read_gold(path, spans_key)
    places = {row.text: place for place, row in enumerate(rows)}
    missing = [number for number, text in enumerate(texts, 1) if text.text not in places]
    if missing:
        raise ValueError(Errors.T301.format(path=path, count=len(missing), total=len(texts), first=missing[0]))
    order = [places[text.text] for text in texts]
    scored = [list(records[place].confidence.items()) if records else [] for place in order]
    candidates = [judged_scores(found, text) for found, text in zip(scored, texts, strict=True)]
    kept = [judged(rows[place].spans, text) for place, text in zip(order, texts, strict=True)]
    unjudged = sum(len(rows[place].spans) for place in order) - sum(map(len, kept))
    usage = [{"teacher": records[place].meta.get("usage", {})} for place in order] if records else []
    cost = reported(usage, len(texts)) if any(by_name["teacher"] for by_name in usage) else Cost(len(texts))
    key = "confidence" if any(candidates) else None
    return Predictions(str(path), kept, candidates, key, unjudged, cost)


def run(nlp: Language, name: str, texts: Sequence[GoldText], spans_key: str | None, ask: bool) -> Predictions:
    register()
    nlp("")  # loads the models, and gives a language model nothing to be asked about
    every = labels_of(texts)
    docs = [nlp.make_doc(text.text) for text in texts]
    for doc, text in zip(docs, texts, strict=True):
        doc._.gliner_labels = sorted(text.asked or every) if ask else None
    began, began_cpu = time.perf_counter(), time.process_time()
    docs = list(tqdm(nlp.pipe(docs, batch_size=BATCH_SIZE), total=len(docs), unit=" docs", desc=name, leave=False))
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - began_cpu
    if len(docs) != len(texts):
        raise ValueError(Errors.T300.format(name=name, given=len(docs), wanted=len(texts)))
    if spans_key and not any(spans_key in doc.spans for doc in docs):
        groups = sorted({key for doc in docs for key in doc.spans})
        raise ValueError(Errors.T302.format(name=name, key=spans_key, groups=groups))
    decided = [decision(doc, nlp, spans_key) for doc in docs]
    kept = [judged(found, text) for found, text in zip(decided, texts, strict=True)]
    scores_key = spans_key if spans_key and has_scores(docs, spans_key) else last_scored_group(docs)
    cost = reported([doc._.tiered_ner or {} for doc in docs], len(docs))
    cost = replace(cost, seconds=seconds, cpu_seconds=cpu_seconds)
    candidates = [scored_spans(doc, text, scores_key) for doc, text in zip(docs, texts, strict=True)]
    unjudged = sum(map(len, decided)) - sum(map(len, kept))
    return Predictions(name, kept, candidates, scores_key, unjudged, cost)


def decision(doc: Doc, nlp: Language, spans_key: str | None) -> frozenset[CharSpan]:
    """RETURNS (FrozenSet[CharSpan]): The entities, or the spans of the group that its component decided for."""
    if spans_key is None:
        return char_spans(doc.ents)
    for _, pipe in nlp.pipeline:
        if isinstance(pipe, GlinerNER) and pipe.spans_key == spans_key:
            return frozenset(CharSpan(*span) for span in spans_above_threshold(doc, pipe))
    return char_spans(doc.spans.get(spans_key, ()))


def judged(spans: Iterable[CharSpan], text: GoldText) -> frozenset[CharSpan]:
    return frozenset(span for span in spans if text.asked is None or span.label in text.asked)


def has_scores(docs: Sequence[Doc], key: str) -> bool:
    return any(key in doc.spans and "scores" in doc.spans[key].attrs for doc in docs)


def last_scored_group(docs: Sequence[Doc]) -> str | None:
    """RETURNS (Optional[str]): Of the groups with scores the one that was written last."""
    keys = list(dict.fromkeys(key for doc in docs for key in doc.spans))
    return next((key for key in reversed(keys) if has_scores(docs, key)), None)


def scored_spans(doc: Doc, text: GoldText, key: str | None) -> list[tuple[CharSpan, float]]:
    if key is None or key not in doc.spans or "scores" not in doc.spans[key].attrs:
        return []
    group = doc.spans[key]
    pairs = zip(group, group.attrs["scores"], strict=True)
    found = ((char_span(span), float(score)) for span, score in pairs)
    return judged_scores(found, text)


def judged_scores(found: Iterable[tuple[CharSpan, float]], text: GoldText) -> list[tuple[CharSpan, float]]:
    return [(span, score) for span, score in found if text.asked is None or span.label in text.asked]


def reported(usage: Sequence[Mapping[str, Mapping[str, Any]]], documents: int) -> Cost:
    """Add up what components report of each document: `tokens`, `cost`, `cache_hits`, `time` where they have them."""
    reports = [(name, report) for by_name in usage for name, report in by_name.items()]
    components: dict[str, float] = defaultdict(float)
    for name, report in reports:
        if "time" in report:
            components[name] += report["time"]
    priced = all(report.get("cost", 0) is not None for _, report in reports)
    return Cost(
        documents,
        tokens=sum(report.get("tokens", 0) for _, report in reports),
        money=sum(report.get("cost", 0) for _, report in reports) if priced else None,
        cache_hits=sum(report.get("cache_hits", 0) for _, report in reports),
        components=dict(components),
    )
