"""Writing prices and rates: no overlap, no rewriting of the past, everything signed."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.db import transaction as django_transaction

from commerce import audit, catalog, clock, transactions
from commerce.actors import Actor
from commerce.errors import InvalidInput, UnknownProduct
from pricing import pricelists, quotes, quoting, revisions, rules, taxes
from pricing.errors import PriceInThePast, PriceListExists, PriceListNotFound, PriceOverlap
from pricing.models import PriceEntry, PriceList, TaxRate
from pricing.pricelists import NewPrice
from tests.factories import commerce as ground
from tests.factories import pricing as make

pytestmark = pytest.mark.django_db

BY = Actor.system("tests")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def mug():
    with clock.frozen(NOW), transactions.transaction():
        pricelists.add_list("standard", name="Standard", currency="EUR", by=BY)
        return catalog.add_product(sku="MUG", name="Mug", by=BY).id


def set_prices(*entries, at=NOW, code="standard"):
    with clock.frozen(at), transactions.transaction():
        return pricelists.set_prices(code, entries, by=BY)


def stored():
    rows = PriceEntry.objects.order_by("min_quantity", "valid").values_list("min_quantity", "amount_minor", "valid")
    return [(quantity, amount, valid.lower, valid.upper) for quantity, amount, valid in rows]


def test_a_new_price_closes_the_old_one_and_a_sale_gives_way_after_its_end(mug):
    assert set_prices(NewPrice(mug, 1000)) == 1
    assert set_prices(NewPrice(mug, 800, 1, NOW + 5 * DAY, NOW + 7 * DAY), at=NOW + DAY) == 1
    assert set_prices(NewPrice(mug, 900, 10), at=NOW + DAY) == 1
    assert stored() == [
        (1, 1000, NOW, NOW + 5 * DAY),
        (1, 800, NOW + 5 * DAY, NOW + 7 * DAY),
        (1, 1000, NOW + 7 * DAY, None),
        (10, 900, NOW + DAY, None),
    ]
    first = audit.timeline("product", mug)[1]
    assert (first.verb, first.actor_id, first.after["new"][0]["value"]) == (
        "pricing.pricelists.set_prices",
        "tests",
        1000,
    )


def test_a_price_from_now_on_replaces_what_was_planned(mug):
    set_prices(NewPrice(mug, 1000), NewPrice(mug, 800, 10))
    set_prices(NewPrice(mug, 900, 1, NOW + 5 * DAY))
    set_prices(NewPrice(mug, 700), at=NOW + DAY)
    assert stored() == [(1, 1000, NOW, NOW + DAY), (1, 700, NOW + DAY, None), (10, 800, NOW, None)]


def test_the_same_price_again_changes_nothing(mug):
    set_prices(NewPrice(mug, 1000))
    before, entries = stored(), len(audit.timeline("product", mug))
    assert set_prices(NewPrice(mug, 1000), at=NOW + DAY) == 0
    assert (stored(), len(audit.timeline("product", mug))) == (before, entries)


def test_the_past_can_be_filled_in_but_not_rewritten(mug):
    set_prices(NewPrice(mug, 1000, 1, NOW - 30 * DAY))
    set_prices(NewPrice(mug, 1100, 1, NOW - 60 * DAY, NOW - 30 * DAY))
    with pytest.raises(PriceInThePast):
        set_prices(NewPrice(mug, 900, 1, NOW - 2 * DAY))
    with pytest.raises(PriceInThePast):
        set_prices(NewPrice(mug, 900, 1, NOW - 40 * DAY, NOW - 20 * DAY))
    assert [(amount, lower) for _, amount, lower, _ in stored()] == [(1100, NOW - 60 * DAY), (1000, NOW - 30 * DAY)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount_minor": -1},
        {"amount_minor": 10**12 + 1},
        {"amount_minor": True},
        {"amount_minor": 1.5},
        {"min_quantity": 0},
        {"valid_until": NOW},
    ],
)
def test_a_price_out_of_bounds_is_refused_whole(mug, wrong):
    good = NewPrice(mug, 1000, 5)
    with pytest.raises(InvalidInput):
        set_prices(good, NewPrice(**{"product_id": mug, "amount_minor": 1} | wrong))
    assert stored() == []


def test_prices_that_contradict_each_other_and_unknown_names_are_refused(mug):
    with pytest.raises(PriceOverlap):
        set_prices(NewPrice(mug, 1000), NewPrice(mug, 900, 1, NOW + DAY))
    with pytest.raises(PriceListNotFound):
        set_prices(NewPrice(mug, 1000), code="none")
    with pytest.raises(UnknownProduct):
        set_prices(NewPrice(mug + 1000, 1000))
    with pytest.raises(PriceListExists), transactions.transaction():
        pricelists.add_list("standard", name="Again", currency="EUR", by=BY)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", ""), ("code", "a b"), ("code", "x" * 41), ("name", " "), ("name", "x" * 121), ("currency", "eur"),
        ("country", "de"), ("country", "Germany"), ("customer_group", " club"), ("customer_group", "x" * 41),
    ],
)  # fmt: skip
def test_a_list_that_could_never_match_is_refused_by_field(mug, field, value):
    terms = {"code": "other", "name": "Other", "currency": "EUR", "country": "DE", "customer_group": "club"}
    with pytest.raises(InvalidInput) as refusal, transactions.transaction():
        pricelists.add_list(**terms | {field: value}, by=BY)
    assert [error["field"] for error in refusal.value.errors] == [field]
    with transactions.transaction():
        pricelists.add_list(**terms, by=BY)
        if field == "name":
            with pytest.raises(InvalidInput):
                pricelists.change_list("other", name=value, by=BY)


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("INSERT INTO pricing_priceentry (price_list_id, product_id, min_quantity, amount_minor, valid) "
         "SELECT price_list_id, product_id, 1, 1, valid FROM pricing_priceentry", PriceOverlap),
        ("INSERT INTO pricing_taxrate (country, tax_class, basis_points, valid) "
         "VALUES ('DE', 'x', 1, '[,)'), ('DE', 'x', 2, '[,)')", PriceOverlap),
        ("INSERT INTO pricing_taxrate (country, tax_class, basis_points, valid) VALUES ('DE', 'x', 10001, '[,)')",
         InvalidInput),
        ("INSERT INTO pricing_pricelist (code, name, currency, basis, tier_mode, country, customer_group, priority, "
         "is_active, contract, counts_family, formula_add_minor, formula_rounding) "
         "VALUES ('standard', 'x', 'EUR', 'gross', 'all_units', '', '', 0, true, '', false, 0, 'exact')", PriceListExists),
    ],
)  # fmt: skip
def test_the_database_says_no_too_and_its_no_has_a_name(mug, statement, refusal):
    set_prices(NewPrice(mug, 1000))
    with pytest.raises(refusal), transactions.transaction(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_list_keeps_its_versions_and_says_what_changed(mug):
    with transactions.transaction():
        pricelists.change_list("standard", priority=3, name="Standard", by=BY)
    assert [
        (version.priority, version.history_change_reason) for version in PriceList.history.order_by("history_id")
    ] == [
        (0, "System: tests"),
        (3, "System: tests"),
    ]
    clerk = ground.user()
    with transactions.transaction():
        pricelists.change_list("standard", is_active=False, by=Actor.staff(clerk))
    assert PriceList.history.latest().history_user == clerk
    entry = audit.timeline("price_list", "standard")[1]
    assert (entry.before, entry.after) == ({"priority": 0}, {"priority": 3})
    with pytest.raises(PriceListNotFound), transactions.transaction():
        pricelists.change_list("none", is_active=False, by=BY)


def test_standard_rates_change_at_local_midnight_and_can_be_set_again():
    make.standard_rates()
    rows = TaxRate.objects.count()
    with transactions.transaction():
        assert taxes.set_standard_rates(by=BY) == 0
    assert TaxRate.objects.count() == rows == len(taxes.STANDARD_RATES)
    before_2021 = datetime(2020, 12, 31, 22, 59, 59, tzinfo=UTC)
    rates = {at: list(TaxRate.objects.filter(country="DE", tax_class="standard", valid__contains=at)) for at in (
        before_2021, before_2021 + timedelta(seconds=1))}  # fmt: skip
    assert [[rate.basis_points for rate in found] for found in rates.values()] == [[1600], [1900]]


def test_a_rate_can_be_announced_but_not_rewritten():
    make.standard_rates()
    start = clock.now() + DAY
    with transactions.transaction():
        assert taxes.set_rate("DE", "standard", 1800, valid_from=start, by=BY)
    with pytest.raises(PriceInThePast), transactions.transaction():
        taxes.set_rate("DE", "standard", 1700, valid_from=clock.now() - DAY, by=BY)
    for wrong in (("de", "standard", 1), ("DE", "", 1), ("DE", "standard", -1), ("DE", "standard", 10_001)):
        with pytest.raises(InvalidInput), transactions.transaction():
            taxes.set_rate(*wrong, by=BY)
    current = TaxRate.objects.get(country="DE", tax_class="standard", valid__contains=clock.now())
    assert (current.basis_points, current.valid.upper) == (1900, start)


@pytest.mark.django_db(transaction=True)
def test_prices_are_read_once_and_a_rolled_back_one_is_never_seen(mug, django_assert_num_queries, monkeypatch):
    make.standard_rates()
    with transactions.transaction():
        channel = catalog.add_channel(code="web", name="Web", kind="web", country="DE", currency="EUR", by=BY)
    set_prices(NewPrice(mug, 1000))
    terms = quotes.ChannelTerms(channel.pk, "EUR", "DE")

    def total():
        return quoting.price([quoting.BasketLine(mug, 1)], channel=terms, at=clock.now()).total_minor

    with clock.frozen(NOW + DAY):
        assert total() == 1000
        with django_assert_num_queries(0):
            assert total() == 1000
        version = rules.ruleset(terms, [mug], clock.now()).ruleset.version
        with transactions.transaction():
            pricelists.set_prices("standard", [NewPrice(mug, 1)], by=BY)
            assert total() == 1  # one's own write is seen inside
            django_transaction.set_rollback(True)
        assert total() == 1000
        assert rules.ruleset(terms, [mug], clock.now()).ruleset.version == version
        set_prices(NewPrice(mug, 1200), at=NOW + DAY)
        assert total() == 1200
        revisions.forget()
        with django_assert_num_queries(1):
            assert total() == 1200
        monkeypatch.setattr(rules, "RULESETS_KEPT", 1)
        rules.ruleset(quotes.ChannelTerms(channel.pk, "EUR", "AT"), [mug], clock.now())
        assert list(rules._cache) == [(channel.pk, "EUR", "AT")]
        assert total() == 1200


@pytest.mark.django_db(transaction=True)
def test_writers_of_one_price_at_once_take_turns(mug):
    start, done = Barrier(6), []

    def reprice(amount):
        try:
            start.wait(timeout=20)
            with transactions.transaction():
                done.append(pricelists.set_prices("standard", [NewPrice(mug, amount)], by=BY))
        finally:
            connection.close()

    threads = [Thread(target=reprice, args=(1000 + number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert done == [1] * 6
    rows = stored()
    assert [upper for _, _, _, upper in rows] == [lower for _, _, lower, _ in rows[1:]] + [None]
    assert sorted(amount for _, amount, _, _ in rows) == [1000 + number for number in range(6)]
