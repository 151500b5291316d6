"""An invented value of the same kind, by Faker: the same person gets the same name everywhere."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ...errors import Errors
from ...extras import needs
from ..fakes import LEAST_LETTERS
from ..inventions import email, invent, letters, person_name
from ..people import PART, TITLES, fold, plain
from ..pieces import PERSONS
from ..placeholders import tag_word
from ..session import Session
from .base import Operator

ATTEMPTS = 50


@dataclass(frozen=True)
class Pseudonym(Operator):
    """Registered as `spacy-tiered-ner.pseudonym_operator.v1`.

    First and last name, full name and e-mail address of one person stay together. Kinds that Faker does not know keep
    their shape, with other letters and digits. A value for which no fake is left becomes a tag.

    locale (str): Faker's, such as "de_DE".
    """

    locale: str = "en_US"
    reversal = "fake"

    def validate(self, label: str) -> None:
        """RAISES (ValueError): T229 a locale that Faker lacks. RAISES (ImportError): T029."""
        faker(self.locale)

    def operate(self, value: str, label: str, session: Session) -> str:
        known = session.fakes.get(label, value)
        if known is not None and known not in session.text:
            return known
        word, fake = tag_word(label), faker(self.locale)
        for attempt in range(ATTEMPTS):
            if word in PERSONS:
                new = person_name(fake, value, session.people, session.fakes, anew=attempt > 0)
            elif word == "EMAIL":
                new = email(fake, value, session.people, session.fakes)
            else:
                new = invent(fake, word, value)
            if self._usable(new, value, session):
                break
        else:
            return session.placeholders.tag(label, value)
        session.fakes.new(label, value, new)
        if word in PERSONS:
            self._take_parts(label, value, new, session)
        return new

    def _usable(self, new: str, value: str, session: Session) -> bool:
        return (
            letters(new) >= LEAST_LETTERS and fold(new) != fold(value) and session.fakes.free(new, value, session.text)
        )

    def _take_parts(self, label: str, value: str, new: str, session: Session) -> None:
        """First and last name alone lead back as well, where they are nobody else's."""
        parts, new_parts = PART.findall(value), PART.findall(new)
        if len(parts) == len(new_parts) > 1:
            for part, new_part in zip(parts, new_parts, strict=True):
                known = session.fakes.get(label, part) or plain(part) in TITLES
                if not known and self._usable(new_part, part, session):
                    session.fakes.new(label, part, new_part)


@lru_cache(maxsize=8)
def faker(locale: str) -> Any:
    """RETURNS (Faker). RAISES (ImportError): T029. RAISES (ValueError): T229 a locale that Faker lacks."""
    with needs("pii"):
        from faker import Faker
        from faker.config import AVAILABLE_LOCALES
    if locale not in AVAILABLE_LOCALES:
        near = [name for name in sorted(AVAILABLE_LOCALES) if name[:2].lower() == locale[:2].lower()]
        raise ValueError(Errors.T229.format(locale=locale, near=", ".join(near) or "en_US, de_DE, fr_FR, ..."))
    return Faker(locale)
