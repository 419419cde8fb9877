"""Substitutes: other goods of the same kind for pieces that could not be found, sent or handed over only if the customer says so.

Offered by rule: same category, on the shelf of the same place, for anybody of the age that the missing goods were for, and worth
about as much. Whoever takes one pays what it costs today, and never more than for what they ordered. Goods, price, tax and what
the customer said change in one transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from commerce import catalog, queries
from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.product_refs import ProductRef
from commerce.transactions import savepoint
from inventory import availability, reservations
from inventory.errors import InsufficientStock
from inventory.places import locations
from orders import cancellation, errors, events, fulfilment, rerouting, shortages, totals
from orders.amendments import additions
from orders.floor import ShortageState
from orders.fulfilment import Work
from orders.lifecycle import Method, State
from orders.models import Fulfilment, OrderLine, Shortage
from pricing import quoting
from pricing.quotes import BasketLine

MOST_OFFERED = 3
MOST_LOOKED_AT = 200  # products of a category; a larger one is looked at in part
# How much of the missing goods' price a substitute is worth today, in per cent: less would be none, more is not given away.
CHEAPEST, DEAREST = 50, 130


@dataclass(frozen=True, slots=True)
class Substitute:
    """Goods that may come instead: what all of them cost, and what was to be paid for the missing ones."""

    product: ProductRef
    amount_minor: int
    instead_of_minor: int


def offers(work: Work, row: Shortage, *, at: datetime) -> list[Substitute]:
    """Return what a customer may have instead of missing pieces, the closest in price first; nothing in place of kits."""
    line = work.order_lines[row.line.order_line_id]
    missing = catalog.products_by_id([line.product_id])[line.product_id]
    paid = paid_minor(line, row)
    # What is sent to a store for its customer has a way of its own, which other goods would have to take, too.
    is_on_the_way = any(one.id == row.fulfilment_id and one.method == Method.SHIP_TO_STORE for one in work.fulfilments)
    if row.line.is_of_kit or is_on_the_way or not missing.category or paid < 1:
        return []
    alike = [
        product_id
        for product_id in queries.products_of_category(missing.category, after=0, at_most=MOST_LOOKED_AT)
        if product_id != missing.id
    ]
    known = {
        one.id: one
        for one in catalog.products_by_id(alike).values()
        if one.is_active
        and one.has_stock
        and not one.components
        and (one.minimum_age or 0) <= (missing.minimum_age or 0)
    }
    there = _there(work, row, known, at=at)
    found = []
    for product_id, amount in prices(work, dict.fromkeys(there, row.units), at=at).items():
        if CHEAPEST * paid <= 100 * amount <= DEAREST * paid:
            found.append(
                (abs(amount - paid), known[product_id].sku, Substitute(known[product_id], min(amount, paid), paid))
            )
    return [one for *_, one in sorted(found, key=lambda entry: entry[:2])[:MOST_OFFERED]]


def take(work: Work, row: Shortage, product_id: int, *, by: Actor, at: datetime) -> OrderLine:
    """Let goods come instead of missing pieces, as their customer chose, and return their line of the order.

    They are priced as of now and never above what was to be paid; their part of the order takes them, or one beside it.
    Raises: ChoiceOver when they are not offered (any more).
    """
    offered = next((one for one in offers(work, row, at=at) if one.product.id == product_id), None)
    if offered is None:
        raise _gone(row)
    return bring(work, row, product_id, at_most_minor=offered.instead_of_minor, by=by, at=at)


def bring(
    work: Work,
    row: Shortage,
    product_id: int,
    *,
    at_most_minor: int,
    kept_by: UUID | None = None,
    by: Actor,
    at: datetime,
) -> OrderLine:
    """Let goods come instead of missing pieces for what they cost today, `at_most_minor` at most; return their line.

    `kept_by` is the reservation that keeps them; it ends in the same transaction.

    Raises: ChoiceOver when they are not there (any more).
    """
    before = work.order.total_minor
    try:
        with savepoint():
            part = _part(work, row, at=at)
            _charge_again(work, row)
            if kept_by is not None:
                reservations.release(kept_by, channel_id=work.order.channel_id, by=by, at=at)
            [line] = additions.add(
                work,
                {product_id: row.units},
                priced_at=at,
                only_at=part,
                at_most_minor=at_most_minor,
                by=by,
                at=at,
            )
    except InsufficientStock as short:
        raise _gone(row) from short
    shortages.change(row, ShortageState.SUBSTITUTED, at=at, substitute=line)
    work.focus = part
    missing = row.line.order_line.product.sku
    fulfilment.conclude(
        work,
        verb="orders.substitutions.take",
        event=events.ShortageSettled,
        told={"sku": missing, "units": row.units, "outcome": ShortageState.SUBSTITUTED.value},
        by=by,
        at=at,
        before={"sku": missing, "total_minor": before},
        after={"sku": line.product.sku, "pieces": row.units, "total_minor": work.order.total_minor},
    )
    return line


def paid_minor(line: OrderLine, row: Shortage) -> int:
    """Return what the missing units were to cost."""
    units = int(row.restores.get(str(line.id), 0))
    standing = totals.remaining_minor(line.total_minor, line.quantity, line.cancelled)
    return totals.remaining_minor(line.total_minor, line.quantity, max(line.cancelled - units, 0)) - standing


def _there(work: Work, row: Shortage, known: Mapping[int, ProductRef], *, at: datetime) -> list[int]:
    """Return the products of which all pieces lie free at the place, as the order's channel sees it."""
    if not known:
        return []
    channel_id = work.order.channel_id
    figures = availability.figures_of_channels(known, {channel_id}, location_ids=[row.location_id], at=at)
    return [one.product_id for one in figures.get(channel_id, []) if one.available >= row.units]


def prices(work: Work, wanted: Mapping[int, int], *, at: datetime) -> dict[int, int]:
    """Return what pieces of products cost today by the order's terms; what has no price is left out."""
    baskets = [[BasketLine(product_id, units)] for product_id, units in wanted.items()]
    if not baskets:
        return {}
    verdicts = quoting.price_each(baskets, channel=additions.terms_of(work), at=at)
    return {
        product_id: verdict.total_minor
        for product_id, verdict in zip(wanted, verdicts, strict=True)
        if not isinstance(verdict, CommerceError)
    }


def is_there(work: Work, location_id: int, product: ProductRef, pieces: int, *, at: datetime) -> bool:
    """Say whether pieces of a product lie free at a place, as the order's channel sees it."""
    channel_id = work.order.channel_id
    found = availability.figures_of_channels({product.id: product}, {channel_id}, location_ids=[location_id], at=at)
    return any(one.available >= pieces for one in found.get(channel_id, []))


def price(work: Work, product_id: int, units: int, *, at: datetime) -> int:
    """Return what pieces of a product cost today by the order's terms. Raises: what pricing refuses."""
    basket = [BasketLine(product_id, units)]
    (verdict,) = quoting.price_each([basket], channel=additions.terms_of(work), at=at)
    if isinstance(verdict, CommerceError):
        raise verdict
    return verdict.total_minor


def _part(work: Work, row: Shortage, *, at: datetime) -> Fulfilment:
    """Return the part of the order that takes the goods: their own, one beside it when it is packed, else a new one."""
    own = next(one for one in work.fulfilments if one.id == row.fulfilment_id)
    if State(own.state) in additions.TAKES_MORE:
        return own
    if State(own.state) in (State.PICKED, State.READY, State.ARRIVED):
        return fulfilment.open_beside(work, own, at=at)
    place, method = locations.by_id(row.location_id), Method(own.method)
    return fulfilment.open_another(
        work, location_id=place.id, method=method, lines=(), at=at,
        **rerouting.arrange(work, row, place, method=method, at=at),
    )  # fmt: skip


def _charge_again(work: Work, row: Shortage) -> None:
    """Put charges on again that came off with the last of the goods, such as postage: something is sent after all."""
    own = row.line.order_line_id
    cancellation.cancel_pieces(
        work, {UUID(line_id): -units for line_id, units in row.restores.items() if UUID(line_id) != own}
    )


def _gone(row: Shortage) -> errors.ChoiceOver:
    return errors.ChoiceOver("That can't be had any more at this store. Choose again.", state=row.state)
