"""Putting away: scan a shelf, then the goods that lie there; or goods, to see where they lie."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from commerce import audit, catalog, clock, transactions
from commerce.errors import CommerceError, InvalidInput
from commerce.roles import Permission
from commerce.staff import refusals, shell
from inventory import shelves
from inventory.staff.views import what_is_wrong

# What people pick from; anything else may be typed.
REASONS = [
    gettext_lazy("New goods"),
    gettext_lazy("Filled up"),
    gettext_lazy("Rearranged"),
    gettext_lazy("Change of season"),
    gettext_lazy("Came back"),
    gettext_lazy("Lay on the wrong shelf"),
]


@require_GET
@shell.require(Permission.MOVE_STOCK)
def page(request: HttpRequest) -> HttpResponse:
    """Show the shelf at hand and what lies on it; without one, ask for it."""
    text = shell.typed(request.GET.get("shelf", ""))
    try:
        shelf = shelves.code(text) if text else ""
    except InvalidInput:
        shelf = ""
    return render(request, "inventory/shelves.html", _facts(request, shelf))


@require_POST
@shell.require(Permission.MOVE_STOCK)
def scan(request: HttpRequest) -> HttpResponse:
    """Take one scan: goods are put on the shelf at hand, anything else is the next shelf.

    The shelf at hand travels in the form, so nothing is remembered that another device would not see.
    """
    text, shelf = shell.typed(request.POST.get("text", "")), shell.typed(request.POST.get("shelf", ""))
    found = catalog.product_by_barcode(text) if text else None
    if found is None:
        return _next_shelf(request, text, shelf)
    product = found[0]
    if not shelf:
        lies_on = shelves.of(shell.here(request).id, [product.id]).get(product.id, [])
        where = {"name": product.name, "shelves": ", ".join(lies_on)}
        if lies_on:
            return _show(
                request, "", hint=_("%(name)s lies on %(shelves)s. To put goods away, scan a shelf first.") % where
            )
        hint = _("%(name)s lies on no shelf yet. Scan the shelf first, then the goods.") % where
        return _show(request, "", hint=hint, sound="stop")
    try:
        with transactions.transaction():
            shelves.put_away(
                shell.here(request).id, shelf, [product.id], is_primary="is_primary" in request.POST,
                reason=_reason(request), by=shell.actor(request), at=clock.now(),
            )  # fmt: skip
    except CommerceError as refusal:
        return _show(request, shelf, error=refusals.sentence(refusal), sound="stop")
    return _show(request, shelf, fresh=product.id, sound="ok")


@require_POST
@shell.require(Permission.MOVE_STOCK)
def take_off(request: HttpRequest) -> HttpResponse:
    """Note that a product lies on a shelf no more."""
    shelf, sku = shell.typed(request.POST.get("shelf", "")), shell.typed(request.POST.get("sku", ""))
    product = catalog.ids_of([sku]).get(sku)
    if product is not None:
        with transactions.transaction():
            shelves.take_off(
                shell.here(request).id,
                product.id,
                shelf,
                reason=_reason(request),
                by=shell.actor(request),
                at=clock.now(),
            )
    return redirect(f"{reverse('inventory-staff:shelves')}?{urlencode({'shelf': shelf})}")


@require_POST
@shell.require(Permission.MOVE_STOCK)
def relocate(request: HttpRequest) -> HttpResponse:
    """Note that a product moved from the shelf at hand to another one, and show where it went."""
    shelf, to, sku = (shell.typed(request.POST.get(name, "")) for name in ("shelf", "to", "sku"))
    product = catalog.ids_of([sku]).get(sku)
    if product is None:
        return redirect(f"{reverse('inventory-staff:shelves')}?{urlencode({'shelf': shelf})}")
    try:
        with transactions.transaction():
            shelves.relocate(
                shell.here(request).id, product.id, away_from=shelf, to=to, reason=_reason(request),
                by=shell.actor(request), at=clock.now(),
            )  # fmt: skip
    except CommerceError as refusal:
        facts = _facts(request, shelf) | {"error": refusals.sentence(refusal)}
        return render(request, "inventory/shelves.html", facts, status=refusal.status)
    return redirect(f"{reverse('inventory-staff:shelves')}?{urlencode({'shelf': to})}")


def _next_shelf(request: HttpRequest, text: str, shelf: str) -> HttpResponse:
    """Take what was scanned as a shelf, unless it looks like a barcode that nobody knows."""
    digits = text.replace(" ", "").replace("-", "")
    if digits.isdigit() and len(digits) >= 8:
        return _show(request, shelf, error=what_is_wrong(text), sound="stop")
    try:
        code = shelves.code(text)
    except InvalidInput as refusal:
        return _show(
            request, shelf, error=refusal.message if text else _("Nothing was read. Scan again."), sound="stop"
        )
    is_new = not shelves.is_known(shell.here(request).id, code)
    hint = (
        _("Nothing lies on %(shelf)s yet. If that is a slip, scan the right shelf.") % {"shelf": code} if is_new else ""
    )
    return _show(request, code, hint=hint, sound="ok")


def _show(request: HttpRequest, shelf: str, **facts: Any) -> HttpResponse:
    return render(request, "inventory/shelf.html", _facts(request, shelf) | facts)


def _facts(request: HttpRequest, shelf: str) -> dict[str, Any]:
    store = shell.here(request)
    product_ids = shelves.on(store.id, shelf) if shelf else []
    products, places = catalog.products_by_id(product_ids), shelves.of(store.id, product_ids)
    rows = [
        {
            "product": products[product_id],
            "is_primary": places[product_id][0] == shelf,
            "others": _others(places[product_id], shelf),
        }
        for product_id in product_ids
    ]
    return {"shelf": shelf, "rows": rows, "reason": _reason(request), "reasons": REASONS}


def _reason(request: HttpRequest) -> str:
    return shell.typed(request.POST.get("reason", ""))[: audit.LONGEST_REASON]


def _others(places: list[str], shelf: str) -> str:
    return ", ".join(place for place in places if place != shelf)
