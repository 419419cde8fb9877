"""The public tracking page: in the order's language, in the store's time, without an account, never in a cache."""

from collections.abc import Callable
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.numbers import format_currency
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from commerce import clock
from commerce.errors import CommerceError
from commerce.money import Money
from commerce.transactions import transaction
from orders import pickup, shortage_choices, tracking
from orders.errors import OrderNotFound
from orders.lifecycle import State
from orders.packing import journeys
from orders.tracking import Tracking

STEPS = {
    "received": (_("Order received"), "inbox"),
    "preparing": (_("Being prepared"), "package-open"),
    "ready": (_("Ready for pickup"), "package-check"),
    "collected": (_("Collected"), "check-check"),
    "shipped": (_("Handed to the carrier"), "truck"),
}


@require_GET
def track(request: HttpRequest, token: str) -> HttpResponse:
    """Show where the order stands."""
    return _page(request, token)


@require_POST
def cancel(request: HttpRequest, token: str) -> HttpResponse:
    """Cancel the order and show it."""
    return _done(request, token, lambda: tracking.cancel(token, at=clock.now()))


@require_POST
def arrive(request: HttpRequest, token: str) -> HttpResponse:
    """Tell the store that the customer is outside, and show the order."""
    bay = request.POST.get("bay", "").strip()[: pickup.LONGEST_BAY]
    part = _part_named(request.POST.get("part", ""))
    return _done(request, token, lambda: tracking.arrive(token, bay=bay, at=clock.now(), fulfilment_id=part))


def _part_named(text: str) -> UUID | None:
    """Return the part of an order that a form is about; a form that names none, or nonsense, is about the only one."""
    try:
        return UUID(text)
    except ValueError:
        return None


@require_POST
def choose(request: HttpRequest, token: str, shortage_id: UUID) -> HttpResponse:
    """Do what the customer chose for pieces that could not be found, and show the order."""
    choice, location = request.POST.get("choice", ""), ""
    if choice.startswith("elsewhere:"):
        choice, _colon, location = choice.partition(":")
    return _done(
        request, token,
        lambda: shortage_choices.choose(token, shortage_id, choice, location=location[:20], at=clock.now()),
    )  # fmt: skip


def _done(request: HttpRequest, token: str, verb: Callable[[], object]) -> HttpResponse:
    try:
        with transaction():
            verb()
    except OrderNotFound as missing:
        raise Http404 from missing
    except CommerceError as refusal:
        return _page(request, token, refusal=refusal)
    return HttpResponseRedirect(reverse("tracking", args=[token]))


def _page(request: HttpRequest, token: str, *, refusal: CommerceError | None = None) -> HttpResponse:
    try:
        followed = tracking.follow(token, at=clock.now())
    except OrderNotFound as missing:
        raise Http404 from missing
    language = followed.order.language if followed.order.language in dict(settings.LANGUAGES) else "en"
    with translation.override(language), timezone.override(ZoneInfo(followed.place.time_zone)):
        response = render(
            request,
            "orders/tracking.html",
            _facts(followed, language, refusal),
            status=refusal.status if refusal else 200,
        )
    response["Cache-Control"] = "no-store"
    # The address is the key, so no other site may learn it. With "no-referrer" browsers would send our own forms with
    # the origin "null", and the CSRF check would refuse them.
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Content-Language"] = language
    return response


def _facts(followed: Tracking, language: str, refusal: CommerceError | None) -> dict[str, Any]:
    order = followed.order

    def money(minor: int) -> str:
        return str(format_currency(Money(minor, order.currency).decimal, order.currency, locale=language))

    return {
        "tracking": followed,
        "order": order,
        "parts": [
            {"about": part, "steps": [(*STEPS[name], standing) for name, standing in part.steps]}
            for part in followed.parts
        ],
        "is_one": len(followed.parts) == 1,
        "language": language,
        "lines": [
            {
                "name": line.name,
                "quantity": line.quantity,
                "cancelled": line.cancelled,
                "remaining": line.quantity - line.cancelled,
                "amount": money(line.remaining_minor),
            }
            for line in order.lines
        ],
        "total": money(order.total_minor),
        "parcels": journeys.of_fulfilments([one.id for one in order.fulfilments if one.state == State.SHIPPED]),
        "shortages": shortage_choices.asked(order.id, at=followed.as_of),
        "refusal": _sentence(refusal) if refusal else "",
        "longest_bay": pickup.LONGEST_BAY,
    }


def _sentence(refusal: CommerceError) -> str:
    """Say a refusal in the customer's words and language."""
    if refusal.code == "cannot_cancel":
        return gettext("It is too late to cancel this order. Please speak to the store.")
    if refusal.code == "move_not_allowed":
        return gettext("This is not possible at the moment: see below where your order stands.")
    if refusal.code == "choice_over":
        return gettext("That can’t be had any more. Please choose again: below is what is possible now.")
    return gettext("That did not work just now. Please try again in a moment.")
