"""Names of people and companies, and occupations, that the words beside them give away."""

import re

from .pattern import Pattern, PatternRule

TITLE = (
    "Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Sir|Madam|Lady|Lord|Rev|Reverend|Fr|Hon|Capt|Captain|Lt|Sgt"
    "|Col|Gen|Judge|Herr|Frau|Señora?|Sra?|Srta|"
    "Monsieur|Madame|Mme|Mlle|Dott|Sig|Signora?|Dhr|Mevr|Doctor|Sister|Brother|Father|Officer|Detective|Inspector"
)
NAME = r"(?:[A-ZÀ-ÖØ-Þ][\w'’-]{1,40}|[A-Z]\.)"
NAMES = rf"{NAME}(?: (?:(?:van|von|de|der|den|del|della|di|da|dos|la|le|bin|ibn|al|el|ten|ter) ){{0,2}}{NAME}){{0,3}}"
TITLED = re.compile(rf"(?<!\w)(?:{TITLE})\.?\s(?P<value>{NAMES})")
TITLE_ALONE = re.compile(rf"(?<!\w)(?P<value>(?:{TITLE})\.?)(?=\s{NAME})")
FIELD = re.compile(
    rf"(?<!\w)(?i:(?:full |first |last |sur|given |family |middle |maiden |patient |client |customer "
    rf"|employee |card ?holder |contact |user )?names?|patient|attn|nom|nombre|nome|vorname|nachname"
    rf"|prénom|apellidos?|cognome)"
    rf"\s?[:=]\s?(?P<value>{NAMES})"
)
GREETED = re.compile(
    rf"(?<!\w)(?i:dear|hi|hello|hey|hallo|liebe[r]?|bonjour|cher|chère|hola|estimad[oa]|ciao|caro"
    rf"|cara)\s(?P<value>{NAMES})(?=\s?[,!:\n]|$)"
)
SAYS = re.compile(
    rf"(?<!\w)(?:[Mm]y name is|I am called|[Nn]amed|[Mm]ein Name ist|[Ii]ch hei(?:ß|ss)e|[Jj]e m'appelle"
    rf"|[Mm]e llamo|[Mm]i nombre es|[Mm]i chiamo|[Mm]eu nome é|[Mm]ijn naam is|[Ii]k heet|[Jj]ag heter"
    rf"|[Jj]eg he(?:ter|dder)|[Nn]azywam się)\s(?P<value>{NAMES})"
)
SIGNED = re.compile(
    rf"(?<!\w)(?i:sincerely|(?:best |kind |warm )?regards|cheers|yours truly|best wishes|gr[üu](?:ß"
    rf"|ss)en?|cordialement|saludos),?\s{{1,3}}(?P<value>{NAMES})(?=\s*$|\n)"
)

COMPANY_FORM = (
    r"Inc|Corp|Corporation|LLC|L\.L\.C|LLP|LP|Ltd|Limited|PLC|plc|& Co|Company|GmbH|AG|KG|OHG|UG|e\.K"
    r"|SE|S\.?A\.?R\.?L|SAS|SARL|S\.?A|S\.?L|S\.?L\.?U|S\.?p\.?A"
    r"|S\.?r\.?l|S\.?n\.?c|B\.?V|N\.?V|VOF|AB|HB|ApS|A/S|ASA|Oy|Oyj|Ltda|ME|EIRELI|Sp\. z o\.o|Pty"
)
COMPANY = re.compile(
    rf"(?<![\w-])(?P<value>(?!(?:The|In|An?|At|On|By|Of|For|To|From|And|Or) )(?:{NAME}|\d{{1,3}})(?:,? "
    rf"(?:(?:and|und|et|e|y|&|de|of|van|von) )?{NAME}){{0,4}},? (?:(?:& )?(?:{COMPANY_FORM})\b\.?(?: "
    rf"|$)?){{1,3}})(?<! )"
)
OCCUPATION = re.compile(
    r"\b(?:works?|working|worked|employed|job|position|career|serves?|served) as (?:an? |the |"
    r"(?=[A-Z]))(?P<value>[a-zA-Z][\w/-]+(?: [\w/-]+){0,3}?)(?= (?:at|in|for|with|of|and|who|since)\b"
    r"|[.,;:!?\n]|$)"
)


def build_pii_people_v1() -> PatternRule:
    patterns = (
        Pattern("title", "TITLE", TITLE_ALONE, 0.7),
        Pattern("titled_name", "PERSON", TITLED, 0.7),
        Pattern("name_field", "PERSON", FIELD, 0.7),
        Pattern("introduction", "PERSON", SAYS, 0.7),
        Pattern("greeting", "PERSON", GREETED, 0.45),
        Pattern("signature", "PERSON", SIGNED, 0.55),
        Pattern("company_form", "ORGANIZATION", COMPANY, 0.6),
        Pattern("occupation", "JOB_TITLE", OCCUPATION, 0.5),
    )
    return PatternRule(patterns, r"[A-Z]|\bas an? ")
