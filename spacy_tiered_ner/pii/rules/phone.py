"""Telephone numbers, with the numbering plans of the `phonenumbers` library."""

import re
from collections.abc import Iterator, Sequence

from ...errors import Errors
from ...extras import needs
from ..context import raised, supported, words
from ..finding import Finding
from .pattern import TextRule, digits

CANDIDATE = re.compile(
    r"(?<![\w./+-])(?!(?<=\d,)\d{3}(?!\d))(?:\+|00|\(\+?)?\d(?:[ \u00a0]?[().\-/]{0,2}[ \u00a0]?\d){5,16}"
    r"(?:[ ,;]{0,2}(?:x|ext\.?|extension|poste|Durchwahl|#)[ :.]?\d{1,6})?(?![\w]|[.,]\d|-\d)",
    re.IGNORECASE,
)
NO_PHONE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b.*|\d{1,2}([-/.])\d{1,2}\1\d{2,4}\b.*|\d{3}-\d{2}-\d{4}"
    r"|\d{1,3}(?:\.\d{1,3}){3}|\d{1,3}(?:[.,]\d{3})+|\d{4}\s?[-/]\s?\d{4}|\d+\.\d+|\d{4}([ -])\d{4}\2\d{4}.*"
)
SHAPE = re.compile(  # written as only telephone numbers are
    r"\+.*|00[1-9][\d .()/-]{9,}.*|\(0?\d{2,5}\)\s?[\d ./-]{5,12}|"
    r"(?:1[-. ])?\(?\d{3}\)?[-. ]\d{3}[-.]\d{4}.*|\d{3}[-.]\d{3}[-.]\d{4}.*"
    r"|0\d{1,5}[ /-]\d[\d ./-]{4,12}|.*(?:x|ext).*",
    re.IGNORECASE,
)
WORDS = words(
    "phone", "t[ée]l[ée]", "tel\\b", "mobil", "cell", "fax", "call", "dial", "ring\\b", "text me", "sms", "whatsapp",
    "hotline", "contact", "number is", "reach", "telefon", "handy", "anruf", "rufnummer", "móvil", "movil",
    "portable", "cellulare", "llama", "appel", "gsm", "numer\\b", "dzwoni", "answer", "unter\\b", "number used",
    "bel ons", "ligue", "ring",
)  # fmt: skip
REGIONS = (
    "US", "CA", "GB", "IE", "AU", "NZ", "IN", "ZA", "DE", "AT", "CH", "FR", "BE", "NL", "LU", "ES", "PT", "IT", "DK",
    "SE", "NO", "FI", "PL", "CZ", "BR", "MX", "IL",
)  # fmt: skip
EXTENSION = re.compile("[a-z#].*", re.IGNORECASE | re.DOTALL)
FEWEST, MOST = 7, 15
TRUNK_LENGTHS = (10, 11)  # digits in a row that begin with the 0 of long-distance calls


def build_pii_phone_v1(regions: Sequence[str] = REGIONS) -> "PhoneRule":
    """regions (Sequence[str]): Countries (ISO 3166) whose numbers are known without the international prefix.

    RAISES (ValueError): T200 an unknown region. (ImportError): T029.
    """
    with needs("pii"):
        import phonenumbers
    unknown = sorted(set(regions) - set(phonenumbers.SUPPORTED_REGIONS))
    if unknown:
        raise ValueError(Errors.T200.format(setting="regions", values=", ".join(map(repr, unknown)), known="ISO 3166"))
    return PhoneRule(regions)


class PhoneRule(TextRule):
    def __init__(self, regions: Sequence[str]):
        self.regions = tuple(regions)

    def scan(self, text: str) -> Iterator[Finding]:
        for match in CANDIDATE.finditer(text):
            number = match.group()
            if not FEWEST <= len(digits(EXTENSION.sub("", number))) <= MOST or NO_PHONE.fullmatch(number):
                continue
            shaped, named = bool(SHAPE.fullmatch(number)), supported(text, *match.span(), WORDS)
            if shaped or named or number[0] == "0":
                score = score_of(number, shaped, self.valid(number))
                yield Finding(*match.span(), "PHONE", raised(score) if named else score, "phone")

    def valid(self, number: str) -> bool:
        """RETURNS (bool): Whether it is a number of the country that its prefix names, or of one of the regions."""
        import phonenumbers

        for region in (None,) if number.startswith(("+", "(+")) else self.regions:
            try:
                if phonenumbers.is_valid_number(phonenumbers.parse(number, region)):
                    return True
            except phonenumbers.NumberParseException:
                continue
        return False


def score_of(number: str, shaped: bool, valid: bool) -> float:
    if shaped:
        return 0.8 if valid else 0.5
    if not valid:
        return 0.1
    return 0.45 if number[0] == "0" and len(number) in TRUNK_LENGTHS else 0.3
