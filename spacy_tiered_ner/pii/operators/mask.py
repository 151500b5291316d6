"""One character in place of each: `************1111`."""

from dataclasses import dataclass

from ...errors import Errors
from ...gliner.checks import check_least
from ..session import Session
from .base import Operator


@dataclass(frozen=True)
class Mask(Operator):
    """Registered as `spacy-tiered-ner.mask_operator.v1`. Offsets stay as they are.

    char (str): What each character becomes. keep_last (int): How many at the end stay, at most a third of the value.
    """

    char: str = "*"
    keep_last: int = 0

    def validate(self, label: str) -> None:
        """RAISES (ValueError): T014, T225."""
        check_least("mask.keep_last", self.keep_last, 0)
        if len(self.char) != 1:
            raise ValueError(Errors.T225.format(setting="mask.char", value=self.char, reason="must be one character"))

    def operate(self, value: str, label: str, session: Session) -> str:
        kept = min(self.keep_last, len(value) // 3)
        return self.char * (len(value) - kept) + value[len(value) - kept :]
