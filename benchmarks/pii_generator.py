"""Texts full of invented personal data, with borders and types: the templates of pii_templates.txt, filled by Faker.

The same seed gives the same texts. Numbers with a checksum are valid, nothing belongs to anybody on purpose.
"""

import argparse
import datetime
import json
import random
import re
import string
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from common import HERE
from faker import Faker
from stdnum import luhn
from stdnum.iso7064 import mod_11_10
from stdnum.pl import pesel

TEMPLATES = HERE / "pii_templates.txt"
LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pt_BR", "pl_PL", "sv_SE")
SLOT = re.compile(r"\{([A-Z_]+)\}")
TITLES = ("Mr.", "Mrs.", "Ms.", "Dr.", "Prof.", "Miss", "Mr", "Dr")
NATIONALITIES = (
    "Irish",
    "German",
    "Brazilian",
    "Polish",
    "Japanese",
    "Nigerian",
    "Swedish",
    "Mexican",
    "Indian",
    "Turkish",
)
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
ISSUERS = ("4", "51", "55", "37", "6011", "2223")
FIRST_DATE, LAST_DATE = datetime.date(1950, 1, 1), datetime.date(2025, 12, 31)
ITALIAN_CITIES = (
    "Torino",
    "Bergamo",
    "Lecce",
    "Ravenna",
    "Trieste",
    "Siena",
    "Pescara",
    "Caltanissetta",
)  # Faker's order varies
DATES = {
    "en_US": ("%m/%d/%Y", "%B %d, %Y", "%b %d, %Y", "%Y-%m-%d", "%B %Y"),
    "en_GB": ("%d/%m/%Y", "%d %B %Y", "%d %b %Y", "%Y-%m-%d"),
    "de_DE": ("%d.%m.%Y", "%Y-%m-%d"),
    "nl_NL": ("%d-%m-%Y", "%Y-%m-%d"),
}


def pick(rng: random.Random, alphabet: str, count: int) -> str:
    return "".join(rng.choices(alphabet, k=count))


def shaped(rng: random.Random, *shapes: str) -> str:
    """RETURNS (str): One of the shapes with # for a digit, ? for a capital."""
    replaced = {"#": string.digits, "?": string.ascii_uppercase}
    return "".join(rng.choice(replaced.get(char, char)) for char in rng.choice(shapes))


def card(rng: random.Random) -> str:
    start = rng.choice(ISSUERS)
    number = start + pick(rng, string.digits, (14 if start == "37" else 15) - len(start))
    number += luhn.calc_check_digit(number)
    if len(number) == 16 and rng.random() < 0.5:
        return rng.choice(" -").join(number[i : i + 4] for i in range(0, 16, 4))
    return number


def german_tax_number(rng: random.Random) -> str:
    digits = rng.sample(string.digits[1:], 9)
    number = "".join([*digits, digits[rng.randrange(8)]])
    return number + mod_11_10.calc_check_digit(number)


def key(rng: random.Random) -> str:
    letters = string.ascii_letters + string.digits
    prefix, count = rng.choice(
        [("ghp_", 36), ("AKIA", 0), ("sk_live_", 24), ("xoxb-", 24), ("AIza", 35), ("", 32), ("sk-proj-", 40)]
    )
    return prefix + (
        pick(rng, string.ascii_uppercase + string.digits, 16) if prefix == "AKIA" else pick(rng, letters, count)
    )


def wallet(rng: random.Random) -> str:
    kinds = ("0x" + pick(rng, "0123456789abcdef", 40), "bc1q" + pick(rng, "qpzry9x8gf2tvdw0s3jn54khce6mua7l", 38))
    return rng.choice([*kinds, "1" + pick(rng, BASE58, 33)])


def date(fake: Faker, locale: str) -> str:
    form = fake.random.choice(DATES.get(locale, ("%d/%m/%Y", "%Y-%m-%d")))
    return fake.date_between(FIRST_DATE, LAST_DATE).strftime(form)


def polish_number(fake: Faker) -> str:
    born = fake.date_between(FIRST_DATE, LAST_DATE)
    month = born.month + (20 if born.year >= 2000 else 0)
    number = f"{born:%y}{month:02}{born:%d}{pick(fake.random, string.digits, 4)}"
    return number + pesel.calc_check_digit(number)


def swedish_number(fake: Faker) -> str:
    number = f"{fake.date_between(FIRST_DATE, LAST_DATE):%y%m%d}{pick(fake.random, string.digits, 3)}"
    return f"{number[:6]}-{number[6:]}{luhn.calc_check_digit(number)}"


def national_id(fake: Faker, locale: str) -> str:
    """Faker's own German number is another one, and its Polish and Swedish ones depend on the day."""
    if locale == "de_DE":
        return german_tax_number(fake.random)
    if locale == "pl_PL":
        return polish_number(fake)
    if locale == "sv_SE":
        return swedish_number(fake)
    return fake.nif() if locale == "es_ES" else fake.ssn()


def time_of_day(fake: Faker, _: str) -> str:
    time = datetime.time(fake.random.randrange(24), fake.random.randrange(60))
    return f"{time:%H:%M}" if fake.random.random() < 0.7 else f"{time:%I:%M %p}"


Maker = Callable[[Faker, str], str]
MAKERS: dict[str, Maker] = {
    "PERSON": lambda f, _: f"{f.first_name()} {f.last_name()}",
    "TITLE": lambda f, _: f.random.choice(TITLES),
    "EMAIL": lambda f, _: f.email(),
    "PHONE": lambda f, _: f.phone_number(),
    "ADDRESS": lambda f, _: f.street_address().replace("\n", ", ").strip(),
    "ZIP_CODE": lambda f, _: f.postcode(),
    "LOCATION": lambda f, locale: f.random.choice(ITALIAN_CITIES) if locale == "it_IT" else f.city(),
    "ORGANIZATION": lambda f, _: f.company(),
    "NATIONALITY": lambda f, _: f.random.choice(NATIONALITIES),
    "JOB_TITLE": lambda f, _: f.job().split(",")[0].split(" (")[0],
    "AGE": lambda f, _: str(f.random.randint(18, 99)),
    "DATE": date,
    "DATE_OF_BIRTH": date,
    "TIME": time_of_day,
    "CREDIT_CARD": lambda f, _: card(f.random),
    "CVV": lambda f, _: pick(f.random, string.digits, 3),
    "IBAN": lambda f, _: f.iban(),
    "BANK_ACCOUNT": lambda f, _: pick(f.random, string.digits, f.random.randint(8, 12)),
    "NATIONAL_ID": national_id,
    "SSN": lambda f, _: f"{f.random.randint(1, 665):03}-{f.random.randint(1, 99):02}-{f.random.randint(1, 9999):04}",
    "PASSPORT": lambda f, _: shaped(f.random, "?########", "#########", "??#######"),
    "DRIVER_LICENSE": lambda f, _: shaped(f.random, "?#######", "########", "?###-####-####", "?????######??#??"),
    "LICENSE_PLATE": lambda f, _: f.license_plate(),
    "VEHICLE_ID": lambda f, _: (
        pick(f.random, "ABCDEFGHJKLMNPRSTUVWXYZ0123456789", 11) + pick(f.random, string.digits, 6)
    ),
    "DEVICE_ID": lambda f, _: luhn_number(f.random, 15),
    "MEDICAL_RECORD": lambda f, _: shaped(f.random, "#######", "??-######", "####-##"),
    "ID_NUMBER": lambda f, _: shaped(f.random, "########", "??######", "?-####-###", "???-#####"),
    "IP_ADDRESS": lambda f, _: f.ipv4() if f.random.random() < 0.7 else f.ipv6(),
    "MAC_ADDRESS": lambda f, _: f.mac_address(),
    "URL": lambda f, _: f.uri(),
    "DOMAIN": lambda f, _: f.domain_name(),
    "USERNAME": lambda f, _: f.user_name() + str(f.random.randint(1, 99)),
    "PASSWORD": lambda f, _: f.password(length=f.random.randint(8, 14)),
    "API_KEY": lambda f, _: key(f.random),
    "CRYPTO": lambda f, _: wallet(f.random),
    "COORDINATES": lambda f, _: f"{float(f.latitude()):.5f}, {float(f.longitude()):.5f}",
}


def luhn_number(rng: random.Random, length: int) -> str:
    number = pick(rng, string.digits, length - 1)
    return number + luhn.calc_check_digit(number)


@cache
def faker(locale: str) -> Faker:
    return Faker(locale)


def templates() -> list[tuple[str, str]]:
    """RETURNS (List[Tuple[str, str]]): Language or locale, and template."""
    lines = TEMPLATES.read_text(encoding="utf8").splitlines()
    pairs = (line.split("\t", 1) for line in lines if line and not line.startswith("#"))
    return [(language, template.replace("\\n", "\n")) for language, template in pairs]


def locale_of(language: str, rng: random.Random) -> str:
    """English texts also speak of people and places elsewhere."""
    own = [locale for locale in LOCALES if locale.startswith(language)]
    return rng.choice(LOCALES if language == "en" and rng.random() < 0.25 else own)


def fill(template: str, locale: str) -> dict[str, Any]:
    fake, text, spans, position = faker(locale), "", [], 0
    for slot in SLOT.finditer(template):
        text += template[position : slot.start()]
        value = MAKERS[slot[1]](fake, locale)
        spans.append({"start": len(text), "end": len(text) + len(value), "label": slot[1]})
        text += value
        position = slot.end()
    return {"text": text + template[position:], "spans": spans, "locale": locale}


def generate(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """YIELDS (dict): text, spans (start, end, label) and locale of as many texts, every template about as often."""
    rng, all_templates = random.Random(seed), templates()
    for locale in LOCALES:
        faker(locale).seed_instance(seed)
    for number in range(count):
        language, template = all_templates[number % len(all_templates)]
        yield fill(template, locale_of(language, rng))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for row in generate(args.count, args.seed):
        print(json.dumps(row, ensure_ascii=False), file=sys.stdout)


if __name__ == "__main__":
    main()
