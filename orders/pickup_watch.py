"""What may go wrong with pickups, on the exceptions desk, and the alert that rings when a customer waits outside.

All of it is found by looking at how pickups stand (`look`), and each case goes away by itself when its cause does.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from commerce import clock
from commerce.actors import Actor
from commerce.events import Received
from commerce.roles import Permission, Role
from commerce.transactions import transaction_required
from inventory.places import locations
from orders import exceptions, pickup
from orders.desk import Severity
from orders.exceptions import Case, Kind, Suggestion
from orders.exceptions.cases import UNSETTLED_STATES, Filters, select
from orders.lifecycle import FETCHED, State
from orders.models import Fulfilment, PromiseRevision
from orders.notifications import alerts, devices, notices
from orders.promise_reasons import PromiseReason

LATE, OUTSIDE, RETURN, LOCKED = "pickup.late", "pickup.outside", "pickup.return_to_stock", "pickup.code_locked"
ARRIVED = "staff.arrived"
UNREADY = [
    State.PLACED.value,
    State.ACCEPTED.value,
    State.PICKING.value,
    State.PICKED.value,
    State.UNDER_WAY.value,
]
WAITS_LONG = timedelta(minutes=5)
AT_ONCE = 500


@transaction_required
def look(*, by: Actor, at: datetime) -> int:
    """Put on the desk what is late, who waits outside too long, what nobody fetched and which codes are locked.

    Return how many of them the desk did not know.
    """
    found = 0
    for kind, rows in (
        (LATE, Fulfilment.objects.filter(_is_late(at), state__in=UNREADY)),  # parcels as well
        (OUTSIDE, _fetched(state=State.ARRIVED.value, arrived_at__lt=at - WAITS_LONG)),
        (RETURN, _fetched(state=State.NO_SHOW.value)),
        (
            LOCKED,
            _fetched(
                state__in=[State.READY.value, State.ARRIVED.value], failed_code_attempts__gte=pickup.MOST_CODE_ATTEMPTS
            ),
        ),
    ):
        # Without those that are on the desk already: else the first AT_ONCE of them hide all others.
        new = rows.exclude(pk__in=_unsettled(kind)).order_by("promised_at", "id")
        for row in new.values("id", "order_id", "location_id", "order__number")[:AT_ONCE]:
            exceptions.open(
                kind,
                subject=("fulfilment", row["id"]),
                order_id=row["order_id"],
                location_id=row["location_id"],
                facts={"number": row["order__number"]},
                by=by,
                at=at,
            )
            found += 1
    return found


def _fetched(**conditions: Any) -> QuerySet[Fulfilment]:
    return Fulfilment.objects.filter(method__in=[one.value for one in FETCHED], **conditions)


def _is_late(at: datetime) -> Q:
    """What was promised by now and is not ready; a new promise makes nothing punctual."""
    broken = PromiseRevision.objects.filter(
        fulfilment_id=OuterRef("pk"),
        reason__in=[PromiseReason.LOAD.value, PromiseReason.CARRIER.value],
        promised_before__lt=at,
    )
    return Q(promised_at__lt=at) | Q(Exists(broken))


def _unsettled(kind: str) -> set[str]:
    chosen = select(Filters(location_ids=None, states=UNSETTLED_STATES, kind=kind))
    return set(chosen.values_list("subject_id", flat=True))


def _still(**conditions: Any) -> Any:
    def remains(subject_ids: Sequence[str]) -> Collection[str]:
        known = Fulfilment.objects.filter(pk__in=list(subject_ids), **conditions).values_list("id", flat=True)
        return [str(one) for one in known]

    return remains


def _still_late(subject_ids: Sequence[str]) -> Collection[str]:
    late = Fulfilment.objects.filter(_is_late(clock.now()), pk__in=list(subject_ids), state__in=UNREADY)
    return [str(one) for one in late.values_list("id", flat=True)]


def _hand_over(case: Case) -> str:
    return reverse("orders-staff:hand-over", args=[case.subject_id])


def _pick(case: Case) -> str:
    return reverse("orders-staff:pick", args=[case.subject_id])


def _order(case: Case) -> str:
    return reverse("orders-staff:order", args=[case.order_id])


def _return(case: Case, *, user: AbstractUser, by: Actor, at: datetime) -> None:
    pickup.return_to_stock(UUID(case.subject_id), user=user, by=by, at=at, reason="not collected")


def _accept(case: Case, *, user: AbstractUser, by: Actor, at: datetime) -> None:
    pickup.accept(UUID(case.subject_id), user=user, by=by, at=at)


def _is_new(case: Case) -> bool:
    return Fulfilment.objects.filter(pk=case.subject_id, state=State.PLACED.value).exists()


def register() -> None:
    """Make the kinds and the alert known. Called once when the application is ready."""
    for kind in (
        Kind(
            code=LATE,
            title=gettext_lazy("An order is late"),
            sentence=gettext_lazy("Order %(number)s was promised by now and is not ready."),
            severity=Severity.HIGH,
            role=Role.CLERK,
            within=timedelta(minutes=30),
            icon="clock-alert",
            actions=(
                Suggestion(
                    code="accept", label=gettext_lazy("Take it on now"), icon="user-check", perform=_accept, settles=False,
                    permission=Permission.WORK_PICKUPS, is_offered=_is_new,
                ),
                Suggestion(
                    code="order", label=gettext_lazy("To the order"), icon="receipt-text", page=_order,
                    permission=Permission.VIEW_ORDERS,
                ),
            ),
            remains=_still_late,
        ),
        Kind(
            code=OUTSIDE,
            title=gettext_lazy("A customer waits outside"),
            sentence=gettext_lazy("Whoever collects order %(number)s has been waiting for more than five minutes."),
            severity=Severity.CRITICAL,
            role=Role.CLERK,
            within=timedelta(minutes=5),
            icon="car",
            actions=(
                Suggestion(
                    code="hand_over", label=gettext_lazy("Hand over"), icon="hand-helping", page=_hand_over,
                    permission=Permission.WORK_PICKUPS,
                ),
            ),
            remains=_still(state=State.ARRIVED.value),
        ),
        Kind(
            code=RETURN,
            title=gettext_lazy("Nobody fetched it: back on the shelf"),
            sentence=gettext_lazy("Order %(number)s was not collected. Its goods lie on the pickup shelf and can’t be sold."),
            severity=Severity.NORMAL,
            role=Role.CLERK,
            within=timedelta(hours=24),
            icon="undo-2",
            actions=(
                Suggestion(
                    code="return", label=gettext_lazy("Back on the shelf"), icon="undo-2", perform=_return,
                    permission=Permission.WORK_PICKUPS,
                ),
                Suggestion(
                    code="hand_over", label=gettext_lazy("Hand over"), icon="hand-helping", page=_hand_over,
                    permission=Permission.WORK_PICKUPS,
                ),
            ),
            remains=_still(state=State.NO_SHOW.value),
        ),
        Kind(
            code=LOCKED,
            title=gettext_lazy("A pickup code is locked"),
            sentence=gettext_lazy("The code of order %(number)s was wrong too often. Look who collects and how they prove it."),
            severity=Severity.HIGH,
            role=Role.STORE_MANAGER,
            within=timedelta(minutes=15),
            icon="lock",
            actions=(
                Suggestion(
                    code="hand_over", label=gettext_lazy("Hand over after a check"), icon="hand-helping", page=_hand_over,
                    permission=Permission.TAKE_OVER_PICKUPS,
                ),
            ),
            remains=_still(
                state__in=[State.READY.value, State.ARRIVED.value], failed_code_attempts__gte=pickup.MOST_CODE_ATTEMPTS
            ),
        ),
    ):  # fmt: skip
        exceptions.register(kind)
    alerts.register(ARRIVED, _alert)


def ring(message: Received) -> None:
    """Ring the store's devices when a customer waits outside: once per device and arrival."""
    fulfilment_id = message.payload["fulfilment_id"]
    row = Fulfilment.objects.filter(pk=fulfilment_id).values("location_id", "arrived_at").first()
    if row is None:
        return
    notices.ring(
        devices.at_location(row["location_id"]),
        code=ARRIVED,
        event=str(fulfilment_id),
        facts={"fulfilment_id": str(fulfilment_id), "number": message.payload["number"]},
        at=clock.now(),
    )


def _alert(facts: Mapping[str, Any]) -> dict[str, Any] | None:
    row = Fulfilment.objects.filter(pk=facts["fulfilment_id"], state=State.ARRIVED.value).first()
    if row is None:
        return None
    with timezone.override(locations.by_id(row.location_id).time_zone):
        since = date_format(timezone.localtime(row.arrived_at), "H:i") if row.arrived_at else ""
    return {
        "title": _("A customer waits outside"),
        "body": _("Order %(number)s, since %(time)s") % {"number": facts["number"], "time": since},
        "url": reverse("orders-staff:hand-over", args=[row.pk]),
        "tag": str(row.pk),
    }
