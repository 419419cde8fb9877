"""Goods that move at one store: returns, write-offs and other conditions from the product's page; bookings taken back."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4, uuid5

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from commerce import catalog, clock, transactions
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import refusals, shell
from inventory import conditions, corrections, queries, returns, shelves, write_offs
from inventory.conditions import Reclassification
from inventory.errors import EntryNotFound
from inventory.moving import WriteOffReason
from inventory.returns import ReturnLine
from inventory.staff import transfer_words, words
from inventory.staff.forms import MOST_PIECES_PER_LINE
from inventory.staff.transfer_forms import LYING
from inventory.stock import Condition
from inventory.write_offs import WriteOff

SOURCE = "staff"
CAME_BACK = {"did_not_fit": _("Didn’t fit or please"), "faulty": _("Faulty"), "wrong_item": _("Wrong item delivered")}
RECLASSIFIED = {"inspected": _("Inspected"), "found_damaged": _("Found damaged"), "repaired": _("Repaired or repacked")}
GONE = {reason.value: words.REASONS[reason.value] for reason in WriteOffReason}


class _MoveForm(forms.Form):
    """Pieces of one product. The id is minted with the empty form, so that sending it twice books once."""

    move_id = forms.UUIDField(widget=forms.HiddenInput)
    sku = forms.CharField(max_length=64, widget=forms.HiddenInput)
    quantity = forms.IntegerField(
        label=_("Pieces"),
        min_value=1,
        max_value=MOST_PIECES_PER_LINE,
        error_messages={
            "required": _("Enter how many pieces."),
            "invalid": _("Enter a whole number."),
            "min_value": _("Enter a whole number from 1."),
            "max_value": _("That is too many: check the number."),
        },
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off", "data-scan-guard": ""}),
    )

    @classmethod
    def empty(cls, sku: str) -> "_MoveForm":
        return cls(initial={"move_id": uuid4(), "sku": sku}, auto_id=f"id_{cls.__name__}_%s")


class ReturnForm(_MoveForm):
    condition = forms.ChoiceField(label=_("Condition"), choices=LYING)
    reason = forms.ChoiceField(label=_("Reason"), choices=list(CAME_BACK.items()))


class WriteOffForm(_MoveForm):
    condition = forms.ChoiceField(label=_("Which goods"), choices=LYING)
    reason = forms.ChoiceField(label=_("Reason"), choices=[("", _("Choose a reason")), *GONE.items()])


class ReclassifyForm(_MoveForm):
    condition = forms.ChoiceField(label=_("From"), choices=LYING)
    to = forms.ChoiceField(label=_("To"), choices=LYING, initial=Condition.DAMAGED.value)
    reason = forms.ChoiceField(label=_("Reason"), choices=list(RECLASSIFIED.items()))

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = self.cleaned_data
        if values.get("to") and values.get("to") == values.get("condition"):
            self.add_error("to", _now("Choose another condition than the one they are in."))
        return values


class CorrectForm(forms.Form):
    correction_id = forms.UUIDField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("Why was it wrong?"),
        max_length=60,
        error_messages={"required": _("Say why; it stays in the journal.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "data-scan-guard": ""}),
    )


@dataclass(frozen=True, slots=True)
class Fold:
    """One of the things that can be done with a product, with its form."""

    key: str
    title: Any
    icon: str
    action: str
    button: Any
    form: forms.Form


def folds(request: HttpRequest, sku: str) -> list[Fold]:
    """Return what the reader may do with goods of a product besides correcting their number."""
    found = []
    if shell.may(request, Permission.MOVE_STOCK):
        found += [
            Fold(
                "return",
                _("Returned by a customer"),
                "package-open",
                "return-goods",
                _("Book back"),
                ReturnForm.empty(sku),
            ),
            Fold(
                "reclassify", _("Other condition"), "replace", "reclassify", _("Book over"), ReclassifyForm.empty(sku)
            ),
        ]
    if shell.may(request, Permission.ADJUST_STOCK):
        found.append(Fold("write-off", _("Write off"), "trash-2", "write-off", _("Write off"), WriteOffForm.empty(sku)))
    return found


def stock_here(product_id: int, location_id: int) -> dict[str, Any]:
    """Return where a product lies at a place, and how many pieces are there in other conditions than for sale."""
    rows = queries.levels(product_ids=[product_id], location_ids=[location_id])
    return {
        "shelves": shelves.of(location_id, [product_id]).get(product_id, []),
        "other_conditions": [
            (words.CONDITIONS[Condition(row["condition"])], row["on_hand"])
            for row in rows
            if row["on_hand"] and row["condition"] != Condition.SELLABLE
        ],
    }


@require_POST
@shell.require(Permission.MOVE_STOCK)
def return_goods(request: HttpRequest) -> HttpResponse:
    """Book goods back that a customer brought."""
    form = ReturnForm(request.POST)

    def work(line_id: UUID, product_id: int, location_id: int) -> int:
        values = form.cleaned_data
        line = ReturnLine(line_id, product_id, location_id, values["quantity"], Condition(values["condition"]))
        return returns.return_to_stock(
            [line], reason=values["reason"], source=SOURCE, by=shell.actor(request), at=clock.now()
        )

    return _book(request, form, work)


@require_POST
@shell.require(Permission.ADJUST_STOCK)
def write_off(request: HttpRequest) -> HttpResponse:
    """Take goods off the books that are gone or of no use."""
    form = WriteOffForm(request.POST)

    def work(line_id: UUID, product_id: int, location_id: int) -> int:
        values = form.cleaned_data
        line = WriteOff(
            line_id, product_id, location_id, values["quantity"], WriteOffReason(values["reason"]), Condition(values["condition"])
        )  # fmt: skip
        return write_offs.write_off([line], source=SOURCE, by=shell.actor(request), at=clock.now())

    return _book(request, form, work)


@require_POST
@shell.require(Permission.MOVE_STOCK)
def reclassify(request: HttpRequest) -> HttpResponse:
    """Book goods to the condition that they are in."""
    form = ReclassifyForm(request.POST)

    def work(line_id: UUID, product_id: int, location_id: int) -> int:
        values = form.cleaned_data
        line = Reclassification(
            line_id, product_id, location_id, values["quantity"], Condition(values["condition"]), Condition(values["to"])
        )  # fmt: skip
        return conditions.reclassify(
            [line], reason=values["reason"], source=SOURCE, by=shell.actor(request), at=clock.now()
        )

    return _book(request, form, work)


@require_http_methods(["GET", "POST"])
@shell.require(Permission.ADJUST_STOCK)
def correct(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """Show what taking a booking back would do, then do it."""
    try:
        entry = corrections.read(entry_id)
    except EntryNotFound as unknown:
        raise Http404(unknown.message) from unknown
    if entry.key.location_id != shell.here(request).id:
        raise Http404("The entry belongs to another place.")
    product = catalog.products_by_id([entry.key.product_id])[entry.key.product_id]
    form = CorrectForm(request.POST or None, initial={"correction_id": uuid4()})
    error, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                with transactions.transaction():
                    is_new = corrections.correct(
                        entry_id, id=form.cleaned_data["correction_id"], reason=form.cleaned_data["reason"], source=SOURCE,
                        by=shell.actor(request), at=clock.now(),
                    )  # fmt: skip
            except CommerceError as refusal:
                error, status = refusals.sentence(refusal), refusal.status
            else:
                _say(request, is_new)
                return redirect(_address(product.sku))
    facts = {
        "form": form,
        "entry": entry,
        "product": product,
        "label": words.kind(entry.kind),
        "icon": words.icon(entry.kind),
        "condition": words.CONDITIONS[Condition(entry.key.condition)],
        "opposite": -entry.pieces,
        "why_not": transfer_words.OBSTACLES.get(corrections.obstacle(entry.kind, entry.cause_type, entry.pieces), ""),
        "error": error,
    }
    return render(request, "inventory/movement_correct.html", facts, status=status)


def _book(request: HttpRequest, form: forms.Form, work: Any) -> HttpResponse:
    """Book one line of the form's product here, and return to the product with a sentence either way."""
    product = catalog.ids_of([sku := shell.typed(request.POST.get("sku", ""))]).get(sku)
    if product is None:
        messages.error(request, _now("This product isn’t known any more. Search for it again."))
        return redirect("inventory-staff:stock")
    if not form.is_valid():
        messages.error(request, next(iter(form.errors.values()))[0])
        return redirect(_address(product.sku))
    store = shell.here(request)
    line_id = uuid5(form.cleaned_data["move_id"], f"{store.id}:{product.id}")
    try:
        with transactions.transaction():
            booked = work(line_id, product.id, store.id)
    except CommerceError as refusal:
        messages.error(request, refusals.sentence(refusal))
    else:
        _say(request, bool(booked))
    return redirect(_address(product.sku))


def _say(request: HttpRequest, is_new: bool) -> None:
    if is_new:
        messages.success(request, _now("Booked."))
    else:
        messages.info(request, _now("This was booked already; nothing was booked twice."))


def _address(sku: str) -> str:
    return f"{reverse('inventory-staff:stock')}?{urlencode({'q': sku})}"
