"""The log of messages: planned with their cause, once per message, order and event; leased, sent, recorded, sent again.

A message is planned in the transaction of the handler that follows its event, and sent outside of any (`sending`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from commerce import audit, clock, ids, outbox
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.events import Received
from commerce.transactions import transaction_required
from customers import consents
from orders import events, exceptions, queries
from orders.errors import NoticeNotFound
from orders.models import Notice
from orders.notices import NoticeChannel, NoticeState, Silence
from orders.notifications import catalogue, letters, templates
from orders.notifications.catalogue import Message
from orders.queries import OrderView

FOLLOWER = Actor.system("notifications")
UNDELIVERABLE = "notification.undeliverable"
# What happened longer ago is no news: a backlog that was repaired must not flood people with old messages.
STALE = timedelta(days=2)
LEASE = timedelta(minutes=5)  # longer than a whole batch takes when every gateway is as slow as it may be
MOST_COPIES = 5  # how often staff may send one message again
LONGEST_ERROR = 200

_DUE = """
UPDATE orders_notice SET leased_until = %(until)s, attempts = attempts + 1
WHERE id IN (
    SELECT id FROM orders_notice
    WHERE state = 'pending' AND next_attempt_at <= %(at)s AND (leased_until IS NULL OR leased_until <= %(at)s)
    ORDER BY next_attempt_at, id LIMIT %(at_most)s FOR UPDATE SKIP LOCKED
)
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Planned:
    """A message to plan: `event` names its occasion, once per message and order."""

    message: Message
    order: OrderView
    event: str
    facts: Mapping[str, Any]


def follow(received: Received) -> None:
    """Plan what an event of an order asks for, in the transaction of its delivery."""
    if received.occurred_at < clock.now() - STALE or "order_id" not in received.payload:
        return
    messages = catalogue.of_event(received.type)
    if not messages:
        return
    order = queries.order(UUID(received.payload["order_id"]))
    plan(
        [
            Planned(message, order, str(received.message_id), message.facts(order, received.payload))
            for message in messages
            if message.applies(order, received.payload)
        ],
        at=clock.now(),
    )


catalogue.followed_by(follow)


@transaction_required
def plan(wanted: Sequence[Planned], *, at: datetime) -> int:
    """Write down what is to be sent, by which channels; what was planned before stays as it is. Return how many are new.

    E-mail where there is an address; SMS besides for urgent ones, and instead where there is none; with neither, the channel that
    placed the order is asked to tell its customer. Advertising without consent is written down as silenced.
    """
    rows = [row for one in wanted for row in _rows(one, at=at)]
    known = set(Notice.objects.filter(key__in=[row.key for row in rows]).values_list("key", flat=True))
    rows = [row for row in rows if row.key not in known]
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    orders = {one.order.id: one.order for one in wanted}
    asked = [row for row in rows if row.channel == NoticeChannel.WEBHOOK and row.order_id is not None]
    outbox.publish([_asked(row, orders[row.order_id], at=at) for row in asked], by=FOLLOWER)
    return len(rows)


def _rows(one: Planned, *, at: datetime) -> list[Notice]:
    message, order = one.message, one.order
    if message.is_marketing:
        agreed = {
            channel: consents.has_agreed(order.customer_id, consents.Purpose.MARKETING, channel=channel.value)
            for channel in _written(one)
        }
        return [
            _row(one, channel, at=at, silence=None if agrees else Silence.NO_CONSENT)
            for channel, agrees in agreed.items()
        ]
    channels = _written(one)
    if channels:
        return [_row(one, channel, at=at) for channel in channels]
    sent = _row(one, NoticeChannel.WEBHOOK, at=at)
    sent.state, sent.sent_at, sent.next_attempt_at = NoticeState.SENT.value, at, None
    return [sent]


def _written(one: Planned) -> list[NoticeChannel]:
    channels = []
    language = letters.language_of(one.order)

    def has_text(channel: NoticeChannel) -> bool:
        return templates.current(one.message.code, language, channel) is not None

    if one.order.contact_email and has_text(NoticeChannel.EMAIL):
        channels.append(NoticeChannel.EMAIL)
    if one.order.contact_phone and (one.message.is_urgent or not channels) and has_text(NoticeChannel.SMS):
        channels.append(NoticeChannel.SMS)
    return channels


def _row(one: Planned, channel: NoticeChannel, *, at: datetime, silence: Silence | None = None) -> Notice:
    return Notice(
        id=ids.new(),
        key=f"{one.message.code}:{channel.value}:{one.order.id}:{one.event}:0",
        order_id=one.order.id,
        code=one.message.code,
        channel=channel.value,
        event=one.event,
        language=letters.language_of(one.order),
        facts=dict(one.facts),
        state=NoticeState.SILENCED.value if silence else NoticeState.PENDING.value,
        reason=silence.value if silence else "",
        next_attempt_at=None if silence else at,
        created_at=at,
    )


def _asked(row: Notice, order: OrderView, *, at: datetime) -> events.NotificationWanted:
    return events.NotificationWanted(
        aggregate_sequence=order.version,
        channel_id=order.channel_id,
        occurred_at=at,
        order_id=order.id,
        number=order.number,
        external_reference=order.external_reference,
        notice_id=row.id,
        message=row.code,
        language=row.language,
        tracking_url=letters.tracking_url(order),
    )


@transaction_required
def ring(
    device_ids: Sequence[tuple[UUID, str]], *, code: str, event: str, facts: Mapping[str, Any], at: datetime
) -> int:
    """Plan a push to devices (id, language), once per device and event. Return how many are new."""
    rows = [
        Notice(
            id=ids.new(),
            key=f"{code}:push:{device_id}:{event}:0",
            device_id=device_id,
            code=code,
            channel=NoticeChannel.PUSH.value,
            event=event,
            language=language,
            facts=dict(facts),
            next_attempt_at=at,
            created_at=at,
        )
        for device_id, language in device_ids
    ]
    return len(Notice.objects.bulk_create(rows, ignore_conflicts=True))


# --- sending ----------------------------------------------------------------------------------------------------------


@transaction_required
def claim(*, at: datetime, at_most: int) -> list[Notice]:
    """Lease what is due, the longest first; each attempt is counted before it is made."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"at": at, "until": at + LEASE, "at_most": at_most})
        claimed = [notice_id for (notice_id,) in cursor.fetchall()]
    return list(Notice.objects.filter(pk__in=claimed).select_related("device").order_by("created_at", "id"))


@transaction_required
def sent(notice: Notice, *, receipt: str, version: int, at: datetime) -> None:
    """Note that a message left, with what the other side called it."""
    _close(notice, NoticeState.SENT, at=at, receipt=receipt[:120], template_version=version, sent_at=at, last_error="")
    exceptions.resolve(kind=UNDELIVERABLE, subject=("notice", _original(notice)), by=FOLLOWER, at=at)


@transaction_required
def silence(notice: Notice, why: Silence, *, at: datetime) -> None:
    """Note that a message is not to be sent, and why."""
    _close(notice, NoticeState.SILENCED, at=at, reason=why.value)


@transaction_required
def failed(notice: Notice, error: str, *, next_attempt_at: datetime | None, at: datetime) -> None:
    """Note what went wrong; without a next attempt the message is parked and somebody is asked to look."""
    error = error[:LONGEST_ERROR]
    if next_attempt_at is not None:
        _close(notice, NoticeState.PENDING, at=at, next_attempt_at=next_attempt_at, last_error=error)
        return
    _close(notice, NoticeState.PARKED, at=at, last_error=error, reason="gave_up")
    if notice.order_id is None:  # a device that can't be reached is no customer who waits
        return
    order = queries.order(notice.order_id)
    part = letters.part_of(order, notice.facts) or next(iter(order.fulfilments), None)
    exceptions.open(
        UNDELIVERABLE,
        subject=("notice", _original(notice)),
        order_id=order.id,
        location_id=part.location_id if part is not None else None,
        facts={"number": order.number, "message": notice.code, "channel": notice.channel, "error": error},
        by=FOLLOWER,
        at=at,
    )


def _original(notice: Notice) -> str:
    """Return what all copies of a message have in common."""
    return notice.key.rpartition(":")[0][-80:]


def _close(notice: Notice, state: NoticeState, *, at: datetime, **changes: Any) -> None:
    changes = {"leased_until": None, "next_attempt_at": None, **changes, "state": state.value}
    # Only whoever leased it last may say how it went.
    Notice.objects.filter(pk=notice.pk, attempts=notice.attempts, state=NoticeState.PENDING.value).update(**changes)


# --- people -----------------------------------------------------------------------------------------------------------


@transaction_required
def resend(notice_id: UUID, *, by: Actor, at: datetime) -> UUID:
    """Send a message of an order once more, as a copy that says what holds now. Return the copy's id.

    Raises: NoticeNotFound, InvalidInput for one that goes to no customer or was sent again too often.
    """
    known = Notice.objects.select_for_update().filter(pk=notice_id).first()
    if known is None or known.order_id is None:
        raise NoticeNotFound("There is no such message.", notice=str(notice_id))
    if known.channel == NoticeChannel.WEBHOOK or known.reason == Silence.NO_CONSENT:
        raise InvalidInput("This message can't be sent again: its channel tells the customer, or nobody may.")
    stem = known.key.rpartition(":")[0]
    copies = Notice.objects.filter(order_id=known.order_id, key__startswith=stem + ":").count()
    if copies > MOST_COPIES:
        raise InvalidInput(f"This message was sent again {MOST_COPIES} times already; call the customer instead.")
    copy = Notice.objects.create(
        id=ids.new(),
        key=f"{stem}:{copies}",
        order_id=known.order_id,
        code=known.code,
        channel=known.channel,
        event=known.event,
        language=known.language,
        facts=known.facts,
        copy=copies,
        next_attempt_at=at,
        created_at=at,
    )
    audit.record(
        "orders.notifications.resend",
        "order",
        known.order_id,
        by=by,
        after={"message": known.code, "channel": known.channel},
    )
    return copy.id


def of_order(order_id: UUID, *, at_most: int = 100) -> list[Notice]:
    """Return the messages of an order, newest first."""
    return list(Notice.objects.filter(order_id=order_id).order_by("-created_at", "-id")[:at_most])


def one(notice_id: UUID) -> Notice:
    """Return a message. Raises: NoticeNotFound."""
    found = Notice.objects.filter(pk=notice_id).first()
    if found is None:
        raise NoticeNotFound("There is no such message.", notice=str(notice_id))
    return found
