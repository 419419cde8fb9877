"""The packing table: what waits to be packed and to leave, a shipment's parcels by scan, its labels and papers."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from commerce import clock
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import shell
from orders import printing, shipping, to_store
from orders.carriers import directory
from orders.floor import LabelState
from orders.packing import labels, lists, papers, parcels
from orders.staff import forms, scans, words
from orders.staff.views import FRAGMENT, PAGE, at_store, done, not_here, refused, take


@require_GET
@at_store(Permission.WORK_PICKUPS)
def packing(request: HttpRequest, store: shell.Store) -> HttpResponse:
    """Show the shipments that are picked and not gone, and what has to leave by when."""
    at = clock.now()
    facts = {"waiting": lists.waiting(store.id), "cut_offs": lists.cut_offs(store.id, at=at), "at": at}
    return render(request, "orders/packing.html", facts)


@require_GET
@at_store(Permission.WORK_PICKUPS)
def station(request: HttpRequest, store: shell.Store, fulfilment_id: UUID) -> HttpResponse:
    """Show a shipment at the packing table."""
    found = lists.station(fulfilment_id, store.id)
    return not_here(request) if found is None else _show(request, found)


@require_POST
@at_store(Permission.WORK_PICKUPS)
def scan(request: HttpRequest, store: shell.Store, fulfilment_id: UUID) -> HttpResponse:
    """Put one scanned piece into the open parcel, which is opened by the first. Sent again, it changes nothing."""
    if lists.station(fulfilment_id, store.id) is None:
        return not_here(request, base=FRAGMENT)
    done_now = scans.count(request, parcels.scan_into, fulfilment_id)
    found = lists.station(fulfilment_id, store.id)
    if found is None:
        return not_here(request, base=FRAGMENT)
    return _show(
        request, found, base=FRAGMENT, status=done_now.status, scanned=done_now.outcome, is_right=done_now.is_right,
        stop=done_now.stop,
    )  # fmt: skip


@require_POST
@at_store(Permission.WORK_PICKUPS)
def step(request: HttpRequest, store: shell.Store, fulfilment_id: UUID, *, name: str) -> HttpResponse:
    """Take one step with a parcel or a label of the shipment."""
    found = lists.station(fulfilment_id, store.id)
    if found is None:
        return not_here(request)
    back = reverse("orders-staff:pack", args=[fulfilment_id])
    try:
        STEPS[name](request, found)
    except forms.Wrong as wrong:
        messages.error(request, str(wrong))
    except CommerceError as error:
        return refused(request, error, back)
    return redirect("orders-staff:packing" if name == "leave" else back)


@require_GET
@at_store(Permission.WORK_PICKUPS)
def paper(request: HttpRequest, store: shell.Store, fulfilment_id: UUID, *, kind: str) -> HttpResponse:
    """Send a paper of the order: the label of a pickup, that of a parcel to another store, or the slip of a parcel."""
    number = request.GET.get("parcel", "")
    wanted = int(number) if number.isascii() and number.isdigit() and len(number) < 4 else None
    found = lists.paper(fulfilment_id, store.id, parcel_number=wanted)
    if found is None:
        return not_here(request)
    make = {"label": papers.pickup_label, "transfer": papers.transfer_label}.get(kind, papers.packing_slip)
    if kind == "transfer" and (found.store is None or not found.code):
        return not_here(request)
    document = make(found)
    return printing.answer(document, f"{found.number}-{kind}.pdf")


@require_GET
@at_store(Permission.WORK_PICKUPS)
def label(request: HttpRequest, store: shell.Store, label_id: UUID) -> HttpResponse:
    """Send the document of a shipping label."""
    document = lists.label_document(label_id, store.id)
    return not_here(request) if document is None else printing.answer(document, f"{label_id}.pdf")


# --- steps ------------------------------------------------------------------------------------------------------------


def _rest(request: HttpRequest, found: lists.Station) -> None:
    take(request, parcels.pack_rest_of, found.fulfilment_id)


def _without(request: HttpRequest, found: lists.Station) -> None:
    other = _named(request, "other", {one.fulfilment_id for one in found.company})
    take(request, parcels.send_without, found.fulfilment_id, other_id=other)
    number = next(one.number for one in found.company if one.fulfilment_id == other)
    done(request, _("%(number)s travels alone now. Take out what of it lies in these parcels.") % {"number": number})


def _take_out(request: HttpRequest, found: lists.Station) -> None:
    take(request, parcels.take_out, found.fulfilment_id)


def _close(request: HttpRequest, found: lists.Station) -> None:
    form = forms.WeightForm(request.POST)
    if not form.is_valid():
        raise forms.Wrong(forms.first_error(form))
    given = form.cleaned_data
    take(request, parcels.close, given["parcel"], weight_grams=given["grams"])


def _empty(request: HttpRequest, found: lists.Station) -> None:
    take(request, parcels.empty, _named(request, "parcel", {one.id for one in found.parcels}))


def _ask(request: HttpRequest, found: lists.Station) -> None:
    parcel_id = _named(request, "parcel", {one.id for one in found.parcels})
    made = labels.ask(parcel_id, request.POST.get("carrier", "")[:40], user=request.user, by=shell.actor(request))
    if made.state is LabelState.MADE:
        done(request, _("The label is made: %(number)s. Print it and stick it on.") % {"number": made.tracking_number})
    elif made.state is LabelState.UNCLEAR:
        said = _("The carrier did not answer. Ask again; should the first label exist after all, it is never used.")
        messages.warning(request, said)
    else:
        messages.error(request, _("The carrier says: %(text)s") % {"text": made.said})


def _note(request: HttpRequest, found: lists.Station) -> None:
    form = forms.NumberForm(request.POST)
    if not form.is_valid():
        raise forms.Wrong(forms.first_error(form))
    given = form.cleaned_data
    labels.note(given["parcel"], given["carrier"], given["number"], user=request.user, by=shell.actor(request))


def _cancel(request: HttpRequest, found: lists.Station) -> None:
    label_id = _named(request, "label", {one.id for parcel in found.parcels for one in parcel.labels})
    labels.cancel(label_id, user=request.user, by=shell.actor(request))


def _leave(request: HttpRequest, found: lists.Station) -> None:
    numbers = ", ".join(one.label.tracking_number for one in found.parcels if one.label)
    if found.is_to_store:
        take(request, to_store.send, found.fulfilment_id)
        done(request, str(words.SENT_TO_STORE) % {"number": found.number})
        return
    take(request, shipping.ship, found.fulfilment_id, tracking_number=numbers[:80])
    going = [found.number, *(one.number for one in found.company if one.is_ready)]
    done(request, _("%(number)s is with the carrier.") % {"number": ", ".join(going)})


STEPS: dict[str, Callable[[HttpRequest, lists.Station], None]] = {
    "rest": _rest,
    "without": _without,
    "take-out": _take_out,
    "close": _close,
    "empty": _empty,
    "ask": _ask,
    "note": _note,
    "cancel-label": _cancel,
    "leave": _leave,
}


def _named(request: HttpRequest, field: str, known: set[UUID]) -> UUID:
    """Return which parcel or label a step is about; one of another shipment does not exist."""
    try:
        named = UUID(request.POST.get(field, ""))
    except ValueError:
        named = None
    if named not in known or named is None:
        raise forms.Wrong(_("This isn’t there any more. The page now shows how it stands."))
    return named


def _show(
    request: HttpRequest, found: lists.Station, *, base: str = PAGE, status: int = 200, **more: Any
) -> HttpResponse:
    carriers = [{"code": code, "name": one.name} for code, one in directory.all_of_them().items()]
    facts = {"base": base, "station": found, "carriers": carriers, "may_pack": found.may_pack}
    return render(request, "orders/pack.html", {**facts, **more}, status=status)
