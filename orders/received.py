"""Orders taken in at the door: kept at once, placed by the relay, exactly once, with refusals on the desk.

The door answers when the order is on disk; nobody waits for goods, windows or neighbours. What is placed and the end of its
message commit together, so a relay that dies in between changes nothing. What a moment's wait cures (a lock, a twin on its
way) is tried again; what only a person or the channel can cure stands on the exceptions desk until it is placed or given up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.utils.translation import gettext_lazy as _

from commerce import inbox, outbox
from commerce.actors import Actor, ActorKind
from commerce.errors import Busy, CommerceError, NotFound, RequestInProgress
from commerce.inbox import Message
from commerce.roles import Role
from commerce.transactions import transaction_required
from orders import drafts, exceptions, incoming, placement
from orders.desk import Severity
from orders.drafts import OrderingChannel, Wish
from orders.events import OrderReceived
from orders.exceptions import Case, Kind, Suggestion
from orders.placement import PlacedOrder

MOST_AT_ONCE = 100  # orders that one request may hand in
LONGEST_EVENT_ID = 200
REFUSED = "order.refused"
SUBJECT = "received_order"
SOURCE = "orders:"  # with which the inbox's sources of orders begin
ERASED = "It was refused and is too long ago: what it said was erased. Hand it in again under a new event id."


class Stage(StrEnum):
    """How far an order is that was taken in."""

    WAITING = "waiting"
    PLACED = "placed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of an order that was taken in; `refusal` is a code and a sentence."""

    event_id: str
    stage: Stage
    received_as: int
    order_id: UUID | None = None
    refusal: tuple[str, str] | None = None


def register() -> None:
    """Make the kind of exception known to the desk."""
    again = Suggestion(code="try_again", label=_("Place it now"), icon="refresh-cw", perform=_try_again)
    exceptions.register(
        Kind(
            code=REFUSED,
            title=_("An order that came in could not be placed"),
            sentence=_("Order %(reference)s of %(channel)s was refused: %(message)s"),
            severity=Severity.HIGH,
            role=Role.SERVICE_AGENT,
            within=timedelta(hours=2),
            icon="inbox",
            actions=(again,),
        )
    )


def source(channel_code: str) -> str:
    """Return how the inbox calls the orders of a channel."""
    return f"{SOURCE}{channel_code}"


@transaction_required
def take_in(
    events: Mapping[str, dict[str, Any]], *, channel: OrderingChannel, by: Actor, at: datetime
) -> dict[str, bool]:
    """Keep orders, as checked documents by the channel's event ids, to be placed in a moment; say which are new."""
    signed = {"kind": by.kind.value, "id": by.id, "label": by.label}
    terms = {
        "channel_id": channel.channel_id, "channel_code": channel.channel_code, "country": channel.country,
        "currency": channel.currency, "language": channel.language,
    }  # fmt: skip
    payloads = {event_id: {"order": body, "channel": terms, "by": signed} for event_id, body in events.items()}
    fresh = inbox.receive_many(source(channel.channel_code), payloads)
    outbox.publish(
        [
            OrderReceived(aggregate_sequence=1, occurred_at=at, channel_id=channel.channel_id, message_id=message_id)
            for message_id in fresh.values()
        ],
        by=by,
    )
    return {event_id: event_id in fresh for event_id in events}


@transaction_required
def place_waiting(message_ids: Sequence[int], *, at: datetime) -> int:
    """Place orders that were taken in, earlier ones first; return how many stand. Those refused are put on the desk.

    Raises: Busy, RequestInProgress: nothing is placed then, and it is tried again.
    """
    found = [one for one in inbox.read(message_ids) if one.done_at is None]
    wishes: dict[int, Wish] = {}
    refused: dict[int, CommerceError] = {}
    for message in found:
        try:
            wishes[message.id] = _wish(message)
        except CommerceError as refusal:
            refused[message.id] = refusal
    placed: dict[int, PlacedOrder] = {}
    for message_id, verdict in zip(wishes, placement.place_many(list(wishes.values()), at=at), strict=True):
        if isinstance(verdict, Busy | RequestInProgress):
            raise verdict
        if isinstance(verdict, CommerceError):
            refused[message_id] = verdict
        else:
            placed[message_id] = verdict
    _settle(placed)
    for message in found:
        if message.id in refused:
            _refuse(message, refused[message.id], at=at)
    return len(placed)


def standing(channel_code: str, event_id: str) -> Standing:
    """Return what became of an order that a channel handed in. Raises: NotFound."""
    message = inbox.find(source(channel_code), event_id)
    if message is None:
        raise NotFound(f"No order was handed in as {event_id!r}, or it is too long ago.", event_id=event_id)
    if message.payload.get("is_erased"):
        return Standing(event_id, Stage.REFUSED, message.id, refusal=(message.last_error, ERASED))
    if message.done_at is not None:
        return Standing(event_id, Stage.PLACED, message.id, order_id=UUID(message.payload["order_id"]))
    if message.last_error:
        code, _separator, sentence = message.last_error.partition(": ")
        return Standing(event_id, Stage.REFUSED, message.id, refusal=(code, sentence))
    return Standing(event_id, Stage.WAITING, message.id)


@transaction_required
def erase(*, older_than: timedelta, by: Actor, at: datetime) -> int:
    """Erase whom orders named that were refused so long ago, and take them off the desk; return how many."""
    gone = inbox.erase_failed(SOURCE, before=at - older_than, at=at)
    for message_id in gone:
        exceptions.resolve(exceptions.key_of(REFUSED, (SUBJECT, message_id)), by=by, at=at)
    return len(gone)


def _wish(message: Message) -> Wish:
    terms, signed = message.payload["channel"], message.payload["by"]
    channel = drafts.Channel(**terms)
    order = incoming.order(message.payload["order"], channel_id=channel.channel_id)
    return Wish(order, channel, Actor(ActorKind(signed["kind"]), signed["id"], signed["label"]))


def _settle(placed: Mapping[int, PlacedOrder]) -> None:
    if placed:
        inbox.settle_many({message_id: {"order_id": str(one.order.id)} for message_id, one in placed.items()})


def _refuse(message: Message, refusal: CommerceError, *, at: datetime) -> None:
    inbox.fail(message.source, message.event_id, f"{refusal.code}: {refusal.message}")
    exceptions.open(
        REFUSED,
        subject=(SUBJECT, message.id),
        facts={
            "reference": message.payload["order"]["external_reference"], "channel": message.payload["channel"]["channel_code"],
            "code": refusal.code, "message": refusal.message[:300],
        },
        by=Actor.system("order intake"),
        at=at,
    )  # fmt: skip


def _try_again(case: Case, *, user: AbstractUser, by: Actor, at: datetime) -> None:
    """Place an order that was refused. Raises: why it can't be placed now either."""
    (message,) = inbox.read([int(case.subject_id)])
    if message.payload.get("is_erased"):
        raise NotFound(ERASED, event_id=message.event_id)
    if message.done_at is None:
        verdict = placement.place_many([_wish(message)], at=at)[0]
        if isinstance(verdict, CommerceError):
            raise verdict
        _settle({message.id: verdict})
