"""Two relay processes and one backlog: everything is heard once by everyone, and in order (law of the outbox)."""

from collections import defaultdict

import pytest
from django.db import connection

from commerce import events
from commerce.models import InboxMessage, OutboxDelivery, OutboxMessage
from tests.commerce import facts
from tests.races.crowds import in_processes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.races]

BELLS, RINGS = 8, 40


def test_two_relays_share_a_backlog() -> None:
    with events.isolated():
        facts.declare()
        for number in range(1, RINGS + 1):
            facts.publish(*(facts.rung(f"{bell}", number) for bell in range(BELLS)))
    reports = in_processes(2, "relay", deliveries=2 * BELLS * RINGS, within=60.0)

    assert sorted(OutboxMessage.objects.values_list("position", flat=True)) == list(range(1, BELLS * RINGS + 1))
    assert set(OutboxDelivery.objects.values_list("state", "attempts").distinct()) == {("done", 1)}
    heard: dict[str, list[int]] = defaultdict(list)
    for source, payload in InboxMessage.objects.order_by("id").values_list("source", "payload"):
        heard[source].append(payload["n"])
    assert heard == {
        f"{subscriber}:bell:{bell}": list(range(1, RINGS + 1))
        for subscriber in ("single", "batch")
        for bell in range(BELLS)
    }
    assert sum(one["single"] + one["batch"] for one in reports) == 2 * BELLS * RINGS
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM commerce_outboxdelivery WHERE leased_until IS NOT NULL")
        assert cursor.fetchone() == (0,)
