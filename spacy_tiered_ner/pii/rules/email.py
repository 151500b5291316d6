"""E-mail addresses, also as people hide them from robots."""

import re

from ..finding import CERTAIN
from .pattern import Pattern, PatternRule

ADDRESS = re.compile(r"[\w!#$%&'*+/=?^`{|}~.-]{1,64}(?<![.'])@(?:[\w](?:[\w-]{0,61}\w)?\.)+[^\W\d_][\w-]{1,24}(?<!-)")
QUOTED = re.compile(r'"[^"@\n]{1,60}"@(?:\w[\w-]*\.)+[^\W\d_]{2,24}')
NUMERIC_HOST = re.compile(r"[\w.+-]{1,64}@\[?(?:\d{1,3}\.){3}\d{1,3}\]?")
SPELT = re.compile(
    r"\b[\w.+-]{2,40}\s?[\[({<]\s?at\s?[\])}>]\s?\w[\w-]{0,62}(?:(?:\s?[\[({<]\s?dot\s?[\])}>]\s?|\.)\w{2,24}){1,4}\b",
    re.I,
)


def build_pii_email_v1() -> PatternRule:
    label = "EMAIL"
    patterns = (
        Pattern("email", label, ADDRESS, CERTAIN),
        Pattern("email", label, QUOTED, 0.9),
        Pattern("email", label, NUMERIC_HOST, CERTAIN),
        Pattern("email", label, SPELT, 0.8),
    )
    return PatternRule(patterns, r"@|(?i:\bat\s?[\])}>])")
