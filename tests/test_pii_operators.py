"""Placeholders and operators: what stands in for a value, who gets the same, and the way back."""

import pickle
import re
from datetime import date, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pii_texts import KEY, documents, find

from spacy_tiered_ner.pii.dates import MONTHS, shifted
from spacy_tiered_ner.pii.operators import names
from spacy_tiered_ner.pii.operators.date_shift import DateShift
from spacy_tiered_ner.pii.operators.encrypt import Encrypt
from spacy_tiered_ner.pii.operators.generalise import Generalise
from spacy_tiered_ner.pii.operators.hash import Hash
from spacy_tiered_ner.pii.operators.mask import Mask
from spacy_tiered_ner.pii.operators.pseudonym import Pseudonym
from spacy_tiered_ner.pii.operators.redact import Redact
from spacy_tiered_ner.pii.people import PART, plain
from spacy_tiered_ner.pii.placeholders import Placeholders
from spacy_tiered_ner.pii.redaction import Redactor
from spacy_tiered_ner.pii.session import Session

TEXT = "Dr. Ada Lovelace met Bob. ADA LOVELACE's mail is ada.lovelace@example.org; Lovelace left."
PERSONS = find(
    TEXT,
    *[(value, "PERSON") for value in ("Dr. Ada Lovelace", "Bob", "ADA LOVELACE's")],
    ("ada.lovelace@example.org", "EMAIL"),
    ("Lovelace", "PERSON"),
)


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("PII_KEY", KEY)


# Placeholders


@settings(max_examples=500, deadline=None)
@given(st.lists(documents(), min_size=1, max_size=3))
def test_placeholders_restore_exactly_what_they_replaced(texts):
    placeholders = Placeholders()
    masked = [placeholders.mask(text, findings) for text, findings in texts]
    assert [placeholders.restore(text) for text in masked] == [text for text, _ in texts]


def test_one_person_has_one_number_and_each_spelling_its_letter():
    masked = Placeholders().mask(TEXT, PERSONS)
    assert masked == "<PERSON_1> met <PERSON_2>. <PERSON_1b>'s mail is <EMAIL_1>; <PERSON_1c> left."


def test_same_value_has_the_same_tag_in_later_texts():
    placeholders = Placeholders()
    placeholders.mask(TEXT, PERSONS)
    later = "Bob and Eve"
    assert placeholders.mask(later, find(later, ("Bob", "PERSON"), ("Eve", "PERSON"))) == "<PERSON_2> and <PERSON_3>"


def test_last_name_of_two_persons_is_neither():
    text = "John Smith, Mary Smith and Smith"
    values = [(value, "PERSON") for value in ("John Smith", "Mary Smith", "Smith")]
    assert Placeholders().mask(text, find(text, *values)) == "<PERSON_1>, <PERSON_2> and <PERSON_3>"


ANSWERS = [
    ("<EMAIL_1> of <PERSON_2>, <PERSON_2>", "ada.lovelace@example.org of Bob, Bob"),
    ("<PERSON_2>'s, <PERSON_2>s", "Bob's, Bobs"),
    ("PERSON_2, person_2, (PERSON_2), **PERSON_2**", "Bob, Bob, (Bob), **Bob**"),
    ("< PERSON_2 >, <person 2>, <Person-2>, <PERSON2>", "Bob, Bob, Bob, Bob"),
    (r"\<PERSON\_2\>, PERSON\_2, &lt;PERSON_2&gt;, [PERSON_2], {PERSON_2}", "Bob, Bob, Bob, Bob, Bob"),
    ("<PERSON_2b> <PERSON_1b>", "Bobb ADA LOVELACE"),
    ("<PERSON_7>, PERSON_21, XPERSON_2, <PERSONS_2>", "<PERSON_7>, PERSON_21, XPERSON_2, <PERSONS_2>"),
]


@pytest.mark.parametrize(("answer", "restored"), ANSWERS)
def test_tags_are_restored_where_a_model_altered_them(answer, restored):
    placeholders = Placeholders()
    placeholders.mask(TEXT, PERSONS)
    assert placeholders.restore(answer) == restored


def test_text_that_looks_like_a_tag_keeps_it_or_gets_another():
    placeholders = Placeholders()
    first, second = "<PERSON_1> is Ada", "PERSON_2 is a variable, <PERSON_1> too"
    masked = placeholders.mask(first, find(first, ("Ada", "PERSON")))
    assert masked == "<PERSON_1> is <PERSON_2>"
    assert placeholders.mask(second, []) == "<TEXT_1> is a variable, <PERSON_1> too"
    assert placeholders.restore(masked) == first
    assert placeholders.restore("<TEXT_1> is a variable, <PERSON_1> too") == second


@pytest.mark.parametrize("value", ["<PERSON_1>", "PERSON_1", "< person_1 >"])
def test_value_that_looks_like_its_own_tag_gets_another(value):
    placeholders = Placeholders()
    masked = placeholders.mask(value, find(value, (value, "PERSON")))
    assert masked != value
    assert placeholders.restore(masked) == value


@pytest.mark.parametrize("what", [Placeholders(), Session()])
def test_what_holds_values_shows_none_and_is_never_pickled(what):
    placeholders = getattr(what, "placeholders", what)
    placeholders.mask(TEXT, PERSONS)
    assert "Ada" not in repr(what)
    with pytest.raises(TypeError, match=r"\[T221\]"):
        pickle.dumps(what)


# Operators that lead nowhere


@pytest.mark.parametrize(
    ("operator", "label", "value", "expected"),
    [
        (Mask(), "PERSON", "Ada", "***"),
        (Mask("#", 4), "CREDIT_CARD", "4111111111111111", "############1111"),
        (Mask(keep_last=4), "PIN", "1234", "***4"),
        (Redact(), "PERSON", "Ada", "<PERSON>"),
        (Redact("[{label}: gone]"), "PERSON", "Ada", "[PERSON: gone]"),
        (Redact(""), "PERSON", "Ada", ""),
        (Generalise(), "AGE", "87", "80-89"),
        (Generalise(), "AGE", "87-year-old", "80-89-year-old"),
        (Generalise(), "AGE", "104", "90+"),
        (Generalise(), "AGE", "forty", "<AGE>"),
        (Generalise(), "ZIP_CODE", "90210-1234", "902**-****"),
        (Generalise(), "ZIP_CODE", "SW1A 1AA", "SW1* ***"),
        (Generalise(), "ZIP_CODE", "123", "<ZIP_CODE>"),
        (Generalise(sparse_zip_codes=["036"]), "ZIP_CODE", "03601", "000**"),
        (Generalise(), "DATE", "3 May 1815", "1815"),
        (Generalise(), "DATE_OF_BIRTH", "03/05/1985", "1985"),
        (Generalise(), "DATE", "1990 to 1992", "<DATE>"),
        (Generalise(), "DATE", "last Tuesday", "<DATE>"),
        (Generalise(), "IP_ADDRESS", "192.168.17.4", "192.168.*.*"),
        (Generalise(), "IP_ADDRESS", "2001:db8:0:1:2:3:4:5", "2001:db8:0:1:*:*:*:*"),
        (Generalise(), "IP_ADDRESS", "2001:db8::1", "2001:db8:*:*"),
        (Generalise(), "COORDINATES", "52.520008, 13.404954", "52.5, 13.4"),
    ],
)
def test_operator(operator, label, value, expected):
    operator.validate(label)
    assert operator.operate(value, label, Session()) == expected


def test_hash_depends_on_value_label_and_key_alone(monkeypatch):
    def hashed(value, label="EMAIL", **settings):
        return Hash(**settings).operate(value, label, Session())

    first = hashed("Ada@X.org")
    assert re.fullmatch(r"<EMAIL#[0-9a-f]{16}>", first)
    assert hashed(" ada@x.org") == first
    assert len({first, hashed("bob@x.org"), hashed("Ada@X.org", "PERSON")}) == 3
    assert hashed("Ada@X.org", length=64).startswith(first[:-1])
    monkeypatch.setenv("PII_KEY", KEY[::-1])
    assert hashed("Ada@X.org") != first


BAD_SETTINGS = [
    ({"PERSON": "tga"}, "tag", r"T222.*'PERSON'.*'tga'.*pseudonym"),
    ({"PERSON": 7}, "tag", "T222"),
    ({" ": "mask"}, "tag", r"T225.*`operators`.*letters"),
    ({"zip code": "mask", "ZIP_CODE": "hash"}, "tag", r"T225.*'ZIP_CODE'.*another spelling"),
    ({}, "generalise", r"T230.*'\*'"),
    ({"PERSON": "generalise"}, "tag", r"T230.*'PERSON'.*ZIP_CODE"),
    ({"PERSON": Mask("ab")}, "tag", r"T225.*mask\.char"),
    ({"PERSON": Mask(keep_last=-1)}, "tag", r"T014.*mask\.keep_last"),
    ({"PERSON": Hash(length=4)}, "tag", r"T225.*hash\.length"),
    ({"PERSON": Pseudonym("de_XX")}, "tag", r"T229.*'de_XX'.*de_DE"),
    ({"DATE": DateShift(max_days=0)}, "tag", r"T014.*date_shift\.max_days"),
    ({"DATE": DateShift(language="tlh")}, "tag", r"T012.*date_shift\.language"),
]


@pytest.mark.parametrize(("operators", "default", "message"), BAD_SETTINGS)
def test_bad_operator_is_an_error_when_the_redactor_is_made(operators, default, message):
    with pytest.raises(ValueError, match=message):
        Redactor(operators, default=default)


def test_names_are_those_that_configs_use():
    expected = ["date_shift", "encrypt", "generalise", "hash", "keep", "mask", "pseudonym", "redact", "tag"]
    assert names() == expected
    for name in set(expected) - {"generalise"}:
        Redactor(default=name)


@pytest.mark.parametrize("operator", ["hash", "encrypt"])
@pytest.mark.parametrize(("value", "message"), [(None, r"T227.*OTHER_KEY"), ("short", r"T228.*OTHER_KEY.*16")])
def test_missing_and_short_keys(operator, value, message, monkeypatch):
    if value is None:
        monkeypatch.delenv("OTHER_KEY", raising=False)
    else:
        monkeypatch.setenv("OTHER_KEY", value)
    redactor = Redactor(default={"hash": Hash, "encrypt": Encrypt}[operator]("OTHER_KEY"))
    with pytest.raises(ValueError, match=message) as caught:
        redactor.redact(TEXT, PERSONS)
    assert "Ada" not in str(caught.value)


@pytest.mark.parametrize(
    ("package", "operator"), [("faker", "pseudonym"), ("cryptography", "encrypt"), ("cryptography", "hash")]
)
def test_missing_package_is_named_with_its_extra(package, operator, run_python):
    code = f"""
import sys
sys.modules["{package}"] = None
from spacy_tiered_ner.pii.finding import Finding
from spacy_tiered_ner.pii.redaction import Redactor
try:
    Redactor(default="{operator}").redact("Ada", [Finding(0, 3, "PERSON", 1.0, "x")])
except ImportError as error:
    print(error)
"""
    assert run_python("-c", code, PII_KEY=KEY).startswith(
        f'[T029] {package} is not installed. Run: pip install "spacy-tiered-ner[pii]"'
    )


# Encryption


def test_encrypted_values_open_with_the_key_alone(monkeypatch):
    redactor = Redactor(default="encrypt")
    redacted = redactor.redact(TEXT, PERSONS).text
    assert redacted != redactor.redact(TEXT, PERSONS).text
    assert redactor.restore(f"On {redacted}") == f"On {TEXT}"
    monkeypatch.setenv("PII_KEY", "another key of some length")
    with pytest.raises(ValueError, match=r"T226.*\$PII_KEY"):
        redactor.restore(redacted)


def test_altered_ciphertext_stays_and_is_warned_of():
    redactor = Redactor(default="encrypt")
    redacted = redactor.redact(TEXT, PERSONS).text
    swapped = redacted.replace("<EMAIL:", "<PERSON:")
    with pytest.warns(UserWarning, match=r"W210.*1 of 5"):
        restored = redactor.restore(swapped)
    assert restored.count("<PERSON:") == 1
    assert restored.startswith("Dr. Ada Lovelace met Bob. ADA LOVELACE's mail is <PERSON:")


# Pseudonyms


@pytest.mark.parametrize("locale", ["en_US", "de_DE", "fr_FR", "ja_JP", "ru_RU", "ar_SA", "hi_IN"])
def test_names_and_address_of_one_person_stay_together(locale):
    redactor, session = Redactor(default=Pseudonym(locale)), Session()
    text = redactor.redact(TEXT, PERSONS, session=session).text
    full, bob, shouted, address, last = re.fullmatch(
        r"Dr\. (.+) met (.+)\. (.+)'s mail is (\S+)@example\.\w+; (.+) left\.", text
    ).groups()
    assert shouted == full.upper()
    assert full.endswith(last)
    assert bob not in full
    if plain(full).isascii():
        assert address == plain(full).replace(" ", ".")
    for name in ("Ada", "ADA", "Lovelace", "LOVELACE", "lovelace", "Bob"):
        assert name not in PART.findall(text)
    assert redactor.restore(text, session=session) == TEXT
    answer = redactor.restore(f"{last}: {bob}'s {full}, {bob}", session=session)
    assert answer.title() == "Lovelace: Bob'S Ada Lovelace, Bob"


@pytest.mark.parametrize(
    ("address", "pattern"),
    [
        ("alovelace@x.org", "{first[0]}{last}"),
        ("lovelace_ada@x.org", "{last}_{first}"),
        ("ada@x.org", "{first}"),
    ],
)
def test_address_with_a_persons_names_takes_the_new_ones(address, pattern):
    text = f"{address} is Ada Lovelace"
    findings = find(text, (address, "EMAIL"), ("Ada Lovelace", "PERSON"))
    new, _, name = Redactor(default="pseudonym").redact(text, findings).text.partition(" is ")
    first, last = name.lower().split()
    assert new.partition("@")[0] == pattern.format(first=first, last=last)


@pytest.mark.parametrize(
    ("label", "value", "pattern"),
    [
        ("PASSPORT", "C01X 00T-47", r"[A-Z]\d\d[A-Z] \d\d[A-Z]-\d\d"),
        ("EMAIL", "bob@corp.com", r"\S+@example\.(com|org|net)"),
        ("IP_ADDRESS", "10.1.2.3", r"(\d{1,3}\.){3}\d{1,3}"),
        ("IP_ADDRESS", "2001:db8::1", r"[0-9a-f:]{6,}"),
        ("URL", "https://corp.com/ada", r"https://\S+\.example/\S+"),
        ("ADDRESS", "12 Main St\nSpringfield", r".{6,}"),
        ("AGE", "87", "<AGE_1>"),
    ],
)
def test_invented_value_is_of_the_same_kind(label, value, pattern):
    text = f"it is {value}, {value}"
    findings = find(text, (value, label), (value, label))
    new = Redactor(default="pseudonym").redact(text, findings).text.removeprefix("it is ")
    first = new[: (len(new) - 2) // 2]
    assert new == f"{first}, {first}"
    assert re.fullmatch(pattern, first)
    assert first != value


# Dates


def written(day: date) -> list[str]:
    """One date in the formats that are read."""
    month = MONTHS["en"].split()[day.month - 1]
    german = MONTHS["de"].split()[day.month - 1]
    return [
        day.isoformat(),
        f"{day:%Y%m%d}",
        f"{day:%m/%d/%Y}",
        f"{day:%d.%m.%y}",
        f"{day.day}.{day.month}.{day.year}",
        f"{day.day} {month} {day.year}",
        f"{month} {day.day}, {day.year}",
        f"{month[:3].upper()} {day.day} {day.year}",
        f"{day.day:02}-{month[:3]}-{day.year}",
        f"{day.day}. {german} {day.year}",
        f"{day.isoformat()}T12:30:00Z",
        f"{day:%A}, {day.day} {month} {day.year}, 5 pm",
    ]


@settings(max_examples=300, deadline=None)
@given(st.dates(date(1970, 1, 1), date(2067, 12, 31)), st.integers(-365, 365), st.integers(0, 11))
def test_shifted_date_has_the_format_of_the_old_one(day, days, number):
    assume(number != 4 or min(day.day, day.month) < 10)
    assume(number not in (7, 8) or day.month != 5)
    settings = {"language": "de" if number == 9 else "en", "day_first": False}
    assert shifted(written(day)[number], days, **settings) == written(day + timedelta(days=days))[number]


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("03/04/2020", {"day_first": True}, "13/04/2020"),
        ("03/04/2020", {}, "03/14/2020"),
        ("25/04/2020", {}, "05/05/2020"),
        ("3.4.20", {}, "13.4.20"),
        ("1er mars 2020", {"language": "fr"}, "11 mars 2020"),
        ("22nd of March 2020", {}, "1st of April 2020"),
        ("3 de marzo de 2020", {"language": "es"}, "13 de marzo de 2020"),
        ("3 March '20", {}, "13 March '20"),
        ("Di, 3 März 2020", {"language": "de"}, "Di, 13 März 2020"),
    ],
)
def test_how_dates_are_read(text, options, expected):
    assert shifted(text, 10, **{"language": "en", "day_first": False, **options}) == expected


@pytest.mark.parametrize(
    "text",
    ["May 2012", "2012", "yesterday", "31/31/2020", "30 February 2020", "1-2 May 2012, 3 May 2013", "9999-12-31"],
)
def test_what_is_no_complete_date_becomes_its_label(text):
    session = Session()
    assert session.shift(lambda: 400) == 400
    assert DateShift().operate(text, "DATE", session) == "<DATE>"


@pytest.mark.parametrize("scope", ["doc", "session"])
def test_dates_of_a_subject_keep_their_intervals(scope):
    redactor = Redactor({"DATE": "date_shift"}, scope=scope)
    text = "From 2020-01-10 to 2020-02-10"
    findings = find(text, ("2020-01-10", "DATE"), ("2020-02-10", "DATE"))
    shifts = {}
    for subject in [*"abcdefgh", "a"]:
        first, last = map(
            date.fromisoformat, re.findall(r"[\d-]{10}", redactor.redact(text, findings, subject=subject).text)
        )
        assert last - first == timedelta(days=31)
        assert 1 <= abs((first - date(2020, 1, 10)).days) <= 365
        assert shifts.setdefault(subject, first) == first
    assert len(set(shifts.values())) > 4


def test_without_a_subject_each_document_has_a_shift_of_its_own():
    redactor = Redactor({"DATE": "date_shift"})
    findings = find("2020-01-10", ("2020-01-10", "DATE"))
    assert len({redactor.redact("2020-01-10", findings).text for _ in range(10)}) > 4
    assert b"2020" not in pickle.dumps(redactor)


def test_shift_from_a_key_is_the_same_in_another_session():
    redactor = Redactor(default=DateShift(key_variable="PII_KEY"))
    findings = find("2020-01-10", ("2020-01-10", "DATE"))
    assert len({redactor.redact("2020-01-10", findings, subject="a").text for _ in range(3)}) == 1
    with pytest.raises(ValueError, match=r"T231.*PII_KEY"):
        redactor.redact("2020-01-10", findings)
