"""Versions of the rules: published, in force to the instant, called off, rolled back, and never changed."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from commerce import audit, catalog, clock, transactions
from commerce.actors import Actor
from commerce.errors import InvalidInput
from pricing import quotes, quoting, rulesets
from pricing.errors import RulesetInThePast, RulesetNotFound, RulesetWithdrawn
from pricing.promotions.terms import Content
from tests.factories import pricing as make
from tests.pricing.worked import promotion

pytestmark = pytest.mark.django_db

BY = Actor.system("tests")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


@pytest.fixture
def shop():
    with transactions.transaction():
        channel = catalog.add_channel(code="web-de", name="Web", kind="web", country="DE", currency="EUR", by=BY)
        mug = catalog.add_product(sku="MUG", name="Mug", by=BY)
    make.standard_rates()
    make.price_list("standard")
    make.prices({mug.id: 10000})
    with clock.frozen(NOW):
        yield quotes.ChannelTerms(channel.pk, "EUR", "DE"), mug.id


def percent(points, **terms):
    return Content((promotion("P", "percent_off", basis_points=points, **terms),))


def publish(content, **terms):
    with transactions.transaction():
        return rulesets.publish(content, by=BY, **terms)


def total(shop, at):
    return quoting.price([quoting.BasketLine(shop[1], 1)], channel=shop[0], at=at).total_minor


def test_a_version_takes_effect_at_its_very_instant_and_ends_at_its_end(shop):
    assert publish(percent(1000)) == 1
    start, end = NOW + timedelta(days=1), NOW + timedelta(days=2)
    assert publish(percent(2000), effective_from=start, effective_to=end) == 2
    instants = [NOW - INSTANT, NOW, start - INSTANT, start, end - INSTANT, end]
    assert [total(shop, at) for at in instants] == [10000, 9000, 9000, 8000, 8000, 9000]
    assert [one and one.number for one in map(rulesets.in_force, instants)] == [None, 1, 1, 2, 2, 1]
    quote = quoting.price([quoting.BasketLine(shop[1], 1)], channel=shop[0], at=start)
    assert quote.ruleset_version.endswith("+rules:2")


def test_the_version_that_took_effect_last_is_in_force_whatever_was_published_meanwhile(shop):
    friday = NOW + timedelta(days=4)
    publish(percent(5000), effective_from=friday)
    publish(percent(1000))
    assert [total(shop, at) for at in (NOW, friday - INSTANT, friday)] == [9000, 9000, 5000]
    publish(percent(2000), effective_from=friday)
    assert total(shop, friday) == 8000


def test_a_version_is_called_off_and_what_was_in_force_holds_again(shop):
    publish(percent(1000))
    number = publish(percent(9000), effective_to=NOW + timedelta(days=1))
    assert total(shop, NOW) == 1000
    with clock.frozen(NOW + timedelta(hours=1)), transactions.transaction():
        rulesets.withdraw(number, by=BY, reason="too deep")
    assert [total(shop, NOW + timedelta(minutes=m)) for m in (0, 59, 60)] == [1000, 1000, 9000]
    with pytest.raises(RulesetWithdrawn), transactions.transaction():
        rulesets.withdraw(number, by=BY, reason="again")
    assert [entry.verb for entry in audit.timeline("ruleset", number)] == [
        "pricing.rulesets.publish", "pricing.rulesets.withdraw",
    ]  # fmt: skip


def test_a_rollback_is_a_new_version_with_the_old_content_and_quotes_keep_theirs(shop):
    publish(percent(1000))
    publish(percent(2000))
    with transactions.transaction():
        given = quoting.give([quoting.BasketLine(shop[1], 1)], channel=shop[0], at=NOW, by=BY)
    with clock.frozen(NOW + timedelta(minutes=1)):
        with transactions.transaction():
            assert rulesets.roll_back(1, by=BY) == 3
        assert total(shop, clock.now()) == 9000
        redeemed = quoting.redeem(
            given.id, channel_id=shop[0].channel_id, lines=[quoting.BasketLine(shop[1], 1)], at=clock.now()
        )
    assert redeemed == given.quote
    assert redeemed.total_minor == 8000
    assert (rulesets.version(3).of_number, rulesets.version(3).content) == (1, rulesets.version(1).content)
    assert total(shop, NOW) == 8000  # that instant's rules stay what they were


def test_a_version_is_never_changed_deleted_or_truncated(shop):
    publish(percent(1000))
    for bent in (
        "UPDATE pricing_rulesetversion SET note = 'x'",
        "DELETE FROM pricing_rulesetversion",
        "TRUNCATE pricing_rulesetversion CASCADE",
    ):
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            connection.cursor().execute(bent)


def test_rules_that_begin_in_the_past_or_end_before_they_begin_are_refused(shop):
    with pytest.raises(RulesetInThePast):
        publish(percent(1000), effective_from=NOW - timedelta(minutes=2))
    with pytest.raises(InvalidInput) as refusal:
        publish(percent(1000), effective_to=NOW)
    assert refusal.value.errors[0]["field"] == "effective_to"
    with pytest.raises(RulesetNotFound):
        rulesets.version(1)
    with pytest.raises(InvalidInput) as refusal:
        publish({"promotions": [{"id": "A", "name": "A", "benefit": {"kind": "percent_off", "basis_points": 10001}}]})
    (error,) = refusal.value.errors
    assert (error["field"], error["value"]) == ("promotions[0].benefit.basis_points", 10001)
    assert "between 0 and 100 %" in error["message"]


def test_a_promotion_for_another_channel_or_country_is_not_met(shop):
    elsewhere = [
        promotion("A", "percent_off", basis_points=1000, conditions={"channels": ["pos"]}),
        promotion("B", "percent_off", basis_points=1000, conditions={"countries": ["AT"]}),
        promotion("C", "percent_off", basis_points=1000, conditions={"channels": ["web-de"], "countries": ["DE"]}),
    ]
    publish(Content(tuple(elsewhere)))
    assert total(shop, NOW) == 9000
