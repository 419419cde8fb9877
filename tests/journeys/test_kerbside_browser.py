"""Kerbside in real browsers: a customer with a phone in the car park, a clerk at the queue; and the exceptions desk."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from commerce import clock
from commerce.actors import Actor
from commerce.channels.contracts import IncomingCustomer
from commerce.transactions import transaction
from orders import pickup_watch, queries, visits
from tests.factories import orders as factory
from tests.journeys.conftest import fits, picture

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ERIKA = IncomingCustomer(name="Erika Beispiel", email="erika@example.org", language="en")
Opened = Callable[..., Page]


def test_from_the_car_park_to_the_boot(opened: Opened) -> None:
    shop = factory.shop(name="Berlin Mitte", pieces=50)
    order = shop.ready({0: 2}, method="curbside", customer=ERIKA)
    part = order.fulfilments[0]
    clerk, customer = opened(shop.clerk), opened(None, phone=True)
    clerk.goto("/staff/pickup/")
    card = clerk.locator(f"#card-{part.id}")
    expect(card).to_be_visible()

    customer.goto(f"/track/{order.tracking_token}/")
    fits(customer)
    picture(customer, "kerbside-ready-phone")
    customer.get_by_text("Somebody else collects for me").click()
    customer.get_by_label("Name of the person who collects").fill("Max Muster")
    customer.get_by_role("button", name="Save").click()
    expect(customer.get_by_text("Max Muster collects for you")).to_be_visible()
    customer.get_by_label("In how many minutes do you arrive?").select_option("10")
    customer.get_by_role("button", name="I’m on my way").click()
    expect(customer.get_by_text("The store expects you at about")).to_be_visible()
    expect(card).to_contain_text("On the way, here at about", timeout=5_000)
    expect(card).to_contain_text("Max Muster collects")
    picture(clerk, "kerbside-on-the-way-desktop")

    customer.get_by_label("Parking bay, or where you stand").fill("3")
    customer.get_by_label("Your car").fill("blue estate car")
    customer.get_by_label("Number plate").fill("b-ko 1234")
    customer.get_by_role("button", name="I’m here").click()
    expect(customer.get_by_role("heading", name="We are bringing your order out")).to_be_visible()
    fits(customer)
    picture(customer, "kerbside-here-phone")
    outside = clerk.locator("[data-list=outside]")
    expect(outside).to_contain_text("B-KO 1234", timeout=5_000)
    expect(clerk.locator("#news")).to_contain_text("A customer waits outside")
    picture(clerk, "kerbside-outside-desktop")

    outside.get_by_role("link", name="Hand over").click()
    expect(clerk.get_by_text("Max Muster collects for the customer")).to_be_visible()
    picture(clerk, "kerbside-hand-over-desktop")
    clerk.keyboard.type(part.pickup_code, delay=4)
    clerk.keyboard.press("Enter")
    expect(clerk.get_by_text(f"{order.number} is handed over")).to_be_visible()
    assert queries.order(order.id).fulfilments[0].state == "handed_over"
    customer.reload()
    expect(customer.get_by_role("heading", name="Collected – thank you!")).to_be_visible()
    with clock.frozen(clock.now() + visits.KEPT_FOR + timedelta(minutes=1)), transaction():
        assert visits.erase_due(by=Actor.system("test"), at=clock.now()) == 1


@pytest.mark.parametrize(("language", "phone"), [("de", True), ("en", False)])
def test_a_pickup_is_moved_without_any_script(opened: Opened, language: str, phone: bool) -> None:
    shop = factory.shop(name="Berlin Mitte", pieces=50)
    customer = IncomingCustomer(name="Erika Beispiel", email="erika@example.org", language=language)
    order = shop.place({0: 1}, customer=customer)
    page = opened(None, phone=phone, language=language)
    page.goto(f"/track/{order.tracking_token}/")
    page.get_by_role("link", name="Abholung verlegen" if language == "de" else "Move the pickup").click()
    window = page.locator("select[name=window]")
    chosen = window.locator("option").nth(2).get_attribute("value")
    window.select_option(chosen)
    fits(page)
    picture(page, f"move-{language}-{'phone' if phone else 'desktop'}")
    page.get_by_role("button", name="Dorthin verlegen" if language == "de" else "Move it there").click()
    expect(page.get_by_text("Bisher zugesagt:" if language == "de" else "Promised so far:")).to_be_visible()
    fits(page)
    picture(page, f"moved-{language}-{'phone' if phone else 'desktop'}")
    assert queries.order(order.id).fulfilments[0].window_starts_at != order.fulfilments[0].window_starts_at


@pytest.mark.parametrize(("language", "phone"), [("de", True), ("en", False), ("de", False), ("en", True)])
def test_the_desk_shows_what_is_late_and_takes_it_on_at_one_click(opened: Opened, language: str, phone: bool) -> None:
    shop = factory.shop(name="Berlin Mitte", pieces=50)
    order = shop.place({0: 1}, customer=ERIKA)
    due: Any = order.fulfilments[0].promised_at
    with clock.frozen(due + timedelta(minutes=1)), transaction():
        pickup_watch.look(by=Actor.system("pickups"), at=clock.now())
    page = opened(shop.clerk, phone=phone, language=language)
    page.goto("/staff/exceptions/")
    expect(page.get_by_text(order.number).first).to_be_visible()
    fits(page)
    picture(page, f"desk-{language}-{'phone' if phone else 'desktop'}")
    page.get_by_role("link", name="Eine Bestellung ist verspätet" if language == "de" else "An order is late").click()
    page.wait_for_url(re.compile(r"/staff/exceptions/[0-9a-f-]{36}/"))
    fits(page)
    picture(page, f"case-{language}-{'phone' if phone else 'desktop'}")
    page.get_by_role("button", name="Jetzt übernehmen" if language == "de" else "Take it on now").click()
    expect(page.locator("#toasts")).to_contain_text("Erledigt" if language == "de" else "Done")
    assert queries.order(order.id).fulfilments[0].state == "accepted"
