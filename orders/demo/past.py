"""What Ackerblau sold in the half year before: the journal's past movements, so that forecasts have something to go by."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from inventory import history
from inventory.history import PastMovement
from inventory.stock import Counterparty, EntryKind
from orders.demo import trade
from orders.demo.retailer import ACTOR, SEED, Retailer, minted_at

SOURCE = "demo past"
WEEKS = 26
DELIVERED_EVERY = 4  # weeks
BEFORE_TRADE = timedelta(
    hours=12
)  # the first orders of the week of trade were placed up to ten hours before its first day
CHANCES_A_DAY = 3  # customers a day who may take a piece
# Pieces a week: at the store in Berlin, and how they rise (or fall) from the first week to the last.
SOLD = {
    "LICH-01": (3.0, 2.2), "LICH-03": (2.5, 2.5), "KERZ-01": (4.0, 1.6), "KERZ-08": (5.0, 1.8), "TEES-01": (4.0, 1.3),
    "HONI-01": (3.0, 1.0), "TASS-01": (2.5, 1.1), "TASS-05": (2.0, 1.0), "SEIF-01": (5.0, 1.0), "BIRN-02": (4.0, 1.2),
    "VOGL-04": (2.5, 1.8), "HAND-03": (2.0, 0.5),
}  # fmt: skip
SHARES = {"BER01": 1.0, "BER02": 0.7, "HAM01": 0.8, "LEJ01": 0.3, "CGN01": 0.6}
# Sold out for the second half of two deliveries: weeks whose demand nobody saw.
RAN_OUT = ("SEIF-01", "BER01")
RAN_OUT_WEEKS = frozenset({6, 7, 14, 15})


def sell(shop: Retailer, *, now: datetime) -> None:
    """Write the past of a dozen products, up to the week of trade, into the journal; leaves on hand as it was.

    Needs an open transaction and the opening stock, before any trade.
    """
    until = now - trade.HISTORY_DAYS * trade.DAY - BEFORE_TRADE
    history.open_inbox()
    history.stage(_movements(shop, until))
    history.record(source=SOURCE, by=ACTOR, at=until)


def _movements(shop: Retailer, until: datetime) -> Iterator[PastMovement]:
    dice = random.Random(SEED + 3)  # noqa: S311 (a demo, not a secret)
    first_day = (until - timedelta(weeks=WEEKS)).replace(hour=9, minute=0)
    for sku, (per_week, rise) in SOLD.items():
        for code, share in SHARES.items():
            days = [
                0
                if (sku, code) == RAN_OUT and week in RAN_OUT_WEEKS
                else _pieces(dice, per_week * share * (1 + (rise - 1) * week / WEEKS))
                for week in range(WEEKS)
                for _day in range(7)
            ]
            for first in range(0, len(days), 7 * DELIVERED_EVERY):
                delivered = sum(days[first : first + 7 * DELIVERED_EVERY])
                if delivered:
                    at = first_day + timedelta(days=first, hours=-2)
                    yield _moved(shop, sku, code, EntryKind.RECEIVED, delivered, Counterparty.SUPPLIER, at)
            for number, pieces in enumerate(days):
                if pieces:
                    at = first_day + timedelta(days=number, hours=dice.randint(0, 9), minutes=dice.randint(0, 59))
                    if at < until:
                        yield _moved(shop, sku, code, EntryKind.HANDED_OVER, -pieces, Counterparty.CUSTOMER, at)


def _pieces(dice: random.Random, per_week: float) -> int:
    return sum(dice.random() < per_week / 7 / CHANCES_A_DAY for _ in range(CHANCES_A_DAY))


def _moved(
    shop: Retailer, sku: str, code: str, kind: EntryKind, delta: int, counterparty: Counterparty, at: datetime
) -> PastMovement:
    return PastMovement(
        id=minted_at(at, "past", sku, code, kind.value), product_id=shop.products[sku], location_id=shop.locations[code].id,
        kind=kind, delta=delta, counterparty=counterparty, occurred_at=at,
    )  # fmt: skip
