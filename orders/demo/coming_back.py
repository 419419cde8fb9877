"""What does not simply go its way in the demo: orders on hold, one that was changed, returns in every state, goodwill."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from commerce.actors import Actor
from commerce.roles import Permission
from orders import holds
from orders.amendments import changing
from orders.amendments.wishes import Amendment
from orders.demo.retailer import ACTOR, Retailer
from orders.hold_kinds import HoldKind
from orders.lifecycle import State
from orders.models import Fulfilment, OrderLine, ReturnLine
from orders.return_states import Origin, Reason
from orders.returns import counter, files, policies, refunding
from orders.returns.chances import Coming
from orders.returns.counter import Brought
from orders.returns.files import Found

BERLIN = "BER01"
MINUTE = timedelta(minutes=1)
# How far each return is: announced, on its way, here, looked at, settled, refused, called off.
FAR = ["announced", "in_transit", "received", "inspected", "settled", "refused", "cancelled"]


def come_back(shop: Retailer, *, now: datetime) -> None:
    """Hold orders, change one and let goods come back to Berlin. Needs an open transaction and trade."""
    clerk = Actor.staff(shop.staff["clerk.berlin"])
    service = Actor.staff(shop.staff["service"])
    berlin = shop.locations[BERLIN]
    _hold(shop, service, now=now)
    delivered = list(
        Fulfilment.objects.filter(state=State.HANDED_OVER.value, location__country="DE")
        .order_by("-changed_at", "id")
        .values_list("order_id", flat=True)[: len(FAR) + 3]
    )
    for place, (order_id, far) in enumerate(zip(delivered, FAR, strict=False)):
        line = OrderLine.objects.filter(order_id=order_id, cancelled=0).order_by("line_number").first()
        if line is None:
            continue
        at = now - (len(FAR) - place) * 9 * MINUTE
        return_id = files.announce(
            order_id, [Coming(line.pk, 1, Reason.DOES_NOT_FIT)], origin=Origin.CUSTOMER,
            by=Actor.customer(order_id), at=at,
        )  # fmt: skip
        if far == "cancelled":
            files.cancel(return_id, "behält es doch", by=service, at=at + MINUTE)
        if far in ("announced", "cancelled"):
            continue
        files.send(return_id, f"DEMO77{place}", by=service, at=at + MINUTE)
        if far == "in_transit":
            continue
        files.receive(return_id, berlin.id, by=clerk, at=at + 2 * MINUTE)
        if far == "refused":
            files.refuse(return_id, "deutlich gebraucht und verschmutzt", by=clerk, at=at + 3 * MINUTE)
        if far in ("received", "refused"):
            continue
        found = {
            row: Found(sellable=1)
            for row in ReturnLine.objects.filter(of_return=return_id).values_list("pk", flat=True)
        }
        files.inspect(return_id, found, by=clerk, at=at + 3 * MINUTE)
        if far == "settled":
            refunding.refund(return_id, by=clerk, at=at + 4 * MINUTE)
    policies.set_policy(days=0, product_id=shop.products["KERZ-08"], reason="geöffnet nicht mehr verkäuflich", by=ACTOR)
    policies.set_policy(days=30, channel_id=shop.channels["app"].channel_id, by=ACTOR)
    _more(delivered[len(FAR) :], berlin.id, clerk, service, now=now)


def _hold(shop: Retailer, service: Actor, *, now: datetime) -> None:
    """Two orders of Berlin's queue have to wait, and one was changed."""
    fresh = list(
        Fulfilment.objects.filter(state=State.PLACED.value, location_id=shop.locations[BERLIN].id)
        .order_by("promised_at", "id")
        .values_list("order_id", flat=True)
    )
    if len(fresh) < 4:
        return
    holds.place(fresh[-1], HoldKind.FRAUD, "drei Bestellungen mit drei Karten in einer Stunde", by=ACTOR, at=now)
    holds.place(fresh[-2], HoldKind.CUSTOMER_ASKED, "ruft morgen wieder an", by=service, at=now)
    holds.place(fresh[-2], HoldKind.PAYMENT, by=ACTOR, at=now)
    line = OrderLine.objects.filter(order_id=fresh[-3], quantity__gt=1, cancelled=0).order_by("line_number").first()
    if line is not None:
        wanted = Amendment(quantities={line.pk: line.quantity - 1}, reason="customer_asked")
        seen = changing.preview(fresh[-3], wanted, by=service, at=now)
        changing.confirm(fresh[-3], wanted, seen.basis, by=service, at=now)


def _more(order_ids: Sequence[UUID], location_id: int, clerk: Actor, service: Actor, *, now: datetime) -> None:
    """A return at the counter, goodwill that was given, and goodwill that waits for a second person."""
    if len(order_ids) < 3:
        return
    line = OrderLine.objects.filter(order_id=order_ids[0], cancelled=0).order_by("line_number").first()
    if line is not None:
        brought = [Brought(line.pk, Reason.DAMAGED, damaged=1)]
        counter.take_back(order_ids[0], brought, location_id, by=clerk, at=now - 5 * MINUTE)
    rights = frozenset({Permission.REFUND_ORDERS})
    refunding.goodwill(order_ids[1], 300, "Verpackung war eingerissen", permissions=rights, by=service, at=now)
    refunding.goodwill(order_ids[2], 150, "Abholung dauerte zu lange", permissions=frozenset(), by=service, at=now)
