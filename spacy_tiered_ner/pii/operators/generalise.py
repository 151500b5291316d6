"""A coarser value of the same kind: 87 as 80-89, a ZIP code as its first three digits, a date as its year."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ...errors import Errors
from ..placeholders import tag_word
from ..session import Session
from .base import Operator

OLDEST = 90
YEAR = re.compile(r"(?<!\d)(?:1[89]|20)\d\d(?!\d)")
SHORT_YEAR = re.compile(r"(?<!\d)\d\d?([./-])\d\d?\1(\d\d)(?!\d)")


def age(value: str) -> str:
    number = re.search(r"\d{1,3}", value)
    if number is None:
        return ""
    decade = int(number[0]) // 10 * 10
    coarse = f"{OLDEST}+" if decade >= OLDEST else f"{decade}-{decade + 9}"
    return value[: number.start()] + coarse + re.sub(r"\d", "*", value[number.end() :])


def zip_code(value: str) -> str:
    """RETURNS (str): Three characters and stars, also of a code with letters ("SW1A 1AA" as "SW1* ***")."""
    count, coarse = 0, ""
    for char in value:
        count += char.isalnum()
        coarse += "*" if char.isalnum() and count > 3 else char
    return coarse if count > 3 else ""


def year(value: str) -> str:
    found = set(YEAR.findall(value)) | {match[2] for match in SHORT_YEAR.finditer(value)}
    return found.pop() if len(found) == 1 else ""


def network(value: str) -> str:
    """RETURNS (str): The first half of an address: "192.168.*.*"."""
    separator = "." if "." in value else ":"
    parts = value.split(separator)
    half = len(parts) // 2
    return separator.join([*parts[:half], *("*" for _ in parts[half:])])


def tenths(value: str) -> str:
    return re.sub(r"(\d+\.\d)\d+", r"\1", value)


COARSER: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "AGE": age,
        "ZIP_CODE": zip_code,
        "DATE": year,
        "DATE_OF_BIRTH": year,
        "IP_ADDRESS": network,
        "COORDINATES": tenths,
    }
)


@dataclass(frozen=True)
class Generalise(Operator):
    """Registered as `spacy-tiered-ner.generalise_operator.v1`. What cannot be made coarser becomes its label.

    sparse_zip_codes (Sequence[str]): First three digits of areas with so few people that they become 000.
    """

    sparse_zip_codes: Sequence[str] = ()

    def validate(self, label: str) -> None:
        """RAISES (ValueError): T230."""
        if tag_word(label) not in COARSER:
            raise ValueError(Errors.T230.format(label=label, labels=", ".join(COARSER)))

    def operate(self, value: str, label: str, session: Session) -> str:
        coarse = COARSER[tag_word(label)](value) or f"<{label}>"
        return f"000{coarse[3:]}" if tag_word(label) == "ZIP_CODE" and coarse[:3] in self.sparse_zip_codes else coarse

    def __hash__(self) -> int:
        return hash(tuple(self.sparse_zip_codes))
