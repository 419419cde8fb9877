"""Where Ackerblau is: twelve stores and two warehouses in real cities, with addresses that mean no one. [pure]"""

from dataclasses import dataclass
from typing import Any

_PICKUP = ["pickup", "ship"]
_KERBSIDE = ["pickup", "curbside", "ship", "same_day"]
_GERMANY = {"country": "DE", "time_zone": "Europe/Berlin", "opening_hours": "Mo-Sa 09:00-20:00; PH off"}
_AUSTRIA = {
    "country": "AT",
    "time_zone": "Europe/Vienna",
    "opening_hours": "Mo-Fr 09:00-19:00; Sa 09:00-18:00; PH off",
}
_SWITZERLAND = {
    "country": "CH",
    "time_zone": "Europe/Zurich",
    "opening_hours": "Mo-Fr 09:00-19:00; Th 09:00-21:00; Sa 09:00-18:00; PH off",
}
# Shops in a main station may open on Sundays and holidays: this one has pickup windows on every day of the year.
_STATION = {**_GERMANY, "opening_hours": "Mo-Su 08:00-22:00"}


@dataclass(frozen=True, slots=True)
class Place:
    """A location as `inventory.places.locations.add_location` takes it."""

    code: str
    values: dict[str, Any]


def _store(
    code: str, name: str, street: str, postal_code: str, city: str, region: str, latitude: float, longitude: float,
    country: dict[str, str], **more: Any,
) -> Place:  # fmt: skip
    values = {
        "name": name,
        "kind": "store",
        "street": street,
        "postal_code": postal_code,
        "city": city,
        "region": region,
        "latitude": latitude,
        "longitude": longitude,
        "capabilities": _PICKUP,
        "pickup_slot_minutes": 60,
        "pickup_slot_capacity": 8,
        "pickup_lead_minutes": 60,
        "pickup_horizon_days": 7,
        "pickup_keep_days": 3,
    }
    return Place(code, {**values, **country, **more})


def _warehouse(
    code: str, name: str, street: str, postal_code: str, city: str, region: str, latitude: float, longitude: float,
    country: dict[str, str],
) -> Place:  # fmt: skip
    place = _store(code, name, street, postal_code, city, region, latitude, longitude, country)
    return Place(code, {**place.values, "kind": "warehouse", "capabilities": ["ship"], "opening_hours": ""})


PLACES = [
    _store("BER01", "Berlin Hauptbahnhof", "Europaplatz 1", "10557", "Berlin", "BE", 52.5251, 13.3694,
           _STATION, capabilities=_KERBSIDE, pickup_slot_capacity=12),
    _store("BER02", "Berlin Steglitz", "Schloßstraße 30", "12163", "Berlin", "BE", 52.4617, 13.3230, _GERMANY),
    _store("HAM01", "Hamburg Altona", "Große Bergstraße 160", "22767", "Hamburg", "HH", 53.5497, 9.9436,
           _GERMANY, capabilities=_KERBSIDE),
    _store("MUC01", "München Sendling", "Lindwurmstraße 90", "80337", "München", "BY", 48.1310, 11.5570, _GERMANY),
    _store("CGN01", "Köln Ehrenfeld", "Venloer Straße 300", "50823", "Köln", "NW", 50.9487, 6.9200,
           _GERMANY, capabilities=_KERBSIDE),
    _store("FRA01", "Frankfurt Bornheim", "Berger Straße 170", "60385", "Frankfurt am Main", "HE", 50.1270, 8.7080,
           _GERMANY),
    _store("LEJ01", "Leipzig Südvorstadt", "Karl-Liebknecht-Straße 50", "04275", "Leipzig", "SN", 51.3220, 12.3740,
           _GERMANY),
    _store("VIE01", "Wien Neubau", "Mariahilfer Straße 90", "1070", "Wien", "9", 48.1985, 16.3480,
           _AUSTRIA, capabilities=_KERBSIDE),
    _store("GRZ01", "Graz Gries", "Annenstraße 30", "8020", "Graz", "6", 47.0720, 15.4270, _AUSTRIA),
    _store("ZRH01", "Zürich Oerlikon", "Schaffhauserstrasse 350", "8050", "Zürich", "ZH", 47.4110, 8.5440,
           _SWITZERLAND, capabilities=_KERBSIDE),
    _store("BRN01", "Bern Altstadt", "Marktgasse 40", "3011", "Bern", "BE", 46.9480, 7.4470, _SWITZERLAND),
    _store("BSL01", "Basel Innenstadt", "Freie Strasse 60", "4001", "Basel", "BS", 47.5550, 7.5900, _SWITZERLAND),
    _warehouse("LAGER-DE", "Zentrallager Kassel", "Am Güterbahnhof 5", "34123", "Kassel", "HE", 51.2990, 9.5290,
               _GERMANY),
    _warehouse("LAGER-CH", "Lager Egerkingen", "Industriestrasse 20", "4622", "Egerkingen", "SO", 47.3210, 7.7960,
               _SWITZERLAND),
]  # fmt: skip

# Where postal codes lie that a first try would ask for; `load_postal_codes` brings all of them.
POSTAL_PLACES = [
    ("DE", "10115", "Berlin", 52.5323, 13.3846),
    ("DE", "10557", "Berlin", 52.5251, 13.3640),
    ("DE", "12163", "Berlin", 52.4620, 13.3190),
    ("DE", "14467", "Potsdam", 52.3996, 13.0586),
    ("DE", "20095", "Hamburg", 53.5507, 10.0010),
    ("DE", "22767", "Hamburg", 53.5500, 9.9460),
    ("DE", "80331", "München", 48.1351, 11.5750),
    ("DE", "80337", "München", 48.1290, 11.5560),
    ("DE", "50667", "Köln", 50.9387, 6.9570),
    ("DE", "50823", "Köln", 50.9500, 6.9230),
    ("DE", "60311", "Frankfurt am Main", 50.1109, 8.6820),
    ("DE", "60385", "Frankfurt am Main", 50.1270, 8.7090),
    ("DE", "04109", "Leipzig", 51.3397, 12.3710),
    ("DE", "04275", "Leipzig", 51.3220, 12.3740),
    ("DE", "34123", "Kassel", 51.2990, 9.5290),
    ("AT", "1010", "Wien", 48.2082, 16.3690),
    ("AT", "1070", "Wien", 48.2020, 16.3490),
    ("AT", "8010", "Graz", 47.0700, 15.4500),
    ("AT", "8020", "Graz", 47.0720, 15.4220),
    ("CH", "8001", "Zürich", 47.3717, 8.5420),
    ("CH", "8050", "Zürich", 47.4110, 8.5440),
    ("CH", "3011", "Bern", 46.9480, 7.4470),
    ("CH", "4001", "Basel", 47.5550, 7.5900),
]
