"""What gives access: keys and tokens of common providers, passwords, user names."""

import re

from ..finding import CERTAIN
from .pattern import Pattern, PatternRule

TOKENS = {
    "aws_access_key": r"(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z0-9]{16}",
    "github_token": r"gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{40,255}",
    "gitlab_token": r"gl(?:pat|dt|rt|cbt|ptt|soat)-[\w-]{18,64}",
    "slack_token": r"xox[abeoprs]-[A-Za-z0-9-]{10,250}|xapp-\d-[A-Z0-9]+-\d+-[a-z0-9]{20,}",
    "google_api_key": r"AIza[\w-]{33,40}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,40}",
    "stripe_key": r"(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{16,247}|whsec_[A-Za-z0-9+/=]{20,}",
    "llm_api_key": (
        r"sk-(?:ant-|proj-|or-v1-|svcacct-)?[\w-]{20,200}|gsk_\w{30,}|hf_[A-Za-z0-9]{30,40}|r8_\w{30,}"
        r"|xai-\w{40,}"
    ),
    "twilio_key": r"(?:SK|AC)[0-9a-f]{32}",
    "sendgrid_key": r"SG\.[\w-]{16,32}\.[\w-]{30,64}",
    "mail_key": (
        r"key-[0-9a-f]{32}|[0-9a-f]{32}-us\d{1,2}|xkeysib-[0-9a-f]{40,}-\w{10,}"
        r"|re_[A-Za-z0-9]{8,}_[A-Za-z0-9]{16,}"
    ),
    "package_token": r"npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,}|dckr_pat_[\w-]{20,}|rubygems_[0-9a-f]{40,}",
    "cloud_token": r"do[opr]_v1_[0-9a-f]{60,}|dapi[0-9a-f]{32}|vercel_\w{20,}|LTAI[A-Za-z0-9]{16,24}|hvs\.[\w-]{20,}",
    "shop_token": r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|sq0(?:atp|csp)-[\w-]{22,43}|EAA[A-Za-z0-9]{80,}",
    "chat_token": r"\d{8,10}:AA[\w-]{32,34}|[MNO][A-Za-z\d]{23,25}\.[\w-]{6}\.[\w-]{27,38}",
    "jwt": r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*",
}
NAMED_TOKENS = {name: re.compile(rf"(?<![\w-])(?:{regex})(?![\w-])") for name, regex in TOKENS.items()}
ANY_TOKEN = rf"(?<![\w-])(?:{'|'.join(TOKENS.values())})"
PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----[\s\S]{1,10000}?"
    r"(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|$)"
)
BASIC = re.compile(r"\b(?:Bearer|Basic|Token)\s+(?P<value>[A-Za-z0-9._~+/=-]{16,})")
IS = r"[\"']?\s*(?:=>|:=|[:=]|\bis\b|\bwas\b|\bto\b|\bset to\b|\bist\b|\best\b|\bes\b|\bè\b)[:\s]*[\"'“‘`]?"
KEY_NAME = (
    r"(?:api|access|secret|private|auth|client|app|account|encryption|license|service|storage|shared)[\s_-]?"
    r"(?:access[\s_-]?)?(?:key|token|secret)s?(?:[\s_-]?id)?|AccountKey|SharedAccessKey|token|secret"
)
KEY = re.compile(rf"(?<![^\W_])(?:{KEY_NAME}){IS}(?P<value>(?=[^\s\"']*\d)[\w./+=~-]{{12,}})", re.IGNORECASE)
PASSWORD_NAME = (
    r"pass(?:word|code|phrase|wd)?|pwd|pw|passwort|kennwort|mot de passe|contrase[nñ]a|senha|wachtwoord|pin"
    r"(?:\s?(?:code|number))?"
)
PASSWORD = re.compile(
    rf"(?<![^\W_])(?:{PASSWORD_NAME})[\"']?\s*(?:=>|:=|[:=])\s*[\"'“‘`]?"
    rf"(?P<value>[^\s\"'“”‘’`<>]{{3,64}}?)(?=[.,;]*(?:[\s\"'“”‘’`<>]|$))",
    re.IGNORECASE,
)
PASSWORD_IN_WORDS = re.compile(  # "my password is hunter2": what follows must not look like a word
    rf"(?<![^\W_])(?:{PASSWORD_NAME})\s+(?:is|was|to|ist|est|es|è|é)(?:\s*:)?\s+[\"'“‘`]?"
    r"(?P<value>(?=[^\s\"'“”‘’`]*[\d!#$%&*@^_=+~])[^\s\"'“”‘’`<>]{3,64}?)(?=[.,;!?)]*(?:[\s\"'“”‘’`<>]|$))",
    re.IGNORECASE,
)
CREDENTIALS = re.compile(r"\w://[^\s:/@]{1,64}:(?P<value>[^\s:/@]{1,128})@")
USER_NAME = (
    r"user[\s_-]?(?:name|id)?|login(?:[\s_-]?(?:name|id))?|account name|screen ?name|handle|nick(?:name)?"
    r"|benutzername|utilisateur|usuario|skype|telegram|discord|github|twitter|instagram"
)
USER = re.compile(
    rf"(?<![^\W_])(?:{USER_NAME})[\"']?\s*(?:=>|:=|[:=])\s*[\"'“‘`]?(?P<value>@?[\w][\w.+-]{{1,38}}\w)(?![\w@]|://)",
    re.IGNORECASE,
)
USER_IN_WORDS = re.compile(
    r"(?<![^\W_])(?:user ?name|user ?id|login|screen ?name|handle|nick(?:name)?|logged in as"
    r"|signed in as|(?:log|sign) in as|account name)"
    r"(?:\s+(?:is|was|as))?\s+[\"'“‘`]?(?P<value>(?=[\w.+-]*[\d_]|\w+\.\w)@?[\w][\w.+-]{1,38}\w)(?![\w@]|://)",
    re.IGNORECASE,
)
MENTION = re.compile(r"(?<![\w@/.])@(?!media\b|param\b|return)[A-Za-z_]\w{2,29}(?:\.\w+)?(?![\w@/(])")


def build_pii_secrets_v1() -> PatternRule:
    patterns = (
        *(Pattern(name, "API_KEY", regex, CERTAIN) for name, regex in NAMED_TOKENS.items()),
        Pattern("private_key", "API_KEY", PRIVATE_KEY, CERTAIN),
        Pattern("bearer_token", "API_KEY", BASIC, 0.8),
        Pattern("key_in_context", "API_KEY", KEY, 0.9),
    )
    return PatternRule(patterns, rf"{ANY_TOKEN}|PRIVATE KEY|\b(?:Bearer|Basic|Token)\s|(?i:key|token|secret)")


def build_pii_credentials_v1() -> PatternRule:
    patterns = (
        Pattern("password", "PASSWORD", PASSWORD, 0.95),
        Pattern("password", "PASSWORD", PASSWORD_IN_WORDS, 0.9),
        Pattern("password", "PASSWORD", CREDENTIALS, 0.9),
        Pattern("username", "USERNAME", USER, 0.95),
        Pattern("username", "USERNAME", USER_IN_WORDS, 0.9),
        Pattern("mention", "USERNAME", MENTION, 0.5),
    )
    return PatternRule(
        patterns, r"[:=@]|(?i:\b(?:pass|pwd|pin|user|login|log|sign|handle|nick|screen|mot de|contra|senha))"
    )
