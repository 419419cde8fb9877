"""The shell and the stock pages in a real browser: scanner, thumb and keyboard, both languages, light and dark, offline."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from commerce import clock
from commerce.models import User
from commerce.product_refs import ProductRef
from commerce.roles import Role
from commerce.transactions import transaction
from inventory import availability
from inventory.places import locations
from inventory.places.locations import LocationRef
from tests.factories import commerce as make
from tests.factories import inventory as make_inventory
from tests.factories import orders as make_orders
from tests.journeys.conftest import fits, picture

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

STOCK, RECEIVE, MORE, MESSAGES = "/staff/stock/", "/staff/stock/receive/", "/staff/more/", "/staff/messages/"
Opened = Callable[..., Page]


@pytest.fixture
def store() -> LocationRef:
    return make_inventory.store(name="Berlin Friedrichstraße")


@pytest.fixture
def other() -> LocationRef:
    return make_inventory.store(name="Hamburg Mönckebergstraße", latitude=53.551, longitude=10.001)


@pytest.fixture
def pan(store: LocationRef, other: LocationRef) -> ProductRef:
    product = make.product(name="Cast iron pan 28 cm, seasoned, with pouring lip and helper handle")
    make_inventory.receive(product.id, store.id, 8)
    make_inventory.receive(product.id, other.id, 3)
    return product


def staff(role: Role, *places: LocationRef) -> User:
    person = make.user()
    with transaction():
        for place in places:
            locations.assign(person, role, place.id, by=make.TESTER)
    return person


def on_hand(product: ProductRef, store: LocationRef) -> int:
    figures = availability.figures([product.id], location_ids=[store.id], at=clock.now())
    return figures[0].on_hand if figures else 0


def scan(page: Page, text: str) -> None:
    """Type like a hand scanner: a burst of keys that ends with Enter."""
    page.keyboard.type(text, delay=4)
    page.keyboard.press("Enter")


def assert_good(page: Page) -> None:
    """Nothing sticks out sideways, every target is large enough for a thumb, and axe has nothing to say."""
    fits(page)
    small = page.evaluate(
        """[...document.querySelectorAll("a, button, summary, select, input:not([type=hidden])")].filter((part) => {
            const box = part.getBoundingClientRect();
            return box.width && !part.classList.contains("skip") && (box.height < 43.5 || box.width < 43.5);
        }).map((part) => part.outerHTML.slice(0, 120))"""
    )
    assert small == [], page.url


def test_signing_in_finding_by_scan_and_signing_out(store, pan, opened):
    person = staff(Role.CLERK, store)
    page = opened(None)
    page.goto(STOCK)
    assert_good(page)
    page.get_by_label("User name").fill(person.username)
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("don’t match")
    page.get_by_label("Password").fill(make.PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(re.escape(STOCK) + "$"))
    page.goto(MORE)
    scan(page, pan.gtins[0])  # no field has the focus: the burst finds its way
    expect(page.get_by_role("heading", level=1)).to_have_text(pan.name)
    page.keyboard.press("/")  # the page's own scan field has the focus already, so a slash is only a slash
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("/")
    expect(page.locator("#find")).to_be_focused()
    page.locator(".top summary", has=page.locator("svg")).last.click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to Kontor")).to_be_visible()


@pytest.mark.parametrize(
    ("language", "phone", "dark"), [("de", True, False), ("de", False, True), ("en", True, True), ("en", False, False)]
)
def test_every_page_is_sound_on_every_device(store, other, pan, opened, language, phone, dark):
    page = opened(make.user(is_administrator=True, language=language), phone=phone, dark=dark, language=language)
    addresses = [STOCK, f"{STOCK}?q=cast", f"{STOCK}?q={pan.sku}", f"{STOCK}?q=4006381333930", RECEIVE, MORE, MESSAGES]
    for number, address in enumerate([*addresses, "/staff/find/?q=zzz", "/offline/", "/nowhere/"]):
        page.goto(address)
        assert_good(page)
        picture(page, f"shell-{number}-{language}-{'phone' if phone else 'desk'}-{'dark' if dark else 'light'}")


def test_the_menu_counts_what_the_queue_shows_as_soon_as_it_shows_it(opened):
    shop = make_orders.shop()
    page = opened(shop.clerk)
    page.goto("/staff/pickup/")
    counted = page.locator("#waiting-pickup")
    for number in ("1", "2"):
        shop.place()
        expect(page.locator('[data-list="new"] [data-card]')).to_have_count(int(number), timeout=5000)
        expect(counted).to_have_text(re.compile(f"^{number}\\b"), timeout=3000)  # its own round takes 15 seconds


def test_a_delivery_is_scanned_faster_than_the_server_answers_and_booked_once(store, pan, opened, eventually):
    case = make.barcode(888)
    cup = make.product(name="Enamel cup", gtins=[make.barcode(889), (case, 6)])
    page = opened(staff(Role.CLERK, store))
    page.goto(RECEIVE)
    for code in (pan.gtins[0], case, cup.gtins[0], pan.gtins[0], "4006381333930", pan.gtins[0]):
        scan(page, code)
    lines = page.locator("#lines")
    expect(lines.get_by_label(pan.name, exact=True)).to_have_value("3")
    expect(lines.get_by_label("Enamel cup", exact=True)).to_have_value("7")
    expect(lines.locator("h2")).to_have_text("2 products")

    lines.get_by_label("Enamel cup", exact=True).click()
    scan(page, pan.gtins[0])  # lands in a quantity: taken out again and counted as a scan
    expect(lines.get_by_label(pan.name, exact=True)).to_have_value("4")
    expect(lines.get_by_label("Enamel cup", exact=True)).to_have_value("7")

    lines.get_by_role("button", name="One less: Enamel cup").click()
    page.get_by_label("Delivery note").fill("D-4711")
    page.get_by_role("button", name="Book in").dblclick()
    expect(page.get_by_text("10 pieces were booked in")).to_be_visible()
    assert (on_hand(pan, store), on_hand(cup, store)) == (12, 6)

    page.go_back()
    page.goto(f"{STOCK}?q={cup.sku}")
    expect(page.get_by_text("D-4711")).to_be_visible()


def test_an_unknown_scan_stops_with_a_sentence_and_removing_a_line_is_one_press(store, pan, opened):
    page = opened(staff(Role.CLERK, store), phone=True)
    page.goto(RECEIVE)
    scan(page, pan.gtins[0])
    expect(page.locator("#lines").get_by_label(pan.name, exact=True)).to_have_value("1")
    scan(page, "4006381333931")
    expect(page.get_by_role("alert")).to_contain_text("No product has the barcode")
    assert_good(page)
    page.get_by_role("button", name=f"Remove {pan.name}").click()
    expect(page.get_by_text("Nothing scanned yet")).to_be_visible()


def test_changing_the_store_changes_the_numbers(store, other, pan, opened):
    page = opened(staff(Role.STORE_MANAGER, store, other), phone=True)
    page.goto(f"{STOCK}?q={pan.sku}")
    available = page.locator(".figure-main .figure-value")
    expect(available).to_have_text("8")
    page.get_by_text(store.name).first.click()
    page.get_by_role("button", name=other.name).click()
    expect(page).to_have_url(re.compile(re.escape(STOCK) + "$"))
    page.goto(f"{STOCK}?q={pan.sku}")
    expect(available).to_have_text("3")


def test_the_mark_says_when_the_connection_is_gone_and_when_it_is_back(store, opened):
    page = opened(staff(Role.CLERK, store))
    page.goto(STOCK)
    mark = page.locator("#live")
    expect(mark).to_have_attribute("data-state", "live")
    page.context.set_offline(True)
    expect(mark).to_have_attribute("data-state", "offline")
    expect(mark).to_contain_text("Offline")
    page.context.set_offline(False)
    expect(mark).to_have_attribute("data-state", "live")


def test_sounds_stay_off_once_they_are_off(store, opened):
    page = opened(staff(Role.CLERK, store))
    page.goto(MORE)
    mute = page.locator("[data-mute]")
    expect(mute).to_have_attribute("aria-pressed", "false")
    mute.click()
    expect(mute).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(mute).to_have_attribute("aria-pressed", "true")


def test_a_device_without_connection_shows_the_offline_page_and_nothing_of_anybody(
    store, browser: Browser, live_server: Any
):
    person = staff(Role.CLERK, store)
    with browser.new_context(base_url=live_server.url, locale="en-GB") as context:
        page = context.new_page()
        page.goto("/staff/sign-in/")
        page.get_by_label("User name").fill(person.username)
        page.get_by_label("Password").fill(make.PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator("#live")).to_be_visible()
        page.goto(STOCK)
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        page.goto(MORE)
        kept = page.evaluate(
            """caches.keys().then((names) => Promise.all(names.map((name) => caches.open(name).then((cache) => cache.keys()))))
                .then((lists) => lists.flat().map((request) => new URL(request.url).pathname))"""
        )
        assert "/offline/" in kept
        assert not [path for path in kept if path.startswith(("/staff/", "/api/", "/admin/"))]
        context.set_offline(True)
        page.goto(STOCK)
        expect(page.get_by_role("heading", name="No connection")).to_be_visible()
        assert store.name not in page.content()
        context.set_offline(False)
        page.get_by_role("link", name="Try again").click()
        expect(page.get_by_role("heading", name="Stock", exact=True)).to_be_visible()
