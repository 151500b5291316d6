"""AES-GCM: `<EMAIL:...>`, which the key alone leads back from."""

import base64
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..keys import KEY_VARIABLE, derive_key
from ..placeholders import tag_word
from ..session import Session
from .base import Operator

NONCE = 12
TOKEN = re.compile(r"<(?P<word>\w{1,100}):(?P<data>[A-Za-z0-9+/]{38,}={0,2})>")


@dataclass(frozen=True)
class Encrypt(Operator):
    """Registered as `spacy-tiered-ner.encrypt_operator.v1`. Each value gets a nonce of its own.

    key_variable (str): The environment variable with the key.
    """

    key_variable: str = KEY_VARIABLE
    reversal = "key"

    def operate(self, value: str, label: str, session: Session) -> str:
        """RAISES (ValueError): T227, T228 for the key."""
        word, nonce = tag_word(label), os.urandom(NONCE)
        sealed = self._cipher().encrypt(nonce, value.encode("utf8", "surrogatepass"), word.encode())
        return f"<{word}:{base64.b64encode(nonce + sealed).decode()}>"

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """YIELDS (Tuple[int, int, str]): What this key opens; the rest is of another key, or altered."""
        matches = list(TOKEN.finditer(text))
        cipher = self._cipher() if matches else None
        for match in matches:
            value = unsealed(cipher, match["data"], match["word"])
            if value is not None:
                yield match.start(), match.end(), value

    def lookalikes(self, text: str) -> Iterator[tuple[int, int]]:
        for match in TOKEN.finditer(text):
            yield match.span()

    def _cipher(self) -> Any:
        key = derive_key(self.key_variable, "encrypt")
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(key)


def unsealed(cipher: Any, data: str, word: str) -> str | None:
    """RETURNS (Optional[str]): The value; None where the key is another one, or the data was altered."""
    from cryptography.exceptions import InvalidTag

    try:
        sealed = base64.b64decode(data)
        return cipher.decrypt(sealed[:NONCE], sealed[NONCE:], word.encode()).decode("utf8", "surrogatepass")
    except (InvalidTag, ValueError):
        return None
