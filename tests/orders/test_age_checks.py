"""Goods that the law lets people have from an age on are handed over only to somebody whose age was looked at."""

import pytest
from django.urls import reverse

from commerce import catalog
from commerce.errors import InvalidInput
from commerce.models import AuditEntry
from commerce.transactions import transaction
from orders import errors, picking, pickup
from orders.models import Fulfilment
from tests.factories import commerce as ground

pytestmark = pytest.mark.django_db


@pytest.fixture
def spirits(shop):
    """The shop's first product is only for people of 18 or older, its second from 16."""
    with transaction():
        catalog.change_product(shop.products[0].id, by=ground.TESTER, minimum_age=18)
        catalog.change_product(shop.products[1].id, by=ground.TESTER, minimum_age=16)
    return shop


@pytest.mark.parametrize("age", [0, 17, 99, -18])
def test_an_age_that_no_law_knows_is_refused(shop, age):
    with pytest.raises(InvalidInput) as refused, transaction():
        catalog.change_product(shop.products[0].id, by=ground.TESTER, minimum_age=age)
    assert refused.value.errors[0]["field"] == "minimum_age"


def test_nobody_gets_them_without_confirmation_and_the_check_is_in_the_journal(spirits):
    order = spirits.ready({0: 1, 1: 1})
    [work] = order.fulfilments
    with pytest.raises(errors.AgeNotConfirmed) as refused:
        spirits.act(pickup.hand_over, work, work.pickup_code)
    assert refused.value.detail["minimum_age"] == 18  # the higher of the two
    with pytest.raises(errors.AgeNotConfirmed):
        spirits.act(pickup.hand_over_checked, work, reason="saw the card", user=spirits.manager)
    assert Fulfilment.objects.get().state == "ready"
    assert spirits.act(pickup.hand_over, work, work.pickup_code, is_of_age=True).is_done
    entry = AuditEntry.objects.filter(verb="orders.pickup.hand_over").get()
    assert entry.after["age_checked"] == 18


def test_a_wrong_code_is_counted_before_anybody_is_asked_for_the_age(spirits):
    [work] = spirits.ready({0: 1}).fulfilments
    assert not spirits.act(pickup.hand_over, work, "WRONG").is_done


def test_what_is_not_handed_over_needs_no_check(spirits):
    order = spirits.accepted({0: 1, 2: 1})
    [work] = order.fulfilments
    spirits.scan(work, 2)
    line = next(one for one in work.lines if one.product_id == spirits.products[0].id)
    spirits.act(picking.reject_line, work, line.id, 1, "other")
    spirits.act(pickup.mark_ready, work)
    assert spirits.act(pickup.hand_over, work, work.pickup_code).is_done


def test_the_screen_asks_and_refuses_without_the_tick(spirits, signed_in):
    [work] = spirits.ready({0: 1}).fulfilments
    browser, page = signed_in(spirits.clerk), reverse("orders-staff:hand-over", args=[work.id])
    assert "is_of_age" in browser.get(page).content.decode()
    refused = browser.post(page, {"code": work.pickup_code})
    assert refused.status_code == 422
    assert "18 or older" in refused.content.decode()
    assert browser.post(page, {"code": work.pickup_code, "is_of_age": "1"}).status_code == 302
    assert Fulfilment.objects.get().state == "handed_over"
