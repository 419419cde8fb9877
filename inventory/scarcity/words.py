"""The words of scarcity: the house's wordings per locale, what a wording may and must say, and how it is filled. [pure]"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from string import Formatter

from inventory.scarcity_facts import COUNTED, DELIVERED, NAMES_THERE, Kind, Tone

LOCALES = ("en", "de")
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Wording:
    """A template for one piece and one for any other number."""

    one: str
    other: str

    @classmethod
    def same(cls, text: str) -> "Wording":
        return cls(text, text)


HOUSE: Mapping[tuple[Kind, Tone, str], Wording] = {
    (Kind.FEW_LEFT, Tone.FIRM, "en"): Wording("Only {count} left {place}", "Only {count} left {place}"),
    (Kind.FEW_LEFT, Tone.FIRM, "de"): Wording("Nur noch {count} Stück {place}", "Nur noch {count} Stück {place}"),
    (Kind.FEW_LEFT, Tone.SOFT, "en"): Wording.same("Few left {place} (as of {as_of})"),
    (Kind.FEW_LEFT, Tone.SOFT, "de"): Wording.same("Nur noch wenige {place} (Stand {as_of})"),
    (Kind.FEW_ORDERABLE, Tone.FIRM, "en"): Wording(
        "{count} piece can be ordered {place}", "{count} pieces can be ordered {place}"
    ),
    (Kind.FEW_ORDERABLE, Tone.FIRM, "de"): Wording(
        "{count} Stück {place} bestellbar", "{count} Stück {place} bestellbar"
    ),
    (Kind.FEW_ORDERABLE, Tone.SOFT, "en"): Wording.same("Some can be ordered {place} (as of {as_of})"),
    (Kind.FEW_ORDERABLE, Tone.SOFT, "de"): Wording.same("Einzelne Stücke {place} bestellbar (Stand {as_of})"),
    (Kind.IN_BASKETS, Tone.FIRM, "en"): Wording.same("In other baskets {place} right now; may come back"),
    (Kind.IN_BASKETS, Tone.FIRM, "de"): Wording.same("{place} gerade in anderen Warenkörben; kommt vielleicht zurück"),
    (Kind.SOLD_OUT, Tone.FIRM, "en"): Wording.same("Sold out {place}"),
    (Kind.SOLD_OUT, Tone.FIRM, "de"): Wording.same("Ausverkauft {place}"),
    (Kind.SOLD_OUT, Tone.SOFT, "en"): Wording.same("Sold out {place} (as of {as_of})"),
    (Kind.SOLD_OUT, Tone.SOFT, "de"): Wording.same("Ausverkauft {place} (Stand {as_of})"),
    (Kind.SOLD_OUT_ELSEWHERE, Tone.FIRM, "en"): Wording.same("Sold out {place}, available {other}"),
    (Kind.SOLD_OUT_ELSEWHERE, Tone.FIRM, "de"): Wording.same("Ausverkauft {place}, verfügbar {other}"),
    (Kind.SOLD_OUT_ELSEWHERE, Tone.SOFT, "en"): Wording.same("Sold out {place}, available {other} (as of {as_of})"),
    (Kind.SOLD_OUT_ELSEWHERE, Tone.SOFT, "de"): Wording.same("Ausverkauft {place}, verfügbar {other} (Stand {as_of})"),
    (Kind.SOLD_OUT_DELIVERED, Tone.FIRM, "en"): Wording.same("Sold out {place}, available {other}, delivered {day}"),
    (Kind.SOLD_OUT_DELIVERED, Tone.FIRM, "de"): Wording.same("Ausverkauft {place}, verfügbar {other}, Lieferung {day}"),
    (Kind.ELSEWHERE, Tone.FIRM, "en"): Wording.same("Available {other}"),
    (Kind.ELSEWHERE, Tone.FIRM, "de"): Wording.same("Verfügbar {other}"),
    (Kind.ELSEWHERE, Tone.SOFT, "en"): Wording.same("Available {other} (as of {as_of})"),
    (Kind.ELSEWHERE, Tone.SOFT, "de"): Wording.same("Verfügbar {other} (Stand {as_of})"),
    (Kind.ELSEWHERE_DELIVERED, Tone.FIRM, "en"): Wording.same("Available {other}, delivered {day}"),
    (Kind.ELSEWHERE_DELIVERED, Tone.FIRM, "de"): Wording.same("Verfügbar {other}, Lieferung {day}"),
}

# Pressure that no figure of stock carries: about time, other people, prices, for ever.
_PRESSURE = re.compile(
    r"last chance|hurry|today only|only today|selling fast|in demand|popular|never again|custom|people|person|viewing|watching|"
    r"hours?\b|minutes?\b|discount|exclusive|forever|final|best ?seller|letzte chance|beeil|schnell|nur heute|gefragt|beliebt|"
    r"nie wieder|kund|leute|schauen|ansehen|stunden?\b|minuten?\b|rabatt|exklusiv|endgültig|zugreifen|verpass",
    re.IGNORECASE,
)
_GONE = re.compile(r"sold.?out|gone|ausverkauft|vergriffen|weg\b|restlos", re.IGNORECASE)
_REST = re.compile(
    r"\bleft\b|\blast\b|\bonly\b|remain|in stock|\bnoch\b|übrig|letzte|\bnur\b|auf lager|vorrätig", re.IGNORECASE
)


def is_said(kind: Kind, tone: Tone) -> bool:
    """Say whether there is such a message at all: baskets and days of delivery have no soft tone."""
    return (kind, tone, LOCALES[0]) in HOUSE


def places_of(kind: Kind, tone: Tone) -> frozenset[str]:
    """Return the placeholders that a wording of this kind and tone must hold; it may hold no other."""
    wanted = set()
    if kind not in (Kind.ELSEWHERE, Kind.ELSEWHERE_DELIVERED):
        wanted.add("place")
    if kind in COUNTED and tone is Tone.FIRM:
        wanted.add("count")
    if kind in NAMES_THERE:
        wanted.add("other")
    if kind in DELIVERED:
        wanted.add("day")
    if tone is Tone.SOFT:
        wanted.add("as_of")
    return frozenset(wanted)


def fault(kind: Kind, tone: Tone, text: str) -> str:
    """Say what is wrong with a template, as a sentence, or nothing."""
    if not text.strip() or len(text) > LONGEST:
        return f"A wording has 1 to {LONGEST} characters."
    if not is_said(kind, tone):
        return "There is no soft wording of this kind: what is old says nothing then."
    try:
        parts = [(name, spec, conversion) for _, name, spec, conversion in Formatter().parse(text) if name is not None]
    except ValueError:
        return "A brace is open or closed too often. Placeholders look like {place}."
    wanted, found = places_of(kind, tone), [name for name, _, _ in parts]
    if any(spec or conversion for _, spec, conversion in parts) or set(found) - wanted:
        return f"Only these placeholders are filled here: {_listed(wanted)}."
    if set(found) != wanted or len(found) != len(set(found)):
        return f"Each of these placeholders has to be there once: {_listed(wanted)}."
    plain = re.sub(r"\{\w+\}", " ", text)
    if re.search(r"\d", plain):
        return "Numbers come from facts, not from the wording."
    if _PRESSURE.search(plain):
        return f"No figure of stock carries “{_PRESSURE.search(plain)[0]}”."  # type: ignore[index]
    if (gone := _GONE.search(plain)) and not kind.value.startswith("sold_out"):
        return f"“{gone[0]}” is not what this kind knows."
    if kind in (Kind.FEW_ORDERABLE, Kind.ELSEWHERE, Kind.ELSEWHERE_DELIVERED) and (rest := _REST.search(plain)):
        return f"“{rest[0]}” speaks of all pieces, and more may be on the shelf."
    return ""


def _listed(names: frozenset[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names))


def filled(wording: Wording, values: Mapping[str, object], *, count: int) -> str:
    """Return the sentence, with the template for this number of pieces, beginning with a capital letter."""
    template = wording.one if count == 1 else wording.other
    text = re.sub(r"\{(\w+)\}", lambda match: str(values[match[1]]), template).strip()
    return text[:1].upper() + text[1:]


def where(kind: str, name: str, locale: str) -> str:
    """Return a place with its preposition: a location or city, a group of places, or all of them."""
    if kind == "all":
        return "online"
    if kind == "group":
        return f"in der Region {name}" if locale == "de" else f"in the region {name}"
    return f"in {name}"


_DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
}


def day(on: date, *, today: date, locale: str) -> str:
    """Return a day of the coming week as people say it, a later one as a date."""
    ahead = (on - today).days
    german = locale == "de"
    if ahead <= 0:
        return "heute" if german else "today"
    if ahead == 1:
        return "morgen" if german else "tomorrow"
    if ahead < 7:
        return f"{'am' if german else 'on'} {_DAYS[locale][on.weekday()]}"
    return f"am {on:%d.%m.}" if german else f"on {on.day}/{on.month}"


def clock_time(at: datetime, *, locale: str) -> str:
    """Return the time of day of an instant that is in its place's zone already."""
    return f"{at:%H:%M} Uhr" if locale == "de" else f"{at:%H:%M}"
