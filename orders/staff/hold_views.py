"""Orders on hold, on screen: stop one, and let it go on."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from commerce import clock, transactions
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import refusals, shell
from orders import holds, queries
from orders.errors import OrderNotFound
from orders.hold_kinds import RELEASED_WITH, HoldKind
from orders.staff import forms, order_views, words
from orders.staff.views import at_store, done, not_here, refused


@require_POST
@at_store(Permission.VIEW_ORDERS)
def hold(request: HttpRequest, store: shell.Store, order_id: UUID) -> HttpResponse:
    """Let work on an order stand still, for a reason."""
    try:
        page = queries.order_page(order_id)
    except OrderNotFound:
        return not_here(request)
    can = order_views.granted_for(request, page.order)
    if Permission.VIEW_ORDERS not in can:
        return not_here(request)
    if Permission.HOLD_ORDERS not in can:
        return shell.refuse(request, Permission.HOLD_ORDERS)
    form = forms.HoldForm(request.POST)
    if form.is_valid():
        try:
            with transactions.transaction():
                holds.place(order_id, **form.cleaned_data, by=shell.actor(request), at=clock.now())
            done(request, words.ON_HOLD % {"number": page.order.number})
            return redirect("orders-staff:order", order_id)
        except CommerceError as error:
            form.add_error(None, refusals.sentence(error))
    return order_views.show(request, store, page, can, forms.CancelForm(), status=422, hold_form=form)


@require_POST
@at_store(Permission.VIEW_ORDERS)
def release(request: HttpRequest, store: shell.Store, order_id: UUID) -> HttpResponse:
    """Let an order go on as far as one kind of hold stopped it."""
    try:
        found = queries.order(order_id)
    except OrderNotFound:
        return not_here(request)
    can = order_views.granted_for(request, found)
    if Permission.VIEW_ORDERS not in can:
        return not_here(request)
    form = forms.ReleaseHoldForm(request.POST)
    if not form.is_valid():
        return redirect("orders-staff:order", order_id)
    needed = RELEASED_WITH[HoldKind(form.cleaned_data["kind"])]
    if needed not in can:
        return shell.refuse(request, needed)
    try:
        with transactions.transaction():
            left = holds.release(order_id, **form.cleaned_data, by=shell.actor(request), at=clock.now())
    except CommerceError as error:
        return refused(request, error, reverse("orders-staff:order", args=[order_id]))
    kinds = ", ".join(str(words.word(words.HOLDS, kind).text) for kind in left)
    sentence = words.STILL_HELD if left else words.HOLD_RELEASED
    done(request, sentence % {"number": found.number, "kinds": kinds})
    return redirect("orders-staff:order", order_id)
