"""The stock feed: tells every channel that lists a product what it may sell of it now, newest value only."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

import orjson
from django.db import connection

from commerce import outbox, queries
from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory import availability, kits, ledger
from inventory.availability import Figure
from inventory.events import AvailabilityChanged
from inventory.places import locations
from inventory.sharing import buffers

PRODUCTS_AT_ONCE = 500  # locked together; more are told in portions
FEEDER = Actor.system("stock feed")

_LOCK_FIGURES = """
SELECT f.id, f.channel_id, f.product_id, f.version, f.available, f.backorderable, f.by_location
FROM inventory_feedfigure f
WHERE (f.channel_id, f.product_id) IN (SELECT * FROM unnest(%s::bigint[], %s::bigint[]))
ORDER BY f.channel_id, f.product_id FOR UPDATE
"""

_ADD_FIGURES = """
INSERT INTO inventory_feedfigure (channel_id, product_id, version, available, backorderable, by_location, told_at)
SELECT channel_id, product_id, 0, 0, 0, '{}', %s FROM unnest(%s::bigint[], %s::bigint[]) AS f (channel_id, product_id)
ORDER BY channel_id, product_id ON CONFLICT ON CONSTRAINT feed_figure_once DO NOTHING
"""

_WRITE_FIGURES = """
UPDATE inventory_feedfigure f SET version = w.version, available = w.available, backorderable = w.backorderable,
    by_location = w.by_location, told_at = %s
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::jsonb[])
    AS w (id, version, available, backorderable, by_location)
WHERE f.id = w.id
"""


@transaction_required
def tell(product_ids: Iterable[int], *, at: datetime, again_to: int | None = None) -> int:
    """Publish `availability.changed` for every channel that lists one of the products and would now read another number.

    A kit reads another number when one of its components does.
    A channel that shows something else than it was told is told again: `again_to` is its id.
    The rows are locked before the figures are read, so of two feeders the later always tells the newer value.
    Returns the number of events published.
    """
    listings = queries.listings_of(kits.with_kits_of(product_ids))
    if not listings:
        return 0
    pairs = sorted((listing.channel_id, listing.product_id) for listing in listings)
    columns = [ledger.numbers(pair[0] for pair in pairs), ledger.numbers(pair[1] for pair in pairs)]
    with connection.cursor() as cursor:
        cursor.execute(_ADD_FIGURES, [at, *columns])
        cursor.execute(_LOCK_FIGURES, columns)
        told = {(row[1], row[2]): row for row in cursor.fetchall()}
    if buffers.has_obligations():
        buffers.forget()  # what was just taken from a guarantee is no longer withheld
    seen: dict[tuple[int, int], list[Figure]] = defaultdict(list)
    for channel_id, figures in _figures(pairs, at=at).items():
        for figure in figures:
            locations.by_id(figure.location_id)  # a place that is new to this process has to count below, and in time
            seen[channel_id, figure.product_id].append(figure)

    changed, events = [], []
    for listing in sorted(listings, key=lambda listing: (listing.channel_id, listing.product_id)):
        row_id, _, _, version, available, backorderable, by_location = told[listing.channel_id, listing.product_id]
        serving = {place.id: place.code for place in locations.serving(listing.country)}
        there = [figure for figure in seen[listing.channel_id, listing.product_id] if figure.location_id in serving]
        now_by_location = {serving[figure.location_id]: figure.available for figure in there}
        total, later = availability.total(there), sum(figure.backorderable for figure in there)
        if (
            version
            and listing.channel_id != again_to
            and (total, later) == (available, backorderable)
            and now_by_location == orjson.loads(by_location)
        ):
            continue
        changed.append((row_id, version + 1, total, later, now_by_location))
        events.append(
            AvailabilityChanged(
                aggregate_sequence=version + 1, channel_id=listing.channel_id, occurred_at=at, product_id=listing.product_id,
                sku=listing.sku, version=version + 1, available=total, backorderable=later,
                locations=now_by_location, as_of=at,
            )
        )  # fmt: skip
    if changed:
        ids, versions, totals, laters, maps = zip(*changed, strict=True)
        with connection.cursor() as cursor:
            cursor.execute(
                _WRITE_FIGURES,
                [
                    at, ledger.numbers(ids), ledger.numbers(versions), ledger.numbers(totals),
                    ledger.numbers(laters), [orjson.dumps(by_location).decode() for by_location in maps],
                ],
            )  # fmt: skip
        outbox.publish(events, by=FEEDER)
    return len(events)


def _figures(pairs: Iterable[tuple[int, int]], *, at: datetime) -> dict[int, list[Figure]]:
    """Return the figures of each channel's products as it sees them, from one reading for all channels."""
    products: dict[int, set[int]] = defaultdict(set)
    for channel_id, product_id in pairs:
        products[channel_id].add(product_id)
    found = availability.figures_of_channels(set().union(*products.values()), products, at=at)
    return {
        channel_id: [figure for figure in figures if figure.product_id in products[channel_id]]
        for channel_id, figures in found.items()
    }
