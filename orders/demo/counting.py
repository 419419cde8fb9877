"""What Berlin counts: a task that the rules gave, half done, and a count that waits for the manager."""

from datetime import datetime, timedelta

from commerce.actors import Actor
from inventory import timeline
from inventory.counting import CountKind
from inventory.ledger import LevelKey
from inventory.replenishment import demand
from inventory.stocktaking import counts, lists
from inventory.stocktaking import figures as count_figures
from inventory.stocktaking.figures import Figure
from orders.demo.retailer import Retailer, minted, minted_at

BERLIN = "BER01"
KNIVES = "Küche/Schneiden"
MISSING = 7  # more pieces than one person may decide about alone
COUNTED_OF_TASK = 2


def count(shop: Retailer, *, now: datetime) -> None:
    """Begin two counts in Berlin and hand one of them in. Needs an open transaction, goods and trade."""
    last = 0
    while (portion := demand.count(after=last))[0]:  # what sold most is counted most often
        last = portion[1]
    here = shop.locations[BERLIN].id
    colleague, clerk = (Actor.staff(shop.staff[name]) for name in ("clerk2.berlin", "clerk.berlin"))
    began_at = now - timedelta(minutes=70)
    had = {sku: pieces for (code, sku), pieces in shop.opening.items() if code == BERLIN and pieces > 2 * MISSING}
    knives = sorted(sku for sku in had if shop.articles[sku].category == KNIVES)[:3]
    knife_count = minted("count", KNIVES)
    counts.begin(
        knife_count, location_id=here, kind=CountKind.FREE, note="Messer nach dem Umräumen", by=colleague, at=began_at
    )
    counted_at = now - timedelta(minutes=60)
    books = timeline.on_hand_at([(LevelKey(shop.products[sku], here), counted_at) for sku in knives])
    figures = [
        _figure(shop, sku, max(pieces - (MISSING, 0, -1)[place], 0), counted_at)
        for place, (sku, pieces) in enumerate(zip(knives, books, strict=True))
    ]
    count_figures.record(knife_count, figures, station="iPhone Lager", by=colleague, at=counted_at)
    counts.hand_in(knife_count, by=colleague, at=now - timedelta(minutes=50))

    task = minted("count", "task")
    ref = counts.begin(task, location_id=here, kind=CountKind.DIRECTED, by=clerk, at=now - timedelta(minutes=30))
    counted_at = now - timedelta(minutes=10)
    seen = lists.sheet(ref, by=clerk).left[:COUNTED_OF_TASK]
    books = timeline.on_hand_at([(LevelKey(item.product_id, here), counted_at) for item in seen])
    figures = [_figure(shop, item.sku, pieces, counted_at) for item, pieces in zip(seen, books, strict=True) if pieces]
    if figures:
        count_figures.record(task, figures, station="Scanner 2", by=clerk, at=counted_at)


def _figure(shop: Retailer, sku: str, pieces: int, at: datetime) -> Figure:
    return Figure(id=minted_at(at, "counted", sku), text=shop.articles[sku].gtin, quantity=pieces, counted_at=at)
