"""Keys of channels: shown once, stored as a hash, rotated with an overlap, revoked for good."""

import re
from datetime import timedelta

import pytest

from commerce import audit, clock
from commerce.api import authentication
from commerce.api.authentication import NotSignedIn
from commerce.channels import keys
from commerce.errors import InvalidInput, KeyNotActive
from commerce.models import ChannelKey
from commerce.roles import Scope
from commerce.transactions import transaction
from tests.factories import commerce as factories

pytestmark = pytest.mark.django_db
BY = factories.TESTER


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    authentication.forget()


def opens(plain: str) -> bool:
    authentication.forget()
    try:
        authentication.authenticate(f"Bearer {plain}")
    except NotSignedIn:
        return False
    return True


def test_a_key_is_shown_once_and_only_its_hash_is_kept() -> None:
    issued = factories.key(None, Scope.ORDERS_READ)
    assert re.fullmatch(r"ko_[0-9a-f]{12}_[A-Za-z0-9_-]{40}", issued.plain)
    secret = issued.plain.split("_", 2)[2]
    row = ChannelKey.objects.get()
    assert bytes(row.secret_hash) == keys.digest(secret)
    assert secret not in str(vars(row))
    (entry,) = audit.timeline("channel_key", issued.key.pk)
    assert entry.after["scopes"] == ["orders:read"]
    assert secret not in str(entry.after)
    assert bytes(row.secret_hash).hex() not in str(entry.after)


def test_the_credential_says_what_the_channel_stands_for() -> None:
    issued = factories.key(factories.channel("wien", country="AT", name="Wien"), Scope.ORDERS_READ)
    credential = authentication.authenticate(f"Bearer {issued.plain}")
    assert (credential.channel_code, credential.country, credential.currency) == ("wien", "AT", "EUR")
    assert credential.scopes == {"orders:read"}
    assert (credential.actor.kind, credential.actor.id, credential.actor.label) == ("channel", "wien", "Wien (test)")
    assert credential == authentication.authenticate(f"bearer {issued.plain}")


def test_rotation_keeps_the_old_key_for_the_overlap_and_no_longer() -> None:
    issued = factories.key(None, Scope.ORDERS_READ)
    now = clock.now()
    with clock.frozen(now), transaction():
        fresh, plain = keys.rotate(issued.key, overlap=timedelta(hours=1), by=BY)
    assert (fresh.scopes, fresh.name, fresh.channel_id) == (["orders:read"], "test", issued.key.channel_id)
    assert opens(issued.plain)
    assert opens(plain)
    with clock.frozen(now + timedelta(hours=1)):
        assert not opens(issued.plain)
        assert opens(plain)
    assert [entry.verb for entry in audit.timeline("channel_key", issued.key.pk)] == [
        "commerce.keys.issue",
        "commerce.keys.rotate",
    ]


def test_rotation_never_makes_a_key_live_longer() -> None:
    end = clock.now() + timedelta(minutes=5)
    issued = factories.key(expires_at=end)
    with transaction():
        fresh, _ = keys.rotate(issued.key, overlap=timedelta(days=1), by=BY)
    assert ChannelKey.objects.get(pk=issued.key.pk).expires_at == end
    assert fresh.expires_at == end


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=31)])
def test_an_overlap_out_of_bounds_is_refused(overlap: timedelta) -> None:
    issued = factories.key()
    with pytest.raises(InvalidInput), transaction():
        keys.rotate(issued.key, overlap=overlap, by=BY)


def test_revoking_ends_a_key_and_again_changes_nothing() -> None:
    issued = factories.key()
    with transaction():
        first = keys.revoke(issued.key, by=BY, reason="leaked").revoked_at
    with transaction():
        assert keys.revoke(issued.key, by=BY).revoked_at == first
    assert not opens(issued.plain)
    assert audit.timeline("channel_key", issued.key.pk)[-1].reason == "leaked"
    with pytest.raises(KeyNotActive), transaction():
        keys.rotate(issued.key, overlap=timedelta(0), by=BY)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": ["orders:everything"]},
        {"scopes": []},
        {"scopes": [Scope.ORDERS_READ], "requests_per_minute": 0},
        {"scopes": [Scope.ORDERS_READ], "requests_per_minute": 10_000_000},
    ],
)
def test_keys_that_make_no_sense_are_refused(wrong: dict) -> None:
    channel = factories.channel()
    with pytest.raises(InvalidInput), transaction():
        keys.issue(channel, name="x", by=BY, **wrong)
    assert not ChannelKey.objects.exists()
