"""Prices that were set by hand stay on record with who, how much and why, and are summed up for whoever asks."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.db.transaction import atomic
from django.test import Client
from django.urls import reverse

from commerce import clock, transactions
from commerce.actors import Actor
from commerce.roles import Role
from inventory.places import locations
from pricing import overrides, quoting, rulesets
from pricing.models import PriceOverride
from pricing.promotions.terms import Content, Stacking
from pricing.quotes import BasketLine, ChannelTerms
from pricing.quoting import Override
from tests.factories import commerce as ground
from tests.factories import pricing as make

pytestmark = pytest.mark.django_db

BY = Actor.system("till 7")


@pytest.fixture
def given() -> PriceOverride:
    channel, mug = ground.channel(), ground.product("MUG")
    make.standard_rates()
    make.price_list(currency=channel.currency)
    make.prices({mug.id: 1_000})
    with transactions.transaction():
        rulesets.publish(Content(stacking=Stacking(override_basis_points=2_000)), by=BY)
    terms = ChannelTerms(channel.pk, channel.currency, channel.country)
    with transactions.transaction():
        lines = [BasketLine(mug.id, 2, None, Override(900, "scratched"))]
        quoting.give(lines, channel=terms, at=clock.now(), by=BY)
        quoting.give([BasketLine(mug.id, 1)], channel=terms, at=clock.now(), by=BY)
    return PriceOverride.objects.get()


def test_a_price_set_by_hand_is_kept_and_summed_up(given):
    assert (given.sku, given.quantity, given.difference_minor, given.reason) == ("MUG", 2, -200, "scratched")
    (found,) = overrides.sums(since=clock.now() - timedelta(days=1))
    assert (found.set_by, found.count, found.difference_minor) == (BY.label, 1, -200)
    assert overrides.sums(since=clock.now() + timedelta(days=1)) == []
    for statement in ("UPDATE pricing_priceoverride SET difference_minor = 0", "DELETE FROM pricing_priceoverride"):
        with pytest.raises(IntegrityError), atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_report_shows_who_changed_how_much(given):
    person, client = ground.user(), Client()
    with transactions.transaction():
        locations.assign(person, Role.MERCHANDISER, None, by=BY)
    client.force_login(person)
    page = client.get(reverse("admin:pricing_priceoverride_changelist"), {"days": "7"})
    html = page.content.decode()
    assert page.status_code == 200
    assert "By person, last 7 days" in html
    assert "scratched" in html
    assert BY.label in html
