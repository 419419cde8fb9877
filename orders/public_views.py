"""The public tracking page: in the order's language, in the store's time, without an account, never in a cache."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import segno
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
from orders import pickup, shortage_choices, tracking, visits
from orders.errors import OrderNotFound
from orders.floor import Choice, Stage
from orders.lifecycle import OrderAction, State
from orders.notifications.order_news import REVISION_REASONS
from orders.packing import journeys
from orders.tracking import Tracking

TO_STORE = (State.UNDER_WAY, State.READY, State.NO_SHOW, State.HANDED_OVER)
DRIVES = (5, 10, 15, 20, 30, 45, 60, 90)  # minutes to choose from
STEPS = {
    "received": (_("Order received"), "inbox"),
    "preparing": (_("Being prepared"), "package-open"),
    "ready": (_("Ready for pickup"), "package-check"),
    "collected": (_("Collected"), "check-check"),
    "to_store": (_("On its way to the store"), "truck"),
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
    car, plate = request.POST.get("car", ""), request.POST.get("plate", "")
    return _done(
        request,
        token,
        lambda: tracking.arrive(token, bay=bay, at=clock.now(), fulfilment_id=part, car=car, plate=plate),
    )


@require_POST
def on_my_way(request: HttpRequest, token: str) -> HttpResponse:
    """Tell the store that the customer is on the way, and show the order."""
    part, given = _part_named(request.POST.get("part", "")), request.POST.get("minutes", "")
    minutes = int(given) if given.isascii() and given.isdigit() and len(given) < 5 else 0
    return _done(request, token, lambda: tracking.on_my_way(token, part, minutes=minutes, at=clock.now()))


@require_POST
def name_helper(request: HttpRequest, token: str) -> HttpResponse:
    """Let somebody else collect, and show the order."""
    part, name = _part_named(request.POST.get("part", "")), request.POST.get("name", "")
    return _done(request, token, lambda: tracking.name_helper(token, part, name=name, at=clock.now()))


@require_POST
def move(request: HttpRequest, token: str) -> HttpResponse:
    """Move the pickup to another window or store, and show the order."""
    part, window = _part_named(request.POST.get("part", "")), request.POST.get("window", "")[:80]
    return _done(request, token, lambda: tracking.move(token, part, window=window, at=clock.now()))


def _part_named(text: str) -> UUID | None:
    """Return the part of an order that a form is about; a form that names none, or nonsense, is about the only one."""
    try:
        return UUID(text)
    except ValueError:
        return None


@require_POST
def choose(request: HttpRequest, token: str, shortage_id: UUID) -> HttpResponse:
    """Do what the customer chose for pieces that could not be found, and show the order."""
    choice, _colon, which = request.POST.get("choice", "")[:120].partition(":")
    location = which[:20] if choice == Choice.ELSEWHERE else ""
    proposal = which if choice in (Choice.ACCEPT, Choice.REFUSE) else ""
    product = which if choice == Choice.SUBSTITUTE else ""
    return _done(
        request, token,
        lambda: shortage_choices.choose(
            token, shortage_id, choice, location=location, product=product, proposal=proposal, at=clock.now()
        ),
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
            _facts(followed, language, refusal, moving=_part_named(request.GET.get("move", ""))),
            status=refusal.status if refusal else 200,
        )
    response["Cache-Control"] = "no-store"
    # The address is the key, so no other site may learn it. With "no-referrer" browsers would send our own forms with
    # the origin "null", and the CSRF check would refuse them.
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Content-Language"] = language
    return response


def _qr(code: str) -> str:
    """Return a pickup code as a QR code that a hand scanner or a phone's camera reads, as SVG."""
    return str(segno.make_qr(code, error="m").svg_inline(scale=6, border=2, omitsize=True, light="#fff"))


def _facts(followed: Tracking, language: str, refusal: CommerceError | None, *, moving: UUID | None) -> dict[str, Any]:
    order = followed.order

    def money(minor: int) -> str:
        return str(format_currency(Money(minor, order.currency).decimal, order.currency, locale=language))

    parcels = journeys.of_fulfilments(
        [one.id for one in order.fulfilments if one.state == State.SHIPPED or (one.store_id and one.state in TO_STORE)]
    )
    for parcel in parcels:
        parcel["is_late"] = _is_late(parcel, followed.as_of)
    return {
        "tracking": followed,
        "order": order,
        "parts": [
            {
                "about": part,
                "steps": [(*STEPS[name], standing) for name, standing in part.steps],
                "arrived": _arrived(part.fulfilment.id, parcels),
                "qr": _qr(part.fulfilment.pickup_code) if part.shows_code else "",
                "reason": REVISION_REASONS.get(part.last_revision.reason, "") if part.last_revision else "",
                "choices": tracking.moving_choices(followed, part.fulfilment.id)
                if part.fulfilment.id == moving
                else None,
            }
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
        "parcels": parcels,
        "shortages": [
            {
                "about": asked,
                "amount": money(asked.proposal.amount_minor) if asked.proposal else "",
                "instead_of": money(asked.proposal.instead_of_minor) if asked.proposal else "",
                "difference": money(abs(asked.proposal.amount_minor - asked.proposal.instead_of_minor))
                if asked.proposal
                else "",
                "offers": [
                    {
                        "about": offer,
                        "amount": money(offer.substitute.amount_minor) if offer.substitute else "",
                        "instead_of": money(offer.substitute.instead_of_minor)
                        if offer.substitute and offer.substitute.amount_minor < offer.substitute.instead_of_minor
                        else "",
                    }
                    for offer in asked.offers
                ],
            }
            for asked in shortage_choices.asked(order.id, at=followed.as_of)
        ],
        "refusal": _sentence(refusal) if refusal else "",
        "may_return": OrderAction.RETURN in order.allowed_actions,
        "longest_bay": pickup.LONGEST_BAY,
        "longest_car": visits.LONGEST_CAR,
        "longest_plate": visits.LONGEST_PLATE,
        "longest_name": visits.LONGEST_NAME,
        "drives": DRIVES,
    }


def _arrived(fulfilment_id: UUID, parcels: list[dict[str, Any]]) -> dict[str, int]:
    """Return how many parcels of a part are there, of how many."""
    its = [one for one in parcels if one["fulfilment_id"] == fulfilment_id]
    there = [one for one in its if (one["arrived_at"] if one["is_to_store"] else one["stage"] == Stage.DELIVERED)]
    return {"there": len(there), "all": len(its)}


def _is_late(parcel: dict[str, Any], at: datetime) -> bool:
    """Whether a carrier still has what was to be there by now; what goes to a store is promised anew instead."""
    due = parcel["deliver_by"]
    return bool(due and due < at and parcel["stage"] != Stage.DELIVERED and not parcel["is_to_store"])


_SENTENCES = {
    "window_full": _("This pickup window has just filled up. Please choose another one."),
    "window_closed": _("This pickup window is not open any more. Please choose another one."),
    "insufficient_stock": _("This store does not have all of your goods any more. Please choose another one."),
    "location_not_able": _("This store does not offer this kind of pickup. Please choose another one."),
    "too_many_moves": _("You have moved this pickup as often as possible. Please speak to the store."),
    "busy": _("Somebody is working on your order this very moment. Please try again."),
}
_FIELDS = {
    "minutes": _("Please say in how many minutes you arrive, between 1 and 240."),
    "plate": _("That is no number plate. Please write letters and digits, such as B-KO 1234."),
    "car": _("Please describe your car in fewer words."),
    "bay": _("Please say in fewer words where you stand."),
    "name": _("Please write the name in fewer letters."),
    "window": _("Please choose a pickup window."),
}


def _sentence(refusal: CommerceError) -> str:
    """Say a refusal in the customer's words and language."""
    if refusal.code == "cannot_cancel":
        return gettext("It is too late to cancel this order. Please speak to the store.")
    if refusal.code == "move_not_allowed":
        return gettext("This is not possible at the moment: see below where your order stands.")
    if refusal.code == "choice_over":
        return gettext("That can’t be had any more. Please choose again: below is what is possible now.")
    if refusal.code in _SENTENCES:
        return str(_SENTENCES[refusal.code])
    if refusal.code == "invalid_input" and refusal.errors:
        return str(_FIELDS.get(refusal.errors[0].get("field", ""), _SENTENCES["insufficient_stock"]))
    return gettext("That did not work just now. Please try again in a moment.")
