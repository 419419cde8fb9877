"""Promotions as sentences: what one gives, on which goods, when, for whom, how much of it there is."""

from typing import Any

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pricing.desk.words import KINDS, LEVELS, listed, money, percent, window
from pricing.promotions import documents
from pricing.promotions.terms import (
    AmountOff,
    Base,
    Bundle,
    BuyGet,
    Conditions,
    Coupon,
    FixedPrice,
    FreeShipping,
    Gift,
    Goods,
    Grant,
    Hours,
    PercentOff,
    Policy,
    Promotion,
    Reward,
    Tiered,
)
from pricing.promotions.terms import Measure as Counted


def row(promotion: Promotion) -> dict[str, Any]:
    """Return a promotion for a page."""
    return {
        "promotion": promotion, "benefit": benefit(promotion), "conditions": conditions(promotion), "limits": limits(promotion),
        "kind": KINDS[documents.kind_of(promotion.benefit)],
    }  # fmt: skip


def goods(terms: Goods) -> str:
    """Say which goods are meant."""
    named = [*terms.categories, *terms.products]
    text = listed(named) if named else _("all goods")
    left_out = [*terms.except_categories, *terms.except_products]
    return _("%(goods)s except %(left_out)s") % {"goods": text, "left_out": listed(left_out)} if left_out else text


def reward(terms: Reward) -> str:
    """Say what rewarded pieces get."""
    if terms.basis_points is not None:
        return (
            _("free") if terms.basis_points == 10_000 else _("%(share)s off") % {"share": percent(terms.basis_points)}
        )
    if terms.amount_minor is not None:
        return _("%(amount)s off") % {"amount": money(terms.amount_minor)}
    return _("for %(amount)s") % {"amount": money(terms.price_minor or 0)}


def benefit(promotion: Promotion) -> str:
    """Say in one sentence what a promotion gives on which goods."""
    terms, on = promotion.benefit, goods(promotion.goods)
    if isinstance(terms, PercentOff):
        return _("%(share)s off %(goods)s, %(level)s") % {
            "share": percent(terms.basis_points), "goods": on, "level": LEVELS[terms.level],
        }  # fmt: skip
    if isinstance(terms, AmountOff):
        return _("%(amount)s off %(goods)s, %(level)s") % {
            "amount": money(terms.amount_minor), "goods": on, "level": LEVELS[terms.level],
        }  # fmt: skip
    if isinstance(terms, FixedPrice):
        return _("Each piece of %(goods)s for %(amount)s") % {"goods": on, "amount": money(terms.amount_minor)}
    if isinstance(terms, BuyGet):
        said = _("For %(buy)s of %(goods)s bought, %(get)s more of %(other)s: %(reward)s") % {
            "buy": terms.buy, "get": terms.get, "goods": on, "reward": reward(terms.reward),
            "other": goods(terms.rewarded) if terms.rewarded else _("the same"),
        }  # fmt: skip
        if terms.policy is Policy.CHEAPEST_OVERALL:
            said += " · " + _("the cheapest of all pieces")
        return said + (" · " + _("at most %(count)s times") % {"count": terms.most_sets} if terms.most_sets else "")
    if isinstance(terms, Bundle):
        parts = " + ".join(f"{part.quantity} × {goods(part.goods)}" for part in terms.parts)
        return _("Together: %(parts)s: %(reward)s") % {"parts": parts, "reward": reward(terms.reward)}
    if isinstance(terms, Tiered):
        steps = ", ".join(
            _("from %(step)s %(gain)s") % {
                "step": money(tier.at_least) if terms.measure is Counted.AMOUNT else tier.at_least,
                "gain": money(tier.amount_minor) if tier.amount_minor is not None else percent(tier.basis_points or 0),
            }
            for tier in terms.tiers
        )  # fmt: skip
        return _("Off %(goods)s: %(steps)s") % {"goods": on, "steps": steps}
    if isinstance(terms, Gift):
        return _("%(count)s × %(sku)s comes free with %(goods)s") % {
            "count": terms.quantity,
            "sku": terms.sku,
            "goods": on,
        }
    if isinstance(terms, FreeShipping) and terms.at_most_minor:
        return _("No delivery charge, up to %(amount)s") % {"amount": money(terms.at_most_minor)}
    return _("No delivery charge")


def conditions(promotion: Promotion) -> list[str]:
    """Say when and for whom a promotion holds, a sentence for each condition; none says: always and for everyone."""
    terms = promotion.conditions
    said: list[str] = []
    if terms.valid_from or terms.valid_until:
        said.append(window(terms.valid_from, terms.valid_until))
    said += [hours(one) for one in terms.hours]
    for text, values in (
        (gettext_lazy("on %(names)s"), terms.channels),
        (gettext_lazy("in %(names)s"), terms.countries),
        (gettext_lazy("paid in %(names)s"), terms.currencies),
        (gettext_lazy("at %(names)s"), terms.locations),
        (gettext_lazy("paid by %(names)s"), terms.payment_methods),
        (gettext_lazy("for the customer groups %(names)s"), terms.customer_groups),
        (gettext_lazy("for the segments %(names)s"), terms.segments),
        (gettext_lazy("not for the segments %(names)s"), terms.except_segments),
        (gettext_lazy("for the loyalty tiers %(names)s"), terms.loyalty_tiers),
    ):
        if values:
            said.append(str(text) % {"names": listed(values)})
    if terms.is_first_order is not None:
        said.append(
            _("on a customer's first order") if terms.is_first_order else _("from a customer's second order on")
        )
    if terms.minimum is not None:
        said.append(_minimum(terms))
    if terms.coupon is not None:
        said.append(coupon(terms.coupon))
    if terms.stock is not None:
        stock = terms.stock
        if stock.least_available is not None:
            said.append(_("while at least %(count)s pieces are there") % {"count": stock.least_available})
        if stock.least_cover_days is not None:
            said.append(_("while stock lasts for at least %(count)s days") % {"count": stock.least_cover_days})
        if stock.most_cover_days is not None:
            said.append(_("while stock lasts for at most %(count)s days") % {"count": stock.most_cover_days})
    return said


def _minimum(terms: Conditions) -> str:
    minimum = terms.minimum
    assert minimum is not None  # noqa: S101 (its only caller asked)
    wanted = [money(minimum.amount_minor)] if minimum.amount_minor else []
    if minimum.quantity:
        wanted.append(ngettext("%(count)s piece", "%(count)s pieces", minimum.quantity) % {"count": minimum.quantity})
    text = _("from %(wanted)s of %(goods)s on") % {"wanted": _(" and ").join(wanted), "goods": goods(minimum.goods)}
    return text + (" " + _("before discounts") if minimum.counted is Base.ORIGINAL else "")


def hours(one: Hours) -> str:
    """Say a time of the week."""
    days = ", ".join(str(WEEKDAYS_ABBR[day - 1]) for day in one.weekdays) if len(one.weekdays) < 7 else _("every day")
    if one.starts == one.ends:
        return days
    return _("%(days)s %(starts)s to %(ends)s") % {
        "days": days, "starts": f"{one.starts:%H:%M}", "ends": f"{one.ends:%H:%M}",
    }  # fmt: skip


def coupon(terms: Coupon) -> str:
    """Say which codes unlock a promotion."""
    names = [*terms.codes, *(f"{prefix}…" for prefix in terms.prefixes)]
    said = [_("with the code %(names)s") % {"names": listed(names)}] if names else []
    if terms.batches:
        said.append(_("with a code of the batch %(names)s") % {"names": listed(terms.batches)})
    return _(" or ").join(said)


def limits(promotion: Promotion) -> list[str]:
    """Say what of a promotion is limited."""
    terms, said = promotion.limits, []
    if promotion.cap_minor is not None:
        said.append(_("at most %(amount)s in one basket") % {"amount": money(promotion.cap_minor)})
    if terms.budget_minor is not None:
        text = _("a budget of %(amount)s") % {"amount": money(terms.budget_minor)}
        said.append(text + (" " + _("(all or nothing)") if terms.grant is Grant.ALL_OR_NOTHING else ""))
    for count, text in (
        (terms.uses, gettext_lazy("%(count)s uses in all")),
        (terms.uses_per_customer, gettext_lazy("%(count)s per customer")),
        (terms.uses_per_code, gettext_lazy("%(count)s per code")),
    ):
        if count is not None:
            said.append(str(text) % {"count": count})
    return said
