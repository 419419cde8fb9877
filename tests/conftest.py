"""What all tests share: the embedded PostgreSQL, and a way to wait for facts instead of sleeping."""

import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations
from hypothesis import settings

from commerce import embedded
from tests import schema

_started_here = False

# How long an example takes says more of the machine than of the code.
settings.register_profile("kontor", deadline=None)
settings.load_profile("kontor")


def pytest_configure(config: pytest.Config) -> None:
    """Start the test cluster once, in the process that owns the run. Its data is nobody's, so it need not be durable."""
    global _started_here
    if hasattr(config, "workerinput") or not embedded.is_used():
        return
    if not embedded.is_running():
        embedded.start(durable=False)
        _started_here = True
    if not config.getoption("collectonly"):
        schema.prepare()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _started_here:
        embedded.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Copy the test database from the schema's template, where the cluster is ours."""
    if embedded.is_used():
        connection.settings_dict["TEST"]["TEMPLATE"] = schema.template()


@pytest.fixture(scope="session", autouse=True)
def _journals_may_be_flushed_between_tests() -> Iterator[None]:
    """Tests with real transactions empty all tables after; journals refuse that, so the flush alone skips triggers."""
    flush = DatabaseOperations.execute_sql_flush

    def without_triggers(self: DatabaseOperations, sql_list: list[str]) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            flush(self, sql_list)
            cursor.execute("SET session_replication_role = DEFAULT")

    DatabaseOperations.execute_sql_flush = without_triggers
    yield
    DatabaseOperations.execute_sql_flush = flush


@pytest.fixture(autouse=True)
def _nothing_is_remembered_from_another_test() -> None:
    """Numbers come again after a flush, so what this process remembers of products, prices, places and keys goes before a test."""
    from commerce import catalog
    from commerce.api import authentication, throttling
    from commerce.operations import experiments
    from inventory import availability
    from inventory.places import groups, locations, transit
    from inventory.promising import promises, purchase_limits
    from inventory.scarcity import age, terms
    from inventory.sharing import buffers, channel_priorities
    from orders import preparation
    from orders.routing import standing, worlds
    from pricing import applied_prices, facts, floors, prior_prices, revisions

    catalog.forget()
    revisions.forget()
    applied_prices.forget()
    facts.forget()
    floors.forget()
    prior_prices.forget()
    locations.forget()
    availability.forget()
    promises.forget()
    purchase_limits.forget()
    groups.forget()
    buffers.forget()
    authentication.forget()
    throttling.forget()
    experiments.forget()
    age.forget()
    terms.forget()
    transit.forget()
    channel_priorities.forget()
    standing.forget()
    preparation.forget()
    worlds.forget()


ROOMS = ("commerce.", "inventory.", "pricing.", "customers.", "orders.")
AGES = re.compile(r"_?([A-Z]+_)?(FRESH_FOR|RENEWED_AFTER|TRUSTED|(?<!UNKNOWN_)REMEMBERED)_SECONDS")


@pytest.fixture
def _nothing_grows_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process knows is looked up again when it's some seconds old. On a slow day that could be amid a count."""
    for name, module in list(sys.modules.items()):
        if name.startswith(ROOMS):
            for constant in filter(AGES.fullmatch, vars(module)):
                monkeypatch.setattr(module, constant, float("inf"))


@pytest.fixture
def django_assert_num_queries(_nothing_grows_old: None, django_assert_num_queries: Any) -> Any:
    """Count queries as always; none of them depends on how long the test has been running."""
    return django_assert_num_queries


@pytest.fixture
def django_assert_max_num_queries(_nothing_grows_old: None, django_assert_max_num_queries: Any) -> Any:
    """Count queries as always; none of them depends on how long the test has been running."""
    return django_assert_max_num_queries


@pytest.fixture
def eventually() -> Callable[..., object]:
    """Return `eventually(fact, within=seconds)`: poll until `fact()` is truthy, return it, fail with its last value."""

    def wait(fact: Callable[[], object], *, within: float = 10.0) -> object:
        deadline = time.monotonic() + within
        pause = threading.Event()
        while True:
            value = fact()
            if value:
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {within} s: {fact} is {value!r}")
            pause.wait(0.02)

    return wait
