"""The public page on which a customer announces what they send or bring back, behind the link of their order."""

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
from django.views.decorators.http import require_http_methods

from commerce import clock
from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.money import Money
from commerce.transactions import transaction
from inventory.places import locations
from orders import printing, queries
from orders.carriers import directory
from orders.errors import OrderNotFound
from orders.floor import LabelState
from orders.queries import OrderView
from orders.return_states import Origin, Reason, ReturnState
from orders.returns import chances, files, labels, lists
from orders.returns.chances import Chance, Coming

# Claims are for people to look at, so the customer's own words for them are few.
REASONS = {
    Reason.WITHDRAWAL: _("I changed my mind"),
    Reason.DOES_NOT_FIT: _("It doesn’t fit"),
    Reason.NOT_AS_DESCRIBED: _("It is not as described"),
    Reason.DAMAGED: _("It arrived damaged"),
    Reason.WRONG_ITEM: _("It is the wrong item"),
    Reason.DEFECT: _("It is defective"),
}
STATES = {
    ReturnState.ANNOUNCED: _("announced: please send it or bring it to a store"),
    ReturnState.IN_TRANSIT: _("on its way to us"),
    ReturnState.RECEIVED: _("here: we are looking at it"),
    ReturnState.INSPECTED: _("looked at: your money follows"),
    ReturnState.SETTLED: _("done: your money is on its way"),
    ReturnState.REFUSED: _("not accepted: please speak to us"),
    ReturnState.CANCELLED: _("called off"),
}


@require_http_methods(["GET", "POST"])
def announce(request: HttpRequest, token: str) -> HttpResponse:
    """Show what may come back and what did; announce what the customer chose."""
    try:
        order = queries.order_by_token(token)
    except OrderNotFound as missing:
        raise Http404 from missing
    at = clock.now()
    language = order.language if order.language in dict(settings.LANGUAGES) else "en"
    place = order.fulfilments[0].location if order.fulfilments else locations.active()[0]
    with translation.override(language), timezone.override(ZoneInfo(place.time_zone)):
        problem = ""
        if request.method == "POST":
            problem = _announce(request, order)
            if not problem:
                return HttpResponseRedirect(reverse("tracking-return", args=[token]) + "?done=1")
        with transaction():
            found = chances.of_order(order.id, at=at)
        facts = _facts(order, found, language)
        facts |= {"problem": problem, "is_done": "done" in request.GET, "typed": request.POST}
        facts["has_failed"] = request.GET.get("label", LabelState.MADE.value) != LabelState.MADE.value
        response = render(request, "orders/track_return.html", facts, status=422 if problem else 200)
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Content-Language"] = language
    return response


@require_http_methods(["GET", "POST"])
def label(request: HttpRequest, token: str, return_id: UUID) -> HttpResponse:
    """Have the label of a return made, or hand it out as PDF; whose link it is may see no other order's."""
    try:
        order = queries.order_by_token(token)
    except OrderNotFound as missing:
        raise Http404 from missing
    if return_id not in {one.id for one in lists.of_order(order.id)}:
        raise Http404("There is no such return behind this link.")
    if request.method == "GET":
        document = labels.document(return_id)
        if document is None:
            raise Http404("There is no label.")
        response = printing.answer(document, "return-label.pdf")
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response
    asked = ""
    try:
        carrier = next(iter(directory.all_of_them()), "")
        made = labels.ask(return_id, carrier, by=Actor.customer(order.customer_id or order.id))
        asked = made.state.value
    except CommerceError:
        asked = "refused"
    return HttpResponseRedirect(reverse("tracking-return", args=[token]) + f"?label={asked}")


def _announce(request: HttpRequest, order: OrderView) -> str:
    """Announce what the form says; return what is wrong with it, or nothing."""
    coming = []
    for line in order.lines:
        text = request.POST.get(f"count-{line.line_number}", "").strip()
        if text in ("", "0"):
            continue
        if not (text.isascii() and text.isdigit()) or request.POST.get(f"reason-{line.line_number}") not in REASONS:
            return gettext("Please enter whole numbers and choose a reason.")
        coming.append(Coming(line.id, int(text[:6]), Reason(request.POST[f"reason-{line.line_number}"])))
    if not coming:
        return gettext("Please enter how many pieces come back.")
    try:
        with transaction():
            files.announce(
                order.id, coming, origin=Origin.CUSTOMER, by=Actor.customer(order.customer_id or order.id),
                at=clock.now(),
            )  # fmt: skip
    except CommerceError as refusal:
        if refusal.code == "not_returnable":
            return gettext("Some of these can’t come back any more. Please choose others, or speak to the store.")
        return gettext("That did not work just now. Please try again in a moment.")
    return ""


def _facts(order: OrderView, may_come: list[Chance], language: str) -> dict[str, Any]:
    def money(minor: int) -> str:
        return str(format_currency(Money(minor, order.currency).decimal, order.currency, locale=language))

    found: dict[UUID, lists.ReturnView] = {one.id: one for one in lists.of_order(order.id)}
    made = labels.of_returns(list(found))
    can_ask = bool(directory.all_of_them()) and bool((order.ship_to or {}).get("street"))
    return {
        "order": order,
        "language": language,
        "rows": [{"chance": one, "each": money(one.each_minor)} for one in may_come if one.left],
        "reasons": [(reason.value, text) for reason, text in REASONS.items()],
        "returns": [
            {
                "id": one.id,
                "number": one.number,
                "label": made.get(one.id),
                "may_ask": can_ask
                and one.state is ReturnState.ANNOUNCED
                and not one.keeps_goods
                and not (one.id in made and made[one.id].state.value in labels.LIVING),
                "state": STATES[one.state],
                "is_over": one.state in (ReturnState.SETTLED, ReturnState.REFUSED, ReturnState.CANCELLED),
                "goods": [(line.quantity, line.name) for line in one.live],
                "amount": money(one.refund_minor) if one.refund_minor else "",
            }
            for one in found.values()
        ],
    }
