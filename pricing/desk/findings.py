"""What is wrong with a draft as sentences, each with its way out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pricing import assortment
from pricing.announced import Looked
from pricing.claims import ExemptionKind
from pricing.conflicts import Code, Finding
from pricing.desk.words import count, instant, listed, money, percent

KINDS = {
    ExemptionKind.PERISHABLE: gettext_lazy("perishable, about to spoil"),
    ExemptionKind.SHORT_SHELF_LIFE: gettext_lazy("short shelf life, about to expire"),
    ExemptionKind.INDIVIDUAL: gettext_lazy("reduced individually, for one customer at a time"),
}


def finding(one: Finding, names: Mapping[str, str]) -> dict[str, Any]:
    """Return what is wrong, and the way out, for the page. `names` are those of promotions by id."""
    said, way_out = _FINDINGS[one.code]
    currency = str(one.facts.get("currency", assortment.CURRENCY))
    facts: dict[str, Any] = {key: _fact(key, given, currency) for key, given in one.facts.items()}
    facts |= {"one": _called(one.promotions, 0, names), "other": _called(one.promotions, 1, names)}
    facts.setdefault("count", "")
    facts.setdefault("names", "")
    if one.code is Code.IMPOSSIBLE_WINDOW and one.facts.get("hours"):
        said = gettext_lazy("None of the times of the week of %(one)s lies between %(begins)s and %(ends)s.")
    if one.code is Code.BELOW_COST and "places" in one.facts:
        said = gettext_lazy("%(one)s sells %(count)s products below cost (%(places)s): %(skus)s")
    if one.code is Code.UNTRUE_CLAIM:
        said, way_out = _untrue(one.facts)
    if one.code is Code.EXEMPT_CLAIM and not one.facts.get("claimed"):
        said = gettext_lazy(
            "%(one)s announces lower prices of %(count)s products that need no prior price (%(kinds)s): %(skus)s"
        )
    return {
        "key": one.key, "code": one.code.value, "severity": one.severity.value, "promotions": list(one.promotions),
        "text": str(said) % facts, "way_out": str(way_out) % facts,
    }  # fmt: skip


def looked_at(looked: Looked) -> str:
    """Say which announced percentages were held against prices of the past, and which were not."""
    if not looked.channels:
        return ""
    said = ngettext(
        "Reductions announced of %(products)s product were held against what it cost on %(channels)s.",
        "Reductions announced of %(products)s products were held against what they cost on %(channels)s.", looked.products,
    ) % {"products": count(looked.products), "channels": ", ".join(looked.channels)}  # fmt: skip
    if looked.left_out:
        said += " " + _(
            "Of %(all)s pasts (a product on a channel) %(left_out)s were not looked at yet: that happens when you submit it."
        ) % {"all": count(looked.pasts), "left_out": count(looked.left_out)}  # fmt: skip
    return said


def _untrue(facts: Mapping[str, object]) -> tuple[Any, Any]:
    """Return what is said of a reduction that is none, and the way out."""
    if facts.get("prior_minor") is None:
        return (
            gettext_lazy("%(one)s announces a reduction, but %(sku)s has no price of the last 30 days on %(channel)s."),
            gettext_lazy("Begin later, or leave these products out (§ 11 PAngV)."),
        )
    if "claimed_minor" in facts:
        return (
            gettext_lazy(
                "%(one)s announces %(claimed_minor)s off, but by the lowest price of 30 days (%(prior_minor)s) %(sku)s saves "
                "%(true_minor)s on %(channel)s."
            ),
            gettext_lazy("Announce what is really saved (§ 11 PAngV), begin later, or leave these products out."),
        )  # fmt: skip
    if "true_minor" in facts:
        return (
            gettext_lazy(
                "%(one)s announces %(price_minor)s as a reduced price, but %(sku)s cost %(prior_minor)s within 30 days on "
                "%(channel)s."
            ),
            gettext_lazy("Choose a lower price (§ 11 PAngV), begin later, or leave these products out."),
        )  # fmt: skip
    return _FINDINGS[Code.UNTRUE_CLAIM]


def _called(promotions: Sequence[str], place: int, names: Mapping[str, str]) -> str:
    if place >= len(promotions):
        return ""
    return f"“{names.get(promotions[place], promotions[place])}”"


def _fact(key: str, given: object, currency: str) -> str:
    if key in ("begins", "ends"):
        return instant(datetime.fromisoformat(str(given)))
    if key in ("depth", "claimed", "true") and isinstance(given, int):
        return percent(given)
    if key.endswith("_minor") and isinstance(given, int):
        return money(given, currency)
    if key == "kinds" and isinstance(given, list):
        return ", ".join(str(KINDS[ExemptionKind(kind)]) for kind in given)
    if key == "at_least" and isinstance(given, int):
        return str(given)
    if isinstance(given, list | tuple):
        return listed(given)
    return str(given)


_FINDINGS = {
    Code.IMPOSSIBLE_WINDOW: (
        gettext_lazy("%(one)s never holds: it would begin at %(begins)s and end at %(ends)s."),
        gettext_lazy("Move the window of the promotion or of the draft."),
    ),
    Code.NO_GOODS: (
        gettext_lazy("%(one)s means no goods that we sell: %(names)s"),
        gettext_lazy("Choose products or categories that exist."),
    ),
    Code.UNKNOWN_GOODS: (
        gettext_lazy("%(one)s names goods that we don't have: %(names)s"),
        gettext_lazy("Take them out, or say that they are to come."),
    ),
    Code.NEVER_WINS: (
        gettext_lazy("%(one)s never wins: %(other)s always gives more on the same goods."),
        gettext_lazy("Take one of the two out, or put them into different groups."),
    ),
    Code.DOUBLE_DISCOUNT: (
        gettext_lazy("%(one)s and %(other)s add up to %(depth)s on %(count)s products."),
        gettext_lazy("Put both into a group where the best one wins, exclude one from the other, or say why it is meant."),
    ),
    Code.BELOW_COST: (
        gettext_lazy("%(one)s sells %(count)s products below cost: %(skus)s"),
        gettext_lazy("Give less, leave these products out, or say why."),
    ),
    Code.BELOW_ZERO_EFFECT: (
        gettext_lazy("%(one)s takes nothing off."),
        gettext_lazy("Enter what it gives, or take it out."),
    ),
    Code.COUPON_COLLISION: (
        gettext_lazy("%(one)s and %(other)s are unlocked by the same codes by accident: %(codes)s"),
        gettext_lazy("Give each its own codes, or exactly the same ones."),
    ),
    Code.TIER_INVERSION: (
        gettext_lazy("From %(at_least)s on %(one)s takes off less than just before: %(after_minor)s instead of %(before_minor)s."),
        gettext_lazy("Let each tier give at least as much as the one before."),
    ),
    Code.UNTRUE_CLAIM: (
        gettext_lazy(
            "%(one)s announces %(claimed)s, but by the lowest price of 30 days %(sku)s saves %(true)s on %(channel)s."
        ),
        gettext_lazy("Announce the true percentage (§ 11 PAngV), begin later, or leave these products out."),
    ),
    Code.EXEMPT_CLAIM: (
        gettext_lazy("%(one)s announces %(claimed)s of %(count)s products that need no prior price (%(kinds)s): %(skus)s"),
        gettext_lazy("Say at the goods why they are reduced (§ 11 (4) PAngV) and note here how, or end the exemption."),
    ),
    Code.UNKNOWN_EXCLUSION: (
        gettext_lazy("%(one)s excludes “%(name)s”, which there is not."),
        gettext_lazy("Take the name out, or choose a promotion that is there."),
    ),
}  # fmt: skip
