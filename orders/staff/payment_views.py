"""Money at the counter and at the desk: take a payment, take or let go what is held, give back, and say that it was done."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from commerce import clock, money, transactions
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import shell
from orders import queries
from orders.errors import OrderNotFound
from orders.paying import PaymentStatus, PaymentVerb, PayMethod
from orders.payments import asking, collecting, errands, ledger, refunds, requests
from orders.payments.collecting import Wanted
from orders.queries import OrderView
from orders.staff import order_views
from orders.staff.views import at_store, done, not_here, refused

AT_THE_COUNTER = ("cash", "terminal", "gift_card")
LONGEST_REASON = 200
ASKED_HERE = frozenset({PaymentVerb.CAPTURE.value, PaymentVerb.VOID.value, PaymentVerb.EXTEND.value})


class Amount(forms.CharField):
    """An amount as people type it: 12, 12.5 or 12,50; empty is all of it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=16, required=False, **options)

    def minor(self, text: str, currency: str) -> int | None:
        """Return it in minor units. Raises: forms.ValidationError."""
        if not text.strip():
            return None
        try:
            return money.Money.parse(text.strip().replace(" ", "").replace(",", "."), currency).minor
        except (ValueError, ArithmeticError):
            raise forms.ValidationError(_("Enter an amount such as 12.50.")) from None


class PayForm(forms.Form):
    """A payment at the counter."""

    how = forms.ChoiceField(choices=[(one, one) for one in AT_THE_COUNTER])
    amount = Amount()
    gift_card = forms.CharField(max_length=40, required=False)


class ReturnForm(forms.Form):
    """Money that goes back without goods."""

    amount = Amount()
    reason = forms.CharField(max_length=LONGEST_REASON)


@require_POST
@at_store(Permission.TAKE_PAYMENTS)
def pay(request: HttpRequest, store: shell.Store, order_id: UUID) -> HttpResponse:
    """Take a payment at the counter."""

    def work(order: OrderView) -> HttpResponse:
        form = PayForm(request.POST)
        if not form.is_valid():
            return _invalid(request, order_id, _("Choose how it is paid."))
        how = form.cleaned_data["how"]
        wanted = Wanted(
            method=PayMethod.GIFT_CARD if how == "gift_card" else PayMethod.CASH if how == "cash" else PayMethod.CARD,
            amount_minor=Amount().minor(form.cleaned_data["amount"], order.currency),
            provider="gift_card" if how == "gift_card" else "till",
            gift_card_code=form.cleaned_data["gift_card"],
        )
        with transactions.transaction():
            payment_id, asked = collecting.begin(order_id, wanted, by=shell.actor(request), at=clock.now())
        errands.carry_out(asked, by=shell.actor(request))
        if ledger.get(payment_id).status is PaymentStatus.PENDING:
            return _invalid(request, order_id, _("The payment did not go through. Try another way to pay."))
        done(request, str(_("The payment is noted.")))
        return redirect("orders-staff:order", order_id)

    return _for_order(request, order_id, Permission.TAKE_PAYMENTS, work)


@require_POST
@at_store(Permission.RETURN_MONEY)
def ask(request: HttpRequest, store: shell.Store, order_id: UUID, payment_id: UUID, verb: str) -> HttpResponse:
    """Take what a payment holds, or let it go."""

    def work(order: OrderView) -> HttpResponse:
        if payment_id not in {one.id for one in ledger.of_order(order.id)} or verb not in ASKED_HERE:
            return not_here(request)
        with transactions.transaction():
            asked = asking.ask(payment_id, PaymentVerb(verb), by=shell.actor(request), at=clock.now())
        errands.carry_out(asked.id, by=shell.actor(request))
        done(request, str(_("It is asked for; below it says how it stands.")))
        return redirect("orders-staff:order", order_id)

    return _for_order(request, order_id, Permission.RETURN_MONEY, work)


@require_POST
@at_store(Permission.APPROVE_REFUNDS)
def give_back(request: HttpRequest, store: shell.Store, order_id: UUID) -> HttpResponse:
    """Give money back although no goods come back: at once, so by somebody who approves refunds."""

    def work(order: OrderView) -> HttpResponse:
        form = ReturnForm(request.POST)
        if not form.is_valid():
            return _invalid(request, order_id, _("Say why the money goes back."))
        there = sum(one.amounts.refundable for one in ledger.of_order(order_id))
        wanted = Amount().minor(form.cleaned_data["amount"], order.currency)
        with transactions.transaction():
            owed = asking.refund(
                order_id, there if wanted is None else wanted, reason=form.cleaned_data["reason"],
                by=shell.actor(request), at=clock.now(),
            )  # fmt: skip
        for request_id in requests.due_of_order(order_id, at=clock.now()):
            errands.carry_out(request_id, by=shell.actor(request))
        settled = all(one.is_settled for one in refunds.of_order(order_id) if one.id == owed.id)
        done(request, str(_("The money went back.") if settled else _("The money is on its way back.")))
        return redirect("orders-staff:order", order_id)

    return _for_order(request, order_id, Permission.APPROVE_REFUNDS, work)


@require_POST
@at_store(Permission.RETURN_MONEY)
def by_hand(request: HttpRequest, store: shell.Store, order_id: UUID, request_id: UUID) -> HttpResponse:
    """Say that money was given back by hand."""

    def work(order: OrderView) -> HttpResponse:
        mine = {one.id for one in requests.of_payments([paid.id for paid in ledger.of_order(order.id)])}
        if request_id not in mine:
            return not_here(request)
        with transactions.transaction():
            errands.done_by_hand(request_id, by=shell.actor(request), at=clock.now())
        done(request, str(_("Noted: the money was given back.")))
        return redirect("orders-staff:order", order_id)

    return _for_order(request, order_id, Permission.RETURN_MONEY, work)


def _for_order(
    request: HttpRequest, order_id: UUID, permission: Permission, work: Callable[[OrderView], HttpResponse]
) -> HttpResponse:
    """Do it for an order that the person may see and where they may; a refusal is said on the order's page."""
    try:
        order = queries.order(order_id)
    except OrderNotFound:
        return not_here(request)
    can = order_views.granted_for(request, order)
    if Permission.VIEW_ORDERS not in can:
        return not_here(request)
    if permission not in can:
        return shell.refuse(request, permission)
    try:
        return work(order)
    except CommerceError as error:
        return refused(request, error, reverse("orders-staff:order", args=[order_id]))
    except forms.ValidationError as error:
        return _invalid(request, order_id, error.messages[0])


def _invalid(request: HttpRequest, order_id: UUID, sentence: Any) -> HttpResponse:
    messages.error(request, sentence)
    return redirect("orders-staff:order", order_id)
