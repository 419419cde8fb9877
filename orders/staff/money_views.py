"""Key figures of payments on screen and as CSV: how many go through, why not, what they cost, what is open."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import formats, timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from commerce import clock
from commerce.operations import kpis
from commerce.operations.kpis import Kpi, Row
from commerce.roles import Permission
from commerce.staff import shell
from orders.staff.money import METHODS
from orders.staff.order_page import amount
from orders.staff.settlement_views import AGES, csv_file
from orders.staff.words import Text, word

PERIODS: dict[str, tuple[int, Text]] = {"7": (7, _("7 days")), "30": (30, _("30 days")), "90": (90, _("90 days"))}
USUAL = "30"
OPEN: dict[str, Text] = {
    "held": _("Held"),
    "owed back": _("To give back"),
    "not settled": _("Not settled"),
}
PREFIX = "payments."


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a chart: its words, its value as people read it, how long it is (0 to 100), and what stands behind it."""

    label: str
    value: str
    length: int
    behind: str


@require_GET
@shell.require(Permission.RECONCILE_MONEY, at_all_stores=True)
def figures(request: HttpRequest) -> HttpResponse:
    """Show the key figures of a period."""
    chosen, since, until = _period(request)
    charts = [
        {"kpi": kpi, "bars": _bars(kpi, kpis.ask(kpi.code, since=since, until=until))} for kpi in kpis.every(PREFIX)
    ]
    facts = {
        "charts": charts,
        "periods": [
            {"key": key, "label": label, "is_current": key == chosen} for key, (_days, label) in PERIODS.items()
        ],
        "chosen": chosen,
        "since": since,
        "until": until,
    }
    return render(request, "orders/money_figures.html", facts)


@require_GET
@shell.require(Permission.RECONCILE_MONEY, at_all_stores=True)
def figures_csv(request: HttpRequest) -> HttpResponse:
    """Hand out the same figures as CSV."""
    chosen, since, until = _period(request)
    rows: list[list[object]] = [["figure", "unit", "of", "currency", "value", "count", "since", "until"]]
    for kpi in kpis.every(PREFIX):
        for row in kpis.ask(kpi.code, since=since, until=until):
            currency = row.facts.get("currency", "")
            figure = [kpi.code, kpi.unit, row.label, currency, round(row.value, 4), row.of]
            rows.append([*figure, timezone.localdate(since), timezone.localdate(until)])
    return csv_file(rows, f"payments-{chosen}-days-{timezone.localdate(until)}.csv")


def _period(request: HttpRequest) -> tuple[str, datetime, datetime]:
    chosen = request.GET.get("days", USUAL)
    chosen = chosen if chosen in PERIODS else USUAL
    until = clock.now() + timedelta(seconds=1)
    return chosen, until - timedelta(days=PERIODS[chosen][0]), until


def _bars(kpi: Kpi, rows: list[Row]) -> list[Bar]:
    most = 100.0 if kpi.code.endswith("_rate") else max((row.value for row in rows), default=0) or 1
    return [
        Bar(_label(row), _value(kpi, row), round(100 * row.value / most), _behind(row.facts, row.of)) for row in rows
    ]


def _label(row: Row) -> str:
    facts = row.facts
    if "method" in facts:
        method = word(METHODS, facts["method"]).text
        return str(method) if facts["gateway"] == facts["method"] else f"{method} · {facts['gateway']}"
    if "age" in facts:
        return f"{OPEN.get(facts['what'], facts['what'])}, {AGES[facts['age']]}"
    return row.label


def _value(kpi: Kpi, row: Row) -> str:
    value = row.value
    if kpi.unit == "minor":
        return amount(int(value), row.facts["currency"])
    if kpi.unit == "percent":
        return f"{formats.number_format(value, 1)} %"
    return formats.number_format(value, 0)


def _behind(facts: dict[str, Any], count: int) -> str:
    currency = facts.get("currency", "")
    if "fee_minor" in facts:
        about = "≈ " if facts["estimated_minor"] else ""
        return f"{about}{amount(facts['fee_minor'], currency)} / {amount(facts['captured_minor'], currency)}"
    if "amount_minor" in facts:
        return amount(facts["amount_minor"], currency)
    return f"{facts['authorised']} / {count}" if "authorised" in facts else f"× {count}"
