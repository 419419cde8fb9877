"""Changing an order: look at what would change, then confirm exactly that, in one transaction.

A preview makes the change in a savepoint and undoes it, so it is what a confirmation does, to the piece and the cent. A
confirmation makes it again and compares fingerprints; when anything that matters is another now (the order, a price, where
goods are), nothing is changed and the refusal holds the new preview.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from commerce import ids
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.roles import Role
from commerce.transactions import savepoint, transaction_required
from inventory.promising import purchase_limits
from orders import errors, events, exceptions, fulfilment, lifecycle
from orders.amendments import additions, addresses, divisions, documents, methods, reductions
from orders.amendments.documents import Preview
from orders.amendments.reductions import PutBack
from orders.amendments.wishes import LONGEST_REASON, MOST_DIVISIONS, MOST_LINES, Amendment
from orders.fulfilment import Work
from orders.intake import METHODS
from orders.lifecycle import OrderStatus, State
from orders.models import OrderAmendment

MOST_PIECES = 9_999
PUT_BACK = "goods_to_put_back"


class _Undo(Exception):
    """Ends the savepoint of a preview."""

    def __init__(self, made: Preview) -> None:
        super().__init__("only looked at")
        self.made = made


@transaction_required
def preview(order_id: UUID, wanted: Amendment, *, by: Actor, at: datetime, channel_id: int | None = None) -> Preview:
    """Return what a change would do, and do nothing. Raises: what `confirm` raises but PreviewOutdated."""
    try:
        with savepoint():
            made, _work, _put_back = _make(order_id, wanted, by=by, at=at, channel_id=channel_id)
            raise _Undo(made)
    except _Undo as undone:
        return undone.made


@transaction_required
def confirm(
    order_id: UUID, wanted: Amendment, basis: str, *, by: Actor, at: datetime, channel_id: int | None = None
) -> UUID:
    """Change an order as its preview said and return the amendment; nothing stays when any part of it is refused.

    Raises: PreviewOutdated with the new preview; CannotChange, AddressNotServed, InsufficientStock, PurchaseLimitReached,
    InvalidInput, OrderNotFound, FulfilmentNotFound, and what pricing refuses.
    """
    made, work, put_back = _make(order_id, wanted, by=by, at=at, channel_id=channel_id)
    if made.basis != basis:
        raise errors.PreviewOutdated(
            "The order, a price or the stock has changed since the preview; look at the new one and confirm that.",
            preview={"basis": made.basis, **made.document},
        )
    sums = made.document["totals"]
    moved = Counter[str]()
    for line in made.document["lines"]:
        step = line["quantity_after"] - line["quantity_before"]
        moved["added" if step > 0 else "cancelled"] += abs(step)
    row = OrderAmendment.objects.create(
        id=ids.new(),
        order=work.order,
        from_version=work.order.version,
        difference_minor=made.difference_minor,
        document=made.document,
        reason=wanted.reason,
        made_by=by.label[:200],
        made_at=at,
    )
    fulfilment.conclude(
        work,
        verb="orders.amendments.changing.confirm",
        event=events.OrderCancelled if work.status is OrderStatus.CANCELLED else events.OrderChanged,
        told={}
        if work.status is OrderStatus.CANCELLED
        else {
            "amendment_id": row.pk,
            "difference_minor": made.difference_minor,
            "pieces_added": moved["added"],
            "pieces_cancelled": moved["cancelled"],
            "is_readdressed": bool(made.document["is_readdressed"]),
        },
        by=by,
        at=at,
        before={"pieces": sums["pieces_before"], "total_minor": sums["before_minor"]},
        after={"pieces": sums["pieces_after"], "total_minor": sums["after_minor"], "amendment": str(row.pk)},
        reason=wanted.reason,
    )
    for one in put_back:
        exceptions.open(
            PUT_BACK,
            subject=("fulfilment", one.fulfilment_id),
            key=f"{PUT_BACK}:{row.pk}:{one.sku}",
            order_id=work.order.pk,
            location_id=one.location_id,
            facts={"number": work.order.number, "sku": one.sku, "name": one.name, "pieces": one.pieces},
            by=by,
            at=at,
        )
    return row.pk


def register() -> None:
    """Let the desk know what a change of an order leaves to do: picked goods that go back on the shelf."""
    exceptions.register(
        exceptions.Kind(
            code=PUT_BACK,
            title=_("Put goods back on the shelf"),
            sentence=_("%(number)s was changed: %(pieces)s × %(name)s (%(sku)s) are picked already and go back."),
            severity=exceptions.Severity.NORMAL,
            role=Role.CLERK,
            within=timedelta(hours=2),
            icon="undo-2",
        )
    )


def _make(
    order_id: UUID, wanted: Amendment, *, by: Actor, at: datetime, channel_id: int | None
) -> tuple[Preview, Work, list[PutBack]]:
    """Make the change up to its conclusion and return what it did, and what has to be put back."""
    _check(wanted)
    work = fulfilment.claim_order(order_id)
    order = work.order
    if channel_id is not None and order.channel_id != channel_id:
        raise errors.OrderNotFound("There is no such order.", order=str(order_id))
    if all(State(one.state) in lifecycle.TERMINAL for one in work.fulfilments):
        raise errors.CannotChange(
            f"Order {order.number} is {work.status}: nothing of it is left to change. Goods that left come back as a return.",
            status=work.status.value,
        )
    before = documents.picture(work)
    fewer, more = _steps(work, wanted.quantities)
    limited = Counter(more)
    limited.update(wanted.additions)
    for line_id, units in fewer.items():
        limited[work.order_lines[line_id].product_id] -= units
    purchase_limits.resize(order.pk, limited, at=at)  # limits before stock, as everybody locks them
    put_back: list[PutBack] = reductions.reduce(work, fewer, by=by, at=at) if fewer else []
    if more:
        additions.add(work, more, priced_at=order.placed_at, by=by, at=at)
    if wanted.additions:
        additions.add(work, wanted.additions, priced_at=at, by=by, at=at)
    if wanted.ship_to is not None:
        addresses.change(work, wanted.ship_to, leaving={one.fulfilment_id for one in wanted.methods}, by=by, at=at)
    for change in wanted.methods:
        methods.change(work, change, by=by, at=at)
    for one in wanted.divisions:
        divisions.split(work, one.fulfilment_id, one.units, by=by, at=at)
    for union in wanted.unions:
        divisions.merge(work, union.fulfilment_id, union.into, by=by, at=at)
    after = documents.picture(work)
    if before == after:
        raise _invalid("lines", None, "This changes nothing about the order.")
    return documents.preview(before, after, put_back, order.currency), work, put_back


def _steps(work: Work, quantities: Mapping[UUID, int]) -> tuple[dict[UUID, int], dict[int, int]]:
    """Return how many units fewer of which lines, and how many more of which products, are wanted."""
    fewer: dict[UUID, int] = {}
    more = Counter[int]()
    for line_id, quantity in quantities.items():
        line = work.order_lines.get(line_id)
        if line is None:
            raise _invalid("lines", str(line_id), "The order has no such line.")
        step = quantity - (line.quantity - line.cancelled)
        if step < 0:
            fewer[line_id] = -step
        elif step > 0:
            more[line.product_id] += step
    return fewer, dict(more)


def _check(wanted: Amendment) -> None:
    if wanted.is_empty:
        raise _invalid("lines", None, "Say what to change: lines, additions, ship_to, methods, split or merge.")
    if len(wanted.quantities) + len(wanted.additions) > MOST_LINES:
        raise _invalid("lines", len(wanted.quantities), f"At most {MOST_LINES} lines at once.")
    if len(wanted.divisions) + len(wanted.unions) > MOST_DIVISIONS:
        raise _invalid("split", len(wanted.divisions), f"At most {MOST_DIVISIONS} parts at once.")
    if len(wanted.methods) > MOST_DIVISIONS:
        raise _invalid("methods", len(wanted.methods), f"At most {MOST_DIVISIONS} parts at once.")
    for one in wanted.methods:
        if one.method not in METHODS:
            raise _invalid("methods.method", one.method, f"The method is one of: {', '.join(METHODS)}.")
    for name, counts in (("lines", wanted.quantities.values()), ("additions", wanted.additions.values())):
        for count in counts:
            if not (0 if name == "lines" else 1) <= count <= MOST_PIECES:
                raise _invalid(name, count, f"Pieces are counted from {0 if name == 'lines' else 1} to {MOST_PIECES}.")
    if len(wanted.reason) > LONGEST_REASON:
        raise _invalid("reason", wanted.reason[:LONGEST_REASON], f"A reason has at most {LONGEST_REASON} characters.")


def _invalid(field: str, value: Any, message: str) -> InvalidInput:
    return InvalidInput(message, errors=[{"field": field, "value": value, "message": message}])
