"""Which days are public holidays, by country and region: for opening hours of stores and calendars of suppliers. [pure]"""

from datetime import date
from functools import lru_cache

import holidays


@lru_cache(maxsize=500)
def _holidays(country: str, region: str, year: int) -> frozenset[date]:
    try:
        found = holidays.country_holidays(country, subdiv=region or None, years=year)
    except NotImplementedError:  # the library knows the country but not the region, or neither
        try:
            found = holidays.country_holidays(country, years=year)
        except NotImplementedError:
            return frozenset()
    return frozenset(found)


def is_public_holiday(on: date, *, country: str, region: str) -> bool:
    """Say whether a day is a public holiday in a region ("BY") of a country ("DE"), or nationwide without a region."""
    return on in _holidays(country, region, on.year)
