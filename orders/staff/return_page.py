"""What the screens of returns show: returns and refunds in words and amounts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef

from commerce import catalog
from orders import queries
from orders.lifecycle import DELIVERED
from orders.models import Fulfilment, Order, OrderLine
from orders.return_states import ReturnState
from orders.returns.lists import LineView, RefundView, ReturnView
from orders.staff import order_page, words

MOST_FOUND = 12
# Chips of the desk: key, words, and what is shown.
FILTERS: dict[str, tuple[words.Text, dict[str, Any]]] = {
    "open": (words.RETURN_FILTERS["open"], {"is_open": True}),
    **{
        state.value: (words.RETURN_STATES[state.value].text, {"state": state.value})
        for state in ReturnState
        if state not in (ReturnState.CANCELLED,)
    },
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A return as a list shows it."""

    view: ReturnView
    word: words.Word
    origin: words.Text
    amount: str
    is_paid: bool
    goods: str


def listed(found: Iterable[ReturnView], currency: str = "") -> list[Shown]:
    """Return returns as a list shows them; the amount is what was refunded, or what they are worth before that."""
    return [
        Shown(
            view=one,
            word=words.word(words.RETURN_STATES, one.state.value),
            origin=words.ORIGINS.get(one.origin, one.origin),
            amount=order_page.amount(one.refund_minor or one.worth_minor, currency or one.currency),
            is_paid=bool(one.refund_minor),
            goods=", ".join(f"{line.quantity} × {line.name}" for line in one.live[:3])
            + (" …" if len(one.live) > 3 else ""),
        )
        for one in found
    ]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a return on its page."""

    view: LineView
    reason: words.Text
    worth: str
    refund: str
    found: str
    deduction: str


def lines(one: ReturnView) -> list[Line]:
    """Return the lines of a return in words."""
    return [
        Line(
            view=line,
            reason=words.RETURN_REASONS.get(line.reason, line.reason),
            worth=order_page.amount(line.worth_minor, one.currency),
            refund=order_page.amount(line.refund_minor, one.currency) if line.refund_minor is not None else "",
            found=", ".join(
                f"{count} {words.CONDITIONS[name]}" for name in words.CONDITIONS if (count := int(getattr(line, name)))
            ),
            deduction=order_page.amount(line.deduction_minor, one.currency) if line.deduction_minor else "",
        )
        for line in one.lines
    ]


@dataclass(frozen=True, slots=True)
class Given:
    """Money given back of an order, or asked for."""

    view: RefundView
    kind: words.Text
    amount: str
    uncovered: str


def given(found: Iterable[RefundView], currency: str) -> list[Given]:
    """Return refunds in words."""
    return [
        Given(
            one,
            words.REFUND_KINDS.get(one.kind, one.kind),
            order_page.amount(one.amount_minor, currency),
            order_page.amount(one.uncovered_minor, currency) if one.uncovered_minor else "",
        )
        for one in found
    ]


def orders_with(text: str, *, since: datetime, location_id: int) -> list[UUID]:
    """Return the latest orders that were delivered here lately and hold the product whose barcode or SKU this is."""
    found = catalog.product_by_barcode(text)
    if found is None:
        return []
    delivered = Fulfilment.objects.filter(
        order_id=OuterRef("pk"), state__in=[state.value for state in DELIVERED], location_id=location_id
    )
    holds_it = OrderLine.objects.filter(order_id=OuterRef("pk"), product_id=found[0].id)
    return list(
        Order.objects.filter(Exists(delivered), Exists(holds_it), placed_at__gte=since)
        .order_by("-placed_at", "-id")
        .values_list("id", flat=True)[:MOST_FOUND]
    )


def found(order_ids: Iterable[UUID]) -> list[order_page.Found]:
    """Return orders as a list shows them, the latest first."""
    views = queries.orders(order_ids).values()
    return [order_page.found(one) for one in sorted(views, key=lambda one: one.placed_at, reverse=True)]
