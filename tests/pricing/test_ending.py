"""Prices end by verb, API and form: from now on or later, all tiers or one, what was asked until then stays."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from commerce import audit, clock
from commerce.roles import Role, Scope
from commerce.transactions import transaction
from inventory.places import locations
from pricing import pricelists, quoting
from pricing.errors import NoPrice, PriceInThePast, PriceListNotFound, PriceNotThere
from pricing.models import PriceEntry
from pricing.pricelists import Ending, NewPrice
from pricing.quoting import BasketLine, ChannelTerms
from tests.factories import commerce as ground
from tests.factories import pricing as make

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=3)


@pytest.fixture
def mug(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    make.standard_rates()
    make.price_list()
    ref = ground.product("MUG")
    for entry in (
        NewPrice(ref.id, 1000, 1, make.SINCE), NewPrice(ref.id, 900, 10, make.SINCE), NewPrice(ref.id, 1200, 1, LATER),
    ):  # fmt: skip
        with transaction():
            pricelists.set_prices("standard", [entry], by=make.BY)
    return ref


def end(*endings, code="standard"):
    with transaction():
        return pricelists.end_prices(code, endings, by=make.BY, reason="Sold out")


def asked(mug, at, quantity=1):
    return quoting.price([BasketLine(mug.id, quantity)], channel=ChannelTerms(1, "EUR", "DE"), at=at).total_minor


def test_a_price_ends_now_with_all_its_tiers_and_what_was_to_come(mug):
    assert end(Ending(mug.id)) == 3
    assert asked(mug, NOW - timedelta(seconds=1)) == 1000
    with pytest.raises(NoPrice):
        asked(mug, NOW)
    with pytest.raises(NoPrice):
        asked(mug, LATER)
    (entry, *_more) = [one for one in audit.timeline("product", mug.id) if one.verb.endswith("end_prices")]
    assert entry.reason == "Sold out"


def test_one_tier_ends_at_an_instant_to_come(mug):
    assert end(Ending(mug.id, 10, LATER)) == 1
    assert (asked(mug, LATER - timedelta(seconds=1), 10), asked(mug, LATER, 10)) == (9000, 12_000)


@pytest.mark.parametrize(
    ("ending", "code", "refusal"),
    [
        (lambda ref: Ending(ref.id, None, NOW - timedelta(days=1)), "standard", PriceInThePast),
        (lambda ref: Ending(ref.id, 50), "standard", PriceNotThere),
        (lambda ref: Ending(ref.id), "nowhere", PriceListNotFound),
    ],
)
def test_what_can_not_end_is_refused_and_nothing_changes(mug, ending, code, refusal):
    before = list(PriceEntry.objects.order_by("id").values_list("amount_minor", "valid"))
    with pytest.raises(refusal):
        end(Ending(mug.id), ending(mug), code=code)
    assert list(PriceEntry.objects.order_by("id").values_list("amount_minor", "valid")) == before


def test_the_api_ends_prices_and_names_what_is_not_there(mug):
    key = ground.key(None, Scope.PRICES_WRITE)

    def ask(*prices, path="/api/v1/price-lists/standard/prices/end"):
        body = {"prices": list(prices), "reason": "Sold out"}
        return Client().post(path, body, content_type="application/json", **key.headers)

    gone = ask({"sku": "MUG", "min_quantity": 50})
    assert (gone.status_code, gone.json()["code"], gone.json()["skus"]) == (404, "price_not_there", ["MUG"])
    assert ask({"sku": "NONE"}).json()["errors"][0]["field"] == "prices[0].sku"
    assert ask().status_code == 400
    past = ask({"sku": "MUG", "ends_at": "2026-01-01T00:00:00Z"})
    assert (past.status_code, past.json()["code"]) == (422, "price_in_the_past")
    assert ask({"sku": "MUG", "min_quantity": 1}).json() == {"changed": 2}
    assert ask({"sku": "MUG"}, path="/api/v1/price-lists/none/prices/end").status_code == 404


def test_the_admin_asks_before_it_ends_a_price(mug):
    person = ground.user()
    with transaction():
        locations.assign(person, Role.MERCHANDISER, None, by=ground.TESTER)
    client = Client()
    client.force_login(person)
    entry = PriceEntry.objects.get(amount_minor=900)
    page = reverse("admin:pricing_priceentry_end", args=[entry.pk])
    assert "What was asked until then stays" in client.get(page).content.decode()
    refused = client.post(page, {"ends_at_0": "2026-01-01", "ends_at_1": "00:00", "reason": ""})
    assert refused.status_code == 200
    assert PriceEntry.objects.get(pk=entry.pk).valid.upper is None
    done = client.post(page, {"ends_at_0": "", "ends_at_1": "", "reason": "Sold out"})
    assert done.status_code == 302
    assert PriceEntry.objects.get(pk=entry.pk).valid.upper == NOW
    clerk = Client()
    clerk.force_login(ground.user())
    assert clerk.post(page).status_code in (302, 403)
