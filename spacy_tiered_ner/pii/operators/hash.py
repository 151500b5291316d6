"""HMAC-SHA256 of the value: the same for the same value wherever the key is the same, and no way back."""

import hashlib
import hmac
from dataclasses import dataclass

from ...errors import Errors
from ..keys import KEY_VARIABLE, derive_key
from ..people import fold
from ..placeholders import tag_word
from ..session import Session
from .base import Operator

LEAST, MOST = 8, 64


@dataclass(frozen=True)
class Hash(Operator):
    """Registered as `spacy-tiered-ner.hash_operator.v1`. Case and white space make no difference.

    key_variable (str): The environment variable with the key. length (int): Hexadecimal digits.
    """

    key_variable: str = KEY_VARIABLE
    length: int = 16

    def validate(self, label: str) -> None:
        """RAISES (ValueError): T225."""
        if not LEAST <= self.length <= MOST:
            reason = f"must be a whole number from {LEAST} to {MOST}"
            raise ValueError(Errors.T225.format(setting="hash.length", value=self.length, reason=reason))

    def operate(self, value: str, label: str, session: Session) -> str:
        """RAISES (ValueError): T227, T228 for the key."""
        key = derive_key(self.key_variable, "hash")
        message = f"{tag_word(label)}\0{fold(value)}".encode("utf8", "surrogatepass")
        return f"<{tag_word(label)}#{hmac.new(key, message, hashlib.sha256).hexdigest()[: self.length]}>"
