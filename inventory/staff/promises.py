"""Promises on screen: why a figure is what it is, and what may be promised from goods to come and to one customer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commerce import catalog, clock, queries, transactions
from commerce.errors import CommerceError, NotFound
from commerce.roles import Permission
from commerce.staff import refusals, shell
from inventory import availability
from inventory.promising import backorders, promises, purchase_limits
from inventory.promising import policies as backorder_policies
from inventory.promising.promises import Promise
from inventory.sharing import channel_priorities
from inventory.staff import promise_words
from inventory.staff.promise_forms import LimitForm, PolicyForm

desk = shell.require(Permission.MANAGE_SHARING, at_all_stores=True)


@dataclass(frozen=True, slots=True)
class Reader:
    """A channel, or the house itself, with what it may have here and the parts of that."""

    name: Any
    promise: Promise
    parts: list[tuple[int, str]]


@require_GET
@shell.require(Permission.VIEW_STOCK)
def why(request: HttpRequest) -> HttpResponse:
    """Show what the house and each channel may have of a product here, part by part, and what is on its way."""
    found = catalog.product_by_barcode(shell.typed(request.GET.get("sku", "")))
    if found is None:
        raise Http404
    product, store, now = found[0], shell.here(request), clock.now()
    channels = [channel for channel in queries.channels() if channel.is_active]
    of_house = availability.figures([product.id], location_ids=[store.id], at=now)
    readers = _readers(_("The house itself"), None, of_house, now)
    seen = availability.figures_of_channels([product.id], [one.id for one in channels], location_ids=[store.id], at=now)
    for channel in channels:
        readers += _readers(channel.name, channel, seen[channel.id], now)
    facts = {
        "product": product,
        "readers": readers,
        "coming": [
            (one, promise_words.SOURCES[one.source])
            for one in promises.coming([product.id], at=now).get((product.id, store.id), ())
        ],
        "waiting": backorders.listed_at(product.id, store.id, at=now),
        "channels": {channel.id: channel.name for channel in channels},
        "ranking": channel_priorities.ranking(product.id, store.id),
        "back": f"{reverse('inventory-staff:stock')}?q={product.sku}",
    }
    return render(request, "inventory/promise_why.html", facts)


def _readers(name: Any, channel: Any, figures: Sequence[availability.Figure], now: Any) -> list[Reader]:
    channel_id, country = (channel.id, channel.country) if channel else (None, "")
    return [
        Reader(name, promise, [(part.pieces, promise_words.part(part)) for part in promise.parts])
        for promise in promises.promises(figures, channel_id=channel_id, country=country, at=now)
    ]


# --- the desk --------------------------------------------------------------------------------------------------------


@require_GET
@desk
def page(request: HttpRequest) -> HttpResponse:
    """Show the policies of backorders and the limits per customer, those in force first."""
    now = clock.now()
    policies = [
        (row, promise_words.policy(row), promise_words.KINDS[row.kind], _is_over(row.ended_at, row.until, now))
        for row in backorder_policies.listed()
    ]
    limits = [
        (row, promise_words.limit(row), _is_over(row.ended_at, row.ends_at, now)) for row in purchase_limits.listed()
    ]
    policies.sort(key=lambda one: one[-1])
    limits.sort(key=lambda one: one[-1])
    return render(request, "inventory/promises.html", {"policies": policies, "limits": limits, "tab": "promises"})


def _is_over(ended_at: Any, until: Any, now: Any) -> bool:
    return ended_at is not None or (until is not None and until <= now)


@require_http_methods(["GET", "POST"])
@desk
def write_policy(request: HttpRequest) -> HttpResponse:
    form = PolicyForm(request.POST) if request.method == "POST" else PolicyForm()
    done = _("The policy holds now. Channels are being told.")
    return _written(
        request, form, lambda: backorder_policies.make(form.draft, by=shell.actor(request), at=clock.now()), done
    )


@require_http_methods(["GET", "POST"])
@desk
def write_limit(request: HttpRequest) -> HttpResponse:
    form = LimitForm(request.POST) if request.method == "POST" else LimitForm.empty()
    done = _("The limit holds in its time.")
    return _written(
        request, form, lambda: purchase_limits.make(form.draft, by=shell.actor(request), at=clock.now()), done
    )


def _written(request: HttpRequest, form: PolicyForm | LimitForm, make: Callable[[], int], done: str) -> HttpResponse:
    if form.is_bound and form.is_valid():
        try:
            with transactions.transaction():
                make()
            messages.success(request, done)
            return redirect("inventory-staff:promises")
        except CommerceError as refusal:
            form.refuse(refusal)
    what = "policy" if isinstance(form, PolicyForm) else "limit"
    facts = {"form": form, "what": what, "back": reverse("inventory-staff:promises")}
    return render(request, "inventory/promise_form.html", facts, status=422 if form.errors else 200)


@require_POST
@desk
def end_policy(request: HttpRequest, policy_id: int) -> HttpResponse:
    done = _("Ended. Nothing more is promised by it; what was promised stays.")
    return _ended(request, lambda: backorder_policies.end(policy_id, by=shell.actor(request), at=clock.now()), done)


@require_POST
@desk
def end_limit(request: HttpRequest, limit_id: int) -> HttpResponse:
    done = _("Ended. Everybody may have as many as there are.")
    return _ended(request, lambda: purchase_limits.end(limit_id, by=shell.actor(request), at=clock.now()), done)


def _ended(request: HttpRequest, end: Callable[[], None], done: str) -> HttpResponse:
    try:
        with transactions.transaction():
            end()
        messages.success(request, done)
    except NotFound as missing:
        raise Http404 from missing
    except CommerceError as refusal:
        messages.error(request, refusals.sentence(refusal))
    return redirect("inventory-staff:promises")
