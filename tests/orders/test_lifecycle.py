"""The lifecycle is one table: what the database, the diagram and the code say of it is the same."""

import re

import pytest
from django.db import connection

from orders import lifecycle
from orders.lifecycle import MOVES, OPEN, STATUS_OF, TERMINAL, Action, Method, OrderStatus, State


def test_every_state_is_reached_and_terminal_states_lead_nowhere():
    assert set(MOVES.values()) | {State.PLACED} == set(State)
    assert {source for source, _ in MOVES} == OPEN
    assert not OPEN & TERMINAL
    assert set(State) == OPEN | TERMINAL


def test_every_open_state_has_a_way_out():
    reachable = set(TERMINAL)
    while True:
        more = {source for (source, _), target in MOVES.items() if target in reachable} - reachable
        if not more:
            break
        reachable |= more
    assert reachable == set(State)


@pytest.mark.django_db
def test_the_database_knows_exactly_these_states():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'fulfilment_state_known'")
        law = cursor.fetchone()[0]
    assert set(re.findall(r"'([a-z_]+)'", law)) == {state.value for state in State}


def test_the_diagram_shows_every_move_and_no_other():
    drawn = set(re.findall(r"^    (\w+) --> (\w+): (\w+)$", lifecycle.diagram(), re.MULTILINE))
    assert drawn == {(source.value, target.value, action.value) for (source, action), target in MOVES.items()}


def test_allowed_actions_follow_from_the_table():
    for state in State:
        assert set(lifecycle.allowed_actions(state)) == {action for source, action in MOVES if source is state}
    assert lifecycle.allowed_actions("handed_over") == []
    assert lifecycle.allowed_actions("ready", "ship") == [Action.SHIP, Action.CANCEL]
    assert Action.SHIP not in lifecycle.allowed_actions("ready", "pickup")
    assert lifecycle.after("placed", Action.ACCEPT) is State.ACCEPTED
    assert lifecycle.after("placed", Action.HAND_OVER) is None


def test_the_status_of_an_order_is_that_of_its_least_done_part():
    assert sorted(state for group in STATUS_OF.values() for state in group) == sorted(State)
    assert lifecycle.order_status([State.HANDED_OVER, State.PLACED]) is OrderStatus.OPEN
    assert lifecycle.order_status([State.HANDED_OVER, State.CANCELLED]) is OrderStatus.COMPLETED
    assert lifecycle.order_status(["cancelled"]) is OrderStatus.CANCELLED


def test_every_state_of_an_order_says_what_may_be_done_with_it():
    for method in Method:
        for state in State:
            for held_for in ([], ["payment"]):
                actions = lifecycle.order_actions([(state, method)], held_for=held_for)
                is_over = state in TERMINAL
                assert (lifecycle.OrderAction.CANCEL in actions) is not is_over, f"{state} has no way out"
                assert (lifecycle.OrderAction.CHANGE in actions) is not is_over
                assert (lifecycle.OrderAction.RELEASE_HOLD in actions) == bool(held_for)
                if not is_over:
                    assert lifecycle.allowed_actions(state, method, is_held=bool(held_for))
    both = [(State.PLACED, Method.SHIP), (State.SHIPPED, Method.SHIP)]
    found = set(lifecycle.order_actions(both, is_returnable=True))
    assert {lifecycle.OrderAction.CHANGE, lifecycle.OrderAction.RETURN, lifecycle.OrderAction.READDRESS} <= found
    assert lifecycle.OrderAction.CANCEL not in found


def test_what_has_left_can_not_be_cancelled():
    assert lifecycle.is_cancellable([State.READY])
    assert not lifecycle.is_cancellable([State.READY, State.SHIPPED])
    assert not lifecycle.is_cancellable([State.CANCELLED])
