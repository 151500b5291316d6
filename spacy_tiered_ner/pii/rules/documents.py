"""Numbers of documents and things, which only the words beside them give away."""

import re

from ..context import words
from .pattern import Pattern, PatternRule, named

WEAK = 0.1  # far below any threshold: counts only in context
PASSPORT = re.compile(
    r"(?<![\w.-])(?:[A-Z]{1,2}\s?\d{6,8}|\d{2}[A-Z]{2}\d{5}|[CFGHJKLMNPRTVWXYZ0-9]{9}|\d{8,9}[A-Z]?)(?![\w-])"
)
PASSPORT_WORDS = words(
    "passport", "pass(?:port)?\\s?(?:no|nr|number)", "reisepass", "passeport", "pasaporte", "passaporto", "paspoort"
)
LICENCE = re.compile(
    r"(?<![\w.-])(?:[A-Z]{1,3}[ -]?\d{3,4}(?:[ -]?\d{3,4}){0,3}(?:[ -]?\d{1,3})?"
    r"|[A-Z]{5}\d{6}[A-Z\d]{5}|[A-Z]{2}\d{6}[A-Z]?"
    r"|[A-Z0-9]{7,18}(?<=\d)|\d{3}[ -]\d{3}[ -]\d{3}|\d{7,12})(?![\w-])"
)
LICENCE_WORDS = words(
    "driv\\w*['’]?s?\\s(?:licen[cs]e|permit|id)", "licen[cs]e (?:no|num|number|is|#)", "\\bDL\\b", "dlnumber",
    "führerschein", "permis de conduire", "permiso de conducir", "patente", "rijbewijs", "driving licen[cs]e",
    "carteira de motorista", "CNH",
)  # fmt: skip
PLATE = re.compile(
    r"(?<![\w-])(?:[A-Z]{2}\d{2} ?[A-Z]{3}|[A-Z]{2}[ -]?\d{2}[ -]?[A-Z]{1,2}[ -]?\d{4}"
    r"|[A-Z]\d{3}[A-Z]{2}\d{2,3}|[A-Z]{3}\d[A-Z]\d{2}"
    r"|[A-Z]{2}[ -]?\d{3}[ -]?[A-Z]{2}|\d{1,4}[ -]?[A-Z]{2,3}[ -]?\d{1,3}"
    r"|[A-Z]{1,3}[ -][A-Z]{1,2}[ -]?\d{1,4}[EH]?|[A-Z]{1,3}[ -]?\d{1,5}[EH]?"
    r"|\d{1,4}[ -]?[A-Z]{2,3})(?![\w-])"
)
PLATE_WORDS = words(
    "licen[cs]e plate", "plate", "number plate", "registration", "vehicle", "car\\b", "kennzeichen", "immatricul",
    "matr[íi]cula", "targa", "kenteken", "placa", "tag\\b", "vrm", "parked",
)  # fmt: skip
PLATE_NAMED = named(
    "licen[cs]e plate|number plate|plate|registration (?:number|plate|no)|kennzeichen"
    "|plaque d'immatriculation|immatriculation|matr[íi]cula|targa|kenteken|placa|vrm"
)
VIN = re.compile(r"(?<![\w-])(?=[A-Z0-9]{0,16}\d)(?=\w{0,16}[A-Z])[A-HJ-NPR-Z0-9]{17}(?![\w-])")
VIN_WORDS = words("vin\\b", "vehicle identification", "chassis", "fahrgestell")
IMEI = re.compile(r"(?<![\w.-])\d{2}[ -]?\d{6}[ -]?\d{6}[ -]?\d{1,2}(?![\w-])")
IMEI_WORDS = words("imei", "device", "handset", "serial")
MEDICAL = named(
    r"MRN|medical record|patient (?:id|record|number)|health (?:record|plan|card|insurance)"
    r"(?: beneficiary)?|medicare|medicaid|"

                r"hospital (?:id|number)|chart|nhs number|insurance (?:id|policy|member)|member id"
                r"|beneficiary|versichertennummer|krankenkassennummer")  # fmt: skip
IDENTIFIER = named(
    r"(?:national|personal|identity|id|tax|taxpayer|citizen|resident|voter|student|employee|staff"
    r"|customer|client|policy|case|"
    r"certificate|badge|permit|visa|file|claim|loyalty|membership|booking|reservation|reference|ticket"
    r"|order|invoice|contract|serial|device|"
    r"registration|social insurance|social security|ssn|licen[cs]e)\s?(?:id|identifier|card|number"
    r"|no\.?|nr\.?|num|#|code|record)"
    r"|ausweis(?:nummer)?|personalausweis|steuernummer|steuer-?id|kundennummer|CURP|DNI|NIE|NIF|NIN|CPF"
    r"|CNPJ|TIN|EIN|ITIN|PPSN?|BSN|PESEL|AHV"
    r"|num[ée]ro de (?:s[ée]curit[ée] sociale|client|dossier)|n[úu]mero de (?:cliente|identidad"
    r"|identifica\w+|seguridad social)|codice fiscale"
)


def build_pii_documents_v1() -> PatternRule:
    """Passports, driving licences, licence plates, vehicle and device numbers, medical records, other named numbers."""
    patterns = (
        Pattern("passport", "PASSPORT", PASSPORT, WEAK + 0.15, PASSPORT_WORDS),
        Pattern("driver_license", "DRIVER_LICENSE", LICENCE, WEAK + 0.1, LICENCE_WORDS),
        Pattern("license_plate", "LICENSE_PLATE", PLATE, WEAK, PLATE_WORDS),
        Pattern("license_plate", "LICENSE_PLATE", PLATE_NAMED, 0.85),
        Pattern("vin", "VEHICLE_ID", VIN, WEAK + 0.15, VIN_WORDS),
        Pattern("imei", "DEVICE_ID", IMEI, WEAK, IMEI_WORDS),
        Pattern("medical_record", "MEDICAL_RECORD", MEDICAL, 0.9),
        Pattern("identifier", "ID_NUMBER", IDENTIFIER, 0.8),
    )
    return PatternRule(patterns, r"\d")
