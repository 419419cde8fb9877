"""Parked messages: deliveries that gave up and need a person, with what went wrong, retry and dismiss."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from commerce import outbox, transactions
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import refusals, shell
from commerce.staff.forms import DismissForm

MOST_SHOWN = 200


@require_GET
@shell.require(Permission.MANAGE_MESSAGES)
def parked(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
@shell.require(Permission.MANAGE_MESSAGES)
def retry(request: HttpRequest, delivery_id: int) -> HttpResponse:
    """Let a parked delivery be tried again at once."""
    try:
        with transactions.transaction():
            outbox.retry(delivery_id, by=shell.actor(request))
        messages.success(request, _("The message is on its way again."))
    except CommerceError as refusal:
        messages.error(request, refusals.sentence(refusal))
    return redirect("staff:messages")


@require_POST
@shell.require(Permission.MANAGE_MESSAGES)
def dismiss(request: HttpRequest, delivery_id: int) -> HttpResponse:
    """Give a parked delivery up for good; what waits behind it goes on."""
    form = DismissForm(request.POST)
    if not form.is_valid():
        return _page(request, dismissing=delivery_id, form=form, status=422)
    try:
        with transactions.transaction():
            outbox.dismiss(delivery_id, by=shell.actor(request), reason=form.cleaned_data["reason"])
        messages.success(request, _("The message was dropped. What waited behind it goes on."))
    except CommerceError as refusal:
        messages.error(request, refusals.sentence(refusal))
    return redirect("staff:messages")


def _page(
    request: HttpRequest, *, dismissing: int | None = None, form: DismissForm | None = None, status: int = 200
) -> HttpResponse:
    facts = {"deliveries": outbox.parked(at_most=MOST_SHOWN), "dismissing": dismissing, "form": form or DismissForm()}
    return render(request, "staff/messages.html", facts, status=status)
