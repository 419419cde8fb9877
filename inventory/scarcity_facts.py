"""What may be said about how few are left, given what is known and how old that is. [pure]

A message is a claim about goods. Limited availability that isn't true is forbidden whatever it sells (2005/29/EC annex I no. 7;
annex to § 3 (3) UWG), so every kind names the facts that carry it, and silence is always allowed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is claimed. "Here" is the place that was asked about, "there" another one."""

    FEW_LEFT = "few_left"  # so many pieces are left here, for anyone
    FEW_ORDERABLE = "few_orderable"  # so many may be ordered from here on this channel; there may be more on the shelf
    IN_BASKETS = "in_baskets"  # none is free here, but baskets hold some that may come back
    SOLD_OUT = "sold_out"
    SOLD_OUT_ELSEWHERE = "sold_out_elsewhere"
    SOLD_OUT_DELIVERED = "sold_out_delivered"  # and from there it arrives on a day
    ELSEWHERE = "elsewhere"  # nothing is claimed of here
    ELSEWHERE_DELIVERED = "elsewhere_delivered"


class Tone(StrEnum):
    """Firm: as it is now. Soft: with the time of the fact, without a number."""

    FIRM = "firm"
    SOFT = "soft"


COUNTED = frozenset({Kind.FEW_LEFT, Kind.FEW_ORDERABLE})
NAMES_THERE = frozenset({Kind.SOLD_OUT_ELSEWHERE, Kind.SOLD_OUT_DELIVERED, Kind.ELSEWHERE, Kind.ELSEWHERE_DELIVERED})
DELIVERED = {Kind.SOLD_OUT_DELIVERED: Kind.SOLD_OUT_ELSEWHERE, Kind.ELSEWHERE_DELIVERED: Kind.ELSEWHERE}
CLAIMS_NONE_HERE = frozenset({Kind.SOLD_OUT, Kind.SOLD_OUT_ELSEWHERE, Kind.SOLD_OUT_DELIVERED})


@dataclass(frozen=True, slots=True)
class Terms:
    """What a channel allows: few means up to `few` pieces; ages and the least time a message is shown in seconds."""

    few: int = 5
    fresh_seconds: int = 300
    soft_seconds: int = 3_600
    shown_seconds: int = 60


@dataclass(frozen=True, slots=True)
class Seen:
    """What a channel sees of a product at one place or several together, in pieces. `levels`: how many of them count."""

    available: int
    held: int = 0
    withheld: int = 0
    waiting: int = 0
    backorderable: int = 0
    levels: int = 1


def tone_of(age_seconds: float, terms: Terms) -> tuple[Tone, int] | None:
    """Return how a fact of this age may be told and for how many seconds from now, or None when it may not.

    It must stay young enough for as long as the channel shows it at least.
    """
    for tone, limit in ((Tone.FIRM, terms.fresh_seconds), (Tone.SOFT, terms.soft_seconds)):
        left = int(limit - age_seconds)
        if left >= max(terms.shown_seconds, 1):
            return tone, left
    return None


def allowed(here: Seen, there: Seen | None, *, arrives: bool, tone: Tone, few: int) -> list[Kind]:
    """Return what may be claimed, the most telling first; nothing is a good answer."""
    found = _of_here(here, tone, few)
    if here.available == 0 and there is not None and there.available > 0:
        delivered = arrives and tone is Tone.FIRM  # a day is a promise, an old figure carries none
        if Kind.SOLD_OUT in found:
            found = [Kind.SOLD_OUT_DELIVERED if delivered else Kind.SOLD_OUT_ELSEWHERE]
        else:
            found.append(Kind.ELSEWHERE_DELIVERED if delivered else Kind.ELSEWHERE)
    return found


def _of_here(here: Seen, tone: Tone, few: int) -> list[Kind]:
    if not here.levels or here.backorderable:  # never sold here, or may be ordered beyond what is there: not scarce
        return []
    if 0 < here.available <= few:
        # What rules withhold, or goods that come for those who wait, are pieces too: then "left" would be false.
        return [Kind.FEW_ORDERABLE if here.withheld or here.waiting else Kind.FEW_LEFT]
    if here.available or here.withheld:
        return []
    if here.held:
        return [Kind.IN_BASKETS] if tone is Tone.FIRM else []  # baskets change by the minute
    return [Kind.SOLD_OUT]


def holds_true(kind: Kind, count: int, here: Seen, there: Seen | None) -> bool:
    """Say whether figures carry a claim that was made: the same number, and as little or as much as it said."""
    if kind in COUNTED and (here.available != count or count < 1):
        return False
    if kind is Kind.FEW_LEFT and (here.withheld or here.waiting):
        return False
    if (kind in CLAIMS_NONE_HERE or kind is Kind.IN_BASKETS) and (here.available or here.withheld):
        return False
    if (kind is Kind.IN_BASKETS) != (here.held > 0) and (kind is Kind.IN_BASKETS or kind in CLAIMS_NONE_HERE):
        return False
    return kind not in NAMES_THERE or (there is not None and there.available > 0)


def of_kit(parts: Sequence[tuple[Seen, int]]) -> Seen:
    """Return what a channel sees of a kit at a place, in whole kits: what is in it there, each with its pieces in one kit.

    Held are the kits that could be made if all baskets came back, withheld those if nothing were withheld either: a
    component that baskets hold and another that rules withhold is neither sold out nor in baskets.
    """

    def kits(*names: str) -> int:
        return min(sum(getattr(one, name) for name in names) // pieces for one, pieces in parts)

    available, back = kits("available"), kits("available", "held")
    return Seen(
        available=available,
        held=back - available,
        withheld=kits("available", "held", "withheld") - back,
        waiting=sum(one.waiting for one, _ in parts),
        backorderable=kits("available", "backorderable") - available,
    )


def summed(figures: Sequence[Seen], most_in_all: int | None = None) -> Seen:
    """Return places together. `most_in_all`: what the channel may have anywhere, when that is less."""
    available = sum(one.available for one in figures)
    return Seen(
        available=available if most_in_all is None else min(available, most_in_all),
        held=sum(one.held for one in figures),
        withheld=sum(one.withheld for one in figures),
        waiting=sum(one.waiting for one in figures),
        backorderable=sum(one.backorderable for one in figures),
        levels=sum(one.levels for one in figures),
    )
