"""What a draft announces and touches wherever we sell: amounts and fixed prices are claims, and the strictest market decides."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse
from django.utils import translation

from commerce import catalog, clock
from commerce.actors import Actor
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.places import locations
from pricing import announced, approvals, conflicts, costs, currencies, drafts, impact, pricelists, tasks, trade
from pricing.approving import Measure, Rank
from pricing.conflicts import Code
from pricing.desk import findings
from pricing.errors import DraftConflicts
from pricing.pricelists import Computed, NewPrice
from pricing.promotions.terms import AmountOff, Conditions, Content, FixedPrice, Goods, Level, PercentOff, Promotion
from tests.factories import commerce as ground
from tests.factories import pricing as make

pytestmark = pytest.mark.django_db

BY = ground.TESTER


def day(month: int, number: int, hour: int = 0) -> datetime:
    return datetime(2026, month, number, hour, tzinfo=UTC)


@pytest.fixture
def house():
    """A lamp for 100.00 EUR that cost 80.00 until yesterday; Swiss francs are computed of euros at 0.95, by a list of its own."""
    with clock.frozen(day(1, 1)):
        make.standard_rates()
        with transaction():
            catalog.add_channel(code="web-de", name="Web DE", kind="web", country="DE", currency="EUR", by=BY)
            catalog.add_channel(code="web-ch", name="Web CH", kind="web", country="CH", currency="CHF", by=BY)
            lamp = catalog.add_product(sku="LAMP", name="Lamp", category="Light", by=BY)
            pricelists.add_list("eur", name="Euro", currency="EUR", country="DE", by=BY)
            currencies.set_rate("EUR", "CHF", 950_000, by=BY)
            pricelists.add_list(
                "chf", name="Francs", currency="CHF", country="CH", computed=Computed("eur", 10_000), by=BY
            )
            pricelists.set_prices(
                "eur",
                [NewPrice(lamp.id, 8_000, 1, day(1, 1), day(3, 3)), NewPrice(lamp.id, 10_000, 1, day(3, 3))],
                by=BY,
            )
    with clock.frozen(day(3, 4)):
        yield lamp


def off(benefit, **conditions) -> Content:
    return Content(
        (Promotion("sale", "Sale", benefit, Goods(products=("LAMP",)), conditions=Conditions(**conditions)),)
    )


def judged(content: Content, **limits):
    looked = announced.looked_at(impact.catalogue(clock.now()), content, at=clock.now(), **limits)
    return {one.code: one for one in conflicts.check(content, looked.articles, effective_from=clock.now())}


@pytest.mark.parametrize(
    ("benefit", "said"),
    [
        (AmountOff(2_000, Level.UNIT), "“Sale” announces €20.00 off, but by the lowest price of 30 days (€80.00) LAMP saves "
            "€0.00 on web-de."),
        (AmountOff(3_000, Level.LINE), "“Sale” announces €30.00 off, but by the lowest price of 30 days (€80.00) LAMP saves "
            "€10.00 on web-de."),
        (FixedPrice(8_000), "“Sale” announces €80.00 as a reduced price, but LAMP cost €80.00 within 30 days on web-de."),
        (PercentOff(2_500), "“Sale” announces 25 %, but by the lowest price of 30 days LAMP saves 6.25 % on web-de."),
    ],
)  # fmt: skip
def test_what_calls_a_reduction_what_is_none_is_refused_whatever_form_it_has(house, benefit, said):
    found = judged(off(benefit, countries=("DE",)))
    with translation.override("en"):
        assert findings.finding(found[Code.UNTRUE_CLAIM], {"sale": "Sale"})["text"] == said
    person = Actor.staff(ground.user())
    with transaction():
        draft = drafts.begin("Sale", by=person)
        draft = drafts.change(draft.id, revision=draft.revision, content=off(benefit, countries=("DE",)), by=person)
    with pytest.raises(DraftConflicts), transaction():
        drafts.submit(draft.id, revision=draft.revision, by=person)


@pytest.mark.parametrize(
    "benefit",
    [
        FixedPrice(7_999),  # below the lowest price of 30 days
        FixedPrice(10_000),  # lowers nothing, so it announces nothing
        PercentOff(3_000),
        AmountOff(2_000, Level.ORDER),  # depends on the basket: no price of one piece is announced
    ],
)
def test_what_is_true_or_announces_nothing_passes(house, benefit):
    share = benefit.basis_points if isinstance(benefit, PercentOff) else 0
    assert (Code.UNTRUE_CLAIM in judged(off(benefit, countries=("DE",)))) is bool(
        share
    )  # 30 % of 100 saves 12.5 % of 80


def test_money_off_is_true_once_the_low_price_is_more_than_thirty_days_over(house):
    with clock.frozen(day(4, 10)):
        assert Code.UNTRUE_CLAIM not in judged(off(AmountOff(2_000, Level.UNIT), countries=("DE",)))


def test_a_submission_looks_at_everything_however_little_the_page_looked_at(house):
    person = Actor.staff(ground.user())
    with transaction():
        draft = drafts.begin("Sale", by=person)
        draft = drafts.change(draft.id, revision=draft.revision, content=off(PercentOff(2_500)), by=person)
    found, looked = drafts.examined(draft, at_most=0)
    assert (found, looked.looked_at, looked.left_out) == ([], 0, 2)
    with translation.override("en"):
        assert "2 were not looked at yet" in findings.looked_at(looked)
    with pytest.raises(DraftConflicts), transaction():
        drafts.submit(draft.id, revision=draft.revision, by=person)


def test_a_list_computed_by_formula_is_looked_at_for_cost_depth_and_margin(house):
    with transaction():
        costs.set_costs([costs.NewCost(house.id, 5_000, "EUR")], by=BY)  # 47.50 CHF, with VAT 51.35
    found = judged(off(FixedPrice(5_100), countries=("CH",)))
    assert (found[Code.BELOW_COST].facts["skus"], found[Code.BELOW_COST].facts["places"]) == (["LAMP"], ["CHF · CH"])
    with translation.override("en"):
        assert "below cost (CHF · CH)" in findings.finding(found[Code.BELOW_COST], {})["text"]
    assert Code.BELOW_COST not in judged(off(FixedPrice(5_200), countries=("CH",)))
    known = impact.catalogue(clock.now())
    facts = impact.facts(Content(), off(FixedPrice(5_200)), known, at=clock.now())
    assert (facts.deepest_basis_points, facts.deepest_in) == (4_800, "EUR · DE")
    assert (facts.lowest_margin_basis_points, facts.margin_in) == (-1_443, "EUR · DE")  # 59.50 with VAT
    facts = impact.facts(Content(), off(FixedPrice(5_200), currencies=("CHF",)), known, at=clock.now())
    assert (facts.deepest_basis_points, facts.deepest_in) == (4_526, "CHF · CH")  # of 95.00
    assert (facts.lowest_margin_basis_points, facts.margin_in) == (125, "CHF · CH")


def test_revenue_counts_wherever_the_draft_reaches_in_the_usual_currency(house, monkeypatch):
    sold = {("EUR", "DE"): 1_000, ("CHF", "CH"): 950_000, ("SEK", "SE"): 500, ("EUR", "AT"): 7}
    monkeypatch.setattr(trade, "_revenue", [lambda ids, since, until: sold])
    known = impact.catalogue(clock.now())
    facts = impact.facts(Content(), off(PercentOff(100)), known, at=clock.now())
    assert (facts.revenue_minor, facts.revenue_in) == (
        1_000 + 1_000_000 + 500 + 7, "CHF · CH, EUR · AT, EUR · DE, SEK · SE"
    )  # fmt: skip
    facts = impact.facts(Content(), off(PercentOff(100), countries=("CH",)), known, at=clock.now())
    assert (facts.revenue_minor, facts.revenue_in) == (1_000_000, "CHF · CH")
    facts = impact.facts(off(PercentOff(100), countries=("CH",)), Content(), known, at=clock.now())
    assert facts.revenue_in == "CHF · CH"  # what is taken away counts where it was


def test_the_page_names_where_a_threshold_is_reached(house, client):
    tasks.log_applied_prices()
    user = ground.user(language="en")
    with transaction():
        locations.assign(user, Role.MERCHANDISER, None, by=BY)
        approvals.set_threshold(Measure.DEPTH, 5_000, Rank.LEAD, by=BY)
        draft = drafts.begin("Francs", by=Actor.staff(user))
        content = off(FixedPrice(2_000), currencies=("CHF",))
        draft = drafts.change(draft.id, revision=draft.revision, content=content, by=Actor.staff(user))
    client.force_login(user)
    page = client.get(reverse("admin:pricing_draft", args=[draft.pk])).content.decode()
    assert "deepest discount 78.94 % (from 50 % on) in CHF · CH" in page
