"""The calendar of campaigns: what holds when, what overlaps, whose it is, whether the goods last; by month and as a timeline."""

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import combinations
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from commerce import catalog, clock, queries
from pricing import assortment, facts, impact
from pricing.approving import State
from pricing.desk import room, sentences, words
from pricing.desk.fields import TRADE
from pricing.models import RulesetDraft, RulesetVersion
from pricing.promotions import documents
from pricing.promotions.terms import Promotion
from pricing.quotes import ChannelTerms

MOST_CAMPAIGNS = 200
MOST_ARTICLES = 300  # of one campaign, looked at for their stock
MOST_IN_A_DAY = 4
PLENTY_DAYS = 365  # of cover: more than that is said as a word
TIMELINE_DAYS = 91
FIRST, LAST = date(2000, 1, 1), date(2100, 1, 1)


@dataclass(slots=True)
class Campaign:
    """A promotion in a window: of a published version, or of a draft. `ends_at` None: nobody said."""

    promotion: Promotion
    starts_at: datetime
    ends_at: datetime | None
    owner: str
    url: str
    state: str
    is_draft: bool
    goods: frozenset[str] = frozenset()
    overlaps: list[str] = field(default_factory=list)
    under: list[str] = field(default_factory=list)  # campaigns for all goods that hold meanwhile
    cover_days: int | None = None

    def holds_on(self, day: date) -> bool:
        """Whether it holds at any time of a day, by the clock of the trade."""
        begins = datetime.combine(day, time(0), TRADE)
        ends = datetime.combine(day + timedelta(days=1), time(0), TRADE)
        return self.starts_at < ends and (self.ends_at is None or self.ends_at > begins)


def show(request: HttpRequest) -> HttpResponse:
    """Show a month, or a quarter as a timeline."""
    room.enter(request)
    today = words.local(clock.now()).date()
    first = _month(request.GET.get("month", "")) or today.replace(day=1)
    view = "timeline" if request.GET.get("view") == "timeline" else "month"
    ends = first + timedelta(days=TIMELINE_DAYS) if view == "timeline" else _after(first)
    found = campaigns(first, ends)
    rows = [_row(one) for one in found]
    facts_ = {
        "view": view, "month": first, "title_of_month": date_format(first, "F Y"), "before": _before(first), "after": _after(first),
        "this": today.replace(day=1), "rows": rows, "weekdays": [str(WEEKDAYS_ABBR[day]) for day in range(7)],
        "weeks": list(_weeks(first, found, today)) if view == "month" else [],
        "scale": [first + timedelta(days=TIMELINE_DAYS * part // 4) for part in range(5)],
        "tracks": [_track(one, first, ends, row) for one, row in zip(found, rows, strict=True)] if view == "timeline" else [],
        "now_at": f"{_place(datetime.combine(today, time(12), TRADE), first, ends):.2f}" if first <= today < ends else "",
    }  # fmt: skip
    return room.page(request, "admin/pricing/calendar.html", _("Calendar of campaigns"), facts_)


def campaigns(begins: date, ends: date) -> list[Campaign]:
    """Return what holds within some days, in the order of their beginnings, with overlaps and cover."""
    at = clock.now()
    since = datetime.combine(begins, time(0), TRADE)
    until = datetime.combine(ends, time(0), TRADE)
    found = [*_of_versions(since, until), *_of_drafts(at, since, until)][:MOST_CAMPAIGNS]
    found.sort(key=lambda one: (one.starts_at, one.promotion.id, one.is_draft))
    known = impact.catalogue(at)
    for one in found:
        one.goods = frozenset(article.sku for article in assortment.meant_by([one.promotion], known.articles))
    for first, second in combinations(found, 2):
        if first.promotion.id == second.promotion.id or not (first.goods & second.goods and _meet(first, second)):
            continue
        if _is_special(first) == _is_special(second):
            first.overlaps.append(second.promotion.name)
            second.overlaps.append(first.promotion.name)
        elif _is_special(first):  # what is for all goods meets all others: that is no news of it
            first.under.append(second.promotion.name)
        else:
            second.under.append(first.promotion.name)
    _cover(found, at)
    return found


def _of_versions(since: datetime, until: datetime) -> Iterator[Campaign]:
    """Yield the promotions of versions, each while its version decides: a later one takes over."""
    rows = RulesetVersion.objects.select_related("withdrawal", "draft", "draft__author").order_by(
        "effective_from", "number"
    )
    known = [row for row in rows.filter(effective_from__lt=until) if _ends(row) is None or _ends(row) > since]  # type: ignore[operator]
    lasting: dict[str, Campaign] = {}
    for place, row in enumerate(known):
        later = [one.effective_from for one in known[place + 1 :] if one.effective_to is None and _ends(one) is None]
        ends = min((one for one in (_ends(row), min(later, default=None)) if one is not None), default=None)
        draft = getattr(row, "draft", None)
        owner = (draft.author.get_full_name() or draft.author.get_username()) if draft else row.published_by
        for promotion in documents.content_from(row.content).promotions:
            window = _within(promotion, row.effective_from, ends, since, until)
            if window is None:
                continue
            before = lasting.get(promotion.id)
            if before is not None and before.promotion == promotion and before.ends_at == window[0]:
                before.ends_at = window[1]  # the next version says the same: one campaign
                continue
            made = lasting[promotion.id] = Campaign(
                promotion, *window, owner, reverse("admin:pricing_version", args=[row.number]),
                _("version %(number)s") % {"number": row.number}, False,
            )  # fmt: skip
            yield made


def _of_drafts(at: datetime, since: datetime, until: datetime) -> Iterator[Campaign]:
    """Yield what open drafts add or say otherwise than what they began with."""
    open_states = [State.DRAFT.value, State.SUBMITTED.value, State.APPROVED.value]
    for row in RulesetDraft.objects.select_related("author").filter(state__in=open_states).order_by("created_at")[:50]:
        base = RulesetVersion.objects.filter(pk=row.base_number).first() if row.base_number else None
        old = {one["id"]: one for one in base.content.get("promotions", ())} if base else {}
        for promotion in documents.content_from(row.content).promotions:
            if old.get(promotion.id) == documents.document(promotion):
                continue
            window = _within(promotion, row.effective_from or at, row.effective_to, since, until)
            if window is not None:
                yield Campaign(
                    promotion, *window, row.author.get_full_name() or row.author.get_username(),
                    reverse("admin:pricing_draft", args=[row.pk]), str(words.STATES[State(row.state)]), True,
                )  # fmt: skip


def _ends(row: RulesetVersion) -> datetime | None:
    withdrawal = getattr(row, "withdrawal", None)
    ends = [one for one in (row.effective_to, withdrawal.withdrawn_at if withdrawal else None) if one is not None]
    return min(ends, default=None)


def _within(
    promotion: Promotion, begins: datetime, ends: datetime | None, since: datetime, until: datetime
) -> tuple[datetime, datetime | None] | None:
    """Return when a promotion holds inside the window of what it stands in, if it touches the days that are shown."""
    terms = promotion.conditions
    first = max(begins, terms.valid_from) if terms.valid_from else begins
    last = min((one for one in (ends, terms.valid_until) if one is not None), default=None)
    if first >= until or (last is not None and (last <= since or last <= first)):
        return None
    return first, last


def _meet(first: Campaign, second: Campaign) -> bool:
    if first.ends_at is not None and first.ends_at <= second.starts_at:
        return False
    return second.ends_at is None or second.ends_at > first.starts_at


def _cover(found: Sequence[Campaign], at: datetime) -> None:
    """Note for how many days the scarcest goods of each campaign last at the present pace."""
    channels = [one for one in queries.channels() if one.is_active and one.currency == assortment.CURRENCY]
    skus = sorted({sku for one in found if _is_special(one) for sku in sorted(one.goods)[:MOST_ARTICLES]})
    if not channels or not skus:
        return
    terms = ChannelTerms(channels[0].id, channels[0].currency, channels[0].country)
    ids = {ref.id: sku for sku, ref in catalog.products_by_sku(skus).items()}
    cover = {ids[one]: told.cover_days for one, told in facts.stock(terms, list(ids), at).items()}
    for one in found:
        if _is_special(one):
            days = [cover[sku] for sku in one.goods if cover.get(sku) is not None]
            one.cover_days = min((day for day in days if day is not None), default=None)


def _is_special(one: Campaign) -> bool:
    """Whether a campaign is about some goods: of everything, the scarcest is always gone tomorrow."""
    return not one.promotion.goods.is_everything


# --- for the page ---------------------------------------------------------------------------------------------------------


def _row(one: Campaign) -> dict[str, Any]:
    lasts = (one.ends_at - max(one.starts_at, clock.now())).days if one.ends_at else None
    return {
        "name": one.promotion.name, "what": sentences.benefit(one.promotion), "window": words.window(one.starts_at, one.ends_at),
        "owner": one.owner, "url": one.url, "state": one.state, "is_draft": one.is_draft, "overlaps": one.overlaps,
        "overlaps_text": words.listed(list(dict.fromkeys(one.overlaps))),
        "under_text": words.listed(list(dict.fromkeys(one.under))),
        "under": one.under, "cover": one.cover_days, "is_plenty": (one.cover_days or 0) > PLENTY_DAYS,
        "is_short": one.cover_days is not None and lasts is not None and one.cover_days < lasts,
        "goods": len(one.goods),
    }  # fmt: skip


def _weeks(first: date, found: Sequence[Campaign], today: date) -> Iterator[list[dict[str, Any]]]:
    for week in calendar.Calendar().monthdatescalendar(first.year, first.month):
        days = []
        for day in week:
            there = [one for one in found if one.holds_on(day)]
            days.append({
                "day": day, "is_out": day.month != first.month, "is_today": day == today,
                "events": [
                    {"name": one.promotion.name, "url": one.url, "is_draft": one.is_draft, "is_clash": bool(one.overlaps)}
                    for one in there[:MOST_IN_A_DAY]
                ],
                "more": max(len(there) - MOST_IN_A_DAY, 0),
            })  # fmt: skip
        yield days


def _track(one: Campaign, first: date, ends: date, row: dict[str, Any]) -> dict[str, Any]:
    left = max(_place(one.starts_at, first, ends), 0.0)
    right = min(_place(one.ends_at, first, ends), 100.0) if one.ends_at else 100.0
    return {**row, "left": f"{left:.2f}", "width": f"{max(right - left, 0.5):.2f}"}


def _place(at: datetime, first: date, ends: date) -> float:
    begins = datetime.combine(first, time(0), TRADE)
    whole = datetime.combine(ends, time(0), TRADE) - begins
    return (at - begins) / whole * 100


def _month(text: str) -> date | None:
    try:
        found = datetime.strptime(text, "%Y-%m").replace(tzinfo=TRADE).date()
    except ValueError:
        return None
    return found if FIRST <= found < LAST else None


def _before(first: date) -> date:
    return (first - timedelta(days=1)).replace(day=1)


def _after(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)
