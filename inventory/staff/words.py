"""The journal in the reader's words: what kind of entry it is, with an icon."""

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from commerce import catalog
from commerce.product_refs import ProductRef
from inventory.stock import Condition, EntryKind

KINDS: dict[EntryKind, tuple[Any, str]] = {
    EntryKind.RECEIVED: (_("Received"), "package-plus"),
    EntryKind.HELD: (_("Put in a basket"), "shopping-basket"),
    EntryKind.EXTENDED: (_("Basket kept longer"), "timer"),
    EntryKind.RELEASED: (_("Out of the basket"), "undo-2"),
    EntryKind.EXPIRED: (_("Basket expired"), "timer-off"),
    EntryKind.ALLOCATED: (_("Promised to an order"), "bookmark-check"),
    EntryKind.DEALLOCATED: (_("Promise taken back"), "bookmark-x"),
    EntryKind.SHIPPED: (_("Shipped"), "truck"),
    EntryKind.HANDED_OVER: (_("Handed over"), "hand-helping"),
    EntryKind.RETURNED: (_("Came back"), "package-open"),
    EntryKind.MOVED_OUT: (_("Moved out"), "log-out"),
    EntryKind.MOVED_IN: (_("Moved in"), "log-in"),
    EntryKind.COUNTED: (_("Counted"), "clipboard-check"),
    EntryKind.ADJUSTED: (_("Corrected"), "pencil-line"),
    EntryKind.WRITTEN_OFF: (_("Written off"), "trash-2"),
    EntryKind.CORRECTED: (_("Booking corrected"), "rotate-ccw"),
}

CONDITIONS: dict[Condition, Any] = {
    Condition.SELLABLE: _("Sellable"),
    Condition.DAMAGED: _("Damaged goods"),
    Condition.QUALITY_CONTROL: _("Being checked"),
    Condition.IN_TRANSIT: _("On the way here"),
}

REASONS: dict[str, Any] = {
    "found": _("Found"),
    "missing": _("Missing"),
    "damaged": _("Damaged"),
    "stolen": _("Stolen"),
    "own_use": _("Used in the store"),
    "lost": _("Lost"),
    "destroyed": _("Destroyed"),
    "past_date": _("Past its date"),
    "sample": _("Given as a sample"),
    "disposed": _("Disposed of"),
    "left_behind": _("never left its store"),
    "did_not_fit": _("Didn’t fit or please"),
    "faulty": _("Faulty"),
    "wrong_item": _("Wrong item delivered"),
    "inspected": _("Inspected"),
    "found_damaged": _("Found damaged"),
    "repaired": _("Repaired or repacked"),
    "booking_error": _("Booking error"),
    "not_found": _("not found when picking"),
    "not_found_rest": _("the rest of the shelf, as a piece was not found"),
    "other": _("other reason"),
    "not ordered": _("not ordered"),
    "not collected": _("not collected"),
    "cancelled": _("order cancelled"),
    "opening stock": _("opening stock"),
    "customer return": _("returned by a customer"),
    "pickup moved": _("pickup moved"),
}


def kind(value: str) -> Any:
    """Return what staff call this kind of entry."""
    return KINDS[EntryKind(value)][0]


def icon(value: str) -> str:
    return KINDS[EntryKind(value)][1]


def reason(value: str) -> Any:
    """Return a reason as staff read it: one of ours translated, anything else as it was written."""
    return REASONS.get(value, value)


def of_kit(product: ProductRef) -> str:
    """Say what to scan in place of a kit, which lies nowhere itself; nothing for other products."""
    if not product.is_kit:
        return ""
    parts = catalog.products_by_id([component_id for component_id, _ in product.components])
    made_of = ", ".join(f"{pieces} × {parts[one].name}" for one, pieces in product.components)
    sentence = gettext("%(name)s is a kit and has no stock of its own. Scan what is in it: %(components)s.")
    return sentence % {"name": product.name, "components": made_of}
