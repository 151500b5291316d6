"""Dates, times of day, dates of birth, ages."""

import re
from collections.abc import Iterator
from dataclasses import replace

from ..context import supported, words
from ..finding import Finding
from .pattern import Pattern, PatternRule

MONTHS = (
    "jan(?:uary|uar|vier|uari)?|feb(?:ruary|ruar|ruari)?|f[ée]vr?(?:ier)?|mar(?:ch|s|zo|t)?|m[äa]rz"
    "|maart|apr(?:il|ile)?|avr(?:il)?|may|mai|mei|june?|juni"
    "|juin|july?|juli|juil(?:let)?|aug(?:ust|ustus)?|ao[ûu]t|sept?(?:ember|embre)?|o[ck]t(?:ober"
    "|obre)?|nov(?:ember|embre)?|de[cz](?:ember|embre)?|d[ée]c(?:embre)?"
    "|enero|febrero|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|gennaio"
    "|febbraio|maggio|giugno|luglio|settembre|ottobre"
    "|dicembre|janeiro|fevereiro|mar[çc]o|maio|junho|julho|setembro|outubro|novembro|dezembro"
)
WEEKDAYS = "(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
YEAR = r"(?:1[89]|20)\d{2}"
DAY = r"(?:0?[1-9]|[12]\d|3[01])"
MONTH = r"(?:0?[1-9]|1[0-2])"
CLOCK = r"(?:[01]?\d|2[0-3])[:h.][0-5]\d(?::[0-5]\d(?:[.,]\d{1,6})?)?(?:\s?[ap]\.?m\b\.?)?"
AT = rf"(?:(?:T|,?\s(?:at\s)?){CLOCK}(?:\s?(?:Z\b|UTC|GMT|[+-]\d{{2}}:?\d{{2}}))?)?"
NUMERIC = re.compile(
    rf"(?<![\w./-])(?:{YEAR}([-/.]){MONTH}\1{DAY}|{DAY}([-/.]){MONTH}\2(?:{YEAR}|\d{{2}})"
    rf"|{MONTH}([-/.]){DAY}\3(?:{YEAR}|\d{{2}}))"
    rf"{AT}(?![\w/-]|\.\d)"
)
ORDINAL = r"(?:st|nd|rd|th|º|er|\.)?"
SPELT = re.compile(
    rf"(?<![\w])(?:{WEEKDAYS},?\s)?(?:the\s)?(?:{DAY}{ORDINAL}(?:\s(?:of\s|de\s|di\s)?|-)(?:{MONTHS})\.?"
    rf"(?:(?:,?\s(?:de\s|of\s)?|-)(?:{YEAR}|'\d{{2}}))?"
    rf"|(?:{MONTHS})\.?\s{DAY}(?:st|nd|rd|th)?(?:,?\s{YEAR})?(?!\d|[.,:]\d)){AT}(?!\w)",
    re.IGNORECASE,
)
MONTH_AND_YEAR = re.compile(rf"(?<!\w)(?:{MONTHS})\.?,?\s(?:of\s|de\s)?{YEAR}(?!\w)", re.IGNORECASE)
COMPACT = re.compile(rf"(?<![\w.-]){YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:T\d{{4,6}}Z?)?(?![\w-])")
EXPIRY = re.compile(
    r"(?<!\w)(?:exp(?:iry|ires?|iration|\.)?|valid (?:thru|until|to)|good thru|gültig bis)(?: date)?\s?[:.]?\s?"
    r"(?P<value>(?:0?[1-9]|1[0-2])\s?[/-]\s?(?:20)?\d{2})(?![\w/-])",
    re.IGNORECASE,
)
CHINESE = re.compile(r"(?<!\d)\d{4}\s?年\s?\d{1,2}\s?月(?:\s?\d{1,2}\s?日)?")
TIME = re.compile(
    r"(?<![\w:.])(?:(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?(?:\s?[ap]\.?m\b\.?)?|"
    r"(?:1[0-2]|0?[1-9])(?:[:.][0-5]\d)?\s?[ap]\.?m\b\.?)(?![\w:])",
    re.IGNORECASE,
)
DATE_WORDS = words("date", "on\\b", "dated", "born", "dob", "since", "until", "expir")
BIRTH = words(
    "birth", "born", "dob\\b", "d\\.o\\.b", "b\\. ?d", "geboren", "geb\\.", "geburt", "naissance", "née?\\b", "nacid",
    "nacimiento", "nascit", "nat[oa] il", "nascid", "geboorte",
)  # fmt: skip
BIRTH_DISTANCE = 28
AGE_UNITS = r"(?:years?|yrs?|y/?o\b|months?|weeks?)"
AGE = re.compile(
    rf"(?<![\w.$€£-])(?P<value>\d{{1,3}})(?=(?:[\s-]?{AGE_UNITS}[\s-]?old\b|\s?y/?o\b"
    rf"|[\s-]year[\s-]olds?\b|\s(?:years?|yrs?) of age\b|\s?jährig|\sJahre alt|\sans\b(?! de)"
    r"|\saños\b(?! de)|\sanni\b(?! di)|\sanos de idade))",
    re.IGNORECASE,
)
AGED = re.compile(
    r"(?<!\w)(?:aged?|turn(?:ed|ing|s)?|at the age of|age of|i am|i'm|he is|she is|alter|edad|âge)(?:\s"
    r"(?:is|was))?\s?[:=]?\s(?P<value>\d{1,3})(?=[.,;:!?)]|$|\s(?:and|years|yrs|now|today|this|next))",
    re.IGNORECASE,
)
AGE_FIELD = re.compile(r"(?<!\w)(?:age|alter|edad|âge)[\"']?\s?[:=]\s?(?P<value>\d{1,3})(?!\w)", re.IGNORECASE)


class DateRule(PatternRule):
    """Dates beside words of birth are dates of birth."""

    def scan(self, text: str) -> Iterator[Finding]:
        for finding in super().scan(text):
            if finding.label == "DATE" and supported(text, finding.start, finding.end, BIRTH, BIRTH_DISTANCE, 0):
                yield replace(finding, label="DATE_OF_BIRTH", score=0.9)
            else:
                yield finding


def build_pii_dates_v1() -> DateRule:
    patterns = (
        Pattern("date", "DATE", NUMERIC, 0.7),
        Pattern("date", "DATE", SPELT, 0.65),
        Pattern("date", "DATE", MONTH_AND_YEAR, 0.6),
        Pattern("date", "DATE", COMPACT, 0.15, DATE_WORDS),
        Pattern("expiry", "DATE", EXPIRY, 0.8),
        Pattern("date", "DATE", CHINESE, 0.8),
        Pattern("time", "TIME", TIME, 0.85),
        Pattern("age", "AGE", AGE, 0.8),
        Pattern("age", "AGE", AGED, 0.6),
        Pattern("age", "AGE", AGE_FIELD, 0.8),
    )
    return DateRule(patterns, r"\d")
