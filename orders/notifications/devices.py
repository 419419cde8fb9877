"""The browsers of staff that ring for a store, as the Push API names them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib.auth.models import AbstractUser

from commerce import audit, ids
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from orders.models import PushDevice

LONGEST_ENDPOINT = 1000
MOST_DEVICES = 200  # of one store; nobody hears more than that


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a browser gave us: where to push to, its public key and its secret, both in base64url."""

    endpoint: str
    p256dh: str
    auth: str


@transaction_required
def subscribe(
    given: Subscription, *, user: AbstractUser, location_id: int, language: str, by: Actor, at: datetime
) -> UUID:
    """Let a browser ring for a store; the same browser again only changes whose and which store's it is.

    Raises: InvalidInput for what no browser says, or too many devices.
    """
    _check(given)
    name = _hash(given.endpoint)
    if PushDevice.objects.filter(location_id=location_id).exclude(endpoint_hash=name).count() >= MOST_DEVICES:
        raise InvalidInput(f"{MOST_DEVICES} devices ring for this store already; switch off those that nobody uses.")
    row, is_new = PushDevice.objects.update_or_create(
        endpoint_hash=name,
        defaults={
            "user": user,
            "location_id": location_id,
            "endpoint": given.endpoint,
            "p256dh": given.p256dh,
            "auth": given.auth,
            "language": language,
        },
        create_defaults={
            "id": ids.new(),
            "user": user,
            "location_id": location_id,
            "endpoint": given.endpoint,
            "p256dh": given.p256dh,
            "auth": given.auth,
            "language": language,
            "created_at": at,
        },
    )
    if is_new:
        audit.record("orders.notifications.subscribe", "push_device", row.pk, by=by, after={"location": location_id})
    return row.pk


@transaction_required
def unsubscribe(endpoint: str, *, user: AbstractUser, by: Actor) -> bool:
    """Let a browser of this person ring no more. Return whether it did."""
    found = PushDevice.objects.filter(endpoint_hash=_hash(endpoint), user=user).first()
    if found is None:
        return False
    audit.record("orders.notifications.unsubscribe", "push_device", found.pk, by=by)
    found.delete()
    return True


@transaction_required
def forget(device_id: UUID) -> None:
    """Forget a browser that its push service does not know any more."""
    PushDevice.objects.filter(pk=device_id).delete()


def at_location(location_id: int) -> Sequence[tuple[UUID, str]]:
    """Return (id, language) of the devices that ring for a store."""
    return list(
        PushDevice.objects.filter(location_id=location_id, user__is_active=True)
        .order_by("created_at")
        .values_list("id", "language")[:MOST_DEVICES]
    )


def _check(given: Subscription) -> None:
    parts = urlsplit(given.endpoint)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
        raise _wrong("endpoint", given.endpoint, "A push service is reached by https.")
    if not parts.hostname or len(given.endpoint) > LONGEST_ENDPOINT:
        raise _wrong("endpoint", given.endpoint, "This is no address of a push service.")
    for field, value, longest in (("p256dh", given.p256dh, 120), ("auth", given.auth, 40)):
        if not value or len(value) > longest or not all(sign.isalnum() or sign in "-_=" for sign in value):
            raise _wrong(field, value, "A key of a push subscription is base64url.")


def _wrong(field: str, value: str, message: str) -> InvalidInput:
    return InvalidInput(message, errors=[{"field": field, "value": value[:80], "message": message}])


def _hash(endpoint: str) -> str:
    return hashlib.sha256(endpoint.encode()).hexdigest()
