"""Discrepancies in the reader's words: what they are, why they may be there, and what to do about it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from babel.numbers import format_currency
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language, npgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from commerce.money import Money
from inventory.places import locations
from inventory.reconciliation.discrepancy_lists import Listed
from inventory.reconciliation.refused import Refused
from inventory.reconciling import SLIPS, Cause, Decision, DiscrepancyKind, DiscrepancyState, Meaning, SourceKind
from inventory.staff import words
from inventory.stocktaking import settlement

KINDS: dict[DiscrepancyKind, Any] = {
    DiscrepancyKind.OVER_DELIVERY: _("More delivered than ordered"),
    DiscrepancyKind.UNDER_DELIVERY: _("Less delivered than ordered"),
    DiscrepancyKind.TRANSFER_DIFFERENCE: _("Transfer arrived incomplete"),
    DiscrepancyKind.COUNT_BELOW_PROMISED: _("Counted less than is promised"),
    DiscrepancyKind.COUNT_VARIANCE: _("Count differs"),
    DiscrepancyKind.STATEMENT_DIFFERENCE: _("Outside figure differs"),
    DiscrepancyKind.NEGATIVE_SURPRISE: _("Sold though none was there"),
}
STATES: dict[DiscrepancyState, tuple[Any, str, str]] = {
    DiscrepancyState.OPEN: (pgettext_lazy("discrepancy", "Open"), "circle-dot", "state-warn"),
    DiscrepancyState.REPAIRED: (pgettext_lazy("discrepancy", "Booked"), "circle-check", "state-ok"),
    DiscrepancyState.ACCEPTED: (pgettext_lazy("discrepancy", "Left as it is"), "circle-check", "state-done"),
    DiscrepancyState.VANISHED: (pgettext_lazy("discrepancy", "Agrees again"), "circle-check", "state-ok"),
}
CAUSES: dict[Cause, Any] = {
    Cause.UNKNOWN: _("Cause unknown"),
    Cause.NEWS_ON_THE_WAY: _("Our news is on its way"),
    Cause.SIGN_FLIPPED: _("Sign turned round"),
    Cause.CASE_PACK: _("Cases counted as pieces"),
    Cause.UNIT_ERROR: _("Wrong unit"),
    Cause.SWAPPED: _("Mixed up with a neighbour"),
    Cause.LATE_RECEIPT: _("Delivery not in their books yet"),
    Cause.ARRIVAL_NOT_BOOKED: _("Arrival not booked in here"),
    Cause.DEPARTURE_NOT_BOOKED: _("Departure not in their books yet"),
    Cause.SALE_NOT_REPORTED: _("Sale not reported yet"),
    Cause.SHRINKAGE: _("Pieces go missing again and again"),
}
_WHY: dict[Cause, Any] = {
    Cause.UNKNOWN: _("Nothing in the books explains it. Count the shelf, then book what is true."),
    Cause.NEWS_ON_THE_WAY: _(
        "They were told %(minutes)s minutes ago and may not show it yet. Wait for their next figures."
    ),
    Cause.SIGN_FLIPPED: _("They sent %(theirs)s: the sign is wrong. Ask them for the figure again."),
    Cause.CASE_PACK: _("%(cases)s cases of %(pack)s: one side counts cases, the other pieces. Ask them which."),
    Cause.UNIT_ERROR: _(
        "One figure is %(factor)s times the other: a slip of the unit or of the decimal point. Ask them."
    ),
    Cause.SWAPPED: _(
        "%(sku)s differs by %(pieces)s the other way round: the two were probably mixed up. Look at both shelves."
    ),
    Cause.LATE_RECEIPT: _("%(arrived)s came in during the last two days; they may not have them in their books yet."),
    Cause.ARRIVAL_NOT_BOOKED: _(
        "%(on_the_way)s are on their way here; some may have arrived. Book the delivery in first."
    ),
    Cause.DEPARTURE_NOT_BOOKED: _("%(left)s left during the last two days; their books may not know that yet."),
    Cause.SALE_NOT_REPORTED: _(
        "About %(a_week)s are sold in a week, and for %(hours)s hours no sale was reported: it may still come."
    ),
    Cause.SHRINKAGE: _(
        "Pieces are missing here for time number %(times)s in half a year. Count, book, and look into the reason."
    ),
}
# What probably settles itself, or is theirs to mend: our books stand until then.
OURS_LIKELY = SLIPS | {
    Cause.NEWS_ON_THE_WAY,
    Cause.LATE_RECEIPT,
    Cause.ARRIVAL_NOT_BOOKED,
    Cause.DEPARTURE_NOT_BOOKED,
    Cause.SALE_NOT_REPORTED,
}
MEANINGS = {Meaning.ON_HAND: _("on hand"), Meaning.AVAILABLE: _("available")}
SOURCES: dict[SourceKind, Any] = {
    SourceKind.TILL: _("Till"),
    SourceKind.ERP: _("ERP"),
    SourceKind.LOGISTICS: _("Logistics partner"),
    SourceKind.MARKETPLACE: _("Marketplace"),
    SourceKind.SHOP: _("Shop"),
}
OURSELVES: dict[str, Any] = {settlement.SOURCE: _("Our own count")}
DECISIONS: dict[Decision, Any] = {
    Decision.OURS: _("Our books are right"),
    Decision.THEIRS: _("Their figures are right"),
    Decision.TOLERANCE: _("Theirs within a tolerance"),
    Decision.ASK: _("A person decides"),
}
# Why figures were not read, by the refusal's code and the fact that it names; the first that fits.
_REFUSED: tuple[tuple[str, str, Any], ...] = (
    (
        "statement_outdated",
        "last_as_of",
        _(
            "The figures are of %(as_of)s, but newer ones of %(last_as_of)s were read already. Nothing was changed. Have the "
            "sender send current figures."
        ),
    ),
    (
        "statement_outdated",
        "last_sequence",
        _(
            "Number %(sequence)s came after number %(last_sequence)s, which was read already. Nothing was changed. Have the "
            "sender keep the order."
        ),
    ),
    (
        "statement_outdated",
        "as_of",
        _(
            "The figures are of %(as_of)s, older than agreed. Nothing was changed. Have the sender send current figures."
        ),
    ),
    (
        "statement_not_agreed",
        "",
        _(
            "What the figures mean, their place or their condition is not what was agreed. Change the agreement, or have the "
            "sender change the figures."
        ),
    ),
    (
        "statement_differs",
        "",
        _("Other figures came under a number that was read before. Have the sender give new figures a new number."),
    ),
    (
        "invalid_input",
        "as_of",
        _("The figures are of %(as_of)s, which is in the future. Have the sender’s clock checked."),
    ),
    (
        "invalid_input",
        "is_last",
        _(
            "Most of what is here was not named, though the figures were said to be complete: they probably broke off. Have "
            "the sender send all of them again."
        ),
    ),
)
REASONS = {name: words.REASONS[name] for name in ("missing", "found", "damaged", "stolen", "booking_error", "other")}


def cause(value: str) -> Any:
    """Return the short name of a likely cause; one that a count or a delivery wrote stays as it was written."""
    return CAUSES[Cause(value)] if value in Cause._value2member_map_ else value


def source(row: Listed) -> Any:
    """Return who found a difference: an outside source by its name, or what we did ourselves."""
    return row.source_name or OURSELVES.get(row.source, row.source)


def why(value: str, facts: Mapping[str, Any]) -> str:
    """Return the sentence that says why a difference may be there and what to do."""
    if value not in Cause._value2member_map_:
        return value
    try:
        return str(_WHY[Cause(value)]) % facts
    except KeyError:
        return str(CAUSES[Cause(value)])


def refused(one: Refused) -> dict[str, Any]:
    """Return figures that were not read as pages show them: from whom, of where and when, and why."""
    facts = {"as_of": _instant(one.as_of)} | {
        name: _instant(parse_datetime(str(value))) if name.endswith("as_of") else value
        for name, value in one.facts.items()
    }
    sentence = next(
        (
            str(words_for) % facts
            for code, fact, words_for in _REFUSED
            if code == one.code and (not fact or fact in one.facts or fact == one.facts.get("field"))
        ),
        one.sentence,
    )
    return {
        "one": one,
        "sentence": sentence,
        "place": locations.by_id(one.location_id).name if one.location_id is not None else "",
        "meaning": MEANINGS[one.meaning],
    }


def _instant(at: datetime | None) -> str:
    return date_format(localtime(at), "SHORT_DATETIME_FORMAT") if at is not None else "–"


def amount(minor: int, currency: str) -> str:
    """Return an amount as it is written in the reader's language."""
    return format_currency(Money(minor, currency).decimal, currency, locale=get_language() or "de")


def age(since: datetime, at: datetime) -> str:
    """Return how long something has been so, in the largest unit that fits."""
    hours = max(int((at - since).total_seconds() // 3600), 0)
    if hours >= 48:
        return npgettext("age", "%(n)s day", "%(n)s days", hours // 24) % {"n": hours // 24}
    return npgettext("age", "%(n)s hour", "%(n)s hours", hours) % {"n": hours}


def step(verb: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[str, str]:
    """Return what happened to a discrepancy in words, with an icon, from its audit."""
    old, new = before or {}, after or {}
    name = verb.rpartition(".")[2]
    if name == "follow":
        return str(_("New figures: ours %(expected)s, theirs %(found)s")) % new, "refresh-cw"
    if name == "repair":
        booked = new.get("repaired", 0) - old.get("repaired", 0)
        if not booked:
            return str(_("Nothing could be booked: the pieces are promised")), "circle-pause"
        return str(_("%(booked)s booked, %(left)s left")) % {
            "booked": f"{booked:+}",
            "left": f"{new.get('left', 0):+}",
        }, "pencil-line"
    if name == "settle":
        label, icon, _look = STATES[DiscrepancyState(new.get("state", "vanished"))]
        return str(label), icon
    return str(_("Found: expected %(expected)s, there are %(found)s")) % new, "circle-alert"
