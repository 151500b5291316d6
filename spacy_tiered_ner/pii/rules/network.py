"""Addresses of machines and pages: IP v4 and v6, MAC, URL, domain."""

import ipaddress
import re

from ..context import words
from ..finding import CERTAIN
from .pattern import Pattern, PatternRule

V4 = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,2})?(?![\w-]|\.\d)")
V6 = re.compile(
    r"(?<![\w:.])(?=[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:)[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){1,6}:"
    r"(?:[0-9A-Fa-f]{1,4}|(?<=::))(?:(?<=:)(?:\d{1,3}\.){3}\d{1,3})?"
    r"(?:%\w{1,16})?(?:/\d{1,3})?(?!\w|:[0-9A-Fa-f:])"
)
MAC = re.compile(
    r"(?<![\w:-])(?:[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}|"
    r"(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4})(?![\w:-])"
)
URL = re.compile(
    r"(?<![\w@])(?:(?:https?|ftps?|sftp|wss?|ssh|git|smb|jdbc:\w+|postgres(?:ql)?|mysql|mongodb"
    r"(?:\+srv)?|redis|amqps?)://|www\.)"
    r"[^\s<>\"'`{}|\\^\[\]]{2,}(?<![.,;:!?)])",
    re.IGNORECASE,
)
TOP = (
    "com|org|net|edu|gov|mil|int|info|biz|name|pro|io|ai|app|dev|me|tv|cc|co|xyz|online|site|shop"
    "|store|tech|cloud|blog|eu|"
    "us|uk|ca|au|nz|ie|in|za|de|at|ch|fr|be|nl|lu|es|pt|it|dk|se|no|fi|is|pl|cz|sk|hu|ro|bg|gr|hr|si"
    "|rs|ru|ua|tr|il|ae|sa|"
    "cn|jp|kr|hk|tw|sg|my|th|vn|id|ph|br|mx|ar|cl|pe|ve|onion|gl|ly|gg|to|fm|so|li|ee|lv|lt|cy|mt"
)
DOMAIN = re.compile(
    rf"(?<![\w@./-])(?:[^\W_](?:[\w-]{{0,61}}[^\W_])?\.)+(?:{TOP})(?::\d{{2,5}})?"
    rf"(?:/[^\s<>\"']{{0,500}}[\w/=])?(?![\w@-]|\.\w)",
    re.IGNORECASE,
)
SITE_WORDS = words("site", "web", "domain", "url", "visit", "link", "page", "http", "host", "blog", "server", "go to")
IP_WORDS = words("ip\\b", "ipv[46]", "address", "server", "host", "subnet", "gateway", "from", "ping", "dns")


def build_pii_network_v1() -> PatternRule:
    patterns = (
        Pattern("ipv4", "IP_ADDRESS", V4, 0.1, IP_WORDS, ip_address),
        Pattern("ipv6", "IP_ADDRESS", V6, 0.0, None, ip_address),
        Pattern("mac", "MAC_ADDRESS", MAC, CERTAIN),
        Pattern("url", "URL", URL, CERTAIN),
        Pattern("domain", "DOMAIN", DOMAIN, 0.55, SITE_WORDS),
    )
    return PatternRule(patterns, r"[.:-]")


def ip_address(value: str) -> bool:
    address = value.split("%", 1)[0]
    if sum(char.isalnum() for char in address) < 2:
        return False
    try:
        ipaddress.ip_interface(address)
    except ValueError:
        return False
    return True
