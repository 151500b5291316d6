"""A numbered tag, the same for the same value: `<PERSON_1>`."""

from dataclasses import dataclass

from ..session import Session
from .base import Operator


@dataclass(frozen=True)
class Tag(Operator):
    """Registered as `spacy-tiered-ner.tag_operator.v1`."""

    reversal = "tag"

    def operate(self, value: str, label: str, session: Session) -> str:
        return session.placeholders.tag(label, value)
