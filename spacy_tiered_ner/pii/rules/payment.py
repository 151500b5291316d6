"""Money: cards, accounts, wallets."""

import re
from collections.abc import Callable
from functools import partial

from ...extras import needs
from ..context import words
from ..finding import CERTAIN
from .pattern import Pattern, PatternRule, digits, named

CARD = re.compile(r"(?<![\w.+-])[1-6]\d(?:[ -]?\d){10,17}(?![\w]|-\d)")
CARD_SHAPE = re.compile(r"(?<![\w.+-])(\d{4}(?:[ -]\d{4}){2}[ -]\d{1,7}|3\d{3}[ -]\d{6}[ -]\d{5})(?![\w]|-\d)")
ISSUED = re.compile(  # lengths of the networks
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|35\d{14}|(?:1800|2131)\d{11}|"
    r"(?:5[0678]|6\d)\d{10,17}"
)
CARD_WORDS = words(
    "card", "credit", "debit", "visa", "master", "amex", "american express", "diners", "discover", "jcb", "maestro",
    "cc\\b", "kreditkart", "carte", "tarjeta", "carta", "cartão", "payment", "pay\\b", "charge",
)  # fmt: skip
IBAN = re.compile(
    r"(?<!\w)(?:[A-Z]{2} ?\d{2}(?:[ -]?[A-Z0-9]{2,4}){3,8}(?:[ -]?[A-Z0-9]{1,3})?"
    r"|[a-z]{2}\d{2}[A-Za-z0-9]{11,30})(?!\w)"
)
IBAN_WORDS = words("iban", "account", "bank", "konto", "compte", "cuenta", "conto", "transfer", "wire", "rekening")
ACCOUNT = named(
    r"(?:bank |checking |savings )?(?:account|acct)|routing|sort code|aba|kontonummer|konto"
    r"|n[úu]mero de cuenta|rekeningnummer|conta"
)
CVV = re.compile(
    r"(?<!\w)(?:cvv2?|cvc2?|cid|security code|prüfziffer)\s?(?:code|number|no\.?)?\s?(?::|is|=)?\s?"
    r"(?P<value>\d{3,4})(?!\w)",
    re.IGNORECASE,
)
SWIFT = re.compile(r"\b[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?\b")
SWIFT_WORDS = words("swift", "bic\\b")
BITCOIN = re.compile(r"\b(?:[13][1-9A-HJ-NP-Za-km-z]{25,34}|bc1[02-9ac-hj-np-z]{11,71})\b")
ETHEREUM = re.compile(r"\b0x[0-9a-fA-F]{40}\b")
OTHER_COINS = re.compile(
    r"\b(?:ltc1[02-9ac-hj-np-z]{39,59}|D[5-9A-HJ-NP-U][1-9A-HJ-NP-Za-km-z]{32}|r[1-9A-HJ-NP-Za-km-z]{24,34}"
    r"|addr1[02-9ac-hj-np-z]{50,100}|4[0-9AB][1-9A-HJ-NP-Za-km-z]{93}|T[1-9A-HJ-NP-Za-km-z]{33}"
    r"|X[1-9A-HJ-NP-Za-km-z]{33})\b"
)
COIN_WORDS = words(
    "wallet", "bitcoin", "btc\\b", "crypto", "ripple", "xrp\\b", "tron", "trx\\b", "dash\\b", "doge", "monero",
    "xmr\\b", "litecoin", "cardano", "coin", "address",
)  # fmt: skip


def build_pii_payment_v1() -> PatternRule:
    """Credit cards (Luhn), IBANs (checksum), other accounts in context, SWIFT codes, wallets of crypto-currencies.

    RAISES (ImportError): T029.
    """
    with needs("pii"):
        from stdnum import bitcoin, iban, luhn

    patterns = (
        Pattern("credit_card", "CREDIT_CARD", CARD, 0.1, CARD_WORDS, partial(is_card, luhn=luhn.is_valid)),
        Pattern("credit_card", "CREDIT_CARD", CARD_SHAPE, 0.45),
        Pattern("iban", "IBAN", IBAN, 0.1, IBAN_WORDS, iban.is_valid),
        Pattern("bank_account", "BANK_ACCOUNT", ACCOUNT, 0.85),
        Pattern("card_security_code", "CVV", CVV, 0.85),
        Pattern("swift", "SWIFT", SWIFT, 0.05, SWIFT_WORDS),
        Pattern("bitcoin", "CRYPTO", BITCOIN, 0.3, COIN_WORDS, bitcoin.is_valid),
        Pattern("ethereum", "CRYPTO", ETHEREUM, CERTAIN),
        Pattern("crypto", "CRYPTO", OTHER_COINS, 0.3, COIN_WORDS),
    )
    return PatternRule(patterns, r"\d|\b[A-Z]{8}")


def is_card(value: str, *, luhn: Callable[[str], bool]) -> bool:
    number = digits(value)
    return bool(ISSUED.fullmatch(number)) and len(set(number)) > 1 and luhn(number)
