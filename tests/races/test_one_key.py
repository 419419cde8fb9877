"""One idempotency key, fifty times at once: one effect, one answer (law 8)."""

import json
from collections import Counter
from urllib.request import Request, urlopen

import pytest

from commerce import clock
from commerce.models import IdempotencyKey
from inventory import availability
from tests.benchmarks import load
from tests.factories import commerce as ground
from tests.factories import inventory as goods

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.races]

KEY = "checkout-4711"
TIMES = 50


@pytest.mark.parametrize("address", ["reservations", "stock/receipts"])
def test_the_same_key_at_once_has_one_effect(granian_port: int, granian_server: str, address: str) -> None:
    """Both ways to answer once: the grouped one of reservations, the plain one of everything else."""
    product, place, channel = ground.product(), goods.store(), ground.channel()
    goods.receive(product.id, place.id, 10)
    body = json.dumps({"location": place.code, "lines": [{"sku": product.sku, "quantity": 1}]}).encode()
    if address == "stock/receipts":
        body = body[:-1] + b', "reason": "delivery"}'
    headers = {"Authorization": f"Bearer {ground.key(channel).plain}", "Idempotency-Key": KEY}
    request = load.request("POST", f"/api/v1/{address}", body, **headers)
    outcome = load.run(
        granian_port, lambda connection, number: request, connections=TIMES, seconds=60, at_most=TIMES, keep_bodies=True
    )

    assert outcome.broken == 0
    assert outcome.count == TIMES
    assert set(outcome.statuses) <= {201, 409}
    answers = Counter(one for one in outcome.bodies if b'"request_in_progress"' not in one)
    assert len(answers) == 1
    first = next(iter(answers))
    assert answers[first] == outcome.statuses[201] >= 1
    effect = availability.figures([product.id], location_ids=[place.id], at=clock.now())[0]
    assert (effect.on_hand, effect.held) == ((10, 1) if address == "reservations" else (11, 0))

    with urlopen(
        Request(f"{granian_server}/api/v1/{address}", body, headers | {"Content-Type": "application/json"})
    ) as again:
        assert (again.status, again.headers["Idempotency-Replayed"], again.read()) == (201, "true", first)
    assert IdempotencyKey.objects.filter(key=KEY).count() == 1
