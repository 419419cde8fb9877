"""What carriers offer: the writer of services, their zones and rates."""

from collections.abc import Sequence
from datetime import time
from typing import Any

from phonenumbers import SUPPORTED_REGIONS

from commerce import audit
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from orders.lifecycle import SENT, Method
from orders.models import ShippingRate, ShippingService, ShippingZone
from orders.routing import standing
from orders.sourcing.tariffs import PARCEL_DAYS, WORKDAYS, Service, Zone

MOST_ZONES = 20
MOST_BANDS = 40
MOST_DAYS = 30
MOST_GRAMS = 100_000_000
MOST_MINOR = 100_000_000
FARTHEST_KM = 20_000
LEAST_DIVISOR, MOST_DIVISOR = 500, 50_000  # cm³ that count as one kilogram; 5000 and 6000 are usual
LONGEST_NAME = 80
LONGEST_CODE = 20
COUNTRIES = frozenset(SUPPORTED_REGIONS)  # of ISO 3166
WEEKDAYS = frozenset(range(1, 8))


@transaction_required
def set_service(
    code: str,
    *,
    name: str,
    carrier: str,
    origin: str,
    zones: Sequence[Zone],
    methods: frozenset[str] = frozenset({Method.SHIP.value}),
    cut_off: time = time(15),
    collects_on: frozenset[int] = WORKDAYS,
    delivers_on: frozenset[int] = PARCEL_DAYS,
    takes_hazardous: bool = False,
    is_active: bool = True,
    volume_divisor: int | None = None,
    by: Actor,
) -> None:
    """Write down what a service offers, in place of what was known of it. Said again changes nothing.

    Raises: InvalidInput naming each field that is wrong.
    """
    values: dict[str, Any] = {
        "name": name, "carrier": carrier, "origin": origin, "methods": sorted(methods), "cut_off": cut_off,
        "collects_on": sorted(collects_on), "delivers_on": sorted(delivers_on), "takes_hazardous": takes_hazardous,
        "is_active": is_active, "volume_divisor": volume_divisor,
    }  # fmt: skip
    _check(code, values, zones)
    row, _made = ShippingService.objects.select_for_update().get_or_create(code=code, defaults=values)
    before = _facts(row)
    for field, value in values.items():
        setattr(row, field, value)
    row.save()
    ShippingZone.objects.filter(service=row).delete()
    for zone in zones:
        stored = ShippingZone.objects.create(
            service=row, code=zone.code, countries=sorted(zone.countries), up_to_km=zone.up_to_km, days=zone.days,
            minimum_minor=zone.minimum_minor,
        )  # fmt: skip
        per_kg = zone.per_kg or (0,) * len(zone.bands)
        ShippingRate.objects.bulk_create(
            [
                ShippingRate(zone=stored, up_to_grams=grams, cost_minor=cost, per_kg_minor=more)
                for (grams, cost), more in zip(zone.bands, per_kg, strict=True)
            ]
        )
    after = _facts(row)
    if _made or after != before:
        audit.record(
            "orders.routing.carriers.set_service", "shipping_service", row.pk, by=by,
            before=None if _made else before, after=after,
        )  # fmt: skip
    standing.forget()


def listed() -> tuple[Service, ...]:
    """Return the services that are in use, by their codes."""
    return standing.tariffs().services


def _facts(row: ShippingService) -> dict[str, Any]:
    zones = ShippingZone.objects.filter(service=row).prefetch_related("rates")
    return {
        "code": row.code, "name": row.name, "carrier": row.carrier, "origin": row.origin, "methods": list(row.methods),
        "cut_off": f"{row.cut_off:%H:%M}", "collects_on": list(row.collects_on), "delivers_on": list(row.delivers_on),
        "takes_hazardous": row.takes_hazardous, "is_active": row.is_active,
        "volume_divisor": row.volume_divisor,
        "zones": {
            zone.code: {
                "countries": list(zone.countries), "up_to_km": zone.up_to_km, "days": zone.days,
                "minimum_minor": zone.minimum_minor,
                "rates": [[rate.up_to_grams, rate.cost_minor, rate.per_kg_minor] for rate in zone.rates.all()],
            }
            for zone in zones
        },
    }  # fmt: skip


def _check(code: str, values: dict[str, Any], zones: Sequence[Zone]) -> None:
    wrong: list[tuple[str, Any, str]] = []
    if not code or len(code) > 40:
        wrong.append(("code", code, "1 to 40 characters"))
    for name in ("name", "carrier"):
        if not str(values[name]).strip() or len(values[name]) > LONGEST_NAME:
            wrong.append((name, values[name], f"1 to {LONGEST_NAME} characters"))
    if values["origin"] not in COUNTRIES:
        wrong.append(("origin", values["origin"], "a country as two letters, such as DE"))
    if not values["methods"] or not set(values["methods"]) <= SENT:
        wrong.append(("methods", values["methods"], f"methods that are sent: {', '.join(sorted(SENT))}"))
    for name in ("collects_on", "delivers_on"):
        if not values[name] or not set(values[name]) <= WEEKDAYS:
            wrong.append((name, values[name], "at least one weekday from 1 (Monday) to 7"))
    divisor = values["volume_divisor"]
    if divisor is not None and not LEAST_DIVISOR <= divisor <= MOST_DIVISOR:
        wrong.append(("volume_divisor", divisor, f"{LEAST_DIVISOR} to {MOST_DIVISOR} cm³ for a kilogram, or none"))
    wrong += faults_of(zones)
    if wrong:
        raise InvalidInput(
            "The service can't be used like this; nothing was kept.",
            errors=[{"field": field, "value": value, "message": message} for field, value, message in wrong],
        )


def faults_of(zones: Sequence[Zone]) -> list[tuple[str, Any, str]]:
    """Return what makes no tariff of some zones: (field, value, what is needed)."""
    wrong: list[tuple[str, Any, str]] = []
    if not 1 <= len(zones) <= MOST_ZONES:
        wrong.append(("zones", len(zones), f"1 to {MOST_ZONES} zones"))
    if len({zone.code for zone in zones}) < len(zones):
        wrong.append(("zones", [zone.code for zone in zones], "every code stands once"))
    for zone in zones:
        where, grams = f"zones.{zone.code}", [up_to for up_to, _cost in zone.bands]
        if not 1 <= len(zone.code) <= LONGEST_CODE:
            wrong.append((f"{where}.code", zone.code, f"1 to {LONGEST_CODE} characters"))
        if not zone.countries:
            wrong.append((f"{where}.countries", [], "at least one country"))
        if unknown := sorted(zone.countries - COUNTRIES):
            wrong.append((f"{where}.countries", unknown, f"{unknown[0]} is no country; two letters, such as DE"))
        if not 0 <= zone.days <= MOST_DAYS:
            wrong.append((f"{where}.days", zone.days, f"0 to {MOST_DAYS}"))
        if zone.up_to_km is not None and not 1 <= zone.up_to_km <= FARTHEST_KM:
            wrong.append((f"{where}.up_to_km", zone.up_to_km, f"1 to {FARTHEST_KM} km"))
        if not 1 <= len(grams) <= MOST_BANDS or grams != sorted(set(grams)) or grams[0] < 1 or grams[-1] > MOST_GRAMS:
            wrong.append((f"{where}.rates", grams, f"1 to {MOST_BANDS} weights, each heavier than the one before"))
        if any(not 0 <= cost <= MOST_MINOR for _up_to, cost in zone.bands):
            wrong.append((f"{where}.rates", list(zone.bands), "no cost below 0"))
        if not 0 <= zone.minimum_minor <= MOST_MINOR:
            wrong.append((f"{where}.minimum_minor", zone.minimum_minor, "no charge below 0"))
        if zone.per_kg and (
            len(zone.per_kg) != len(zone.bands) or not all(0 <= one <= MOST_MINOR for one in zone.per_kg)
        ):
            wrong.append((f"{where}.rates", list(zone.per_kg), "one price by kilogram for each weight, none below 0"))
    return wrong
