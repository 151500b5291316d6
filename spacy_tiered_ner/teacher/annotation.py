"""Full annotation: an LLM lists all mentions in a window, and grounding finds where they stand."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, create_model

from ..llm.answers import STRICT, Decision, Reading
from ..llm.grounding import Tokens, ground_text
from ..llm.guidelines import Guideline, Guidelines
from ..llm.strategy import Answers, Question
from ..llm.templating import Templates
from ..llm.windows import Window


@dataclass
class Annotated(Reading):
    """ambiguous: Those of `missing` whose text stands there several times, where the answer does not say which."""

    ambiguous: set[Decision] = field(default_factory=set)


@lru_cache(maxsize=64)
def annotation_schema(labels: tuple[str, ...]) -> type[BaseModel]:
    label: Any = Literal[labels]
    mention = create_model("Mention", __config__=STRICT, text=(str, ...), label=(label, ...))
    return create_model("Annotation", __config__=STRICT, mentions=(list[mention], ...))  # type: ignore[valid-type]


class FullAnnotation:
    """One request a window, for all mentions of all labels. sample: Which of several requests for the same window this
    is for: their answers are kept apart.
    """

    def __init__(self, *, templates: str | None, sample: int = 0):
        self.templates = Templates(templates, "annotation")
        self.fingerprint = f"{self.templates.fingerprint}/{sample}" if sample else self.templates.fingerprint

    def ask(self, window: Window, guidelines: Guidelines) -> list[Question]:
        entries = [guidelines.get(label) or Guideline(label) for label in window.labels]
        system = self.templates.render("system", guidelines=entries)
        user = self.templates.render("user", passages=[passage.text for passage in window.passages])
        return [Question(system, user, annotation_schema(window.labels), window)]

    def usable(self, question: Question, answer: Mapping[str, Any]) -> bool:
        """RETURNS (bool): Whether it lists something that stands in the text, or says that there is nothing."""
        mentions = answer.get("mentions")
        if not isinstance(mentions, list):
            return False
        return not mentions or bool(self.read(question.window, [(question, answer)]).missing)

    def read(self, window: Window, answers: Answers) -> Annotated:
        reading = Annotated()
        for _, answer in answers:
            listed = self._listed(window, answer.get("mentions"), reading)
            places = {text: ground_text(window, text) for text in listed}
            for text, labels in listed.items():
                free = standing_free(places[text], [place for found in places.values() for place in found])
                reading.counts["hallucinated"] += not free
                decisions, clear = assign(free, labels)
                reading.missing += decisions
                if not clear:
                    reading.ambiguous.update(decisions)
        return reading

    def _listed(self, window: Window, mentions: Any, reading: Annotated) -> dict[str, list[str]]:
        """RETURNS (Dict[str, List[str]]): By text the labels in the order in which they were given."""
        listed: dict[str, list[str]] = defaultdict(list)
        for mention in mentions if isinstance(mentions, list) else ():
            text, label = (mention.get("text"), mention.get("label")) if isinstance(mention, dict) else (None, None)
            if label not in window.labels or not isinstance(text, str) or not text.strip():
                reading.counts["wrong_labels"] += 1
                continue
            listed[text.strip()].append(label)
        return listed


def standing_free(places: list[Tokens], every: list[Tokens]) -> list[Tokens]:
    """RETURNS (List[Tuple[int, int]]): Those that are not inside a longer mention, or all where each one is."""
    free = [
        (start, end)
        for start, end in places
        if not any(low <= start and end <= high and high - low > end - start for low, high in every)
    ]
    return free or places


def assign(places: list[Tokens], labels: list[str]) -> tuple[list[Decision], bool]:
    """Give each place its label: in order where there are as many labels as places, else every label to every place.

    RETURNS (Tuple[List[Decision], bool]): And whether it is clear that the places are meant.
    """
    if len(places) == len(labels):
        return [Decision(*place, label) for place, label in zip(places, labels, strict=True)], True
    distinct = list(dict.fromkeys(labels))
    decisions = [Decision(*place, label) for place in places for label in distinct]
    return decisions, len(distinct) == 1 and len(labels) > len(places)
