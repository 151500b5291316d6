"""What pseudonyms are made of."""

import re
import string
from collections.abc import Callable, Collection, Mapping
from itertools import combinations
from typing import Any

from .fakes import LEAST_LETTERS, UNSPACED, Fakes
from .people import LETTER, PART, TITLES, People, plain

UNSPACED_NAME = re.compile(rf"[{UNSPACED}]{{3,}}")
LEAST_MATCH = 3
DRAWS = 20
LETTER_OR_DIGIT = re.compile(rf"{LETTER}|\d")
LAST_OF_ALPHABETS = "\u2e80"
METHODS: dict[str, Callable[[Any, str], Any]] = {
    "PHONE": lambda fake, value: fake.phone_number(),
    "ADDRESS": lambda fake, value: fake.street_address(),
    "LOCATION": lambda fake, value: fake.city(),
    "ORGANIZATION": lambda fake, value: fake.company(),
    "DATE": lambda fake, value: fake.date(),
    "DATE_OF_BIRTH": lambda fake, value: fake.date_of_birth(minimum_age=18, maximum_age=89).isoformat(),
    "CREDIT_CARD": lambda fake, value: fake.credit_card_number(),
    "IBAN": lambda fake, value: fake.iban(),
    "IP_ADDRESS": lambda fake, value: fake.ipv6() if ":" in value else fake.ipv4(),
    "MAC_ADDRESS": lambda fake, value: fake.mac_address(),
    "URL": lambda fake, value: f"https://{fake.domain_word()}.example/{fake.uri_path()}",
    "DOMAIN": lambda fake, value: f"{fake.domain_word()}.example",
    "USERNAME": lambda fake, value: fake.user_name(),
    "ZIP_CODE": lambda fake, value: fake.postcode(),
    "JOB_TITLE": lambda fake, value: fake.job(),
}


def invent(fake: Any, word: str, value: str) -> str:
    """RETURNS (str): A value of the same kind, on one line; of the same shape, where Faker has none of this kind."""
    if word not in METHODS:
        return like(fake.random, value)
    return ", ".join(str(METHODS[word](fake, value)).splitlines())


def like(random: Any, value: str) -> str:
    """RETURNS (str): Other digits, and other letters of the same case, between the same marks."""

    def other(char: str) -> str:
        if char.isdigit():
            return random.choice(string.digits)
        if char.isalpha():
            return random.choice(string.ascii_uppercase if char.isupper() else string.ascii_lowercase)
        return char

    return "".join(map(other, value))


def person_name(fake: Any, value: str, people: People, fakes: Fakes, *, anew: bool) -> str:
    """RETURNS (str): The value with other names: those that the person has already, unless they are to be drawn anew.
    Titles stay.
    """
    person = people(value)

    def other(match: re.Match) -> str:
        part = plain(match[0])
        if part in TITLES:
            return match[0]
        new = None if anew else fakes.parts.get((person, part))
        last = part == people.last_names[person]
        return cased(new or draw(fake, match[0], last=last, own=people.names[person]), match[0])

    return "".join(
        text if PART.fullmatch(text) else like(fake.random, text)
        for text in re.split(rf"({PART.pattern})", PART.sub(other, value))
    )


def draw(fake: Any, word: str, *, last: bool, own: Collection[str]) -> str:
    """own (Collection[str]): The person's names, which must not come back.

    RETURNS (str): A first or last name of one word; both in a script without spaces; an initial for one.
    """
    if len(word) == 1 and word.isascii():
        return str(fake.first_name())[0]
    if UNSPACED_NAME.fullmatch(word):
        return f"{fake.last_name()}{fake.first_name()}"
    for _ in range(DRAWS):
        name: str = PART.findall(fake.last_name() if last else first_name(fake, word))[-1]
        if letters(name) >= LEAST_LETTERS and plain(name) not in own:
            break
    return name


def letters(value: str) -> int:
    """RETURNS (int): Letters and digits; one of a script without an alphabet counts as two."""
    return sum(1 + (char > LAST_OF_ALPHABETS) for char in LETTER_OR_DIGIT.findall(value))


def first_name(fake: Any, word: str) -> str:
    """RETURNS (str): A name of the same gender, where the locale's lists know the name."""
    provider = fake.provider("faker.providers.person")
    female, male = (getattr(provider, f"first_names_{gender}", ()) for gender in ("female", "male"))
    name = word.title()
    if (name in female) == (name in male):
        return fake.first_name()
    return fake.first_name_female() if name in female else fake.first_name_male()


def cased(new: str, old: str) -> str:
    if len(old) > 1 and old.isupper():
        return new.upper()
    return new.lower() if old.islower() else new.title() if new.isupper() else new


def email(fake: Any, value: str, people: People, fakes: Fakes) -> str:
    """RETURNS (str): An address at a reserved domain, with the new names of the person whose names it has."""
    local = plain(value).partition("@")[0]
    words = re.findall(r"[^\W\d_]+", local)
    pieces = {word[start:end] for word in words for start, end in combinations(range(len(word) + 1), 2)}
    best, most = fake.user_name(), LEAST_MATCH - 1
    for person in people.having(piece for piece in pieces if len(piece) >= LEAST_MATCH):
        known = {
            part: plain(fakes.parts[person, part]) for part in people.names[person] if (person, part) in fakes.parts
        }
        new, matched = renamed(local, known, fake.random)
        if matched > most and new.isascii():
            best, most = new, matched
    return f"{best}@{fake.safe_domain_name()}"


def renamed(local: str, known: Mapping[str, str], random: Any) -> tuple[str, int]:
    """RETURNS (Tuple[str, int]): An address with other names, also for initials, and how many letters they share."""
    parts = sorted((part for part in known if len(part) >= LEAST_MATCH), key=len, reverse=True)
    if not parts:
        return local, 0
    initials = {part[0]: new[0] for part, new in known.items()}
    matched = 0

    def other(match: re.Match) -> str:
        nonlocal matched
        if match[0] in known:
            matched += len(match[0])
            return known[match[0]]
        return initials.get(match[0]) or like(random, match[0])

    rest = rf"(?:(?!{'|'.join(parts)})[^\W\d_])+|\d+"
    return re.sub(f"{'|'.join(parts)}|{rest}", other, local), matched
