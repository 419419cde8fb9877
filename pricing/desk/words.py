"""Promotions, differences and findings as sentences that people read."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import format_currency, format_decimal
from django.utils import formats, timezone
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from pricing import assortment
from pricing.approving import Action, Measure, Rank, Standing, State
from pricing.differences import Change, Field, Kind
from pricing.promotions.terms import (
    Level,
    Mode,
)  # fmt: skip

MOST_NAMED = 4  # things in a sentence; the rest are counted
STATES = {
    State.DRAFT: gettext_lazy("Draft"),
    State.SUBMITTED: gettext_lazy("Waits for approval"),
    State.APPROVED: gettext_lazy("Approved"),
    State.PUBLISHED: gettext_lazy("Published"),
    State.DISCARDED: gettext_lazy("Discarded"),
}
STANDINGS = {
    Standing.SCHEDULED: gettext_lazy("Scheduled"),
    Standing.ACTIVE: gettext_lazy("In force"),
    Standing.SUPERSEDED: gettext_lazy("Superseded"),
    Standing.WITHDRAWN: gettext_lazy("Withdrawn"),
}
ICONS = {
    State.DRAFT: "edit_note", State.SUBMITTED: "hourglass_top", State.APPROVED: "task_alt", State.PUBLISHED: "rocket_launch",
    State.DISCARDED: "delete", Standing.SCHEDULED: "schedule", Standing.ACTIVE: "bolt", Standing.SUPERSEDED: "history",
    Standing.WITHDRAWN: "undo",
}  # fmt: skip
KINDS = {
    "percent_off": (gettext_lazy("Percentage off"), gettext_lazy("20 per cent off shoes"), "percent"),
    "amount_off": (gettext_lazy("Money off"), gettext_lazy("10.00 off from 50.00"), "savings"),
    "fixed_price": (gettext_lazy("Fixed price"), gettext_lazy("each lamp for 19.99"), "sell"),
    "buy_get": (gettext_lazy("Buy X, get Y"), gettext_lazy("three for two"), "exposure_plus_1"),
    "bundle": (gettext_lazy("Bundle"), gettext_lazy("pot and soil together for 24.00"), "deployed_code"),
    "tiered": (gettext_lazy("The more, the cheaper"), gettext_lazy("5 per cent from 100.00, 10 from 200.00"), "stairs"),
    "gift": (gettext_lazy("Gift"), gettext_lazy("a cup comes free with it"), "redeem"),
    "free_shipping": (gettext_lazy("Free shipping"), gettext_lazy("no delivery charge from 49.00"), "local_shipping"),
}
RANKS = {Rank.COLLEAGUE: gettext_lazy("colleague"), Rank.LEAD: gettext_lazy("person who answers for prices")}
ACTIONS = {
    Action.SUBMIT: gettext_lazy("Submit for approval"),
    Action.PUBLISH_IN_EMERGENCY: gettext_lazy("Emergency: in force at once"),
    Action.TAKE_BACK: gettext_lazy("Take back"),
    Action.REJECT: gettext_lazy("Reject"),
    Action.APPROVE: gettext_lazy("Approve"),
    Action.PUBLISH: gettext_lazy("Publish"),
    Action.DISCARD: gettext_lazy("Discard"),
}
VERDICTS = {
    "applied": gettext_lazy("applied"),
    "beaten": gettext_lazy("another one gives more"),
    "excluded": gettext_lazy("never together with another one"),
    "used_up": gettext_lazy("its limit is used up"),
    "minimum_not_reached": gettext_lazy("the minimum is not reached"),
    "no_effect": gettext_lazy("takes nothing off here"),
}
FORFEITS = {
    "promotion_cap": gettext_lazy("its own cap"),
    "budget": gettext_lazy("the budget"),
    "margin_floor": gettext_lazy("the margin floor"),
    "basket_cap": gettext_lazy("the cap of the basket"),
}
MODES = {
    Mode.STACK: gettext_lazy("all of them, each on what the ones before left"),
    Mode.IN_ORDER: gettext_lazy("the first that gives something"),
    Mode.BEST: gettext_lazy("the one that is best for the customer"),
    Mode.LOWEST: gettext_lazy("the one that gives least"),
}
LEVELS = {
    Level.LINE: gettext_lazy("on each line"),
    Level.ORDER: gettext_lazy("once on the order"),
    Level.UNIT: gettext_lazy("on each piece"),
}
# Paths of a promotion's document, as the form names them; the longest that fits counts.
PATHS = {
    "name": gettext_lazy("Name"),
    "benefit": gettext_lazy("Benefit"),
    "benefit.basis_points": gettext_lazy("Percentage"),
    "benefit.amount_minor": gettext_lazy("Amount"),
    "benefit.tiers": gettext_lazy("Tiers"),
    "benefit.buy": gettext_lazy("Bought pieces"),
    "benefit.get": gettext_lazy("Rewarded pieces"),
    "goods": gettext_lazy("Goods"),
    "goods.products": gettext_lazy("Products"),
    "goods.categories": gettext_lazy("Categories"),
    "goods.except_products": gettext_lazy("Products left out"),
    "goods.except_categories": gettext_lazy("Categories left out"),
    "conditions": gettext_lazy("Conditions"),
    "conditions.valid_from": gettext_lazy("Begins"),
    "conditions.valid_until": gettext_lazy("Ends"),
    "conditions.hours": gettext_lazy("Times of the week"),
    "conditions.channels": gettext_lazy("Channels"),
    "conditions.countries": gettext_lazy("Countries"),
    "conditions.minimum": gettext_lazy("Minimum"),
    "conditions.coupon": gettext_lazy("Coupon"),
    "conditions.stock": gettext_lazy("Stock"),
    "announced_at": gettext_lazy("First announced"),
    "priority": gettext_lazy("Priority"),
    "phase": gettext_lazy("Phase"),
    "group": gettext_lazy("Group"),
    "base": gettext_lazy("Counts from"),
    "cap_minor": gettext_lazy("At most in one basket"),
    "excludes": gettext_lazy("Never together with"),
    "limits": gettext_lazy("Limits"),
    "limits.budget_minor": gettext_lazy("Budget"),
    "limits.uses": gettext_lazy("Uses in all"),
    "limits.uses_per_customer": gettext_lazy("Uses per customer"),
    "limits.uses_per_code": gettext_lazy("Uses per code"),
    "stacking": gettext_lazy("How promotions share a basket"),
    "stacking.groups": gettext_lazy("Groups"),
    "stacking.basket_cap_basis_points": gettext_lazy("Cap of a basket"),
    "stacking.basket_cap_minor": gettext_lazy("Cap of a basket"),
    "stacking.minimum_margin_basis_points": gettext_lazy("Margin floor"),
    "stacking.override_basis_points": gettext_lazy("Prices by hand"),
    "policy": gettext_lazy("Which list wins"),
    "tax_rounding": gettext_lazy("Rounding of VAT"),
}


# --- figures ------------------------------------------------------------------------------------------------------------


def _locale() -> str:
    return "de" if (get_language() or "de").startswith("de") else "en_GB"


def money(minor: int, currency: str = assortment.CURRENCY) -> str:
    """Return an amount as the reader's language writes it. Amounts of promotions are in the currency of the basket."""
    return format_currency(minor / 100, currency, locale=_locale())


def count(figure: int) -> str:
    """Return a number as the reader's language writes it."""
    return str(format_decimal(figure, locale=_locale()))


def percent(basis_points: int) -> str:
    """Return basis points as a percentage: 1250 is "12.5 %"."""
    return f"{format_decimal(basis_points / 100, format='#,##0.##', locale=_locale())} %"


def instant(at: datetime, zone: str = "Europe/Berlin") -> str:
    """Return an instant by the clock on the wall."""
    return formats.date_format(at.astimezone(ZoneInfo(zone)), "SHORT_DATETIME_FORMAT")


def window(begins: datetime | None, ends: datetime | None) -> str:
    """Return when something holds, in words."""
    if begins and ends:
        return _("%(begins)s to %(ends)s") % {"begins": instant(begins), "ends": instant(ends)}
    if begins:
        return _("from %(begins)s on") % {"begins": instant(begins)}
    if ends:
        return _("until %(ends)s") % {"ends": instant(ends)}
    return _("without an end")


def listed(names: Sequence[object]) -> str:
    """Return the first few of some names, and how many more there are."""
    shown = ", ".join(str(name) for name in names[:MOST_NAMED])
    more = len(names) - MOST_NAMED
    if more > 0:
        return ngettext("%(names)s and %(count)s more", "%(names)s and %(count)s more", more) % {
            "names": shown, "count": more,
        }  # fmt: skip
    return shown


# --- differences --------------------------------------------------------------------------------------------------------


def path(name: str) -> str:
    """Return what a form calls a field of a document."""
    while name:
        if name in PATHS:
            return str(PATHS[name])
        name = name.rpartition(".")[0]
    return _("Other")


def value(name: str, given: Any) -> str:
    """Return the value of a field of a document as people read it."""
    if given is None or given == [] or given == {}:
        return "–"
    last = name.rpartition(".")[2]
    if isinstance(given, bool):
        return _("yes") if given else _("no")
    if last.endswith("basis_points") and isinstance(given, int):
        return percent(given)
    if last.endswith("_minor") and isinstance(given, int):
        return money(given)
    if last in ("valid_from", "valid_until", "announced_at") and isinstance(given, str):
        return instant(datetime.fromisoformat(given))
    if isinstance(given, Mapping):
        return "; ".join(f"{path(f'{name}.{inner}')}: {value(f'{name}.{inner}', one)}" for inner, one in given.items())
    if isinstance(given, list):
        return listed([value(name, one) for one in given])
    return str(given)


def noted(change: str) -> str:
    """Return a change as the audit notes it ("added SUMMER") in the reader's language."""
    kind, _blank, name = change.partition(" ")
    said = {
        Kind.ADDED.value: gettext_lazy("%(name)s added"), Kind.REMOVED.value: gettext_lazy("%(name)s taken out"),
        Kind.CHANGED.value: gettext_lazy("%(name)s changed"),
    }.get(kind)  # fmt: skip
    return str(said) % {"name": name} if said else change


def change(one: Change) -> dict[str, Any]:
    """Return a change of a promotion for the page."""
    words = {Kind.ADDED: _("new"), Kind.REMOVED: _("goes away"), Kind.CHANGED: _("changes")}
    return {
        "id": one.promotion_id, "name": one.name, "kind": one.kind.value, "word": words[one.kind],
        "fields": fields(one.fields),
    }  # fmt: skip


def fields(changed: Iterable[Field]) -> list[dict[str, str]]:
    """Return changed fields for the page, with how much a figure rises or falls."""
    return [
        {
            "path": path(one.path), "before": value(one.path, one.before), "after": value(one.path, one.after),
            "step": _step(one),
        }
        for one in changed
    ]  # fmt: skip


def _step(one: Field) -> str:
    if not (type(one.before) is int and type(one.after) is int):
        return ""
    difference = one.after - one.before
    return ("+" if difference > 0 else "−") + value(one.path, abs(difference))


# --- approvals ----------------------------------------------------------------------------------------------------------


def needed(approvals: Mapping[str, int] | Mapping[Rank, int]) -> str:
    """Say which approvals are needed or missing."""
    return _(" and ").join(
        _("%(count)s × %(rank)s") % {"count": count, "rank": RANKS[Rank(rank)]} for rank, count in approvals.items()
    )


def threshold(measure: str, limit: int, found: int | None, place: str = "") -> str:
    """Say which threshold was reached, by what and where."""
    shown = {
        Measure.ANY_CHANGE: gettext_lazy("%(found)s changes (from %(limit)s on)"),
        Measure.DEPTH: gettext_lazy("deepest discount %(found)s (from %(limit)s on)"),
        Measure.PRODUCTS: gettext_lazy("%(found)s products touched (from %(limit)s on)"),
        Measure.REVENUE: gettext_lazy("revenue of these products in four weeks: %(found)s (from %(limit)s on)"),
        Measure.MARGIN: gettext_lazy("lowest margin %(found)s (below %(limit)s)"),
    }[Measure(measure)]
    tell = Measure(measure)
    said = str(shown) % {
        "found": _("not known") if found is None else _measured(tell, found), "limit": _measured(tell, limit),
    }  # fmt: skip
    return _("%(what)s in %(place)s") % {"what": said, "place": place} if place else said


def limit(measure: str, least: int) -> str:
    """Say from when on a threshold counts."""
    said = {
        Measure.ANY_CHANGE: gettext_lazy("from %(limit)s changes on"),
        Measure.DEPTH: gettext_lazy("from a discount of %(limit)s on"),
        Measure.PRODUCTS: gettext_lazy("from %(limit)s products on"),
        Measure.REVENUE: gettext_lazy("from a revenue of %(limit)s in four weeks on"),
        Measure.MARGIN: gettext_lazy("below a margin of %(limit)s"),
    }[Measure(measure)]
    return str(said) % {"limit": _measured(Measure(measure), least)}


def _measured(measure: Measure, figure: int) -> str:
    if measure in (Measure.DEPTH, Measure.MARGIN):
        return percent(figure)
    return money(figure) if measure is Measure.REVENUE else count(figure)


def local(at: datetime) -> datetime:
    """Return an instant by the clock of the trade."""
    return timezone.localtime(at, ZoneInfo("Europe/Berlin"))
