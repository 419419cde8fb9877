"""A worked example beside a draft: what a basket costs by what is in force, and by the draft, step by step."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from commerce import catalog, clock, queries
from commerce.errors import CommerceError, InvalidInput
from pricing import assortment, impact, quoting, rulesets
from pricing.desk import fields, room, words
from pricing.models import RulesetDraft
from pricing.promotions import documents, windows
from pricing.promotions.terms import Bundle, BuyGet, Content, Measure, Promotion, Tiered
from pricing.quoted import Quote, QuotedLine
from pricing.quoting import BasketLine, ChannelTerms, Shopper

IN_SESSION = "promotion_example"
MOST_LINES = 12
MOST_PIECES = 999
FOUND = 8  # products beside the search
STEP = timedelta(minutes=15)
LOOKS_AHEAD = timedelta(days=8)
_LINE = re.compile(r"^\s*(?:(?P<count>\d{1,4})\s*[x×*]\s*)?(?P<sku>\S.*?)\s*$")
_FIND = """
SELECT sku, name FROM commerce_product
WHERE is_active AND (upper(name) LIKE %(part)s OR upper(sku) LIKE %(begin)s) ORDER BY sku LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """The basket of an example, and where and when it is bought."""

    lines: tuple[tuple[str, int], ...]
    channel: str
    codes: tuple[str, ...]
    at: datetime | None

    def kept(self) -> dict[str, Any]:
        """Return what the session remembers."""
        return {"lines": [list(one) for one in self.lines], "channel": self.channel, "codes": list(self.codes)}


def facts(request: HttpRequest, draft: RulesetDraft, content: Content, *, of: Collection[str] = ()) -> dict[str, Any]:
    """Return the example for a page: the basket that the person last chose, or one that fits what changes (`of`)."""
    kept = request.session.get(IN_SESSION) or {}
    lines = tuple((str(sku), int(count)) for sku, count in kept.get("lines", ()))
    changed = [one for one in content.promotions if one.id in of] or list(content.promotions)
    asked = Asked(lines, str(kept.get("channel", "")), tuple(kept.get("codes", ())), None)
    known = impact.catalogue(clock.now()) if not lines else None
    if known is not None:
        asked = Asked(_fitting(changed, known.articles), asked.channel, asked.codes or _codes(changed), None)
    return worked(asked, draft, content, changed[:1])


def example(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """Work an example for a draft as it stands, or with a form that is not saved yet."""
    from pricing.desk import editing  # the editor shows the example beside its form

    room.enter(request)
    draft = room.draft(draft_id)
    asked = _asked(request)
    request.session[IN_SESSION] = asked.kept()
    kind, problem = request.POST.get("kind", ""), ""
    content = documents.content_from(draft.content)
    changed = list(content.promotions)
    if kind:
        try:
            content = documents.content_from(editing.drafted(draft, request.POST, kind))
            named = request.POST.get("promotion") or request.POST.get("id", "")
            changed = [one for one in content.promotions if one.id == named]
        except InvalidInput:
            problem = _("The form has gaps or faults; the example shows the draft as it was saved.")
    shown = worked(asked, draft, content, changed[:1])
    return render(request, "admin/pricing/example.html", {"example": {**shown, "problem": problem or shown["problem"]}})


def find(request: HttpRequest) -> HttpResponse:
    """Find products for a basket or a promotion by a part of their name or the beginning of their SKU."""
    room.enter(request)
    text = request.GET.get("find", "").strip()[:64]
    rows: list[tuple[str, str]] = []
    if len(text) >= 2:
        plain = text.upper().replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        with connection.cursor() as cursor:
            cursor.execute(_FIND, {"part": f"%{plain}%", "begin": f"{plain}%", "most": FOUND})
            rows = cursor.fetchall()
    return render(request, "admin/pricing/found_products.html", {"rows": rows, "text": text})


def _asked(request: HttpRequest) -> Asked:
    lines: dict[str, int] = {}
    for row in request.POST.get("basket", "").splitlines()[:MOST_LINES]:
        found = _LINE.match(row)
        if found:
            sku = found["sku"]
            lines[sku] = min(lines.get(sku, 0) + int(found["count"] or 1), MOST_PIECES)
    codes = tuple(part for part in re.split(r"[,;\s]+", request.POST.get("example_codes", "")) if part)[
        : quoting.MOST_CODES
    ]
    try:
        at = fields.LocalInstant().clean(request.POST.get("example_at", ""))
    except Exception:
        at = None
    return Asked(tuple(lines.items()), request.POST.get("example_channel", "")[:40], codes, at)


def worked(asked: Asked, draft: RulesetDraft, content: Content, changed: Sequence[Promotion]) -> dict[str, Any]:
    """Return both prices of a basket for the page, or what is in the way."""
    channels = [one for one in queries.channels() if one.is_active]
    channel = next((one for one in channels if one.code == asked.channel), None) or _usual(channels)
    at = asked.at or _first_open(draft, changed)
    shown: dict[str, Any] = {
        "url": reverse("admin:pricing_draft_example", args=[draft.pk]), "find_url": reverse("admin:pricing_find_products"),
        "basket": "\n".join(f"{count} × {sku}" for sku, count in asked.lines), "codes": " ".join(asked.codes),
        "channels": [(one.code, one.name) for one in channels], "channel": channel.code if channel else "",
        "at": fields.LocalInstant().prepare_value(at), "problem": "", "lines": [], "at_text": words.instant(at),
    }  # fmt: skip
    known = catalog.products_by_sku([sku for sku, _count in asked.lines])
    unknown = [sku for sku, _count in asked.lines if sku not in known]
    if channel is None or not asked.lines:
        return {**shown, "problem": _("Put products into the basket, such as 2 × SKU, one on each line.")}
    if unknown:
        return {
            **shown,
            "problem": _("There is no product %(names)s; correct the SKU.") % {"names": words.listed(unknown)},
        }
    lines = [BasketLine(known[sku].id, count) for sku, count in asked.lines]
    base = rulesets.in_force(at)
    terms = ChannelTerms(channel.id, channel.currency, channel.country)
    shopper = Shopper(codes=asked.codes, is_first_order=True)
    try:
        before = quoting.try_out(
            lines, channel=terms, at=at, shopper=shopper,
            content=documents.content_from(base.content) if base else Content(),
        )  # fmt: skip
        after = quoting.try_out(lines, channel=terms, at=at, shopper=shopper, content=content)
    except CommerceError as refusal:
        names = words.listed(refusal.detail.get("skus", ())) or refusal.message
        return {**shown, "problem": _("%(names)s has no price or tax rate on this channel.") % {"names": names}}
    return {**shown, **_told(before, after, {one.sku: one.name for one in known.values()})}


def _told(before: Quote, after: Quote, names: dict[str, str]) -> dict[str, Any]:
    currency = after.currency
    old = {line.sku: line for line in before.lines}
    saved = before.total_minor - after.total_minor
    return {
        "lines": [_line(old[line.sku], line, names, currency) for line in after.lines if line.sku in old],
        "before": words.money(before.total_minor, currency), "after": words.money(after.total_minor, currency),
        "tax": words.money(after.tax_minor, currency), "difference": words.money(abs(saved), currency), "is_cheaper": saved > 0,
        "is_dearer": saved < 0,
        "promotions": [
            {"name": one.name, "verdict": words.VERDICTS.get(one.verdict, one.verdict), "is_applied": one.verdict == "applied",
             "amount": words.money(-one.discount_minor, currency) if one.discount_minor else "",
             "forfeited": words.money(one.forfeited_minor, currency) if one.forfeited_minor and one.verdict == "applied" else "",
             "why": words.FORFEITS.get(one.forfeit_reason, "")}
            for one in after.promotions
        ],
        "near": [
            _("%(name)s: %(missing)s more") % {
                "name": one.name,
                "missing": words.money(one.missing_minor, currency) if one.missing_minor else f"{one.missing_quantity} ×",
            }
            for one in after.near
        ],
        "offers": [
            _("%(count)s × %(sku)s may be added as a gift") % {"count": one.quantity, "sku": one.sku}
            for one in after.offers
        ],
        "has_free_shipping": after.has_free_shipping,
    }  # fmt: skip


def _line(before: QuotedLine, after: QuotedLine, names: dict[str, str], currency: str) -> dict[str, Any]:
    return {
        "sku": after.sku, "name": names.get(after.sku, ""), "quantity": after.quantity,
        "before": words.money(before.total_minor, currency), "after": words.money(after.total_minor, currency),
        "is_cheaper": after.total_minor < before.total_minor, "is_dearer": after.total_minor > before.total_minor,
        "steps": [
            {"amount": words.money(step.amount_minor, currency), "reason": step.reason if step.kind != "tax" else _("VAT"),
             "kind": step.kind}
            for step in after.steps
        ],
    }  # fmt: skip


def _usual(channels: Sequence[queries.ChannelRef]) -> queries.ChannelRef | None:
    here = [one for one in channels if one.currency == assortment.CURRENCY and one.country == assortment.COUNTRY]
    return next((one for one in here if one.kind == "web"), None) or next(iter(here or channels), None)


def _first_open(draft: RulesetDraft, changed: Sequence[Promotion]) -> datetime:
    """Return the first instant from now on at which the draft and a promotion hold."""
    at = clock.now()
    begins = [at, draft.effective_from, *(one.conditions.valid_from for one in changed)]
    first = max(one for one in begins if one is not None)
    if not changed or windows.holds(changed[0].conditions, first):
        return first
    tried = first.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while tried < first + LOOKS_AHEAD:
        if windows.holds(changed[0].conditions, tried):
            return tried
        tried += STEP
    return first


def _fitting(promotions: Sequence[Promotion], articles: Sequence[assortment.Article]) -> tuple[tuple[str, int], ...]:
    """Return a basket that the first promotion which means goods would change."""
    priced = [one for one in articles if one.price_minor]
    for promotion in promotions:
        found: dict[str, int] = {}
        for goods, count in _wanted(promotion):
            meant = assortment.meant_by([_meaning(promotion, goods)], priced)
            for article in meant[:2] if count < 3 else meant[:1]:
                found[article.sku] = count
        if found:
            return tuple(_up_to_minimum(promotion, found, {one.sku: one.price_minor or 0 for one in priced}).items())
    return tuple((one.sku, 1) for one in priced[:2])


def _meaning(promotion: Promotion, goods: Any) -> Promotion:
    from pricing.promotions.terms import PercentOff

    return Promotion(promotion.id, promotion.name, PercentOff(1), goods)


def _wanted(promotion: Promotion) -> list[tuple[Any, int]]:
    benefit = promotion.benefit
    if isinstance(benefit, Bundle):
        return [(part.goods, max(part.quantity, 1)) for part in benefit.parts]
    if isinstance(benefit, BuyGet):
        if benefit.rewarded is not None:
            return [(promotion.goods, benefit.buy), (benefit.rewarded, benefit.get)]
        return [(promotion.goods, benefit.buy + benefit.get)]
    if isinstance(benefit, Tiered) and benefit.measure is Measure.QUANTITY:
        return [(promotion.goods, max(benefit.tiers[0].at_least, 3))]
    return [(promotion.goods, 1)]


def _up_to_minimum(promotion: Promotion, basket: dict[str, int], prices: dict[str, int]) -> dict[str, int]:
    wanted = promotion.conditions.minimum.amount_minor if promotion.conditions.minimum else 0
    if isinstance(promotion.benefit, Tiered) and promotion.benefit.measure is Measure.AMOUNT:
        wanted = max(wanted, promotion.benefit.tiers[0].at_least)
    first = next(iter(basket))
    amount = sum(prices[sku] * count for sku, count in basket.items())
    if amount < wanted and prices[first]:
        basket[first] = min(basket[first] + -(-(wanted - amount) // prices[first]), MOST_PIECES)
    return basket


def _codes(promotions: Sequence[Promotion]) -> tuple[str, ...]:
    for one in promotions:
        if one.conditions.coupon is not None and one.conditions.coupon.codes:
            return one.conditions.coupon.codes[:1]
    return ()
