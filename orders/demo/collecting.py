"""People who come for their orders at the demo's station store: on the way, outside in a car, or sent by somebody else."""

from datetime import datetime, timedelta

from commerce.actors import Actor
from orders import exceptions, pickup_watch, reminders, visits
from orders.demo.retailer import ACTOR, Retailer
from orders.exceptions import cases
from orders.exceptions.cases import Filters
from orders.lifecycle import COLLECTED, State
from orders.models import Fulfilment

BERLIN = "BER01"
CARS = (("blauer Kombi", "B-KO 1234"), ("weißer Transporter", "B-HG 77"))


def collect(shop: Retailer, *, now: datetime) -> None:
    """Let customers say how they come, and put on the desk what is late. Needs an open transaction and trade."""
    here = shop.locations[BERLIN].id
    fetched = Fulfilment.objects.filter(location_id=here, method__in=[one.value for one in COLLECTED]).order_by("id")
    for (car, plate), row in zip(CARS, fetched.filter(state=State.ARRIVED.value), strict=False):
        visits.here(row.pk, bay=row.bay, car=car, plate=plate, by=Actor.customer(row.order_id), at=now)
    ready = list(fetched.filter(state=State.READY.value)[:2])
    if ready:
        visits.on_my_way(ready[0].pk, minutes=10, by=Actor.customer(ready[0].order_id), at=now)
    if len(ready) > 1:
        visits.name_helper(ready[1].pk, name="Max Muster", by=Actor.customer(ready[1].order_id), at=now)
    reminders.set_step(message="pickup.reminder", hours_before=24, location_id=here, by=ACTOR)
    reminders.set_step(message="pickup.last_day", hours_before=6, location_id=here, by=ACTOR)
    pickup_watch.look(by=Actor.system("pickups"), at=now)
    waiting = cases.listed(Filters(location_ids=[here], kind=pickup_watch.RETURN))
    for case in waiting[:1]:
        exceptions.snooze(
            case.id, until=now + timedelta(hours=20), reason="Kundin kommt morgen früh vorbei", by=ACTOR, at=now
        )
