"""Transfer pages: what comes and goes, a transfer as it is scanned at both ends, its note on paper."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commerce import catalog, clock, transactions
from commerce.errors import CommerceError
from commerce.product_refs import ProductRef
from commerce.roles import Permission
from commerce.staff import refusals, shell
from inventory import shelves
from inventory.errors import TransferNotFound
from inventory.moving import TransferAction, TransferState
from inventory.places import locations, transit
from inventory.places.locations import LocationRef
from inventory.staff import transfer_forms, transfer_words
from inventory.staff.transfer_forms import ArrivalForm, ExpectForm, NewTransferForm, ReasonForm, ScanForm, SendForm
from inventory.staff.views import SOURCE, what_is_wrong
from inventory.stock import Condition
from inventory.transport import records, transfers
from inventory.transport.records import LineRef, TransferRef
from inventory.transport.transfers import Arrival, Wanted

REPLAYED = "X-Kontor-Replay"  # the header of scans that were kept while the device was offline


@dataclass(frozen=True, slots=True)
class Line:
    """A line in words: how it is packed, where it lies here, and a fresh id for booking it by hand."""

    line: LineRef
    product: ProductRef
    packed: str
    shelf: str
    arrival_id: UUID
    is_fresh: bool


@dataclass(frozen=True, slots=True)
class Card:
    """A transfer as the reader sees it from their store."""

    transfer: TransferRef
    origin: LocationRef
    destination: LocationRef
    is_coming: bool
    state: transfer_words.State
    is_late: bool

    @property
    def may_fill(self) -> bool:
        return not self.is_coming and self.transfer.state is TransferState.DRAFT

    @property
    def may_receive(self) -> bool:
        return self.is_coming and TransferAction.RECEIVE in self.transfer.allowed_actions

    @property
    def is_on_the_way(self) -> bool:
        return TransferAction.RECEIVE in self.transfer.allowed_actions

    @property
    def may_cancel(self) -> bool:
        return not self.is_coming and TransferAction.CANCEL in self.transfer.allowed_actions

    @property
    def received(self) -> int:
        return sum(line.received for line in self.transfer.lines)


# --- pages ----------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@shell.require(Permission.MOVE_STOCK)
def listing(request: HttpRequest) -> HttpResponse:
    """Show what comes and goes; begin a new transfer from here."""
    store = shell.here(request)
    places = [place for place in locations.active() if place.id != store.id]
    form = NewTransferForm(request.POST if request.method == "POST" else None, places=places)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            values = form.cleaned_data
            try:
                with transactions.transaction():
                    made = transfers.draft(
                        values["transfer_id"], origin_id=store.id, destination_id=locations.ref(values["destination"]).id,
                        condition=Condition(values["condition"]), note=values["note"], source=SOURCE,
                        by=shell.actor(request), at=clock.now(),
                    )  # fmt: skip
            except CommerceError as refusal:
                form.add_error(None, refusals.sentence(refusal))
                status = refusal.status
            else:
                return redirect("inventory-staff:transfer", made.id)
    facts = {
        "form": form,
        "coming": [_card(one, store.id) for one in records.coming(store.id)],
        "going": [_card(one, store.id) for one in records.going(store.id)],
        "ended": [_card(one, store.id) for one in records.ended(store.id)],
    }
    return render(request, "inventory/transfers.html", facts, status=status)


@require_GET
@shell.require(Permission.MOVE_STOCK)
def page(request: HttpRequest, transfer_id: UUID) -> HttpResponse:
    return _show(request, _mine(request, transfer_id))


@require_GET
@shell.require(Permission.MOVE_STOCK)
def note(request: HttpRequest, transfer_id: UUID) -> HttpResponse:
    """Show the transfer as a sheet to print and put on the goods."""
    transfer = _mine(request, transfer_id)
    return render(request, "inventory/transfer_note.html", _facts(request, transfer) | {"printed_at": clock.now()})


# --- at both ends ---------------------------------------------------------------------------------------------------


@require_POST
@shell.require(Permission.MOVE_STOCK)
def scan(request: HttpRequest, transfer_id: UUID) -> HttpResponse:
    """Count one scan: into a draft where goods leave, as arrived where they come. A known scan_id counts once.

    The answer is the middle of the page, with a hard stop in it when the scan was wrong; a replayed scan that is refused
    says so by its status, for nobody looks.
    """
    transfer = _mine(request, transfer_id)
    form = ScanForm(request.POST)
    if not form.is_valid():
        return _stop(request, transfer, _("Stop"), next(iter(form.errors.values()))[0], status=422)
    text = shell.typed(form.cleaned_data["text"])
    found = catalog.product_by_barcode(text)
    if found is None:
        return _stop(request, transfer, _("Unknown barcode"), what_is_wrong(text), status=422)
    product, pieces = found
    try:
        with transactions.transaction():
            after = _count(request, transfer, form.cleaned_data["scan_id"], product, pieces)
    except CommerceError as refusal:
        newest = records.get(transfer_id)
        return _stop(request, newest, transfer_words.stop(refusal), refusals.sentence(refusal), status=refusal.status)
    return _show(request, after, fragment=True, fresh=product.id, sound="ok")


def _count(request: HttpRequest, transfer: TransferRef, scan_id: UUID, product: ProductRef, pieces: int) -> TransferRef:
    by, at = shell.actor(request), clock.now()
    if _is_coming(request, transfer):
        return transfers.receive(transfer.id, [Arrival(scan_id, product.id, pieces)], by=by, at=at)
    return transfers.scan(transfer.id, scan_id, product.id, pieces, pack=pieces, by=by, at=at)


@require_POST
@shell.require(Permission.MOVE_STOCK)
def change(request: HttpRequest, transfer_id: UUID) -> HttpResponse:
    """Take over the quantities of a draft as they stand in the form."""
    transfer = _at_end(request, transfer_id, is_coming=False)
    typed = transfer_forms.quantities(request.POST)
    if typed is None:
        messages.error(request, _("Enter whole numbers. Nothing was changed."))
        return redirect("inventory-staff:transfer", transfer_id)
    products = catalog.ids_of([sku for sku, _pieces in typed])
    wanted = {products[sku].id: pieces for sku, pieces in typed if sku in products}
    lines = [
        Wanted(line.product_id, wanted.get(line.product_id, line.quantity), line.pack)
        for line in transfer.lines
        if wanted.get(line.product_id, line.quantity)
    ]
    return _do(
        request, transfer, lambda: transfers.change(transfer_id, lines=lines, by=shell.actor(request), at=clock.now())
    )


@require_POST
@shell.require(Permission.MOVE_STOCK)
def send(request: HttpRequest, transfer_id: UUID) -> HttpResponse:
    """Let the goods of a draft leave."""
    transfer = _at_end(request, transfer_id, is_coming=False)
    form = SendForm(request.POST)
    if not form.is_valid():
        return _show(request, transfer, send_form=form, status=422)
    day = form.cleaned_data["expected_on"]
    return _do(
        request,
        transfer,
        lambda: transfers.send(transfer_id, expected_on=day, by=shell.actor(request), at=clock.now()),
        done=_("The goods are on their way. Print the note and put it on them."),
        send_form=form,
    )


@require_POST
@shell.require(Permission.MOVE_STOCK)
def book(request: HttpRequest, transfer_id: UUID) -> HttpResponse:
    """Book pieces of one line that arrived, by hand and in a condition."""
    transfer = _at_end(request, transfer_id, is_coming=True)
    form = ArrivalForm(request.POST)
    if not form.is_valid():
        return _stop(request, transfer, _("Stop"), next(iter(form.errors.values()))[0], status=422, whole=True)
    values = form.cleaned_data
    product = catalog.ids_of([values["sku"]]).get(values["sku"])
    if product is None:
        return _stop(request, transfer, _("Stop"), what_is_wrong(values["sku"]), status=422, whole=True)
    line = Arrival(values["arrival_id"], product.id, values["quantity"], Condition(values["condition"]))
    return _do(
        request, transfer, lambda: transfers.receive(transfer_id, [line], by=shell.actor(request), at=clock.now())
    )


@require_POST
@shell.require(Permission.MOVE_STOCK)
def close(request: HttpRequest, transfer_id: UUID) -> HttpResponse:
    """End a transfer of which not everything came, with a reason for each product."""
    transfer = _at_end(request, transfer_id, is_coming=True)
    names = catalog.products_by_id([line.product_id for line in transfer.lines])
    short = [(line, names[line.product_id].sku) for line in transfer.lines if line.open]
    reasons = transfer_forms.differences(request.POST, short)
    remark = shell.typed(request.POST.get("note", ""))[:120]
    return _do(
        request,
        transfer,
        lambda: transfers.close(transfer_id, reasons, note=remark, by=shell.actor(request), at=clock.now()),
        done=_("The transfer is closed."),
    )


@require_POST
@shell.require(Permission.MOVE_STOCK)
def cancel(request: HttpRequest, transfer_id: UUID) -> HttpResponse:
    """End a draft, or take goods back that are on the way."""
    transfer = _at_end(request, transfer_id, is_coming=False)
    form = ReasonForm(request.POST)
    if not form.is_valid() and transfer.state is not TransferState.DRAFT:
        return _stop(request, transfer, _("Stop"), next(iter(form.errors.values()))[0], status=422, whole=True)
    reason = form.cleaned_data.get("reason", "")
    return _do(
        request,
        transfer,
        lambda: transfers.cancel(transfer_id, reason=reason, by=shell.actor(request), at=clock.now()),
        done=_("The transfer is cancelled."),
    )


@require_POST
@shell.require(Permission.MOVE_STOCK)
def expect(request: HttpRequest, transfer_id: UUID) -> HttpResponse:
    """Say at either end that goods on the way come on another day, and why."""
    transfer = _mine(request, transfer_id)
    form = ExpectForm(request.POST)
    if not form.is_valid():
        return _stop(request, transfer, _("Stop"), next(iter(form.errors.values()))[0], status=422, whole=True)
    day, reason = form.cleaned_data["expected_on"], form.cleaned_data["reason"]
    return _do(
        request,
        transfer,
        lambda: transfers.expect(transfer_id, day, reason=reason, by=shell.actor(request), at=clock.now()),
        done=_("The goods are expected on another day; whoever waits for them is told."),
    )


# --- what the pages share -------------------------------------------------------------------------------------------


def _mine(request: HttpRequest, transfer_id: UUID) -> TransferRef:
    """Return a transfer that leaves from or comes to the store at hand. Raises: Http404."""
    try:
        transfer = records.get(transfer_id)
    except TransferNotFound as unknown:
        raise Http404(unknown.message) from unknown
    if shell.here(request).id not in (transfer.origin_id, transfer.destination_id):
        raise Http404("The transfer is between other places.")
    return transfer


def _is_coming(request: HttpRequest, transfer: TransferRef) -> bool:
    return shell.here(request).id == transfer.destination_id


def _at_end(request: HttpRequest, transfer_id: UUID, *, is_coming: bool) -> TransferRef:
    """Return a transfer if the store at hand is that end of it. Raises: Http404."""
    transfer = _mine(request, transfer_id)
    if _is_coming(request, transfer) != is_coming:
        raise Http404("This is done at the other end of the transfer.")
    return transfer


def _do(request: HttpRequest, transfer: TransferRef, verb: Any, *, done: str = "", **facts: Any) -> HttpResponse:
    """Call one verb in one transaction, then show the transfer again, or why it could not be."""
    try:
        with transactions.transaction():
            verb()
    except CommerceError as refusal:
        newest = records.get(transfer.id)
        title, sentence = transfer_words.stop(refusal), refusals.sentence(refusal)
        return _stop(request, newest, title, sentence, status=refusal.status, whole=True, **facts)
    if done:
        messages.success(request, done)
    return redirect("inventory-staff:transfer", transfer.id)


def _stop(
    request: HttpRequest,
    transfer: TransferRef,
    title: str,
    sentence: str,
    *,
    status: int,
    whole: bool = False,
    **facts: Any,
) -> HttpResponse:
    is_looked_at = not whole and REPLAYED not in request.headers
    return _show(
        request, transfer, fragment=not whole, stop_title=title, stop=sentence, sound="stop",
        status=200 if is_looked_at else status, **facts,
    )  # fmt: skip


def _show(
    request: HttpRequest, transfer: TransferRef, *, fragment: bool = False, status: int = 200, **facts: Any
) -> HttpResponse:
    template = "inventory/transfer_middle.html" if fragment else "inventory/transfer.html"
    return render(request, template, _facts(request, transfer, fresh=facts.get("fresh")) | facts, status=status)


def _facts(request: HttpRequest, transfer: TransferRef, *, fresh: int | None = None) -> dict[str, Any]:
    store = shell.here(request)
    products = catalog.products_by_id([line.product_id for line in transfer.lines])
    where: Mapping[int, list[str]] = shelves.of(store.id, products)
    lines = [
        Line(
            line, products[line.product_id], transfer_forms.packed(line.quantity, line.pack),
            next(iter(where.get(line.product_id, [])), ""), uuid4(), line.product_id == fresh,
        )
        for line in transfer.lines
    ]  # fmt: skip
    card = _card(transfer, store.id)
    days = transit.transfer_days(locations.by_id(transfer.origin_id), locations.by_id(transfer.destination_id))
    day = transfer.expected_on or timezone.localdate() + timedelta(days=days)
    return {
        "card": card,
        "transfer": transfer,
        "lines": sorted(lines, key=lambda one: (not one.is_fresh, card.may_receive and not one.line.open)),
        "short": [one for one in lines if one.line.open],
        "send_form": SendForm(initial={"expected_on": day}),
        "conditions": transfer_forms.LYING,
        "differences": list(transfer_forms.DIFFERENCES.items()),
    }


def _card(transfer: TransferRef, store_id: int) -> Card:
    today = timezone.localdate()
    is_late = bool(transfer.coming) and transfer.expected_on is not None and transfer.expected_on < today
    return Card(
        transfer, locations.by_id(transfer.origin_id), locations.by_id(transfer.destination_id),
        transfer.destination_id == store_id, transfer_words.STATES[transfer.state], is_late,
    )  # fmt: skip
