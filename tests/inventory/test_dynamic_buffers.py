"""Buffers that follow demand and lag: measured, bounded, stepwise, each step kept with its cause and taken back by people."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection
from django.db import transaction as database
from hypothesis import given
from hypothesis import strategies as st

from commerce import clock, queries
from commerce.actors import Actor, ActorKind
from commerce.errors import InvalidInput, NotFound
from commerce.models import AuditEntry, Channel, OutboxDelivery, OutboxMessage
from commerce.transactions import transaction
from inventory import allocations
from inventory.allocations import Demand
from inventory.errors import SharingStateWrong
from inventory.models import BufferStep, DynamicBuffer, DynamicPolicy
from inventory.sharing import dynamic_buffers, tightening
from inventory.sharing.dynamic_buffers import PolicyDraft
from inventory.sharing.scopes import ScopeIds
from inventory.sharing.tightening import Bounds, Measured
from tests.inventory.conftest import BY, Shelf
from tests.inventory.sharing import another_channel, seen


def policy(**values: Any) -> int:
    """An active policy: 0 to 8 pieces, at most 3 per step, a step a minute."""
    wanted: dict[str, Any] = {"name": "Rush", "minimum": 0, "maximum": 8, "step_limit": 3, "cool_down_seconds": 60}
    with transaction():
        made = dynamic_buffers.draft(PolicyDraft(**(wanted | values)), by=BY, at=clock.now())
    with transaction():
        dynamic_buffers.activate(made, by=BY, at=clock.now())
    return made


def lagging(shelf: Shelf, seconds: float) -> None:
    """A webhook of the shelf's channel that waits for news since so many seconds."""
    at = clock.now()
    message = OutboxMessage.objects.create(
        event_type="availability.changed", aggregate=f"listing:{shelf.channel_id}:1", aggregate_sequence=1,
        channel_id=shelf.channel_id, payload={}, actor_kind="system", actor_id="t", occurred_at=at - timedelta(seconds=seconds),
    )  # fmt: skip
    OutboxDelivery.objects.create(
        message=message, subscriber="webhook:1", aggregate=message.aggregate, next_attempt_at=at
    )  # fmt: skip


def step(minutes: float = 0) -> int:
    with transaction():
        return dynamic_buffers.step_all(by=BY, at=clock.now() + timedelta(minutes=minutes))


@pytest.mark.django_db
def test_demand_and_lag_tighten_in_steps_and_calm_releases(shelf: Shelf) -> None:
    made = policy()
    lagging(shelf, 119)
    shelf.receive(40)
    shelf.reserve(15)  # 3 a minute over five minutes, times two minutes
    assert step() == 1
    assert seen(shelf) == 7
    assert step(0.5) == 0  # cooling down
    assert step(1.1) == 1
    assert seen(shelf) == 4
    assert step(6.5) == 1  # nothing was promised for five minutes
    assert seen(shelf) == 7
    steps = dynamic_buffers.steps_of(made)
    assert [(one.cause, one.before, one.after) for one in reversed(steps)] == [
        ("tightened", 0, 3), ("tightened", 3, 6), ("released", 6, 3),
    ]  # fmt: skip
    first = steps[-1].inputs
    assert (first["pieces_per_minute"], first["target"]) == (3.0, 6)
    assert first["lag_seconds"] >= 119
    assert AuditEntry.objects.filter(verb="inventory.dynamic_buffers.step").count() == 3


@pytest.mark.django_db
def test_only_its_channel_its_places_and_its_products_move_it(shelf: Shelf) -> None:
    other = another_channel()
    mine = policy(scope=ScopeIds(channel_id=shelf.channel_id, product_id=shelf.product_id))
    not_mine = policy(scope=ScopeIds(channel_id=other.pk))
    lagging(shelf, 300)
    shelf.reserve(8)
    step()
    assert {one.policy_id for one in BufferStep.objects.all()} == {mine}
    assert not DynamicBuffer.objects.filter(policy_id=not_mine).exists()
    assert (seen(shelf), seen(shelf, channel_id=other.pk)) == (7, 10)


@pytest.mark.django_db
def test_orders_without_a_basket_are_demand_too_and_those_with_one_count_once(shelf: Shelf) -> None:
    code = Channel.objects.get(pk=shelf.channel_id).code
    actor, at = Actor(ActorKind.CHANNEL, code, code), clock.now()
    held = shelf.reserve(2)
    with transaction():
        allocations.allocate([Demand(uuid4(), shelf.product_id, shelf.store.id, 4)], by=actor, at=clock.now())
    with transaction():
        allocations.allocate(
            [Demand(uuid4(), shelf.product_id, shelf.store.id, 3)], by=actor, at=clock.now(),
            reservation_id=held.id, channel_id=shelf.channel_id,
        )  # fmt: skip
    demand = dynamic_buffers._demand(clock.now())
    assert demand == {(shelf.channel_id, shelf.product_id, shelf.store.id): 2 + 4 + 1}
    assert dynamic_buffers._demand(at - timedelta(minutes=1)) == {}


@pytest.mark.django_db
def test_a_step_is_taken_back_and_the_buffer_pinned(shelf: Shelf) -> None:
    made = policy()
    lagging(shelf, 300)
    shelf.reserve(8)
    step()
    first = dynamic_buffers.steps_of(made)[0]
    with transaction():
        undone = dynamic_buffers.undo(first.pk, by=BY, at=clock.now(), pin_for=timedelta(hours=1))
    with transaction():
        assert dynamic_buffers.undo(first.pk, by=BY, at=clock.now()) == undone
    assert seen(shelf) == 10
    assert step(3) == 0
    row = DynamicBuffer.objects.get()
    assert (row.pieces, row.pinned_until is not None) == (0, True)
    assert AuditEntry.objects.filter(verb="inventory.dynamic_buffers.undo").count() == 1
    with pytest.raises(SharingStateWrong), transaction():
        dynamic_buffers.undo(undone, by=BY, at=clock.now())
    with pytest.raises(NotFound), transaction():
        dynamic_buffers.undo(uuid4(), by=BY, at=clock.now())
    with pytest.raises(InvalidInput), transaction():
        dynamic_buffers.undo(first.pk, by=BY, at=clock.now(), pin_for=timedelta(days=30))


@pytest.mark.django_db
def test_a_step_under_later_ones_stays(shelf: Shelf) -> None:
    made = policy()
    lagging(shelf, 300)
    shelf.reserve(8)
    step()
    step(1.1)
    first = dynamic_buffers.steps_of(made)[-1]
    with pytest.raises(SharingStateWrong), transaction():
        dynamic_buffers.undo(first.pk, by=BY, at=clock.now())


@pytest.mark.django_db
def test_a_retired_policy_keeps_nothing_back(shelf: Shelf) -> None:
    made = policy(minimum=2)
    assert seen(shelf) == 8
    with transaction():
        dynamic_buffers.retire(made, by=BY, at=clock.now())
    assert seen(shelf) == 10
    with pytest.raises(SharingStateWrong), transaction():
        dynamic_buffers.retire(made, by=BY, at=clock.now())
    assert step() == 0


@pytest.mark.django_db
def test_lag_is_of_what_waits_and_of_what_was_taken_lately(shelf: Shelf) -> None:
    at = clock.now()
    lagging(shelf, 90)
    since = at - timedelta(minutes=5)
    assert queries.webhook_lag("availability.changed", since=since, at=at)[shelf.channel_id] == pytest.approx(90, abs=5)
    delivery = OutboxDelivery.objects.get(subscriber="webhook:1")
    OutboxDelivery.objects.filter(pk=delivery.pk).update(state="done", done_at=at - timedelta(seconds=60))
    assert queries.webhook_lag("availability.changed", since=since, at=at)[shelf.channel_id] == pytest.approx(30, abs=5)
    assert queries.webhook_lag("availability.changed", since=at, at=at) == {}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"minimum": -1}, "minimum"),
        ({"minimum": 9, "maximum": 8}, "maximum"),
        ({"maximum": 0}, "maximum"),
        ({"factor_percent": 0}, "factor_percent"),
        ({"step_limit": 0}, "step_limit"),
        ({"cool_down_seconds": 1}, "cool_down_seconds"),
        ({"name": ""}, "name"),
    ],
)
def test_what_no_policy_can_say_is_refused(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        policy(**values)
    assert [error["field"] for error in refusal.value.errors] == [field]
    assert not DynamicPolicy.objects.exists()


@pytest.mark.django_db
def test_the_database_keeps_policies_and_steps(shelf: Shelf) -> None:
    made = policy()
    lagging(shelf, 300)
    shelf.reserve(8)
    step()
    with pytest.raises(IntegrityError, match="stays as it is"), database.atomic():
        DynamicPolicy.objects.filter(pk=made).update(maximum=100)
    for act in (lambda rows: rows.update(after=0), lambda rows: rows.delete()):
        with pytest.raises(IntegrityError, match="is a journal"), database.atomic():
            act(BufferStep.objects.all())


@pytest.mark.django_db
def test_steps_are_not_truncated() -> None:
    with pytest.raises(IntegrityError, match="is a journal"), database.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE inventory_bufferstep")


bounds = st.builds(
    lambda minimum, more, factor, limit: Bounds(minimum, minimum + more, factor, limit, timedelta(minutes=1)),
    st.integers(0, 5), st.integers(1, 20), st.integers(1, 500), st.integers(1, 10),
)  # fmt: skip
measured = st.builds(Measured, st.floats(0, 100), st.floats(0, 3600))


@given(bounds, measured, st.integers(0, 40))
def test_steps_stay_in_their_bounds_and_reach_the_target(allowed: Bounds, now: Measured, kept: int) -> None:
    wanted = tightening.target(allowed, now)
    assert allowed.minimum <= wanted <= allowed.maximum
    kept = min(max(kept, allowed.minimum), allowed.maximum)
    for _ in range(50):
        after = tightening.step(allowed, now, now_kept=kept)
        assert abs(after - kept) <= allowed.step_limit
        assert abs(wanted - after) <= abs(wanted - kept)
        kept = after
    assert kept == wanted


@given(bounds, measured, measured)
def test_more_demand_and_more_lag_never_keep_less_back(allowed: Bounds, one: Measured, other: Measured) -> None:
    worse = Measured(
        max(one.pieces_per_minute, other.pieces_per_minute), max(one.lag_seconds, other.lag_seconds)
    )  # fmt: skip
    assert tightening.target(allowed, worse) >= max(tightening.target(allowed, one), tightening.target(allowed, other))
