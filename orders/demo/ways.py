"""The ways of the demo's orders: mixed in one, a marketplace's prices, no place yet, two in one parcel, to a store, late."""

from datetime import datetime, timedelta

from commerce.channels.contracts import ChannelPricing, IncomingCustomer, IncomingLine, IncomingOrder, LinePrice
from commerce.errors import CommerceError
from commerce.transactions import savepoint
from inventory import availability
from orders import holds, intake_terms, placement, promise_watch, promises
from orders.demo import people, places
from orders.demo.retailer import ACTOR, Retailer
from orders.hold_kinds import HoldKind
from orders.intake_terms import Terms
from orders.lifecycle import COLLECTED, State
from orders.models import Fulfilment

BERLIN, STORE = "BER01", "HAM01"
GROSS_MINOR, VAT_MINOR, VAT = 1_990, 318, 1_900
LATE = timedelta(minutes=6)


def show(shop: Retailer, *, now: datetime) -> None:
    """Place an order of every way, where goods and windows allow. Needs an open transaction and trade."""
    for way in (_mixed, _priced, _without_a_place, _in_one_parcel, _to_a_store):
        try:
            with savepoint():
                way(shop, now)
        except CommerceError:  # sold out in the demo's week: the others are shown all the same
            continue
    _late(shop, now)


def _mixed(shop: Retailer, now: datetime) -> None:
    first, second = _there(shop, BERLIN, "web-de", now)[:2]
    place = shop.locations[BERLIN]
    window = next(
        one.starts_at for one in promises.windows(place, "pickup", at=now, days=place.pickup_horizon_days) if one.left
    )
    pickup = IncomingLine(product_id=first, quantity=1, method="pickup", location_id=place.id, window_starts_at=window)
    _place(shop, now, "web-de", "M-00001", 301, (pickup, IncomingLine(product_id=second, quantity=1)))


def _priced(shop: Retailer, now: datetime) -> None:
    """A marketplace names its own prices, and its orders wait a moment for their places."""
    channel = shop.channels["marketplace"]
    intake_terms.agree(channel.channel_id, Terms(may_price=True, tolerance_minor=2), by=ACTOR)
    product = _there(shop, BERLIN, "marketplace", now)[0]
    price = LinePrice(unit_price_minor=GROSS_MINOR, total_minor=GROSS_MINOR, tax_minor=VAT_MINOR, tax_basis_points=VAT)
    pricing = ChannelPricing(currency="EUR", is_gross=True, total_minor=GROSS_MINOR, tax_minor=VAT_MINOR)
    line = IncomingLine(product_id=product, quantity=1, price=price)
    _place(shop, now, "marketplace", "GM-00001", 302, (line,), pricing=pricing)


def _without_a_place(shop: Retailer, now: datetime) -> None:
    channel = shop.channels["marketplace"]
    known = intake_terms.of(channel.channel_id)
    terms = Terms(known.may_price, known.tolerance_minor, known.may_choose_place, True, known.shipping_product_id)
    intake_terms.agree(channel.channel_id, terms, by=ACTOR)
    product = _there(shop, BERLIN, "marketplace", now)[0]
    line = IncomingLine(product_id=product, quantity=1)
    placed = _place(shop, now, "marketplace", "GM-00002", 303, (line,))
    holds.place(placed.order.id, HoldKind.ADDRESS, "Hausnummer fehlt, Rückfrage beim Kunden", by=ACTOR, at=now)


def _in_one_parcel(shop: Retailer, now: datetime) -> None:
    """Somebody orders twice within a minute; the worker gives both their place, and they travel as one parcel."""
    first, second = _there(shop, BERLIN, "marketplace", now)[:2]
    for reference, product in (("GM-00003", first), ("GM-00004", second)):
        _place(shop, now, "marketplace", reference, 305, (IncomingLine(product_id=product, quantity=1),))


def _to_a_store(shop: Retailer, now: datetime) -> None:
    store = shop.locations[STORE]
    product = _there(shop, BERLIN, "web-de", now)[0]
    line = IncomingLine(product_id=product, quantity=1)
    _place(shop, now, "web-de", "F-00001", 304, (line,), method="ship_to_store", location_id=store.id)


def _late(shop: Retailer, now: datetime) -> None:
    """A pickup that nobody got to: its customer is told when it will be ready."""
    late = Fulfilment.objects.filter(
        location_id=shop.locations[BERLIN].id, state=State.PLACED.value, promised_at__lte=now - LATE, order__held_for=[],
        method__in=[one.value for one in COLLECTED],
    ).order_by("promised_at", "id")  # fmt: skip
    first = late.first()
    if first is not None and late.count() > 1:  # another one stays as it was, late and not told
        promise_watch.revise(first.pk, by=ACTOR, at=now)


def _there(shop: Retailer, location: str, channel: str, now: datetime) -> list[int]:
    """Return products of which a place has most, by what a channel sees."""
    figures = availability.figures_of_channels(
        shop.products.values(), {shop.channels[channel].channel_id}, location_ids=[shop.locations[location].id], at=now
    )
    found = [one for one in figures.get(shop.channels[channel].channel_id, []) if one.available > 1]
    return [one.product_id for one in sorted(found, key=lambda one: (-one.available, one.product_id))]


def _place(
    shop: Retailer, now: datetime, channel: str, reference: str, customer: int, lines: tuple[IncomingLine, ...],
    *, method: str = "ship", location_id: int | None = None, pricing: ChannelPricing | None = None,
) -> placement.PlacedOrder:  # fmt: skip
    _, postal_code, city, *_ = places.POSTAL_PLACES[0]
    terms = shop.channels[channel]
    person = people.customer(customer, terms.country)
    return placement.place(
        IncomingOrder(
            external_reference=reference, method=method, lines=lines, location_id=location_id, pricing=pricing,
            customer=IncomingCustomer(name=person.name, email=person.email),
            ship_to={"street": "Ahornweg 12", "postal_code": postal_code, "city": city, "country": "DE"},
        ),
        channel=terms, by=shop.actors[channel], at=now,
    )  # fmt: skip
