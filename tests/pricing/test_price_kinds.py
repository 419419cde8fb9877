"""Contracts, families, formulas, currencies and unit prices: which price counts, and why."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from commerce import catalog, clock, transactions
from commerce.actors import Actor
from commerce.errors import InvalidInput
from pricing import currencies, formulas, listing, pricelists, product_terms, quotes, quoting, rounding, rulesets
from pricing.errors import NoPrice, PriceInThePast
from pricing.listing import Content
from pricing.pricelists import Computed
from pricing.promotions import documents
from pricing.terms import TierMode
from tests.factories import pricing as make

pytestmark = pytest.mark.django_db

BY = Actor.system("tests")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def shop():
    with clock.frozen(NOW):
        with transactions.transaction():
            channel = catalog.add_channel(code="web-de", name="Web", kind="web", country="DE", currency="EUR", by=BY)
            red = catalog.add_product(sku="SHIRT-RED", name="Red shirt", by=BY)
            blue = catalog.add_product(sku="SHIRT-BLUE", name="Blue shirt", by=BY)
        make.standard_rates()
        make.price_list("standard")
        make.prices({red.id: 1000, blue.id: 1000})
        yield quotes.ChannelTerms(channel.pk, "EUR", "DE"), red.id, blue.id


def price(shop, *lines, at=NOW, currency="EUR", **shopper):
    channel = quotes.ChannelTerms(shop[0].channel_id, currency, "DE")
    basket = [quoting.BasketLine(*line) for line in lines]
    return quoting.price(basket, channel=channel, at=at, shopper=quoting.Shopper(**shopper))


def do(verb, *arguments, **terms):
    with transactions.transaction():
        return verb(*arguments, by=BY, **terms)


def test_a_contract_comes_before_a_group_and_only_for_who_has_it(shop):
    _, red, _ = shop
    make.price_list("club", customer_group="club")
    make.price_list("acme", contract="ACME-2026")
    make.prices({red: 900}, price_list="club")
    make.prices({red: 800}, price_list="acme")
    assert price(shop, (red, 1)).total_minor == 1000
    assert price(shop, (red, 1), customer_group="club").total_minor == 900
    quote = price(shop, (red, 1), customer_group="club", contract="ACME-2026")
    assert {one.price_list: one.verdict for one in quote.lines[0].candidates} == {
        "acme": "chosen", "club": "less_specific", "standard": "less_specific",
    }  # fmt: skip


def test_the_lowest_price_wins_where_the_rules_say_so(shop):
    _, red, _ = shop
    make.price_list("channel", channel_id=shop[0].channel_id)
    make.prices({red: 1200}, price_list="channel")
    assert price(shop, (red, 1)).total_minor == 1200
    do(rulesets.publish, documents.content_from({"policy": "lowest"}))
    line = price(shop, (red, 1)).lines[0]
    assert line.total_minor == 1000
    assert {one.price_list: one.verdict for one in line.candidates} == {"channel": "dearer", "standard": "chosen"}


@pytest.mark.parametrize(("mode", "totals"), [(TierMode.ALL_UNITS, [5400, 3600]), (TierMode.GRADUATED, [5900, 4000])])
def test_tiers_count_the_variants_of_a_family_together(shop, mode, totals):
    channel, red, blue = shop
    do(product_terms.set_terms, [product_terms.Terms(one, "shirts") for one in (red, blue)])
    make.price_list("tiers", channel_id=channel.channel_id, tier_mode=mode, counts_family=True)
    entries = [
        pricelists.NewPrice(one, amount, start, make.SINCE)
        for one in (red, blue)
        for start, amount in ((1, 1000), (10, 900))
    ]
    do(pricelists.set_prices, "tiers", entries)
    # 4 blue and 6 red: the blue ones come first by SKU; the tenth shirt is the first that is cheaper.
    quote = price(shop, (red, 6), (blue, 4))
    assert [line.total_minor for line in quote.lines] == totals[::-1]
    assert price(shop, (red, 6)).total_minor == 6000


def test_a_list_follows_another_one_by_a_formula_and_what_is_set_on_it_comes_first(shop):
    _, red, blue = shop
    do(pricelists.add_list, "plus", name="plus", currency="EUR", channel_id=shop[0].channel_id,
       computed=Computed("standard", 11_250, 10, "ends_99"))  # fmt: skip
    line = price(shop, (red, 1)).lines[0]
    assert line.total_minor == 1099  # 10.00 × 1.125 + 0.10 = 11.35
    assert [one.via for one in line.candidates] == ["112.5 % of standard", ""]
    make.prices({blue: 555}, price_list="plus")
    assert price(shop, (blue, 1)).total_minor == 555
    make.prices({red: 2000}, valid_from=NOW + timedelta(hours=1))
    assert price(shop, (red, 1), at=NOW + timedelta(hours=1)).total_minor == 2299  # 22.60
    do(pricelists.compute_list, "plus", None)
    assert price(shop, (red, 1)).total_minor == 1000


def test_a_formula_that_goes_in_a_circle_is_refused_by_its_way(shop):
    for code, base in (("a", "standard"), ("b", "a"), ("c", "b")):
        do(pricelists.add_list, code, name=code, currency="EUR", computed=Computed(base, 9000))
    with pytest.raises(InvalidInput) as refusal:
        do(pricelists.compute_list, "a", Computed("c", 9000))
    assert "a → c → b → a" in refusal.value.message
    with pytest.raises(InvalidInput):
        do(pricelists.compute_list, "a", Computed("a"))
    bent = """UPDATE pricing_pricelist SET formula_basis_points = 1,
              base_list_id = (SELECT id FROM pricing_pricelist WHERE code = 'c') WHERE code = 'a'"""
    with pytest.raises(IntegrityError, match="itself"), transaction.atomic():
        connection.cursor().execute(bent)
    assert formulas.circle(1, {1: 2, 2: 3}) == []


def test_a_list_in_another_currency_follows_dated_rates(shop):
    _, red, _ = shop
    do(pricelists.add_list, "chf", name="chf", currency="CHF", computed=Computed("standard", 10_000, 0, "five"))
    with pytest.raises(NoPrice):
        price(shop, (red, 1), currency="CHF")
    do(currencies.set_rate, "EUR", "CHF", 934_500)
    do(currencies.set_rate, "EUR", "CHF", 950_000, valid_from=NOW + timedelta(days=1))
    instant = timedelta(microseconds=1)
    line = price(shop, (red, 1), currency="CHF").lines[0]
    assert (line.total_minor, line.candidates[0].via) == (935, "100 % of standard at 0.9345")
    assert price(shop, (red, 1), currency="CHF", at=NOW + timedelta(days=1) - instant).total_minor == 935
    assert price(shop, (red, 1), currency="CHF", at=NOW + timedelta(days=1)).total_minor == 950
    with clock.frozen(NOW + timedelta(days=2)), pytest.raises(PriceInThePast):
        do(currencies.set_rate, "EUR", "CHF", 1, valid_from=NOW)
    for base, quote, rate in (("eur", "CHF", 1), ("EUR", "EUR", 1), ("EUR", "CHF", 0)):
        with pytest.raises(InvalidInput):
            do(currencies.set_rate, base, quote, rate)


def test_a_currency_that_no_list_has_is_refused_by_name(shop):
    with pytest.raises(NoPrice) as refusal:
        price(shop, (shop[1], 1), currency="XTS")
    assert "XTS" in refusal.value.message


@pytest.mark.parametrize(
    ("content", "quantity", "minor", "name"),
    [
        ((500, "g"), 1, 2000, "kg"),
        ((750, "ml"), 3, 1333, "l"),
        ((250, "cm"), 1, 400, "m"),
        ((6, "piece"), 1, 167, "piece"),
    ],
)
def test_the_reference_price_is_that_of_what_is_paid(shop, content, quantity, minor, name):
    _, red, _ = shop
    do(product_terms.set_terms, [product_terms.Terms(red, content=Content(*content))])
    line = price(shop, (red, quantity)).lines[0]
    assert (line.reference_price_minor, line.reference_amount) == (minor, name)
    assert do(product_terms.set_terms, [product_terms.Terms(red, content=Content(*content))]) == 0


def test_a_content_that_makes_no_sense_is_refused(shop):
    for content in (Content(0, "g"), Content(1, "ounce")):
        with pytest.raises(InvalidInput):
            do(product_terms.set_terms, [product_terms.Terms(shop[1], content=content)])


@pytest.mark.parametrize(
    ("name", "amounts"),
    [
        ("ends_99", [(1, 99), (1248, 1199), (1249, 1299), (1299, 1299), (1300, 1299)]),
        ("ends_95", [(1244, 1195), (1245, 1295)]),
        ("ends_9", [(1234, 1239), (1233, 1229)]),
        ("five", [(1002, 1000), (1003, 1005)]),
        ("whole", [(1049, 1000), (1050, 1100)]),
        ("exact", [(1234, 1234)]),
    ],
)
def test_named_rounding(name, amounts):
    assert [rounding.NAMED[name](amount) for amount, _ in amounts] == [wanted for _, wanted in amounts]


def test_an_exchange_gives_back_what_was_paid_and_promotions_do_not_see_it(shop):
    _, red, blue = shop
    content = {"promotions": [{"id": "T", "name": "T", "benefit": {"kind": "buy_get", "buy": 1, "get": 1}}]}
    do(rulesets.publish, content)
    quote = price(shop, (red, 1), (blue, -2, 1500))
    assert [(line.sku, line.quantity, line.total_minor, line.tax_minor) for line in quote.lines] == [
        ("SHIRT-RED", 1, 1000, 160),
        ("SHIRT-BLUE", -2, -1500, -239),
    ]
    assert (quote.total_minor, quote.tax_minor) == (-500, -79)
    assert price(shop, (blue, -1)).total_minor == -1000
    assert quotes.from_document(quote.document()) == quote
    with pytest.raises(InvalidInput):
        price(shop, (blue, 1, 1500))
    assert listing.unit_price(100, 0, Content(1, "g")) is None
