"""Purchase orders of a store: lists by state, one with all that happened, writing and changing, and its steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commerce import audit, catalog, clock, transactions
from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import people, shell
from inventory.errors import PurchaseOrderNotFound
from inventory.models import PurchaseOrder, PurchaseOrderLine
from inventory.procurement import goods_in, lists, purchase_orders, suppliers
from inventory.purchasing import PurchaseOrderState, allowed_actions
from inventory.staff import discrepancy_words, supply_words, words
from inventory.staff.purchase_order_forms import Wanted
from inventory.staff.views import SOURCE, what_is_wrong

ROWS_PER_PAGE = 50

planning = shell.require(Permission.MANAGE_SUPPLY)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to an order."""

    label: Any
    icon: str
    who: str
    reason: str
    at: datetime


@require_GET
@planning
def page(request: HttpRequest) -> HttpResponse:
    """The store's orders in a state, newest first."""
    store, view = shell.here(request), request.GET.get("show", "drafts")
    view = view if view in supply_words.VIEWS else "drafts"
    counts = lists.counts([store.id])
    rows = lists.orders(states=supply_words.VIEWS[view][0], location_ids=[store.id]).order_by("-created_at", "-id")
    shown = Paginator(rows, ROWS_PER_PAGE).get_page(request.GET.get("page"))
    lines = lists.lines_of(list(shown))
    facts = {
        "view": view,
        "views": [
            (key, label, sum(counts[state.value] for state in states))
            for key, (states, label) in supply_words.VIEWS.items()
        ],
        "rows": shown,
        "orders": [(row, *_said(row), _pieces(lines[row.pk]), len(lines[row.pk])) for row in shown],
    }
    return render(request, "inventory/purchase_orders.html", facts)


@require_GET
@planning
def one(request: HttpRequest, order_id: UUID) -> HttpResponse:
    return _page(request, _here(request, order_id))


@require_http_methods(["GET", "POST"])
@planning
def write(request: HttpRequest, order_id: UUID | None = None) -> HttpResponse:
    """Write a new order, or change one that stands."""
    row = _here(request, order_id) if order_id else None
    if request.method == "GET":
        wanted = Wanted.of(row.pk, lists.lines_of([row])[row.pk]) if row else Wanted.new()
        return _form(request, row, wanted)
    wanted = Wanted.from_form(request.POST).checked()
    if not wanted.is_complete:
        return _form(request, row, wanted, status=422)
    try:
        with transactions.transaction():
            kept = _write(request, row, wanted)
    except CommerceError as refusal:
        return _form(request, row, replace(wanted, error=supply_words.refusal(refusal)), status=refusal.status)
    done = _("%(number)s was changed.") if row else _("%(number)s was drafted. Approve it, then order it.")
    messages.success(request, done % {"number": kept.number})
    return redirect("inventory-staff:purchase-order", kept.pk)


def _write(request: HttpRequest, row: PurchaseOrder | None, wanted: Wanted) -> PurchaseOrder:
    by, at = shell.actor(request), clock.now()
    if row is not None:
        return purchase_orders.change(row.pk, wanted.order_lines(), by=by, at=at)
    return purchase_orders.draft(
        wanted.id, supplier_id=suppliers.ref(wanted.supplier).id, location_id=shell.here(request).id,
        lines=wanted.order_lines(), reference=wanted.reference, note=wanted.note, by=by, at=at,
    )  # fmt: skip


@require_POST
@planning
def scan(request: HttpRequest) -> HttpResponse:
    """Answer one scan, or the removal of a line, with the lines as they stand now. Writes nothing yet."""
    wanted = Wanted.from_form(request.POST)
    if "remove" in request.POST:
        return _lines(request, wanted.without(request.POST["remove"]))
    text = shell.typed(request.POST.get("text", ""))
    found = catalog.product_by_barcode(text) if text else None
    if found is None:
        sentence = what_is_wrong(text) if text else _("Nothing was read. Scan again, or type the number.")
        return _lines(request, replace(wanted, error=sentence), sound="stop")
    product, pieces = found
    if not product.has_stock:
        charge = _("%(name)s has no stock of its own; it can’t be ordered.") % {"name": product.name}
        sentence = words.of_kit(product) or charge
        return _lines(request, replace(wanted, error=sentence), sound="stop")
    return _lines(request, wanted.with_scan(product, pieces), sound="ok")


@require_POST
@planning
def step(request: HttpRequest, order_id: UUID, action: str) -> HttpResponse:
    """Approve, order, cancel or close an order short."""
    row = _here(request, order_id)
    reason = shell.typed(request.POST.get("reason", ""))
    verbs: dict[str, Callable[[Actor, datetime], PurchaseOrder]] = {
        "approve": lambda by, at: purchase_orders.approve(row.pk, by=by, at=at),
        "order": lambda by, at: purchase_orders.order(row.pk, by=by, at=at),
        "cancel": lambda by, at: purchase_orders.cancel(row.pk, reason=reason, by=by, at=at),
        "close": lambda by, at: goods_in.close(row.pk, reason=reason, by=by, at=at, source=SOURCE),
    }
    if action not in verbs:
        raise Http404("There is no such step.")
    if action in ("cancel", "close") and not reason:
        return _page(request, row, error=_("Say why; the reason stays with the order."), failed=action, status=422)
    try:
        with transactions.transaction():
            verbs[action](shell.actor(request), clock.now())
    except CommerceError as refusal:
        return _page(
            request, _here(request, order_id), error=supply_words.refusal(refusal), failed=action, status=refusal.status
        )
    messages.success(request, f"{row.number}: {supply_words.STEPS[action][0]}")
    return redirect("inventory-staff:purchase-order", row.pk)


# --- presenting -----------------------------------------------------------------------------------------------------


def _here(request: HttpRequest, order_id: UUID) -> PurchaseOrder:
    """Return the order if it is the current store's. Raises: Http404."""
    try:
        row = purchase_orders.find(order_id)
    except PurchaseOrderNotFound as unknown:
        raise Http404(unknown.message) from unknown
    if row.location_id != shell.here(request).id:
        raise Http404("The order is for another place.")
    return row


def _said(row: PurchaseOrder) -> tuple[Any, str, str]:
    return supply_words.STATES[PurchaseOrderState(row.state)]


def _pieces(lines: Sequence[PurchaseOrderLine]) -> int:
    return sum(line.quantity for line in lines)


def _page(
    request: HttpRequest, row: PurchaseOrder, *, error: str = "", failed: str = "", status: int = 200
) -> HttpResponse:
    lines = lists.lines_of([row])[row.pk]
    label, icon, look = _said(row)
    costs = [line.unit_cost_minor * line.quantity for line in lines if line.unit_cost_minor is not None]
    facts = {
        "order": row, "lines": [(line, _money(line.unit_cost_minor, row.currency)) for line in lines], "state": label,
        "icon": icon, "look": look, "actions": allowed_actions(PurchaseOrderState(row.state)),
        "total": _money(sum(costs), row.currency) if costs and len(costs) == len(lines) else "",
        "pieces": _pieces(lines), "received": sum(line.received for line in lines), "steps": _steps(row),
        "error": error, "failed": failed,
    }  # fmt: skip
    return render(request, "inventory/purchase_order.html", facts, status=status)


def _money(minor: int | None, currency: str) -> str:
    return "" if minor is None else discrepancy_words.amount(minor, currency)


def _steps(row: PurchaseOrder) -> list[Step]:
    entries = audit.timeline("purchase_order", row.pk)
    who = people.names((entry.actor_kind, entry.actor_id) for entry in entries)
    return [
        Step(
            *supply_words.STEPS[entry.verb.rpartition(".")[2]], who[entry.actor_kind, entry.actor_id], entry.reason,
            entry.recorded_at,
        )
        for entry in reversed(entries)
    ]  # fmt: skip


def _form(request: HttpRequest, row: PurchaseOrder | None, wanted: Wanted, *, status: int = 200) -> HttpResponse:
    facts = {"order": row, "wanted": wanted, "suppliers": [] if row else suppliers.active()}
    return render(request, "inventory/purchase_order_form.html", facts, status=status)


def _lines(request: HttpRequest, wanted: Wanted, *, sound: str = "") -> HttpResponse:
    return render(request, "inventory/purchase_order_lines.html", {"wanted": wanted, "sound": sound})
