"""The life of a transfer, and the reasons people give when goods move or vanish. [pure]"""

from collections.abc import Mapping
from enum import StrEnum


class TransferState(StrEnum):
    DRAFT = "draft"
    SENT = "sent"
    PARTLY_RECEIVED = "partly_received"
    RECEIVED = "received"
    CANCELLED = "cancelled"


class TransferAction(StrEnum):
    CHANGE = "change"
    SEND = "send"
    RECEIVE = "receive"
    CLOSE = "close"
    CANCEL = "cancel"


# A transfer of which everything arrived is closed by its last receipt; `close` is for those with a difference.
MOVES: Mapping[tuple[TransferState, TransferAction], TransferState] = {
    (TransferState.DRAFT, TransferAction.CHANGE): TransferState.DRAFT,
    (TransferState.DRAFT, TransferAction.SEND): TransferState.SENT,
    (TransferState.DRAFT, TransferAction.CANCEL): TransferState.CANCELLED,
    (TransferState.SENT, TransferAction.RECEIVE): TransferState.PARTLY_RECEIVED,
    (TransferState.SENT, TransferAction.CLOSE): TransferState.RECEIVED,
    (TransferState.SENT, TransferAction.CANCEL): TransferState.CANCELLED,
    (TransferState.PARTLY_RECEIVED, TransferAction.RECEIVE): TransferState.PARTLY_RECEIVED,
    (TransferState.PARTLY_RECEIVED, TransferAction.CLOSE): TransferState.RECEIVED,
}

ON_THE_WAY = (TransferState.SENT, TransferState.PARTLY_RECEIVED)
OPEN = (TransferState.DRAFT, *ON_THE_WAY)


def allowed_actions(state: TransferState) -> list[TransferAction]:
    """Return what may be done with a transfer in this state, in the order of the table."""
    return [action for before, action in MOVES if before is state]


class DifferenceReason(StrEnum):
    """Why fewer pieces arrived than were sent."""

    LOST = "lost"
    STOLEN = "stolen"
    DESTROYED = "destroyed"
    LEFT_BEHIND = "left_behind"  # never packed: the pieces are still where they should have left

    @property
    def goods_are_gone(self) -> bool:
        return self is not DifferenceReason.LEFT_BEHIND


class WriteOffReason(StrEnum):
    """Why goods are no longer ours, or of no use to anyone."""

    DAMAGED = "damaged"
    PAST_DATE = "past_date"
    STOLEN = "stolen"
    LOST = "lost"
    DESTROYED = "destroyed"
    OWN_USE = "own_use"
    SAMPLE = "sample"
    DISPOSED = "disposed"


def in_packs(pieces: int, pack: int) -> str:
    """Write a quantity as it is packed: 24 pieces in packs of 12 are "2 × 12", 27 are "2 × 12 + 3", loose ones "27"."""
    packs, loose = divmod(pieces, pack) if pack > 1 else (0, pieces)
    parts = ([f"{packs} × {pack}"] if packs else []) + ([str(loose)] if loose or not packs else [])
    return " + ".join(parts)
