"""How doubtful spans are asked about. A strategy turns a window into questions, and answers into decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from pydantic import BaseModel

from .answers import NO_ENTITY, Decision, Mentions, Reading, candidates_schema
from .grounding import ground_item, ground_text
from .guidelines import Guideline, Guidelines
from .templating import Templates
from .windows import Item, Window


@dataclass(frozen=True)
class Question:
    """One request: two messages, and the pydantic model that the answer must fit. about: The label of a question that
    is about one alone.
    """

    system: str
    user: str
    schema: type[BaseModel]
    window: Window
    about: str = ""


Answers = Sequence[tuple[Question, Mapping[str, Any]]]


class Strategy(Protocol):
    """fingerprint: SHA-256 of everything but the window that its questions are made of."""

    fingerprint: str

    def ask(self, window: Window, guidelines: Guidelines) -> list[Question]:
        """RETURNS (List[Question]): The requests to send for a window."""

    def read(self, window: Window, answers: Answers) -> Reading:
        """answers: The questions that were answered, with their answers; the others are missing.

        RETURNS (Reading): Checked against the text.
        """

    def usable(self, question: Question, answer: Mapping[str, Any]) -> bool:
        """RETURNS (bool): Whether anything in the answer can be used; if not, it is asked for again."""


class CandidateQuestions:
    """One request a window: a verdict for each doubtful span."""

    def __init__(self, *, borders: bool, missing: bool, implicit: bool, templates: str | None):
        self.borders, self.missing, self.implicit = borders, missing, implicit
        self.templates = Templates(templates, "candidates")
        self.fingerprint = self.templates.fingerprint
        self._system = lru_cache(maxsize=64)(self._render_system)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_system"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._system = lru_cache(maxsize=64)(self._render_system)

    def _render_system(self, guidelines: tuple[Guideline, ...], canonical: bool, missing: bool) -> str:
        flags = {"borders": self.borders, "implicit": self.implicit, "canonical": canonical, "missing": missing}
        return self.templates.render("system", guidelines=guidelines, no_entity=NO_ENTITY, **flags)

    def ask(self, window: Window, guidelines: Guidelines) -> list[Question]:
        canonical = any(item.values for item in window.items)
        missing = self.missing or window.whole
        entries = tuple(guidelines.get(label) or Guideline(label) for label in window.labels)
        system = self._system(entries, canonical, missing)
        texts = [passage.text for passage in window.passages]
        spans = [describe(window, item) for item in window.items]
        user = self.templates.render("user", passages=texts, spans=spans)
        schema = candidates_schema(window.labels, len(spans), self.borders, canonical, missing, self.implicit)
        return [Question(system, user, schema, window)]

    def usable(self, question: Question, answer: Mapping[str, Any]) -> bool:
        reading = self.read(question.window, [(question, answer)])
        return bool(reading.decisions or not question.window.items)

    def read(self, window: Window, answers: Answers) -> Reading:
        reading = Reading()
        for _, answer in answers:
            for item in window.items:
                self._read_item(window, item, answer.get(item.id), reading)
            if self.missing or window.whole:
                read_missing(window, answer.get("missing"), reading)
            if self.implicit:
                read_implicit(window, answer.get("implicit"), reading)
            known = {"missing", "implicit", *(item.id for item in window.items)}
            reading.counts["unknown_ids"] += len(set(answer) - known)
        reading.counts["unanswered"] += len(window.items) - len(reading.decisions)
        return reading

    def _read_item(self, window: Window, item: Item, answer: Any, reading: Reading) -> None:
        if not isinstance(answer, dict):
            return
        label, text = answer.get("label"), answer.get("text")
        if label == NO_ENTITY:
            reading.decisions[item.id] = None
            return
        if label not in window.labels:
            reading.counts["wrong_labels"] += 1
            return
        place: tuple[int, int] | None = (item.start, item.end)
        if self.borders and isinstance(text, str) and text.strip() and text.strip() != window.text_of(item):
            place = ground_item(window, item, text)
        if place is None:
            reading.counts["hallucinated"] += 1
            return
        canonical = answer.get("canonical") or ""
        if canonical and (label, canonical) not in item.values:
            reading.counts["wrong_values"] += 1
            canonical = ""
        reading.decisions[item.id] = Decision(*place, label, canonical)


def describe(window: Window, item: Item) -> dict[str, Any]:
    """What a prompt says of a span. Scores are left out, so that rounding in Tier 1 does not change the prompt."""
    before, text, after = window.context_of(item)
    span: dict[str, Any] = {"id": item.id, "span": text, "before": before, "after": after}
    span["proposed"] = list(item.options)
    if item.rivals:
        span["overlapping"] = [{"span": text, "proposed": label} for text, label in item.rivals]
    if item.values:
        span["values"] = [*dict.fromkeys(value for _, value in item.values)]
    return span


def read_missing(window: Window, answers: Any, reading: Reading) -> None:
    for answer in answers if isinstance(answers, list) else ():
        text, label = (answer.get("text"), answer.get("label")) if isinstance(answer, dict) else (None, None)
        if label not in window.labels:
            reading.counts["wrong_labels"] += 1
            continue
        places = ground_text(window, text) if isinstance(text, str) else []
        reading.counts["hallucinated"] += not places
        reading.missing += [Decision(start, end, label) for start, end in places]


def read_implicit(window: Window, answers: Any, reading: Reading) -> None:
    for answer in answers if isinstance(answers, list) else ():
        entry = answer if isinstance(answer, dict) else {}
        label, value, evidence = (entry.get(key) for key in ("label", "value", "evidence"))
        if label not in window.labels or not isinstance(value, str) or not value.strip():
            reading.counts["wrong_labels"] += 1
            continue
        places = ground_text(window, evidence) if isinstance(evidence, str) else []
        if not places:
            reading.counts["hallucinated"] += 1
            continue
        span = window.doc[places[0][0] : places[0][1]]
        place = {"evidence": span.text, "start": span.start_char, "end": span.end_char}
        reading.implicit.append({"label": label, "value": value.strip(), **place})


class LabelQuestions:
    """One request for each label in question, "What describes X in the text?", as UniversalNER asks (Zhou et al.
    2024). A doubtful span gets the label whose answer holds it, or is no entity where none does.
    """

    def __init__(self, *, missing: bool, templates: str | None):
        self.missing = missing
        self.templates = Templates(templates, "label_questions")
        self.fingerprint = self.templates.fingerprint

    def ask(self, window: Window, guidelines: Guidelines) -> list[Question]:
        asked = (
            window.labels
            if self.missing or window.whole
            else [label for label in window.labels if any(label in item.options for item in window.items)]
        )
        texts = [passage.text for passage in window.passages]
        questions = []
        for label in asked:
            guideline = guidelines.get(label) or Guideline(label)
            system = self.templates.render("system", guidelines=[guideline])
            user = self.templates.render("user", passages=texts, label=label)
            questions.append(Question(system, user, Mentions, window, label))
        return questions

    def usable(self, question: Question, answer: Mapping[str, Any]) -> bool:
        return isinstance(answer.get("mentions"), list)

    def read(self, window: Window, answers: Answers) -> Reading:
        reading = Reading()
        found: dict[str, list[tuple[int, int]]] = {}
        for question, answer in answers:
            places = found[question.about] = []
            mentions = answer.get("mentions")
            for text in mentions if isinstance(mentions, list) else ():
                grounded = ground_text(window, text) if isinstance(text, str) else []
                reading.counts["hallucinated"] += not grounded
                places += grounded
        for item in window.items:
            if all(label in found for label in item.options if label in window.labels):
                reading.decisions[item.id] = decide(item, found)
            else:
                reading.counts["unanswered"] += 1
        if self.missing or window.whole:
            reading.missing = [Decision(*place, label) for label, places in found.items() for place in places]
        return reading


def decide(item: Item, found: Mapping[str, Sequence[tuple[int, int]]]) -> Decision | None:
    """One of the labels that were proposed, or else any; the item's own borders first, then the nearest that overlap
    them; of several labels the likelier one.
    """
    touching = [
        (label not in item.options, abs(start - item.start) + abs(end - item.end), rank, start, end, label)
        for rank, label in enumerate(dict.fromkeys([*item.options, *found]))
        for start, end in found.get(label, ())
        if start < item.end and item.start < end
    ]
    return Decision(*min(touching)[3:]) if touching else None


def build_candidate_questions_v1(
    borders: bool = True, missing: bool = False, implicit: bool = False, templates: str | None = None
) -> Strategy:
    """One request a window with all its doubtful spans.

    borders (bool): Let the LLM correct borders. missing (bool): Ask for entities that nobody found. implicit (bool):
        Ask for entities without a surface form. templates (Optional[str]): A directory with system.jinja, user.jinja.
    RAISES (ValueError): T107 for templates that cannot be read.
    """
    return CandidateQuestions(borders=borders, missing=missing, implicit=implicit, templates=templates)


def build_label_questions_v1(missing: bool = False, templates: str | None = None) -> Strategy:
    """One request a window and label. The settings are those of `build_candidate_questions_v1`."""
    return LabelQuestions(missing=missing, templates=templates)
