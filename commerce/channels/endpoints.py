"""Addresses of channels that get signed events: added, changed, given new secrets, removed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from commerce import audit, clock, events, locks, outbox
from commerce.actors import Actor
from commerce.channels import addresses, signing
from commerce.errors import Conflict, InvalidInput, NotFound
from commerce.models import Channel, WebhookEndpoint
from commerce.transactions import transaction_required

MOST_PER_CHANNEL = 10  # every event is sent to each of them
OVERLAP = timedelta(hours=24)  # both secrets sign for so long after a rotation
LONGEST_OVERLAP = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint as its channel sees it, without secrets. `open_until` is set while it is left alone after failures."""

    id: UUID
    channel_id: int
    url: str
    event_types: tuple[str, ...]
    is_active: bool
    consecutive_failures: int
    open_until: datetime | None
    previous_secret_until: datetime | None
    created_at: datetime


class TooManyEndpoints(Conflict):
    """A channel has as many webhook endpoints as it may have."""

    code = "too_many_webhook_endpoints"
    title = "The channel has enough webhook endpoints"


def of_channel(channel_id: int) -> list[Endpoint]:
    """Return a channel's endpoints, oldest first."""
    return [_shown(row) for row in WebhookEndpoint.objects.filter(channel_id=channel_id).order_by("created_at", "id")]


def one(endpoint_id: UUID, *, channel_id: int) -> Endpoint:
    """Return a channel's endpoint. Raises: NotFound, also for another channel's."""
    row = WebhookEndpoint.objects.filter(pk=endpoint_id, channel_id=channel_id).first()
    if row is None:
        raise _no_such(endpoint_id)
    return _shown(row)


@transaction_required
def add(channel_id: int, url: str, event_types: Collection[str], *, by: Actor) -> tuple[Endpoint, str]:
    """Have a channel's events of these types sent to `url` from now on; return the endpoint and its secret, shown once.

    Raises: InvalidInput for an address that webhooks can't reach and for types that are not public; NotFound;
    TooManyEndpoints.
    """
    wanted = _checked(url=url, event_types=event_types)
    if not Channel.objects.select_for_update(no_key=True).filter(pk=channel_id).exists():
        raise NotFound(f"There is no channel {channel_id}.", channel=channel_id)
    if WebhookEndpoint.objects.filter(channel_id=channel_id).count() >= MOST_PER_CHANNEL:
        raise TooManyEndpoints(
            f"A channel has at most {MOST_PER_CHANNEL} webhook endpoints; remove or change one.", most=MOST_PER_CHANNEL
        )
    secret = signing.new_secret()
    row = WebhookEndpoint.objects.create(channel_id=channel_id, secret=signing.seal(secret), **wanted)
    row.refresh_from_db(fields=["created_at"])
    audit.record("commerce.endpoints.add", "webhook_endpoint", row.pk, by=by, after=_audited(row))
    return _shown(row), secret


@transaction_required
def change(
    endpoint_id: UUID,
    *,
    channel_id: int,
    url: str | None = None,
    event_types: Collection[str] | None = None,
    is_active: bool | None = None,
    by: Actor,
) -> Endpoint:
    """Change what is given and leave the rest. An endpoint that is active again gets at once what was open for it;
    what happened while it was off is not sent, only `events` replays it.

    Raises: NotFound; InvalidInput as in `add`.
    """
    wanted = _checked(url=url, event_types=event_types)
    row = _locked(endpoint_id, channel_id)
    before = _audited(row)
    if is_active is not None:
        wanted["is_active"] = is_active
    if wanted.get("is_active") or "url" in wanted:
        wanted |= {"consecutive_failures": 0, "open_until": None}  # a new chance
    _write(row, wanted)
    audit.record("commerce.endpoints.change", "webhook_endpoint", row.pk, by=by, before=before, after=_audited(row))
    return _shown(row)


@transaction_required
def deactivate(endpoint_id: UUID, *, by: Actor, reason: str) -> None:
    """Stop sending to an endpoint, if it is there and active; what is open for it waits."""
    row = WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk=endpoint_id, is_active=True).first()
    if row is None:
        return
    before = _audited(row)
    _write(row, {"is_active": False})
    audit.record(
        "commerce.endpoints.deactivate", "webhook_endpoint", row.pk, by=by, before=before, after=_audited(row), reason=reason
    )  # fmt: skip


@transaction_required
def rotate_secret(
    endpoint_id: UUID, *, channel_id: int, overlap: timedelta = OVERLAP, by: Actor
) -> tuple[Endpoint, str]:
    """Give an endpoint a new secret and return it, shown once; the one before signs beside it for `overlap`.

    Raises: NotFound; InvalidInput for an overlap that is negative or longer than LONGEST_OVERLAP.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        hours = int(LONGEST_OVERLAP.total_seconds() // 3600)
        raise InvalidInput(
            f"Both secrets can sign for 0 to {hours} hours.",
            errors=[{"field": "overlap", "value": str(overlap), "message": f"Choose up to {hours} hours."}],
        )
    row = _locked(endpoint_id, channel_id)
    secret = signing.new_secret()
    until = clock.now() + overlap if overlap else None
    previous = bytes(row.secret) if overlap else None
    _write(row, {"previous_secret": previous, "previous_secret_until": until, "secret": signing.seal(secret)})
    audit.record(
        "commerce.endpoints.rotate_secret", "webhook_endpoint", row.pk, by=by,
        after={"previous_secret_until": until.isoformat() if until else None},
    )  # fmt: skip
    return _shown(row), secret


@transaction_required
def remove(endpoint_id: UUID, *, channel_id: int, by: Actor) -> None:
    """Forget an endpoint and its secrets, and give up what is open for it; `events` still replays what it missed.

    Raises: NotFound.
    """
    locks.hold(locks.Purpose.OUTBOX_SEQUENCER)  # so that nothing is addressed to it just now
    row = _locked(endpoint_id, channel_id)
    before = _audited(row)
    row.delete()
    outbox.dismiss_all(f"{events.WEBHOOK}{endpoint_id}", by=by, reason="The endpoint was removed.")
    audit.record("commerce.endpoints.remove", "webhook_endpoint", endpoint_id, by=by, before=before)


def _checked(*, url: str | None, event_types: Collection[str] | None) -> dict[str, Any]:
    """Return the given values ready to be stored. Where a host name leads is the interface's to ask, before a transaction.

    Raises: InvalidInput naming every fault.
    """
    errors: list[dict[str, Any]] = []
    wanted: dict[str, Any] = {}
    if url is not None:
        fault = addresses.fault_of(url, looks_up=False)
        if fault:
            errors.append({"field": "url", "value": url, "message": fault})
        wanted["url"] = url
    if event_types is not None:
        public = events.public_types()
        wanted["event_types"] = sorted(set(event_types))
        if not wanted["event_types"]:
            errors.append(
                {"field": "event_types", "value": [], "message": f"Name at least one of {', '.join(public)}."}
            )
        errors += [
            {"field": "event_types", "value": name, "message": f"Choose from {', '.join(public)}."}
            for name in wanted["event_types"]
            if name not in public
        ]
    if errors:
        raise InvalidInput("The webhook endpoint can't be set up like this.", errors=errors)
    return wanted


def _locked(endpoint_id: UUID, channel_id: int) -> WebhookEndpoint:
    row = WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk=endpoint_id, channel_id=channel_id).first()
    if row is None:
        raise _no_such(endpoint_id)
    return row


def _no_such(endpoint_id: UUID) -> NotFound:
    return NotFound("There is no such webhook endpoint.", endpoint=str(endpoint_id))


def _write(row: WebhookEndpoint, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(values))


def _audited(row: WebhookEndpoint) -> dict[str, Any]:
    return {"channel": row.channel_id, "url": row.url, "event_types": list(row.event_types), "is_active": row.is_active}


def _shown(row: WebhookEndpoint) -> Endpoint:
    return Endpoint(
        row.pk, row.channel_id, row.url, tuple(row.event_types), row.is_active, row.consecutive_failures, row.open_until,
        row.previous_secret_until, row.created_at,
    )  # fmt: skip
