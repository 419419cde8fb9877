"""The endpoints of a channel: added, changed and removed with an audit, bounded, and nobody else's."""

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest

from commerce import deliveries, events
from commerce.channels import endpoints
from commerce.errors import InvalidInput, NotFound
from commerce.models import AuditEntry, Channel
from commerce.transactions import transaction
from tests.commerce import facts
from tests.commerce.facts import left, publish, states
from tests.factories import commerce as factory

pytestmark = pytest.mark.django_db(transaction=True)
STORY = ("bell.sold", "bells.left")


@pytest.fixture(autouse=True)
def _bells() -> Iterator[None]:
    with events.isolated():
        facts.declare()
        yield


@pytest.fixture
def shop() -> Channel:
    return factory.channel()


def add(shop: Channel, url: str, *types: str) -> tuple[endpoints.Endpoint, str]:
    with transaction():
        return endpoints.add(shop.pk, url, types or STORY, by=facts.RINGER)


def test_an_endpoint_is_added_changed_and_removed_with_an_audit_and_without_its_secret(shop: Channel) -> None:
    endpoint, secret = add(shop, "https://hooks.example/in", "bell.sold")
    assert secret.startswith("whsec_")
    with transaction():
        changed = endpoints.change(endpoint.id, channel_id=shop.pk, event_types=["bells.left"], by=facts.RINGER)
    assert (changed.url, changed.event_types) == ("https://hooks.example/in", ("bells.left",))
    assert endpoints.of_channel(shop.pk) == [changed]
    publish(left("a", 1, shop.pk))
    deliveries.sequence_batch()
    with transaction():
        endpoints.remove(endpoint.id, channel_id=shop.pk, by=facts.RINGER)
    assert endpoints.of_channel(shop.pk) == []
    assert states(f"webhook:{endpoint.id}") == ["dismissed"]
    entries = AuditEntry.objects.filter(object_type="webhook_endpoint").order_by("id")
    assert [entry.verb.rsplit(".", 1)[1] for entry in entries] == ["add", "change", "remove"]
    assert all(secret not in json.dumps([entry.before, entry.after]) for entry in entries)


def test_an_endpoint_belongs_to_its_channel(shop: Channel) -> None:
    endpoint, _ = add(shop, "https://hooks.example/in")
    other = factory.channel()
    assert endpoints.of_channel(other.pk) == []
    with pytest.raises(NotFound):
        endpoints.one(endpoint.id, channel_id=other.pk)
    for verb in (endpoints.change, endpoints.rotate_secret, endpoints.remove):
        with pytest.raises(NotFound), transaction():
            verb(endpoint.id, channel_id=other.pk, by=facts.RINGER)
    with pytest.raises(NotFound), transaction():
        endpoints.change(uuid4(), channel_id=shop.pk, by=facts.RINGER)


def test_a_channel_has_a_bounded_number_of_endpoints(shop: Channel) -> None:
    for number in range(endpoints.MOST_PER_CHANNEL):
        add(shop, f"https://hooks.example/{number}")
    with pytest.raises(endpoints.TooManyEndpoints):
        add(shop, "https://hooks.example/more")
    with pytest.raises(NotFound), transaction():
        endpoints.add(shop.pk + 1000, "https://hooks.example/in", STORY, by=facts.RINGER)


@pytest.mark.parametrize(("types", "faults"), [((), 1), (("bell.rung",), 1), (("bell.sold", "no.such", "neither"), 2)])
def test_only_public_event_types_can_be_wanted(shop: Channel, types: tuple[str, ...], faults: int) -> None:
    with pytest.raises(InvalidInput) as refusal, transaction():
        endpoints.add(shop.pk, "https://hooks.example/in", types, by=facts.RINGER)
    assert [error["field"] for error in refusal.value.errors] == ["event_types"] * faults
    assert "bell.sold" in refusal.value.errors[0]["message"]
