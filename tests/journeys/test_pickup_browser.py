"""The pickup counter in a real browser: desktop with a hand scanner, phone with a thumb, both languages, offline too."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page, expect

from commerce import clock
from commerce.channels.contracts import IncomingCustomer
from commerce.transactions import transaction
from orders import cancellation, pickup, queries
from orders.lifecycle import State
from orders.models import PickScan
from orders.queries import OrderView
from tests.factories import commerce as ground
from tests.factories import orders as factory
from tests.journeys.conftest import DESKTOP, PHONE, picture

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

QUEUE = "/staff/pickup/"
ERIKA = IncomingCustomer(name="Erika Beispiel", email="erika@example.org", phone="+49 30 901820")
Opened = Callable[..., Page]


@pytest.fixture
def shop() -> factory.Shop:
    return factory.shop(name="Berlin Mitte", pieces=50)


def state(order: OrderView) -> str:
    return queries.order(order.id).fulfilments[0].state


def scan(page: Page, text: str) -> None:
    """Type like a hand scanner: a burst of keys that ends with Enter."""
    page.keyboard.type(text, delay=4)
    page.keyboard.press("Enter")


def card(page: Page, order: OrderView) -> Any:
    return page.locator(f"#card-{order.fulfilments[0].id}")


def test_from_a_new_order_to_the_customer_at_the_counter_with_a_hand_scanner(shop, opened, eventually):
    page = opened(shop.clerk)
    page.goto(QUEUE)
    expect(page.get_by_text("All done. Nobody is waiting.")).to_be_visible()
    page.evaluate("window.sameDocument = true")

    order = shop.place({0: 2, 1: 1}, customer=ERIKA)
    expect(card(page, order)).to_be_visible(timeout=3_000)  # two seconds, and one for the machine
    expect(page.locator("#news")).to_have_text("1 new order")
    assert page.evaluate("window.sameDocument"), "the page was loaded anew"
    expect(page.get_by_text("All done. Nobody is waiting.")).to_be_hidden()

    card(page, order).get_by_role("button", name="Accept and pick").click()
    expect(page.locator(".pick-item:visible")).to_contain_text(shop.products[0].name)
    expect(page.locator("#scan")).to_be_focused()

    scan(page, shop.products[2].gtins[0])
    stop = page.get_by_role("alertdialog")
    expect(stop).to_contain_text("Wrong item")
    expect(stop).to_contain_text(shop.products[2].sku)
    expect(stop).to_contain_text(shop.products[0].sku)
    scan(page, shop.products[0].gtins[0])  # the scanner goes on: that must not dismiss the stop
    expect(stop).to_be_visible()
    stop.get_by_role("button", name="Understood").click()
    expect(stop).to_be_hidden()
    assert queries.order(order.id).fulfilments[0].lines[0].picked == 0

    for position in (0, 0, 1):
        before = PickScan.objects.count()
        expect(page.locator("#scan")).to_be_focused()
        scan(page, shop.products[position].gtins[0])
        eventually(lambda before=before: PickScan.objects.count() > before)
    expect(page.get_by_role("heading", name="Everything is picked")).to_be_visible()
    page.wait_for_timeout(400)  # a person's pause: an Enter right after a scan is the scanner's
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"{order.number} is ready.")).to_be_visible()
    assert state(order) == State.READY

    card(page, order).get_by_role("link", name="Hand over").click()
    expect(page.locator("#id_code")).to_be_focused()
    scan(page, "WRONG1")
    expect(page.get_by_text("4 tries are left")).to_be_visible()
    page.locator("#id_code").fill("")
    scan(page, order.fulfilments[0].pickup_code)
    expect(page.get_by_role("heading", name=f"{order.number} is handed over")).to_be_visible()
    assert state(order) == State.HANDED_OVER


def test_cards_change_in_place_and_what_has_the_focus_keeps_it(shop, opened):
    orders = [shop.place() for _ in range(3)]
    page = opened(shop.clerk)
    page.goto(QUEUE)
    kept = card(page, orders[2]).get_by_role("button")
    kept.focus()
    shop.act(pickup.accept, orders[0].fulfilments[0], user=shop.manager)
    expect(page.locator('[data-list="picking"]')).to_contain_text(orders[0].number)
    expect(page.locator('[data-list="new"]')).not_to_contain_text(orders[0].number)
    expect(kept).to_be_focused()
    with transaction():
        cancellation.cancel_order(orders[1].id, by=shop.by, at=clock.now())
    expect(card(page, orders[1])).to_have_count(0)
    expect(kept).to_be_focused()


def test_the_tab_under_the_keyboard_keeps_the_focus_when_its_number_changes(shop, opened):
    shop.place()
    page = opened(shop.clerk, phone=True)
    page.goto(QUEUE)
    tab = page.locator('[data-tab="new"]')
    tab.focus()
    shop.place()
    expect(tab).to_contain_text("2")
    expect(tab).to_be_focused()


def test_the_queue_follows_when_another_tab_changes_the_store(shop, opened):
    other = factory.shop(name="Hamburg Altona", pieces=50)
    here, there = shop.place(), other.place()
    page = opened(factory.clerk(shop.store, other.store))
    page.goto(QUEUE)
    expect(card(page, here)).to_be_visible()
    second = page.context.new_page()
    second.goto(QUEUE)
    second.locator("details.store summary").click()
    second.get_by_role("button", name="Hamburg Altona").click()
    expect(card(second, there)).to_be_visible()
    page.bring_to_front()
    expect(card(page, there)).to_be_visible()
    expect(page.locator(".top .store summary")).to_contain_text("Hamburg Altona")


def test_nothing_moves_under_a_pressed_thumb(shop, opened):
    order = shop.place()
    page = opened(shop.clerk)
    page.goto(QUEUE)
    box = card(page, order).bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 10)
    page.mouse.down()
    with page.expect_response(lambda answer: "/board/" in answer.url and answer.status == 200):
        shop.place()
    page.wait_for_timeout(200)
    expect(page.locator("[data-card]")).to_have_count(1)
    page.mouse.up()
    expect(page.locator("[data-card]")).to_have_count(2)


def test_the_mark_says_when_the_connection_is_gone_and_the_queue_catches_up(shop, opened):
    page = opened(shop.clerk)
    page.goto(QUEUE)
    page.context.set_offline(True)
    expect(page.locator("#live")).to_contain_text("Offline")
    order = shop.place()
    page.context.set_offline(False)
    expect(card(page, order)).to_be_visible()
    expect(page.locator("#live")).to_contain_text("Live")


def test_scans_without_a_connection_count_on_the_phone_and_are_sent_once(shop, opened, eventually):
    order = shop.accepted({0: 2, 1: 1})
    page = opened(shop.clerk, phone=True, language="de")
    page.goto(reverse("orders-staff:pick", args=[order.fulfilments[0].id]))
    page.context.set_offline(True)
    field = page.locator("#scan")
    field.focus()
    scan(page, shop.products[0].gtins[0])
    expect(page.locator(".pick-item:visible .big-number")).to_have_text(re.compile(r"1\s*/\s*2"))
    field.focus()
    scan(page, shop.products[2].gtins[0])
    stop = page.get_by_role("alertdialog")
    expect(stop).to_contain_text(shop.products[2].gtins[0])
    page.wait_for_timeout(400)
    stop.get_by_role("button").click()
    field.focus()
    scan(page, shop.products[0].gtins[0].lstrip("0"))
    expect(page.locator(".pick-item:visible")).to_contain_text(shop.products[1].name)
    expect(page.locator("[data-live-word]")).to_contain_text("3 Scans warten")
    picture(page, "screens-pick-offline-360-de")
    assert not PickScan.objects.exists()
    page.context.set_offline(False)
    eventually(lambda: PickScan.objects.count() == 3, within=15)
    expect(page.locator("[data-live-word]")).to_have_text("Aktuell")
    assert [line.picked for line in queries.order(order.id).fulfilments[0].lines] == [2, 0]


def test_missing_pieces_are_reported_with_the_number_pad_on_a_phone(shop, opened):
    order = shop.accepted({0: 6})
    page = opened(shop.clerk, phone=True)
    page.goto(reverse("orders-staff:pick", args=[order.fulfilments[0].id]))
    page.get_by_role("button", name="Not here").tap()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="2", exact=True).tap()
    expect(dialog.get_by_label("Missing pieces")).to_have_value("2")
    dialog.get_by_text("Damaged", exact=True).tap()
    picture(page, "screens-missing-360-en")
    dialog.get_by_role("button", name="Report missing").tap()
    expect(page.locator(".pick-item:visible .big-number")).to_have_text(re.compile(r"0\s*/\s*4"))
    assert queries.order(order.id).fulfilments[0].lines[0].rejected == 2


def test_a_scan_never_becomes_a_number_of_pieces_and_enter_sends_what_was_typed(shop, opened):
    order = shop.accepted({0: 6})
    page = opened(shop.clerk)
    page.goto(reverse("orders-staff:pick", args=[order.fulfilments[0].id]))
    page.get_by_role("button", name="Barcode unreadable").click()
    number = page.get_by_role("dialog").get_by_label("Pieces picked")
    number.fill("4")
    gtin = shop.products[1].gtins[0]
    scan(page, gtin)
    expect(number).to_have_value("4")
    page.keyboard.type(gtin[:6])
    page.wait_for_timeout(100)  # a busy device stops in the middle
    scan(page, gtin[6:])
    expect(number).to_have_value("4")
    page.keyboard.type(gtin, delay=100)  # as slow as hands
    page.keyboard.press("Enter")
    expect(number).to_have_value("4")
    page.wait_for_timeout(400)  # longer than a burst: what follows is typed by hand
    number.fill("12")
    page.get_by_role("dialog").get_by_role("button", name="Delete the last digit").click()
    expect(number).to_have_value("1")
    page.get_by_role("dialog").get_by_text("No barcode on it").click()
    number.press("Enter")
    expect(page.locator(".pick-item:visible .big-number")).to_have_text(re.compile(r"1\s*/\s*6"))


def test_tabs_of_the_phone_show_one_column_and_are_remembered(shop, opened):
    new, ready = shop.place(), shop.ready()
    page = opened(shop.clerk, phone=True, language="de")
    page.goto(QUEUE)
    expect(card(page, new)).to_be_visible()
    expect(card(page, ready)).to_be_hidden()
    page.locator('[data-tab="ready"]').tap()
    expect(card(page, ready)).to_be_visible()
    expect(card(page, new)).to_be_hidden()
    page.reload()
    expect(card(page, ready)).to_be_visible()


def test_sounds_can_be_muted_and_stay_so(shop, opened):
    page = opened(shop.clerk)
    page.goto(QUEUE)
    page.get_by_role("button", name="Sound on").click()
    expect(page.get_by_role("button", name="Sound off")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Sound off")).to_be_visible()


def test_a_manager_cancels_on_the_order_page_after_reading_what_follows(shop, opened):
    order = shop.place({0: 2}, customer=ERIKA)
    page = opened(shop.manager)
    page.goto(reverse("orders-staff:order", args=[order.id]))
    page.get_by_role("button", name="Cancel order").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 pieces go back on sale at once")
    dialog.get_by_label("Why is it cancelled?").select_option("customer_asked")
    dialog.get_by_role("button", name="Cancel order").click()
    expect(page.get_by_text(f"{order.number} is cancelled.")).to_be_visible()
    assert state(order) == State.CANCELLED


# --- every page, every size, both languages, light and dark ---------------------------------------------------------


def pages(shop: factory.Shop) -> dict[str, str]:
    """Return the address of every page of the room, in the states that look different."""
    new = shop.place({0: 2, 1: 1}, customer=ERIKA)
    picking = shop.accepted({0: 3, 2: 1}, customer=ERIKA)
    shop.scan(picking.fulfilments[0])
    complete = shop.accepted()
    shop.scan(complete.fulfilments[0])
    ready = shop.ready({1: 2}, customer=ERIKA)
    outside = shop.ready(method="curbside")
    with transaction():
        pickup.arrive(outside.fulfilments[0].id, by=shop.by, at=clock.now() - timedelta(minutes=4), bay="P2")
    gone = shop.ready()
    with transaction():
        cancellation.cancel_order(gone.id, by=shop.by, at=clock.now())
    held = shop.place()
    shop.act(pickup.accept, held.fulfilments[0], user=shop.manager)
    given = shop.ready({0: 2})
    shop.act(pickup.hand_over, given.fulfilments[0], given.fulfilments[0].pickup_code)

    def of(name: str, order: OrderView) -> str:
        return reverse(f"orders-staff:{name}", args=[order.fulfilments[0].id])

    return {
        "queue": QUEUE,
        "pick": of("pick", picking),
        "pick-complete": of("pick", complete),
        "pick-held": of("pick", held),
        "pick-new": of("pick", new),
        "hand-over": of("hand-over", ready),
        "hand-over-done": of("hand-over", given),
        "hand-over-not-ready": of("hand-over", new),
        "find-by-code": reverse("orders-staff:find-by-code"),
        "arrive": of("arrive", ready),
        "orders": reverse("orders-staff:orders"),
        "orders-nothing": reverse("orders-staff:orders") + "?q=nothing",
        "order": reverse("orders-staff:order", args=[picking.id]),
        "order-given": reverse("orders-staff:order", args=[given.id]),
        "not-here": of("pick", factory.shop().place()),
    }


SMALL = """() => [...document.querySelectorAll("main a, main button, main input:not([type=hidden]), main select, main summary")]
    .filter((one) => one.checkVisibility() && !one.closest(".visually-hidden, dialog:not([open])"))
    .filter((one) => !["checkbox", "radio"].includes(one.type))
    .map((one) => [one.outerHTML.slice(0, 120), one.getBoundingClientRect()])
    .filter(([, box]) => box.height < 43.5 || box.width < 24)
    .map(([html, box]) => `${Math.round(box.width)}x${Math.round(box.height)} ${html}`)"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_every_page_fits_its_screen_and_axe_finds_nothing(shop, opened, phone, dark):
    addresses = pages(shop)
    width = (PHONE if phone else DESKTOP)["width"]
    axe = Axe()
    for language in ("de", "en"):
        page = opened(shop.manager if language == "de" else shop.clerk, phone=phone, language=language, dark=dark)
        for name, address in addresses.items():
            page.goto(address)
            page.evaluate("for (const fold of document.querySelectorAll('main details')) fold.open = true")
            what = f"{name} {language} {'phone' if phone else 'desktop'}"
            picture(page, f"screens-{name}-{width}-{language}-{'dark' if dark else 'light'}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{what} scrolls sideways"
            assert page.evaluate(SMALL) == [], f"{what} has small targets"
            found = axe.run(page)
            assert found.violations_count == 0, f"{what}: {found.generate_report()}"


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_the_stops_and_dialogs_too(shop, opened, phone):
    order = shop.accepted({0: 6}, customer=ERIKA)
    axe = Axe()
    for language in ("de", "en"):
        page = opened(shop.clerk, phone=phone, language=language)
        page.goto(reverse("orders-staff:pick", args=[order.fulfilments[0].id]))
        size = 360 if phone else 1280
        page.locator("[data-open^='#missing']").click()
        picture(page, f"screens-missing-{size}-{language}")
        assert axe.run(page).violations_count == 0
        page.keyboard.press("Escape")
        page.locator("[data-open^='#count']").first.click()
        picture(page, f"screens-count-{size}-{language}")
        assert axe.run(page).violations_count == 0
        page.keyboard.press("Escape")
        page.locator("#scan").focus()
        scan(page, ground.barcode(777_777))
        expect(page.get_by_role("alertdialog")).to_be_visible()
        picture(page, f"screens-stop-{size}-{language}")
        assert axe.run(page).violations_count == 0
