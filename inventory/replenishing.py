"""The words of replenishment, as enums that models store. [pure]"""

from enum import StrEnum


class DemandClass(StrEnum):
    """How a product sells at a place (Syntetos, Boylan and Croston 2005), and the two cases in which that can't be said."""

    SMOOTH = "smooth"
    ERRATIC = "erratic"
    INTERMITTENT = "intermittent"
    LUMPY = "lumpy"
    NEW = "new"  # too short a history to tell
    NONE = "none"  # never sold


class ProposalKind(StrEnum):
    PURCHASE = "purchase"
    TRANSFER = "transfer"


class ProposalState(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    ORDERED = "ordered"
    DISMISSED = "dismissed"
    SUPERSEDED = "superseded"


MOVES: dict[tuple[ProposalState, str], ProposalState] = {
    (ProposalState.PROPOSED, "approve"): ProposalState.APPROVED,
    (ProposalState.PROPOSED, "dismiss"): ProposalState.DISMISSED,
    (ProposalState.PROPOSED, "supersede"): ProposalState.SUPERSEDED,
    (ProposalState.APPROVED, "order"): ProposalState.ORDERED,
    (ProposalState.APPROVED, "dismiss"): ProposalState.DISMISSED,
}


class Misfire(StrEnum):
    """Why a rule deserves a look."""

    CONTRADICTION = "contradiction"
    STOCK_OUT = "stock_out"
    DISMISSED = "dismissed"
    OVERSTOCK = "overstock"
