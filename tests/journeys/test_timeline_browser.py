"""The timeline in a real browser: both widths, both languages, nothing cut off, nothing that axe finds."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from commerce import clock, ids
from commerce.transactions import transaction
from inventory import movements
from inventory.movements import Adjustment, Receipt
from inventory.stock import Condition
from tests.factories import orders as factory
from tests.journeys.conftest import picture
from tests.journeys.test_shell_browser import assert_good

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def shop() -> factory.Shop:
    made = factory.shop(name="Berlin Mitte", pieces=50)
    made.ready({0: 2, 1: 1})
    product, now = made.products[0], clock.now()
    with transaction():
        movements.receive(
            [Receipt(ids.new(), product.id, made.store.id, 3, Condition.DAMAGED)],
            by=made.by,
            at=now,
            reason="broken in transit",
            source="staff",
        )
        movements.adjust(
            [Adjustment(ids.new(), product.id, made.store.id, -4, "missing")],
            by=made.by,
            at=now,
            occurred_at=now - timedelta(hours=3),
        )
    return made


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("phone", [True, False])
def test_what_happened_is_read_at_a_glance(shop, opened: Callable[..., Page], phone: bool, language: str) -> None:
    page = opened(shop.clerk, phone=phone, language=language)
    where = f"{language}-{'phone' if phone else 'desk'}"
    page.goto("/staff/stock/timeline/")
    expect(page.get_by_role("heading", level=1)).to_have_text({"en": "Timeline", "de": "Verlauf"}[language])
    picture(page, f"timeline-place-{where}")
    assert_good(page)
    page.get_by_text({"en": "Choose what is shown", "de": "Anzeige eingrenzen"}[language]).click()
    page.locator("#id_sku").fill(shop.products[0].sku)
    page.get_by_role("button", name={"en": "Show", "de": "Anzeigen"}[language]).click()
    expect(page.get_by_role("link", name=shop.products[0].name)).to_be_visible()
    picture(page, f"timeline-product-{where}")
    assert_good(page)
    page.goto(f"/staff/stock/?q={shop.products[0].sku}")
    page.get_by_text(
        {"en": "Stock at an earlier moment", "de": "Bestand zu einem früheren Zeitpunkt"}[language]
    ).click()
    page.get_by_label({"en": "Stock on", "de": "Bestand am"}[language]).fill(
        (clock.now() - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    )
    page.get_by_role("button", name={"en": "Show", "de": "Anzeigen"}[language]).last.click()
    expect(page.locator(".figure-value").first).to_have_text("0")
    picture(page, f"timeline-moment-{where}")
    assert_good(page)


def test_a_person_is_chosen_and_let_go(shop, opened: Callable[..., Page]) -> None:
    page = opened(shop.clerk, phone=True)
    page.goto("/staff/stock/timeline/")
    page.get_by_text("Choose what is shown").click()
    page.get_by_label("Who").select_option(f"staff:{shop.clerk.pk}")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_text(f"Only {shop.clerk.get_full_name() or shop.clerk.username}")).to_be_visible()
    page.locator(".chip").click()
    expect(page.locator(".chip")).to_have_count(0)
