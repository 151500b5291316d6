"""One text for all values of a label."""

from dataclasses import dataclass

from ..session import Session
from .base import Operator


@dataclass(frozen=True)
class Redact(Operator):
    """Registered as `spacy-tiered-ner.redact_operator.v1`.

    replacement (str): May be empty; `{label}` in it is the label.
    """

    replacement: str = "<{label}>"

    def operate(self, value: str, label: str, session: Session) -> str:
        return self.replacement.replace("{label}", label)
