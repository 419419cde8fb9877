"""The order history of a profile: fed by events in any order, the newest of each order wins."""

import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from commerce import events, transactions
from commerce.actors import Actor
from customers import handlers, queries
from customers.models import OrderHistory
from tests.factories import commerce as ground
from tests.factories import customers as make

pytestmark = pytest.mark.django_db

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


def told(profile_id, channel, *, order_id, sequence, status="open", total_minor=1000, number="K-1", location="BER01"):
    """An order's event as the relay delivers it."""
    payload = {
        "order_id": str(order_id), "number": number, "external_reference": "R", "status": status, "currency": "EUR",
        "customer_id": str(profile_id) if profile_id else None, "total_minor": total_minor, "pieces": 2,
        "placed_at": "2026-06-01T12:00:00Z", "location": location, "fulfilment_id": None, "state": None,
    }  # fmt: skip
    return events.Received(
        message_id=uuid4(), position=sequence, type="order.placed", aggregate=f"order:{order_id}",
        aggregate_sequence=sequence, schema_version=1, channel_id=channel.pk, payload=payload,
        occurred_at=AT + timedelta(minutes=sequence), actor=Actor.system("tests"),
    )  # fmt: skip


def deliver(*messages):
    with transactions.transaction():
        handlers.remember_orders(list(messages))


def test_the_newest_event_wins_whatever_the_order_and_repetition():
    ada, channel, order_id = make.person(), ground.channel(), uuid4()
    messages = [
        told(ada, channel, order_id=order_id, sequence=n, status=status, total_minor=total)
        for n, status, total in [
            (1, "open", 3000),
            (2, "in_progress", 3000),
            (3, "ready", 2000),
            (5, "completed", 2000),
        ]
    ]
    for seed in range(5):
        OrderHistory.objects.all().delete()
        random.Random(seed).shuffle(messages)
        deliver(*messages[:3])
        deliver(*messages)
        row = OrderHistory.objects.get()
        assert (row.status, row.total_minor, row.sequence) == ("completed", 2000, 5)
        assert (row.placed_at, row.changed_at) == (AT, AT + timedelta(minutes=5))


def test_orders_of_nobody_are_passed_over():
    channel = ground.channel()
    deliver(
        told(None, channel, order_id=uuid4(), sequence=1),
        told(uuid4(), channel, order_id=uuid4(), sequence=1),
    )
    assert OrderHistory.objects.count() == 0


def test_every_event_of_an_order_reaches_the_history():
    types = {kind for kind in events.types() if kind.startswith(("order.", "fulfilment."))}
    types -= {"order.received"}  # a message at the door; it is no order yet
    assert types == set(handlers.ORDER_EVENTS)
    assert all(events.subscription(kind, "customers.activity") for kind in types)


def test_a_panel_sums_what_was_sold_and_masks_unless_open():
    ada, channel = make.person(name="Ada", email="ada@example.org", phone="030 123456"), ground.channel(name="Web")
    deliver(
        told(ada, channel, order_id=uuid4(), sequence=1, number="K-1", total_minor=1000),
        told(ada, channel, order_id=uuid4(), sequence=1, number="K-2", total_minor=500, status="completed"),
        told(ada, channel, order_id=uuid4(), sequence=1, number="K-3", total_minor=9000, status="cancelled"),
    )
    panel = queries.profile_panel(ada)
    assert (panel.order_count, [str(total) for total in panel.totals]) == (2, ["15.00 EUR"])
    assert {order.number for order in panel.orders} == {"K-1", "K-2", "K-3"}
    assert [identifier.shown for identifier in panel.identifiers] == ["a•••@example.org", "+49 ••• 56"]
    opened = queries.profile_panel(ada, is_open=True)
    assert [identifier.shown for identifier in opened.identifiers] == ["ada@example.org", "+4930123456"]
