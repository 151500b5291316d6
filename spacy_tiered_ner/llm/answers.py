"""What an LLM may answer, and what its answers are worth once they are checked against the text."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, create_model
from pydantic_core import from_json

NO_ENTITY = "not an entity"
STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Decision:
    """A mention that the LLM decided on, in tokens, end exclusive."""

    start: int
    end: int
    label: str
    canonical: str = ""


@dataclass
class Reading:
    """decisions: For each answered item id a mention, or None for "no entity". missing: Mentions that nobody had found.
    implicit: Entities without a surface form, as `doc._.implicit_entities` holds them. counts: What could not be used.
    """

    decisions: dict[str, Decision | None] = field(default_factory=dict)
    missing: list[Decision] = field(default_factory=list)
    implicit: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


@lru_cache(maxsize=256)
def candidates_schema(
    labels: tuple[str, ...], items: int, borders: bool, canonical: bool, missing: bool, implicit: bool
) -> type[BaseModel]:
    """RETURNS (Type[BaseModel]): An object with a verdict under each item's id, all required."""
    label: Any = Literal[labels]
    fields: dict[str, Any] = {"label": (Literal[(*labels, NO_ENTITY)], ...)}
    if borders:
        fields["text"] = (str | None, ...)
    if canonical:
        fields["canonical"] = (str | None, ...)
    verdict = create_model("Verdict", __config__=STRICT, **fields)
    answer: dict[str, Any] = {f"c{number}": (verdict, ...) for number in range(1, items + 1)}
    if missing:
        mention = create_model("Mention", __config__=STRICT, text=(str, ...), label=(label, ...))
        answer["missing"] = (list[mention], ...)  # type: ignore[valid-type]
    if implicit:
        entity = create_model(
            "ImplicitEntity", __config__=STRICT, label=(label, ...), value=(str, ...), evidence=(str, ...)
        )
        answer["implicit"] = (list[entity], ...)  # type: ignore[valid-type]
    return create_model("Answer", __config__=STRICT, **answer)


class Mentions(BaseModel):
    model_config = STRICT
    mentions: list[str]


def parse_object(text: str) -> Mapping[str, Any] | None:
    """Read a JSON object, also one that was cut off (what is whole in it counts) or that stands between other words.

    RETURNS (Optional[Mapping]): None where there is none.
    """
    start = text.find("{")
    if start < 0:
        return None
    for end in (None, text.rfind("}") + 1):
        try:
            value = from_json(text[start:end], allow_partial=True)
        except ValueError:
            continue
        return value if isinstance(value, dict) else None
    return None
