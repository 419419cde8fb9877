"""Sharing in plain language: what a rule, a policy or an obligation says, as one sentence."""

from datetime import datetime, time
from typing import Any

from django.utils.formats import date_format, time_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from inventory.cascade import Contradiction, Purpose, RuleKind

KINDS: dict[str, Any] = {
    RuleKind.FIXED.value: gettext_lazy("Keep pieces back"),
    RuleKind.PERCENTAGE.value: gettext_lazy("Keep a percentage back"),
    RuleKind.CAP.value: gettext_lazy("Show at most"),
    RuleKind.CUT_OFF.value: gettext_lazy("Show nothing below"),
}
PURPOSES: dict[str, Any] = {
    Purpose.BUFFER.value: gettext_lazy("Safety: figures of channels lag behind"),
    Purpose.HOLDBACK.value: gettext_lazy("Walk-in: stays in the store for people who come in"),
}
STATES: dict[str, tuple[Any, str, str]] = {
    "draft": (gettext_lazy("Draft"), "pencil-line", "state-new"),
    "active": (gettext_lazy("Active"), "circle-check", "state-ok"),
    "retired": (gettext_lazy("Retired"), "archive", "state-done"),
}
CAUSES: dict[str, tuple[Any, str]] = {
    "tightened": (gettext_lazy("Tightened"), "arrow-up"),
    "released": (gettext_lazy("Loosened"), "arrow-down"),
    "undone": (gettext_lazy("Taken back"), "undo-2"),
}


def rule(row: Any) -> str:
    """Return what a rule says: "Web shop sees 2 pieces fewer of Lamps at Berlin Mitte, until 24 December"."""
    facts = {"who": _who(row), "n": row.amount, "what": what(row), "where": where(row)}
    if row.kind == RuleKind.FIXED:
        said = ngettext(
            "%(who)s sees %(n)s piece fewer of %(what)s %(where)s",
            "%(who)s sees %(n)s pieces fewer of %(what)s %(where)s",
            row.amount,
        )
    elif row.kind == RuleKind.PERCENTAGE:
        said = _("%(who)s does not see %(n)s per cent of what is on hand of %(what)s %(where)s")
    elif row.kind == RuleKind.CAP:
        said = ngettext(
            "%(who)s sees at most %(n)s piece of %(what)s %(where)s",
            "%(who)s sees at most %(n)s pieces of %(what)s %(where)s",
            row.amount,
        )
    else:
        said = ngettext(
            "%(who)s sees nothing of %(what)s %(where)s when less than %(n)s piece is left",
            "%(who)s sees nothing of %(what)s %(where)s when fewer than %(n)s pieces are left",
            row.amount,
        )
    return ", ".join([said % facts, *_when(row)])


def policy(row: Any) -> str:
    """Return what a dynamic policy says."""
    return _("%(who)s sees %(least)s to %(most)s pieces fewer of %(what)s %(where)s, by demand and lag") % {
        "who": _who(row),
        "least": row.minimum,
        "most": row.maximum,
        "what": what(row),
        "where": where(row),
    }


def obligation(row: Any) -> str:
    """Return what a channel was guaranteed."""
    said = ngettext(
        "%(who)s gets %(n)s piece of %(what)s %(where)s for sure",
        "%(who)s gets %(n)s pieces of %(what)s %(where)s for sure",
        row.quantity,
    )
    facts = {"who": row.channel.name, "n": row.quantity, "what": what(row), "where": where(row)}
    return ", ".join([said % facts, *_when(row)])


def contradiction(found: Contradiction) -> str:
    """Return what is wrong between two rules, and what happens."""
    facts = {"rule": found.rule.name, "other": found.other.name}
    if found.how == "equal_rank":
        return (
            _("“%(rule)s” and “%(other)s” are about the same and say different amounts. The stricter one counts.")
            % facts
        )
    if found.how == "loosens":
        return _("“%(rule)s” is the more special one and shows more than “%(other)s” meant to. It counts.") % facts
    return (
        _(
            "“%(rule)s” shows fewer pieces than “%(other)s” asks for before it shows any; both hold, one after the other."
        )
        % facts
    )


def what(row: Any) -> str:
    """Return what products a scope is about."""
    if row.product_id is not None:
        return str(row.product.name)
    return _("the category %(category)s") % {"category": row.category} if row.category else _("every product")


def where(row: Any) -> str:
    """Return what places a scope is about."""
    if row.location_id is not None:
        return _("at %(place)s") % {"place": row.location.name}
    return _("at the places of %(group)s") % {"group": row.group.name} if row.group_id is not None else _("everywhere")


def _who(row: Any) -> str:
    if row.channel_id is not None:
        return str(row.channel.name)
    is_holdback = getattr(row, "purpose", "") == Purpose.HOLDBACK
    return _("Every channel but the tills") if is_holdback else _("Every channel")


def _when(row: Any) -> list[str]:
    found = []
    if row.starts_at:
        found.append(_("from %(moment)s") % {"moment": _moment(row.starts_at)})
    if row.ends_at:
        found.append(_("until %(moment)s") % {"moment": _moment(row.ends_at)})
    first, last = getattr(row, "daily_from", None), getattr(row, "daily_until", None)
    if first and last:
        found.append(_("daily %(first)s to %(last)s") % {"first": _clock(first), "last": _clock(last)})
    return found


def _moment(at: datetime) -> str:
    return date_format(localtime(at), "SHORT_DATETIME_FORMAT")


def _clock(at: time) -> str:
    return time_format(at, "TIME_FORMAT")
