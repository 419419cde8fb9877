"""Stock pages: what is here and elsewhere, goods coming in, corrections."""

from dataclasses import replace
from uuid import uuid5

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commerce import catalog, clock, gtin, transactions
from commerce.errors import CommerceError
from commerce.product_refs import ProductRef
from commerce.roles import Permission
from commerce.staff import refusals, shell
from inventory import movements
from inventory.staff import lookup, moves, words
from inventory.staff.forms import AdjustmentForm, Delivery

SOURCE = "staff"


@require_GET
@shell.require(Permission.VIEW_STOCK)
def stock(request: HttpRequest) -> HttpResponse:
    text = shell.typed(request.GET.get("q", ""))
    found = catalog.product_by_barcode(text) if text else None
    if found is not None:
        return _product_page(request, *found, text=text)
    store, now = shell.here(request), clock.now()
    facts = {
        "text": text,
        "hits": lookup.search(text, store, at=now) if text else lookup.recent(store, at=now),
        "most_found": lookup.MOST_FOUND,
        "hint": what_is_wrong(text) if text else "",
    }
    return render(request, "inventory/stock.html", facts)


@require_POST
@shell.require(Permission.ADJUST_STOCK)
def adjust(request: HttpRequest) -> HttpResponse:
    """Correct what is on hand of one product at the current store."""
    form = AdjustmentForm(request.POST)
    found = catalog.product_by_barcode(shell.typed(request.POST.get("sku", "")))
    store = shell.here(request)
    if found is None or not found[0].has_stock:
        messages.error(request, _("This product isn’t known any more. Search for it again."))
        return redirect("inventory-staff:stock")
    product = found[0]
    if not form.is_valid():
        return _product_page(request, product, 1, text=product.sku, form=form, status=422)
    line = movements.Adjustment(
        id=uuid5(form.cleaned_data["adjustment_id"], f"{store.id}:{product.id}"),
        product_id=product.id,
        location_id=store.id,
        delta=form.delta,
        reason=form.cleaned_data["reason"],
    )
    try:
        with transactions.transaction():
            booked = movements.adjust([line], by=shell.actor(request), at=clock.now(), source=SOURCE)
    except CommerceError as refusal:
        form.add_error(None, refusals.sentence(refusal))
        return _product_page(request, product, 1, text=product.sku, form=form, status=refusal.status)
    if booked:
        messages.success(request, _("The stock was corrected."))
    else:
        messages.info(request, _("This correction was booked already; nothing was booked twice."))
    return redirect(f"{reverse('inventory-staff:stock')}?{urlencode({'q': product.sku})}")


@require_http_methods(["GET", "POST"])
@shell.require(Permission.RECEIVE_STOCK)
def receive(request: HttpRequest) -> HttpResponse:
    """Scan a delivery, then book all of it in at once."""
    if request.method == "GET":
        return render(request, "inventory/receive.html", {"delivery": Delivery.new()})
    delivery = Delivery.from_form(request.POST).checked()
    if not delivery.is_complete:
        return render(request, "inventory/receive.html", {"delivery": delivery}, status=422)
    store = shell.here(request)
    lines = [
        movements.Receipt(
            id=uuid5(delivery.id, f"{store.id}:{line.product.id}"),
            product_id=line.product.id,
            location_id=store.id,
            quantity=line.quantity or 0,
        )
        for line in delivery.lines
    ]
    try:
        with transactions.transaction():
            booked = movements.receive(
                lines, by=shell.actor(request), at=clock.now(), reason=delivery.note, source=SOURCE
            )
    except CommerceError as refusal:
        delivery = replace(delivery, error=refusals.sentence(refusal))
        return render(request, "inventory/receive.html", {"delivery": delivery}, status=refusal.status)
    _say_what_was_booked(request, delivery, store, booked)
    return redirect("inventory-staff:receive")


def _say_what_was_booked(request: HttpRequest, delivery: Delivery, store: shell.Store, booked: int) -> None:
    if booked == len(delivery.lines):
        done = ngettext(
            "%(n)s piece was booked in at %(store)s.", "%(n)s pieces were booked in at %(store)s.", delivery.pieces
        )
        messages.success(request, done % {"n": delivery.pieces, "store": store.name})
    elif booked:
        messages.warning(
            request, _("Only the new lines were booked in; the others of this delivery had been booked before.")
        )
    else:
        messages.info(request, _("This delivery was booked in already; nothing was booked twice."))


@require_POST
@shell.require(Permission.RECEIVE_STOCK)
def scan_delivery(request: HttpRequest) -> HttpResponse:
    """Answer one scan, or the removal of a line, with the delivery's lines as they stand now. Books nothing yet."""
    delivery = Delivery.from_form(request.POST)
    if "remove" in request.POST:
        return _lines(request, delivery.without(request.POST["remove"]))
    text = shell.typed(request.POST.get("text", ""))
    found = catalog.product_by_barcode(text) if text else None
    if found is None:
        sentence = what_is_wrong(text) if text else _("Nothing was read. Scan again, or type the number.")
        return _lines(request, replace(delivery, error=sentence), sound="stop")
    product, pieces = found
    if not product.has_stock:
        charge = _("%(name)s is a charge, not goods; it can’t be received.") % {"name": product.name}
        sentence = words.of_kit(product) or charge
        return _lines(request, replace(delivery, error=sentence), sound="stop")
    return _lines(request, delivery.with_scan(product, pieces), sound="ok")


def _lines(request: HttpRequest, delivery: Delivery, *, sound: str = "") -> HttpResponse:
    return render(request, "inventory/delivery_lines.html", {"delivery": delivery, "sound": sound})


def _product_page(
    request: HttpRequest,
    product: ProductRef,
    pieces: int,
    *,
    text: str,
    form: AdjustmentForm | None = None,
    status: int = 200,
) -> HttpResponse:
    store = shell.here(request)
    facts = {
        "text": text,
        "card": lookup.card(product, store, pieces=pieces, at=clock.now()),
        "form": form or AdjustmentForm.empty(product.sku),
        "moves": moves.folds(request, product.sku),
        **moves.stock_here(product.id, store.id),
    }
    return render(request, "inventory/product.html", facts, status=status)


def what_is_wrong(text: str) -> str:
    """Say why a scan means nothing here, and the way out."""
    digits = text.replace(" ", "").replace("-", "")
    if not digits.isdigit() or not digits.isascii():
        return _("No product is called “%(text)s”. Check the spelling, or scan the barcode.") % {"text": text}
    try:
        gtin.normalise(digits)
    except ValueError:
        if len(digits) in gtin.LENGTHS:
            return _("The barcode %(text)s was misread: its last digit doesn’t fit. Scan it again.") % {"text": text}
        return _("No product has the number %(text)s. Scan the barcode, or search by name.") % {"text": text}
    return _(
        "No product has the barcode %(text)s yet. Search by name; if it is the right product, ask the merchandisers to "
        "add the barcode."
    ) % {"text": text}
