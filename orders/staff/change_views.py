"""Changing an order, on screen: say what is wanted, look at what it does, confirm exactly that."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from commerce import catalog, clock, transactions
from commerce.errors import CommerceError, InvalidInput
from commerce.roles import Permission
from commerce.staff import refusals, shell
from orders import queries
from orders.amendments import changing
from orders.amendments.documents import Preview
from orders.amendments.wishes import Amendment, Division, Union
from orders.errors import OrderNotFound, PreviewOutdated
from orders.lifecycle import DELIVERED, OrderAction, State
from orders.queries import OrderView
from orders.staff import forms, order_page, order_views, order_ways, words
from orders.staff.views import at_store, done, not_here

ADDRESS = ("street", "postal_code", "city", "country")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the form: what is ordered, how many could go at most, how many are wanted."""

    line: queries.LineView
    kept: int
    delivered: int
    wanted: str
    price: str


@require_http_methods(["GET", "POST"])
@at_store(Permission.VIEW_ORDERS)
def change(request: HttpRequest, store: shell.Store, order_id: UUID) -> HttpResponse:
    """Show the form; with what was typed also what it would do; and do that once it is confirmed."""
    try:
        order = queries.order(order_id)
    except OrderNotFound:
        return not_here(request)
    can = order_views.granted_for(request, order)
    if Permission.VIEW_ORDERS not in can:
        return not_here(request)
    if Permission.CHANGE_ORDERS not in can:
        return shell.refuse(request, Permission.CHANGE_ORDERS)
    typed = request.POST if request.method == "POST" else QueryDict()
    seen: Preview | None = None
    problem = ""
    if request.method == "POST":
        by, at = shell.actor(request), clock.now()
        try:
            wanted = _wanted(typed, order)
            with transactions.transaction():
                if typed.get("basis") and typed.get("step") == "confirm":
                    changing.confirm(order_id, wanted, typed["basis"], by=by, at=at)
                else:
                    seen = changing.preview(order_id, wanted, by=by, at=at)
            if seen is None:
                done(request, words.ORDER_CHANGED % {"number": order.number})
                return redirect("orders-staff:order", order_id)
        except PreviewOutdated as outdated:
            problem = str(refusals.sentence(outdated))
            document = dict(outdated.detail["preview"])
            seen = Preview(document.pop("basis"), document)
        except CommerceError as refusal:
            problem = refusal.message if isinstance(refusal, InvalidInput) else str(refusals.sentence(refusal))
    facts = {
        "order": order,
        "rows": _rows(order, typed),
        "typed": typed,
        "add_quantity": typed.get("add-quantity", "1"),
        "address": {name: typed.get(name, (order.ship_to or {}).get(name, "")) for name in ADDRESS},
        "may_readdress": {OrderAction.READDRESS, OrderAction.CHANGE_METHOD} & set(order.allowed_actions)
        and Permission.VIEW_CUSTOMERS in can,
        "splittable": _splittable(order, typed),
        "mergeable": _mergeable(order),
        "ways": order_ways.offered(order, typed, at=clock.now()),
        "reasons": forms.CANCEL_REASONS,
        "seen": _said(seen, order) if seen else None,
        "problem": problem,
        "is_changeable": OrderAction.CHANGE in order.allowed_actions,
    }
    return render(request, "orders/change.html", facts, status=422 if problem else 200)


def _rows(order: OrderView, typed: QueryDict) -> list[Row]:
    delivered = Counter[UUID]()
    for part in order.fulfilments:
        if State(part.state) in DELIVERED:
            for line_id, units in _units(part).items():
                delivered[line_id] += units
    return [
        Row(
            line,
            line.quantity - line.cancelled,
            delivered[line.id],
            typed.get(f"line-{line.line_number}", str(line.quantity - line.cancelled)),
            order_page.amount(line.unit_price_minor, order.currency),
        )
        for line in order.lines
    ]


def _units(part: queries.FulfilmentView) -> dict[UUID, int]:
    return {line.order_line_id: (line.quantity - line.rejected) // line.per_unit for line in part.lines}


def _splittable(order: OrderView, typed: QueryDict) -> list[dict[str, Any]]:
    """Return the parts that nobody has begun and that have more than one unit, with what may leave each."""
    names = {line.id: line for line in order.lines}
    found = []
    for number, part in enumerate(order.fulfilments, start=1):
        units = _units(part)
        if part.state != State.PLACED.value or sum(units.values()) < 2:
            continue
        lines = [
            {
                "name": f"split-{number}-{names[line_id].line_number}",
                "text": names[line_id].name,
                "most": count,
                "value": typed.get(f"split-{number}-{names[line_id].line_number}", ""),
            }
            for line_id, count in units.items()
            if count
        ]
        found.append({"number": number, "part": part, "lines": lines})
    return found


def _mergeable(order: OrderView) -> list[dict[str, str]]:
    """Return the pairs of parts that could become one."""
    fresh = [(number, one) for number, one in enumerate(order.fulfilments, start=1) if one.state == State.PLACED.value]
    return [
        {"value": f"{first[0]}-{second[0]}", "place": first[1].location.name}
        for place, first in enumerate(fresh)
        for second in fresh[place + 1 :]
        if (first[1].location_id, first[1].method, first[1].window_starts_at)
        == (second[1].location_id, second[1].method, second[1].window_starts_at)
    ]


def _wanted(typed: QueryDict, order: OrderView) -> Amendment:
    """Return what a form asks for. Raises: InvalidInput naming the field."""
    quantities = {}
    for line in order.lines:
        text = typed.get(f"line-{line.line_number}", "")
        if text != "" and (count := _whole(text, line.name)) != line.quantity - line.cancelled:
            quantities[line.id] = count
    additions: dict[int, int] = {}
    if code := typed.get("add", "").strip():
        product = catalog.product_by_barcode(code)
        ref = product[0] if product else catalog.known([code])[code]
        additions[ref.id] = _whole(typed.get("add-quantity", "") or "1", _("Quantity"))
    ship_to = None
    if "street" in typed:
        given = {name: typed.get(name, "").strip()[:160] for name in ADDRESS}
        if given != {name: str((order.ship_to or {}).get(name, "") or "") for name in ADDRESS}:
            missing = [name for name in ("postal_code", "city", "country") if not given[name]]
            if missing:
                raise InvalidInput(_("An address has a postal code, a city and a country."))
            ship_to = {**given, "country": given["country"].upper()}
    parts = dict(enumerate(order.fulfilments, start=1))
    divisions = []
    for one in _splittable(order, typed):
        units = {
            line.id: count
            for line in order.lines
            if (text := typed.get(f"split-{one['number']}-{line.line_number}", ""))
            and (count := _whole(text, line.name))
        }
        if units:
            divisions.append(Division(one["part"].id, units))
    unions = []
    if merge := typed.get("merge", ""):
        into, _dash, joining = merge.partition("-")
        if into.isdigit() and joining.isdigit() and {int(into), int(joining)} <= set(parts):
            unions.append(Union(parts[int(joining)].id, parts[int(into)].id))
    reason = typed.get("reason", "")
    note = typed.get("note", "").strip()
    said = f"{reason}: {note}" if note else reason
    ways = [
        change
        for number, part in parts.items()
        if (change := order_ways.chosen(part.id, typed.get(f"way-{number}", "")[:80])) is not None
    ]
    return Amendment(
        quantities, additions, ship_to, tuple(divisions), tuple(unions), said[: forms.LONGEST_NOTE], tuple(ways)
    )


def _whole(text: str, name: str) -> int:
    if not text.strip().isascii() or not text.strip().isdigit():
        raise InvalidInput(_("%(name)s: enter a whole number.") % {"name": name})
    return int(text.strip()[:6])


def _said(seen: Preview, order: OrderView) -> dict[str, Any]:
    """Return a preview in words and numbers."""
    document, sums = seen.document, seen.document["totals"]

    def money(minor: int) -> str:
        return order_page.amount(minor, order.currency)

    lines = [
        {**line, "before": money(line["before_minor"]), "after": money(line["after_minor"])}
        for line in document["lines"]
        if (line["quantity_before"], line["before_minor"]) != (line["quantity_after"], line["after_minor"])
    ]
    parts = [
        {
            **part,
            "method_word": words.word(words.METHODS, part["method"]),
            "before_word": words.word(words.STATES, part["state_before"]) if part["state_before"] else None,
            "after_word": words.word(words.STATES, part["state_after"]),
            "window": _instant(part["window_starts_at"]),
        }
        for part in document["fulfilments"]
        if part["pieces_before"] != part["pieces_after"]
        or part["state_before"] != part["state_after"]
        or part["method_before"] not in (None, part["method"])
    ]
    values = {"back": money(sums["back_minor"]), "more": money(sums["more_minor"])}
    return {
        "basis": seen.basis,
        "lines": lines,
        "parts": parts,
        "put_back": document["put_back"],
        "before": money(sums["before_minor"]),
        "after": money(sums["after_minor"]),
        "tax_after": money(sums["tax_after_minor"]),
        "difference": money(sums["difference_minor"]),
        "pieces_before": sums["pieces_before"],
        "pieces_after": sums["pieces_after"],
        "consequences": [str(words.CONSEQUENCES[code]) % values for code in document["consequences"]],
    }


def _instant(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
