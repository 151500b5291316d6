"""The value stays, and still counts as found."""

from dataclasses import dataclass

from ..session import Session
from .base import Operator


@dataclass(frozen=True)
class Keep(Operator):
    """Registered as `spacy-tiered-ner.keep_operator.v1`."""

    def operate(self, value: str, label: str, session: Session) -> str:
        return value
