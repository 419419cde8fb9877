"""The messages about an order's way to its customer. Topics with news of their own register theirs beside these."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from commerce.errors import CommerceError
from commerce.roles import Permission, Role
from inventory.places import locations
from orders import events, exceptions, promise_history
from orders.desk import Severity
from orders.exceptions import Case, Kind, Suggestion
from orders.lifecycle import COLLECTED, FETCHED, Method, State
from orders.notifications import aftercare_texts, letters, notices, texts
from orders.notifications.catalogue import Message, kept, register
from orders.packing import journeys
from orders.promise_history import Revision
from orders.queries import OrderView

WAITS = (State.READY, State.ARRIVED, State.NO_SHOW)
REVISION_REASONS = {
    "supply_moved": gettext_lazy("our supplier delivers on another day"),
    "moved": gettext_lazy("the pickup was moved"),
    "load": gettext_lazy("more orders than usual"),
    "carrier": gettext_lazy("the carrier needs longer"),
    "rerouted": gettext_lazy("another store prepares your order"),
    "routed": gettext_lazy("the place that sends your goods needs longer"),
}


def _is_collected(order: OrderView, facts: Mapping[str, Any]) -> bool:
    part = letters.part_of(order, facts)
    return part is not None and part.method in FETCHED


def _waits(order: OrderView, facts: Mapping[str, Any]) -> bool:
    """Whether the goods still wait for their customer: what was fetched meanwhile needs no reminder."""
    part = letters.part_of(order, facts)
    return part is not None and State(part.state) in WAITS


def _parts(order: OrderView, facts: Mapping[str, Any]) -> dict[str, str]:
    lines = []
    for part in order.fulfilments:
        values = {"place": part.meeting_place.name, "day": letters.moment(part.promised_at)}
        if part.method in COLLECTED and part.window_starts_at and part.window_ends_at:
            values |= {
                "day": letters.day(part.window_starts_at),
                "from": letters.clock_time(part.window_starts_at),
                "until": letters.clock_time(part.window_ends_at),
            }
            lines.append("– " + _("Pickup at %(place)s: %(day)s, %(from)s to %(until)s") % values)
        elif part.method == Method.SHIP_TO_STORE:
            values["day"] = letters.day(part.deliver_by or part.promised_at)
            lines.append("– " + _("Sent to %(place)s: there to be fetched by %(day)s") % values)
        elif part.method in COLLECTED:
            lines.append("– " + _("Pickup at %(place)s: ready by %(day)s") % values)
        else:
            lines.append("– " + _("By parcel: handed to the carrier by %(day)s") % values)
    lines += [
        "– " + _("By parcel: handed to the carrier by %(day)s") % {"day": letters.moment(one.promised_at)}
        for one in order.unrouted
    ]
    is_pickup = any(part.method in FETCHED for part in order.fulfilments)
    return {
        "parts": "\n".join(lines),
        "pickup_note": _("We tell you as soon as it is ready. Please come only then.") if is_pickup else "",
    }


def _last(order: OrderView, payload: Mapping[str, Any]) -> Revision | None:
    """Return the newest revision of the part that an event is about, if the event is about a revision at all."""
    told, named = payload.get("promised_at"), payload.get("fulfilment_id")
    history = [one for one in promise_history.of_order(order.id) if str(one.fulfilment_id) == str(named)]
    last = history[-1] if history else None
    if last is None or (told is not None and letters.instant(told) != last.after):
        return None
    return last


def _revision(order: OrderView, payload: Mapping[str, Any]) -> dict[str, Any]:
    last = _last(order, payload)
    return {
        "fulfilment_id": payload.get("fulfilment_id"),
        "promised_before": last.before.isoformat() if last else None,
        "promised_at": last.after.isoformat() if last else None,
        "reason": last.reason if last else "",
    }


def _moves_a_day(order: OrderView, payload: Mapping[str, Any]) -> bool:
    """Whether the promise moved by a day or is later at all: an hour earlier on the same day is no news."""
    part = letters.part_of(order, payload)
    if part is not None and part.method in COLLECTED:
        return False  # a pickup keeps its window, or is moved with a message of its own
    last = _last(order, payload)
    if last is None:
        return False
    return timezone.localdate(last.before) != timezone.localdate(last.after) or last.after - last.before > timedelta(
        hours=2
    )


def _misses_window(order: OrderView, payload: Mapping[str, Any]) -> bool:
    """Whether the goods of a pickup are not there when its window begins."""
    part, last = letters.part_of(order, payload), _last(order, payload)
    if part is None or last is None or part.method not in COLLECTED or part.window_starts_at is None:
        return False
    return last.after > last.before and last.after > part.window_starts_at


def _is_still_unready(order: OrderView, facts: Mapping[str, Any]) -> bool:
    part = letters.part_of(order, facts)
    is_unready = part is not None and State(part.state) in (State.PLACED, State.ACCEPTED, State.PICKING)
    return is_unready and _is_still_promised(order, facts)


def _is_later_elsewhere(order: OrderView, payload: Mapping[str, Any]) -> bool:
    return payload.get("outcome") == "rerouted" and _moves_a_day(order, payload)


def _revised(order: OrderView, facts: Mapping[str, Any]) -> dict[str, str]:
    before, after = letters.instant(facts.get("promised_before")), letters.instant(facts.get("promised_at"))
    is_later = before is not None and after is not None and after > before
    news = (
        _("We are sorry: your order %(number)s takes longer than we promised.")
        if is_later
        else _("Good news: your order %(number)s leaves earlier than we promised.")
    )
    reason = REVISION_REASONS.get(str(facts.get("reason")), "")
    return {
        "news": news % {"number": order.number},
        "promised_before": letters.moment(before) if before else "",
        "promised": letters.moment(after) if after else "",
        "reason": str(reason),
    }


def _delayed(order: OrderView, facts: Mapping[str, Any]) -> dict[str, str]:
    before, after = letters.instant(facts.get("promised_before")), letters.instant(facts.get("deliver_by"))
    days = {
        "promised_before": letters.day(before) if before else "",
        "deliver_by": letters.day(after) if after else "",
    }
    return {**days, **_parcels(order, facts)}


def _is_still_the_day(order: OrderView, facts: Mapping[str, Any]) -> bool:
    """Whether the day that the message tells still holds and the parcel isn't there meanwhile."""
    part = letters.part_of(order, facts)
    if part is None or part.deliver_by != letters.instant(facts.get("deliver_by")):
        return False
    return any(one["stage"] != "delivered" for one in journeys.of_fulfilments([part.id]))


def _is_still_promised(order: OrderView, facts: Mapping[str, Any]) -> bool:
    """Whether the date that the message tells is still the one that holds: of two that moved at once only the last is told."""
    part = letters.part_of(order, facts)
    told = letters.instant(facts.get("promised_at"))
    return part is not None and told is not None and part.promised_at == told


def _moved_from(order: OrderView, facts: Mapping[str, Any]) -> dict[str, str]:
    started = letters.instant(facts.get("from_window_starts_at"))
    place = str(facts.get("from_location") or "")
    with suppress(CommerceError):  # closed meanwhile: its code still says which it was
        place = locations.ref(place).name
    return {"moved_from": ", ".join(one for one in (place, letters.moment(started) if started else "") if one)}


def _parcels(order: OrderView, facts: Mapping[str, Any]) -> dict[str, str]:
    """Name the parcels that left with a part of the order, as their carriers call them; a dash where none has a number."""
    part = letters.part_of(order, facts)
    gone = journeys.of_fulfilments([part.id]) if part else []
    named = [f"{str(one['carrier']).upper()} {one['tracking_number']}" for one in gone if one["tracking_number"]]
    return {"parcel": ", ".join(named) or "–"}


def _resend(case: Case, *, user: Any, by: Any, at: datetime) -> None:
    for row in notices.of_order(case.order_id) if case.order_id else []:
        if row.key.rpartition(":")[0][-80:] == case.subject_id:
            notices.resend(row.id, by=by, at=at)
            return


def register_all() -> None:
    """Make the messages known. Called once when the application is ready."""
    for message in (
        Message(
            code="order.confirmed",
            title=gettext_lazy("Order received"),
            event=events.OrderPlaced.type,
            texts=texts.CONFIRMED,
            variables=("parts", "pickup_note"),
            facts=kept(),
            words=_parts,
        ),
        Message(
            code="order.cancelled",
            title=gettext_lazy("Order cancelled"),
            event=events.OrderCancelled.type,
            texts=texts.CANCELLED,
            facts=kept(),
        ),
        Message(
            code="order.unavailable",
            title=gettext_lazy("Goods can’t be had"),
            event=events.FulfilmentRejected.type,
            texts=texts.UNAVAILABLE,
        ),
        Message(
            code="pickup.ready",
            title=gettext_lazy("Ready for pickup"),
            event=events.FulfilmentReady.type,
            texts=texts.READY,
            is_urgent=True,
            applies=_is_collected,
            still_true=_waits,
        ),
        Message(
            code="pickup.reminder",
            title=gettext_lazy("Reminder before the pickup ends"),
            texts=texts.REMINDER,
            is_urgent=True,
            still_true=_waits,
        ),
        Message(
            code="pickup.last_day",
            title=gettext_lazy("Last day of the pickup"),
            texts=texts.LAST_DAY,
            is_urgent=True,
            still_true=_waits,
        ),
        Message(
            code="pickup.not_collected",
            title=gettext_lazy("Not collected"),
            event=events.FulfilmentNoShow.type,
            texts=texts.NOT_COLLECTED,
            is_urgent=True,
            still_true=_waits,
        ),
        Message(
            code="pickup.returned",
            title=gettext_lazy("Not collected, back on sale"),
            event=events.FulfilmentReturnedToStock.type,
            texts=texts.RETURNED,
        ),
        Message(
            code="pickup.collected",
            title=gettext_lazy("Handed over"),
            event=events.FulfilmentHandedOver.type,
            texts=texts.COLLECTED,
        ),
        Message(
            code="pickup.moved",
            title=gettext_lazy("Pickup moved"),
            event=events.PickupMoved.type,
            texts=texts.MOVED,
            variables=("moved_from",),
            is_urgent=True,
            applies=_is_collected,
            facts=kept("fulfilment_id", "from_location", "from_window_starts_at"),
            words=_moved_from,
        ),
        Message(
            code="parcel.shipped",
            title=gettext_lazy("Handed to the carrier"),
            event=events.FulfilmentShipped.type,
            texts=texts.SHIPPED,
            words=_parcels,
        ),
        Message(
            code="parcel.delayed",
            title=gettext_lazy("Parcel comes on a later day"),
            event=events.FulfilmentDelayed.type,
            texts=aftercare_texts.PARCEL_DELAYED,
            variables=("promised_before", "deliver_by"),
            facts=kept("fulfilment_id", "promised_before", "deliver_by"),
            words=_delayed,
            still_true=_is_still_the_day,
        ),
        Message(
            code="pickup.delayed",
            title=gettext_lazy("Pickup not ready in its window"),
            event=events.FulfilmentPromised.type,
            texts=texts.DELAYED,
            variables=("promised_before", "reason"),
            is_urgent=True,
            applies=_misses_window,
            facts=_revision,
            words=_revised,
            still_true=_is_still_unready,
        ),
        Message(
            code="promise.routed",
            title=gettext_lazy("New date promised with the place"),
            event=events.FulfilmentRouted.type,
            texts=texts.REVISED,
            variables=("news", "promised_before", "reason"),
            applies=_moves_a_day,
            facts=_revision,
            words=_revised,
            still_true=_is_still_promised,
        ),
        Message(
            code="promise.rerouted",
            title=gettext_lazy("New date promised from another place"),
            event=events.ShortageSettled.type,
            texts=texts.REVISED,
            variables=("news", "promised_before", "reason"),
            applies=_is_later_elsewhere,
            facts=_revision,
            words=_revised,
            still_true=_is_still_promised,
        ),
        Message(
            code="promise.revised",
            title=gettext_lazy("New date promised"),
            event=events.FulfilmentPromised.type,
            texts=texts.REVISED,
            variables=("news", "promised_before", "reason"),
            applies=_moves_a_day,
            facts=_revision,
            words=_revised,
            still_true=_is_still_promised,
        ),
    ):
        register(message)
    exceptions.register(
        Kind(
            code=notices.UNDELIVERABLE,
            title=gettext_lazy("A message does not reach the customer"),
            sentence=gettext_lazy("Order %(number)s: “%(message)s” could not be delivered by %(channel)s (%(error)s)."),
            severity=Severity.NORMAL,
            role=Role.SERVICE_AGENT,
            within=timedelta(hours=4),
            icon="mail-x",
            actions=(
                Suggestion(
                    code="send_again",
                    label=gettext_lazy("Send it again"),
                    icon="send",
                    perform=_resend,
                    permission=Permission.WORK_EXCEPTIONS,
                ),
            ),
        )
    )
