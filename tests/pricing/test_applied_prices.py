"""The log of applied prices, and the prior price that follows from it on quotes, at the API and in conflicts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError, connection
from django.db.transaction import atomic
from django.urls import reverse

from commerce import catalog, clock, queries, transactions
from commerce.actors import Actor
from commerce.roles import Role
from inventory.places import locations
from pricing import (
    announced,
    applied_prices,
    conflicts,
    drafts,
    impact,
    pricelists,
    prior_prices,
    quoting,
    rulesets,
    tasks,
)
from pricing.conflicts import Code
from pricing.models import AppliedPrice
from pricing.pricelists import NewPrice
from pricing.prior_price import Unknown
from pricing.promotions.terms import Conditions, Content, Coupon, Goods, Hours, Minimum, PercentOff, Promotion
from pricing.quotes import BasketLine, ChannelTerms
from tests.factories import commerce as ground
from tests.factories import pricing as make

pytestmark = pytest.mark.django_db

BY = Actor.system("tests")
BERLIN = ZoneInfo("Europe/Berlin")
LAMP = Goods(products=("LAMP",))


def day(month: int, number: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, month, number, hour, minute, tzinfo=BERLIN)


@pytest.fixture
def now() -> Iterator[datetime]:
    with clock.frozen(day(3, 1)):
        yield day(3, 1)


@pytest.fixture
def lamp(now: datetime) -> tuple[ChannelTerms, int]:
    """P12: a lamp for 80.00 since January that costs 100.00 from March 5 on."""
    with transactions.transaction():
        channel = catalog.add_channel(code="web-de", name="Web", kind="web", country="DE", currency="EUR", by=BY)
        product = catalog.add_product(sku="LAMP", name="Lamp", category="Living/Lamps", by=BY)
    make.standard_rates()
    make.price_list()
    with transactions.transaction():
        entries = [NewPrice(product.id, 8_000, 1, day(1, 1), day(3, 5)), NewPrice(product.id, 10_000, 1, day(3, 5))]
        pricelists.set_prices("standard", entries, by=BY)
    return ChannelTerms(channel.pk, "EUR", "DE"), product.id


def publish(*promotions: Promotion, **window: Any) -> int:
    with transactions.transaction():
        return rulesets.publish(Content(promotions), by=BY, **window)


def sale(basis_points: int = 3_000, name: str = "sale", **terms: Any) -> Promotion:
    announced_at = terms.pop("announced_at", None)
    return Promotion(
        name, "Spring sale", PercentOff(basis_points), LAMP, Conditions(**terms), announced_at=announced_at
    )


def run(at: datetime) -> int:
    with clock.frozen(at):
        return tasks.log_applied_prices()


def rows() -> list[tuple[datetime, int | None, bool]]:
    return list(
        AppliedPrice.objects.order_by("product", "from_at").values_list("from_at", "amount_minor", "is_reduced")
    )


def line(lamp: tuple[ChannelTerms, int], at: datetime, **shopper: Any) -> quoting.quotes.QuotedLine:
    quote = quoting.price([BasketLine(lamp[1], 1)], channel=lamp[0], at=at, shopper=quoting.Shopper(**shopper))
    return quote.lines[0]


STORY = [
    (day(1, 1), 8_000, False),
    (day(3, 5), 10_000, False),
    (day(3, 20), 7_000, True),
    (day(3, 29), 10_000, False),
]


@pytest.mark.parametrize("runs", [[day(4, 1)], [day(3, 1), day(3, 5), day(3, 20, 0, 1), day(3, 28), day(4, 1)]])
def test_what_is_written_does_not_depend_on_when_it_is_written(lamp, runs):
    publish(sale(valid_from=day(3, 20), valid_until=day(3, 29)))
    for at in runs:
        run(at)
    assert rows() == STORY
    assert run(day(4, 1)) == run(day(4, 2)) == 0


def test_hours_of_a_promotion_open_and_close_by_the_clock_on_the_wall(lamp):
    run(day(3, 27))
    with clock.frozen(day(3, 27)):
        publish(sale(2_000, hours=(Hours((6, 7), make.clock("18:00"), make.clock("20:00")),)))
    run(day(3, 30))
    found = [(at, amount) for at, amount, _ in rows() if at > day(3, 27)]
    assert found == [
        (datetime(2026, 3, 28, 17, tzinfo=UTC), 8_000), (datetime(2026, 3, 28, 19, tzinfo=UTC), 10_000),
        (datetime(2026, 3, 29, 16, tzinfo=UTC), 8_000), (datetime(2026, 3, 29, 18, tzinfo=UTC), 10_000),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "terms",
    [
        {"coupon": Coupon(codes=("SPRING",))},
        {"segments": ("vip",)},
        {"minimum": Minimum(quantity=1)},
        {"payment_methods": ("card",)},
        {"locations": ("store-1",)},
        {"channels": ("other",)},
    ],
    ids=["code", "segment", "basket", "payment", "place", "other channel"],
)
def test_what_not_everyone_gets_is_not_applied(lamp, terms):
    publish(sale(**terms))
    run(day(3, 2))
    assert rows() == [(day(1, 1), 8_000, False)]


def test_a_list_that_is_switched_off_counts_until_then_however_late_it_is_looked_at(lamp):
    make.price_list("cheap", priority=5)
    make.prices({lamp[1]: 6_000}, price_list="cheap", valid_from=day(3, 2))
    with clock.frozen(day(3, 3, 10)), transactions.transaction():
        pricelists.change_list("cheap", is_active=False, by=BY)
    run(day(3, 4))
    assert rows()[1:] == [(day(3, 2), 6_000, False), (day(3, 3, 10), 8_000, False)]


def test_a_product_that_is_no_longer_offered_is_written_as_such(lamp):
    with transactions.transaction():
        other = catalog.add_product(sku="VASE", name="Vase", by=BY)
        pricelists.set_prices("standard", [NewPrice(other.id, 500, 1, day(3, 2), day(3, 4))], by=BY)
    run(day(3, 10))
    told = AppliedPrice.objects.filter(product_id=other.id).order_by("from_at").values_list("from_at", "amount_minor")
    assert list(told) == [(day(3, 2), 500), (day(3, 4), None)]


def test_the_log_is_never_rewritten(lamp):
    run(day(3, 2))
    for statement in (
        "UPDATE pricing_appliedprice SET amount_minor = 1",
        "DELETE FROM pricing_appliedprice",
        "TRUNCATE pricing_appliedprice",
        "UPDATE pricing_appliedpricemark SET logged_until = logged_until - interval '1 day'",
        "INSERT INTO pricing_appliedprice (channel_id, product_id, from_at, amount_minor, currency, is_reduced, promotions,"
        " price_list, tax_basis_points, ruleset_version, written_at) SELECT channel_id, product_id,"
        " from_at - interval '1 day', 1, 'EUR', false, '[]', '', 0, '', now() FROM pricing_appliedprice",
    ):
        with pytest.raises(DatabaseError), atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.mark.parametrize("is_logged", [True, False], ids=["with a log", "without one"])
def test_p12_on_a_quote(lamp, is_logged):
    publish(sale(valid_from=day(3, 20)))
    if is_logged:
        run(day(3, 19))
    with clock.frozen(day(3, 20, 12)):
        found = line(lamp, day(3, 20, 12))
        assert (found.total_minor, found.prior_price_minor, found.savings_basis_points) == (7_000, 8_000, 1_250)
        before = line(lamp, day(3, 19, 12))
        assert (before.total_minor, before.prior_price_minor, before.savings_basis_points) == (10_000, None, None)


def test_a_deeper_step_and_a_coupon_keep_the_prior_price_of_the_first_announcement(lamp):
    publish(
        sale(1_000, "first", valid_from=day(4, 10), valid_until=day(4, 20)),
        sale(3_000, "second", valid_from=day(4, 20)),
        sale(1_000, "code", coupon=Coupon(codes=("EXTRA",))),
    )
    with clock.frozen(day(6, 30)):
        found = line(lamp, day(6, 30), codes=("EXTRA",))
    assert (found.prior_price_minor, found.savings_basis_points) == (10_000, 3_000)
    assert found.total_minor < 7_000


def test_a_reduction_that_is_announced_early_is_measured_at_its_announcement(lamp):
    publish(sale(valid_from=day(4, 10), announced_at=day(4, 3)))
    with clock.frozen(day(4, 10)):
        assert line(lamp, day(4, 10)).prior_price_minor == 8_000  # in force until March 5, 30 days before April 3 or 4
    with clock.frozen(day(4, 10)):
        publish(sale(valid_from=day(4, 10)))
        assert line(lamp, day(4, 10)).prior_price_minor == 10_000


@pytest.mark.django_db(transaction=True)
def test_prior_prices_cost_no_query_once_they_are_known(lamp, django_assert_num_queries):
    publish(sale(valid_from=day(3, 20)))
    run(day(3, 19))
    with clock.frozen(day(3, 20)):
        line(lamp, day(3, 20))
        with django_assert_num_queries(0):
            assert line(lamp, day(3, 20, 0, 30)).prior_price_minor == 8_000


def test_each_channel_has_its_own_past(lamp):
    with transactions.transaction():
        app = catalog.add_channel(code="app-de", name="App", kind="app", country="DE", currency="EUR", by=BY)
    make.price_list("app", channel_id=app.pk)
    make.prices({lamp[1]: 12_000}, price_list="app", valid_from=day(1, 1))
    publish(sale(valid_from=day(3, 20)))
    with clock.frozen(day(3, 20)):
        assert line(lamp, day(3, 20)).prior_price_minor == 8_000
        assert line((ChannelTerms(app.pk, "EUR", "DE"), lamp[1]), day(3, 20)).prior_price_minor == 12_000


def test_a_claim_that_is_not_true_is_refused_with_the_true_one(lamp):
    run(day(3, 10))
    with clock.frozen(day(3, 10)):
        planned = [prior_prices.Claim(lamp[1], 7_000, day(3, 20), claimed) for claimed in (3_000, 1_251, 1_250, None)]
        verdicts = prior_prices.judge(lamp[0], planned, at=day(3, 10))
        assert [one.is_true for one in verdicts] == [False, False, True, None]
        assert {one.saving_basis_points for one in verdicts} == {1_250}
        (new,) = prior_prices.judge(lamp[0], [prior_prices.Claim(ground.product().id, 100, None, 100)], at=day(3, 10))
        assert (new.prior, new.is_true) == (Unknown.NEVER_OFFERED, False)


def test_a_draft_with_an_untrue_percentage_has_a_conflict_that_names_the_true_one(lamp):
    content = Content((sale(valid_from=day(3, 20)),))
    articles = announced.looked_at(impact.catalogue(clock.now()), content, at=day(3, 20)).articles
    (found,) = conflicts.check(content, articles, effective_from=day(3, 20))
    assert (found.code, found.facts["claimed"], found.facts["true"], found.facts["channel"]) == (
        Code.UNTRUE_CLAIM, 3_000, 1_250, "web-de",
    )  # fmt: skip
    assert (found.facts["prior_minor"], found.facts["price_minor"]) == (8_000, 7_000)
    later = Content((sale(valid_from=day(4, 10)),))
    articles = announced.looked_at(impact.catalogue(clock.now()), later, at=day(4, 10)).articles
    assert conflicts.check(later, articles, effective_from=day(4, 10)) == []


def test_a_draft_with_an_untrue_percentage_is_not_submitted(lamp):
    person = Actor.staff(ground.user())
    with transactions.transaction():
        draft = drafts.begin("Spring", by=person)
        draft = drafts.change(
            draft.id, revision=draft.revision, content=Content((sale(valid_from=day(3, 20)),)), by=person
        )
    with pytest.raises(drafts.DraftConflicts) as refused, transactions.transaction():
        drafts.submit(draft.id, revision=draft.revision, by=person)
    assert refused.value.detail["findings"][0]["facts"]["true"] == 1_250


def test_a_run_that_was_missed_for_a_month_costs_nothing_but_its_time(lamp):
    run(day(3, 2))
    publish(sale(valid_from=day(3, 20), valid_until=day(3, 29)))
    with clock.frozen(day(4, 28)):
        found = prior_prices.history(lamp[0], [lamp[1]], day(4, 28))[lamp[1]]
        assert [(one.from_at, one.amount_minor, one.is_reduced) for one in found] == STORY
    (channel,) = queries.channels()
    with clock.frozen(day(4, 28)), transactions.transaction():
        assert applied_prices.catch_up(channel, until=applied_prices.settled()) == 3
    assert rows() == STORY
    assert run(day(4, 28) + timedelta(days=1)) == 0


def test_the_api_says_what_may_be_announced(client):
    key = ground.key()
    product = ground.product("LAMP")
    make.standard_rates()
    make.price_list()
    with clock.frozen(day(3, 1)):
        make.prices({product.id: 10_000}, valid_from=day(1, 1))
        publish(sale(1_000))
    with clock.frozen(day(3, 2)):
        asked = [{"sku": "LAMP"}, {"sku": "LAMP", "claim_basis_points": 1_001}]
        answer = client.post(
            "/api/v1/prior-prices", {"products": asked}, content_type="application/json", **key.headers
        )
        assert answer.status_code == 200, answer.json()
        now, refused = answer.json()["products"]
        assert (now["price_minor"], now["prior_price_minor"], now["savings_basis_points"]) == (9_000, 10_000, 1_000)
        assert (now["is_reduced"], now["claim_is_true"], now["message"]) == (True, None, "")
        assert refused["claim_is_true"] is False
        assert "-10 % at most" in refused["message"]
        unknown = client.post(
            "/api/v1/prior-prices", {"products": [{"sku": "GONE"}]}, content_type="application/json", **key.headers
        )
        assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_product")


@pytest.mark.parametrize(("language", "said"), [("en", "May be announced at most"), ("de", "Höchstens anzukündigen")])
def test_the_admin_shows_why_a_prior_price_is_what_it_is(lamp, client, language, said):
    publish(sale(valid_from=day(3, 20)))
    run(day(3, 21))
    person = ground.user(language=language)
    with transactions.transaction():
        locations.assign(person, Role.MERCHANDISER, None, by=BY)
    client.force_login(person)
    row = AppliedPrice.objects.latest("from_at")
    with clock.frozen(day(3, 21)):
        listed = client.get(reverse("admin:pricing_appliedprice_changelist"))
        assert (listed.status_code, b"Spring sale" in listed.content) == (200, True)
        page = client.get(reverse("admin:pricing_appliedprice_change", args=[row.pk]), HTTP_ACCEPT_LANGUAGE=language)
        html = page.content.decode()
        assert page.status_code == 200
        assert said in html
        assert "80" in html
        assert ("−12.5 %" if language == "en" else "−12,5 %") in html
        assert html.count("<line") > 5
        assert client.get(reverse("admin:pricing_appliedprice_change", args=[row.pk]), {"at": "no"}).status_code == 200
