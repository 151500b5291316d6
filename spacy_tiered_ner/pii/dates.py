"""Dates as people write them: read, moved by days, and written in the same format."""

import re
from collections.abc import Mapping
from datetime import date, timedelta

MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
}
WEEKDAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "es": "lunes martes miércoles jueves viernes sábado domingo",
    "it": "lunedì martedì mercoledì giovedì venerdì sabato domenica",
    "pt": "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
    "nl": "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
}
LEAST_LETTERS = 3
PIVOT = 69
DAY = r"(?<!\d)(?P<day>\d\d?)(?P<ordinal>st|nd|rd|th|er)?(?!\d)"
MONTH = r"(?P<month>[^\W\d_]{3,12})"
YEAR = r"(?P<year>\d{4}|(?<=['\u2019])\d\d)(?!\d)"
PATTERNS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<!\d)(?P<year>\d{4})(?P<by>[-/.]?)(?P<month>\d\d?)(?P=by)(?P<day>\d\d?)(?!\d)",
        r"(?<!\d)(?P<first>\d\d?)(?P<by>\s?[-/.]\s?)(?P<second>\d\d?)(?P=by)(?P<year>\d{4}|\d\d)(?!\d)",
        rf"{DAY}(?:\.?\s*(?:of\s+|de\s+)?|(?P<by>-)){MONTH}(?:[.,]*\s+(?:de\s+|del\s+)?['\u2019]?|-){YEAR}",
        rf"{MONTH}\.?\s+{DAY},?\s+['\u2019]?{YEAR}",
    )
]
WORD = re.compile(r"[^\W\d_]+(?:-feira)?")


def shifted(text: str, days: int, *, language: str, day_first: bool) -> str | None:
    """Move the one date in a text, and its weekday; what else stands around it (a time, for instance) stays.

    language (str): Of the names, where several languages share one. day_first (bool): How to read 03/04/2020;
        03.04.2020 has the day first, and 25/04/2020 and 04/25/2020 show it.
    RETURNS (Optional[str]): None where there is no complete date, or more than that.
    """
    match = next(filter(None, (pattern.search(text) for pattern in PATTERNS)), None)
    if match is None:
        return None
    before, after = text[: match.start()], text[match.end() :]
    if re.search(r"\d{4}|\d[-/.]\d", f"{before} {after}"):
        return None
    try:
        new = moved(match, days, language, day_first)
        return other_weekdays(before, days, language) + new + other_weekdays(after, days, language)
    except (ValueError, OverflowError):
        return None


def moved(match: re.Match, days: int, language: str, day_first: bool) -> str:
    """RETURNS (str): The date that matched one of `PATTERNS`. RAISES (ValueError): Where it is none."""
    groups = {name: value for name, value in match.groupdict().items() if value is not None}
    if "first" in groups:
        first, second = int(groups["first"]), int(groups["second"])
        day_comes_first = "." in groups["by"] or first > 12 or (day_first and second <= 12)
        day, month = ("first", "second") if day_comes_first else ("second", "first")
    else:
        day, month = "day", "month"
    if groups.get("by") == "" and len(match[0]) != len("YYYYMMDD"):
        raise ValueError(match[0])
    named = not groups[month].isdigit()
    old_month = position(groups[month], MONTHS, language)[1] + 1 if named else int(groups[month])
    new = date(full_year(groups["year"]), old_month, int(groups[day])) + timedelta(days=days)
    numbers = [groups[name] for name in (day, month) if groups[name].isdigit()]
    padded = any(number[0] == "0" for number in numbers) or ("by" in groups and all(len(n) == 2 for n in numbers))
    written = {
        "year": f"{new.year:04}"[-len(groups["year"]) :],
        day: f"{new.day:02}" if padded else str(new.day),
        month: renamed(groups[month], new.month - 1, MONTHS, language) if named else f"{new.month:0{1 + padded}}",
    }
    if "ordinal" in groups:
        written["ordinal"] = ordinal(new.day, groups["ordinal"])
    parts, end = [], match.start()
    for name in sorted(written, key=match.start):
        parts += [match.string[end : match.start(name)], written[name]]
        end = match.end(name)
    return "".join([*parts, match.string[end : match.end()]])


def full_year(year: str) -> int:
    number = int(year)
    return number if len(year) == 4 else number + (1900 if number >= PIVOT else 2000)


def ordinal(day: int, old: str) -> str:
    if old.lower() == "er":
        return old if day == 1 else ""
    new = "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return new.upper() if old.isupper() else new


def other_weekdays(text: str, days: int, language: str) -> str:
    """RETURNS (str): The text, with the weekdays in it moved. RAISES (ValueError): Where it names a month."""

    def other(match: re.Match) -> str:
        if match[0].lower() != "mar" and known(match[0], MONTHS):
            raise ValueError(match[0])
        if not known(match[0], WEEKDAYS):
            return match[0]
        return renamed(match[0], (position(match[0], WEEKDAYS, language)[1] + days) % 7, WEEKDAYS, language)

    return WORD.sub(other, text)


def known(word: str, names: Mapping[str, str]) -> bool:
    try:
        position(word, names, "en")
    except ValueError:
        return False
    return True


def position(word: str, names: Mapping[str, str], language: str) -> tuple[str, int]:
    """RETURNS (Tuple[str, int]): The language and number (from 0) of a name or abbreviation. RAISES (ValueError)."""
    word = word.lower()
    languages = sorted(names, key=lambda name: name != language)
    for shortened in (False, True):
        for name in languages:
            for number, full in enumerate(names[name].lower().split()):
                if word == full or (shortened and len(word) >= LEAST_LETTERS and full.startswith(word)):
                    return name, number
    raise ValueError(word)


def renamed(word: str, number: int, names: Mapping[str, str], language: str) -> str:
    """RETURNS (str): Another name of the same language, in the same case, shortened where `word` is."""
    language, old = position(word, names, language)
    words = names[language].split()
    new = words[number] if word.lower() == words[old].lower() else words[number][:LEAST_LETTERS]
    return new.upper() if word.isupper() else new.title() if word[0].isupper() else new.lower()
