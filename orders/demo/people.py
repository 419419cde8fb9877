"""Who works and who buys at Ackerblau: invented people at addresses that can't receive mail. [pure]"""

from dataclasses import dataclass

PASSWORD = "Ackerblau-2026"  # noqa: S105 (the demo's, printed at every start; never made in production)
MAIL_DOMAIN = "example.com"  # set aside by RFC 2606


@dataclass(frozen=True, slots=True)
class Member:
    """A member of staff: roles with the location they hold at ("" for everywhere)."""

    username: str
    first_name: str
    last_name: str
    language: str
    role: str
    location: str
    does: str


STAFF = [
    Member("clerk.berlin", "Mina", "Albers", "de", "clerk", "BER01", "picks and hands over in Berlin"),
    Member("clerk2.berlin", "Jonas", "Petri", "de", "clerk", "BER01", "a colleague of the same store"),
    Member("manager.berlin", "Renate", "Holm", "de", "store_manager", "BER01", "runs the Berlin store"),
    Member("clerk.steglitz", "Lale", "Brandt", "de", "clerk", "BER02", "picks and hands over in Steglitz"),
    Member("clerk.hamburg", "Ole", "Carstens", "de", "clerk", "HAM01", "picks and hands over in Hamburg"),
    Member("clerk.muenchen", "Vroni", "Dorn", "de", "clerk", "MUC01", "picks and hands over in München"),
    Member("clerk.koeln", "Pit", "Esser", "de", "clerk", "CGN01", "picks and hands over in Köln"),
    Member("clerk.frankfurt", "Samira", "Falk", "de", "clerk", "FRA01", "picks and hands over in Frankfurt"),
    Member("clerk.leipzig", "Rico", "Gerlach", "de", "clerk", "LEJ01", "picks and hands over in Leipzig"),
    Member("clerk.wien", "Resi", "Hofer", "de", "clerk", "VIE01", "picks and hands over in Wien"),
    Member("clerk.graz", "Toni", "Innerhofer", "de", "clerk", "GRZ01", "picks and hands over in Graz"),
    Member("clerk.zuerich", "Urs", "Ammann", "de", "clerk", "ZRH01", "picks and hands over in Zürich"),
    Member("clerk.bern", "Reto", "Kunz", "de", "clerk", "BRN01", "picks and hands over in Bern"),
    Member("clerk.basel", "Lea", "Merian", "de", "clerk", "BSL01", "picks and hands over in Basel"),
    Member("lager.kassel", "Bernd", "Noll", "de", "clerk", "LAGER-DE", "ships from the warehouse in Kassel"),
    Member("lager.egerkingen", "Silvan", "Rüegg", "de", "clerk", "LAGER-CH", "ships from the warehouse in Egerkingen"),
    Member("service", "Tilda", "Marsh", "en", "service_agent", "", "answers customers, all locations"),
    Member("merch", "Ada", "Lund", "en", "merchandiser", "", "keeps products and prices"),
    Member(
        "merch2", "Henrik", "Ohm", "de", "merchandiser", "", "plans promotions; what one writes, the other approves"
    ),
    Member("admin", "Kim", "Sander", "en", "administrator", "", "may do everything"),
]
SHOWN = ["clerk.berlin", "manager.berlin", "service", "merch", "merch2", "admin"]


def clerk_at(location: str) -> str:
    """Return the user name of the first person who works at a location."""
    return next(member.username for member in STAFF if member.location == location)


_FIRST = ["Anna", "Ben", "Clara", "David", "Elif", "Finn", "Greta", "Hakan", "Ida", "Jan", "Klara", "Luca", "Marie", "Nils",
          "Olga", "Paul", "Ronja", "Selim", "Thea", "Udo"]  # fmt: skip
_LAST = ["Ahrens", "Bauer", "Çelik", "Dietz", "Ebner", "Frey", "Gruber", "Huber", "Imhof", "Jansen", "Keller", "Lorenz",
         "Meier", "Nowak", "Ott", "Pichler", "Reuter", "Steiner", "Thoma", "Vogel"]  # fmt: skip
_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ç": "c", "Ç": "C"})
_PHONES = {"DE": "+49 30 23125{:03d}", "AT": "+43 1 234 56{:02d}", "CH": "+41 44 668 18 {:02d}"}


@dataclass(frozen=True, slots=True)
class Customer:
    name: str
    email: str
    phone: str
    language: str


def customer(number: int, country: str) -> Customer:
    """Return the customer with this number, always the same one."""
    first, last = _FIRST[number % len(_FIRST)], _LAST[(number * 7 + number // len(_FIRST)) % len(_LAST)]
    address = f"{first}.{last}.{number}".translate(_LETTERS).lower()
    return Customer(
        name=f"{first} {last}",
        email=f"{address}@{MAIL_DOMAIN}",
        phone=_PHONES[country].format(number % 100),
        language="en" if number % 9 == 0 else "de",
    )
