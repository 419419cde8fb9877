"""Distances and customs areas. [pure]"""

from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS_KM = 6371.0088  # mean radius, IUGG

# Inside one customs area goods travel without formalities; a channel sells from all of its own.
_EUROPEAN_UNION = frozenset(
    {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"}
    | {"IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"}
)
_SWITZERLAND = frozenset({"CH", "LI"})


def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return the great-circle distance in kilometres (haversine formula)."""
    phi, other_phi = radians(latitude), radians(other_latitude)
    chord = (
        sin((other_phi - phi) / 2) ** 2 + cos(phi) * cos(other_phi) * sin(radians(other_longitude - longitude) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(chord)))


def same_customs_area(country: str, other: str) -> bool:
    """Whether goods may go from one country to the other without customs (ISO 3166-1 alpha-2 codes)."""
    if country == other:
        return True
    return any(country in area and other in area for area in (_EUROPEAN_UNION, _SWITZERLAND))


def customs_area(country: str) -> str:
    """Return the name of a country's customs area: its own, where it shares one with nobody."""
    if country in _EUROPEAN_UNION:
        return "EU"
    return "CH" if country in _SWITZERLAND else country
