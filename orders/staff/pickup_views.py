"""Moving a pickup, and devices that ring when somebody waits outside."""

import json
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import RawPostDataException
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from commerce import clock, transactions
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import refusals, shell
from inventory.places import locations
from orders import pickup_moves, pickup_windows, queries
from orders.notifications import devices
from orders.notifications.devices import Subscription
from orders.pickup_moves import Choice
from orders.staff import board
from orders.staff.views import at_store, done, not_here, take

LONGEST_SUBSCRIPTION = 4_000
# What is no JSON document of the right shape, or a form, which the ground has read already.
NOT_A_SUBSCRIPTION = (ValueError, KeyError, TypeError, RawPostDataException)


class MoveForm(forms.Form):
    """Where and when a pickup is fetched from now on."""

    window = forms.ChoiceField(label=_("Pickup window"), error_messages={"required": _("Choose a pickup window.")})
    reason = forms.CharField(label=_("Why?"), max_length=200, required=False)

    def __init__(self, *args: Any, choices: list[Choice], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["window"].choices = [
            (choice.location.name, [(one.id, board.window_text(one.starts_at, one.ends_at)) for one in choice.windows])
            for choice in choices
        ]


@require_http_methods(["GET", "POST"])
@at_store(Permission.WORK_PICKUPS)
def move(request: HttpRequest, store: shell.Store, fulfilment_id: UUID) -> HttpResponse:
    """Move a pickup to another window or store; the customer is told."""
    at = clock.now()
    card = board.card(fulfilment_id, store.id, at=at)
    if card is None:
        return not_here(request)
    order = queries.order(card.order_id)
    part = next(one for one in order.fulfilments if one.id == fulfilment_id)
    choices = pickup_moves.choices(part, channel_id=order.channel_id, at=at)
    form = MoveForm(request.POST or None, choices=choices)
    if request.method == "POST" and form.is_valid():
        try:
            code, starts_at = pickup_windows.parse_id(form.cleaned_data["window"])
            take(
                request,
                pickup_moves.move,
                fulfilment_id,
                location_id=locations.ref(code).id,
                starts_at=starts_at,
                reason=form.cleaned_data["reason"],
            )
        except CommerceError as refusal:
            form.add_error(None, refusals.sentence(refusal))
        else:
            done(request, _now("The pickup of %(number)s is moved; the customer is told.") % {"number": card.number})
            return redirect("orders-staff:order", card.order_id)
    facts = {
        "card": card,
        "form": form,
        "choices": choices,
        "order_url": reverse("orders-staff:order", args=[order.id]),
    }
    return render(request, "orders/move_pickup.html", facts, status=422 if form.errors else 200)


@require_POST
@at_store(Permission.WORK_PICKUPS)
def ring_here(request: HttpRequest, store: shell.Store) -> HttpResponse:
    """Let this browser ring when a customer waits outside at the current store."""
    try:
        given = json.loads(request.body[:LONGEST_SUBSCRIPTION])
        keys = given["keys"]
        subscription = Subscription(str(given["endpoint"]), str(keys["p256dh"]), str(keys["auth"]))
    except NOT_A_SUBSCRIPTION:
        return JsonResponse({"detail": _now("This browser sent no subscription.")}, status=400)
    try:
        with transactions.transaction():
            devices.subscribe(
                subscription,
                user=request.user,
                location_id=store.id,
                language=get_language() or "de",
                by=shell.actor(request),
                at=clock.now(),
            )
    except CommerceError as refusal:
        return JsonResponse({"detail": refusals.sentence(refusal)}, status=refusal.status)
    return JsonResponse({"store": store.name}, status=201)


@require_POST
@at_store(Permission.WORK_PICKUPS)
def ring_no_more(request: HttpRequest, store: shell.Store) -> HttpResponse:
    """Let this browser ring no more."""
    try:
        endpoint = str(json.loads(request.body[:LONGEST_SUBSCRIPTION])["endpoint"])
    except NOT_A_SUBSCRIPTION:
        return JsonResponse({"detail": _now("This browser sent no subscription.")}, status=400)
    with transactions.transaction():
        devices.unsubscribe(endpoint, user=request.user, by=shell.actor(request))
    return HttpResponse(status=204)
