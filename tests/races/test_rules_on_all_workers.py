"""Published rules hold on every worker: within two seconds, and exact at their instant, whoever answers."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import requests

from commerce import catalog, clock, transactions
from commerce.actors import Actor
from commerce.roles import Scope
from pricing import rulesets
from pricing.promotions.terms import Content, PercentOff, Promotion
from tests import servers
from tests.factories import commerce as ground
from tests.factories import pricing as make

pytestmark = [pytest.mark.races, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

BY = Actor.system("tests")
REACHES_ALL = timedelta(seconds=2)
LISTED = 10_000
CALLERS = 4


def publish(basis_points: int, **window: datetime) -> None:
    with transactions.transaction():
        rulesets.publish(Content((Promotion("sale", "Sale", PercentOff(basis_points)),)), by=BY, **window)


def test_a_version_reaches_every_worker_in_time_and_begins_at_its_instant() -> None:
    with transactions.transaction():
        channel = catalog.add_channel(code="web-de", name="Web", kind="web", country="DE", currency="EUR", by=BY)
        mug = catalog.add_product(sku="MUG", name="Mug", by=BY)
    make.standard_rates()
    make.price_list("standard")
    make.prices({mug.id: LISTED})
    headers = {"Authorization": f"Bearer {ground.key(channel, Scope.QUOTES_WRITE).plain}"}
    with servers.serve(workers=2) as base_url:
        seen: list[tuple[datetime, int]] = []
        is_over = threading.Event()

        def keep_asking(_number: int) -> None:
            while not is_over.is_set():  # without keep-alive, so that each request may meet another worker
                body = {"lines": [{"sku": "MUG", "quantity": 1}]}
                quote = requests.post(f"{base_url}/api/v1/quotes", json=body, headers=headers, timeout=60).json()
                seen.append((datetime.fromisoformat(quote["quoted_at"]), quote["total_minor"]))

        with ThreadPoolExecutor(CALLERS) as crowd:
            callers = [crowd.submit(keep_asking, number) for number in range(CALLERS)]
            try:
                _until(seen, clock.now())
                publish(1_000)
                published_at = clock.now()
                begins_at = published_at + REACHES_ALL + timedelta(seconds=2)
                publish(2_500, effective_from=begins_at)
                _until(seen, begins_at + REACHES_ALL)
            finally:
                is_over.set()
            for caller in callers:
                caller.result()
    before = [total for at, total in seen if at >= published_at + REACHES_ALL and at < begins_at]
    after = [total for at, total in seen if at >= begins_at]
    assert set(before) <= {9_000}
    assert set(after) == {7_500}
    assert not [total for at, total in seen if at < begins_at and total == 7_500]


def _until(seen: list[tuple[datetime, int]], instant: datetime) -> None:
    """Wait until a quote was given after an instant, however long that takes."""
    pause = threading.Event()
    while not [at for at, _total in seen if at > instant]:
        pause.wait(0.05)
