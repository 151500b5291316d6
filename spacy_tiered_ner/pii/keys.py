"""Keys, derived from secrets in environment variables. They are never written anywhere."""

import os
from functools import lru_cache

from ..errors import Errors
from ..extras import needs

KEY_VARIABLE = "PII_KEY"
LEAST_LENGTH = 16
SALT = b"spacy-tiered-ner.pii.v1"


def derive_key(variable: str, purpose: str, salt: bytes = SALT) -> bytes:
    """RETURNS (bytes): 32 bytes, others for each purpose. RAISES (ValueError): T227 no secret, T228 too short."""
    secret = os.environ.get(variable, "")
    if not secret:
        raise ValueError(Errors.T227.format(variable=variable))
    if len(secret) < LEAST_LENGTH:
        raise ValueError(Errors.T228.format(variable=variable, least=LEAST_LENGTH))
    return derive(secret, purpose, salt)


@lru_cache(maxsize=32)
def derive(secret: str, purpose: str, salt: bytes) -> bytes:
    with needs("pii"):
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
    stretched = Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(secret.encode("utf8", "surrogateescape"))
    return HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(stretched)
