"""A parcel from checkout to refund: paid by card at a double of Stripe, picked, packed and sent in a browser, brought back."""

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from commerce.operations import checks
from commerce.transactions import transaction
from inventory.places import locations
from orders import queries
from orders.carriers import dhl_double
from orders.carriers import directory as carriers
from orders.gateways import directory
from orders.gateways.stripe import StripeGateway
from orders.gateways.stripe_double import StripeDouble
from orders.management.commands import payment_double
from orders.models import Return
from orders.payments import ledger
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as factory
from tests.journeys.conftest import fits
from tests.orders.test_payments_by_hand import drive, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
HOME = {"street": "Ackerstraße 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> factory.Shop:
    carrier = dhl_double.Double()
    monkeypatch.setattr(carriers, "double", lambda: carrier)
    made = factory.shop(name="Lager Berlin", pieces=20)
    with transaction():
        locations.change_location(
            made.store.id, street="Hauptstraße 5", postal_code="10115", city="Berlin", by=ground.TESTER
        )
    return made


@pytest.fixture
def stripe(live_server: Any) -> Iterator[StripeDouble]:
    """The double as a server of its own, whose webhooks come to ours."""
    command = payment_double.Command()
    options = {"port": 0, "deliver_to": live_server.url, "misbehave": []}
    running = threading.Thread(target=command.handle, kwargs=options)
    running.start()
    try:
        assert command.is_up.wait(20)
        assert command.double is not None
        directory.forget()
        directory.every()["stripe"] = StripeGateway("sk_test_double", payment_double.SECRET, command.double.url)
        yield command.double
    finally:
        command.stop.set()
        running.join(20)
        directory.forget()


def checkout(shop: factory.Shop) -> Any:
    """Order two and one pieces through the API and pay them by card; return the order."""
    key = ground.key(shop.channel)

    def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = Client().post(
            f"/api/v1/{path}", body, content_type="application/json", HTTP_IDEMPOTENCY_KEY=uuid4().hex, **key.headers
        )
        assert answer.status_code == 201, answer.content
        return dict(answer.json())

    placed = post(
        "orders",
        {
            "external_reference": "web-1", "method": "ship", "ship_to": HOME,
            "lines": [{"sku": shop.products[0].sku, "quantity": 2}, {"sku": shop.products[1].sku, "quantity": 1}],
            "customer": {"name": "Erika Beispiel", "email": "erika@example.org"},
        },
    )  # fmt: skip
    post(f"orders/{placed['id']}/payments", {"method": "card", "payment_method": "pm_card_visa"})
    order = queries.order(placed["id"])
    until(lambda: money(order)[0] == order.total_minor)
    return order


def money(order: Any) -> tuple[int, int, int]:
    """Return what is authorised, captured and given back."""
    [paid] = ledger.of_order(order.id)
    return paid.amounts.authorised, paid.amounts.captured, paid.amounts.refunded


def scan(page: Page, text: str) -> None:
    """Type like a hand scanner: a burst of keys that ends with Enter."""
    expect(page.locator("#scan")).to_be_focused()
    page.keyboard.type(text, delay=4)
    page.keyboard.press("Enter")


def pick(page: Page, shop: factory.Shop, order: Any) -> None:
    page.goto(reverse("orders-staff:queue"))
    card = page.locator(f"#card-{order.fulfilments[0].id}")
    expect(card).to_contain_text(order.number)
    card.get_by_role("button", name="Accept and pick").click()
    page.wait_for_url(re.compile(r"/pick/$"))
    fits(page)
    codes = {product.sku: product.gtins[0] for product in shop.products}
    for number in range(1, 4):
        current = page.locator("[data-line]:visible")
        expect(current).to_have_count(1)
        scan(page, codes[str(current.get_attribute("data-sku"))])
        expect(page.locator("[data-progress]")).to_have_attribute("value", str(number))
    expect(page.get_by_role("heading", name="Everything is picked")).to_be_visible()
    page.wait_for_timeout(400)  # a person's pause: an Enter right after a scan is the scanner's
    page.get_by_role("button", name="To the packing table").click()
    page.wait_for_url(lambda url: "/pick/" not in url)


def pack_and_send(page: Page, shop: factory.Shop, order: Any) -> str:
    """Pack one parcel, have its label made and hand it to the carrier; return the label's number."""
    page.goto(reverse("orders-staff:packing"))
    page.get_by_role("link", name=re.compile(order.number)).click()
    page.wait_for_url(re.compile(r"/packing/[0-9a-f-]{36}/$"))
    left = page.get_by_text("still to pack")
    for number, product in ((2, 0), (1, 0)):
        scan(page, shop.products[product].gtins[0])
        expect(left).to_contain_text(f"{number} of 3")
    page.get_by_role("button", name="All the rest goes in").click()
    expect(page.get_by_text("0 of 3 still to pack")).to_be_visible()
    page.get_by_label("Weight in kg").fill("1.2")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Label from DHL").click()
    printed = page.get_by_role("link", name="Print the label")
    expect(printed).to_be_visible()
    number = page.locator(".state-ok").first.inner_text().strip()
    fits(page)
    label = page.request.get(str(printed.get_attribute("href")))
    assert (label.headers["content-type"], label.body()[:4]) == ("application/pdf", b"%PDF")
    page.get_by_role("button", name="The carrier has taken it").click()
    expect(page.get_by_text(f"{order.number} is with the carrier.")).to_be_visible()
    return number


def test_a_parcel_from_the_checkout_to_the_refund(shop: factory.Shop, stripe: StripeDouble, opened: Callable) -> None:
    order = checkout(shop)
    assert money(order) == (3 * shop.price_minor, 0, 0), "authorised, and captured only when it leaves"
    page = opened(shop.clerk)
    pick(page, shop, order)
    number = pack_and_send(page, shop, order)
    assert number
    drive(order.id)
    until(lambda: money(order)[1] == order.total_minor)
    assert queries.order(order.id).fulfilments[0].state == "shipped"

    other = goods.store(name="Berlin Mitte", latitude=52.5)
    counter = opened(factory.clerk(other))
    counter.goto(reverse("orders-staff:find-return"))
    counter.locator("[data-scan-input]").fill(order.number)
    counter.locator("[data-scan-send]").click()
    counter.wait_for_url(re.compile(r"/return/$"))
    counter.get_by_label("Pieces (of 2)").fill("1")
    fits(counter)
    counter.get_by_role("button", name="Take back and refund").click()
    counter.wait_for_url(re.compile(r"/staff/returns/[0-9a-f-]{36}/"))
    expect(counter.get_by_role("heading", name=Return.objects.get().number)).to_be_visible()
    drive(order.id)
    until(lambda: money(order)[2] == shop.price_minor)
    [intent] = stripe.intents
    assert stripe.refunded(intent) == shop.price_minor
    assert money(order) == (3 * shop.price_minor, 3 * shop.price_minor, shop.price_minor)
    assert checks.run() == []
