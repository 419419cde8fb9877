"""Parcels to homes: the day that the carrier names moves the promise, once for each day, later only, and never what has arrived."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from commerce import clock
from commerce.transactions import transaction
from inventory.places import locations
from orders import promise_history, queries, shipping
from orders.models import Notice, Parcel, ShipLabel
from orders.notifications import sending
from orders.packing import delays, journeys
from tests.factories import commerce as ground
from tests.factories import orders as make
from tests.orders.test_aftercare import ERIKA, mail, send  # noqa: F401 (a fixture)
from tests.orders.test_packing import HOME, ask, carrier, packed  # noqa: F401 (a fixture)

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(shop, carrier):  # noqa: F811
    """A parcel that has left."""
    with transaction():
        locations.change_location(
            shop.store.id, street="Hauptstraße 5", postal_code="10115", city="Berlin", by=ground.TESTER
        )
    made = shop.ready({0: 1}, method="ship", ship_to=HOME, customer=ERIKA)
    ask(shop, packed(shop, made))
    shop.act(shipping.ship, made.fulfilments[0])
    return queries.order(made.id)


def expect(carrier, when: datetime) -> None:  # noqa: F811
    """Let the carrier say when it comes, and look."""
    carrier.made[ShipLabel.objects.get().tracking_number]["expected"] = when.isoformat()
    Parcel.objects.update(looked_at=None)
    assert journeys.look() == 1


def deliver_by(order) -> datetime:
    return queries.order(order.id).fulfilments[0].deliver_by


def test_a_later_day_is_promised_told_once_and_shown_and_an_earlier_one_changes_nothing(order, carrier, mail):  # noqa: F811
    told = deliver_by(order)
    send(mail)
    expect(carrier, told - timedelta(days=1))
    assert (deliver_by(order), promise_history.of_order(order.id)) == (told, [])
    for hour in (-8, -5):  # the same day, said twice
        expect(carrier, told + timedelta(days=2, hours=hour))
    [revision] = promise_history.of_order(order.id)
    assert (revision.before, revision.after, revision.reason) == (told, told + timedelta(days=2), "carrier")
    assert deliver_by(order) == told + timedelta(days=2)
    [news] = send(mail)
    assert "kommt später" in news
    assert ShipLabel.objects.get().tracking_number in news
    page = Client().get(f"/track/{order.tracking_token}/").content.decode()
    assert "es dauert länger" in page or "Paketdienst braucht länger" in page
    assert "is late" not in page


def test_what_moves_again_or_came_before_the_message_went_out_is_not_told(order, carrier):  # noqa: F811
    told = deliver_by(order)
    for days in range(1, delays.MOST_REVISIONS + 2):
        expect(carrier, told + timedelta(days=days, hours=-8))
    assert len(promise_history.of_order(order.id)) == delays.MOST_REVISIONS
    number = ShipLabel.objects.get().tracking_number
    carrier.made[number]["at"] = datetime.now(UTC) - timedelta(hours=30)  # delivered
    expect(carrier, told + timedelta(days=9))
    assert deliver_by(order) == told + timedelta(days=delays.MOST_REVISIONS)
    sending.send_due(at=clock.now() + timedelta(minutes=1))
    assert not Notice.objects.filter(code="parcel.delayed", state="sent").exists()
    assert told > make.NOON
