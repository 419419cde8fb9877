"""Payments in the admin, to read only, with what a controller asks; and return policies, which end and begin but never change."""

import pytest
from django.test import Client
from django.urls import reverse

from commerce import clock
from commerce.actors import Actor
from commerce.models import AuditEntry, User
from commerce.roles import Permission, Role
from commerce.transactions import transaction
from orders.models import GoodwillLimit, ReturnPolicy
from orders.returns import goodwill_limits, refunding
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.factories import payments as pay


@pytest.fixture
def administrator(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root", email="root@example.org"))
    return client


def test_payments_are_read_with_their_events_and_never_written(administrator: Client, shop: make.Shop) -> None:
    order = shop.place({0: 2})
    paid = pay.payment(order.id, 2380, authorised=2380, captured=1000)
    listed = reverse("admin:orders_payment_changelist")
    page = administrator.get(listed).content.decode()
    assert order.number in page
    counts = {}
    for question in ("person", "held", "owed", "lost", "orphan"):
        found = administrator.get(listed, {"question": question})
        counts[question] = found.context["cl"].result_count
    assert counts == {"person": 0, "held": 1, "owed": 0, "lost": 0, "orphan": 0}
    shown = reverse("admin:orders_payment_change", args=[paid.id])
    assert "10.00" in administrator.get(shown).content.decode().replace(",", ".")
    assert administrator.post(shown, {"label": "mine"}).status_code == 403


def test_a_return_policy_ends_when_another_begins_for_the_same_goods(administrator: Client, shop: make.Shop) -> None:
    add = reverse("admin:orders_returnpolicy_add")
    given = {
        "channel": "",
        "country": "de",
        "category": "Shoes",
        "product": "",
        "days": "30",
        "reason": "we promise more",
    }
    assert administrator.post(add, given).status_code == 302
    [policy] = ReturnPolicy.objects.all()
    assert (policy.country, policy.category, policy.days) == ("DE", "Shoes", 30)
    change = reverse("admin:orders_returnpolicy_change", args=[policy.pk])
    assert administrator.post(change, {"days": "60", "reason": "even more"}).status_code == 302
    assert list(ReturnPolicy.objects.order_by("pk").values_list("days", "is_active")) == [(30, False), (60, True)]
    assert administrator.post(change, {"days": "90", "reason": "again"}).status_code == 403, "it has ended"
    refused = administrator.post(add, {**given, "days": "2000"})
    assert (refused.status_code, ReturnPolicy.objects.count()) == (200, 2)
    assert "1100" in refused.content.decode()
    assert AuditEntry.objects.filter(verb="orders.returns.policies.set_policy").count() == 2


def test_what_somebody_may_give_away_alone_is_said_in_the_admin(administrator: Client, shop: make.Shop) -> None:
    order = shop.ready({0: 2})
    paid = pay.payment(order.id, 2380, authorised=2380, captured=2380)
    assert paid
    rights = frozenset({Permission.REFUND_ORDERS})

    def give(amount: int) -> bool:
        with transaction():
            given = refunding.goodwill(
                order.id, amount, "a scratch", permissions=rights, by=Actor.staff(shop.clerk), at=clock.now()
            )
        return given.is_waiting

    assert goodwill_limits.limit_of(rights, "EUR") == 2_500
    add = reverse("admin:orders_goodwilllimit_add")
    assert (
        administrator.post(add, {"permission": "refund_orders", "currency": "EUR", "amount_minor": "300"}).status_code
        == 302
    )
    assert (give(300), give(301)) == (False, True), "what is more waits for a second person"
    row = GoodwillLimit.objects.get()
    change = reverse("admin:orders_goodwilllimit_change", args=[row.pk])
    assert (
        administrator.post(change, {"permission": "refund_orders", "currency": "EUR", "amount_minor": "0"}).status_code
        == 302
    )
    assert give(1)
    for wrong in (
        {"permission": "view_orders", "currency": "EUR", "amount_minor": "5"},
        {"permission": "refund_orders", "currency": "EUR", "amount_minor": "-1"},
    ):
        assert administrator.post(add, wrong).status_code == 200
    assert AuditEntry.objects.filter(verb="orders.returns.goodwill_limits.set_limit").count() == 2
    assert goodwill_limits.limit_of(frozenset({Permission.APPROVE_REFUNDS}), "EUR") == 10_000


def test_what_may_be_given_away_is_said_for_each_currency(administrator: Client) -> None:
    rights = frozenset({Permission.REFUND_ORDERS})
    add = reverse("admin:orders_goodwilllimit_add")
    said = {"permission": "refund_orders", "amount_minor": "300"}
    assert administrator.post(add, {**said, "currency": "chf"}).status_code == 302
    assert [goodwill_limits.limit_of(rights, one) for one in ("CHF", "EUR", "JPY")] == [300, 2_500, 25]
    refused = administrator.post(add, {**said, "currency": "€"})
    assert "three letters" in refused.content.decode()
    page = administrator.get(reverse("admin:orders_goodwilllimit_changelist")).content.decode()
    assert "CHF" in page


def test_a_return_form_that_another_store_opens_is_kept(shop: make.Shop) -> None:
    order = shop.ready()
    elsewhere = goods.store()
    for place, many in ((shop.store, 0), (elsewhere, 1)):
        client = Client()
        client.force_login(make.clerk(place, role=Role.STORE_MANAGER))
        assert client.get(reverse("orders-staff:take-back", args=[order.id])).status_code == 200
        kept = AuditEntry.objects.filter(verb="orders.returns.opened_elsewhere", object_id=str(order.id))
        assert kept.count() == many
