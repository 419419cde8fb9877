"""What happens on the demo's shop floors right now: a wave that a colleague picks in Berlin, parcels on the table in Kassel."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from commerce.actors import Actor
from commerce.transactions import savepoint
from inventory.errors import GoodsAwaited
from orders import picking, pickup
from orders.demo import people
from orders.demo.retailer import Retailer, minted
from orders.lifecycle import COLLECTED, State
from orders.models import Fulfilment, FulfilmentLine
from orders.packing import parcels
from orders.waves import rounds, totes

if TYPE_CHECKING:
    from commerce.models import User

BERLIN, WAREHOUSE = "BER01", "LAGER-DE"
PICKER = "clerk2.berlin"
IN_THE_WAVE = 2
LEFT_IN_QUEUE = 2  # so that there is something for whoever looks first
GRAMS = 1_400
ON_THE_TABLE = 2


def work(shop: Retailer, *, now: datetime) -> None:
    """Let people be in the middle of their work. Needs an open transaction, goods and trade."""
    _wave(shop, now=now)
    _parcels(shop, now=now)


def _wave(shop: Retailer, *, now: datetime) -> None:
    place = shop.locations[BERLIN].id
    waiting = list(
        Fulfilment.objects.filter(
            location_id=place, state=State.PLACED.value, method__in=list(COLLECTED), order__held_for=[]
        ).order_by("-promised_at")
    )
    chosen = [one.id for one in waiting[: max(min(IN_THE_WAVE, len(waiting) - LEFT_IN_QUEUE), 0)]]
    if not chosen:
        return
    user = shop.staff[PICKER]
    by = Actor.staff(user)
    wave = rounds.begin(minted("wave", BERLIN), place, chosen, user=user, by=by, at=now - timedelta(minutes=6)).wave
    line = FulfilmentLine.objects.filter(fulfilment_id__in=chosen).select_related("product").order_by("id").first()
    if line is not None:
        scan_id, at = minted("wave scan", BERLIN), now - timedelta(minutes=4)
        totes.scan(wave.id, scan_id, line.product.sku, user=user, by=by, at=at)


def _parcels(shop: Retailer, *, now: datetime) -> None:
    """One shipment is packed and weighed, another lies open on the table; their labels are one tap away."""
    here = Fulfilment.objects.filter(location_id=shop.locations[WAREHOUSE].id, order__held_for=[])
    user = shop.staff[people.clerk_at(WAREHOUSE)]
    by = Actor.staff(user)
    for one in here.filter(state=State.PLACED.value).order_by("promised_at", "id")[:ON_THE_TABLE]:
        try:
            with savepoint():
                _pick(one, user=user, by=by, at=now - timedelta(minutes=20))
        except GoodsAwaited:
            continue  # it waits for goods and stays in the queue
    ready = here.filter(state=State.READY.value)
    for number, one in enumerate(ready.order_by("promised_at", "id")[:ON_THE_TABLE]):
        parcel_id = parcels.open_parcel(one.id, user=user, by=by, at=now - timedelta(minutes=9))
        parcels.pack_rest(parcel_id, user=user, by=by, at=now - timedelta(minutes=8))
        if number == 0:
            parcels.close(parcel_id, weight_grams=GRAMS, user=user, by=by, at=now - timedelta(minutes=7))


def _pick(one: Fulfilment, *, user: "User", by: Actor, at: datetime) -> None:
    """Let somebody pick a shipment as a whole."""
    pickup.accept(one.id, user=user, by=by, at=at)
    for line in FulfilmentLine.objects.filter(fulfilment=one).select_related("product"):
        for piece in range(line.missing):
            scan_id = minted("pick", str(one.order.number), line.product.sku, str(piece))
            picking.scan(one.id, scan_id, line.product.sku, user=user, by=by, at=at)
    pickup.mark_ready(one.id, user=user, by=by, at=at + timedelta(minutes=5))
