"""The rules of pii_redactor. Every number is made up; those with a checksum were drawn until it held."""

import time

import pytest
import spacy
from spacy.tokens import Doc
from spacy.util import registry

from spacy_tiered_ner.factories import PII_RULES
from spacy_tiered_ner.pii.finding import Finding
from spacy_tiered_ner.pii.rules import default_rules, find
from spacy_tiered_ner.pii.rules.national_ids import COUNTRIES, KINDS, build_pii_national_ids_v1
from spacy_tiered_ner.pii.rules.phone import build_pii_phone_v1

NLP = spacy.blank("en")
RULES = default_rules()


def found(text: str) -> list[tuple[str, str]]:
    return [(text[f.start : f.end], f.label) for f in find(NLP.make_doc(text), RULES)]


# One value a text, marked by brackets.
PRESENT = [
    ("EMAIL", "write to [mara.quill+news@post.example.co.uk]."),
    ("EMAIL", "<[o'neil_7@sub-domain.example]>"),
    ("EMAIL", "[jörg@müller.example] antwortet nicht"),
    ("EMAIL", "reach me: [mara.quill (at) example (dot) com]"),
    ("EMAIL", "root is [admin@10.20.30.40]"),
    ("PHONE", "call [(312) 555-0187 ext. 44] now"),
    ("PHONE", "[+49 (0)30 901820-12]"),
    ("PHONE", "[+1-234-555-0199x123]"),
    ("PHONE", "fax: [0161 496 0735]"),
    ("PHONE", "tel [01 70 18 22 33]"),
    ("PHONE", "mobile 07 or [07700900461]"),
    ("PHONE", "my number is [5550143]"),
    ("PHONE", "from [312.555.0187] today"),
    ("CREDIT_CARD", "card [4539 1488 0343 6467] 09/27"),
    ("CREDIT_CARD", "[4539-1488-0343-6467]"),
    ("CREDIT_CARD", "[371449635398431]"),
    ("CREDIT_CARD", "paid with [6011000990139424]."),
    ("CREDIT_CARD", "[4539 1488 0343 6468] has a typing error"),
    ("CVV", "cvv: [417]"),
    ("IBAN", "to [DE75 5121 0800 1245 1261 99] please"),
    ("IBAN", "to [GB33BUKB20201555555555]"),
    ("IBAN", "[fr7630006000011234567890189]"),
    ("BANK_ACCOUNT", "account number [0048211739]"),
    ("CRYPTO", "[bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq]"),
    ("CRYPTO", "send ether to [0x71c7656ec7ab88b098defb751b7401b5f6d8976f]"),
    ("SSN", "[219-09-9998]"),
    ("SSN", "social security [219 09 9998]"),
    ("SSN", "SSN [219099998]"),
    ("PASSPORT", "passport number [L8982902C]"),
    ("PASSPORT", "Reisepass [C01X00T47]"),
    ("DRIVER_LICENSE", "driver's license [D612-4458-9021]"),
    ("DRIVER_LICENSE", "driving licence [QUILL853116M99AB]"),
    ("LICENSE_PLATE", "license plate [7ABC123]"),
    ("LICENSE_PLATE", "Kennzeichen [B-QX 4711]"),
    ("LICENSE_PLATE", "the car [AB12 CDE] was towed"),
    ("VEHICLE_ID", "VIN [1M8GDM9AXKP042788]"),
    ("DEVICE_ID", "IMEI [490154203237518]"),
    ("MEDICAL_RECORD", "MRN: [00482-17]"),
    ("MEDICAL_RECORD", "patient id [QX-882103]"),
    ("ID_NUMBER", "employee id: [E-20417]"),
    ("ID_NUMBER", "Kundennummer [K882/19203]"),
    ("IP_ADDRESS", "ping [10.20.30.40]"),
    ("IP_ADDRESS", "from [2001:db8::8a2e:370:7334]:"),
    ("IP_ADDRESS", "[fe80::1ff:fe23:4567:890a%eth0]"),
    ("IP_ADDRESS", "net [10.20.0.0/16]"),
    ("MAC_ADDRESS", "[00:1B:44:11:3A:B7]"),
    ("MAC_ADDRESS", "[001B.4411.3AB7]"),
    ("URL", "see [https://quill.example/a?b=c#d]."),
    ("URL", "([www.quill.example/path])"),
    ("URL", "[ftp://files.example:2121/x_(1).txt]"),
    ("DOMAIN", "hosted at [quill-books.co.uk], she said"),
    ("USERNAME", "username: [mara_quill9]"),
    ("USERNAME", "logged in as [mquill.77]"),
    ("USERNAME", "thanks [@mara_quill]!"),
    ("PASSWORD", "password: [c0rrect-Horse!]"),
    ("PASSWORD", 'pwd="[x9#kk]"'),
    ("PASSWORD", "the password is [Tr0ub4dor&3]."),
    ("API_KEY", "[AKIAQ7XW2M4N8P0R3S5T]"),
    ("API_KEY", "[ghp_Q7xw2M4n8P0r3S5tQ7xw2M4n8P0r3S5tQ7xw]"),
    ("API_KEY", "[xoxb-123456789012-abcDEF123456]"),
    ("API_KEY", "[sk-ant-api03-Q7xw2M4n8P0r3S5tQ7xw]"),
    ("API_KEY", "[eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtYXJhIn0.Q7xw2M4n8P0r3S5t]"),
    ("API_KEY", "Authorization: Bearer [Q7xw2M4n8P0r3S5tQ7xw2M4n]"),
    ("API_KEY", "client_secret = '[q7xw2m4n8p0r3s5t]'"),
    ("API_KEY", "[-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAK\n-----END RSA PRIVATE KEY-----]"),
    ("COORDINATES", "at [52.51627, 13.37770]"),
    ("COORDINATES", "at [52°30'59\"N 13°22'39\"E]"),
    ("COORDINATES", "latitude: [52.516]"),
    ("DATE", "on [2024-02-29T12:30:00Z]"),
    ("DATE", "on [29.02.2024]"),
    ("DATE", "on [March 3rd, 2021]"),
    ("DATE", "on [3 mars 2021]"),
    ("DATE", "el [3 de marzo de 2021]"),
    ("DATE", "in [September 2021]"),
    ("DATE", "exp [09/27]"),
    ("DATE_OF_BIRTH", "born on [3 May 1980]"),
    ("DATE_OF_BIRTH", "DOB: [05/03/1980]"),
    ("DATE_OF_BIRTH", "geboren am [03.05.1980]"),
    ("TIME", "at [10:30 pm]"),
    ("AGE", "[45]-year-old man"),
    ("AGE", "aged [45], single"),
    ("AGE", '"age": [45]'),
    ("AGE", "elle a [45] ans"),
    ("ADDRESS", "at [742 Larkspur Terrace, Apt. 4B]."),
    ("ADDRESS", "at [10 Downham Rd]"),
    ("ADDRESS", "in [Larkspurstraße 12a]"),
    ("ADDRESS", "au [12 bis rue de la Forge]"),
    ("ADDRESS", "en [Calle de Alondra 5]"),
    ("ADDRESS", "[P.O. Box 4411]"),
    ("ZIP_CODE", "Larkspur, CA [94939-1234]"),
    ("ZIP_CODE", "in [EC1A 1BB]"),
    ("ZIP_CODE", "zip code [60614]"),
    ("ZIP_CODE", "in [K1A 0B1]"),
    ("PERSON", "spoke to Mrs. [Mara van der Quill]"),
    ("PERSON", "My name is [Mara Quill] and"),
    ("PERSON", "Name: [Mara Quill]\nCity"),
    ("PERSON", "Je m'appelle [Mara Quill]."),
    ("TITLE", "[Prof.] Quill"),
    ("ORGANIZATION", "for [Quill & Heron Ltd.]"),
    ("ORGANIZATION", "bei [Quill Verlag GmbH]"),
    ("JOB_TITLE", "works as a [glass blower] in"),
]


@pytest.mark.parametrize(("label", "marked"), PRESENT)
def test_finds_the_value_with_exact_borders(label: str, marked: str):
    start, end = marked.index("["), marked.rindex("]") - 1
    text = marked.replace("[", "", 1)
    text = text[:end] + text[end + 1 :]
    assert (text[start:end], label) in found(text)


ABSENT = [
    "In 2019 the plant made 300000 parts, 12.5 percent more than in 2018.",
    "Order 88213 has 14 lamps for 1,249.00 dollars; version 4.2.1 is out.",
    "The ratio of 3:4 and the score of 21-17 stand in chapter 12.",
    "std::vector::iterator it = a::b::c();",
    "The e.g. and i.e. of No. 5, fig.3 and sec.4 are fine.",
    "Water boils at 100 degrees, ice melts at 0.",
    "He may call the passport office or the card issuer about a license.",
    "Call it a day; the password is long and the user name is missing.",
    "1234567890123456 is the sum of all parts, 4539148803436468 is not.",
    "The api key is required, and the token expires soon.",
    "Our number one reason is quality; the plate was full.",
    "In AG and The Co we trust, she works as usual.",
    "git commit 9fceb02 touched 3 files.",
]


@pytest.mark.parametrize("text", ABSENT)
def test_leaves_other_numbers_and_words(text: str):
    assert found(text) == []


VALID_IDS = [
    ("AL", "K60181590Q"), ("AR", "50-29170342-6"), ("AT", "1373 799075"), ("AU", "104 468 606"),
    ("BE", "62.03.08-518.80"),
    ("BG", "0422201940"), ("BR", "620.683.467-02"), ("BR", "62.120.427/4655-74"), ("CA", "632-508-081"),
    ("CH", "756.8099.7501.98"), ("CL", "0.132.066-1"), ("CN", "210311236508268792"), ("CO", "576.549.889-8"),
    ("CZ", "050601/469"), ("DE", "42 931 578 113"), ("DK", "301001-9436"), ("EC", "5033304782"), ("EE", "19005101363"),
    ("ES", "53235819L"), ("ES", "Z6201722F"), ("FI", "050600C0356"), ("FR", "7 66 53 71 823 224 18"),
    ("FR", "38 14 280 163 379"), ("GB", "449 248 1672"), ("GB", "9883934575"), ("GR", "14051176981"),
    ("HR", "92339003115"), ("ID", "8180629106541658"), ("IE", "3221647HB"), ("IL", "804271880"),
    ("IN", "6984 7046 9704"),
    ("IN", "DGCPQ5339V"), ("IS", "410614-7079"), ("IT", "XPQGFK7TDSVXU7NE"), ("JP", "3778 1328 7460"),
    ("KR", "210214-9051187"), ("LT", "98176628569"), ("MX", "PGYL091204MMNEEUQ7"), ("MY", "970929-98-6089"),
    ("NL", "787392005"), ("NO", "264287 16905"), ("NZ", "98-777-504"), ("PK", "33773-7833352-3"), ("PL", "49671994496"),
    ("PL", "559-635-87-80"), ("PT", "88817485 2 7X8"), ("PT", "718823451"), ("RO", "4111015149045"),
    ("RU", "691606083843"),
    ("SE", "17261023+9259"), ("SG", "M0217462T"), ("SI", "2804697475043"), ("SK", "293105/9945"),
    ("TH", "6-6693-43578-24-9"), ("TR", "35040442596"), ("UA", "0238344757"), ("US", "967-85-0062"),
    ("ZA", "420407 2675 18 8"),
]  # fmt: skip
NO_CHECKSUM = {"AL", "CL", "CZ", "DK", "ID", "IN", "MY", "PK", "SG", "US"}  # or one that a swapped digit may keep


def national(text: str, *countries: str) -> list[Finding]:
    return [finding for finding in build_pii_national_ids_v1(countries)(NLP.make_doc(text)) if finding.score > 0.5]


@pytest.mark.parametrize(("country", "value"), VALID_IDS)
def test_national_numbers_with_a_checksum(country: str, value: str):
    text = f"identity number {value}, thanks"
    certain = [f for f in national(text, country) if f.score == 1.0]
    assert [(text[f.start : f.end], f.label, f.source) for f in certain] == [
        (value, "NATIONAL_ID", f"national_id_{country.lower()}")
    ]


@pytest.mark.parametrize(("country", "value"), [pair for pair in VALID_IDS if pair[0] not in NO_CHECKSUM])
def test_national_numbers_whose_checksum_fails(country: str, value: str):
    digit = next(i for i in range(len(value) - 1, -1, -1) if value[i].isdigit())
    broken = [value[:digit] + other + value[digit + 1 :] for other in "0123456789" if other != value[digit]]
    wrong = [text for text in broken if national(f"identity number {text}", country)]
    assert len(wrong) <= 1


def test_countries_are_chosen_and_many():
    assert len(COUNTRIES) >= 20
    assert {country for country, _ in VALID_IDS} == {kind.country for kind in KINDS}
    assert national("DNI 53235819L", "DE", "FR") == []
    assert national("DNI 53235819L", "ES")


@pytest.mark.parametrize("value", ["787392005", "0422201940", "9883934575"])
def test_short_digit_only_numbers_need_a_word_beside_them(value: str):
    assert national(f"the total of {value} was", *COUNTRIES) == []
    assert national(f"national id {value}", *COUNTRIES)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4539 1488 0343 6467 12/27 and on", "4539 1488 0343 6467"),
        ("nr 12 4539 1488 0343 6467", "4539 1488 0343 6467"),
        ("IBAN DE75 5121 0800 1245 1261 99 BIC IS MISSING", "DE75 5121 0800 1245 1261 99"),
    ],
)
def test_a_checksum_divides_a_number_from_what_stands_beside_it(text: str, value: str):
    assert value in [text[f.start : f.end] for f in find(NLP.make_doc(text), RULES) if f.score == 1.0]


@pytest.mark.parametrize(
    ("text", "value"),
    [("0048211739", "account number"), ("L8982902C", "passport"), ("60614", "zip"), ("490154203237518", "IMEI")],
)
def test_words_beside_a_value_raise_its_score(text: str, value: str):
    def best(sentence: str) -> float:
        return max((f.score for rule in RULES.values() for f in rule(NLP.make_doc(sentence))), default=0.0)

    assert best(f"{value} {text}") > 0.4 > best(f"about {text}")


def test_phone_regions_are_chosen():
    german = "unsere 030 901820 gilt"
    assert not [f for f in build_pii_phone_v1(["US"])(NLP.make_doc(german)) if f.score >= 0.6]
    assert [f for f in build_pii_phone_v1(["DE"])(NLP.make_doc(german)) if f.score >= 0.6]


@pytest.mark.parametrize(
    ("build", "setting"), [(build_pii_national_ids_v1, "countries"), (build_pii_phone_v1, "regions")]
)
def test_unknown_countries_are_named(build, setting: str):
    with pytest.raises(ValueError, match=f"T200.*{setting}.*'XX'"):
        build(["XX", "DE"])


TRICKS = [
    ("card ４５３９ １４８８ ０３４３ ６４６７ ok", "CREDIT_CARD", "４５３９ １４８８ ０３４３ ６４６７"),
    ("card 4539\u200b1488\u200b0343\u200b6467 ok", "CREDIT_CARD", "4539\u200b1488\u200b0343\u200b6467"),
    ("card 4539\u00a01488\u00a00343\u00a06467 ok", "CREDIT_CARD", "4539\u00a01488\u00a00343\u00a06467"),
    ("card 4539\u20111488\u20110343\u20116467 ok", "CREDIT_CARD", "4539\u20111488\u20110343\u20116467"),
    ("ssn 219\u201309\u20139998", "SSN", "219\u201309\u20139998"),
    ("ssn ٢١٩-٠٩-٩٩٩٨ ok", "SSN", "٢١٩-٠٩-٩٩٩٨"),
    ("mail mаra@examрle.com ok", "EMAIL", "mаra@examрle.com"),
    ("mail mara＠example．com ok", "EMAIL", "mara＠example．com"),
    ("mail ma\u00adra@exa\u2060mple.com ok", "EMAIL", "ma\u00adra@exa\u2060mple.com"),
    ("IBAN DЕ75512108001245126199 ok", "IBAN", "DЕ75512108001245126199"),
    ("\ufeff\u200bid 53235819\u200dL ok", "NATIONAL_ID", "53235819\u200dL"),
    ("𝟐𝟏𝟗-𝟎𝟗-𝟗𝟗𝟗𝟖", "SSN", "𝟐𝟏𝟗-𝟎𝟗-𝟗𝟗𝟗𝟖"),
]


@pytest.mark.parametrize(("text", "label", "value"), TRICKS)
def test_tricks_with_characters(text: str, label: str, value: str):
    assert (value, label) in found(text)


def test_a_rule_of_ones_own(nlp_with_rule):
    doc = nlp_with_rule("The badge of Falcon-7 opens it.")
    assert [(span.text, span.label_, span.id_) for span in doc.spans["pii"]] == [("Falcon-7", "PROJECT", "falcon")]


@pytest.fixture
def nlp_with_rule():
    def build_falcon(number: int):
        def find_falcon(doc: Doc):
            start = doc.text.find(f"Falcon-{number}")
            return [Finding(start, start + 8, "PROJECT", 0.8, "falcon")] if start >= 0 else []

        return find_falcon

    registry.misc.register("test.falcon.v1", func=build_falcon)
    nlp = spacy.blank("en")
    rules = {"falcon": {"@misc": "test.falcon.v1", "number": 7}, "dates": None, "phone": {"regions": ["GB"]}}
    nlp.add_pipe("pii_redactor", config={"gliner": None, "rules": rules})
    assert set(nlp.get_pipe("pii_redactor").detectors.rules) == {*PII_RULES, "falcon"} - {"dates"}
    return nlp


LONG = 30_000
HOSTILE = [
    "a",
    "1 ",
    "12-",
    "a.",
    "1.",
    "Aa-",
    "A. ",
    "a@",
    "::",
    "http://",
    "eyJ",
    "Inc Inc ",
    "rue de la ",
    "Mr A. ",
    "\u200b",
    "AB12 ",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_time_grows_with_the_text_alone(unit: str):
    doc = Doc(NLP.vocab, words=[(unit * LONG)[:LONG]])
    began = time.perf_counter()
    find(doc, RULES)
    assert time.perf_counter() - began < 5
