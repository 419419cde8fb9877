"""Signatures against the vectors of the Standard Webhooks specification, and the secrets behind them."""

import base64
from datetime import UTC, datetime

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
    (  # the same secret without its prefix
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
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


def test_attempts_follow_the_schedule_of_the_specification() -> None:
    """The first is at once; these are the pauses before the others."""
    assert list(delivery.RETRY_SECONDS) == [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]


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
