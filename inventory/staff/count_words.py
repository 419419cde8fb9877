"""Counts in the reader's words."""

from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from commerce import catalog
from inventory.counting import CountKind, CountReason, CountState, FindingKind, ItemState
from inventory.staff import words
from inventory.stocktaking.figures import Outcome, Taken
from inventory.stocktaking.lists import CountRef
from inventory.stocktaking.opening import SOURCE

KINDS: dict[CountKind, tuple[Any, Any, str]] = {
    CountKind.DIRECTED: (_("What is due"), _("Missed when picking, surprises, then what sells most."), "list-checks"),
    CountKind.FREE: (_("Scan freely"), _("Whatever you scan is counted; the rest stays as it is."), "scan-barcode"),
    CountKind.SHELF: (_("A shelf"), _("Everything that is noted on it."), "rows-3"),
    CountKind.CATEGORY: (_("A category"), _("Everything of it that the books have here."), "tags"),
    CountKind.STORE: (_("The whole store"), _("Everything that the books have here."), "store"),
}  # fmt: skip

STATES: dict[CountState, tuple[Any, str, str]] = {
    CountState.OPEN: (_("Being counted"), "clipboard-list", "state-busy"),
    CountState.IN_REVIEW: (_("To be decided"), "scale", "state-new"),
    CountState.POSTED: (_("Done"), "circle-check", "state-ok"),
    CountState.CANCELLED: (_("Cancelled"), "circle-x", "state-done"),
}

ITEM_STATES: dict[ItemState, tuple[Any, str, str]] = {
    ItemState.OPEN: (_("Being counted"), "clipboard-list", "state-busy"),
    ItemState.REVIEW: (_("To be decided"), "scale", "state-new"),
    ItemState.RIGHT: (_("Right"), "circle-check", "state-ok"),
    ItemState.POSTED: (_("Booked"), "circle-check", "state-ok"),
    ItemState.OVERTAKEN: (_("Something newer stands"), "history", "state-done"),
    ItemState.LEFT: (_("Books left as they are"), "circle-slash", "state-done"),
    ItemState.UNCOUNTED: (_("Not counted"), "circle-dashed", "state-done"),
}

REASONS: dict[CountReason, Any] = {
    CountReason.NOT_FOUND: _("Not found when picking"),
    CountReason.SURPRISE: _("A surprise in the books"),
    CountReason.DUE: _("Not counted for long"),
}

FINDINGS: dict[FindingKind, Any] = {
    FindingKind.UNKNOWN: _("No product has this code"),
    FindingKind.CHARGE: _("It has no stock of its own: a charge or a kit"),
    FindingKind.LATE: _("It came in after its product was settled"),
}


def title(count: CountRef) -> str:
    """Return what a count is about."""
    about = count.shelf or count.category or str(KINDS[count.kind][0])
    if count.condition.value != "sellable":
        about = f"{about} · {words.CONDITIONS[count.condition]}"
    if count.source == SOURCE:
        about = _now("%(about)s, begun at night") % {"about": about}
    return about


def answer(taken: Taken, text: str) -> tuple[str, str]:
    """Return what to say about a figure that came in (nothing when it was counted), and the sound to it."""
    if taken.outcome is Outcome.FINDING and taken.finding is FindingKind.UNKNOWN:
        sentence = _now(
            "No product has the code %(text)s. It is kept as a find; the manager says what it is. Go on counting."
        )
        return sentence % {"text": text}, "stop"
    if taken.outcome is Outcome.FINDING and taken.finding is FindingKind.CHARGE:
        found = catalog.product_by_barcode(text)
        if found is not None and found[0].is_kit:
            return words.of_kit(found[0]), "stop"
        return _now("%(text)s is a charge, not goods. It is kept as a find; go on counting.") % {"text": text}, "stop"
    if taken.outcome is Outcome.FINDING:
        sentence = _now(
            "%(text)s was settled in this count before this came in. It is kept for the manager; nothing is lost."
        )
        return sentence % {"text": text}, "stop"
    if taken.outcome is Outcome.DIFFERS:
        return _now("This was sent before as something else, so it was not counted. Scan it again."), "stop"
    return "", "ok"
