"""The lifecycle of a return, and the words of what comes back. [pure]"""

from enum import StrEnum


class ReturnState(StrEnum):
    ANNOUNCED = "announced"
    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    INSPECTED = "inspected"
    SETTLED = "settled"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class ReturnAction(StrEnum):
    SEND = "send"
    RECEIVE = "receive"
    INSPECT = "inspect"
    SETTLE = "settle"
    REFUSE = "refuse"
    CANCEL = "cancel"


class Origin(StrEnum):
    """Who began it: the customer behind their link, the channel, customer service, or whoever stood at the counter."""

    CUSTOMER = "customer"
    CHANNEL = "channel"
    SERVICE = "service"
    COUNTER = "counter"


class Reason(StrEnum):
    WITHDRAWAL = "withdrawal"
    DOES_NOT_FIT = "does_not_fit"
    NOT_AS_DESCRIBED = "not_as_described"
    DAMAGED = "damaged"
    WRONG_ITEM = "wrong_item"
    DEFECT = "defect"
    OTHER = "other"


class RefundKind(StrEnum):
    RETURN = "return"
    CLAIM = "claim"
    GOODWILL = "goodwill"


# A claim (warranty) does not depend on the days of a withdrawal: the goods were not as they should be (§ 437 BGB).
CLAIMS = frozenset({Reason.NOT_AS_DESCRIBED, Reason.DAMAGED, Reason.WRONG_ITEM, Reason.DEFECT})
CLAIM_DAYS = 730  # two years (§ 438 BGB)

RETURN_MOVES: dict[tuple[ReturnState, ReturnAction], ReturnState] = {
    (ReturnState.ANNOUNCED, ReturnAction.SEND): ReturnState.IN_TRANSIT,
    (ReturnState.ANNOUNCED, ReturnAction.RECEIVE): ReturnState.RECEIVED,
    (ReturnState.ANNOUNCED, ReturnAction.SETTLE): ReturnState.SETTLED,  # the customer keeps the goods
    (ReturnState.ANNOUNCED, ReturnAction.CANCEL): ReturnState.CANCELLED,
    (ReturnState.IN_TRANSIT, ReturnAction.RECEIVE): ReturnState.RECEIVED,
    (ReturnState.IN_TRANSIT, ReturnAction.CANCEL): ReturnState.CANCELLED,
    (ReturnState.RECEIVED, ReturnAction.INSPECT): ReturnState.INSPECTED,
    (ReturnState.RECEIVED, ReturnAction.REFUSE): ReturnState.REFUSED,
    (ReturnState.INSPECTED, ReturnAction.SETTLE): ReturnState.SETTLED,
}
RETURN_OVER = frozenset({ReturnState.SETTLED, ReturnState.REFUSED, ReturnState.CANCELLED})


def return_actions(state: ReturnState | str) -> list[ReturnAction]:
    """Return what may happen next to a return."""
    return [action for action in ReturnAction if (ReturnState(state), action) in RETURN_MOVES]
