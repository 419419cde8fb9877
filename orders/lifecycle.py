"""The lifecycle of a fulfilment, as a table; everything that may happen to it follows from here. [pure]

`allowed_actions`, the database CHECK, the diagram in the README and the code are compared by a test.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


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
    PICKED = "picked"  # for another store: waits to be packed and sent there
    UNDER_WAY = "under_way"  # to the store that the customer chose
    READY = "ready"
    ARRIVED = "arrived"
    HANDED_OVER = "handed_over"
    SHIPPED = "shipped"
    REJECTED = "rejected"
    NO_SHOW = "no_show"
    RETURNED_TO_STOCK = "returned_to_stock"
    CANCELLED = "cancelled"


class OrderStatus(StrEnum):
    """What an order's fulfilments come to. Computed, never set."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    READY = "ready"
    NOT_COLLECTED = "not_collected"
    COMPLETED = "completed"
    RETURNED = "returned"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class Action(StrEnum):
    ACCEPT = "accept"
    RELEASE = "release"
    PICK = "pick"
    REJECT_LINE = "reject_line"
    REJECT = "reject"
    MARK_READY = "mark_ready"
    FINISH_PICKING = "finish_picking"
    SEND_TO_STORE = "send_to_store"
    RECEIVE = "receive"
    LOSE = "lose"
    ARRIVE = "arrive"
    HAND_OVER = "hand_over"
    SHIP = "ship"
    CANCEL = "cancel"
    MARK_NO_SHOW = "mark_no_show"
    RETURN_TO_STOCK = "return_to_stock"


# REJECT follows by itself when a rejection leaves no line to hand over. The goods of a missed order lie on the pickup shelf
# and stay promised until RETURN_TO_STOCK. Those of a cancelled one are free at once; that they are put back is no move.
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
    (State.PICKING, Action.FINISH_PICKING): State.PICKED,
    (State.PICKING, Action.CANCEL): State.CANCELLED,
    (State.PICKED, Action.SEND_TO_STORE): State.UNDER_WAY,
    (State.PICKED, Action.CANCEL): State.CANCELLED,
    (State.UNDER_WAY, Action.RECEIVE): State.READY,
    (State.UNDER_WAY, Action.LOSE): State.REJECTED,  # all of it was lost on the way
    (State.UNDER_WAY, Action.CANCEL): State.CANCELLED,
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

# What only makes sense for goods that a customer comes for, and for those that a carrier takes.
COLLECTED = frozenset({Method.PICKUP, Method.CURBSIDE})  # in a window, where they are picked
FETCHED = COLLECTED | {Method.SHIP_TO_STORE}
SENT = frozenset({Method.SHIP, Method.SAME_DAY})  # to the customer's address, from a place of our choice
ONLY_COLLECTED = frozenset({Action.ARRIVE, Action.HAND_OVER, Action.MARK_NO_SHOW, Action.RETURN_TO_STOCK})
ONLY_SENT = frozenset({Action.SHIP})
ONLY_TO_STORE = frozenset({Action.FINISH_PICKING, Action.SEND_TO_STORE, Action.RECEIVE, Action.LOSE})

# What an order on hold can't do: anything that brings its goods nearer to its customer, or calls them late. Its ways out are
# to release it, to give it back to the queue, and to cancel it.
STOPPED_BY_HOLD = frozenset(
    {
        Action.ACCEPT,
        Action.PICK,
        Action.REJECT_LINE,
        Action.MARK_READY,
        Action.FINISH_PICKING,
        Action.SEND_TO_STORE,
        Action.RECEIVE,
        Action.HAND_OVER,
        Action.SHIP,
        Action.MARK_NO_SHOW,
    }
)
# The states that no fulfilment of an order on hold may come to; the database refuses them, too.
NOT_WHILE_HELD = frozenset(
    {State.ACCEPTED, State.PICKING, State.PICKED, State.UNDER_WAY, State.READY, State.HANDED_OVER, State.SHIPPED}
)

DELIVERED = frozenset({State.HANDED_OVER, State.SHIPPED})
UNDELIVERED = frozenset({State.REJECTED, State.RETURNED_TO_STOCK, State.CANCELLED})  # over, and nothing left
TERMINAL = DELIVERED | UNDELIVERED
OPEN = frozenset(State) - TERMINAL


# The status of an order is the first of these that any of its fulfilments is in: what is least done comes first, and of
# orders that are through, what was delivered outweighs what was not.
STATUS_OF: dict[OrderStatus, frozenset[State]] = {
    OrderStatus.OPEN: frozenset({State.PLACED}),
    OrderStatus.IN_PROGRESS: frozenset({State.ACCEPTED, State.PICKING, State.PICKED, State.UNDER_WAY}),
    OrderStatus.READY: frozenset({State.READY, State.ARRIVED}),
    OrderStatus.NOT_COLLECTED: frozenset({State.NO_SHOW}),
    OrderStatus.COMPLETED: DELIVERED,
    OrderStatus.RETURNED: frozenset({State.RETURNED_TO_STOCK}),
    OrderStatus.REJECTED: frozenset({State.REJECTED}),
    OrderStatus.CANCELLED: frozenset({State.CANCELLED}),
}


def order_status(states: Iterable[State | str], *, is_given_up: bool = False) -> OrderStatus:
    """Return the status of an order whose fulfilments are in `states`; one without any is open until it is given up."""
    present = {State(state) for state in states}
    none = OrderStatus.CANCELLED if is_given_up else OrderStatus.OPEN
    return next((status for status, group in STATUS_OF.items() if present & group), none)


# By method, what makes no sense for it.
SENSELESS: dict[Method, frozenset[Action]] = {
    **dict.fromkeys(COLLECTED, ONLY_SENT | ONLY_TO_STORE),
    **dict.fromkeys(SENT, ONLY_COLLECTED | ONLY_TO_STORE),
    Method.SHIP_TO_STORE: ONLY_SENT | {Action.MARK_READY, Action.ARRIVE},
}


# What may be packed into parcels, and what they leave by.
LEAVES_BY: dict[tuple[State, Method], Action] = {
    (State.READY, Method.SHIP): Action.SHIP,
    (State.READY, Method.SAME_DAY): Action.SHIP,
    (State.PICKED, Method.SHIP_TO_STORE): Action.SEND_TO_STORE,
}


def has_left(state: State | str, method: Method | str) -> bool:
    """Whether goods that are still to be fetched have left the shelves for their customer: those sent to a store."""
    return method == Method.SHIP_TO_STORE and State(state) in (State.UNDER_WAY, State.READY, State.NO_SHOW)


def kept_until(moment: datetime, days: int, time_zone: str) -> datetime:
    """Return the same time of day, `days` later on the local calendar, in UTC (a day may have 23 or 25 hours)."""
    local = moment.astimezone(ZoneInfo(time_zone))
    return (local + timedelta(days=days)).astimezone(moment.tzinfo)


def after(state: State | str, action: Action) -> State | None:
    """Return the state that `action` leads to, or None when it is not allowed."""
    return MOVES.get((State(state), action))


def allowed_actions(state: State | str, method: Method | str | None = None, *, is_held: bool = False) -> list[Action]:
    """Return what may happen next, in the order a screen should offer it; with a method, only what makes sense for it.

    Of an order on hold only the ways out remain.
    """
    senseless: frozenset[Action] = frozenset() if method is None else SENSELESS[Method(method)]
    if is_held:
        senseless |= STOPPED_BY_HOLD
    return [action for action in Action if (State(state), action) in MOVES and action not in senseless]


class OrderAction(StrEnum):
    """What may be done with an order as a whole."""

    CHANGE = "change"
    READDRESS = "readdress"
    CHANGE_METHOD = "change_method"
    MOVE = "move"
    SPLIT = "split"
    MERGE = "merge"
    HOLD = "hold"
    RELEASE_HOLD = "release_hold"
    CANCEL = "cancel"
    RETURN = "return"


# What nobody has packed yet can still go elsewhere; what nobody has begun can still be divided.
READDRESSED = frozenset({State.PLACED, State.ACCEPTED, State.PICKING})
# A pickup goes to another window until somebody waits for it; to another store only while nobody has begun it.
MOVABLE = frozenset({State.PLACED, State.ACCEPTED, State.PICKING, State.READY})


def order_actions(
    parts: Iterable[tuple[State | str, Method | str]], *, held_for: Sequence[str] = (), is_returnable: bool = False
) -> list[OrderAction]:
    """Return what may be done with an order whose fulfilments are in these states, in the order a screen offers it."""
    known = [(State(state), Method(method)) for state, method in parts]
    states = [state for state, _ in known]
    sent = [state for state, method in known if method not in FETCHED and state not in TERMINAL]
    is_open = any(state not in TERMINAL for state in states)
    found = {
        OrderAction.CHANGE: any((state, Action.CANCEL) in MOVES for state in states),
        OrderAction.READDRESS: bool(sent) and all(state in READDRESSED for state in sent),
        OrderAction.CHANGE_METHOD: State.PLACED in states,
        OrderAction.MOVE: any(method in COLLECTED and state in MOVABLE for state, method in known),
        OrderAction.SPLIT: State.PLACED in states,
        OrderAction.MERGE: states.count(State.PLACED) > 1,
        OrderAction.HOLD: is_open,
        OrderAction.RELEASE_HOLD: bool(held_for),
        OrderAction.CANCEL: is_cancellable(states),
        OrderAction.RETURN: is_returnable and any(state in DELIVERED for state in states),
    }
    return [action for action, is_possible in found.items() if is_possible]


def is_cancellable(states: Iterable[State | str]) -> bool:
    """Say whether an order can be cancelled: none of its goods have left, and something is left to cancel."""
    known = {State(state) for state in states}
    return not known & DELIVERED and any((state, Action.CANCEL) in MOVES for state in known)


def diagram() -> str:
    """Return the lifecycle as a Mermaid state diagram, as the README shows it."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.PLACED}"]
    lines += [f"    {source} --> {target}: {action}" for (source, action), target in MOVES.items()]
    lines += [f"    {state} --> [*]" for state in State if state in TERMINAL]
    return "\n".join(lines)
