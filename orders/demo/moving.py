"""What is on its way between the demo's places, and on which shelves goods lie in Berlin."""

from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from commerce.actors import Actor
from inventory import shelves
from inventory.places import transit
from inventory.transport import transfers
from inventory.transport.transfers import Arrival, Wanted
from orders.demo import people
from orders.demo.retailer import ACTOR, Retailer, minted, minted_at

BERLIN, STEGLITZ, HAMBURG, WAREHOUSE = "BER01", "BER02", "HAM01", "LAGER-DE"
PLENTY = 15  # pieces that a store needs to have had, so that some are free to leave whatever was sold
SEVERAL = 4  # pieces; what was less has no shelf yet, so that there is something to put away
TO_A_SHELF = 8
LEVELS = 4  # shelves above each other
ACROSS_TOWN_KM, ACROSS_THE_COUNTRY_KM = 60, 900


def move(shop: Retailer, *, now: datetime) -> None:
    """Put goods on shelves, say how long vans take, and write transfers in every state. Needs a transaction, goods, trade."""
    _put_away(shop, now=now)
    _roads(shop)
    here = now.astimezone(ZoneInfo(shop.locations[BERLIN].time_zone)).date()
    a_day = timedelta(days=1)
    cases = [sku for sku in shop.well_stocked(WAREHOUSE, 60) if shop.articles[sku].case_of]
    lines = [
        Wanted(shop.products[sku], shop.articles[sku].case_of * 2, shop.articles[sku].case_of) for sku in cases[:4]
    ]
    _sent(shop, WAREHOUSE, BERLIN, lines, sent_at=now - timedelta(hours=20), day=here, note="Nachschub Wochenende")

    lines = [Wanted(shop.products[sku], 3) for sku in shop.well_stocked(HAMBURG, PLENTY)[:3]]
    late = _sent(shop, HAMBURG, BERLIN, lines, sent_at=now - 2 * a_day, day=here - a_day)
    first = Arrival(minted_at(now, "arrival", BERLIN), lines[0].product_id, lines[0].quantity)
    part = Arrival(minted_at(now, "arrival", BERLIN, 2), lines[1].product_id, 2)
    transfers.receive(late, [first, part], by=_clerk(shop, BERLIN), at=now - timedelta(hours=1))

    plenty = shop.well_stocked(BERLIN, PLENTY)
    lines = [Wanted(shop.products[sku], 2) for sku in plenty[:3]]
    _sent(shop, BERLIN, HAMBURG, lines, sent_at=now - timedelta(hours=3))
    lines = [Wanted(shop.products[sku], 2) for sku in plenty[3:6]]
    _draft(shop, BERLIN, STEGLITZ, lines, at=now - timedelta(minutes=25), note="fehlt in Steglitz")


def _draft(shop: Retailer, origin: str, destination: str, lines: list[Wanted], *, at: datetime, note: str = "") -> UUID:
    transfer_id = minted("transfer", origin, destination)
    transfers.draft(
        transfer_id, origin_id=shop.locations[origin].id, destination_id=shop.locations[destination].id, lines=lines,
        note=note, source="demo", by=_clerk(shop, origin), at=at,
    )  # fmt: skip
    return transfer_id


def _sent(
    shop: Retailer, origin: str, destination: str, lines: list[Wanted], *, sent_at: datetime, day: date | None = None,
    note: str = "",
) -> UUID:  # fmt: skip
    transfer_id = _draft(shop, origin, destination, lines, at=sent_at, note=note)
    transfers.send(transfer_id, expected_on=day, by=_clerk(shop, origin), at=sent_at)
    return transfer_id


def _roads(shop: Retailer) -> None:
    """Our vans are across town and from the warehouse overnight, across the country on the third day."""
    transit.add(up_to_km=ACROSS_TOWN_KM, days=1, by=ACTOR)
    transit.add(up_to_km=ACROSS_THE_COUNTRY_KM, days=2, by=ACTOR)
    for destination in (BERLIN, STEGLITZ, HAMBURG):
        transit.add(
            origin_id=shop.locations[WAREHOUSE].id, destination_id=shop.locations[destination].id, days=1, by=ACTOR
        )


def _put_away(shop: Retailer, *, now: datetime) -> None:
    """Goods of a kind lie together: bays by category, a few products on each shelf."""
    skus = sorted(shop.well_stocked(BERLIN, SEVERAL), key=lambda sku: (shop.articles[sku].category, sku))
    for number, start in enumerate(range(0, len(skus), TO_A_SHELF)):
        bay, level = divmod(number, LEVELS)
        shelves.put_away(
            shop.locations[BERLIN].id, f"A-{bay + 1:02d}-{level + 1}",
            [shop.products[sku] for sku in skus[start : start + TO_A_SHELF]], by=_clerk(shop, BERLIN), at=now,
        )  # fmt: skip


def _clerk(shop: Retailer, code: str) -> Actor:
    return Actor.staff(shop.staff[people.clerk_at(code)])
