"""More pieces: priced by the order's terms, promised from stock, added to the work where it is not too far."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from commerce import catalog, ids, queries
from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.transactions import savepoint
from inventory import allocations, availability, kits
from inventory.allocations import Demand
from inventory.errors import InsufficientStock
from orders import errors, fulfilment
from orders.fulfilment import Work
from orders.lifecycle import State
from orders.models import Fulfilment, OrderLine
from pricing import quoting, vat
from pricing.quotes import BasketLine, ChannelTerms

# Work that takes more goods on. What is packed already is not opened again: more goods get a part of their own.
TAKES_MORE = frozenset({State.PLACED, State.ACCEPTED, State.PICKING})


def add(
    work: Work,
    wanted: Mapping[int, int],
    *,
    priced_at: datetime,
    by: Actor,
    at: datetime,
    only_at: Fulfilment | None = None,
    at_most_minor: int | None = None,
) -> list[OrderLine]:
    """Add pieces of products as lines of their own and promise their goods, all or nothing; where open work takes them,
    or by one part alone. No line costs more than `at_most_minor`.

    Raises: InsufficientStock, CannotChange when no open work takes them, what pricing refuses.
    """
    lines = []
    for product_id, quantity in wanted.items():
        line = _priced(work, product_id, quantity, priced_at=priced_at, at_most_minor=at_most_minor)
        work.order_lines[line.id] = line
        work.order.total_minor += line.total_minor
        work.order.tax_minor += line.tax_minor
        _promise(work, line, only_at=only_at, by=by, at=at)
        lines.append(line)
    return lines


def terms_of(work: Work) -> ChannelTerms:
    """Return the terms by which the order's channel sells."""
    channel = next(one for one in queries.channels() if one.id == work.order.channel_id)
    return ChannelTerms(channel.id, work.order.currency, channel.country)


def _priced(work: Work, product_id: int, quantity: int, *, priced_at: datetime, at_most_minor: int | None) -> OrderLine:
    (verdict,) = quoting.price_each([[BasketLine(product_id, quantity)]], channel=terms_of(work), at=priced_at)
    if isinstance(verdict, CommerceError):
        raise verdict
    (priced,) = verdict.lines
    total, tax = verdict.total_minor, verdict.tax_minor
    if at_most_minor is not None and total > at_most_minor:
        total, tax = at_most_minor, vat.inside_gross(at_most_minor, priced.tax_basis_points)
    line = OrderLine(
        id=ids.new(),
        order=work.order,
        line_number=max(one.line_number for one in work.order_lines.values()) + 1,
        product_id=product_id,
        quantity=quantity,
        unit_price_minor=priced.unit_price_minor,
        total_minor=total,
        tax_minor=tax,
        tax_basis_points=priced.tax_basis_points,
    )
    line.save(force_insert=True)
    return OrderLine.objects.select_related("product").get(pk=line.pk)


def _promise(work: Work, line: OrderLine, *, only_at: Fulfilment | None, by: Actor, at: datetime) -> None:
    """Promise the goods of a new line where open work takes them, else at a part of their own beside packed goods."""
    product = catalog.products_by_id([line.product_id])[line.product_id]
    parts = kits.parts({product.id: product}, {product.id: line.quantity})
    if not parts:
        return  # a charge is no work for anyone
    open_work = [only_at] if only_at else [one for one in work.fulfilments if State(one.state) in TAKES_MORE]
    beside = (
        []
        if only_at
        else [one for one in work.fulfilments if State(one.state) in (State.PICKED, State.READY, State.ARRIVED)]
    )
    if not open_work and not beside:
        raise errors.CannotChange(
            "All of this order has left or is over; place a new order for more goods.", states=[work.status.value]
        )
    refusal: InsufficientStock | None = None
    for one in [*open_work, *beside]:
        demands = [Demand(line.id, part.product_id, one.location_id, part.quantity, ids.new()) for part in parts]
        try:
            with savepoint():
                allocated = allocations.allocate(demands, by=by, at=at, channel_id=work.order.channel_id)
        except InsufficientStock as short:
            refusal = refusal or short
            continue
        target = one if one in open_work else _beside(work, one, at=at)
        for part, demand in zip(parts, demands, strict=True):
            fulfilment.add_line(
                work, target, line, product_id=part.product_id, quantity=part.quantity, per_unit=part.per_unit,
                allocation_id=allocated[_key(demand)],
            )  # fmt: skip
        fulfilment.amend(work, target, at=at)
        return
    if refusal is None:
        raise LookupError("no work was tried")
    raise availability.explained(
        refusal, asked=[(line.product_id, line.quantity)], channel_id=work.order.channel_id, at=at
    )


def _key(demand: Demand) -> UUID:
    return demand.id or demand.demand_id


def _beside(work: Work, packed: Fulfilment, *, at: datetime) -> Fulfilment:
    """Open a part beside one that is packed: at the same place, by the same method, for the same window."""
    return fulfilment.open_beside(work, packed, at=at)
