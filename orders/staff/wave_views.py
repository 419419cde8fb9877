"""Waves on the phone: the next one, one walk with a tote for each order, and for managers how picking goes."""

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from commerce import clock, transactions
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import refusals, shell
from inventory.places import locations
from orders import printing
from orders.staff import forms, scans
from orders.staff.views import FRAGMENT, PAGE, at_store, not_here, refused
from orders.waves import lists, papers, performance, rounds, totes


@require_GET
@at_store(Permission.WORK_PICKUPS)
def waves(request: HttpRequest, store: shell.Store) -> HttpResponse:
    """Show the next wave, those that go on, and who has how much to do."""
    at = clock.now()
    going_on = lists.going_on(store.id)
    facts = {
        "suggestion": lists.suggest(store.id),
        "wave_id": uuid4(),
        "mine": [one for one in going_on if one.holder_id == request.user.pk],
        "others": [one for one in going_on if one.holder_id != request.user.pk],
        "loads": lists.loads(store.id, at=at),
        "at": at,
        "may_take_over": shell.may(request, Permission.TAKE_OVER_PICKUPS),
    }
    return render(request, "orders/waves.html", facts)


@require_POST
@at_store(Permission.WORK_PICKUPS)
def begin(request: HttpRequest, store: shell.Store) -> HttpResponse:
    """Take the suggested orders into a wave."""
    form = forms.WaveForm(request.POST)
    if not form.is_valid():
        messages.error(request, forms.first_error(form))
        return redirect("orders-staff:waves")
    given = form.cleaned_data
    try:
        with transactions.transaction():
            begun = rounds.begin(
                given["wave_id"], store.id, given["orders"], user=request.user, by=shell.actor(request), at=clock.now()
            )
    except CommerceError as error:
        return refused(request, error, reverse("orders-staff:waves"))
    if begun.left_out:
        left_out = ngettext(
            "Somebody else has %(count)s order of it meanwhile; the wave goes without.",
            "Somebody else has %(count)s orders of it meanwhile; the wave goes without.",
            begun.left_out,
        )
        messages.warning(request, left_out % {"count": begun.left_out})
    return redirect("orders-staff:wave", begun.wave.id)


@require_GET
@at_store(Permission.WORK_PICKUPS)
def wave(request: HttpRequest, store: shell.Store, wave_id: UUID) -> HttpResponse:
    """Show what to pick next and for which totes. Who doesn't hold the wave sees who does."""
    sheet = lists.sheet(wave_id, store.id)
    return not_here(request) if sheet is None else _show(request, sheet)


@require_GET
@at_store(Permission.WORK_PICKUPS)
def pick_list(request: HttpRequest, store: shell.Store, wave_id: UUID) -> HttpResponse:
    """Send what is still to pick in a wave as a list on paper."""
    sheet = lists.sheet(wave_id, store.id)
    if sheet is None:
        return not_here(request)
    return printing.answer(papers.pick_list(sheet, locations.by_id(store.id)), f"{sheet.wave.number}.pdf")


@require_POST
@at_store(Permission.WORK_PICKUPS)
def scan(request: HttpRequest, store: shell.Store, wave_id: UUID) -> HttpResponse:
    """Count one scan and say into which tote it goes. Sent again with the same id, it changes nothing and says the same."""
    if lists.sheet(wave_id, store.id) is None:
        return not_here(request, base=FRAGMENT)
    done = scans.count(request, totes.scan, wave_id)
    sheet = lists.sheet(wave_id, store.id)
    if sheet is None:
        return not_here(request, base=FRAGMENT)
    return _show(
        request, sheet, base=FRAGMENT, status=done.status, dealt=done.outcome, is_right=done.is_right, stop=done.stop
    )


@require_POST
@at_store(Permission.WORK_PICKUPS)
def missing(request: HttpRequest, store: shell.Store, wave_id: UUID, product_id: int) -> HttpResponse:
    """Report pieces that can't be picked, and why: the orders that are due last go without."""
    sheet = lists.sheet(wave_id, store.id)
    if sheet is None:
        return not_here(request)
    form = forms.RejectForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            with transactions.transaction():
                back = totes.reject(
                    wave_id, product_id, given["quantity"], given["reason"], user=request.user, by=shell.actor(request),
                    at=clock.now(), is_shelf_empty=given["is_shelf_empty"],
                )  # fmt: skip
            if back:
                pieces = ", ".join(f"{one.pieces} × {one.name}" for one in back)
                said = _("The kit isn’t delivered without it. Put back what you picked: %(pieces)s.")
                messages.warning(request, said % {"pieces": pieces})
            return redirect("orders-staff:wave", wave_id)
        except CommerceError as error:
            form.add_error(None, refusals.sentence(error))
    return _show(request, sheet, status=422, form=form, open_dialog=product_id)


@require_POST
@at_store(Permission.WORK_PICKUPS)
def finish(request: HttpRequest, store: shell.Store, wave_id: UUID) -> HttpResponse:
    """End the wave: complete orders are ready, the others go back to the queue with what was picked."""
    if lists.sheet(wave_id, store.id) is None:
        return not_here(request)
    try:
        with transactions.transaction():
            done = rounds.finish(wave_id, user=request.user, by=shell.actor(request), at=clock.now())
    except CommerceError as error:
        return refused(request, error, reverse("orders-staff:wave", args=[wave_id]))
    said = _("Ready: %(ready)s. Back in the queue: %(back)s.") % done
    messages.success(request, said)
    return redirect("orders-staff:waves")


@require_POST
@at_store(Permission.WORK_PICKUPS)
def take_over(request: HttpRequest, store: shell.Store, wave_id: UUID) -> HttpResponse:
    """Take the wave from whoever holds it, with a reason."""
    if lists.sheet(wave_id, store.id) is None:
        return not_here(request)
    form = forms.TakeOverForm(request.POST)
    if not form.is_valid():
        messages.error(request, forms.first_error(form))
        return redirect("orders-staff:waves")
    try:
        with transactions.transaction():
            rounds.take_over(
                wave_id, reason=form.cleaned_data["reason"], user=request.user, by=shell.actor(request), at=clock.now()
            )
    except CommerceError as error:
        return refused(request, error, reverse("orders-staff:waves"))
    return redirect("orders-staff:wave", wave_id)


@require_GET
@at_store(Permission.TAKE_OVER_PICKUPS)
def figures(request: HttpRequest, store: shell.Store) -> HttpResponse:
    """Show managers how picking goes; of people only where that was agreed."""
    team, people = performance.figures(store.id, at=clock.now())
    facts = {
        "team": team,
        "people": people,
        "is_by_person": performance.is_by_person(),
        "days": performance.DAYS,
        "fewest": performance.FEWEST,
    }
    return render(request, "orders/picking_figures.html", facts)


def _show(
    request: HttpRequest, sheet: lists.Sheet, *, base: str = PAGE, status: int = 200, **more: Any
) -> HttpResponse:
    facts = {
        "base": base,
        "sheet": sheet,
        "wave": sheet.wave,
        "reasons": forms.REASONS,
        "may_pick": sheet.wave.ended_at is None and sheet.wave.holder_id == request.user.pk,
        "may_take_over": shell.may(request, Permission.TAKE_OVER_PICKUPS),
    }
    return render(request, "orders/wave.html", {**facts, **more}, status=status)
