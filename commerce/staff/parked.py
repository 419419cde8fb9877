"""Parked messages: deliveries that gave up and need a person, with what went wrong, retry and dismiss."""

import json
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from commerce import outbox, transactions
from commerce.errors import CommerceError
from commerce.models import OutboxMessage
from commerce.roles import Permission
from commerce.staff import refusals, shell
from commerce.staff.forms import DismissForm

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """A parked delivery with what it carries, as indented JSON."""

    delivery: outbox.ParkedDelivery
    payload: str


def _with_payloads() -> list[Shown]:
    deliveries = outbox.parked(at_most=MOST_SHOWN)
    wanted = [delivery.message_id for delivery in deliveries]
    payloads = dict(OutboxMessage.objects.filter(message_id__in=wanted).values_list("message_id", "payload"))
    return [
        Shown(delivery, json.dumps(payloads.get(delivery.message_id), indent=2, ensure_ascii=False))
        for delivery in deliveries
    ]


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
    facts = {"deliveries": _with_payloads(), "dismissing": dismissing, "form": form or DismissForm()}
    return render(request, "staff/messages.html", facts, status=status)
