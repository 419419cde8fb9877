"""Counting in a real browser: by hand scanner and by thumb, without a connection, both widths, both languages."""

import re
from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from commerce import clock, ids
from commerce.actors import Actor
from commerce.models import User
from commerce.roles import Role
from commerce.transactions import transaction
from inventory import shelves
from inventory.counting import CountKind
from inventory.models import CountFinding, CountRecord
from inventory.places import locations
from inventory.stocktaking import counts, figures, lists
from inventory.stocktaking.lists import CountRef
from tests.factories import commerce as ground
from tests.factories import orders as factory
from tests.journeys.conftest import picture
from tests.journeys.test_shell_browser import assert_good

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

Opened = Callable[..., Page]
UNKNOWN = "4006381333931"


@pytest.fixture
def shop() -> factory.Shop:
    return factory.shop(name="Berlin Mitte", pieces=50)


def begun(shop: factory.Shop, kind: CountKind = CountKind.STORE) -> CountRef:
    with transaction():
        for shelf, product in zip(("A1", "A2", "B1"), shop.products, strict=False):
            shelves.put_away(shop.store.id, shelf, [product.id], by=shop.by, at=clock.now())
        return counts.begin(ids.new(), location_id=shop.store.id, kind=kind, by=shop.by, at=clock.now())


def address(name: str, count: CountRef) -> str:
    return reverse(f"inventory-staff:{name}", args=[count.id])


def scan(page: Page, text: str) -> None:
    """Type like a hand scanner: a burst of keys that ends with Enter."""
    page.keyboard.type(text, delay=4)
    page.keyboard.press("Enter")


def manager(shop: factory.Shop) -> User:
    user = ground.user()
    with transaction():
        locations.assign(user, Role.STORE_MANAGER, shop.store.id, by=ground.TESTER)
    return user


def test_counted_without_a_connection_everything_is_booked_once(shop, opened: Opened, eventually) -> None:
    lamp, cup, tin = shop.products[:3]
    count = begun(shop)
    page = opened(shop.clerk, phone=True)
    page.goto(address("count", count))
    page.locator("#scan").focus()
    scan(page, lamp.gtins[0])
    expect(page.locator(".count-now .big-number")).to_have_text("1")
    page.context.set_offline(True)
    expect(page.locator("#live")).to_contain_text("Offline")
    page.locator("#scan").focus()
    for _ in range(2):
        scan(page, lamp.gtins[0])
    scan(page, UNKNOWN)
    page.get_by_role("button", name=cup.name).first.tap()
    dialog = page.get_by_role("dialog")
    for key in "48":
        dialog.get_by_role("button", name=key, exact=True).tap()
    picture(page, "count-number-360-en")
    dialog.get_by_role("button", name="That is all I counted").tap()
    expect(page.locator("[data-live-word]")).to_contain_text("4 scans waiting")
    kept = page.locator("[data-kept]")
    expect(kept).to_contain_text(UNKNOWN)
    expect(kept).to_contain_text(re.compile(rf"{cup.name}\s*= 48"))
    picture(page, "count-offline-360-en")
    page.get_by_role("button", name="Hand in").first.tap()
    expect(page.get_by_role("status").filter(has_text="Scans still wait")).to_be_visible()
    assert CountRecord.objects.count() == 1
    page.context.set_offline(False)
    eventually(lambda: CountRecord.objects.count() + CountFinding.objects.count() == 5, within=15)
    expect(page.locator("[data-live-word]")).to_have_text("Live")
    expect(kept).to_be_hidden()
    own = {one.product_id: one.own for one in lists.sheet(count, by=Actor.staff(shop.clerk)).own}
    assert own == {lamp.id: 3, cup.id: 48}
    assert CountFinding.objects.get().text == UNKNOWN
    page.reload()  # what is sent is gone from the device: nothing comes a second time
    expect(page.locator("[data-done]")).to_have_text("2")
    assert CountRecord.objects.count() + CountFinding.objects.count() == 5
    assert tin.id not in own


def test_a_scan_while_kept_ones_are_sent_is_not_lost(shop, opened: Opened, eventually) -> None:
    """Hold the replay's first request back, scan meanwhile, and let it go."""
    lamp = shop.products[0]
    count = begun(shop, CountKind.FREE)
    page = opened(shop.clerk)
    page.goto(address("count", count))
    page.context.set_offline(True)
    scan(page, lamp.gtins[0])
    expect(page.locator("[data-kept-number]")).to_have_text("1")
    held = []
    page.route("**/scan/", lambda route: held.append(route) if not held else route.continue_())
    page.context.set_offline(False)
    page.wait_for_timeout(100)
    eventually(lambda: page.wait_for_timeout(50) or held, within=10)
    scan(page, lamp.gtins[0])
    expect(page.locator("[data-kept-number]")).to_have_text("2")
    held[0].continue_()
    eventually(lambda: page.wait_for_timeout(50) or CountRecord.objects.count() == 2, within=15)
    expect(page.locator(".count-figure")).to_have_text("2")


def test_the_same_scan_whose_answer_was_lost_counts_once(shop, opened: Opened) -> None:
    lamp = shop.products[0]
    count = begun(shop, CountKind.FREE)
    page = opened(shop.clerk)
    page.goto(address("count", count))

    def serve_and_lose(route) -> None:
        route.fetch()
        route.abort()

    page.route("**/scan/", serve_and_lose, times=1)
    scan(page, lamp.gtins[0])
    expect(page.locator(".count-figure")).to_have_text("1", timeout=15_000)
    assert page.evaluate("kontor.keptScans().length") == 0
    assert CountRecord.objects.count() == 1


def test_a_number_counts_anew_or_comes_on_top_by_keyboard(shop, opened: Opened) -> None:
    lamp = shop.products[0]
    page = opened(shop.clerk)
    page.goto(address("count", begun(shop)))
    scan(page, lamp.gtins[0])
    now = page.locator(".count-now")
    expect(now.locator(".big-number")).to_have_text("1")
    now.get_by_role("button", name="Enter a number").click()
    number = page.get_by_role("dialog").get_by_label("Pieces that you counted")
    expect(page.get_by_role("dialog")).to_contain_text("You have 1 so far.")
    number.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Enter how many pieces")
    page.wait_for_timeout(400)  # longer than a burst: what follows is typed by hand
    number.type("12", delay=120)
    number.press("Enter")
    expect(now.locator(".big-number")).to_have_text("12")
    now.get_by_role("button", name="Enter a number").click()
    number.fill("3")
    page.get_by_role("dialog").get_by_role("button", name="That many more").click()
    expect(now.locator(".big-number")).to_have_text("15")


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("phone", [True, False])
def test_every_page_of_counting_is_good_to_look_at(shop, opened: Opened, phone: bool, language: str) -> None:
    lamp, cup, tin = shop.products[:3]
    count, where = begun(shop), f"{language}-{'phone' if phone else 'desk'}"
    page = opened(shop.clerk, phone=phone, language=language)
    for name, path in (("list", reverse("inventory-staff:counts")), ("new", reverse("inventory-staff:count-new"))):
        page.goto(path)
        picture(page, f"count-{name}-{where}")
        assert_good(page)
    page.goto(address("count", count))
    page.locator("#scan").focus()
    scan(page, lamp.gtins[0])
    expect(page.locator(".count-now")).to_be_visible()
    picture(page, f"count-scan-{where}")
    assert_good(page)
    scan(page, UNKNOWN)
    expect(page.get_by_role("alert")).to_contain_text(UNKNOWN)
    page.get_by_role("button", name=cup.name).first.click()
    picture(page, f"count-number-{where}")
    assert_good(page)
    page.get_by_role("dialog").get_by_role("button", name={"en": "Back", "de": "Zurück"}[language]).click()
    with transaction():
        figure = figures.Figure(id=ids.new(), text=tin.sku, quantity=60, counted_at=clock.now())
        figures.record(count.id, [figure], by=shop.by, at=clock.now())
    page.get_by_role("button", name={"en": "Hand in", "de": "Abgeben"}[language]).first.click()
    picture(page, f"count-hand-in-{where}")
    assert_good(page)
    page.get_by_role("dialog").get_by_role("button", name={"en": "Hand in", "de": "Abgeben"}[language]).click()
    expect(page.locator(".count-outcome").first).to_be_visible()
    picture(page, f"count-done-{where}")
    assert_good(page)
    boss = opened(manager(shop), phone=phone, language=language)
    boss.goto(address("count-review", count))
    picture(boss, f"count-review-{where}")
    assert_good(boss)
    boss.get_by_role("button", name={"en": "Book the chosen", "de": "Ausgewählte buchen"}[language]).click()
    expect(boss.locator("#toasts")).to_contain_text("2")
    picture(boss, f"count-decided-{where}")
    assert_good(boss)
    boss.goto(address("count-list", count))
    picture(boss, f"count-paper-{where}")
    assert_good(boss)
