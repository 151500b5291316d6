"""Synthetic annotated English texts for the thin areas of named-entity training data.

The texts show what public corpora rarely show: personal data, identifiers, credentials, payment data, and
dates, amounts and quantities in their many written forms. Nothing in them is real: Faker and the tables of
``synthetic_templates.txt`` supply every value at random.

How it works. A *template* is a text with ``{slots}``, and each slot has a source of values and, if its
values are annotated, a label. A value may hold slots itself (an address holds a street, a city and a postal
code), which is how nested spans come about. Every text has a *place*, so that its addresses and phone
numbers fit together, and one wording for each label, so that a model learns what labels mean and not how
they are spelt.

The ``labels`` of a text are the labels of its whole group, so those without a span are negatives. Left out
are the general labels that a span of the text would arguably fit as well: a date of birth is also a date.

    python synthetic.py OUT.jsonl --count 6000 --seed 0
"""

from __future__ import annotations

import argparse
import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

from faker import Faker

SLOT = re.compile(r"\{([a-z_]\w*)(?::(\w+))?\}")

# The symbols of patterns: a symbol, or symbol{n} for n of them, becomes random characters of its alphabet.
DIGITS, UPPER = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ALPHABETS = {"#": DIGITS, "~": DIGITS[1:], "?": UPPER, "^": DIGITS + "abcdef", "§": DIGITS + UPPER}
ALPHABETS["*"] = DIGITS + UPPER + UPPER.lower()
SYMBOL = re.compile(r"([#~?^§*])(?:\{(\d+)\})?")

# The labels of texts without slots to annotate: what such texts are easily mistaken to contain.
NEGATIVES = frozenset(
    ("password", "username", "phone number", "email address", "address", "person", "passport number", "IBAN",
     "social security number", "IP address", "credit card number", "bank account number")
)  # fmt: skip

# The cultures that names come from, besides that of the place. Names not in Latin script come rarely.
LATIN = (
    "yo_NG", "ha_NG", "ig_NG", "zu_ZA", "sw", "en_KE", "tw_GH", "ga_IE", "ja_JP", "zh_CN", "vi_VN",
    "tr_TR", "hu_HU", "et_EE", "lt_LT", "sk_SK", "sl_SI", "no_NO", "id_ID", "lv_LV", "en_PH",
    "en_PK", "en_IN", "fr_CA", "es_AR", "es_CO", "az_AZ", "is_IS", "en_US", "en_GB", "de_DE",
    "pl_PL", "it_IT", "pt_BR", "fr_FR", "es_ES",
)  # fmt: skip
OTHER_SCRIPTS = ("ru_RU", "el_GR", "ko_KR", "hi_IN", "uk_UA", "he_IL")
IBAN_COUNTRIES = ("de_DE", "en_GB", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL", "de_AT", "fi_FI")


class Place(NamedTuple):
    """How addresses and phone numbers are written in the country of a Faker locale."""

    locale: str
    weight: str
    country: str
    street: str
    line: str
    phone: str
    cities: str = ""
    states: str = ""


class Tables:
    """The content of the file of templates, whose head describes the format."""

    def __init__(self, path: Path) -> None:
        """Read the file."""
        self.wordings: dict[str, list[str]] = {}
        self.subsumed: dict[str, list[str]] = {}
        self.places: list[Place] = []
        self.moments: dict[str, tuple[int, int, str]] = {}
        self.slots: dict[str, tuple[str, str]] = {}
        self.templates: list[tuple[str, str]] = []
        for line in path.read_text("utf-8").splitlines():
            match line.replace("\\n", "\n").split("\t"):
                case ["%label", label, wordings, subsumed]:
                    self.wordings[label] = [label, *wordings.split("|")]
                    self.subsumed[label] = subsumed.split("|")
                case ["%place", *fields]:
                    self.places.append(Place(*fields))
                case ["%moment", slot, label, first, last, forms]:
                    self.moments[slot] = (int(first), int(last), forms)
                    self.slots[slot] = (label, "=moment")
                case ["%slot", slot, label, source]:
                    self.slots[slot] = ("" if label == "-" else label, source)
                case [group, template]:
                    self.templates.append((group, template))

    @cache  # noqa: B019 - there is one instance
    def vocabulary(self, group: str) -> frozenset[str]:
        """Return the labels that the slots of a group's templates can yield, nested ones included."""
        templates = [template for name, template in self.templates if name == group]
        pending = [slot for template in templates for slot, _ in SLOT.findall(template)]
        seen: set[str] = set()
        while pending:
            slot = pending.pop()
            if slot not in seen:
                seen.add(slot)
                source = self.slots[slot][1]
                by_place = [getattr(place, source[1:]) for place in self.places] if source[0] == "@" else []
                pending += [inner for inner, _ in SLOT.findall("|".join([source, *by_place]))]
        return frozenset(self.slots[slot][0] for slot in seen) - {""} or NEGATIVES


TABLES = Tables(Path(__file__).with_name("synthetic_templates.txt"))


class Fragment(NamedTuple):
    """A piece of text and the spans in it: (start, end, canonical label)."""

    text: str
    spans: list[tuple[int, int, str]]


class Writer:
    """Fills templates: the source of randomness, and the state of the text at hand."""

    def __init__(self, seed: int) -> None:
        """Start a source of texts that depends on the seed alone."""
        self.random = Random(seed)
        self.fakers: dict[str, Faker] = {}

    def write(self, group: str, template: str) -> dict:
        """Return one annotated text of the group."""
        self.place = self.random.choices(TABLES.places, [int(place.weight) for place in TABLES.places])[0]
        self.culture = self.random.choice([self.place.locale, *LATIN])
        self.repeats: dict[tuple[str, str], Fragment] = {}
        self.lower = group == "chat" or (group == "sms" and self.random.random() < 0.4)
        text, spans = self.render(template)
        wording = {label: self.random.choice(words) for label, words in TABLES.wordings.items()}
        used = {label for *_, label in spans}
        doubtful = {general for label in used for general in TABLES.subsumed[label]} - used
        labels = TABLES.vocabulary(group) - doubtful
        return {
            "text": text,
            "spans": [{"start": start, "end": end, "label": wording[label]} for start, end, label in spans],
            "source": f"synthetic-{group}",
            "labels": [wording[label] for label in TABLES.wordings if label in labels],
        }

    def render(self, template: str) -> Fragment:
        """Fill the slots of a template, and those of their values."""
        text, spans, done = "", [], 0
        for match in SLOT.finditer(template):
            text += self.fold(template[done : match.start()])
            value = self.fill(*match.groups(""))
            spans += [(start + len(text), end + len(text), label) for start, end, label in value.spans]
            text += value.text
            done = match.end()
        return Fragment(text + self.fold(template[done:]), spans)

    def fill(self, slot: str, key: str) -> Fragment:
        """Return a value of the slot with its spans; a key makes it the same value throughout the text."""
        if (slot, key) in self.repeats:
            return self.repeats[slot, key]
        value, label = self.render(self.value(slot)), TABLES.slots[slot][0]
        if label:
            value = Fragment(value.text, [(0, len(value.text), label), *value.spans])
        if key:
            self.repeats[slot, key] = value
        return value

    def value(self, slot: str) -> str:
        """Draw a value from the source of the slot; slots in the value are yet to be filled."""
        source = TABLES.slots[slot][1]
        match source[0]:
            case "@":
                return self.pick(getattr(self.place, source[1:]))
            case "!":
                locale, method = source[1:].split(".")
                return getattr(self.fake(locale), method)().strip()
            case "=":
                return self.moment(slot) if source == "=moment" else getattr(self, source[1:])().strip()
        return self.pick(source)

    def fold(self, text: str) -> str:
        """Lower the case where the text at hand is written that way."""
        return text.lower() if self.lower else text

    def pick(self, pattern: str) -> str:
        """Choose one alternative of a pattern and replace its symbols."""
        return SYMBOL.sub(
            lambda match: "".join(self.random.choices(ALPHABETS[match[1]], k=int(match[2] or 1))),
            self.random.choice(pattern.split("|")),
        )

    def fake(self, locale: str = "") -> Faker:
        """Return the Faker of a locale (by default that of the place), driven by this writer's randomness."""
        locale = locale or self.place.locale
        if locale not in self.fakers:
            self.fakers[locale] = Faker(locale)
            self.fakers[locale].seed_instance(self.random.getrandbits(64))
        return self.fakers[locale]

    def moment(self, slot: str) -> str:
        """Write a random moment in one of the forms of the slot."""
        first, last, forms = TABLES.moments[slot]
        t = datetime(first, 1, 1) + timedelta(seconds=self.random.randrange((last + 1 - first) * 31_556_926))
        ordinals = {1: "1st", 2: "2nd", 3: "3rd", 21: "21st", 22: "22nd", 23: "23rd", 31: "31st"}
        quarter, half = (t.month + 2) // 3, "am" if t.hour < 12 else "pm"
        return self.random.choice(forms.split("|")).format(
            t=t,
            d=t.day,
            m=t.month,
            o=ordinals.get(t.day, f"{t.day}th"),
            h=t.hour % 12 or 12,
            ap=half,
            AP=half.upper(),
            q=quarter,
            ord_q=("first", "second", "third", "fourth")[quarter - 1],
            season=("winter", "spring", "summer", "autumn")[quarter - 1],
            decade=t.year // 10 * 10,
        )

    def name(self, culture: str = "") -> tuple[str, str]:
        """Return a first and a last name, by default of the place or of any other culture."""
        if not culture:
            others = OTHER_SCRIPTS if self.random.random() < 0.05 else LATIN
            culture = self.place.locale if self.random.random() < 0.5 else self.random.choice(others)
        fake = self.fake(culture)
        if hasattr(fake, "romanized_name"):
            first, last = fake.romanized_name().split(maxsplit=1)
            return first, last
        return fake.first_name().strip(), fake.last_name().strip()

    def given(self) -> str:
        """Return a first name that stands for the person."""
        return self.name()[0]

    def surname(self) -> str:
        """Return a last name that stands for the person."""
        return self.name()[1]

    def first(self) -> str:
        """Return a first name of the culture of the text."""
        return self.name(self.culture)[0]

    def last(self) -> str:
        """Return a last name of the culture of the text."""
        return self.name(self.culture)[1]

    def person(self) -> str:
        """Return a person's name in one of the usual forms."""
        first, last = self.name()
        initial = self.random.choice(UPPER)
        rare = [f"{first} {initial}. {last}", f"{first[0]}. {last}", f"{last}, {first}"]
        return self.random.choice([f"{first} {last}"] * 7 + rare)

    def handle(self) -> str:
        """Return a user name, which is also the first part of an e-mail address."""
        first, last = (ascii_only(part) for part in self.name())
        if not first or not last:
            return self.fake("en_US").user_name()
        form = self.random.choice(["{0}.{1}", "{0[0]}{1}", "{0}_{1}", "{1}{0[0]}", "{0}{1}"])
        return form.format(first, last) + self.pick("||||||~|##|19##|20##|_~")

    def site(self) -> str:
        """Return a name to build domain names from."""
        return ascii_only(self.name()[1]) or self.fake("en_US").domain_word()

    def iban(self) -> str:
        """Return a valid IBAN, in groups of four or in one piece."""
        iban = self.fake(self.random.choice(IBAN_COUNTRIES)).iban()
        return grouped(iban) if self.random.random() < 0.5 else iban

    def card(self) -> str:
        """Return a valid card number, in groups of four or in one piece."""
        number = self.fake("en_US").credit_card_number()
        return grouped(number, self.random.choice(" -")) if self.random.random() < 0.6 else number

    def mac(self) -> str:
        """Return a MAC address in one of its notations."""
        octets = [self.pick("^^") for _ in range(6)]
        mac = self.random.choice([":".join(octets), "-".join(octets), grouped("".join(octets), ".")])
        return mac.upper() if self.random.random() < 0.4 else mac

    def country(self) -> str:
        """Return the country of the place or any other."""
        if self.random.random() < 0.7:
            return self.pick(self.place.country)
        return self.fake("en_US").country().split(" (")[0]

    def city(self) -> str:
        """Return a city of the place."""
        known = self.place.cities and self.random.random() < 0.75
        return self.pick(self.place.cities) if known else self.fake().city()

    def state(self) -> str:
        """Return a state, province or region of the place."""
        if self.place.states:
            return self.pick(self.place.states)
        short = self.place.locale == "en_US" and self.random.random() < 0.5
        return self.fake().state_abbr() if short else self.fake().administrative_unit()

    def road(self) -> str:
        """Return the name of a street, without a number."""
        if self.place.locale.startswith("en_") and self.random.random() < 0.8:
            name = self.value("_street") if self.random.random() < 0.6 else self.fake().last_name()
            return f"{name} {self.value('_suffix')}"
        return self.fake().street_name()


def ascii_only(text: str) -> str:
    """Return the lower-case Latin letters of a text, without their accents."""
    return re.sub(r"[^a-z]", "", unicodedata.normalize("NFKD", text.lower()))


def grouped(text: str, separator: str = " ") -> str:
    """Return the text in groups of four characters."""
    return separator.join(text[start : start + 4] for start in range(0, len(text), 4))


def generate(count: int, seed: int) -> Iterator[dict]:
    """Yield annotated texts: text, spans (character offsets, end exclusive), source and labels."""
    writer = Writer(seed)
    for _ in range(count):
        yield writer.write(*writer.random.choice(TABLES.templates))


def main() -> None:
    """Write texts to a file, one JSON object a line."""
    parser = argparse.ArgumentParser(description="Generate synthetic annotated texts.")
    parser.add_argument("out", type=Path, metavar="OUT.jsonl")
    parser.add_argument("--count", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with arguments.out.open("w", encoding="utf-8") as file:
        for text in generate(arguments.count, arguments.seed):
            file.write(json.dumps(text, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
