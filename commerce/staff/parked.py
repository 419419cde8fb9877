"""Parked messages: deliveries that gave up and need a person, with what went wrong, retry and dismiss."""

import json
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from commerce import outbox, transactions
from commerce.errors import CommerceError
from commerce.models import OutboxMessage
from commerce.roles import Permission
from commerce.staff import refusals, shell
from commerce.staff.forms import DismissForm


@dataclass(frozen=True, slots=True)
class Shown:
    """A parked delivery with what it carries, as indented JSON, and why it would wait even when tried again."""

    delivery: outbox.ParkedDelivery
    payload: str
    waits: str


def _shown() -> list[Shown]:
    deliveries = outbox.parked()
    wanted = [delivery.message_id for delivery in deliveries]
    payloads = dict(OutboxMessage.objects.filter(message_id__in=wanted).values_list("message_id", "payload"))
    return [
        Shown(
            delivery, json.dumps(payloads.get(delivery.message_id), indent=2, ensure_ascii=False), _why_it_waits(delivery)
        )
        for delivery in deliveries
    ]  # fmt: skip


def _why_it_waits(delivery: outbox.ParkedDelivery) -> str:
    """Say what keeps a delivery from being sent at once when it is tried again, or nothing."""
    if delivery.is_switched_off:
        return _("The receiver is switched off. Tried again, the message waits until the receiver is switched on.")
    if delivery.rests_until is not None:
        time = date_format(localtime(delivery.rests_until), "TIME_FORMAT")
        return _(
            "The receiver has failed often and is left alone until %(time)s. Tried again, the message goes out then."
        ) % {"time": time}
    return ""


@require_GET
@shell.require(Permission.MANAGE_MESSAGES, at_all_stores=True)
def parked(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
@shell.require(Permission.MANAGE_MESSAGES, at_all_stores=True)
def retry(request: HttpRequest, delivery_id: int) -> HttpResponse:
    """Let a parked delivery be tried again as soon as its receiver takes messages; say so when that is not now."""
    waits = "".join(map(_why_it_waits, outbox.parked(only=delivery_id)))
    try:
        with transactions.transaction():
            outbox.retry(delivery_id, by=shell.actor(request))
        if waits:
            messages.warning(request, waits)
        else:
            messages.success(request, _("The message is on its way again."))
    except CommerceError as refusal:
        messages.error(request, refusals.sentence(refusal))
    return redirect("staff:messages")


@require_POST
@shell.require(Permission.MANAGE_MESSAGES, at_all_stores=True)
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
    facts = {"deliveries": _shown(), "dismissing": dismissing, "form": form or DismissForm()}
    return render(request, "staff/messages.html", facts, status=status)
