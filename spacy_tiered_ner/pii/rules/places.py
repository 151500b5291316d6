"""Where someone lives or is: street addresses, postal codes, coordinates."""

import re

from ..context import words
from .pattern import Pattern, PatternRule

WORD = r"[A-ZÀ-ÖØ-Þ][\w'’.-]*"
SUFFIX = (
    "Street|St|Avenue|Ave|Av|Road|Rd|Boulevard|Blvd|Drive|Dr|Lane|Ln|Court|Ct|Place|Pl|Square|Sq"
    "|Terrace|Ter|Way|Parkway|Pkwy|Highway|Hwy|Circle|Cir|Trail|"
    "Trl|Close|Crescent|Cres|Gardens?|Grove|Mews|Row|Alley|Loop|Pike|Turnpike|Plaza|Walk|Hills?|Path"
    "|Rise|Greens?|Quay|Expressway|Causeway"
)
RARE_SUFFIX = (
    "Arcade|Bayou|Beach|Bend|Bluffs?|Bottom|Branch|Bridge|Brooks?|Burgs?|Bypass|Camp|Canyon|Cape"
    "|Centers?|Cliffs?|Club|Commons?|Corners?|Course|Coves?|Creek|"
    "Crest|Crossing|Crossroads?|Curve|Dale|Dam|Divide|Drives|Estates?|Extensions?|Falls?|Ferry|Fields?"
    "|Flats?|Fords?|Forest|Forges?|Forks?|Fort|Freeway|"
    "Gateway|Glens?|Groves|Harbors?|Haven|Heights|Hollow|Inlet|Islands?|Isle|Junctions?|Keys?|Knolls?"
    "|Lakes?|Landing|Lights?|Locks?|Lodge|Mall|Manors?|"
    "Meadows?|Mills?|Mission|Motorway|Mount|Mountains?|Neck|Orchard|Oval|Overpass|Parks?|Parkways|Pass"
    "|Passage|Pines?|Plains?|Points?|Ports?|Prairie|Radial|"
    "Ramp|Ranch|Rapids?|Rest|Ridges?|River|Roads|Route|Run|Shoals?|Shores?|Skyway|Springs?|Spurs?"
    "|Squares|Station|Stravenue|Stream|Streets|Summit|Throughway|"
    "Trace|Track|Trafficway|Tunnel|Underpass|Unions?|Valleys?|Via|Viaduct|Views?|Villages?|Ville|Vista"
    "|Walks|Wall|Ways|Wells?"
)
UNIT_NUMBER = r"(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|Bldg|Building|#)\.?\s?#?\s?\w{1,6}"
UNIT = rf"(?:,?\s{UNIT_NUMBER})"
QUARTER = r"(?:N|S|E|W|NE|NW|SE|SW|North|South|East|West)\b\.?"
HOUSE = (
    rf"(?:\d{{1,6}}[A-Za-z]?(?:[-/]\d{{1,4}}[A-Za-z]?)?)\s(?:{QUARTER}\s)?(?:(?:{WORD}|\d{{1,3}}(?:st|nd|rd"
    rf"|th)|of|the|de|la)\s)"
)
ENGLISH = re.compile(
    rf"(?<![\w.,/-])(?:{UNIT_NUMBER},?\s)?{HOUSE}{{1,4}}?(?:{SUFFIX})\b\.?(?:\s{QUARTER})?{UNIT}?"
    rf"|(?<![\w.,/-]){HOUSE}{{1,3}}?(?:{RARE_SUFFIX})\b{UNIT}?|(?<![\w.,/-]){HOUSE}{{1,4}}?{UNIT_NUMBER}"
    rf"|(?<!\w)(?:Flat|Studio|Unit|Apartment|Apt)\.?\s\d{{1,4}}[A-Za-z]?,?\s(?:{WORD}\s){{1,3}}?"
    rf"(?:{SUFFIX}|{RARE_SUFFIX})\b"
)
ROAD = (
    "stra(?:ß|ss)e|str\\.|weg|platz|allee|gasse|ring|damm|ufer|steig|straat|laan|plein|gracht|kade|steeg"
    "|pad|dreef|vej|gade|gatan|vägen|gata|veien|katu"
)
GERMANIC = re.compile(
    rf"(?<![\w-])(?:[A-ZÄÖÜÅ]\w{{0,24}}\.?[ -]){{0,3}}(?:\w{{0,30}}(?:{ROAD})|(?:Stra(?:ß|ss)e|Str\.|Weg"
    rf"|Platz|Allee|Ring|Damm))\s\d{{1,4}}\s?[a-zA-Z]?(?:[-/]\d{{1,4}})?(?!\w)"
)
WAY = (
    "rue|avenue|boulevard|chemin|place|impasse|all[ée]e|quai|route|cours|faubourg|square|calle|avenida"
    "|plaza|paseo|carrer|ronda|glorieta|alameda|rambla|camino|"
    "cuesta|callej[óo]n|carretera|pasaje|cañada|via|viale|piazza|corso|vicolo|strada|contrada|borgo"
    "|largo|lungotevere|canale|rotonda|rua|travessa|praça|estrada|"
    "rodovia|beco|ulica|aleja|plac|osiedle"
)
STREET = (
    rf"(?i:(?:{WAY})|c/|avda\.|ul\.|al\.|os\.)[ ](?:(?:de|du|des|del|della|dei|la|le|les|las|los|do|da"
    rf"|dos|d'|l'|di)[ ]?){{0,3}}"
    rf"{WORD}(?:[ ](?:de|du|des|del|la|y|e|et|do|da|dos|di)(?=[ ][A-Z])|[ ]{WORD}){{0,4}}"
)
ROMANCE = re.compile(
    rf"(?<!\w)(?:\d{{1,4}}(?:\s?(?:bis|ter|[A-D]))?,?\s{STREET}|{STREET},?\s(?:n[º°o.]\s?)?\d{{1,4}}\s?[a-zA-Z]?(?!\w))"
)
STREET_ALONE = re.compile(rf"(?<!\w){STREET}")
BOX = re.compile(
    r"(?<!\w)(?:P\.?\s?O\.?\s?Box|Post(?:al)? Box|Postfach|Boîte postale|BP|Apartado|Casella postale"
    r"|PSC|Unit)\s\d{1,7}(?:,?\sBox\s\d{1,6})?(?!\w)",
    re.IGNORECASE,
)
UNIT_ALONE = re.compile(r"(?<!\w)(?:Apt|Apartment|Suite|Ste|Flat)\.?\s?#?\s?\d{1,5}[A-Za-z]?(?!\w)")
STATES = (
    "A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|PR|RI|S[CD]|T[NX]|UT"
    "|V[AT]|W[AIVY]"
)
US_ZIP = re.compile(rf"(?<=(?:[, ]|\n))(?:(?:{STATES}),?\s)(?P<value>\d{{5}}(?:-\d{{4}})?)(?![\w-])")
ZIP_PLUS = re.compile(r"(?<![\w.-])\d{5}-\d{4}(?![\w-])")
UK_CODE = re.compile(
    r"(?<!\w)(?:GIR ?0AA|[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d|[A-HK-Y]\d\d|\d[A-HJKPSTUW]"
    r"|[A-HK-Y]\d[ABEHMNPRV-Y]) ?\d[ABD-HJLNP-UW-Z]{2})(?!\w)"
)
CA_CODE = re.compile(r"(?<!\w)[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z][ -]?\d[ABCEGHJ-NPRSTV-Z]\d(?!\w)")
NL_CODE = re.compile(r"(?<!\w)[1-9]\d{3} (?!SA|SD|SS|AM|PM)[A-Z]{2}(?=[ ,\n]|$)")
BR_CODE = re.compile(r"(?<![\w.-])\d{5}-\d{3}(?![\w-])")
JP_CODE = re.compile(r"〒\s?\d{3}-?\d{4}")
CITY_CODE = re.compile(r"(?<![\w.,-])(?:[A-Z]{1,2}-)?(?P<value>\d{4,5})(?=\s[A-ZÄÖÜÉ][a-zäöüßéèêñ]{2,})")
BARE = re.compile(r"(?<![\w.,$€£-])\d{4,6}(?![\w%-]|[.,]\d)")
ZIP_WORDS = words(
    "zip",
    "postal",
    "post ?code",
    "postcode",
    "plz",
    "postleitzahl",
    "c[óo]digo postal",
    "code postal",
    "cap\\b",
    "cep\\b",
    "pin ?code",
)
STREET_WORDS = words(
    "stra(?:ß|ss)e", "str\\.", "\\w+stra(?:ß|ss)e", "\\w+weg", "\\w+platz", "rue", "avenue", "calle", "via", "plaza",
    "address", "adresse", "direcci", "indirizzo", "wohnhaft", "lives", "resid", "street", "road", "\\w+straat",
    "\\w+laan", "zip", "postal", "plz",
)  # fmt: skip
NUMBER = r"[+-]?(?:\d{1,2}|1[0-7]\d|180)\.\d{3,}\s?°?\s?"
DECIMAL = re.compile(
    rf"(?<![\w.])[+-]?(?:[0-8]?\d|90)\.\d{{3,}}\s?°?\s?[NS]?(?:\s?[,;/]\s?|\s){NUMBER}[EWO]?(?![\w.]\d|\w)"
)
DEGREES = re.compile(
    r"(?<![\w.])\d{1,3}\s?°\s?(?:\d{1,2}(?:\.\d+)?\s?['′’]\s?(?:\d{1,2}(?:\.\d+)?\s?(?:[\"″”]"
    r"|'')\s?)?)?[NS]\W{0,3}\d{1,3}\s?°\s?(?:\d{1,2}(?:\.\d+)?\s?['′’]\s?(?:\d{1,2}(?:\.\d+)?\s?"
    r"(?:[\"″”]|'')\s?)?)?[EWO](?!\w)"
)
LATITUDE = re.compile(
    r"(?<!\w)(?:lat(?:itude)?|lon(?:g|gitude)?|lng)\s?[:=]?\s?(?P<value>[+-]?\d{1,3}\.\d{2,})(?!\w)", re.IGNORECASE
)


def build_pii_places_v1() -> PatternRule:
    patterns = (
        Pattern("street_address", "ADDRESS", ENGLISH, 0.75),
        Pattern("street_address", "ADDRESS", GERMANIC, 0.75),
        Pattern("street_address", "ADDRESS", ROMANCE, 0.6),
        Pattern(
            "street_address",
            "ADDRESS",
            STREET_ALONE,
            0.1,
            words("address", "lives? ", "resid", "live at", "habite", "vive", "domicil", "ship", "deliver"),
        ),
        Pattern("street_address", "ADDRESS", BOX, 0.7),
        Pattern("street_address", "ADDRESS", UNIT_ALONE, 0.55),
        Pattern("zip_code", "ZIP_CODE", US_ZIP, 0.85),
        Pattern("zip_code", "ZIP_CODE", ZIP_PLUS, 0.45, ZIP_WORDS),
        Pattern("zip_code", "ZIP_CODE", UK_CODE, 0.6, ZIP_WORDS),
        Pattern("zip_code", "ZIP_CODE", CA_CODE, 0.6, ZIP_WORDS),
        Pattern("zip_code", "ZIP_CODE", NL_CODE, 0.3, STREET_WORDS),
        Pattern("zip_code", "ZIP_CODE", BR_CODE, 0.4, ZIP_WORDS),
        Pattern("zip_code", "ZIP_CODE", JP_CODE, 0.9),
        Pattern("zip_code", "ZIP_CODE", CITY_CODE, 0.2, STREET_WORDS),
        Pattern("zip_code", "ZIP_CODE", BARE, 0.05, ZIP_WORDS),
        Pattern("coordinates", "COORDINATES", DECIMAL, 0.6),
        Pattern("coordinates", "COORDINATES", DEGREES, 0.9),
        Pattern("coordinates", "COORDINATES", LATITUDE, 0.8),
    )
    return PatternRule(patterns, r"\d|(?i:\b(?:rue|calle|via|rua|avenida|plaza|piazza)\b)")
