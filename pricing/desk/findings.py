"""What is wrong with a draft as sentences, each with its way out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy

from pricing.conflicts import Code, Finding
from pricing.desk.words import instant, listed, money, percent


def finding(one: Finding, names: Mapping[str, str]) -> dict[str, Any]:
    """Return what is wrong, and the way out, for the page. `names` are those of promotions by id."""
    said, way_out = _FINDINGS[one.code]
    facts: dict[str, Any] = {key: _fact(key, given) for key, given in one.facts.items()}
    facts |= {"one": _called(one.promotions, 0, names), "other": _called(one.promotions, 1, names)}
    facts.setdefault("count", "")
    facts.setdefault("names", "")
    if one.code is Code.IMPOSSIBLE_WINDOW and one.facts.get("hours"):
        said = gettext_lazy("None of the times of the week of %(one)s lies between %(begins)s and %(ends)s.")
    return {
        "key": one.key, "code": one.code.value, "severity": one.severity.value, "promotions": list(one.promotions),
        "text": str(said) % facts, "way_out": str(way_out) % facts,
    }  # fmt: skip


def _called(promotions: Sequence[str], place: int, names: Mapping[str, str]) -> str:
    if place >= len(promotions):
        return ""
    return f"“{names.get(promotions[place], promotions[place])}”"


def _fact(key: str, given: object) -> str:
    if key in ("begins", "ends"):
        return instant(datetime.fromisoformat(str(given)))
    if key in ("depth", "claimed", "true") and isinstance(given, int):
        return percent(given)
    if key.endswith("_minor") and isinstance(given, int):
        return money(given)
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
        gettext_lazy("%(one)s announces %(claimed)s, but by the lowest price of 30 days %(sku)s saves %(true)s."),
        gettext_lazy("Announce the true percentage (§ 11 PAngV), begin later, or leave these products out."),
    ),
    Code.UNKNOWN_EXCLUSION: (
        gettext_lazy("%(one)s excludes “%(name)s”, which there is not."),
        gettext_lazy("Take the name out, or choose a promotion that is there."),
    ),
}  # fmt: skip
