"""All detectors on many documents, and what they agree on."""

import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from spacy.tokens import Doc
from spacy.util import minibatch

from ..errors import Warnings
from .finding import MODEL, Finding
from .merge import beside, merge
from .model import Detector
from .neighbours import postal_codes
from .normalise import Reading
from .people import fold
from .propagate import listed, propagate
from .rules import Rule
from .rules.pattern import marks_of

WHOLE = "WITHHELD"
CHUNKS_IN_FLIGHT = 3
LOOSE = " \t\r\n,;:"


@dataclass
class Detection:
    """What was found in one document: in reading order, none overlapping; the whole text where it is withheld.

    failed (List[str]): The detectors that failed on it.
    """

    findings: list[Finding] = field(default_factory=list)
    withheld: bool = False
    failed: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass
class Work:
    """One document in the making. marks: What the rules reported, in characters of the reading."""

    reading: Reading
    marks: list[Finding]
    failed: list[str]
    seconds: float


class Detectors:
    """rules (Mapping[str, Rule]): By name. model (Optional[Detector]): None for rules only.
    threshold (float): Least score of a rule. thresholds (Mapping): Label -> least score, of rules and model.
    allowed (Iterable[str]), denied (Mapping): What is never, and what is always found.
    repeats (bool): Whether what was found once is found everywhere else in the document.
    kept (Callable): Whether findings of a label stay in the text: they give way to all others.
    closed (bool): Whether a text is withheld when a detector fails on it.
    """

    def __init__(
        self,
        name: str,
        *,
        rules: Mapping[str, Rule],
        model: Detector | None,
        threshold: float,
        thresholds: Mapping[str, float],
        allowed: Iterable[str],
        denied: Mapping[str, Sequence[str]],
        repeats: bool,
        kept: Callable[[str], bool],
        closed: bool,
    ):
        self.name, self.rules, self.model = name, rules, model
        self.threshold, self.thresholds = threshold, thresholds
        self.allowed, self.denied = frozenset(map(fold, allowed)), denied
        self.repeats, self.kept, self.closed = repeats, kept, closed
        self._warned: set[str] = set()

    def __call__(self, docs: Sequence[Doc]) -> list[Detection]:
        return self._finish(docs, *self._start(docs))

    def stream(self, docs: Iterable[Doc], size: int) -> Iterator[tuple[Doc, Detection]]:
        """Documents in order. While the model works on some, the rules read the next ones."""
        waiting: deque = deque()
        for batch in minibatch(docs, size=size):
            waiting.append((batch, *self._start(batch)))
            if len(waiting) == CHUNKS_IN_FLIGHT:
                yield from self._finished(*waiting.popleft())
        while waiting:
            yield from self._finished(*waiting.popleft())

    def _finished(self, docs: Sequence[Doc], work: list[Work], pending: Any) -> Iterator[tuple[Doc, Detection]]:
        yield from zip(docs, self._finish(docs, work, pending), strict=True)

    def _start(self, docs: Sequence[Doc]) -> tuple[list[Work], Any]:
        began = time.perf_counter()
        readings = [Reading(doc) for doc in docs]
        pending = self.model.submit([reading.doc for reading in readings]) if self.model else None
        shared = (time.perf_counter() - began) / len(docs)
        return [self._apply_rules(reading, shared) for reading in readings], pending

    def _apply_rules(self, reading: Reading, seconds: float) -> Work:
        began = time.perf_counter()
        work = Work(reading, [], [], seconds)
        text = reading.doc.text
        for name, rule in self.rules.items():
            work.marks += self._attempt(work, name, partial(self._sure, rule, reading.doc, text))
        work.seconds += time.perf_counter() - began
        return work

    def _sure(self, rule: Rule, doc: Doc, text: str) -> list[Finding]:
        return [
            mark for mark in marks_of(rule, doc, text) if mark.score >= self.thresholds.get(mark.label, self.threshold)
        ]

    def _finish(self, docs: Sequence[Doc], work: list[Work], pending: Any) -> list[Detection]:
        predictions = self._predictions(work, pending) if self.model else [None] * len(work)
        return [self._settle(doc, one, found) for doc, one, found in zip(docs, work, predictions, strict=True)]

    def _predictions(self, work: list[Work], pending: Any) -> list[Any]:
        """Where the model fails on a batch, each document is tried on its own."""
        try:
            return pending.result()
        except Exception:
            return [self._attempt(one, MODEL, partial(self._predict, one.reading.doc))[0] for one in work]

    def _predict(self, doc: Doc) -> list[Any]:
        return self.model.submit([doc]).result() if self.model else [None]

    def _settle(self, doc: Doc, work: Work, prediction: Any) -> Detection:
        """From all marks to findings in characters of the document."""
        began = time.perf_counter()
        findings = self._attempt(work, self.name, partial(self._findings, work, prediction))
        seconds = work.seconds + time.perf_counter() - began
        if prediction is not None:
            seconds += prediction.stats["time"]
        if work.failed and self.closed:
            whole = [Finding(0, len(doc.text), WHOLE, 1.0, work.failed[0])]
            return Detection(whole, True, work.failed, seconds)
        return Detection(findings, False, work.failed, seconds)

    def _findings(self, work: Work, prediction: Any) -> list[Finding]:
        reading = work.reading.doc
        text = reading.text
        marks = list(work.marks)
        if self.model and prediction is not None:
            found = self.model.findings(reading, prediction)
            marks += [mark for mark in found if mark.score >= self.thresholds.get(mark.label, 0.0)]
        marks = self._permitted(text, marks) + listed(text, self.denied)
        staying = [mark for mark in marks if self.kept(mark.label)]
        marks = merge(mark for mark in marks if not self.kept(mark.label))
        marks = merge(marks + self._permitted(text, postal_codes(text, merge(marks + staying))))
        if self.repeats:
            marks = merge(marks + self._permitted(text, propagate(text, marks)))
        if staying:
            marks = sorted(marks + beside(merge(staying), marks), key=lambda mark: mark.start)
        return work.reading.restore(tidied(text, marks))

    def _permitted(self, text: str, findings: list[Finding]) -> list[Finding]:
        if not self.allowed:
            return findings
        return [finding for finding in findings if fold(text[finding.start : finding.end]) not in self.allowed]

    def _attempt(self, work: Work, detector: str, detect: Callable[[], list[Any]]) -> list[Any]:
        """Errors of a detector may quote the text, so that nothing but their type is shown."""
        try:
            return detect()
        except Exception as error:
            work.failed.append(detector)
            code = "W200" if self.closed else "W201"
            if code not in self._warned:
                self._warned.add(code)
                message = getattr(Warnings, code)
                warnings.warn(
                    message.format(name=self.name, detector=detector, error=type(error).__name__), stacklevel=2
                )
            return [None] if detector == MODEL else []


def tidied(text: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """YIELDS (Finding): Without white space and commas around what the model marked."""
    for finding in findings:
        start, end = finding.start, finding.end
        if finding.source == MODEL:
            while start < end and text[start] in LOOSE:
                start += 1
            while start < end and text[end - 1] in LOOSE:
                end -= 1
        if start < end:
            yield replace(finding, start=start, end=end)
