"""Picking on the phone: one item at a time, by scan; what can't be scanned is counted, what isn't there is reported."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from commerce import clock
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import refusals, shell
from orders import picking, proposals
from orders.lifecycle import Action, after
from orders.rejections import Rejected
from orders.staff import board, forms, pick_list, proposal_words, scans
from orders.staff.views import FRAGMENT, PAGE, at_store, not_here, take


@require_GET
@at_store(Permission.WORK_PICKUPS)
def pick(request: HttpRequest, store: shell.Store, fulfilment_id: UUID) -> HttpResponse:
    """Show what to pick. Who doesn't hold the order sees who does, and no way to scan."""
    picked = pick_list.read(fulfilment_id, store.id, at=clock.now())
    if picked is None:
        return not_here(request)
    return _show(request, picked)


@require_POST
@at_store(Permission.WORK_PICKUPS)
def scan(request: HttpRequest, store: shell.Store, fulfilment_id: UUID) -> HttpResponse:
    """Count one scan and show what comes next. Sent again with the same id, it changes nothing and says the same.

    The answer is the middle of the picking page, with a hard stop in it when the scan was wrong or refused.
    """
    if board.card(fulfilment_id, store.id, at=clock.now()) is None:
        return not_here(request, base=FRAGMENT)
    done = scans.count(request, picking.scan, fulfilment_id)
    picked = pick_list.read(fulfilment_id, store.id, at=clock.now())
    if picked is None:
        return not_here(request, base=FRAGMENT)
    return _show(
        request, picked, base=FRAGMENT, status=done.status, scanned=done.outcome, is_right=done.is_right, stop=done.stop
    )


@require_POST
@at_store(Permission.WORK_PICKUPS)
def count(request: HttpRequest, store: shell.Store, fulfilment_id: UUID, line_id: UUID) -> HttpResponse:
    """Set by hand how many pieces of a line are picked."""
    form = forms.CountForm(request.POST)
    return _change(request, store, fulfilment_id, line_id, form, "count")


@require_POST
@at_store(Permission.WORK_PICKUPS)
def missing(request: HttpRequest, store: shell.Store, fulfilment_id: UUID, line_id: UUID) -> HttpResponse:
    """Report pieces that can't be picked, and why."""
    form = forms.RejectForm(request.POST)
    return _change(request, store, fulfilment_id, line_id, form, "missing")


def _change(
    request: HttpRequest, store: shell.Store, fulfilment_id: UUID, line_id: UUID, form: Any, dialog: str
) -> HttpResponse:
    """Change a line by a form of its dialog; what is wrong is said in the dialog again, with what was entered."""
    if board.card(fulfilment_id, store.id, at=clock.now()) is None:
        return not_here(request)
    if form.is_valid():
        given = form.cleaned_data
        try:
            if dialog == "count":
                take(request, picking.set_picked, fulfilment_id, line_id, given["quantity"], reason=given["reason"])
            else:
                back = _give_up(request, fulfilment_id, line_id, given)
                if back:
                    pieces = ", ".join(f"{one.pieces} × {one.name}" for one in back)
                    messages.warning(
                        request,
                        _("The kit isn’t delivered without it. Put back what you picked: %(pieces)s.")
                        % {"pieces": pieces},
                    )
            return redirect("orders-staff:pick", fulfilment_id)
        except CommerceError as error:
            form.add_error(None, proposal_words.refusal(error))
    picked = pick_list.read(fulfilment_id, store.id, at=clock.now())
    if picked is None:
        return not_here(request)
    return _show(request, picked, status=422, form=form, open_dialog=dialog, open_line=line_id)


def _give_up(
    request: HttpRequest, fulfilment_id: UUID, line_id: UUID, given: dict[str, Any]
) -> tuple[picking.PutBack, ...]:
    """Report pieces missing, and propose what the clerk holds instead, if they do."""
    missing = (fulfilment_id, line_id, given["quantity"], given["reason"])
    if not given["instead"]:
        rejected: Rejected = take(request, picking.reject_line, *missing, is_shelf_empty=given["is_shelf_empty"])
        return rejected.put_back
    proposed, back = take(
        request, proposals.propose, *missing, given["instead"], at_own_price=given["at_own_price"],
        is_shelf_empty=given["is_shelf_empty"],
    )  # fmt: skip
    messages.success(request, proposal_words.sentence(proposed))
    return back


@require_POST
@at_store(Permission.WORK_PICKUPS)
def withdraw(request: HttpRequest, store: shell.Store, fulfilment_id: UUID, proposal_id: UUID) -> HttpResponse:
    """Take back what was proposed and not answered yet."""
    if board.card(fulfilment_id, store.id, at=clock.now()) is None:
        return not_here(request)
    try:
        take(request, proposals.withdraw, fulfilment_id, proposal_id)
        messages.success(request, proposal_words.WITHDRAWN)
    except CommerceError as error:
        messages.error(request, refusals.sentence(error))
    return redirect("orders-staff:pick", fulfilment_id)


def _show(
    request: HttpRequest, picked: pick_list.PickList, *, base: str = PAGE, status: int = 200, **more: Any
) -> HttpResponse:
    card = picked.card
    facts = {
        "base": base,
        "picked": picked,
        "card": card,
        "proposals": [(one, proposal_words.sentence(one)) for one in proposals.of_fulfilment(card.id)],
        "reasons": forms.REASONS,
        "count_reasons": forms.COUNT_REASONS,
        "may_pick": after(card.state, Action.PICK) is not None
        and not card.is_on_hold
        and (not card.is_held or card.holder_id == request.user.pk),
        "may_take_over": shell.may(request, Permission.TAKE_OVER_PICKUPS),
    }
    return render(request, "orders/picking.html", {**facts, **more}, status=status)
