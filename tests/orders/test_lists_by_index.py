"""Lists of orders walk along an index from where a page begins: the last page costs what the first one does."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import QuerySet

from commerce import clock
from commerce.api.paging import CursorPaging
from orders import queries

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


def test_a_later_page_begins_at_its_cursor() -> None:
    paging = CursorPaging("-placed_at", "-id")
    begins = paging._position(paging.cursor_after({"placed_at": clock.now(), "id": str(uuid4())}))
    text = plan(queries.select(channel_id=1).filter(paging._after(begins)).order_by(*paging.ordering)[:51])
    assert "Sort" not in text
    (condition,) = (line for line in text.splitlines() if "Index Cond" in line)
    assert "placed_at <=" in condition
