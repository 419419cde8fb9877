"""Signatures against the vectors of the Standard Webhooks specification, and the secrets behind them."""

import base64
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.test import override_settings

from commerce.channels import delivery, signing

# The published vectors of the Standard Webhooks specification (standard-webhooks/standard-webhooks, Apache-2.0).
PUBLISHED = [
    (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
        '{"test": 2432232314}', "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
    (
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1649367553,
        '{"email":"test@example.com","username":"test_user"}', "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("secret", "message_id", "timestamp", "body", "signature"), PUBLISHED)
def test_signatures_are_those_of_the_specification(
    secret: str, message_id: str, timestamp: int, body: str, signature: str
) -> None:
    at = datetime.fromtimestamp(timestamp, UTC)
    assert signing.headers(message_id, at, body.encode(), using=[secret]) == {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature,
    }


def _vectors() -> dict[str, Any] | None:
    folder = Path(os.environ.get("KONTOR_SHARED_DATA") or settings.BASE_DIR.parent / "shared" / "data")
    file = folder / "standard-webhooks" / "vectors.json"
    return json.loads(file.read_text()) if file.exists() else None


def test_the_collected_vectors_agree_where_they_are_at_hand() -> None:
    collected = _vectors()
    if collected is None:
        pytest.skip("the collected vectors are not at hand")
    assert list(delivery.RETRY_SECONDS) == collected["published_retry_schedule_seconds"][1:]
    signed = [vector for vector in collected["vectors"] if vector.get("expect") == "valid"]
    for vector in signed:
        at = datetime.fromtimestamp(vector["timestamp"], UTC)
        made = signing.headers(vector["id"], at, vector["payload"].encode(), using=[vector["secret"]])
        assert made["webhook-signature"] in vector["signature_header"].split(" ")
    assert len(signed) >= 3


def test_secrets_are_long_random_and_never_the_same() -> None:
    one, other = signing.new_secret(), signing.new_secret()
    assert one != other
    assert len(base64.b64decode(one.removeprefix("whsec_"))) == 32


def test_a_sealed_secret_opens_with_this_key_or_an_earlier_one_only() -> None:
    sealed = signing.seal("whsec_abcd")
    assert b"abcd" not in sealed
    assert signing.unseal(sealed) == "whsec_abcd"
    with override_settings(SECRET_KEY="another " * 8, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert signing.unseal(sealed) == "whsec_abcd"
    with override_settings(SECRET_KEY="another " * 8, SECRET_KEY_FALLBACKS=[]), pytest.raises(InvalidToken):
        signing.unseal(sealed)
