"""Keys of channels: made here, shown once, stored as a hash, rotated with an overlap, revoked at once.

A key reads `ko_<prefix>_<secret>`. The prefix finds the row and may be shown; the secret is 40 random characters, so a
plain SHA-256 is enough (there is nothing to guess). Web processes remember a key for up to 15 seconds, which is how
long a revocation takes to reach all of them.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings

from commerce import audit, clock
from commerce.actors import Actor
from commerce.errors import InvalidInput, KeyNotActive
from commerce.models import Channel, ChannelKey, User
from commerce.roles import Scope
from commerce.transactions import transaction_required

PREFIX_BYTES = 6  # 12 hex digits
SECRET_BYTES = 30  # 40 characters of URL-safe base64
LONGEST_OVERLAP = timedelta(days=30)
MOST_REQUESTS_PER_MINUTE = 1_000_000


@transaction_required
def issue(
    channel: Channel,
    *,
    name: str,
    scopes: Iterable[Scope | str],
    requests_per_minute: int = 6000,
    expires_at: datetime | None = None,
    plain: str = "",
    person: User | None = None,
    by: Actor,
) -> tuple[ChannelKey, str]:
    """Make a key for `channel` and return it with its plain text, which nobody can read again later.

    With `person` it does what only people do as that person, with their rights.
    `plain` gives the whole key instead of a random one: for the demo, whose key is public, and refused in production.
    Raises: InvalidInput for an unknown scope, none at all, or a rate out of bounds.
    """
    if plain and settings.PRODUCTION:
        raise InvalidInput("In production every key is random.")
    granted = _known(scopes)
    if not 1 <= requests_per_minute <= MOST_REQUESTS_PER_MINUTE:
        raise InvalidInput(
            f"A key takes 1 to {MOST_REQUESTS_PER_MINUTE} requests per minute.",
            errors=[{"field": "requests_per_minute", "value": requests_per_minute, "message": "Out of bounds."}],
        )
    prefix, secret = secrets.token_hex(PREFIX_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    if plain:
        _, prefix, secret = plain.split("_", 2)
    key = ChannelKey.objects.create(
        channel=channel,
        name=name,
        prefix=prefix,
        secret_hash=digest(secret),
        scopes=granted,
        requests_per_minute=requests_per_minute,
        expires_at=expires_at,
        person=person,
    )
    audit.record("commerce.keys.issue", "channel_key", key.pk, by=by, after=_facts(key))
    return key, f"ko_{prefix}_{secret}"


@transaction_required
def rotate(key: ChannelKey, *, overlap: timedelta, by: Actor) -> tuple[ChannelKey, str]:
    """Make a successor with the same rights; the old key stays good for `overlap` (up to 30 days) and no longer.

    Raises: KeyNotActive when the key is revoked or expired, InvalidInput for an overlap out of bounds.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise InvalidInput(f"The overlap is between 0 and {LONGEST_OVERLAP.days} days.")
    now = clock.now()
    old = ChannelKey.objects.select_for_update(of=("self",)).select_related("channel").get(pk=key.pk)
    if not is_active(old, at=now):
        raise KeyNotActive("This key is revoked or expired; issue a new one instead.", key=str(old.pk))
    fresh, plain = issue(
        old.channel,
        name=old.name,
        scopes=old.scopes,
        requests_per_minute=old.requests_per_minute,
        expires_at=old.expires_at,
        person=old.person,
        by=by,
    )
    before, end = old.expires_at, now + overlap
    old.expires_at = end if before is None else min(before, end)
    old.save(update_fields=["expires_at"])
    audit.record(
        "commerce.keys.rotate",
        "channel_key",
        old.pk,
        by=by,
        before={"expires_at": before},
        after={"expires_at": old.expires_at, "successor": fresh.pk},
    )
    return fresh, plain


@transaction_required
def revoke(key: ChannelKey, *, by: Actor, reason: str = "") -> ChannelKey:
    """End a key for good. Revoking it again changes nothing."""
    current = ChannelKey.objects.select_for_update().get(pk=key.pk)
    if current.revoked_at is None:
        current.revoked_at = clock.now()
        current.save(update_fields=["revoked_at"])
        audit.record(
            "commerce.keys.revoke",
            "channel_key",
            current.pk,
            by=by,
            before={"revoked_at": None},
            after={"revoked_at": current.revoked_at},
            reason=reason,
        )
    return current


def is_active(key: ChannelKey, *, at: datetime) -> bool:
    """Whether a key opens anything at `at`."""
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > at)


def digest(secret: str) -> bytes:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def _known(scopes: Iterable[Scope | str]) -> list[str]:
    given = {str(scope) for scope in scopes}
    known = {scope.value for scope in Scope}
    if unknown := sorted(given - known):
        raise InvalidInput(
            f"Unknown scope {unknown[0]!r}; there are {', '.join(sorted(known))}.",
            errors=[{"field": "scopes", "value": scope, "message": "Unknown scope."} for scope in unknown],
        )
    if not given:
        raise InvalidInput("A key without a scope opens nothing; name at least one.")
    return sorted(given)


def _facts(key: ChannelKey) -> dict[str, object]:
    return {
        "channel": key.channel.code,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "requests_per_minute": key.requests_per_minute,
        "expires_at": key.expires_at,
        "person": key.person_id,
    }
