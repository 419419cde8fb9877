"""The lifecycle of a fulfilment, as a table; everything that may happen to it follows from here. [pure]

`allowed_actions`, the database CHECK, the diagram in the README and the code are compared by a test.
"""

from enum import StrEnum


class Method(StrEnum):
    PICKUP = "pickup"
    CURBSIDE = "curbside"
    SHIP = "ship"
    SAME_DAY = "same_day"
    SHIP_TO_STORE = "ship_to_store"


class State(StrEnum):
    PLACED = "placed"
    ACCEPTED = "accepted"
    PICKING = "picking"
    READY = "ready"
    ARRIVED = "arrived"
    HANDED_OVER = "handed_over"
    SHIPPED = "shipped"
    REJECTED = "rejected"
    NO_SHOW = "no_show"
    RETURNED_TO_STOCK = "returned_to_stock"
    CANCELLED = "cancelled"


class Action(StrEnum):
    ACCEPT = "accept"
    RELEASE = "release"
    PICK = "pick"
    REJECT_LINE = "reject_line"
    REJECT = "reject"
    MARK_READY = "mark_ready"
    ARRIVE = "arrive"
    HAND_OVER = "hand_over"
    SHIP = "ship"
    CANCEL = "cancel"
    MARK_NO_SHOW = "mark_no_show"
    RETURN_TO_STOCK = "return_to_stock"


# REJECT follows by itself when a rejection leaves no line to hand over. A cancelled or missed order that was already
# picked still lies on the pickup shelf: RETURN_TO_STOCK is the clerk putting it back (its stock is free before that).
MOVES: dict[tuple[State, Action], State] = {
    (State.PLACED, Action.ACCEPT): State.ACCEPTED,
    (State.PLACED, Action.CANCEL): State.CANCELLED,
    (State.ACCEPTED, Action.RELEASE): State.PLACED,
    (State.ACCEPTED, Action.PICK): State.PICKING,
    (State.ACCEPTED, Action.REJECT_LINE): State.PICKING,
    (State.ACCEPTED, Action.CANCEL): State.CANCELLED,
    (State.PICKING, Action.PICK): State.PICKING,
    (State.PICKING, Action.REJECT_LINE): State.PICKING,
    (State.PICKING, Action.REJECT): State.REJECTED,
    (State.PICKING, Action.RELEASE): State.PLACED,
    (State.PICKING, Action.MARK_READY): State.READY,
    (State.PICKING, Action.CANCEL): State.CANCELLED,
    (State.READY, Action.ARRIVE): State.ARRIVED,
    (State.READY, Action.HAND_OVER): State.HANDED_OVER,
    (State.READY, Action.SHIP): State.SHIPPED,
    (State.READY, Action.CANCEL): State.CANCELLED,
    (State.READY, Action.MARK_NO_SHOW): State.NO_SHOW,
    (State.ARRIVED, Action.HAND_OVER): State.HANDED_OVER,
    (State.ARRIVED, Action.CANCEL): State.CANCELLED,
    (State.NO_SHOW, Action.HAND_OVER): State.HANDED_OVER,  # late, but the goods are still here for them
    (State.NO_SHOW, Action.RETURN_TO_STOCK): State.RETURNED_TO_STOCK,
    (State.NO_SHOW, Action.CANCEL): State.CANCELLED,
}

TERMINAL = frozenset({State.HANDED_OVER, State.SHIPPED, State.REJECTED, State.RETURNED_TO_STOCK, State.CANCELLED})
OPEN = frozenset(State) - TERMINAL


def allowed_actions(state: State) -> list[Action]:
    """Return what may happen next, in the order a screen should offer it."""
    return [action for action in Action if (state, action) in MOVES]
