"""Dates moved by the same number of days for one subject: intervals and formats stay."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from ...errors import Errors
from ...gliner.checks import check_least, check_option
from ..dates import MONTHS, shifted
from ..keys import derive_key
from ..session import Session
from .base import Operator


@dataclass(frozen=True)
class DateShift(Operator):
    """Registered as `spacy-tiered-ner.date_shift_operator.v1`. What is no complete date becomes its label.

    max_days (int): The shift is between 1 and so many days, to either side.
    key_variable (Optional[str]): The environment variable with a key that, with the subject, always gives the same
        shift; without it, one is drawn for each subject of a session.
    language (str): Of month names that several languages share. day_first (bool): How to read 03/04/2020.
    """

    max_days: int = 365
    key_variable: str | None = None
    language: str = "en"
    day_first: bool = False

    def validate(self, label: str) -> None:
        """RAISES (ValueError): T012, T014."""
        check_least("date_shift.max_days", self.max_days, 1)
        check_option("date_shift.language", self.language, tuple(MONTHS))

    def operate(self, value: str, label: str, session: Session) -> str:
        """RAISES (ValueError): T227, T228 for the key, T231 a key without a subject."""
        days = session.shift(lambda: self._days(session.subject))
        new = shifted(value, days, language=self.language, day_first=self.day_first)
        return f"<{label}>" if new is None else new

    def _days(self, subject: str | None) -> int:
        if self.key_variable is None:
            number = secrets.randbelow(2 * self.max_days)
        elif subject is None:
            raise ValueError(Errors.T231.format(variable=self.key_variable))
        else:
            digest = hmac.digest(derive_key(self.key_variable, "date_shift"), subject.encode(), hashlib.sha256)
            number = int.from_bytes(digest, "big") % (2 * self.max_days)
        return number - self.max_days if number < self.max_days else number - self.max_days + 1
