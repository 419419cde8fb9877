"""The audit: in the transaction of the change, in order, JSON-safe, never changed after."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError

from commerce import audit, clock, context
from commerce.actors import Actor
from commerce.models import AuditEntry
from commerce.roles import Scope
from commerce.transactions import TransactionMisuse, transaction

BY = Actor.system("tests")
pytestmark = pytest.mark.django_db


def test_records_who_did_what_with_values_of_any_kind() -> None:
    context.bind("request-0815")
    number = uuid4()
    at = datetime(2026, 11, 21, 14, tzinfo=UTC)
    with clock.frozen(at), transaction():
        audit.record(
            "orders.pickup.accept",
            "order",
            number,
            by=BY,
            before={"state": None},
            after={"id": number, "at": at, "scope": Scope.ORDERS_READ, "rate": Decimal("0.10"), "tags": {"b", "a"}},
            reason="because",
        )
    (entry,) = audit.timeline("order", number)
    assert (entry.verb, entry.actor_kind, entry.actor_id, entry.actor_label) == (
        "orders.pickup.accept",
        "system",
        "tests",
        "System: tests",
    )
    assert entry.after == {
        "id": str(number),
        "at": "2026-11-21T14:00:00+00:00",
        "scope": "orders:read",
        "rate": "0.10",
        "tags": ["a", "b"],
    }
    assert (entry.before, entry.reason, entry.request_id, entry.recorded_at) == (
        {"state": None},
        "because",
        "request-0815",
        at,
    )


def test_many_rows_are_one_insert_in_the_order_given(django_assert_num_queries) -> None:
    rows = [audit.AuditRow(verb=f"step.{n}", object_type="order", object_id=7) for n in range(50)]
    with transaction(), django_assert_num_queries(1):
        audit.record_many(rows, by=BY)
    assert [entry.verb for entry in audit.timeline("order", "7")] == [f"step.{n}" for n in range(50)]
    assert [entry.verb for entry in audit.timeline("order", 7, at_most=2)] == ["step.48", "step.49"]


def test_nothing_to_record_is_no_query(django_assert_num_queries) -> None:
    with transaction(), django_assert_num_queries(0):
        audit.record_many([], by=BY)


def test_secrets_do_not_slip_in_as_bytes() -> None:
    with pytest.raises(TypeError), transaction():
        audit.record("x", "key", 1, by=BY, after={"hash": b"secret"})


@pytest.mark.parametrize("change", [lambda rows: rows.update(reason="x"), lambda rows: rows.delete()])
def test_rows_are_never_changed_or_deleted(change) -> None:
    with transaction():
        audit.record("x", "order", 1, by=BY)
    with pytest.raises(IntegrityError, match="journal"), transaction():
        change(AuditEntry.objects.all())
    assert audit.timeline("order", 1)[0].reason == ""


@pytest.mark.django_db(transaction=True)
def test_needs_the_transaction_of_the_change() -> None:
    with pytest.raises(TransactionMisuse):
        audit.record("x", "order", 1, by=BY)
