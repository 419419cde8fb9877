"""Deliveries: what is expected here, counting it against the order, booking it in parts, closing it short."""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commerce import catalog, clock, transactions
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import refusals, shell
from inventory.errors import PurchaseOrderNotFound
from inventory.models import PurchaseOrder
from inventory.procurement import goods_in, lists, purchase_orders
from inventory.procurement.goods_in import ReceivedLine
from inventory.procurement.lists import ExpectedDelivery
from inventory.staff import supply_words, words
from inventory.staff.delivery_forms import Count
from inventory.staff.views import SOURCE, what_is_wrong

receiving = shell.require(Permission.RECEIVE_STOCK)


@dataclass(frozen=True, slots=True)
class Group:
    """Deliveries that are expected at the same time, as the list shows them."""

    key: str  # "late", "today", "later"
    deliveries: list[ExpectedDelivery]


def today_at(store: shell.Store) -> date:
    """Return the store's own day."""
    return clock.now().astimezone(ZoneInfo(store.time_zone)).date()


@require_GET
@receiving
def deliveries(request: HttpRequest) -> HttpResponse:
    """What is expected at this store, late ones first; a scan leads to the delivery that brings the goods."""
    store = shell.here(request)
    today, text = today_at(store), shell.typed(request.GET.get("q", ""))
    found = lists.deliveries(store.id, today=today)
    hint = ""
    if text:
        wanted, hint = _matching(found, store, text)
        if len(wanted) == 1:
            return redirect("inventory-staff:delivery", wanted[0])
        found = [one for one in found if one.id in wanted] if wanted else found
    groups = {"late": [], "today": [], "later": []}  # type: dict[str, list[ExpectedDelivery]]
    for one in found:
        groups["late" if one.expected_on < today else "today" if one.expected_on == today else "later"].append(one)
    facts = {
        "groups": [Group(key, some) for key, some in groups.items() if some], "text": text, "hint": hint,
        "days": lists.DAYS_AHEAD,
    }  # fmt: skip
    return render(request, "inventory/deliveries.html", facts)


def _matching(found: list[ExpectedDelivery], store: shell.Store, text: str) -> tuple[list[UUID], str]:
    """Return the deliveries that a scan means, by number, reference or goods; else a sentence that says why none."""
    named = [one.id for one in found if text.casefold() in (one.number.casefold(), one.reference.casefold())]
    if named:
        return named, ""
    scanned = catalog.product_by_barcode(text)
    if scanned is None:
        return [], what_is_wrong(text)
    bringing = lists.bringing(scanned[0].id, store.id)
    sentence = _("No delivery that is expected here brings %(name)s. Receive it without an order.")
    return bringing, "" if bringing else sentence % {"name": scanned[0].name}


@require_http_methods(["GET", "POST"])
@receiving
def delivery(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Count a delivery against its order, then book what was counted in at once."""
    row = _here(request, order_id)
    if request.method == "GET":
        return _page(request, row, _count(row))
    count = _count(row).filled(request.POST).checked()
    if not count.is_complete:
        return _page(request, row, count, status=422)
    lines = [
        ReceivedLine(uuid5(count.id, f"{row.pk}:{product.id}:{condition.value}"), product.id, pieces, condition)
        for product, condition, pieces in count.counted()
    ]
    try:
        with transactions.transaction():
            done = goods_in.receive(row.pk, lines, by=shell.actor(request), at=clock.now(), source=SOURCE)
    except CommerceError as refusal:
        return _page(request, row, replace(count, error=refusals.sentence(refusal)), status=refusal.status)
    _say_what_was_booked(request, count, done)
    is_over = not lists.is_coming(done.order)
    return redirect("inventory-staff:deliveries") if is_over else redirect("inventory-staff:delivery", row.pk)


def _say_what_was_booked(request: HttpRequest, count: Count, done: goods_in.Received) -> None:
    if not done.booked_lines:
        messages.info(request, _("This count was booked in already; nothing was booked twice."))
        return
    sentence = ngettext("%(n)s piece was booked in.", "%(n)s pieces were booked in.", count.pieces)
    messages.success(request, sentence % {"n": count.pieces})
    if done.over:
        over = sum(done.over.values())
        more = ngettext(
            "%(n)s piece more than ordered: the manager sees it under discrepancies.",
            "%(n)s pieces more than ordered: the manager sees it under discrepancies.",
            over,
        )
        messages.warning(request, more % {"n": over})


@require_POST
@receiving
def scan(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Answer one scan, or a button of the count, with the lines as they stand now. Books nothing yet."""
    row = _here(request, order_id)
    count = _count(row).filled(request.POST)
    if "fill" in request.POST:
        return _lines(request, row, count.as_ordered())
    if "leave" in request.POST:
        return _lines(request, row, count)
    text = shell.typed(request.POST.get("accept") or request.POST.get("text", ""))
    found = catalog.product_by_barcode(text) if text else None
    if found is None:
        sentence = what_is_wrong(text) if text else _("Nothing was read. Scan again, or type the number.")
        return _lines(request, row, replace(count, error=sentence), sound="stop")
    product, pieces = found
    if not product.has_stock:
        charge = _("%(name)s has no stock of its own; it can’t be received.") % {"name": product.name}
        sentence = words.of_kit(product) or charge
        return _lines(request, row, replace(count, error=sentence), sound="stop")
    is_wanted = "accept" in request.POST
    if is_wanted and request.POST.get("pieces", "").isdecimal():
        pieces = max(int(request.POST["pieces"][:6]), 1)
    count = count.with_scan(product, pieces, is_wanted=is_wanted)
    return _lines(request, row, count, sound="stop" if count.stranger or count.error else "ok")


@require_POST
@receiving
def close(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Give up what has not come of a delivery."""
    row = _here(request, order_id)
    reason = shell.typed(request.POST.get("reason", ""))
    try:
        with transactions.transaction():
            goods_in.close(row.pk, reason=reason, by=shell.actor(request), at=clock.now(), source=SOURCE)
    except CommerceError as refusal:
        sentence = refusals.sentence(refusal) if reason else _("Say why nothing more comes; it stays with the order.")
        return _page(request, row, _count(row), close_error=sentence, status=refusal.status)
    messages.success(
        request, _("%(number)s was closed. What is missing stands under discrepancies.") % {"number": row.number}
    )
    return redirect("inventory-staff:deliveries")


def _here(request: HttpRequest, order_id: UUID) -> PurchaseOrder:
    """Return the order if it comes to the store at hand. Raises: Http404."""
    try:
        row = purchase_orders.find(order_id)
    except PurchaseOrderNotFound as unknown:
        raise Http404(unknown.message) from unknown
    if row.location_id != shell.here(request).id:
        raise Http404("The delivery goes to another place.")
    return row


def _count(row: PurchaseOrder) -> Count:
    return Count.of(lists.lines_of([row])[row.pk])


def _page(
    request: HttpRequest, row: PurchaseOrder, count: Count, *, close_error: str = "", status: int = 200
) -> HttpResponse:
    label, icon, look = supply_words.STATES[purchase_orders.PurchaseOrderState(row.state)]
    facts = {
        "order": row, "count": count, "is_coming": lists.is_coming(row), "state": label, "icon": icon, "look": look,
        "close_error": close_error, "today": today_at(shell.here(request)),
    }  # fmt: skip
    return render(request, "inventory/delivery.html", facts, status=status)


def _lines(request: HttpRequest, row: PurchaseOrder, count: Count, *, sound: str = "") -> HttpResponse:
    return render(request, "inventory/delivery_count.html", {"order": row, "count": count, "sound": sound})


def due_here(store: shell.Store) -> int:
    """Return how many deliveries wait at a store, for the menu."""
    return lists.due(store.id, today=today_at(store))
