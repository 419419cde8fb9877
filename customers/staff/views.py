"""Customer pages: find someone, see who they are and what they bought."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from babel.numbers import format_currency
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from commerce import audit
from commerce.money import Money
from commerce.roles import Permission
from commerce.staff import shell
from customers import queries, standings
from customers.errors import ProfileNotFound
from customers.queries import PanelIdentifier, PanelOrder
from customers.staff import seeing, words


@dataclass(frozen=True, slots=True)
class Contact:
    """One identifier as a line of the page; `link` opens the mail or phone program."""

    word: words.Word
    shown: str
    channel: str
    is_verified: bool
    link: str


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order as a line of the page."""

    order: PanelOrder
    total: str
    status: words.Word


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline."""

    word: words.Word
    who: str
    at: datetime


@require_GET
@shell.require(Permission.VIEW_CUSTOMERS)
def search(request: HttpRequest) -> HttpResponse:
    """Find customers by e-mail, phone, customer or order number, or name."""
    text = request.GET.get("q", "").strip()[: shell.LONGEST_SEARCH]
    country = getattr(shell.current_store(request), "country", "")
    found = queries.search(text, country=country, places=seeing.places(request)) if text else []
    rows = [
        {
            "customer": one,
            "contacts": [_contact(identifier) for identifier in one.identifiers],
            "last": _order(one.last_order) if one.last_order else None,
        }
        for one in found
    ]
    facts = {"text": text, "found": rows, "most_found": queries.MOST_FOUND}
    return render(request, "customers/search.html", facts)


@require_GET
@shell.require(Permission.VIEW_CUSTOMERS)
def profile(request: HttpRequest, profile_id: UUID) -> HttpResponse:
    """Show one customer: how to reach them, what they bought, what happened to the profile."""
    try:
        panel = queries.profile_panel(profile_id, is_open=True, places=seeing.places(request))
    except ProfileNotFound as refusal:
        raise Http404 from refusal
    entries = audit.timeline("customer", profile_id)
    facts: dict[str, Any] = {
        "panel": panel,
        "contacts": [_contact(identifier) for identifier in panel.identifiers],
        "orders": [_order(order) for order in panel.orders],
        "stands": standings.of(profile_id),
        "groups": standings.groups_of(profile_id),
        "totals": [_amount(total) for total in panel.totals],
        "twins": _twins(entries, places=seeing.places(request)),
        "story": [
            Entry(words.step(entry.verb, entry.after or {}), entry.actor_label, entry.recorded_at)
            for entry in reversed(entries)
        ],
    }
    return render(request, "customers/profile.html", facts)


def _contact(identifier: PanelIdentifier) -> Contact:
    scheme = {"email": "mailto:", "phone": "tel:"}.get(identifier.kind, "")
    return Contact(
        words.word(words.KINDS, identifier.kind),
        identifier.shown,
        identifier.channel_code,
        identifier.is_verified,
        f"{scheme}{identifier.shown}" if scheme else "",
    )


def _order(order: PanelOrder) -> OrderRow:
    return OrderRow(order, _amount(order.total), words.word(words.STATUSES, order.status))


def _amount(total: Money) -> str:
    """Write an amount as the reader's language does."""
    return format_currency(total.decimal, total.currency, locale=get_language() or "de")


def _twins(entries: list[Any], *, places: frozenset[str] | None) -> list[UUID]:
    """Return the profiles that may be the same person, as noted when they were seen, and that the reader may see."""
    noted = [
        UUID(entry.after["possible_duplicate"]) for entry in entries if "possible_duplicate" in (entry.after or {})
    ]
    visible = queries.visible(noted, places=places) if noted else set()
    return [one for one in dict.fromkeys(noted) if one in visible]
