"""Promises in the reader's words: the parts of a figure, policies of backorders, limits per customer."""

from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from inventory.cascade import OBLIGATION
from inventory.promise_dates import PolicyKind
from inventory.promising.promises import Part, What

PARTS: dict[What, Any] = {
    What.ON_HAND: _("on hand"),
    What.ALLOCATED: _("promised to orders"),
    What.WAITING: _("of these, promised from goods to come"),
    What.HELD: _("in other baskets, may come back"),
    What.WITHHELD: _("withheld"),
    What.UNROUTED: _("promised to orders that have no place yet"),
}
KINDS: dict[str, Any] = {
    PolicyKind.BACKORDER.value: _("Backorder"),
    PolicyKind.PREORDER.value: _("Preorder"),
}
SOURCES: dict[str, Any] = {"purchase_order": _("from a supplier"), "transfer": _("from another place")}


def part(one: Part) -> str:
    """Say what a part of a figure is."""
    if one.what is not What.WITHHELD:
        return str(PARTS[one.what])
    if one.kind == OBLIGATION:
        return _now("guaranteed to another channel")
    return _now("withheld by “%(rule)s”") % {"rule": one.name}


def policy(row: Any) -> str:
    """Say in a sentence what a policy of backorders allows."""
    sentence = ngettext(
        "At most %(count)d piece of %(goods)s at %(place)s may be promised before it is there",
        "At most %(count)d pieces of %(goods)s at %(place)s may be promised before they are there",
        row.cap,
    ) % {
        "count": row.cap,
        "goods": _named(row.product)
        if row.product
        else _now("every product of “%(category)s”") % {"category": row.category},
        "place": row.location.name if row.location else _now("each place"),
    }
    return f"{sentence}{_when(row)}."


def _when(row: Any) -> str:
    if row.release_on is not None:
        return _now(", released on %(day)s") % {"day": date_format(row.release_on, "SHORT_DATE_FORMAT")}
    if row.lead_days is not None:
        days = ngettext("%(count)d day", "%(count)d days", row.lead_days) % {"count": row.lead_days}
        return _now(", from deliveries on their way or within %(days)s") % {"days": days}
    return _now(", from deliveries on their way")


def limit(row: Any) -> str:
    """Say in a sentence what a limit per customer is."""
    return ngettext(
        "One customer may have %(count)d piece of %(sku)s from %(start)s to %(end)s.",
        "One customer may have %(count)d pieces of %(sku)s from %(start)s to %(end)s.",
        row.quantity,
    ) % {
        "count": row.quantity,
        "sku": _named(row.product),
        "start": _moment(row.starts_at),
        "end": _moment(row.ends_at),
    }


def _named(product: Any) -> str:
    return f"{product.name} ({product.sku})"


def _moment(at: Any) -> str:
    return date_format(localtime(at), "SHORT_DATETIME_FORMAT")
