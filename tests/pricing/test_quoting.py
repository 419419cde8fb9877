"""Prices from the tables, and quotes: given, kept, honoured, refused."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from commerce import audit, catalog, clock, transactions
from commerce.actors import Actor
from commerce.errors import InvalidInput, UnknownProduct
from pricing import pricelists, quote_store, quotes, quoting, tasks, taxes
from pricing.errors import NoPrice, NoTaxRate, QuoteExpired, QuoteForged, QuoteMismatch, QuoteNotFound
from pricing.terms import PriceBasis, TierMode
from tests.factories import pricing as make

pytestmark = pytest.mark.django_db

BY = Actor.system("tests")
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def shop():
    """A German web shop with two products, a list for everybody and the usual rates."""
    with transactions.transaction():
        channel = catalog.add_channel(code="web-de", name="Web", kind="web", country="DE", currency="EUR", by=BY)
        mug = catalog.add_product(sku="MUG", name="Mug", by=BY)
        book = catalog.add_product(sku="BOOK", name="Book", tax_class="reduced", by=BY)
    make.standard_rates()
    make.price_list("standard")
    make.prices({mug.id: 1190, book.id: 2140})
    return quotes.ChannelTerms(channel.pk, "EUR", "DE"), mug.id, book.id


def price(shop, *lines, at=AT, group=""):
    return quoting.price(
        [quoting.BasketLine(*line) for line in lines],
        channel=shop[0],
        at=at,
        shopper=quoting.Shopper(customer_group=group),
    )


def give(shop, *lines, ttl=quoting.USUAL, at=AT):
    with transactions.transaction():
        return quoting.give([quoting.BasketLine(*line) for line in lines], channel=shop[0], at=at, by=BY, ttl=ttl)


def redeem(given, shop, *lines, at=AT, channel_id=None):
    basket = [quoting.BasketLine(*line) for line in lines]
    return quoting.redeem(given.id, channel_id=channel_id or shop[0].channel_id, lines=basket, at=at)


def test_a_basket_is_priced_with_vat_and_says_why(shop):
    _, mug, book = shop
    quote = price(shop, (mug, 2), (book, 1), (mug, 1))
    assert [(line.sku, line.quantity, line.total_minor) for line in quote.lines] == [
        ("BOOK", 1, 2140),
        ("MUG", 3, 3570),
    ]
    assert (quote.total_minor, quote.tax_minor) == (5710, 570 + 140)
    (step,) = quote.line_of(mug).steps
    assert (step.kind, step.amount_minor, step.reason) == ("price", 3570, "3 × 11.90 EUR")
    assert [c.verdict for c in quote.line_of(mug).candidates] == ["chosen"]


def test_the_most_specific_list_wins_and_the_losers_say_why(shop):
    channel, mug, _ = shop
    for code, terms in {
        "country": {"country": "DE"},
        "sale": {"country": "DE", "priority": 5},
        "channel": {"channel_id": channel.channel_id},
        "club": {"customer_group": "club"},
        "later": {"channel_id": channel.channel_id},
        "bulk": {"channel_id": channel.channel_id, "country": "DE"},
    }.items():
        make.price_list(code, **terms)
    make.prices({mug: 1100}, price_list="country")
    make.prices({mug: 1050}, price_list="sale")
    make.prices({mug: 1000}, price_list="channel")
    make.prices({mug: 900}, price_list="club")
    make.prices({mug: 1}, price_list="later")
    with transactions.transaction():
        pricelists.set_prices("bulk", [pricelists.NewPrice(mug, 500, 10, make.SINCE)], by=BY)

    verdicts = {c.price_list: c.verdict for c in price(shop, (mug, 1)).line_of(mug).candidates}
    assert verdicts == {
        "bulk": "quantity_too_small",
        "channel": "chosen",
        "later": "later_list",
        "sale": "less_specific",
        "country": "less_specific",
        "standard": "less_specific",
    }
    assert price(shop, (mug, 10)).line_of(mug).unit_price_minor == 500
    assert price(shop, (mug, 1), group="club").line_of(mug).unit_price_minor == 900
    with transactions.transaction():
        pricelists.change_list("channel", is_active=False, by=BY)
        pricelists.change_list("later", is_active=False, by=BY)
    assert price(shop, (mug, 1)).line_of(mug).unit_price_minor == 1050


def test_net_and_graduated_lists(shop):
    channel, mug, _ = shop
    make.price_list("net", channel_id=channel.channel_id, basis=PriceBasis.NET, tier_mode=TierMode.GRADUATED)
    tiers = [pricelists.NewPrice(mug, 1000, 1, make.SINCE), pricelists.NewPrice(mug, 900, 10, make.SINCE)]
    with transactions.transaction():
        pricelists.set_prices("net", tiers, by=BY)
    line = price(shop, (mug, 12)).line_of(mug)
    assert [(step.kind, step.amount_minor) for step in line.steps] == [("price", 9000), ("price", 2700), ("tax", 2223)]
    assert (line.total_minor, line.tax_minor, line.unit_price_minor, line.basis) == (13923, 2223, 975, "net")


def test_a_price_changes_at_the_very_instant_it_says(shop):
    _, mug, _ = shop
    start, end = clock.now() + timedelta(days=1), clock.now() + timedelta(days=2)
    with transactions.transaction():
        pricelists.set_prices("standard", [pricelists.NewPrice(mug, 990, 1, start, end)], by=BY)
    instant = timedelta(microseconds=1)
    at = {when: price(shop, (mug, 1), at=when).total_minor for when in (start - instant, start, end - instant, end)}
    assert list(at.values()) == [1190, 990, 990, 1190]


def test_a_product_without_price_or_rate_is_refused_by_name(shop):
    _, mug, _ = shop
    with transactions.transaction():
        lamp = catalog.add_product(sku="LAMP", name="Lamp", by=BY)
        odd = catalog.add_product(sku="ODD", name="Odd", tax_class="odd", by=BY)
    make.prices({odd.id: 100})
    with pytest.raises(NoPrice) as refusal:
        price(shop, (mug, 1), (lamp.id, 1))
    assert refusal.value.detail["skus"] == ["LAMP"]
    with pytest.raises(NoTaxRate) as refusal:
        price(shop, (odd.id, 1))
    assert refusal.value.detail["tax_classes"] == ["odd"]
    with pytest.raises(UnknownProduct):
        price(shop, (10**9, 1))
    with pytest.raises(NoPrice):
        price(shop, (mug, 1), at=make.SINCE - timedelta(seconds=1))


@pytest.mark.parametrize("lines", [[], [(1, 0)], [(1, 10**6 + 1)], [(1, 10**6), (1, 1)], [(1, 1)] * 1001])
def test_a_basket_out_of_bounds_is_refused(shop, lines):
    with pytest.raises(InvalidInput):
        price(shop, *lines)


def test_a_given_quote_is_honoured_after_prices_and_rates_changed(shop):
    _, mug, book = shop
    given = give(shop, (mug, 2), (book, 1))
    make.prices({mug: 9999, book: 1}, valid_from=clock.now())
    with transactions.transaction():
        taxes.set_rate("DE", "standard", 2500, by=BY)
    redeemed = redeem(given, shop, (book, 1), (mug, 1), (mug, 1))
    assert redeemed == given.quote
    assert quotes.canonical(redeemed.document()) == quotes.canonical(given.quote.document())
    assert price(shop, (mug, 2), (book, 1), at=clock.now()).total_minor == 19999
    (entry,) = audit.timeline("quote", given.id)
    assert (entry.verb, entry.after["total_minor"]) == ("pricing.quoting.give", 4520)


def test_a_quote_is_refused_for_other_baskets_channels_and_times(shop):
    _, mug, book = shop
    given = give(shop, (mug, 2), (book, 1), ttl=timedelta(seconds=60))
    for basket in ([(mug, 2)], [(mug, 1), (book, 1)], [(mug, 1), (book, 2)]):
        with pytest.raises(QuoteMismatch) as refusal:
            redeem(given, shop, *basket)
    assert refusal.value.detail["differences"] == [
        {"sku": "BOOK", "quoted": 1, "wanted": 2},
        {"sku": "MUG", "quoted": 2, "wanted": 1},
    ]
    with pytest.raises(QuoteNotFound):
        redeem(given, shop, (mug, 2), (book, 1), channel_id=shop[0].channel_id + 1)
    with pytest.raises(QuoteNotFound):
        quoting.given(uuid4(), channel_id=shop[0].channel_id)
    just_before = given.expires_at - timedelta(microseconds=1)
    assert redeem(given, shop, (mug, 2), (book, 1), at=just_before).total_minor == 4520
    with pytest.raises(QuoteExpired):
        redeem(given, shop, (mug, 2), (book, 1), at=given.expires_at)


def test_a_quote_is_forgotten_when_it_has_been_over_for_long(shop, monkeypatch):
    monkeypatch.setattr(tasks, "QUOTES_AT_ONCE", 1)
    old = [give(shop, (shop[1], 1)) for _ in range(3)]
    kept = give(shop, (shop[1], 1), at=AT + timedelta(seconds=1))
    with clock.frozen(old[0].expires_at + quote_store.KEPT - timedelta(microseconds=1)):
        assert tasks.prune_quotes() == 0
    with clock.frozen(old[0].expires_at + quote_store.KEPT):
        assert tasks.prune_quotes() == 3
    with pytest.raises(QuoteNotFound):
        quoting.given(old[0].id, channel_id=shop[0].channel_id)
    assert quoting.given(kept.id, channel_id=shop[0].channel_id) == kept


@pytest.mark.parametrize("seconds", [59, 3601])
def test_a_quote_holds_for_a_minute_to_an_hour(shop, seconds):
    with pytest.raises(InvalidInput):
        give(shop, (shop[1], 1), ttl=timedelta(seconds=seconds))


def test_a_given_quote_cannot_be_changed_and_a_forged_one_is_not_honoured(shop):
    given = give(shop, (shop[1], 1))
    forged = "UPDATE pricing_quote SET document = jsonb_set(document, '{total_minor}', '1')"
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(forged)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # no triggers: as a restored backup might be
        cursor.execute(forged)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    with pytest.raises(QuoteForged):
        redeem(given, shop, (shop[1], 1))


def test_the_same_basket_at_the_same_instant_gives_the_same_bytes(shop):
    _, mug, book = shop
    one = price(shop, (mug, 2), (book, 1))
    other = price(shop, (book, 1), (mug, 1), (mug, 1))
    assert quotes.canonical(one.document()) == quotes.canonical(other.document())
    assert quotes.from_document(one.document()) == one
