"""What will be sold a week: methods fit for intermittent demand, tried on the product's own past, combined or chosen. [pure]

The methods are statsforecast's. It and numpy are imported when a forecast is made, so that web workers stay light.
Choosing one method per product by its past errors alone chases noise. So there are two combinations, a quick one for demand
that moves and a steady one for demand that stays; which one leads is decided for all products of a class together (`leads`),
and a product has another method only when that was clearly better for it. A single huge sale counts as a big week, not as a
new normal.
"""

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from inventory.replenishing import DemandClass
from inventory.replenishment import series as demand_series
from inventory.replenishment.series import Weeks

QUICK, STEADY = "quick_combination", "steady_combination"
MEAN = "mean"
NOTHING = "nothing"
COMBINATIONS = {
    QUICK: ("smoothing", "tsb", "imapa"),
    STEADY: ("slow_smoothing", "tsb", "imapa", "average_8_weeks", "all_history"),
}
PARTS = tuple(dict.fromkeys(name for parts in COMBINATIONS.values() for name in parts))
# Which methods are tried for which class, besides the combinations and their parts.
CANDIDATES: dict[DemandClass, tuple[str, ...]] = {
    DemandClass.SMOOTH: (*PARTS, "ets"),
    DemandClass.ERRATIC: (*PARTS, "adida"),
    DemandClass.INTERMITTENT: (*PARTS, "adida", "sba", "croston"),
    DemandClass.LUMPY: (*PARTS, "adida", "sba"),
}
FIRST_ORIGIN = 8  # weeks of history before a trial forecast
OLDEST_ORIGIN = 52  # weeks back from today that are tried again …
ORIGIN_STEP = 2  # … every other one
TRIED_WEEKS = 3  # what a trial is judged by: the sum of so many weeks, as an order must cover
LEAST_TRIALS = 10  # before a single method may win
CLEARLY_BETTER = 0.75  # of the leading combination's squared error
LONGEST_SERIES = 104  # weeks; older demand was another shop
BIG_WEEK = 0.9  # the quantile of earlier weeks with sales that is called a big week …
BIGGEST_COUNTS = 2.0  # … and a week counts for at most so many of those
LEAST_TO_CAP = 6  # earlier weeks with sales, before one is called too big


@dataclass(frozen=True, slots=True)
class Trial:
    """A forecast made again as of a past week: `origin` weeks were known, `per_week` was expected."""

    origin: int
    per_week: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """Pieces a week, the method, and the mean squared error that each method would have made relative to the combination's.

    `note` is "" or says that the history is "short" or that there is "none". `known` are the observed weeks.
    """

    demand_class: DemandClass
    method: str
    per_week: float
    known: tuple[float, ...]
    errors: Mapping[str, float]
    trials: tuple[Trial, ...] = ()
    note: str = ""

    def came_true(self, weeks_ahead: int) -> list[tuple[float, float]]:
        """Return (expected, actual) pieces of the trials whose `weeks_ahead` weeks have passed."""
        return [
            (trial.per_week * weeks_ahead, sum(self.known[trial.origin : trial.origin + weeks_ahead]))
            for trial in self.trials
            if trial.origin + weeks_ahead <= len(self.known)
        ]


class Contest:
    """Which combination leads for which class: decided over all products together, where noise cancels out."""

    def __init__(self) -> None:
        self.errors: dict[tuple[DemandClass, str], float] = {}

    def judge(
        self, kind: DemandClass, known: Sequence[float], tried: Mapping[str, Sequence[float]], origins: Sequence[int]
    ) -> None:
        """Note how far each combination was off for one product, in its own usual steps, over what an order covers."""
        step = demand_series.usual_step(known)
        if not step:
            return
        for place, origin in enumerate(origins):
            if origin + TRIED_WEEKS <= len(known):
                actual = sum(known[origin : origin + TRIED_WEEKS])
                for name in COMBINATIONS:
                    error = abs(tried[name][place] * TRIED_WEEKS - actual) / step
                    self.errors[kind, name] = self.errors.get((kind, name), 0.0) + error

    def leads(self) -> dict[DemandClass, str]:
        return {
            kind: min(COMBINATIONS, key=lambda name: self.errors.get((kind, name), 0.0))
            for kind in {kind for kind, _name in self.errors}
        }


def forecast(series: Weeks, leads: Mapping[DemandClass, str] | None = None, contest: Contest | None = None) -> Forecast:
    """Forecast a series of weeks (None: not known). Any series has an answer; a short one has a plain mean and a note.

    `leads` names the combination of each class (else the quick one); `contest` hears how the combinations would have done.
    """
    known = demand_series.observed(series)[-LONGEST_SERIES:]
    kind = demand_series.classify(known)
    if kind == DemandClass.NONE:
        return Forecast(kind, NOTHING, 0.0, tuple(known), {}, note="none")
    if kind == DemandClass.NEW:
        return Forecast(kind, MEAN, sum(known) / len(known), tuple(known), {}, note="short")
    origins = list(range(max(FIRST_ORIGIN, len(known) - OLDEST_ORIGIN), len(known), ORIGIN_STEP))
    tried = try_methods(known, CANDIDATES[kind], [*origins, len(known)])
    if contest is not None:
        contest.judge(kind, known, tried, origins)
    lead = (leads or {}).get(kind, QUICK)
    method, errors = choose(known, {name: rates[:-1] for name, rates in tried.items()}, origins, lead)
    trials = tuple(Trial(origin, rate) for origin, rate in zip(origins, tried[method], strict=False))
    return Forecast(kind, method, tried[method][-1], tuple(known), errors, trials)


def try_methods(known: Sequence[float], names: Sequence[str], origins: Sequence[int]) -> dict[str, list[float]]:
    """Return pieces a week by method as each would have said when only the first `origin` weeks were known.

    The combinations are among the answers when `names` holds all their parts.
    """
    import numpy

    values = numpy.asarray(capped(known), dtype=numpy.float32)
    tried = {name: [_rate(name, values[:origin]) for origin in origins] for name in names}
    for combination, parts in COMBINATIONS.items():
        if set(parts) <= set(names):
            tried[combination] = [
                sum(rates) / len(parts) for rates in zip(*(tried[part] for part in parts), strict=True)
            ]
    return tried


def choose(
    known: Sequence[float], tried: Mapping[str, Sequence[float]], origins: Sequence[int], lead: str
) -> tuple[str, dict[str, float]]:
    """Return the method to trust, and each one's squared error over what an order covers, relative to the lead's.

    Squared, because its best answer is the mean; absolute errors would favour forecasting nothing for what sells seldom.
    """
    judged = [place for place, origin in enumerate(origins) if origin + TRIED_WEEKS <= len(known)]
    if not judged:
        return lead, {}
    actual = {place: sum(known[origins[place] : origins[place] + TRIED_WEEKS]) for place in judged}
    errors = {
        name: sum((rates[place] * TRIED_WEEKS - actual[place]) ** 2 for place in judged) / len(judged)
        for name, rates in tried.items()
    }
    leading = errors[lead]
    relative = {name: round(error / leading, 3) if leading else 1.0 for name, error in errors.items()}
    best = min(sorted(errors), key=lambda name: errors[name])
    is_clear = len(judged) >= LEAST_TRIALS and errors[best] < CLEARLY_BETTER * leading
    return (best if is_clear else lead), relative


def capped(known: Sequence[float]) -> list[float]:
    """Return the weeks with single huge ones cut to what BIGGEST_COUNTS big weeks before them sold. Looks only backwards."""
    sales: list[float] = []
    cut = []
    for week in known:
        if len(sales) >= LEAST_TO_CAP:
            big = sales[int(BIG_WEEK * (len(sales) - 1))]
            cut.append(min(week, BIGGEST_COUNTS * big))
        else:
            cut.append(week)
        if week > 0:
            insort(sales, week)
    return cut


def _rate(name: str, values: Any) -> float:
    """Return a method's pieces a week for a numpy array of weeks; never negative, and a number whatever comes in."""
    import numpy

    if not values.any():
        return 0.0
    said = float(_method(name).forecast(y=values, h=1)["mean"][0])
    return max(said, 0.0) if numpy.isfinite(said) else float(values.mean())


@cache
def _method(name: str) -> Any:
    from statsforecast import models

    makers: dict[str, Any] = {
        "naive": models.Naive,
        "smoothing": lambda: models.SimpleExponentialSmoothing(alpha=0.2),
        "slow_smoothing": lambda: models.SimpleExponentialSmoothing(alpha=0.1),
        "average_8_weeks": lambda: models.WindowAverage(window_size=8),
        "all_history": models.HistoricAverage,
        "croston": models.CrostonClassic,
        "sba": models.CrostonSBA,
        "tsb": lambda: models.TSB(alpha_d=0.2, alpha_p=0.2),
        "adida": models.ADIDA,
        "imapa": models.IMAPA,
        "ets": lambda: models.AutoETS(season_length=1),
    }
    return makers[name]()
