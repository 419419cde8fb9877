"""Lists of orders walk along an index from where a page begins: the last page costs what the first one does."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from commerce import clock
from commerce.api.paging import CursorPaging
from orders import queries
from orders.lifecycle import OrderStatus
from orders.staff import order_page
from tests.factories import commerce as ground

pytestmark = pytest.mark.django_db

# What suits a table of a few rows. Where an index can't give the order, a sort is planned all the same, and seen.
CHOICES = ("enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_incremental_sort")


def plan(rows: QuerySet[Any, Any]) -> str:
    """Return how the database reads these rows when it has a reason to care (an empty table is always read whole)."""
    with connection.cursor() as cursor:
        for choice in CHOICES:
            cursor.execute(f"SET LOCAL {choice} = off")
        text = rows.explain()
        for choice in CHOICES:
            cursor.execute(f"SET LOCAL {choice} TO DEFAULT")
    return text


def test_the_latest_orders_are_not_sorted_out_of_all() -> None:
    text = plan(queries.select().order_by("-placed_at", "-id")[:25])
    assert "order_lately" in text
    assert "Sort" not in text


@pytest.fixture
def crowded(db: None) -> int:
    """Let a channel have thousands of orders, one in a hundred of them cancelled, and the database know it; return its id."""
    shop = ground.channel()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO orders_order (id, number, channel_id, external_reference, contact_name, contact_email, contact_phone,
                language, currency, total_minor, tax_minor, pricing, tracking_token, status, price_source, version,
                placed_at, changed_at)
            SELECT gen_random_uuid(), 'K-' || n, %s, 'R-' || n, '', '', '', 'de', 'EUR', 0, 0, '{}', 'token ' || n,
                CASE WHEN n %% 100 = 0 THEN 'cancelled' ELSE 'completed' END, 'quote', 1, now() - n * interval '1 minute', now()
            FROM generate_series(1, 5000) n
            """,
            [shop.pk],
        )
        cursor.execute("ANALYZE orders_order, commerce_channel")
    return shop.pk


def answered(ask: Callable[[], object]) -> str:
    """Return how the database answers what `ask` asks of orders, left to its own choice."""
    with CaptureQueriesContext(connection) as spoken:
        ask()
    texts = []
    with connection.cursor() as cursor:
        for sql in (one["sql"] for one in spoken if "orders_" in one["sql"]):
            cursor.execute(f"EXPLAIN {sql}")
            texts += [line for (line,) in cursor.fetchall()]
    return "\n".join(texts)


def test_a_channels_orders_of_one_status_are_read_from_their_index(crowded: int) -> None:
    chosen = queries.select(channel_id=crowded, status=OrderStatus.CANCELLED).order_by("-placed_at", "-id")[:25]
    text = answered(lambda: list(chosen))
    assert "order_by_status" in text
    assert "Sort" not in text
    assert "orders_fulfilment" not in text
    assert [row["number"] for row in chosen] == [f"K-{number}" for number in range(100, 2_600, 100)]


def test_an_order_is_found_by_its_names_however_many_there_are(crowded: int) -> None:
    assert queries.ids_named("k-4711") == queries.ids_named("R-4711") != []
    assert queries.ids_named("r-4711") == queries.ids_named("") == []
    text = answered(lambda: queries.ids_named("K-4711"))
    assert "Seq Scan on orders_order " not in text
    assert "order_arrives_once" in text


@pytest.mark.parametrize("text", ["K-4711", "R-4711", "ada@example.org", "+49 30 123456"])
def test_the_search_of_staff_reads_no_more_than_it_finds(crowded: int, text: str) -> None:
    read = answered(lambda: order_page.find(text, location_ids=None, country="DE", contacts_at=None))
    assert "orders_order" in read
    assert "Seq Scan on orders_order " not in read
    assert "order_lately" not in read


@pytest.mark.parametrize("ask", [queries.stale_leases, queries.no_longer_kept])
def test_what_time_does_looks_at_open_work_only(crowded: int, ask: Callable[..., object]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # of a few fulfilments any way is as good
    text = answered(lambda: ask(at=clock.now(), at_most=500))
    assert "fulfilment_queue" in text or "pickup_code_once_per_location" in text


def test_a_later_page_begins_at_its_cursor() -> None:
    paging = CursorPaging("-placed_at", "-id")
    begins = paging._position(paging.cursor_after({"placed_at": clock.now(), "id": str(uuid4())}))
    text = plan(queries.select(channel_id=1).filter(paging._after(begins)).order_by(*paging.ordering)[:51])
    assert "Sort" not in text
    (condition,) = (line for line in text.splitlines() if "Index Cond" in line)
    assert "placed_at <=" in condition
