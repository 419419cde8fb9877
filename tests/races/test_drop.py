"""A drop: a thousand buyers at once, a hundred pieces, through HTTP with several worker processes; and a limit per customer."""

import json
from collections import Counter

import pytest

from commerce import clock
from commerce.models import Quota
from commerce.operations import checks
from commerce.transactions import transaction
from inventory.places import locations
from inventory.sharing import buffer_rules
from inventory.sharing.buffer_rules import Draft
from inventory.sharing.scopes import ScopeIds
from tests.benchmarks import load
from tests.inventory.conftest import Shelf
from tests.inventory.promises import limit
from tests.races.test_last_pieces import BY, Scarce, scarce

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.races, pytest.mark.slow]

BUYERS, PIECES = 1_000, 100


def buy(shelf: Scarce, pieces: int = 1, **more: object) -> bytes:
    body = {"location": shelf.code, "lines": [{"sku": shelf.sku, "quantity": pieces}], **more}
    return load.request("POST", "/api/v1/reservations", json.dumps(body).encode(), **shelf.headers)


def test_a_thousand_buyers_get_exactly_what_their_channel_may_have(granian_port: int) -> None:
    shelf = scarce(PIECES + 7)
    with transaction():
        rule = buffer_rules.draft(
            Draft(name="Kept", purpose="buffer", kind="fixed", amount=7, scope=ScopeIds(product_id=shelf.product_id)),
            by=BY, at=clock.now(),
        )  # fmt: skip
        buffer_rules.preview(rule, at=clock.now())
        buffer_rules.activate(rule, words="", by=BY, at=clock.now())
    outcome = load.run(
        granian_port, lambda connection, number: buy(shelf), connections=BUYERS, seconds=60.0, at_most=BUYERS,
        keep_bodies=True,
    )  # fmt: skip
    assert outcome.broken == 0
    assert outcome.statuses == Counter({201: PIECES, 409: BUYERS - PIECES})
    refusals = [json.loads(body) for body in outcome.bodies if b"insufficient_stock" in body]
    assert len(refusals) == BUYERS - PIECES
    assert {refusal["lines"][0]["available"] for refusal in refusals} == {0}, "never the pieces that are withheld"
    assert shelf.figure() == (PIECES + 7, PIECES, 7)
    assert checks.run() == []


def test_one_customer_on_many_connections_gets_what_the_limit_allows(granian_port: int) -> None:
    scarce_one = scarce(PIECES)
    shelf = Shelf(scarce_one.product_id, scarce_one.sku, locations.by_id(scarce_one.location_id), scarce_one.channel_id)
    limit(shelf, 3)
    requests = [
        buy(scarce_one, customer={"email": f"buyer{number % 5}@example.org"}) for number in range(50)
    ]  # fmt: skip
    outcome = load.run(
        granian_port, lambda connection, number: requests[number], connections=50, seconds=60.0, at_most=50
    )
    assert outcome.statuses == Counter({201: 15, 409: 35})
    assert scarce_one.figure() == (PIECES, 15, PIECES - 15)
    assert sorted(Quota.objects.filter(key__startswith="purchase_limit:").values_list("held", flat=True)) == [3] * 5
    assert checks.run() == []
