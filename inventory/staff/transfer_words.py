"""Transfers in the reader's words: their states, hard stops, and why a booking can't be taken back."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from commerce.errors import CommerceError
from inventory.moving import TransferState


@dataclass(frozen=True, slots=True)
class State:
    """A state as the eye finds it: word, icon and colour."""

    label: Any
    icon: str
    tone: str


STATES: dict[TransferState, State] = {
    TransferState.DRAFT: State(_("Draft"), "pencil-line", "done"),
    TransferState.SENT: State(_("On the way"), "truck", "info"),
    TransferState.PARTLY_RECEIVED: State(_("Partly received"), "package-open", "warn"),
    TransferState.RECEIVED: State(_("Received"), "package-check", "ok"),
    TransferState.CANCELLED: State(_("Cancelled"), "ban", "done"),
}

_STOPS: dict[str, Any] = {
    "not_on_transfer": _("Wrong item"),
    "more_than_sent": _("Too many"),
    "not_free_to_move": _("Not that many are free"),
    "difference_unexplained": _("A reason is missing"),
}

SENTENCES: dict[str, Any] = {
    "not_free_to_move": _(
        "%(name)s: of %(on_hand)s on hand %(allocated)s are promised to orders and %(held)s are in baskets, so %(free)s can "
        "leave, not %(wanted)s. Take fewer."
    ),
    "transfer_state_wrong": _("This transfer has moved on in the meantime. Look at its new state."),
    "not_on_transfer": _("%(name)s isn’t on this transfer. Lay it aside and ask the sending store."),
    "more_than_sent": _(
        "Of %(name)s %(sent)s were sent and %(open)s are still on the way. Count again; what is really too much is booked as "
        "found on the product’s page."
    ),
    "difference_unexplained": _("%(missing)s of %(sent)s %(name)s didn’t arrive. Choose a reason for every product."),
    "not_correctable": _("This booking can’t be taken back: it was corrected already, or belongs to a document."),
}

OBSTACLES: dict[str, Any] = {
    "transfer": _(
        "This belongs to a transfer: receive, close or cancel that, or send the goods back with another one."
    ),
    "purchase_order": _("This came on a purchase order: adjust the stock by what was wrong, with a reason."),
    "order_line": _("This belongs to an order: return its goods or cancel it, or adjust the stock."),
    "count": _("This was counted: count again."),
    "discrepancy": _("This put a discrepancy right: count the goods, or adjust the stock."),
    "correction": _("This is a correction itself: book again what was right."),
    "no_goods": _("This moved no goods by itself, so there is nothing to put back."),
}


def stop(refusal: CommerceError) -> str:
    """Return the title of the hard stop that a refusal becomes."""
    return str(_STOPS.get(refusal.code) or _now("Stop"))
