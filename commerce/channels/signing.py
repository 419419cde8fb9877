"""Webhook secrets and signatures after the Standard Webhooks specification; the secrets are encrypted at rest."""

import base64
import secrets
from datetime import datetime
from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from standardwebhooks import Webhook

PREFIX = "whsec_"
SECRET_BYTES = 32  # the specification asks for 24 to 64
_PURPOSE = b"kontor/webhook-secrets/1"  # a key derived for this can't open anything else


def new_secret() -> str:
    """Return a fresh secret in the form that receivers' libraries take."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def seal(secret: str) -> bytes:
    """Encrypt a secret for the database, under a key derived from SECRET_KEY."""
    return _box().encrypt(secret.encode())


def unseal(sealed: bytes | memoryview) -> str:
    """Decrypt a secret, also one sealed under a key of SECRET_KEY_FALLBACKS.

    Raises: cryptography.fernet.InvalidToken when none of our keys fits.
    """
    return _box().decrypt(bytes(sealed)).decode()


def headers(message_id: str, at: datetime, body: bytes, *, using: list[str]) -> dict[str, str]:
    """Return the three headers that prove who sent a body and when; during a rotation with a signature per secret."""
    text = body.decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message_id, at, text) for secret in using),
    }


def _box() -> MultiFernet:
    return _box_of((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=8)
def _box_of(keys: tuple[str, ...]) -> MultiFernet:
    derived = (HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(key.encode()) for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])
