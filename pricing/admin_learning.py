"""Pages about what was learnt: results of campaigns, and how sales answer to prices."""

from collections.abc import Sequence
from datetime import timedelta
from math import log
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from commerce import catalog, clock
from commerce.admin_base import granted, money
from commerce.roles import Permission
from pricing.learning import campaigns, findings, sales
from pricing.learning.campaigns import Effect
from pricing.learning.elasticity import Elasticity, TooLittle

BEST_SHOWN = 30
MOST_ASKED = 50
WIDTH, HEIGHT, EDGE = 480, 240, 12
WHY_NOT = {
    TooLittle.FEW_WEEKS: gettext_lazy("Not enough data: it sold in fewer than 20 weeks."),
    TooLittle.ONE_PRICE: gettext_lazy("Not enough data: its price hardly changed, so nothing can be compared."),
    TooLittle.SEASON: gettext_lazy(
        "Not enough data: its price changed only with the season, so the two can’t be told apart."
    ),
    TooLittle.WIDE: gettext_lazy("Not enough data: the sales differ so much that anything is possible."),
    campaigns.TooLittle.NOT_BEGUN: gettext_lazy("Not enough data: it has no day with stock yet."),
    campaigns.TooLittle.FEW_DAYS: gettext_lazy(
        "Not enough data: there are fewer than 14 days with stock before it began."
    ),
    campaigns.TooLittle.FEW_SALES: gettext_lazy(
        "Not enough data: fewer than 20 pieces were sold in the four weeks before."
    ),
}


def results(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show the campaigns that have begun, and what the chosen one brought."""
    _check(request)
    at = clock.now()
    known = findings.all_campaigns(at)
    wanted = request.GET.get("promotion", "")
    chosen = next((one for one in known if one.promotion.id == wanted), None)
    if wanted and chosen is None:
        raise Http404
    found = findings.result(chosen, at=at, currency=request.GET.get("currency", "")) if chosen else None
    facts = {
        "title": _("Results of campaigns"),
        "campaigns": [
            {"id": one.promotion.id, "name": one.promotion.name, "starts_at": one.starts_at, "ends_at": one.ends_at,
             "is_chosen": one is chosen}
            for one in known
        ],
        "result": _told(found) if found else None,
        "is_unknown": chosen is not None and found is None,
    }  # fmt: skip
    return render(request, "admin/pricing/results.html", {**context, **facts})


def _told(found: findings.Result) -> dict[str, Any]:
    promotion, currency = found.campaign.promotion, found.currency
    budget = promotion.limits.budget_minor
    told: dict[str, Any] = {
        "name": promotion.name, "id": promotion.id, "currency": currency, "currencies": found.currencies,
        "first": found.first, "last": found.last, "products": found.products,
        "orders": found.given.orders, "discount": money(found.given.discount_minor, currency),
        "budget": money(budget, currency) if budget else "",
        "budget_share": _share(found.given.discount_minor / budget) if budget else "",
        "own": _effect(found.effect, currency), "others": _effect(found.others, currency),
        "margin": money(found.margin_minor, currency) if found.margin_minor is not None else "",
        "expected_margin": money(found.expected_margin_minor, currency) if found.expected_margin_minor is not None else "",
    }  # fmt: skip
    if found.margin_minor is not None and found.expected_margin_minor is not None:
        told["margin_change"] = money(found.margin_minor - found.expected_margin_minor, currency)
    return told


def _effect(found: Effect | campaigns.TooLittle, currency: str) -> dict[str, Any]:
    if isinstance(found, campaigns.TooLittle):
        return {"why_not": WHY_NOT[found]}
    top = max(float(found.sold), found.expected + max(found.high, 0.0), 1.0)
    return {
        "sold": found.sold, "expected": round(found.expected), "more": _signed(found.pieces),
        "low": _signed(found.low), "high": _signed(found.high), "is_clear": found.is_clear,
        "uplift": _share(found.uplift) if found.uplift is not None else "", "days": found.days,
        "revenue": money(found.revenue_minor, currency), "expected_revenue": money(found.expected_revenue_minor, currency),
        "market": _share(found.market - 1), "sold_width": round(100 * found.sold / top, 1),
        "expected_width": round(100 * found.expected / top, 1),
    }  # fmt: skip


def elasticities(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show how the sales of products answer to their prices: of those asked for, or of those that sell best."""
    _check(request)
    port = sales.port()
    span = port.span() if port else None
    asked = [one.strip() for one in request.GET.get("sku", "").replace(",", " ").split() if one.strip()][:MOST_ASKED]
    rows: list[dict[str, Any]] = []
    unknown: list[str] = []
    if port and span:
        last = span[1]
        known = catalog.ids_of(asked) if asked else {}
        unknown = [sku for sku in asked if sku not in known]
        first = last - timedelta(weeks=findings.WEEKS)
        ids: Sequence[int] = [known[sku].id for sku in asked if sku in known] or (
            [] if asked else port.best(first, last, BEST_SHOWN)
        )
        products = catalog.products_by_id(ids)
        for product_id, one in findings.elasticities(ids, last=last).items():
            product = products.get(product_id)
            if product is not None:
                rows.append({"sku": product.sku, "name": product.name, **_row(one, has_chart=len(asked) == 1)})
        rows.sort(key=lambda row: (not row["is_told"], row["order"]))
    facts = {
        "title": _("Price elasticity"), "rows": rows, "asked": " ".join(asked), "unknown": unknown, "span": span,
        "told": sum(row["is_told"] for row in rows), "chart": rows[0].get("chart") if len(rows) == 1 else None,
    }  # fmt: skip
    return render(request, "admin/pricing/elasticity.html", {**context, **facts})


def _row(one: findings.Answer, *, has_chart: bool) -> dict[str, Any]:
    found = one.found
    if isinstance(found, TooLittle):
        return {"is_told": False, "why_not": WHY_NOT[found], "order": 0.0}
    return {
        "is_told": True, "order": found.value, "value": _number(found.value), "low": _number(found.low),
        "high": _number(found.high), "weeks": found.weeks, "fit": _share(found.r_squared), "is_clear": found.is_clear,
        "answer": _answer(found), "chart": _chart(found, one.currency) if has_chart else None,
    }  # fmt: skip


def _answer(found: Elasticity) -> str:
    if not found.is_clear:
        return _("The direction is not certain.")
    if found.high < -1:
        return _("A lower price brings more revenue.")
    if found.low > -1 and found.high < 0:
        return _("A lower price brings more pieces and less revenue.")
    if found.low > 0:
        return _("More was sold at higher prices: something else is at work.")
    return _("A lower price brings more pieces; whether more revenue is not certain.")


def _chart(found: Elasticity, currency: str) -> dict[str, Any]:
    """Return points and line on logarithmic axes, in the units of the picture."""
    prices, pieces = [log(one[0]) for one in found.points], [log(one[1]) for one in found.points]
    left, right, low, high = min(prices), max(prices), min(pieces), max(pieces)

    def x(value: float) -> float:
        return round(EDGE + (WIDTH - 2 * EDGE) * (value - left) / ((right - left) or 1), 1)

    def y(value: float) -> float:
        return round(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (min(max(value, low), high) - low) / ((high - low) or 1), 1)

    ends = [(x(at), y(log(found.pieces_at(round(2.718281828459045**at, 6))))) for at in (left, right)]
    return {
        "width": WIDTH, "height": HEIGHT, "points": [(x(a), y(b)) for a, b in zip(prices, pieces, strict=True)],
        "line": ends, "lowest": money(round(min(one[0] for one in found.points)), currency),
        "highest": money(round(max(one[0] for one in found.points)), currency),
    }  # fmt: skip


def _number(value: float) -> str:
    return str(localize(round(value, 2), use_l10n=True)).replace("-", "−")


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{localize(round(value), use_l10n=True)}".replace("-", "−")


def _share(value: float) -> str:
    return f"{localize(round(100 * value, 1), use_l10n=True)} %".replace("-", "−")


def _check(request: HttpRequest) -> None:
    if Permission.MANAGE_PRICES not in granted(request):
        raise Http404
