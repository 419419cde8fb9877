"""What happens on the demo's shop floors right now: a wave that a colleague picks in Berlin, parcels on the table in Kassel."""

from datetime import datetime, timedelta

from commerce.actors import Actor
from orders.demo import people
from orders.demo.retailer import Retailer, minted
from orders.lifecycle import COLLECTED, State
from orders.models import Fulfilment, FulfilmentLine
from orders.packing import parcels
from orders.waves import rounds, totes

BERLIN, WAREHOUSE = "BER01", "LAGER-DE"
PICKER = "clerk2.berlin"
IN_THE_WAVE = 2
LEFT_IN_QUEUE = 2  # so that there is something for whoever looks first
GRAMS = 1_400


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
    ready = Fulfilment.objects.filter(location_id=shop.locations[WAREHOUSE].id, state=State.READY.value)
    user = shop.staff[people.clerk_at(WAREHOUSE)]
    by = Actor.staff(user)
    for number, one in enumerate(ready.order_by("promised_at", "id")[:2]):
        parcel_id = parcels.open_parcel(one.id, user=user, by=by, at=now - timedelta(minutes=9))
        parcels.pack_rest(parcel_id, user=user, by=by, at=now - timedelta(minutes=8))
        if number == 0:
            parcels.close(parcel_id, weight_grams=GRAMS, user=user, by=by, at=now - timedelta(minutes=7))
