"""The customer's page in a real browser: what it offers works, with the headers that browsers really send."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from commerce.channels.contracts import IncomingCustomer
from orders import queries
from tests.factories import orders as factory

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ERIKA = IncomingCustomer(name="Erika Beispiel", email="erika@example.org", language="en")
Opened = Callable[..., Page]


@pytest.mark.parametrize("phone", [True, False])
def test_the_customer_cancels_on_the_page_behind_the_link(opened: Opened, phone: bool) -> None:
    order = factory.shop(name="Berlin Mitte", pieces=50).place({0: 1}, customer=ERIKA)
    page = opened(None, phone=phone)
    page.goto(f"/track/{order.tracking_token}/")
    page.get_by_text("Cancel this order").click()
    page.get_by_role("button", name="Cancel the whole order").click()
    expect(page.get_by_role("heading", name="This order is cancelled")).to_be_visible()
    assert queries.order(order.id).status.value == "cancelled"
