"""What goods cost and what must be left: the floor of each line, the forms, and the doors."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError
from django.db.transaction import atomic
from django.test import Client
from django.urls import reverse

from commerce import catalog, clock, transactions
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.roles import Role, Scope
from inventory.places import locations
from pricing import conflicts, costs, floors, impact, margins, pricelists, quoting, rulesets
from pricing.conflicts import Code
from pricing.errors import PriceOverlap
from pricing.models import CurrencyRate, LandedCost, MarginRule, PriceList, ProductTerms
from pricing.promotions.terms import Content, Goods, PercentOff, Promotion
from pricing.quotes import BasketLine, ChannelTerms
from tests.factories import commerce as ground
from tests.factories import pricing as make

pytestmark = pytest.mark.django_db

BY = Actor.system("tests")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HALF_OFF = Promotion("sale", "Half off", PercentOff(4_000), Goods(products=("MUG",)))


@pytest.fixture
def shop():
    """P11: a mug for 23.80 with 19 % VAT that costs 12.00 net, 40 % off."""
    with clock.frozen(NOW):
        with transactions.transaction():
            channel = catalog.add_channel(code="web", name="Web", kind="web", country="DE", currency="EUR", by=BY)
            mug = catalog.add_product(sku="MUG", name="Mug", category="Kitchen/Mugs", by=BY)
            rulesets.publish(Content((HALF_OFF,)), by=BY)
        make.standard_rates()
        make.price_list()
        make.prices({mug.id: 2_380})
        with transactions.transaction():
            costs.set_costs([costs.NewCost(mug.id, 1_200, "EUR")], by=BY)
        yield ChannelTerms(channel.pk, "EUR", "DE"), mug.id


def total(shop) -> int:
    return quoting.price([BasketLine(shop[1], 1)], channel=shop[0], at=NOW).lines[0].total_minor


def margin(basis_points: int | None, **what: object) -> bool:
    with transactions.transaction():
        return floors.set_margin(basis_points, by=BY, **what)


def test_p11_a_margin_rule_is_a_floor_for_promotions(shop):
    assert total(shop) == 1_428
    assert margin(2_000)
    assert not margin(2_000)
    found = quoting.price([BasketLine(shop[1], 1)], channel=shop[0], at=NOW).lines[0]
    (_price, cut) = found.steps
    assert (found.total_minor, cut.amount_minor, cut.forfeited_minor, cut.forfeit_reason) == (
        1_785, -595, 357, "margin_floor",
    )  # fmt: skip
    assert margin(None)
    assert total(shop) == 1_428


def test_a_fee_of_the_channel_raises_the_floor(shop):
    margin(0)
    assert total(shop) == 1_428
    with transactions.transaction():
        assert costs.set_fee(shop[0].channel_id, 1_500, by=BY)
        assert not costs.set_fee(shop[0].channel_id, 1_500, by=BY)
    assert total(shop) == 1_738  # 12.00 / (1 - 0.15 × 1.19) × 1.19


def test_the_most_specific_margin_counts():
    rules = margins.Rules(
        [
            margins.Rule(1_000), margins.Rule(1_100, channel_id=7), margins.Rule(2_000, category="Kitchen"),
            margins.Rule(2_100, category="Kitchen", channel_id=7), margins.Rule(3_000, category="Kitchen/Mugs"),
            margins.Rule(4_000, product_id=1), margins.Rule(4_100, product_id=1, channel_id=7),
        ]
    )  # fmt: skip
    asked = [
        (1, "Kitchen/Mugs", 7),
        (1, "", 8),
        (2, "Kitchen/Mugs", 7),
        (2, "Kitchen/Pans", 7),
        (2, "Garden", 7),
        (2, "", 8),
    ]
    assert [rules.minimum(*one) for one in asked] == [4_100, 4_000, 3_000, 2_100, 1_100, 1_000]
    assert margins.Rules([]).minimum(1, "Kitchen", 7) is None


def test_costs_follow_each_other_and_never_overlap(shop):
    with transactions.transaction():
        later = [
            costs.NewCost(shop[1], 1_300, "EUR", NOW + timedelta(days=1)),
            costs.NewCost(shop[1], 1_200, "EUR", NOW),
        ]
        assert costs.set_costs(later, by=BY) == 1
    assert [costs.latest([shop[1]], "EUR", NOW + timedelta(days=n))[shop[1]] for n in (0, 1)] == [1_200, 1_300]
    assert costs.latest([shop[1]], "CHF", NOW) == {}
    row = LandedCost.objects.first()
    with pytest.raises(IntegrityError), atomic():
        LandedCost.objects.create(product_id=shop[1], currency="EUR", amount_minor=1, valid=row.valid)
    with pytest.raises(PriceOverlap), transactions.transaction():
        costs.set_costs([costs.NewCost(shop[1], 1, "EUR", NOW), costs.NewCost(shop[1], 2, "EUR", NOW)], by=BY)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: floors.set_margin(10_000, by=BY),
        lambda: floors.set_margin(100, product_id=1, category="Kitchen", by=BY),
        lambda: costs.set_fee(1, 10_001, by=BY),
        lambda: costs.set_costs([costs.NewCost(1, 5, "euro")], by=BY),
        lambda: floors.set_advertised(1, 100, currency="EUR", reason=" ", by=BY),
    ],
)
def test_what_can_not_be_is_refused_with_its_field(wrong):
    with pytest.raises(InvalidInput) as refused, transactions.transaction():
        wrong()
    (error,) = refused.value.errors
    assert {"field", "value", "message"} <= set(error)


def test_a_draft_below_cost_or_very_deep_is_told(shop):
    deep = Content((Promotion("deep", "Deep", PercentOff(7_000), Goods(products=("MUG",))),))
    found = conflicts.check(deep, impact.catalogue(NOW).articles, effective_from=NOW)
    assert {one.code for one in found} == {Code.BELOW_COST, Code.DEEP_DISCOUNT}


def test_minimum_advertised_prices_are_off_unless_switched_on(shop, client, settings):
    with transactions.transaction():
        assert floors.set_advertised(shop[1], 2_000, currency="EUR", reason="own decision", by=BY)
    key = ground.key(catalog.Channel.objects.get())

    def shown() -> dict[str, int]:
        body = {"products": [{"sku": "MUG"}]}
        return client.post("/api/v1/prior-prices", body, content_type="application/json", **key.headers).json()[
            "products"
        ][0]

    assert (shown()["price_minor"], shown()["advertised_price_minor"]) == (1_428, 1_428)
    settings.ADVERTISED_MINIMUMS = True
    floors.forget()
    assert (shown()["price_minor"], shown()["advertised_price_minor"]) == (1_428, 2_000)
    assert total(shop) == 1_428


# --- forms --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(db) -> Client:
    person, client = ground.user(), Client()
    with transactions.transaction():
        locations.assign(person, Role.MERCHANDISER, None, by=BY)
    client.force_login(person)
    return client


def url(page: str, *args: object) -> str:
    return reverse(f"admin:pricing_{page}", args=args)


NOW_ON = {"valid_from_0": "", "valid_from_1": ""}
LIST = {
    "code": "b2b", "name": "B2B", "currency": "eur", "basis": "gross", "tier_mode": "all_units", "channel": "",
    "country": "", "customer_group": "", "contract": "ACME", "base_list": "", "share": "", "plus": "",
    "rounding": "exact", "priority": "0",
}  # fmt: skip


def test_a_contract_list_is_computed_from_another_by_a_form(desk):
    make.price_list()
    base = PriceList.objects.get(code="standard")
    answer = desk.post(
        url("pricelist_add"), LIST | {"base_list": base.pk, "share": "90", "plus": "-0.50", "rounding": "ends_99"}
    )
    assert answer.status_code == 302, answer.context["errors"]
    made = PriceList.objects.get(code="b2b")
    assert (made.contract, made.base_list_id, made.formula_basis_points, made.formula_add_minor, made.formula_rounding) == (
        "ACME", base.pk, 9_000, -50, "ends_99",
    )  # fmt: skip
    circle = {
        "name": "Standard",
        "base_list": made.pk,
        "share": "100",
        "plus": "0",
        "rounding": "exact",
        "priority": "0",
        "is_active": "on",
    }
    answer = desk.post(url("pricelist_change", base.pk), circle)
    assert answer.status_code == 200
    assert "circle: standard → b2b → standard" in answer.content.decode()
    incomplete = desk.post(url("pricelist_add"), LIST | {"code": "other", "base_list": base.pk})
    assert "how many per cent" in incomplete.content.decode()


@pytest.mark.parametrize(
    ("page", "data", "said"),
    [
        ("pricelist_add", LIST | {"currency": "EU"}, "three-letter ISO code"),
        ("currencyrate_add", {"base": "EUR", "quote": "EUR", "rate": "1", **NOW_ON}, "between two currencies"),
        ("productterms_add", {"sku": "MUG", "family": "", "amount_of": "5", "unit": ""}, "an amount and a unit"),
        ("productterms_add", {"sku": "MUG", "family": "", "amount_of": "0.0001", "unit": "l"}, "decimal places"),
        ("landedcost_add", {"sku": "GONE", "amount": "1", "currency": "EUR", **NOW_ON}, "no product"),
        ("marginrule_add", {"sku": "MUG", "category": "Kitchen", "channel": "", "percent": "20"}, "or for a category"),
        ("advertisedminimum_add", {"sku": "MUG", "amount": "0", "currency": "EUR", "reason": "x"}, "positive"),
    ],
)  # fmt: skip
def test_forms_refuse_in_sentences(desk, page, data, said):
    ground.product("MUG")
    answer = desk.post(url(page), data)
    assert answer.status_code == 200
    assert said in answer.content.decode()


def test_forms_for_rates_contents_costs_and_margins(desk, django_assert_max_num_queries):
    mug = ground.product("MUG")
    channel = ground.channel()
    dates = {"valid_from_0": "", "valid_from_1": ""}
    for page, data in (
        ("currencyrate_add", {"base": "EUR", "quote": "CHF", "rate": "0.9345", **dates}),
        ("productterms_add", {"sku": "MUG", "family": "mugs", "amount_of": "0.75", "unit": "l"}),
        ("landedcost_add", {"sku": "MUG", "amount": "1.20", "currency": "eur", **dates}),
        ("channelfee_add", {"channel": channel.pk, "percent": "12.5", **dates}),
        ("marginrule_add", {"sku": "", "category": "Kitchen", "channel": channel.pk, "percent": "20"}),
        ("advertisedminimum_add", {"sku": "MUG", "amount": "5", "currency": "EUR", "reason": "own decision"}),
    ):
        answer = desk.post(url(page), data)
        assert answer.status_code == 302, (page, answer.context["errors"])
        listed = desk.get(url(page.replace("_add", "_changelist")))
        assert listed.status_code == 200
    assert CurrencyRate.objects.get().millionths == 934_500
    terms = ProductTerms.objects.get()
    assert (terms.product_id, terms.family, terms.content_amount, terms.content_unit) == (mug.id, "mugs", 750, "ml")
    desk.post(url("productterms_change", terms.pk), {"family": "cups", "amount_of": "1", "unit": "l"})
    assert ProductTerms.objects.get().content_amount == 1_000
    rule = MarginRule.objects.get()
    answer = desk.post(
        url("marginrule_changelist"), {"action": "take_away", "_selected_action": [rule.pk]}, follow=True
    )
    assert "1 minimum margins taken away" in answer.content.decode()
    assert not MarginRule.objects.exists()


def test_a_new_price_that_inverts_tiers_is_told(desk):
    mug = ground.product("MUG")
    make.price_list()
    make.prices({mug.id: 1_000})
    listed = PriceList.objects.get()
    data = {"price_list": listed.pk, "sku": "MUG", "amount": "7.50", "min_quantity": "50"}
    dates = {f"valid_{end}_{part}": "" for end in ("from", "until") for part in (0, 1)}
    answer = desk.post(url("priceentry_add"), data | dates, follow=True)
    assert "38 to 49 pieces cost more than 50" in answer.content.decode()


# --- doors --------------------------------------------------------------------------------------------------------------


def test_lists_prices_costs_rates_and_contents_through_the_api(client):
    ground.product("MUG")
    make.standard_rates()
    key = ground.key(None, Scope.PRICES_WRITE, Scope.QUOTES_WRITE)

    def post(path: str, body: dict) -> tuple[int, dict]:
        answer = client.post(f"/api/v1/{path}", body, content_type="application/json", **key.headers)
        return answer.status_code, answer.json()

    assert post("price-lists", {"code": "std", "name": "Standard", "currency": "EUR"}) == (201, {"code": "std"})
    prices = [{"sku": "MUG", "amount_minor": 1_000}, {"sku": "MUG", "amount_minor": 750, "min_quantity": 50}]
    status, told = post("price-lists/std/prices", {"prices": prices})
    assert (status, told["changed"], told["inversions"][0]["from_quantity"]) == (200, 2, 38)
    assert post("price-lists/std/prices", {"prices": prices})[1]["changed"] == 0
    assert post("landed-costs", {"costs": [{"sku": "MUG", "amount_minor": 300, "currency": "EUR"}]}) == (
        200,
        {"changed": 1},
    )
    assert post("currency-rates", {"base": "EUR", "quote": "CHF", "millionths": 934_500}) == (200, {"changed": 1})
    contents = [{"sku": "MUG", "content_amount": 500, "content_unit": "g"}]
    assert post("product-contents", {"products": contents}) == (200, {"changed": 1})
    quote = post("quotes", {"lines": [{"sku": "MUG", "quantity": 1}]})[1]
    assert (quote["lines"][0]["reference_price_minor"], quote["lines"][0]["reference_amount"]) == (2_000, "kg")
    circle = {"base": "std", "basis_points": 10_000}
    assert (
        post("price-lists", {"code": "x", "name": "X", "currency": "EUR", "computed": {**circle, "base": "gone"}})[0]
        == 404
    )
    window = {"valid_from": "2027-01-02T00:00:00Z", "valid_until": "2027-01-01T00:00:00Z"}
    wrong = [
        ("price-lists", {"code": "y", "name": "Y", "currency": "XX"}),
        ("price-lists/std/prices", {"prices": [{"sku": "MUG", "amount_minor": 1, **window}]}),
        ("product-contents", {"products": [{"sku": "MUG", "content_amount": 5}]}),
        ("currency-rates", {"base": "EUR", "quote": "EUR", "millionths": 1}),
    ]  # fmt: skip
    for path, body in wrong:
        status, told = post(path, body)
        assert (status, told["code"]) == (400, "invalid_input"), told
        assert told["errors"]
    assert pricelists.inversions("std", [], at=clock.now()) == []
