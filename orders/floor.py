"""The words of the shop floor, as enums that models store. [pure]"""

from enum import StrEnum


class RejectReason(StrEnum):
    """Why pieces can't be delivered, and what that means for the books.

    Not found: they and the free rest of that shelf are adjusted away, and a count is opened. Damaged: they lie with the damaged
    goods. Other: they are free again. Lost: they left for a store and never came; no picker says so.
    """

    NOT_FOUND = "not_found"
    DAMAGED = "damaged"
    OTHER = "other"
    LOST = "lost"


class ShortageState(StrEnum):
    """What became of pieces that could not be picked."""

    OPEN = "open"  # another place is looked for
    ASKED = "asked"  # no other place by itself: the customer may choose
    WAITING = "waiting"  # the customer waits for goods, and looks are taken in between
    REROUTED = "rerouted"
    SUBSTITUTED = "substituted"  # the customer takes other goods
    DECLINED = "declined"  # the customer does without
    ENDED = "ended"  # nobody chose, or waiting was over

    @property
    def is_over(self) -> bool:
        return self not in (ShortageState.OPEN, ShortageState.ASKED, ShortageState.WAITING)


class ProposalState(StrEnum):
    """What became of other goods that somebody at the shelf proposed."""

    OPEN = "open"  # the customer is asked
    ACCEPTED = "accepted"
    REFUSED = "refused"
    LAPSED = "lapsed"  # no answer in time
    WITHDRAWN = "withdrawn"


class Consent(StrEnum):
    """How a customer agreed to other goods: when they ordered, for what is not dearer, or by their answer."""

    BEFORE = "before"
    ASKED = "asked"


class Choice(StrEnum):
    """What a customer may choose for pieces that their store could not find. The first two answer a proposal."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    ELSEWHERE = "elsewhere"
    SEND = "send"
    SUBSTITUTE = "substitute"
    WAIT = "wait"
    DECLINE = "decline"


class LabelState(StrEnum):
    """What became of a label that was asked for. Unclear: no answer came back, so it may exist and is never used."""

    ASKED = "asked"
    MADE = "made"
    REFUSED = "refused"
    UNCLEAR = "unclear"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


class Stage(StrEnum):
    """Where a parcel is, as far as anybody cares."""

    ANNOUNCED = "announced"
    UNDER_WAY = "under_way"
    DELIVERED = "delivered"
    PROBLEM = "problem"
    UNKNOWN = "unknown"


class Parting(StrEnum):
    """Why a shipment does not travel with the others of its consignment any more."""

    LATE = "late"  # it was not picked when the others left
    SENT = "sent"  # it left alone, unpacked
    CHOSEN = "chosen"  # somebody at the packing table wanted it so
