"""The pages of prices in a real browser: they fit a desk and a phone, axe finds nothing, a draft is written by keyboard."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page, expect

from commerce import clock
from commerce.actors import Actor
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.places import locations
from pricing import drafts, rulesets, tasks
from pricing.models import AppliedPrice, RulesetDraft
from pricing.promotions.terms import Content, Goods, PercentOff, Promotion
from tests.factories import commerce as ground
from tests.factories import pricing as make

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

Opened = Callable[..., Page]


@pytest.fixture
def draft() -> RulesetDraft:
    """A lamp on offer, and a draft that would give more."""
    make.standard_rates()
    make.price_list()
    lamp = ground.product("LAMP", category="Licht")
    make.prices({lamp.id: 10_000})
    ground.channel(code="web")
    sale = Promotion("sale", "Lampen 10 %", PercentOff(1_000), Goods(products=("LAMP",)))
    person = ground.user()
    with transaction():
        locations.assign(person, Role.MERCHANDISER, None, by=ground.TESTER)
        rulesets.publish(Content((sale,)), by=ground.TESTER)
        made = drafts.begin("Herbst", by=Actor.staff(person))
        more = Promotion("more", "Lampen 20 %", PercentOff(2_000), Goods(products=("LAMP",)))
        made = drafts.change(made.pk, revision=made.revision, content=Content((more,)), by=Actor.staff(person))
    tasks.log_applied_prices()
    return made


def pages(draft: RulesetDraft) -> list[str]:
    evidence = AppliedPrice.objects.latest("from_at").pk
    return [
        reverse("admin:pricing_rulesetdraft_changelist"), reverse("admin:pricing_draft", args=[draft.pk]),
        reverse("admin:pricing_draft_promotion", args=[draft.pk, "more"]),
        reverse("admin:pricing_draft_new_promotion", args=[draft.pk, "bundle"]),
        reverse("admin:pricing_campaigns"), reverse("admin:pricing_version", args=[draft.base_number]),
        reverse("admin:pricing_results"), reverse("admin:pricing_elasticity"),
        reverse("admin:pricing_appliedprice_change", args=[evidence]),
    ]  # fmt: skip


# All pages in one language at each width; in the other one those on which words are longest.
@pytest.mark.parametrize(
    ("language", "is_phone", "most"), [("en", False, 9), ("de", True, 9), ("de", False, 3), ("en", True, 3)],
    ids=["desk", "phone", "German at a desk", "English on a phone"],
)  # fmt: skip
def test_the_pages_of_prices_fit_and_axe_finds_nothing(draft, opened: Opened, language, is_phone, most):
    page = opened(draft.author, phone=is_phone, language=language)
    for address in pages(draft)[:most]:
        page.goto(address)
        page.wait_for_load_state()
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{address} scrolls sideways"
        found = Axe().run(page, context="main")  # what is ours: the frame is that of the admin
        assert not found.response["violations"], f"{address}: {found.generate_report()}"


def test_a_promotion_is_written_by_keyboard_alone(draft, opened: Opened):
    page = opened(draft.author)
    page.goto(reverse("admin:pricing_draft_new_promotion", args=[draft.pk, "percent_off"]))
    name = page.get_by_label("Name", exact=False).first
    name.focus()
    page.keyboard.type("Lampen im Herbst")
    page.keyboard.press("Tab")
    page.keyboard.type("HERBST")
    share = page.locator("[name='benefit-basis_points']")
    for _step in range(40):  # as far as the keyboard has to go
        if share.evaluate("field => field === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(share).to_be_focused()
    page.keyboard.type("15")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{reverse('admin:pricing_draft', args=[draft.pk])}**")
    expect(page.get_by_text("Lampen im Herbst").first).to_be_visible()
    draft.refresh_from_db()
    assert [one["id"] for one in draft.content["promotions"]] == ["more", "HERBST"]
    assert draft.changed_at <= clock.now()
