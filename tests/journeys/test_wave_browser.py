"""A wave in a real browser: scanner bursts at the shelf, tote by tote, a wrong item, and a dead spot without a connection."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page, expect

from orders import queries
from orders.models import WaveScan
from tests.factories import orders as factory

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

Opened = Callable[..., Page]


@pytest.fixture
def shop() -> factory.Shop:
    return factory.shop(name="Berlin Mitte", pieces=50)


def scan(page: Page, text: str) -> None:
    """Type like a hand scanner: a burst of keys that ends with Enter."""
    page.keyboard.type(text, delay=4)
    page.keyboard.press("Enter")


def test_two_orders_in_one_walk_with_a_hand_scanner(shop, opened):
    first, second = shop.place({0: 2, 1: 1}), shop.place({0: 1})
    page = opened(shop.clerk)
    page.goto(reverse("orders-staff:waves"))
    assert not Axe().run(page).response["violations"]
    page.get_by_role("button", name="Start this wave").click()
    expect(page.locator("#scan")).to_be_focused()
    assert not Axe().run(page).response["violations"]

    scan(page, shop.products[2].gtins[0])
    stop = page.get_by_role("alertdialog")
    expect(stop).to_contain_text("Wrong item")
    page.wait_for_timeout(400)
    stop.get_by_role("button", name="Understood").click()

    code = {sku: product.gtins[0] for product in shop.products for sku in (product.sku,)}
    for number in range(1, 5):
        current = page.locator("[data-line]:visible")
        expect(current).to_have_count(1)
        expect(page.locator("#scan")).to_be_focused()
        scan(page, code[current.get_attribute("data-sku")])
        expect(page.locator("[data-progress]")).to_have_attribute("value", str(number))  # what is next stands there now
        assert WaveScan.objects.filter(outcome="picked").count() == number
        expect(page.locator(".wave-tote")).to_contain_text("Tote")
    expect(page.get_by_role("heading", name="Everything is picked")).to_be_visible()
    page.wait_for_timeout(400)  # a person's pause: an Enter right after a scan is the scanner's
    page.get_by_role("button", name="End the wave: all are ready").click()
    expect(page.get_by_text("Ready: 2.")).to_be_visible()
    assert {queries.order(order.id).fulfilments[0].state for order in (first, second)} == {"ready"}


def test_scans_of_a_wave_without_a_connection_are_kept_and_dealt_out_once(shop, opened, eventually):
    first, second = shop.place({0: 1}), shop.place({0: 2})
    page = opened(shop.clerk, phone=True, language="de")
    page.goto(reverse("orders-staff:waves"))
    page.get_by_role("button", name="Diese Welle beginnen").tap()
    expect(page.locator("[data-line]:visible")).to_contain_text("Kiste 1")
    page.context.set_offline(True)
    for picked in (1, 2, 3):
        page.locator("#scan").focus()
        scan(page, shop.products[0].gtins[0])
        if picked < 3:
            expect(page.locator(".pick-item:visible .big-number")).to_have_text(re.compile(rf"{picked}\s*/\s*3"))
    assert not WaveScan.objects.exists()
    page.context.set_offline(False)
    eventually(lambda: WaveScan.objects.filter(outcome="picked").count() == 3, within=15)
    expect(page.get_by_role("heading", name="Alles gepackt")).to_be_visible()
    picked = [queries.order(order.id).fulfilments[0].lines[0].picked for order in (first, second)]
    assert picked == [1, 2]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
