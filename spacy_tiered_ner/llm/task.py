"""What is done for one document: ask, read the answers, merge, keep the ledger."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import numpy as np
from spacy.tokens import Doc, Span

from ..errors import Errors
from ..spans import replace_ents
from .answers import Decision
from .candidates import Candidates
from .ledger import Ledger
from .merge import merge
from .policy import WHOLE, Choice
from .sender import BUDGET, CIRCUIT, ERROR, NO_CLIENT, STOPPED, UNUSABLE, Outcome
from .strategy import Question
from .windows import Item, Window, plan

if TYPE_CHECKING:
    from .component import LLMEscalate

DEFAULT_THRESHOLD = 0.5
CAP, NO_LABELS, UNANSWERED = "cap", "no_labels", "unanswered"
WARNING_OF = {BUDGET: "W101", ERROR: "W102", CIRCUIT: "W103", UNUSABLE: "W104", NO_CLIENT: "W105"}
Sent = list[tuple[Question, "Future[Outcome]"]]


class Task:
    """One document on its way through `llm_escalate`."""

    def __init__(self, pipe: "LLMEscalate", doc: Doc, candidates: Candidates, choice: Choice):
        self.pipe, self.doc, self.candidates, self.choice = pipe, doc, candidates, choice
        self.ledger = Ledger()
        self.sent: list[tuple[Window, Sent]] = []
        self.began = 0.0
        self.placeholders: Any = None
        self.stop = threading.Event()

    def windows(self) -> list[Window]:
        """RETURNS (List[Window]): What is to be asked."""
        pipe, choice = self.pipe, self.choice
        if choice.left_out:
            self._leave_out(CAP, choice.left_out)
        if not choice.chosen and not choice.whole:
            return []
        labels = self._labels()
        if not labels:
            self._leave_out(NO_LABELS, [*choice.chosen, *[WHOLE] * (choice.whole > 0)])
            pipe.warn_once("W106")
            return []
        replaced: list = []
        if pipe.masker is not None:
            replaced, self.placeholders = pipe.masker(self.doc, self.candidates)
        return plan(
            self.doc,
            self.candidates,
            choice.chosen,
            choice.whole,
            labels,
            replaced=replaced,
            ontology=pipe.ontology,
            **pipe.limits,
        )

    def ask(self, window: Window) -> None:
        """Send the questions about a window."""
        pipe = self.pipe
        if pipe.sender is None:
            self._skip(window, window.items, NO_CLIENT)
            return
        self.began = self.began or time.perf_counter()
        questions = pipe.strategy.ask(window, pipe.guidelines)
        self.sent.append((window, [(asked, self._submit(asked)) for asked in questions]))

    def _submit(self, question: Question) -> "Future[Outcome]":
        assert self.pipe.sender is not None
        return self.pipe.sender.submit(question, self.ledger.spent, self.stop)

    def _outcome(self, question: Question, future: "Future[Outcome]") -> Outcome:
        outcome = future.result()
        while outcome.skipped == STOPPED:  # by a document that asked the same
            outcome = self._submit(question).result()
        return outcome

    def cancel(self) -> None:
        """Send nothing more."""
        self.stop.set()

    def finish(self) -> None:
        """Wait for the answers and write the decision. RAISES (ValueError): T120 with `on_error` = "raise"."""
        verdicts: dict[tuple[int, int], Decision | None] = {}
        missing: list[Decision] = []
        implicit: list[dict[str, Any]] = []
        for window, sent in self.sent:
            outcomes = [(question, self._outcome(question, future)) for question, future in sent]
            answers = [(question, outcome.answer) for question, outcome in outcomes if outcome.answer is not None]
            reading = self.pipe.strategy.read(window, answers)
            failures = [outcome for _, outcome in outcomes if outcome.skipped]
            if any(outcome.sent for _, outcome in outcomes):
                self.ledger.counts["asked"] += len(window.items)
            undecided = [item for item in window.items if item.id not in reading.decisions]
            if failures:
                self._skip(window, undecided, failures[0].skipped, failures[0].detail)
                reading.counts[UNANSWERED] = 0
                if self.pipe.on_error == "drop" and failures[0].skipped != BUDGET:
                    verdicts.update(dict.fromkeys(((item.start, item.end) for item in undecided), None))
            else:
                self._record_items(undecided, UNANSWERED)
            for item in window.items:
                if item.id in reading.decisions:
                    verdicts[item.start, item.end] = reading.decisions[item.id]
                    self._count(item, reading.decisions[item.id])
            missing += reading.missing
            implicit += reading.implicit
            for kind, count in reading.counts.items():
                self.ledger.rejected[kind] += count
        self._write(verdicts, missing, implicit)

    def _write(self, verdicts: dict, missing: list[Decision], implicit: list[dict[str, Any]]) -> None:
        seconds = time.perf_counter() - self.began if self.sent else 0.0
        thresholds = self._thresholds()
        count, added = merge(self.doc, self.candidates, thresholds, verdicts, missing)
        if self.pipe.ontology is not None:
            write_canonical(self.doc, self.pipe.ontology)
        if implicit:
            self.doc._.implicit_entities = [self._restored(entry) for entry in implicit]
        counts = self.ledger.counts
        counts |= {"spans_in": len(self.candidates), "spans_out": count, "covered": self.choice.covered}
        counts |= {"missing": added, "implicit": len(implicit)}
        changed = counts["relabelled"] + counts["moved"] + counts["dropped"] + added
        if counts["asked"] or changed:
            self.pipe.budget.tally.add({"asked": counts["asked"], "changed": changed})
        entry = self.ledger.as_dict(self.pipe.budget, self.pipe.client, seconds)
        self.doc._.tiered_ner = {**(self.doc._.tiered_ner or {}), self.pipe.name: entry}

    def _restored(self, entry: dict[str, Any]) -> dict[str, Any]:
        value = entry["value"] if self.placeholders is None else self.placeholders.restore(entry["value"])
        return {**entry, "value": value}

    def _count(self, item: Item, decision: Decision | None) -> None:
        if decision is None:
            self.ledger.counts["dropped"] += 1
            return
        moved = (decision.start, decision.end) != (item.start, item.end)
        relabelled = decision.label != item.label
        self.ledger.counts["moved"] += moved
        self.ledger.counts["relabelled"] += relabelled and not moved
        self.ledger.counts["kept"] += not moved and not relabelled

    def _skip(self, window: Window, items: Sequence[Item], reason: str, detail: str = "") -> None:
        if self.pipe.on_error == "raise" and reason in (ERROR, CIRCUIT, UNUSABLE):
            raise ValueError(Errors.T120.format(name=self.pipe.name, reason=detail or reason))
        self.ledger.skipped[reason] += len(items) or int(window.whole)
        if detail:
            self.ledger.details.add(detail)
        self._record_items(items, reason)
        self.pipe.warn_once(WARNING_OF[reason], detail=detail)

    def _record_items(self, items: Sequence[Item], reason: str) -> None:
        for item in items:
            span = self.doc[item.start : item.end]
            self._record(span.start_char, span.end_char, item.label, reason)

    def _leave_out(self, reason: str, indices: list[int]) -> None:
        self.ledger.skipped[reason] += len(indices)
        for i in indices:
            if i != WHOLE:
                span = self.candidates.spans[i]
                self._record(span.start_char, span.end_char, self.candidates.labels[i], reason)

    def _record(self, start: int, end: int, label: str, reason: str) -> None:
        self.ledger.left_out.append({"start": start, "end": end, "label": label, "reason": reason})

    def _labels(self) -> list[str]:
        known = self.pipe.guidelines or self.candidates.asked_for
        return [label for label in dict.fromkeys([*known, *self.candidates.labels]) if label]

    def _thresholds(self) -> np.ndarray:
        """RETURNS (ndarray): What each candidate must exceed where the LLM was not asked, float32 (n,)."""
        guidelines, given = self.pipe.guidelines, self.pipe.threshold
        tier_1 = self.candidates.asked_for if given is None else {}
        default = DEFAULT_THRESHOLD if given is None else given
        values = []
        for label in self.candidates.labels:
            own = guidelines[label].threshold if label in guidelines else None
            values.append(tier_1.get(label, default) if own is None else own)
        return np.array(values, dtype=np.float32)


def write_canonical(doc: Doc, ontology: Any) -> None:
    """Write the canonical value of each entity to its `kb_id_`, and all of them to `doc._.canonical`: what the LLM
    chose, or else what the ontology is sure about.
    """
    entities, values = [], []
    for ent in doc.ents:
        sure = ent.kb_id_ or ontology(ent.label_, ent.text)
        value = sure if isinstance(sure, str) else ""
        entities.append(Span(doc, ent.start, ent.end, label=ent.label, kb_id=value, span_id=ent.id))
        if value:
            place = {"start": ent.start_char, "end": ent.end_char, "label": ent.label_}
            values.append({**place, "text": ent.text, "value": value})
    if values:
        replace_ents(doc, entities)
        doc._.canonical = values
