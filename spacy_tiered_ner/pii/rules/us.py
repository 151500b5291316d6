"""Numbers of the United States that carry no checksum."""

import re

from ..context import words
from .pattern import Pattern, PatternRule

SSN = re.compile(r"(?<![\w.-])(?!000|666|9)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![\w]|-\d)")
SSN_LIKE = re.compile(r"(?<![\w.-])\d{3}([- .])\d{2}\1\d{4}(?![\w]|-\d)")
SSN_DIGITS = re.compile(r"(?<![\w.,-])(?!000|666|9)\d{9}(?![\w-]|[.,]\d)")
SSN_WORDS = words("ssn", "ss#", "ss #", "social", "soc sec", "itin", "taxpayer", "tax id")
EIN = re.compile(r"(?<![\w.-])\d{2}-\d{7}(?![\w-])")
EIN_WORDS = words("ein\\b", "employer", "tax", "irs", "fein")


def build_pii_us_v1() -> PatternRule:
    """Social security numbers and those of taxpayers."""
    patterns = (
        Pattern("ssn", "SSN", SSN, 0.85, SSN_WORDS),
        Pattern("ssn", "SSN", SSN_LIKE, 0.45, SSN_WORDS),
        Pattern("ssn", "SSN", SSN_DIGITS, 0.1, SSN_WORDS),
        Pattern("ein", "NATIONAL_ID", EIN, 0.3, EIN_WORDS),
    )
    return PatternRule(patterns, r"\d")
