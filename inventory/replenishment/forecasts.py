"""The nightly forecast: reads each good's weeks, forecasts them, and learns from forecasts that came true how far to trust.

Goes through all goods in portions with bounded memory, twice: the first round, over an even sample, decides which combination
of methods leads for each class; the second forecasts everything and writes it portion by portion.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import orjson
from django.db import connection
from django.utils import timezone

from commerce.transactions import transaction, transaction_required
from inventory import ledger
from inventory.models import DemandForecast, ForecastSpread
from inventory.replenishing import DemandClass
from inventory.replenishment import demand, forecasting, order_sizes
from inventory.replenishment import series as demand_series
from inventory.replenishment.demand import Good
from inventory.replenishment.forecasting import Contest, Forecast
from inventory.replenishment.spread import HORIZONS, Learning, Spread

HISTORY = timedelta(weeks=forecasting.LONGEST_SERIES)
SAMPLE = 600  # goods that decide which combination leads
SHOWN_WEEKS = 26  # of the past that are kept for people to see

Uplifts = Callable[[Good], Sequence[tuple[date, date, float]]]


@dataclass(frozen=True, slots=True)
class Known:
    """A stored forecast, as planning reads it."""

    per_week: float
    demand_class: str
    method: str
    until: date
    evidence: dict[str, object]


def run(*, at: datetime, uplifts: Uplifts, progress: Callable[[int], None] = lambda done: None) -> int:
    """Forecast every good as of the day before `at` and return how many. Owns its transactions, one per portion.

    Demand must be counted before (`demand.count_all`). Running again the same day writes the same.
    """
    until = timezone.localdate(at) - timedelta(days=1)
    contest, learning, made = Contest(), Learning(), 0
    for _good, series in _sampled(until, uplifts):
        forecasting.forecast(series, contest=contest)
    leads = contest.leads()
    for portion in demand.goods():
        forecasts = [
            (good, series, forecasting.forecast(series, leads)) for good, series in _series(portion, until, uplifts)
        ]
        for _good, _weeks, said in forecasts:
            for weeks_ahead in HORIZONS:
                for expected, actual in said.came_true(weeks_ahead):
                    learning.add(weeks_ahead, expected, actual)
        with transaction():
            _write([one for one in forecasts if one[2].demand_class != DemandClass.NONE], until=until, at=at)
        made += len(portion)
        progress(len(portion))
    with transaction():
        _keep(learning.spread())
    return made


def spread() -> Spread:
    """Return what was learned of how far demand goes beyond its forecast."""
    return Spread(
        {
            (row["weeks_ahead"], row["size"]): (row["observations"], row["quantiles"])
            for row in ForecastSpread.objects.values("weeks_ahead", "size", "observations", "quantiles")
        }
    )


def known(goods: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Known]:
    """Return the forecasts of (product id, location id) pairs, with one query; goods that never sold are missing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT f.product_id, f.location_id, f.per_week, f.demand_class, f.method, f.until, f.evidence::text"
            " FROM inventory_demandforecast f"
            " JOIN unnest(%s::bigint[], %s::bigint[]) AS wanted (product_id, location_id) USING (product_id, location_id)",
            [ledger.numbers(p for p, _l in goods), ledger.numbers(place for _p, place in goods)],
        )

        return {
            (product_id, location_id): Known(per_week, kind, method, until, orjson.loads(evidence))
            for product_id, location_id, per_week, kind, method, until, evidence in cursor.fetchall()
        }


def weekly(product_ids: Sequence[int]) -> dict[int, dict[int, float]]:
    """Return the pieces a week that products are expected to sell, by product and location, with one query."""
    found: dict[int, dict[int, float]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT product_id, location_id, per_week FROM inventory_demandforecast WHERE product_id = ANY(%s::bigint[])",
            [list(product_ids)],
        )
        for product_id, location_id, per_week in cursor.fetchall():
            found.setdefault(product_id, {})[location_id] = per_week
    return found


def _sampled(until: date, uplifts: Uplifts) -> Iterator[tuple[Good, demand_series.Weeks]]:
    """Yield an even draw of about SAMPLE goods with their weeks."""
    total = how_many()
    step = max(total // SAMPLE, 1)
    place = 0
    for portion in demand.goods():
        drawn = [good for number, good in enumerate(portion, place) if number % step == 0]
        place += len(portion)
        if drawn:
            yield from _series(drawn, until, uplifts)


def how_many() -> int:
    """Return how many goods there are to forecast, inactive ones included."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM inventory_stocklevel WHERE condition = 'sellable' AND version > 0")
        return int(cursor.fetchone()[0])


def _series(goods: Sequence[Good], until: date, uplifts: Uplifts) -> Iterator[tuple[Good, demand_series.Weeks]]:
    first = until - HISTORY + timedelta(days=1)
    for history in demand.histories(goods, first=first, until=until):
        factors = uplifts(history.good)
        yield (
            history.good,
            demand_series.weeks(
                history.days,
                opening=history.opening,
                first=first,
                until=until,
                factor=lambda day, factors=factors: order_sizes.factor_on(day, factors),  # type: ignore[misc]
            ),
        )


@transaction_required
def _write(forecasts: Sequence[tuple[Good, demand_series.Weeks, Forecast]], *, until: date, at: datetime) -> None:
    DemandForecast.objects.bulk_create(
        [
            DemandForecast(
                product_id=good.product_id, location_id=good.location_id, until=until,
                demand_class=said.demand_class.value, method=said.method, per_week=said.per_week,
                evidence=_evidence(series, said), made_at=at,
            )
            for good, series, said in forecasts
        ],
        update_conflicts=True,
        unique_fields=["product", "location"],
        update_fields=["until", "demand_class", "method", "per_week", "evidence", "made_at"],
    )  # fmt: skip


def _evidence(series: demand_series.Weeks, said: Forecast) -> dict[str, object]:
    return {
        "weeks": [None if week is None else round(week, 1) for week in series[-SHOWN_WEEKS:]],
        "weeks_known": len(said.known),
        "weeks_with_sales": sum(week > 0 for week in said.known),
        "weeks_left_out": sum(week is None for week in series),
        "errors": dict(said.errors),
        "note": said.note,
    }


@transaction_required
def _keep(learned: Spread) -> None:
    """Replace what was learned. A house without any forecast that came true keeps nothing, and assumes."""
    ForecastSpread.objects.all().delete()
    ForecastSpread.objects.bulk_create(
        [
            ForecastSpread(weeks_ahead=weeks, size=size, observations=seen, quantiles=list(quantiles))
            for (weeks, size), (seen, quantiles) in sorted(learned.known.items())
        ]
    )
