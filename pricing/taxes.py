"""VAT rates by country, tax class and time. How VAT is computed from them is `pricing.vat`."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from django.db import connection
from psycopg2.extras import DateTimeTZRange

from commerce import audit, clock, integrity
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from pricing import revisions, validity
from pricing.errors import PriceInThePast, PriceOverlap
from pricing.models import TaxRate
from pricing.pricelists import GRACE
from pricing.rounding import BASIS_POINTS

_CLOSE = "UPDATE pricing_taxrate SET valid = tstzrange(%s, %s) WHERE id = %s"


@dataclass(frozen=True, slots=True)
class StandardRate:
    """A rate as the law sets it, from one local day to the day it stops (None: still in force)."""

    country: str
    tax_class: str
    basis_points: int
    valid_from: date
    valid_until: date | None = None


_ZONES = {"DE": ZoneInfo("Europe/Berlin"), "AT": ZoneInfo("Europe/Vienna"), "CH": ZoneInfo("Europe/Zurich")}

STANDARD_RATES = (
    StandardRate("DE", "standard", 1900, date(2007, 1, 1), date(2020, 7, 1)),
    StandardRate("DE", "standard", 1600, date(2020, 7, 1), date(2021, 1, 1)),
    StandardRate("DE", "standard", 1900, date(2021, 1, 1)),
    StandardRate("DE", "reduced", 700, date(2007, 1, 1), date(2020, 7, 1)),
    StandardRate("DE", "reduced", 500, date(2020, 7, 1), date(2021, 1, 1)),
    StandardRate("DE", "reduced", 700, date(2021, 1, 1)),
    StandardRate("AT", "standard", 2000, date(1984, 1, 1)),
    StandardRate("AT", "reduced", 1000, date(1984, 1, 1)),
    StandardRate("CH", "standard", 770, date(2018, 1, 1), date(2024, 1, 1)),
    StandardRate("CH", "standard", 810, date(2024, 1, 1)),
    StandardRate("CH", "reduced", 250, date(2018, 1, 1), date(2024, 1, 1)),
    StandardRate("CH", "reduced", 260, date(2024, 1, 1)),
)
"""The rates of Germany, Austria and Switzerland, each from local midnight of its first day.

Germany: § 12 UStG, paragraph 1 (standard, 19 % since 2007-01-01) and 2 (reduced, 7 %); § 28 paragraphs 1 and 2 UStG for
the half year from 2020-07-01 to 2020-12-31 with 16 % and 5 %. Austria: § 10 UStG 1994, paragraph 1 (20 %, in force at
this height since 1984-01-01) and 2 (10 %). Switzerland: art. 25 MWSTG, 8.1 % and 2.6 % since 2024-01-01, before
7.7 % and 2.5 % since 2018-01-01. Further reduced rates (Austria 13 %, Swiss lodging 3.8 %) are tax classes of their own
that a retailer adds with `set_rate` where it sells such things.
"""


@transaction_required
def set_rate(
    country: str,
    tax_class: str,
    basis_points: int,
    *,
    by: Actor,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> bool:
    """Set the VAT rate of a tax class (19 % = 1900), from now on unless said otherwise; return whether that was new.

    Raises: PriceInThePast when another rate was in force since `valid_from`; InvalidInput.
    """
    revisions.renew()
    at = clock.now()
    starts_at = valid_from or at
    _check(country, tax_class, basis_points, starts_at, valid_until)
    wanted = validity.Span(basis_points, starts_at, valid_until)
    rows = TaxRate.objects.filter(country=country, tax_class=tax_class).order_by("id")
    existing = [
        validity.Span(rate, valid.lower, valid.upper, identifier)
        for identifier, rate, valid in rows.values_list("id", "basis_points", "valid")
    ]
    past = validity.Span(basis_points, starts_at, min(at, valid_until or at))
    if starts_at < at - GRACE and any(old.value != basis_points and validity.touches(old, past) for old in existing):
        raise PriceInThePast(
            f"{country} had another rate for {tax_class} since {starts_at.isoformat()}; let it start now or later.",
            country=country,
            tax_class=tax_class,
            valid_from=starts_at.isoformat(),
        )
    plan = validity.plan(existing, [wanted])
    if plan.is_empty:
        return False
    _write(country, tax_class, plan)
    audit.record(
        "pricing.taxes.set_rate",
        "tax_rate",
        f"{country}:{tax_class}",
        by=by,
        before={"gone": validity.primitives(plan.deleted)},
        after={"kept": validity.primitives(plan.shortened), "new": validity.primitives(plan.added)},
    )
    return True


@transaction_required
def set_standard_rates(*, by: Actor) -> int:
    """Set the rates of `STANDARD_RATES`; return how many were new. Again, with no other rate set meanwhile, none is.

    Raises: PriceInThePast when another rate of a class of theirs was in force since.
    """
    return sum(
        set_rate(
            rate.country,
            rate.tax_class,
            rate.basis_points,
            by=by,
            valid_from=_midnight(rate.valid_from, rate.country),
            valid_until=_midnight(rate.valid_until, rate.country) if rate.valid_until else None,
        )
        for rate in STANDARD_RATES
    )


def _midnight(day: date, country: str) -> datetime:
    return datetime.combine(day, time(), _ZONES[country]).astimezone(UTC)


def _write(country: str, tax_class: str, plan: validity.Plan) -> None:
    TaxRate.objects.filter(id__in=[span.id for span in plan.deleted]).delete()
    with connection.cursor() as cursor:
        for span in plan.shortened:
            cursor.execute(_CLOSE, [span.starts_at, span.ends_at, span.id])
    TaxRate.objects.bulk_create(
        [
            TaxRate(
                country=country,
                tax_class=tax_class,
                basis_points=span.value,
                valid=DateTimeTZRange(span.starts_at, span.ends_at, "[)"),
            )
            for span in plan.added
        ]
    )


def _check(country: str, tax_class: str, basis_points: int, starts_at: datetime, ends_at: datetime | None) -> None:
    wrong: list[tuple[str, object, str]] = []
    if not (len(country) == 2 and country.isascii() and country.isalpha() and country.isupper()):
        wrong.append(("country", country, "A country is its two-letter ISO code, such as DE."))
    if not tax_class or len(tax_class) > 20:
        wrong.append(("tax_class", tax_class, "A tax class has a name of up to 20 characters."))
    if not 0 <= basis_points <= BASIS_POINTS:
        wrong.append(("basis_points", basis_points, "A rate lies between 0 and 10000 basis points (100 %)."))
    if ends_at is not None and ends_at <= starts_at:
        wrong.append(("valid_until", ends_at.isoformat(), "A rate ends after it starts."))
    if wrong:
        raise InvalidInput(
            " ".join(message for _field, _value, message in wrong),
            errors=[{"field": name, "value": value, "message": message} for name, value, message in wrong],
        )


integrity.refuse("tax_rate_no_overlap", lambda: PriceOverlap("Two rates of a tax class hold at the same time."))
integrity.refuse(
    "tax_rate_at_most_100_percent", lambda: InvalidInput("A rate lies between 0 and 10000 basis points (100 %).")
)
