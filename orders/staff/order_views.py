"""Orders on screen: finding one, reading it, and calling it off."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods

from commerce import clock, transactions
from commerce.errors import CommerceError, NotFound
from commerce.roles import Permission
from commerce.staff import refusals, shell
from inventory.places import locations
from orders import cancellation, holds, queries
from orders.errors import OrderNotFound
from orders.lifecycle import TERMINAL, OrderAction, State
from orders.notifications import notices
from orders.queries import OrderView
from orders.returns import lists as return_lists
from orders.staff import forms, money, notice_words, order_page, return_page, why, words
from orders.staff.views import at_store, done, not_here

TIMELINE_KINDS = ("step", "picking")


def granted(request: HttpRequest, location_id: int) -> frozenset[Permission]:
    allowed = shell.access(request)
    if request.user.is_superuser:
        return frozenset(Permission)
    return allowed.permissions_at(location_id) if allowed else frozenset()


def granted_for(request: HttpRequest, order: OrderView) -> frozenset[Permission]:
    """Return what the person may do with this order: what they may do where its parts are.

    One that is being routed is nowhere yet: it is for those who may call orders off somewhere.
    """
    if not order.fulfilments:
        rights = [granted(request, store.id) for store in shell.stores(request)]
        return frozenset().union(*(one for one in rights if Permission.CANCEL_ORDERS in one))
    return frozenset().union(*(granted(request, view.location_id) for view in order.fulfilments))


def places(request: HttpRequest, permission: Permission) -> list[int] | None:
    """Return where the person has a right; None means everywhere, without asking for each place."""
    if request.user.is_superuser:
        return None
    return [store.id for store in shell.stores(request) if permission in granted(request, store.id)]


def _may_cancel(request: HttpRequest, order: OrderView) -> bool:
    """Whether the person may call the order off: that takes the right wherever a part of it is."""
    return all(Permission.CANCEL_ORDERS in granted(request, view.location_id) for view in order.fulfilments)


@require_GET
@at_store(Permission.VIEW_ORDERS)
def search(request: HttpRequest, store: shell.Store) -> HttpResponse:
    """Find orders by number, reference or pickup code; who may see customers, also by e-mail or phone."""
    text = shell.typed(request.GET.get("q", ""))
    knows_customers_at = places(request, Permission.VIEW_CUSTOMERS)
    found = order_page.find(
        text,
        location_ids=places(request, Permission.VIEW_ORDERS),
        country=locations.by_id(store.id).country,
        contacts_at=knows_customers_at,
        with_unrouted=places(request, Permission.CANCEL_ORDERS) != [],
        before=_before(request.GET.get("before", "")),
        at_most=order_page.PAGE_SIZE + 1,
    )
    more = found[order_page.PAGE_SIZE :]
    found = found[: order_page.PAGE_SIZE]
    last = found[-1].order if found and more else None
    facts = {
        "text": text,
        "found": found,
        "finds_by_contact": knows_customers_at != [],
        "more_url": "?" + urlencode({"q": text, "before": f"{last.placed_at.isoformat()}/{last.id}"}) if last else "",
        "is_first_page": "before" not in request.GET,
    }
    if text and len(found) == 1 and found[0].order.number == text.upper():
        return redirect("orders-staff:order", found[0].order.id)
    return render(request, "orders/search.html", facts)


def _before(text: str) -> tuple[datetime, UUID] | None:
    """Read where the next page starts; what can't be read is the first page."""
    placed_at, _slash, order_id = text.partition("/")
    try:
        at = datetime.fromisoformat(placed_at)
        return (at, UUID(order_id)) if at.tzinfo else None
    except ValueError:
        return None


@require_GET
@at_store(Permission.VIEW_ORDERS)
def order(request: HttpRequest, store: shell.Store, order_id: UUID) -> HttpResponse:
    """Show one order with its parts, its story and why it is where it is."""
    try:
        page = queries.order_page(order_id)
    except OrderNotFound:
        return not_here(request)
    can = granted_for(request, page.order)
    if Permission.VIEW_ORDERS not in can:
        return not_here(request)
    return show(request, store, page, can, forms.CancelForm())


@require_http_methods(["POST"])
@at_store(Permission.VIEW_ORDERS)
def cancel(request: HttpRequest, store: shell.Store, order_id: UUID) -> HttpResponse:
    """Call an order off: its goods and its pickup window are free again, its channel is told."""
    try:
        page = queries.order_page(order_id)
    except OrderNotFound:
        return not_here(request)
    can = granted_for(request, page.order)
    if Permission.VIEW_ORDERS not in can:
        return not_here(request)
    if not _may_cancel(request, page.order):
        return shell.refuse(request, Permission.CANCEL_ORDERS)
    form = forms.CancelForm(request.POST)
    if form.is_valid():
        try:
            with transactions.transaction():
                cancellation.cancel_order(order_id, by=shell.actor(request), at=clock.now(), reason=form.reason_text())
            done(request, words.ORDER_CANCELLED % {"number": page.order.number})
            return redirect("orders-staff:order", order_id)
        except CommerceError as error:
            form.add_error(None, refusals.sentence(error))
            page = queries.order_page(order_id)
    return show(request, store, page, can, form, status=422)


def show(
    request: HttpRequest,
    store: shell.Store,
    page: queries.OrderPage,
    can: frozenset[Permission],
    form: forms.CancelForm,
    *,
    status: int = 200,
    hold_form: forms.HoldForm | None = None,
) -> HttpResponse:
    found = page.order
    kind = request.GET.get("show", "")
    facts = {
        "order": found,
        "status": words.word(words.STATUSES, found.status.value),
        "sections": order_page.sections(found, store_id=store.id, can=can, user_id=request.user.pk, at=clock.now()),
        "total": order_page.amount(found.total_minor, found.currency),
        "tax": order_page.amount(found.tax_minor, found.currency),
        "placed_total": order_page.amount(sum(line.total_minor for line in found.lines), found.currency),
        "is_reduced": any(line.cancelled for line in found.lines),
        "prices": order_page.prices(found),
        "money": money.panel(found, can),
        "story": order_page.story(page.timeline, show=kind if kind in TIMELINE_KINDS else ""),
        "show": kind if kind in TIMELINE_KINDS else "",
        "routing": why.decisions(page.routing, page.order.currency),
        "may_see_customer": Permission.VIEW_CUSTOMERS in can,
        "may_cancel": found.is_cancellable and _may_cancel(request, found),
        "has_picked": any(line.picked for view in found.fulfilments for line in view.lines),
        **_holding(found, can, hold_form),
        "notices": notice_words.of_order(found.id, may_resend=Permission.VIEW_CUSTOMERS in can),
        "form": form,
        "now": clock.now(),
    }
    return render(request, "orders/order.html", facts, status=status)


def _holding(found: OrderView, can: frozenset[Permission], hold_form: forms.HoldForm | None) -> dict[str, Any]:
    """Return what the page says about holds: those that are open, and whether the reader may place one."""
    is_open = any(State(view.state) not in TERMINAL for view in found.fulfilments)
    return {
        "held": order_page.held(holds.of_orders([found.id]).get(found.id, []), can) if found.held_for else [],
        "may_take_back": OrderAction.RETURN in found.allowed_actions and Permission.TAKE_RETURNS in can,
        "may_goodwill": Permission.REFUND_ORDERS in can,
        "returns": return_page.listed(return_lists.of_order(found.id), found.currency),
        "refunds": return_page.given(return_lists.refunds([found.id]), found.currency),
        "may_change": is_open and Permission.CHANGE_ORDERS in can,
        "may_hold": is_open and Permission.HOLD_ORDERS in can,
        "hold_form": hold_form or forms.HoldForm(),
    }


@require_http_methods(["POST"])
@at_store(Permission.VIEW_ORDERS)
def resend(request: HttpRequest, store: shell.Store, order_id: UUID, notice_id: UUID) -> HttpResponse:
    """Send a message of an order to its customer once more."""
    try:
        found = queries.order(order_id)
        row = notices.one(notice_id)
    except NotFound:
        return not_here(request)
    if Permission.VIEW_CUSTOMERS not in granted_for(request, found) or row.order_id != order_id:
        return not_here(request)
    try:
        with transactions.transaction():
            notices.resend(notice_id, by=shell.actor(request), at=clock.now())
        done(request, gettext("The message is on its way again."))
    except CommerceError as error:
        messages.error(request, refusals.sentence(error))
    return redirect("orders-staff:order", order_id)
