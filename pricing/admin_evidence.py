"""Admin of applied prices: which price held when, and why a prior price is what it is, with a chart."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, ClassVar

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.dateparse import parse_datetime
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from commerce import clock, queries
from commerce.admin_base import ReadOnlyAdmin, money
from commerce.roles import Permission
from pricing import admin_learning, applying, exemptions, prior_price, prior_prices
from pricing.applying import Stretch
from pricing.desk import findings
from pricing.models import AppliedPrice
from pricing.prior_price import PriorPrice, Unknown
from pricing.quotes import ChannelTerms

WIDTH, HEIGHT, TOP = 960, 240, 16  # of the chart; prices stand between TOP and HEIGHT
SHOWN_BEFORE = timedelta(days=10)  # of the thirty days, so that what was carried in is seen
MOST_STEPS = 400


@admin.register(AppliedPrice)
class AppliedPriceAdmin(ReadOnlyAdmin):
    """What anyone paid for one piece, on which channel, from when on."""

    views = Permission.MANAGE_PRICES
    list_display = ["product", "channel", "from_at", "price", "is_reduced", "because"]
    list_select_related = ["channel", "product"]
    list_filter = ["channel", "is_reduced"]
    search_fields = ["product__sku__exact"]
    search_help_text = gettext_lazy("SKU, exactly")
    ordering: ClassVar[list[str]] = ["-from_at", "-id"]

    def get_urls(self) -> list[URLPattern]:
        def page(show: Callable[[HttpRequest, dict[str, Any]], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
            return self.admin_site.admin_view(
                lambda request: show(request, {**self.admin_site.each_context(request), "opts": self.opts})
            )

        return [
            path("results/", page(admin_learning.results), name="pricing_results"),
            path("elasticity/", page(admin_learning.elasticities), name="pricing_elasticity"),
            *super().get_urls(),
        ]

    @display(description=gettext_lazy("Price"))
    def price(self, row: AppliedPrice) -> str:
        return _("not on offer") if row.amount_minor is None else money(row.amount_minor, row.currency)

    @display(description=gettext_lazy("Because of"))
    def because(self, row: AppliedPrice) -> str:
        return ", ".join(name for _identifier, name in row.promotions) or row.price_list or "-"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show why the prior price of the product on this channel is what it is; `?at=` asks for another instant."""
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            raise Http404
        channel = next(one for one in queries.channels() if one.id == row.channel_id)
        at = _instant(request.GET.get("at", "")) or _last_look(row)
        terms = ChannelTerms(channel.id, channel.currency, channel.country)
        found = prior_prices.history(terms, [row.product_id], at)[row.product_id]
        zone = applying.zone_of(channel.country)
        standing = applying.standing(found, at, time_zone=zone)
        facts = {
            "title": _("Why this prior price"),
            "product": row.product,
            "channel": channel,
            "at": at,
            "standing": standing,
            "exemption": _exemption(row.product, at),
            **_evidence(found, standing, at, channel.currency, zone),
        }
        return render(
            request,
            "admin/pricing/prior_price.html",
            {**self.admin_site.each_context(request), "opts": self.opts, **facts},
        )


def _exemption(product: Any, at: datetime) -> dict[str, Any] | None:
    """Return why the law asks for no prior price of a product at an instant, if it doesn't."""
    held = exemptions.current().of(product.pk, product.category, at)
    if held is None:
        return None
    return {"kind": findings.KINDS[held.kind], "reason": held.reason, "since": held.starts_at, "until": held.ends_at}


def _last_look(row: AppliedPrice) -> datetime:
    """Return the instant that a row is looked at: its own, or now where it still holds."""
    later = AppliedPrice.objects.filter(
        channel_id=row.channel_id, product_id=row.product_id, from_at__gt=row.from_at
    ).exists()
    at: datetime = row.from_at
    return at if later else max(at, clock.now())


def _instant(text: str) -> datetime | None:
    try:
        found = parse_datetime(text) if len(text) <= 40 else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _evidence(
    found: list[Stretch] | Any, standing: applying.Standing | None, at: datetime, currency: str, zone: str
) -> dict[str, Any]:
    """Return the sentences, the rows and the chart for a page."""
    prior = standing.prior if standing else None
    amount = standing.stretch.amount_minor if standing else None
    if prior is None and amount is not None:  # not reduced: what a reduction announced now would be measured by
        prior = applying.planned(found, amount, announced_at=at, time_zone=zone)
    facts: dict[str, Any] = {
        "rows": [],
        "chart": None,
        "prior": "",
        "saving": "",
        "amount": "",
        "why": "",
        "is_reduced": False,
    }
    if standing is not None:
        facts["is_reduced"] = standing.stretch.is_reduced
    if amount is not None:
        facts["amount"] = money(amount, currency)
    if isinstance(prior, Unknown):
        facts["why"] = {
            Unknown.NEVER_OFFERED: _("It was never offered here before, so nothing can be announced as reduced."),
            Unknown.NOT_ON_OFFER: _(
                "It was not on offer in the 30 days before, so nothing can be announced as reduced."
            ),
        }[prior]
        return facts
    if not isinstance(prior, PriorPrice):
        facts["why"] = _("It is not on offer.")
        return facts
    facts["prior"] = money(prior.amount_minor, currency)
    if amount is not None:
        share = prior_price.saving_basis_points(prior.amount_minor, amount)
        facts["saving"] = f"{localize(share / 100, use_l10n=True)} %" if share else ""
    facts["anchored_at"], facts["since"] = prior.anchored_at, prior.since
    facts["steps"], facts["is_carried_in"], facts["is_shorter"] = prior.steps, prior.is_carried_in, prior.is_shorter
    lowest = prior.lowest
    before = [one for one in found if one.from_at <= at]
    ends = [*(one.from_at for one in before[1:]), None]
    facts["rows"] = [
        {
            "from_at": one.from_at,
            "until_at": until,
            "price": money(one.amount_minor, currency) if one.amount_minor is not None else "",
            "because": ", ".join(name for _id, name in one.promotions) or one.price_list,
            "is_reduced": one.is_reduced,
            "is_lowest": one.from_at == lowest.from_at,
            "counts": one.from_at < prior.anchored_at and (until is None or until > prior.since),
        }
        for one, until in zip(before, ends, strict=True)
        if until is None or until > prior.since - SHOWN_BEFORE
    ][-MOST_STEPS:]
    facts["chart"] = _chart(before, prior, at)
    return facts


def _chart(found: list[Stretch], prior: PriorPrice, at: datetime) -> dict[str, Any] | None:
    """Return a step line of the prices, the thirty days and the prior price, in the units of the picture."""
    first, last = prior.since - SHOWN_BEFORE, max(at, prior.anchored_at) + timedelta(days=1)
    seen = [one for one in found if one.amount_minor is not None]
    highest = max((one.amount_minor or 0 for one in seen), default=0)
    if not highest:
        return None

    def x(instant: datetime) -> float:
        return round(WIDTH * max(0.0, min(1.0, (instant - first) / (last - first))), 1)

    def y(minor: int) -> float:
        return round(HEIGHT - (HEIGHT - TOP) * minor / highest, 1)

    ends = [*(one.from_at for one in found[1:]), last]
    steps = [
        {"x1": x(one.from_at), "x2": x(until), "y": y(one.amount_minor), "is_reduced": one.is_reduced}
        for one, until in zip(found, ends, strict=True)
        if one.amount_minor is not None and until > first
    ][-MOST_STEPS:]
    rises = [
        {"x": later["x1"], "y1": earlier["y"], "y2": later["y"]}
        for earlier, later in pairwise(steps)
        if earlier["x2"] == later["x1"]
    ]
    return {
        "width": WIDTH, "height": HEIGHT, "steps": steps, "rises": rises, "prior_y": y(prior.amount_minor),
        "window_x": x(prior.since), "window_width": round(x(prior.anchored_at) - x(prior.since), 1),
        "anchor_x": x(prior.anchored_at),
    }  # fmt: skip
