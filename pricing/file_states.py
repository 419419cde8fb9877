"""What a file of prices holds, and how far it has come. [pure]"""

from enum import StrEnum


class Kind(StrEnum):
    PRICES = "prices"
    COSTS = "costs"
    PROMOTIONS = "promotions"


class State(StrEnum):
    UPLOADED = "uploaded"
    CHECKING = "checking"
    CHECKED = "checked"
    CONFIRMED = "confirmed"
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"
    DISCARDED = "discarded"


WAITING = (State.UPLOADED, State.CONFIRMED)
AT_WORK = {State.UPLOADED: State.CHECKING, State.CONFIRMED: State.APPLYING}
STANDS = frozenset({State.CHECKED, State.APPLIED, State.FAILED, State.DISCARDED})
