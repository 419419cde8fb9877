"""Purchase orders in the reader's words."""

from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commerce.errors import CommerceError
from commerce.staff import refusals
from inventory.errors import OrderTermsMissed
from inventory.purchasing import PurchaseOrderState as State
from inventory.staff import discrepancy_words

MOST_NAMED = 5  # lines in one sentence

# Label, icon, look.
STATES: dict[State, tuple[Any, str, str]] = {
    State.DRAFT: (_("Draft"), "pencil-line", "state-new"),
    State.APPROVED: (_("Approved"), "stamp", "state-info"),
    State.ORDERED: (_("On its way"), "truck", "state-busy"),
    State.PARTLY_RECEIVED: (_("Partly received"), "package-open", "state-busy"),
    State.RECEIVED: (pgettext_lazy("purchase order", "Received"), "package-check", "state-ok"),
    State.CLOSED_SHORT: (_("Closed short"), "package-x", "state-bad"),
    State.CANCELLED: (_("Cancelled"), "ban", "state-done"),
}

# What lists are asked for: which states, and what they are called.
VIEWS: dict[str, tuple[tuple[State, ...], Any]] = {
    "drafts": ((State.DRAFT,), _("Drafts")),
    "approved": ((State.APPROVED,), _("To order")),
    "coming": ((State.ORDERED, State.PARTLY_RECEIVED), _("On their way")),
    "over": ((State.RECEIVED, State.CLOSED_SHORT, State.CANCELLED), _("Over")),
}

STEPS: dict[str, tuple[Any, str]] = {
    "draft": (_("Drafted"), "pencil-line"),
    "announce": (_("Announced"), "megaphone"),
    "change": (_("Changed"), "pencil"),
    "approve": (_("Approved"), "stamp"),
    "order": (_("Ordered"), "truck"),
    "receive": (_("Goods came in"), "package-plus"),
    "close": (_("Closed short"), "package-x"),
    "cancel": (_("Cancelled"), "ban"),
}


def refusal(error: CommerceError) -> str:
    """Return what a person reads when an order can't be: which quantities would fit, or what is missing to the least value."""
    if not isinstance(error, OrderTermsMissed):
        return refusals.sentence(error)
    if error.detail["lines"]:
        return " ".join(
            _now("The supplier sells %(sku)s in other quantities: order %(fitting)s instead of %(quantity)s.") % line
            for line in error.detail["lines"][:MOST_NAMED]
        )
    amounts = {
        name: discrepancy_words.amount(error.detail[f"{name}_minor"], error.detail["currency"])
        for name in ("minimum", "total")
    }
    return (
        _now("The supplier takes orders from %(minimum)s; this one comes to %(total)s. Add goods, or wait.") % amounts
    )
