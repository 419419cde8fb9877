"""The calendar: what holds when by the clock of the trade, overlaps, owners; versions that say the same are one campaign."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from commerce import accounts, clock
from commerce.actors import Actor
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.places import locations
from pricing import drafts, rulesets
from pricing.desk import campaigns
from pricing.promotions.terms import Content, Goods
from tests.factories import commerce as ground
from tests.pricing.worked import promotion

pytestmark = pytest.mark.django_db
NOW = datetime(2027, 3, 10, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _spring():
    with clock.frozen(NOW):
        yield


@pytest.fixture
def anna():
    with transaction():
        user = accounts.add_user("anna", "quite a long one 7", "Anna Test", "en", by=ground.TESTER)
        locations.assign(user, Role.MERCHANDISER, None, by=ground.TESTER)
    return user


def published(*promotions, **window):
    with transaction():
        return rulesets.publish(Content(promotions), by=ground.TESTER, **window)


def sale(code, sku, begins, ends):
    return promotion(
        code, "percent_off", basis_points=1000, goods={"products": [sku]},
        conditions={"valid_from": begins, "valid_until": ends},
    )  # fmt: skip


def test_a_day_is_one_of_the_trade_and_an_end_is_not_in_it(anna):
    sku = ground.product().sku
    published(sale("EASTER", sku, "2027-03-26T00:00:00+01:00", "2027-03-30T00:00:00+02:00"))
    (one,) = campaigns.campaigns(date(2027, 3, 1), date(2027, 4, 1))
    assert [day for day in range(1, 32) if one.holds_on(date(2027, 3, day))] == [26, 27, 28, 29]
    assert campaigns.campaigns(date(2027, 4, 1), date(2027, 5, 1)) == []


def test_overlaps_are_those_of_goods_and_of_time(anna):
    lamp, vase = ground.product().sku, ground.product().sku
    published(
        sale("A", lamp, "2027-03-12T00:00:00Z", "2027-03-20T00:00:00Z"),
        sale("B", lamp, "2027-03-19T00:00:00Z", "2027-03-25T00:00:00Z"),
        sale("C", vase, "2027-03-12T00:00:00Z", "2027-03-25T00:00:00Z"),
        sale("D", lamp, "2027-03-25T00:00:00Z", "2027-03-26T00:00:00Z"),
    )
    found = {one.promotion.id: one.overlaps for one in campaigns.campaigns(date(2027, 3, 1), date(2027, 4, 1))}
    assert found == {"A": ["B"], "B": ["A"], "C": [], "D": []}


def test_what_is_for_all_goods_stands_beside_the_others_and_clashes_with_its_like_alone(anna):
    lamp = ground.product().sku
    window = ("2027-03-12T00:00:00Z", "2027-03-20T00:00:00Z")
    published(
        sale("A", lamp, *window), *(replace(sale(name, lamp, *window), goods=Goods()) for name in ("ALL", "MORE"))
    )
    found = {one.promotion.id: one for one in campaigns.campaigns(date(2027, 3, 1), date(2027, 4, 1))}
    assert {name: (one.overlaps, one.under) for name, one in found.items()} == {
        "A": ([], ["ALL", "MORE"]), "ALL": (["MORE"], []), "MORE": (["ALL"], []),
    }  # fmt: skip


def test_versions_that_say_the_same_are_one_campaign_and_a_withdrawn_one_ends():
    sku = ground.product().sku
    same = sale("A", sku, "2027-03-01T00:00:00Z", "2027-03-31T00:00:00Z")
    published(same)
    published(same, effective_from=NOW + timedelta(days=5))
    third = published(
        same, sale("B", sku, "2027-03-18T00:00:00Z", "2027-03-31T00:00:00Z"), effective_from=NOW + timedelta(days=6)
    )
    found = {
        one.promotion.id: (one.starts_at, one.ends_at)
        for one in campaigns.campaigns(date(2027, 3, 1), date(2027, 4, 1))
    }
    assert found["A"] == (NOW, datetime(2027, 3, 31, tzinfo=UTC))
    assert found["B"][0] == datetime(2027, 3, 18, tzinfo=UTC)
    with transaction():
        rulesets.withdraw(third, by=ground.TESTER, reason="Not this year")
    left = campaigns.campaigns(date(2027, 3, 1), date(2027, 4, 1))
    assert [one.promotion.id for one in left] == ["A"]


def test_both_views_show_published_and_drafted_campaigns_with_their_owner(anna):
    sku = ground.product().sku
    published(sale("EASTER", sku, "2027-03-26T00:00:00+01:00", "2027-03-30T00:00:00+02:00"))
    with transaction():
        draft = drafts.begin("May", by=Actor.staff(anna))
        more = [*draft.content["promotions"], {
            "id": "MAY", "name": "May sale", "benefit": {"kind": "percent_off", "basis_points": 500},
            "goods": {"products": [sku]}, "conditions": {"valid_from": "2027-03-29T00:00:00Z"},
        }]  # fmt: skip
        drafts.change(draft.pk, revision=draft.revision, content={"promotions": more}, by=Actor.staff(anna))
    client = Client()
    client.force_login(anna)
    for view in ("month", "timeline"):
        text = client.get(reverse("admin:pricing_campaigns"), {"view": view, "month": "2027-03"}).content.decode()
        assert text.count("May sale") >= 2
        assert "EASTER" in text
        assert "Anna Test" in text
        assert "System: tests" in text
    empty = client.get(reverse("admin:pricing_campaigns"), {"month": "2001-01"}).content.decode()
    assert "No campaign in these days" in empty
    assert client.get(reverse("admin:pricing_campaigns"), {"month": "nonsense"}).status_code == 200
