"""Round trips of random documents through every reversible operator: how many give back the exact text.

python benchmarks/pii_reversal.py --documents 10000

A document is a random mix of names, numbers, words, marks, emoji, combining marks and text that looks like a tag, with
findings on its parts, across them and overlapping. 50 documents share a session, in which they are all redacted before
they are restored. With "vault", all documents share a file, and another redactor restores from it.
"""

import argparse
import os
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from faker import Faker
from spacy.util import minibatch
from tqdm import tqdm

from spacy_tiered_ner.pii.finding import Finding
from spacy_tiered_ner.pii.operators.encrypt import Encrypt
from spacy_tiered_ner.pii.operators.pseudonym import Pseudonym
from spacy_tiered_ner.pii.operators.tag import Tag
from spacy_tiered_ner.pii.redaction import Redaction, Redactor
from spacy_tiered_ner.pii.session import Session

SHARED = 50
LOCALES = ("en_US", "de_DE", "fr_FR", "es_ES", "pl_PL", "ru_RU", "ar_SA", "hi_IN", "ja_JP", "zh_CN")
TAG_LIKE = ("<PERSON_1>", "PERSON_2", "person_1b", "< person 3 >", "[EMAIL_1]", "\\<PERSON\\_1\\>", "<TEXT_1>", "x_1")
MARKS = (
    " ",
    " ",
    " ",
    "\n",
    "\t",
    ", ",
    ". ",
    "<",
    ">",
    "[",
    "]",
    "\\",
    "&lt;",
    "'s ",
    "e\u0301",
    "\u200b",
    "👩\u200d🚀",
    "🏳️\u200d🌈",
)
OPERATORS = {
    "tag": {"default": Tag()},
    "encrypt": {"default": Encrypt()},
    "pseudonym": {"default": Pseudonym()},
    "mixed": {
        "operators": {"PERSON": Pseudonym("de_DE"), "EMAIL": Encrypt(), "PHONE": Tag()},
        "default": Pseudonym("ja_JP"),
    },
}


def documents(count: int, seed: int) -> Iterator[tuple[str, list[Finding]]]:
    """YIELDS (Tuple[str, List[Finding]]): A text, and what is found in it."""
    chance = random.Random(seed)
    fakers = [Faker(locale) for locale in LOCALES]
    for number, fake in enumerate(fakers):
        fake.seed_instance(seed + number)
    for _ in range(count):
        fake = chance.choice(fakers)
        kinds = {
            "PERSON": (fake.name, fake.first_name, fake.last_name, lambda fake=fake: fake.name().upper()),
            "EMAIL": (fake.email,),
            "PHONE": (fake.phone_number,),
            "ADDRESS": (fake.address,),
            "DATE": (fake.date,),
            "IBAN": (fake.iban,),
        }
        text, findings = "", []
        for _ in range(chance.randint(1, 25)):
            draw = chance.random()
            if draw < 0.4:
                label = chance.choice(list(kinds))
                value = chance.choice(kinds[label])()
                findings.append(Finding(len(text), len(text) + len(value), label, chance.random(), "value"))
            elif draw < 0.5:
                value = chance.choice(TAG_LIKE)
            elif draw < 0.75:
                value = fake.word() + chance.choice((" ", ""))
            else:
                value = chance.choice(MARKS)
            text += value
            if draw < 0.9:
                text += chance.choice((" ", " ", ""))
        for _ in range(chance.randint(0, 2)):
            start = chance.randrange(len(text))
            end = min(len(text), start + chance.randint(1, 12))
            findings.append(Finding(start, end, chance.choice(["PERSON", "OTHER THING"]), chance.random(), "stray"))
        yield text, findings


def exact_trips(name: str, count: int, seed: int) -> tuple[int, int]:
    """RETURNS (Tuple[int, int]): How many texts came back exactly, and how many characters were replaced."""
    redactor = Redactor(**OPERATORS[name])
    exact = replaced = 0
    for batch in minibatch(tqdm(documents(count, seed), total=count, desc=name, leave=False), SHARED):
        session = Session()
        redactions = [redactor.redact(text, findings, session=session) for text, findings in batch]
        replaced += sum(map(characters, redactions))
        restored = [redactor.restore(redaction.text, session=session) for redaction in redactions]
        exact += sum(new == text for new, (text, _) in zip(restored, batch, strict=True))
    return exact, replaced


def vault_trips(count: int, seed: int) -> tuple[int, int]:
    """As `exact_trips`, through a vault that keeps the entries of all documents, and that another redactor opens."""
    exact = replaced = 0
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "corpus.vault"
        first, second = (Redactor(scope="corpus", vault=path) for _ in range(2))
        for batch in minibatch(tqdm(documents(count, seed), total=count, desc="vault", leave=False), SHARED):
            redactions = [first.redact(text, findings) for text, findings in batch]
            replaced += sum(map(characters, redactions))
            exact += sum(
                second.restore(redaction.text) == text for redaction, (text, _) in zip(redactions, batch, strict=True)
            )
        for redactor in (first, second):
            redactor.vault.close()
    return exact, replaced


def characters(redaction: Redaction) -> int:
    return sum(item.end - item.start for item in redaction.replacements)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    os.environ.setdefault("PII_KEY", "a key for this benchmark only")
    print("| operator | documents | exact | characters replaced | docs/s |\n| --- | ---: | ---: | ---: | ---: |")
    for name in (*OPERATORS, "vault"):
        began = time.perf_counter()
        trips = vault_trips if name == "vault" else lambda count, seed, name=name: exact_trips(name, count, seed)
        exact, replaced = trips(arguments.documents, arguments.seed)
        speed = arguments.documents / (time.perf_counter() - began)
        print(f"| {name} | {arguments.documents:,} | {exact:,} | {replaced:,} | {speed:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
