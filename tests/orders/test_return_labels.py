"""Return labels: one per return whatever the carrier does, by the customer, by staff, by a channel or by hand; tracked."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from commerce import clock
from commerce.errors import InvalidInput
from commerce.transactions import transaction
from inventory.places import locations
from orders import errors, queries, shipping
from orders.carriers import dhl_double, directory
from orders.floor import LabelState, Stage
from orders.models import Return, ReturnLabel
from orders.return_states import Origin, Reason
from orders.returns import files, labels
from orders.returns.chances import Coming
from tests.factories import commerce as ground

pytestmark = pytest.mark.django_db
HOME = {"street": "Ackerstraße 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
BY = ground.TESTER


@pytest.fixture
def carrier(monkeypatch):
    """A DHL of this test's own, that does as it is told."""
    double = dhl_double.Double()
    monkeypatch.setattr(directory, "double", lambda: double)
    return double


@pytest.fixture
def delivered(shop):
    """An order of two pieces that was sent."""
    with transaction():
        locations.change_location(shop.store.id, street="Hauptstraße 5", postal_code="10115", city="Berlin", by=BY)
    order = shop.ready({0: 2}, method="ship", ship_to=HOME)
    shop.act(shipping.ship, order.fulfilments[0], tracking_number="X1")
    return queries.order(order.id)


def announced(order, **options):
    with transaction():
        return files.announce(
            order.id, [Coming(order.lines[0].id, 1, Reason.WITHDRAWAL)], origin=Origin.CUSTOMER, by=BY, at=clock.now(),
            **options,
        )  # fmt: skip


def test_the_customer_gets_a_label_once_prints_it_and_only_their_own(delivered, carrier):
    return_id = announced(delivered)
    page, label = (
        reverse("tracking-return", args=[delivered.tracking_token]),
        reverse("tracking-return-label", args=[delivered.tracking_token, return_id]),
    )
    assert label in Client().get(page).content.decode()
    assert Client().get(label).status_code == 404
    assert [Client().post(label).status_code for _ in range(2)] == [302, 302]
    row = ReturnLabel.objects.get()
    assert (row.state, len(carrier.made)) == ("made", 1)
    answer = Client().get(label)
    assert (answer.status_code, answer["Content-Type"], answer.content[:4]) == (200, "application/pdf", b"%PDF")
    text = Client().get(page).content.decode()
    assert row.tracking_number in text
    assert "Retourenetikett drucken" in text
    assert Return.objects.get().label == row.tracking_number
    other = reverse("tracking-return-label", args=[delivered.tracking_token, uuid4()])
    assert [Client().get(other).status_code, Client().post(other).status_code] == [404, 404]


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (dhl_double.LOST, LabelState.UNCLEAR),
        (dhl_double.BROKEN, LabelState.UNCLEAR),
        (dhl_double.GARBLED, LabelState.UNCLEAR),
        (dhl_double.BUSY, LabelState.MADE),  # and the second time it answers
    ],
)
def test_a_carrier_that_misbehaves_leaves_a_clear_state_and_another_try(delivered, carrier, fault, state):
    return_id = announced(delivered)
    carrier.faults.append(fault)
    assert labels.ask(return_id, "dhl", by=BY).state is state
    assert labels.ask(return_id, "dhl", by=BY).state is LabelState.MADE
    assert ReturnLabel.objects.filter(state="made").count() == 1


def test_without_a_whole_address_or_once_it_came_there_is_no_label(shop, delivered, carrier):
    return_id = announced(delivered)
    with pytest.raises(InvalidInput, match="known: dhl"):
        labels.ask(return_id, "hermes", by=BY)
    with transaction():
        files.receive(return_id, shop.store.id, by=BY, at=clock.now())
    with pytest.raises(errors.ReturnStateWrong, match="needs no label"):
        labels.ask(return_id, "dhl", by=BY)
    kept = announced(delivered, keeps_goods=True)
    with pytest.raises(errors.ReturnStateWrong):
        labels.note(kept, "Hermes", "H1", by=BY)
    assert ReturnLabel.objects.count() == 0


def test_the_first_scan_sends_the_return_on_its_way_and_delivered_stays_delivered(delivered, carrier):
    return_id = announced(delivered)
    number = labels.ask(return_id, "dhl", by=BY).tracking_number
    assert labels.look(by=BY) == 1
    assert Return.objects.get().state == "announced"
    for hours, stage in ((9, Stage.UNDER_WAY), (30, Stage.DELIVERED)):
        carrier.made[number]["at"] = datetime.now(UTC) - timedelta(hours=hours)
        ReturnLabel.objects.update(looked_at=None)
        assert labels.look(by=BY) == 1
        assert labels.of_returns([return_id])[return_id].stage is stage
        assert Return.objects.get().state == "in_transit"
    ReturnLabel.objects.update(looked_at=None)
    assert labels.look(by=BY) == 0  # there is no more to know
    with pytest.raises(errors.ReturnStateWrong, match="on its way"):
        labels.cancel(return_id, by=BY)


def test_a_label_is_cancelled_by_hand_or_with_its_return_and_what_nobody_answered_is_settled(delivered, carrier):
    return_id = announced(delivered)
    first = labels.ask(return_id, "dhl", by=BY)
    assert labels.cancel(return_id, by=BY).state is LabelState.CANCELLED
    assert (carrier.made, Return.objects.get().label) == ({}, "")
    second = labels.ask(return_id, "dhl", by=BY)
    assert second.tracking_number != first.tracking_number
    with transaction():
        files.cancel(return_id, by=BY, at=clock.now())
    assert labels.watch(by=BY) == 1
    assert carrier.made == {}
    waiting = announced(delivered)
    ReturnLabel.objects.create(of_return_id=waiting, carrier="dhl", reference="x", asked_at=clock.now())
    with clock.frozen(clock.now() + timedelta(minutes=5)):
        assert labels.watch(by=BY) == 1
    assert labels.of_returns([waiting])[waiting].state is LabelState.UNCLEAR


def test_staff_asks_prints_cancels_and_notes_one_from_elsewhere(shop, delivered, carrier, signed_in):
    return_id = announced(delivered)
    client = signed_in(shop.manager)
    page, label = (reverse(f"orders-staff:{name}", args=[return_id]) for name in ("return", "return-label"))
    assert "Have DHL make a label" in client.get(page).content.decode()
    assert client.get(label).status_code == 404
    text = client.post(label, {"do": "ask", "carrier": "dhl"}, follow=True).content.decode()
    number = ReturnLabel.objects.get().tracking_number
    assert f"The label is there: {number}." in text
    assert client.get(label).content[:4] == b"%PDF"
    client.post(label, {"do": "cancel"})
    assert "Enter the carrier" in client.post(label, {"do": "note", "carrier": "Hermes"}, follow=True).content.decode()
    text = client.post(label, {"do": "note", "carrier": "Hermes", "number": "H 42"}, follow=True).content.decode()
    assert "H 42" in text
    assert client.get(label).status_code == 404  # its number is known, the label is elsewhere


def test_a_channel_asks_for_a_label_of_its_own_return_and_prints_it(shop, delivered, carrier):
    return_id = announced(delivered)
    key, stranger = ground.key(shop.channel), ground.key()
    address = f"/api/v1/returns/{return_id}/label"
    assert Client().get(address, **key.headers).status_code == 404

    def post(headers, **body):
        return Client().post(address, body, content_type="application/json", **headers)

    assert post(stranger.headers, carrier="dhl").status_code == 404
    assert post(key.headers, carrier="nobody").status_code == 400
    made = [post(key.headers, carrier="dhl").json() for _ in range(2)]
    assert made[0] == made[1]
    assert (made[0]["state"], made[0]["stage"]) == ("made", "unknown")
    assert Client().get(address, **key.headers).content[:4] == b"%PDF"
