"""National identity, tax and social insurance numbers, validated by `python-stdnum`."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module

from ...errors import Errors
from ...extras import needs
from ..context import any_of, supported, words
from ..finding import CERTAIN, Finding
from .pattern import TextRule

NEVER, SEPARATED, ALWAYS = 0, 1, 2
DOUBTFUL, UNCHECKED, LIKELY = 0.3, 0.5, 0.6
LONG = 13
NEEDED = re.compile(r"\d(?:[ .+/-]?\d){4}|[A-Z]{5}[A-Z\d]")


@dataclass(frozen=True)
class Kind:
    """country (str): ISO 3166. module (str): In `stdnum`; "" for a number without a checksum. shape (str): How it is
    written. alone (int): Whether a valid number is certain without words beside it: `NEVER`, where it holds
    `SEPARATED` groups or letters, or `ALWAYS`. names (str): Those words.
    """

    country: str
    module: str
    shape: str
    alone: int
    names: str


NINE, TEN, ELEVEN, TWELVE, THIRTEEN = r"\d{9}", r"\d{10}", r"\d{6} ?\d{5}", r"\d{4}[ -]?\d{4}[ -]?\d{4}", r"\d{13}"
BIRTH_AND_FOUR = r"(?:\d{2})?\d{6}[-+]?\d{4}"
FISCAL_CODE = r"[A-Z]{6}[\dLMNP-V]{2}[A-EHLMPRST][\dLMNP-V]{2}[A-Z][\dLMNP-V]{3}[A-Z]"
KINDS = (
    Kind("AL", "al.nipt", r"[A-Z]\d{8}[A-Z]", ALWAYS, "nipt|nuis"),
    Kind("AR", "ar.cuit", r"\d{2}-?\d{8}-?\d", SEPARATED, "cui[tl]"),
    Kind("AR", "ar.dni", r"\d{1,2}\.\d{3}\.\d{3}|\d{7,8}", NEVER, "dni|documento"),
    Kind("AT", "at.vnr", r"\d{4} ?\d{6}", SEPARATED, "sv-?nr|svnr|versicherung|vsnr"),
    Kind("AU", "au.tfn", r"\d{3}[ -]?\d{3}[ -]?\d{2,3}", NEVER, "tfn|tax file"),
    Kind("BE", "be.nn", r"(?:\d{2}\.?){2}\d{2}[- ]?\d{3}[. -]?\d{2}", ALWAYS, "rijksregister|registre nat|niss|insz"),
    Kind("BG", "bg.egn", TEN, NEVER, "egn|егн"),
    Kind("BR", "br.cpf", r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}", ALWAYS, "cpf"),
    Kind("BR", "br.cnpj", r"\d{2}\.?\d{3}\.?\d{3}/?\d{4}-?\d{2}", ALWAYS, "cnpj"),
    Kind("CA", "ca.sin", r"\d{3}[ -]?\d{3}[ -]?\d{3}", SEPARATED, "sin\\b|social insurance"),
    Kind("CH", "ch.ssn", r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}", ALWAYS, "ahv|avs"),
    Kind("CL", "cl.rut", r"\d{1,2}\.?\d{3}\.?\d{3}-[\dkK]", ALWAYS, "ru[nt]\\b"),
    Kind("CN", "cn.ric", r"\d{17}[\dXx]", ALWAYS, "身份证|resident identity"),
    Kind("CO", "co.nit", r"\d{3}\.?\d{3}\.?\d{3}-\d", SEPARATED, "nit\\b|c[ée]dula"),
    Kind("CZ", "cz.rc", r"\d{6}/?\d{3,4}", SEPARATED, "rodn"),
    Kind("DE", "de.idnr", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", ALWAYS, "steuer|idnr|tax id|tin\\b"),
    Kind("DK", "dk.cpr", r"\d{6}-?\d{4}", SEPARATED, "cpr|personnummer"),
    Kind("EC", "ec.ci", r"\d{9}-?\d", NEVER, "c[ée]dula"),
    Kind("EE", "ee.ik", ELEVEN, ALWAYS, "isikukood"),
    Kind("ES", "es.dni", r"\d{8}[ -]?[A-Za-z]", ALWAYS, "dni|nif"),
    Kind("ES", "es.nie", r"[XYZxyz][ -]?\d{7}[ -]?[A-Za-z]", ALWAYS, "nie\\b"),
    Kind("FI", "fi.hetu", r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]", ALWAYS, "hetu|henkil"),
    Kind("FR", "fr.nir", r"[1278] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}", ALWAYS, "s[ée]cu|nir\\b|insee"),
    Kind("FR", "fr.nif", r"[0-3]\d ?\d{2} ?\d{3} ?\d{3} ?\d{3}", ALWAYS, "fiscal|nif|spi"),
    Kind("GB", "gb.nhs", r"\d{3}[ -]?\d{3}[ -]?\d{4}", NEVER, "nhs"),
    Kind("GB", "gb.utr", TEN, NEVER, "utr|unique taxpayer"),
    Kind("GB", "", r"[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-Z]", ALWAYS, "nino|national insurance|ni no"),
    Kind("GR", "gr.amka", ELEVEN, ALWAYS, "amka|αμκα"),
    Kind("HR", "hr.oib", ELEVEN, NEVER, "oib"),
    Kind("ID", "id.nik", r"\d{16}", NEVER, "nik\\b|ktp"),
    Kind("IE", "ie.pps", r"\d{7}[A-W][A-IW]?", ALWAYS, "pps"),
    Kind("IL", "il.idnr", NINE, NEVER, "teudat|תעודת|ת\\.ז|israeli id"),
    Kind("IN", "in_.aadhaar", r"[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}", SEPARATED, "aadhaar|uidai|आधार"),
    Kind("IN", "in_.pan", r"[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z]", ALWAYS, "pan\\b"),
    Kind("IS", "is_.kennitala", r"\d{6}-?\d{4}", SEPARATED, "kennitala"),
    Kind("IT", "it.codicefiscale", FISCAL_CODE, ALWAYS, "codice|c\\.?f\\b"),
    Kind("JP", "jp.in_", TWELVE, NEVER, "my number|マイナンバー|個人番号|individual number"),
    Kind("KR", "kr.rrn", r"\d{6}-?\d{7}", SEPARATED, "주민|resident registration|rrn"),
    Kind("LT", "lt.asmens", ELEVEN, ALWAYS, "asmens"),
    Kind("MX", "mx.curp", r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[0-9A-Z]\d", ALWAYS, "curp"),
    Kind("MY", "my.nric", r"\d{6}-?\d{2}-?\d{4}", SEPARATED, "mykad|nric"),
    Kind("NL", "nl.bsn", r"\d{9}|\d{4}\.\d{2}\.\d{3}", NEVER, "bsn|burgerservice|sofi"),
    Kind("NO", "no.fodselsnummer", ELEVEN, ALWAYS, "fødsel|fodsel|personnummer"),
    Kind("NZ", "nz.ird", r"\d{2,3}-?\d{3}-?\d{3}", NEVER, "ird\\b"),
    Kind("PK", "pk.cnic", r"\d{5}-?\d{7}-?\d", SEPARATED, "cnic"),
    Kind("PL", "pl.pesel", ELEVEN, ALWAYS, "pesel"),
    Kind("PL", "pl.nip", r"\d{3}-?\d{3}-?\d{2}-?\d{2}", SEPARATED, "nip\\b"),
    Kind("PT", "pt.cc", r"\d{8} ?\d ?[A-Z0-9]{2}\d", SEPARATED, "cart[ãa]o de cidad"),
    Kind("PT", "pt.nif", r"\d{3} ?\d{3} ?\d{3}", NEVER, "nif|contribuinte"),
    Kind("RO", "ro.cnp", THIRTEEN, ALWAYS, "cnp"),
    Kind("RU", "ru.inn", r"\d{12}", NEVER, "инн|inn\\b"),
    Kind("SE", "se.personnummer", BIRTH_AND_FOUR, SEPARATED, "personnummer|personal number"),
    Kind("SG", "", r"[STFGM]\d{7}[A-Z]", ALWAYS, "nric|fin\\b"),
    Kind("SI", "si.emso", THIRTEEN, ALWAYS, "em[šs]o"),
    Kind("SK", "sk.rc", r"\d{6}/?\d{3,4}", SEPARATED, "rodn"),
    Kind("TH", "th.pin", r"\d-?\d{4}-?\d{5}-?\d{2}-?\d", SEPARATED, "thai|บัตรประชาชน"),
    Kind("TR", "tr.tckimlik", r"\d{11}", ALWAYS, "t\\.?c\\.? ?kimlik|tckn"),
    Kind("UA", "ua.rntrc", TEN, NEVER, "рнокпп|rntrc"),
    Kind("US", "us.itin", r"9\d{2}[ -]?\d{2}[ -]?\d{4}", SEPARATED, "itin"),
    Kind("ZA", "za.idnr", r"\d{6} ?\d{4} ?\d{2} ?\d", ALWAYS, "rsa|south african|id n"),
)  # fmt: skip
COUNTRIES = tuple(sorted({kind.country for kind in KINDS}))
ID_WORDS = words(
    "national id", "identity (?:card|number|doc)", "id (?:no|num|card|#)", "tax (?:id|no|num|file)",
    "personal (?:id|no|num|code)", "social (?:security|insurance)", "citizen", "identification", "ausweis", "identit",
    "identidad", "insurance n", "resident",
)  # fmt: skip

Test = tuple[str, Callable[[str], bool] | None, int, re.Pattern]


def build_pii_national_ids_v1(countries: Sequence[str] = COUNTRIES) -> "NationalIds":
    """countries (Sequence[str]): Whose numbers are looked for (ISO 3166).

    RAISES (ValueError): T200 a country without a rule. (ImportError): T029.
    """
    unknown = sorted(set(countries) - set(COUNTRIES))
    if unknown:
        raise ValueError(
            Errors.T200.format(setting="countries", values=", ".join(map(repr, unknown)), known=", ".join(COUNTRIES))
        )
    shapes: dict[str, list[Test]] = defaultdict(list)
    for kind in KINDS:
        if kind.country in countries:
            shapes[kind.shape].append((source_of(kind), validator(kind.module), kind.alone, names_of(kind)))
    tests = [
        (re.compile(rf"(?<![\w.+-])(?<!\d )(?:{shape})(?!\w|[-.]\d|(?<=\d) \d)"), found)
        for shape, found in shapes.items()
    ]
    return NationalIds(tests)


class NationalIds(TextRule):
    """tests (List[Tuple[Pattern, List[Test]]]): For each way to write a number, whose numbers are written so."""

    def __init__(self, tests: list[tuple[re.Pattern, list[Test]]]):
        self.tests = tests

    def scan(self, text: str) -> Iterator[Finding]:
        if NEEDED.search(text):
            for regex, kinds in self.tests:
                for match in regex.finditer(text):
                    yield from judged(text, match, kinds)


def judged(text: str, match: re.Match, kinds: list[Test]) -> Iterator[Finding]:
    value, (start, end) = match.group(), match.span()
    for source, valid, alone, names in kinds:
        if valid is None:
            yield Finding(
                start, end, "NATIONAL_ID", CERTAIN if supported(text, start, end, names) else UNCHECKED, source
            )
        elif valid(value):
            yield Finding(start, end, "NATIONAL_ID", score_of(value, alone, supported(text, start, end, names)), source)


def score_of(value: str, alone: int, named: bool) -> float:
    """RETURNS (float): How sure a valid number is; short runs of digits are also valid by chance."""
    plain = value.isdigit() and len(value) < LONG
    if named or (alone != NEVER and not plain):
        return CERTAIN
    return LIKELY if alone == ALWAYS else DOUBTFUL


def source_of(kind: Kind) -> str:
    return f"national_id_{kind.country.lower()}"


def names_of(kind: Kind) -> re.Pattern:
    return any_of((words(kind.names), ID_WORDS))


def validator(module: str) -> Callable[[str], bool] | None:
    if not module:
        return None
    with needs("pii"):
        return partial(holds, is_valid=import_module(f"stdnum.{module}").is_valid)


def holds(number: str, *, is_valid: Callable[[str], bool]) -> bool:
    try:
        return bool(is_valid(number))
    except (ArithmeticError, LookupError, TypeError, ValueError):  # of the library, for birth places it does not know
        return False
