"""Labels texts with a panel of language models, many at a time."""

import hashlib
import json
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import takewhile
from pathlib import Path
from threading import Event
from typing import Any

from spacy.language import Language

from ..extensions import register
from ..llm.answers import Decision
from ..llm.budget import Spent
from ..llm.cache import schema_text
from ..llm.candidates import read_candidates
from ..llm.guidelines import Guidelines
from ..llm.sender import BUDGET, CIRCUIT, Outcome
from ..llm.strategy import Question
from ..llm.windows import Window, plan
from .agreement import decide, unanimous
from .annotation import Annotated
from .output import Output
from .panel import Panel, Voter, usage_of
from .records import TeacherRecord
from .texts import RawText

Asked = tuple[Voter, Question, "Future[Outcome]"]


@dataclass
class Result:
    """What a run has done so far, with what an earlier one left.

    kept (int): Texts labelled in an earlier run. spans, ambiguous, disagreements (int): All spans, those whose text
    stands there several times, texts about which the voters disagree. rejected (Counter): Parts of answers that did not
    fit the text or the labels. missing (Dict[str, str]): Why texts have no labels, by id. stopped (str): Why the run
    ended early.
    """

    texts: int
    labelled: int = 0
    kept: int = 0
    spans: int = 0
    ambiguous: int = 0
    disagreements: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    missing: dict[str, str] = field(default_factory=dict)
    stopped: str = ""
    stale: int = 0
    torn: bool = False

    def count(self, row: Mapping[str, Any]) -> None:
        meta = row.get("meta", {})
        self.spans += len(row["spans"])
        self.ambiguous += len(meta.get("ambiguous", ()))
        self.disagreements += bool(meta.get("disagreed"))
        self.rejected.update(meta.get("rejected", {}))


class Job:
    """One text on its way: `start`, then `arbitrate`, then `finish`. failure: Why it gets no labels."""

    def __init__(self, text: RawText, nlp: Language, panel: Panel, guidelines: Guidelines):
        register()
        self.text, self.panel, self.guidelines = text, panel, guidelines
        self.doc = nlp.make_doc(text.text)
        nothing, every = read_candidates(self.doc, ()), list(guidelines)
        limits: dict[str, Any] = {"context_sentences": 0, "max_words": panel.max_words, "max_spans": 1}
        self.windows = plan(self.doc, nothing, {}, True, every, **limits)
        self.spent, self.rejected, self.stop = Spent(), Counter[str](), Event()
        self.failure: Outcome | None = None
        self.first: list[list[Asked]] = []
        self.second: dict[int, list[Asked]] = {}
        self.votes: list[list[Annotated]] = []

    @property
    def prompt_hash(self) -> str:
        """RETURNS (str): SHA-256 of everything that is asked about this text."""
        parts = [
            [voter.strategy.fingerprint, question.system, question.user, schema_text(question.schema)]
            for voter in self.panel.everyone
            for window in self.windows
            for question in voter.strategy.ask(window, self.guidelines)
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def start(self) -> None:
        self.first = [self._ask(window, self.panel.voters) for window in self.windows]

    def _ask(self, window: Window, voters: Sequence[Voter]) -> list[Asked]:
        return [
            (voter, question, voter.sender.submit(question, self.spent, self.stop))
            for voter in voters
            for question in voter.strategy.ask(window, self.guidelines)
        ]

    def arbitrate(self) -> None:
        """Wait for the voters, and ask the stronger model about the windows where they disagree."""
        self.votes = [[self._read(window, one) for one in asked] for window, asked in self._shown()]
        if self.panel.arbiter is None or self.failure:
            return
        for number, votes in enumerate(self.votes):
            if not unanimous(spans_of(votes)):
                self.second[number] = self._ask(self.windows[number], [self.panel.arbiter])

    def _shown(self) -> Iterator[tuple[Window, list[Asked]]]:
        return zip(self.windows, self.first, strict=True)

    def _read(self, window: Window, asked: Asked) -> Annotated:
        voter, question, future = asked
        outcome = future.result()
        if outcome.skipped or outcome.answer is None:
            self.failure = outcome
            return Annotated()
        reading = voter.strategy.read(window, [(question, outcome.answer)])
        self.rejected.update(+reading.counts)
        return reading

    def finish(self) -> dict[str, Any]:
        """RETURNS (Dict[str, Any]): The line to write, unless there is a failure."""
        chosen: dict[Decision, float] = {}
        ambiguous: set[Decision] = set()
        for number, votes in enumerate(self.votes):
            decisive = [self._read(self.windows[number], asked) for asked in self.second.get(number, ())]
            arbiter = spans_of(decisive)[0] if decisive else None
            chosen.update(decide(spans_of(votes), arbiter))
            ambiguous |= {span for reading in decisive or votes for span in reading.ambiguous}
        several = len(self.panel.voters) > 1
        meta: dict[str, Any] = {
            "id": self.text.id,
            "model": self.panel.model,
            "prompt_hash": self.prompt_hash,
            "time": now(),
        }
        meta["usage"] = usage_of(self.spent, self.panel.priced)
        meta["ambiguous"] = [self._span(span) for span in chosen if span in ambiguous]
        if several:
            meta["disagreed"] = not all(unanimous(spans_of(votes)) for votes in self.votes)
            meta["arbitrated"] = bool(self.second)
        if self.rejected:
            meta["rejected"] = dict(self.rejected)
        spans = [
            self._span(span) | ({"confidence": round(share, 4)} if several else {}) for span, share in chosen.items()
        ]
        return {"text": self.text.text, "spans": spans, "labels": list(self.guidelines), "meta": meta}

    def _span(self, decision: Decision) -> dict[str, Any]:
        span = self.doc[decision.start : decision.end]
        return {"start": span.start_char, "end": span.end_char, "label": decision.label}

    def cancel(self) -> None:
        self.stop.set()
        for asked in (*self.first, *self.second.values()):
            for _, _, future in asked:
                future.cancel()


def spans_of(readings: Sequence[Annotated]) -> list[frozenset[Decision]]:
    return [frozenset(reading.missing) for reading in readings]


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def teach(
    texts: Sequence[RawText], path: Path, *, panel: Panel, guidelines: Guidelines, nlp: Language
) -> Iterator[Result]:
    """Label texts, and write each to the file as soon as it and those before it are done. What the file has already
    from the same guidelines, templates and models is not labelled again. A text without a usable answer is left out;
    the run stops where the budget is used up, or where the models keep failing.

    YIELDS (Result): At the beginning, and after each text; it is always the same object.
    RAISES (ValueError): T043, T345 for the file. (OSError): T343 a full disk.
    """
    by_id = {text.id: text for text in texts}

    def still_fits(record: TeacherRecord) -> bool:
        text = by_id.get(record.id)
        if text is None or text.text != record.text or record.meta.get("model") != panel.model:
            return False
        return record.meta.get("prompt_hash") == Job(text, nlp, panel, guidelines).prompt_hash

    output, result = Output(path), Result(len(texts))
    done = output.open(still_fits)
    result.kept, result.stale, result.torn = len(done), output.stale, output.torn
    for row in output.rows:
        result.count(row)
    waiting = takewhile(lambda _: not result.stopped, (text for text in texts if text.id not in done))
    jobs = (Job(text, nlp, panel, guidelines) for text in waiting)
    try:
        yield result
        for job in finished(jobs, panel.concurrency):
            if job.failure is None:
                row = job.finish()
            if job.failure is None:
                output.append(job.text.id, row)
                result.labelled += 1
                result.count(row)
            else:
                reason = ": ".join(filter(None, (job.failure.skipped, job.failure.detail)))
                result.missing[job.text.id] = reason
                if job.failure.skipped in (BUDGET, CIRCUIT):
                    result.stopped = reason
            yield result
    finally:
        output.close(list(by_id))


def finished(jobs: Iterator[Job], ahead: int) -> Iterator[Job]:
    """Keep `ahead` texts with the voters and as many with the stronger model. YIELDS (Job): In order, to finish."""
    started: deque[Job] = deque()
    arbitrated: deque[Job] = deque()
    try:
        for job in jobs:
            job.start()
            started.append(job)
            if len(started) > ahead:
                arbitrated.append(started[0])
                started.popleft().arbitrate()
            if len(arbitrated) > ahead:
                yield arbitrated.popleft()
        while started:
            arbitrated.append(started[0])
            started.popleft().arbitrate()
        while arbitrated:
            yield arbitrated.popleft()
    finally:
        for job in (*started, *arbitrated):
            job.cancel()
