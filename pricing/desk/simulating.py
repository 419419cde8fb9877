"""A draft tried on what was bought: asked for, watched, left and found again; what came of it in figures and bars."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from commerce import clock
from commerce.errors import CommerceError
from commerce.staff import refusals
from commerce.transactions import transaction
from pricing import simulations
from pricing.desk import room, words
from pricing.errors import SimulationNotFound
from pricing.models import RulesetDraft
from pricing.simulation_states import SimulationState
from pricing.simulations import SimulationRef

SPANS = (7, 28, 90, 365)
WIDTH, HEIGHT = 640, 160


def start(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """Have a draft tried on the last days."""
    room.enter(request)
    draft = room.draft(draft_id)
    back = reverse("admin:pricing_draft", args=[draft.pk])
    text = request.POST.get("days", "")
    days = int(text) if text.isdecimal() and int(text) in SPANS else SPANS[1]
    if request.method == "POST":
        at = clock.now()
        try:
            with transaction():
                simulations.ask(draft.pk, since=at - timedelta(days=days), until=at, by=room.person(request))
        except CommerceError as refusal:
            messages.error(request, refusals.sentence(refusal))
        else:
            messages.success(request, _("The draft is being tried; you can leave this page and find the result here."))
    return HttpResponseRedirect(f"{back}#simulation")


def watch(request: HttpRequest, simulation_id: UUID) -> HttpResponse:
    """Show how far a simulation is, or what came of it: a part of the draft's page that renews itself."""
    room.enter(request)
    try:
        found = simulations.get(simulation_id)
    except SimulationNotFound as missing:
        raise Http404 from missing
    draft = room.draft(found.draft_id)
    shown = {"simulation": told(found, draft)}
    if request.headers.get("HX-Request"):
        return render(request, "admin/pricing/simulation.html", shown)
    return room.page(
        request, "admin/pricing/simulation_page.html", _("Simulation of %(title)s") % {"title": draft.title}, shown
    )


def facts(draft: RulesetDraft) -> dict[str, Any]:
    """Return the newest simulation of a draft, and earlier ones to find again."""
    found = simulations.of_draft(draft.pk)
    return {
        "simulation": told(found[0], draft) if found else None, "spans": SPANS, "usual_span": SPANS[1],
        "earlier": [
            {"url": reverse("admin:pricing_simulation", args=[one.id]), "at": one.created_at, "by": one.asked_by}
            for one in found[1:]
        ],
    }  # fmt: skip


def told(one: SimulationRef, draft: RulesetDraft) -> dict[str, Any]:
    """Return a simulation for the page."""
    shown: dict[str, Any] = {
        "id": one.id, "state": one.state.value, "is_over": one.is_over, "percent": one.percent, "done": one.done,
        "total": one.total, "problem": one.problem, "since": one.since, "until": one.until, "by": one.asked_by,
        "is_old": one.revision != draft.revision and draft.state == "draft", "at": one.created_at, "rate": 0, "left": 0,
        "currencies": [],
    }  # fmt: skip
    if one.state is SimulationState.RUNNING and one.started_at and one.done:
        seconds = max((clock.now() - one.started_at).total_seconds(), 0.1)
        shown["rate"] = round(one.done / seconds)
        shown["left"] = round((one.total - one.done) / max(one.done / seconds, 0.1))
    if one.result is not None:
        result = one.result
        shown["currencies"] = [_currency(found) for found in result["currencies"]]
        refused = sum(result.get("refused", {}).values())
        shown["refused"] = (
            ngettext(
                "%(count)s basket has no price or tax rate today and was left out.",
                "%(count)s baskets have no price or tax rate today and were left out.", refused,
            ) % {"count": refused}
            if refused else ""
        )  # fmt: skip
        shown["left_out"] = result.get("left_out", 0)
        shown["weeks"] = result.get("weeks_later", 0)
    return shown


def _currency(found: dict[str, Any]) -> dict[str, Any]:
    code = found["currency"]

    def pair(values: list[int] | None) -> dict[str, str] | None:
        if values is None:
            return None
        return {
            "before": words.money(values[0], code), "after": words.money(values[1], code),
            "step": _signed(values[1] - values[0], code),
            "share": _share(values[0], values[1]),
        }  # fmt: skip

    even = found["break_even_basis_points"]
    return {
        **{name: found[name] for name in ("baskets", "lines", "units", "cheaper", "dearer", "lines_changed", "units_changed")},
        "currency": code, "paid": pair(found["paid"]), "margin": pair(found["margin"]),
        "costed": words.percent(found["costed_basis_points"]), "is_costed_in_part": 0 < found["costed_basis_points"] < 9_900,
        "break_even": words.percent(even) if even is not None else "", "never_breaks_even": found["never_breaks_even"],
        "chart": chart(found["days"], code),
        "promotions": [
            {"name": row["name"], "baskets": row["baskets"], "before": words.money(row["discount"][0], code),
             "after": words.money(row["discount"][1], code), "step": _signed(row["discount"][1] - row["discount"][0], code)}
            for row in found["promotions"]
        ],
        "losers": [_product(row, code) for row in found["losers"]],
        "winners": [_product(row, code) for row in found["winners"]],
        "cover": [{**row, "is_short": row["days"] < 14} for row in found["cover"]],
    }  # fmt: skip


def _product(row: dict[str, Any], code: str) -> dict[str, Any]:
    return {
        **row, "before": words.money(row["paid"][0], code), "after": words.money(row["paid"][1], code),
        "step": _signed(row["paid"][1] - row["paid"][0], code),
    }  # fmt: skip


def _signed(minor: int, code: str) -> str:
    sign = "+" if minor > 0 else "−" if minor < 0 else "±"
    return f"{sign}{words.money(abs(minor), code)}"


def _share(before: int, after: int) -> str:
    if not before:
        return ""
    points = round((after - before) * 10_000 / abs(before))
    return ("+" if points > 0 else "−" if points < 0 else "±") + words.percent(abs(points))


def chart(days: list[list[Any]], code: str) -> dict[str, Any] | None:
    """Return bars of what was taken in by day, or by week where there are many days, before and after."""
    if not days:
        return None
    rows = _by_week(days) if len(days) > 45 else days
    most = max(max(row[1], row[2]) for row in rows) or 1
    step = WIDTH / len(rows)
    bar = max(step * 0.4, 1)
    bars = []
    for place, (day, before, after) in enumerate(rows):
        date = parse_date(day)
        bars.append(
            {
                "x": f"{place * step + step * 0.08:.1f}", "x2": f"{place * step + step * 0.08 + bar:.1f}", "w": f"{bar:.1f}",
                "y": f"{HEIGHT - before * HEIGHT / most:.1f}", "h": f"{before * HEIGHT / most:.1f}",
                "y2": f"{HEIGHT - after * HEIGHT / most:.1f}", "h2": f"{after * HEIGHT / most:.1f}", "day": date,
                "before": words.money(before, code), "after": words.money(after, code),
            }
        )  # fmt: skip
    return {"bars": bars, "width": WIDTH, "height": HEIGHT, "first": bars[0]["day"], "last": bars[-1]["day"],
            "is_weekly": rows is not days}  # fmt: skip


def _by_week(days: list[list[Any]]) -> list[list[Any]]:
    weeks: dict[str, list[Any]] = {}
    for day, before, after in days:
        date = parse_date(day)
        monday = date - timedelta(days=date.weekday()) if date else None
        row = weeks.setdefault(str(monday), [str(monday), 0, 0])
        row[1] += before
        row[2] += after
    return list(weeks.values())
