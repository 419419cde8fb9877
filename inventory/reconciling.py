"""Differences between our books and what others say: their kinds, how long they may stay, and why they may be there.

The likely cause of a difference is a guess with its reasons, never a booking: each rule says which facts speak for it, and
the first rule that they satisfy wins, most telling first. [pure]
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class DiscrepancyKind(StrEnum):
    OVER_DELIVERY = "over_delivery"
    UNDER_DELIVERY = "under_delivery"
    TRANSFER_DIFFERENCE = "transfer_difference"
    COUNT_BELOW_PROMISED = "count_below_promised"
    COUNT_VARIANCE = "count_variance"
    STATEMENT_DIFFERENCE = "statement_difference"
    NEGATIVE_SURPRISE = "negative_surprise"


class DiscrepancyState(StrEnum):
    OPEN = "open"
    REPAIRED = "repaired"  # our books were corrected
    ACCEPTED = "accepted"  # a person said that our books stand
    VANISHED = "vanished"  # the source agrees with us by now


class Meaning(StrEnum):
    """What an absolute figure from outside counts."""

    ON_HAND = "on_hand"
    AVAILABLE = "available"


class SourceKind(StrEnum):
    TILL = "till"
    ERP = "erp"
    LOGISTICS = "logistics"  # a partner who keeps goods for us
    MARKETPLACE = "marketplace"
    SHOP = "shop"


class Decision(StrEnum):
    """Who is right when a source's figure differs from ours."""

    OURS = "ours"
    THEIRS = "theirs"
    TOLERANCE = "tolerance"  # theirs within so many pieces, else a person decides
    ASK = "ask"


# How long a difference may stay before it is overdue.
REPAIR_WINDOWS: Mapping[DiscrepancyKind, timedelta] = {
    DiscrepancyKind.OVER_DELIVERY: timedelta(days=3),
    DiscrepancyKind.UNDER_DELIVERY: timedelta(days=3),
    DiscrepancyKind.TRANSFER_DIFFERENCE: timedelta(days=3),
    DiscrepancyKind.COUNT_BELOW_PROMISED: timedelta(hours=4),  # somebody's order is not there
    DiscrepancyKind.COUNT_VARIANCE: timedelta(days=2),
    DiscrepancyKind.STATEMENT_DIFFERENCE: timedelta(days=1),
    DiscrepancyKind.NEGATIVE_SURPRISE: timedelta(hours=4),
}
# What a compensating entry can put right. The others were booked as they are; a person says what becomes of them.
REPAIRABLE = frozenset({DiscrepancyKind.STATEMENT_DIFFERENCE, DiscrepancyKind.COUNT_BELOW_PROMISED})


class Cause(StrEnum):
    """Why a difference may be there."""

    UNKNOWN = ""
    NEWS_ON_THE_WAY = "news_on_the_way"
    SIGN_FLIPPED = "sign_flipped"
    CASE_PACK = "case_pack"
    UNIT_ERROR = "unit_error"
    SWAPPED = "swapped"
    LATE_RECEIPT = "late_receipt"
    ARRIVAL_NOT_BOOKED = "arrival_not_booked"
    DEPARTURE_NOT_BOOKED = "departure_not_booked"
    SALE_NOT_REPORTED = "sale_not_reported"
    SHRINKAGE = "shrinkage"


# What speaks for a slip in the source's own figures: those are never taken over without a person.
SLIPS = frozenset({Cause.SIGN_FLIPPED, Cause.CASE_PACK, Cause.UNIT_ERROR})
NEWS_TAKE_MINUTES = 30  # until then a channel may not have read what we told it
UNIT_FACTORS = (10, 100, 1000)
LEAST_FOR_UNIT_ERROR = 10  # pieces: of 1 and 10 nobody can tell a slip from a sale
LOOK_BACK = timedelta(hours=48)  # how long before a statement a booking may be unknown to its source
PACE_DAYS = 7  # over which the pace of sales is measured
TREND_LEAST = 2  # earlier losses of the same goods at the same place that make a trend


@dataclass(frozen=True, slots=True)
class Difference:
    """One product of a statement whose figure is not ours, with the facts that may explain it. Quantities in pieces.

    `arrived` and `left` are what we booked in and out in LOOK_BACK before the statement, `on_the_way` what is coming,
    `sold_a_day` our pace, `hours_unreported` since when we know of no sale, `losses` how often it was fewer before, `packs`
    the pieces of its case packs; `minutes_since_told` the age of our last news to the channel.
    """

    product_id: int
    sku: str
    category: str
    ours: int
    theirs: int
    arrived: int = 0
    left: int = 0
    on_the_way: int = 0
    sold_a_day: float = 0.0
    hours_unreported: float = 0.0
    losses: int = 0
    packs: tuple[int, ...] = ()
    minutes_since_told: float | None = None

    @property
    def delta(self) -> int:
        return self.theirs - self.ours


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The likely cause of a difference and the facts that its sentence names."""

    cause: Cause = Cause.UNKNOWN
    facts: Mapping[str, int | str] = field(default_factory=dict)


def suggest(differences: Sequence[Difference]) -> list[Suggestion]:
    """Return the likely cause of each difference of one statement, in the order given."""
    partners = _partners(differences)
    return [_suggestion(one, partners.get(number)) for number, one in enumerate(differences)]


def due(kind: DiscrepancyKind, at: datetime, window: timedelta | None = None) -> datetime:
    """Return until when a difference that was found at `at` has to be put right."""
    return at + (window if window is not None else REPAIR_WINDOWS[kind])


def is_right_by_itself(decision: Decision, delta: int, tolerance_pieces: int) -> bool:
    """Say whether a source's figure is taken over without asking a person."""
    return decision is Decision.THEIRS or (decision is Decision.TOLERANCE and abs(delta) <= tolerance_pieces)


def _suggestion(one: Difference, partner: Difference | None) -> Suggestion:
    fewer = one.delta < 0
    if one.minutes_since_told is not None and one.minutes_since_told <= NEWS_TAKE_MINUTES:
        return Suggestion(Cause.NEWS_ON_THE_WAY, {"minutes": round(one.minutes_since_told)})
    if one.ours > 0 and one.theirs == -one.ours:
        return Suggestion(Cause.SIGN_FLIPPED, {"theirs": one.theirs})
    for pack in one.packs:
        if one.theirs > 0 and one.theirs * pack == one.ours:
            return Suggestion(Cause.CASE_PACK, {"pack": pack, "cases": one.theirs})
        if one.ours > 0 and one.ours * pack == one.theirs:
            return Suggestion(Cause.CASE_PACK, {"pack": pack, "cases": one.ours})
    if partner is not None:
        return Suggestion(Cause.SWAPPED, {"sku": partner.sku, "pieces": abs(one.delta)})
    factor = _unit_factor(one.ours, one.theirs)
    if factor:
        return Suggestion(Cause.UNIT_ERROR, {"factor": factor})
    if fewer and one.arrived and -one.delta <= one.arrived:
        return Suggestion(Cause.LATE_RECEIPT, {"arrived": one.arrived})
    if not fewer and one.on_the_way and one.delta <= one.on_the_way:
        return Suggestion(Cause.ARRIVAL_NOT_BOOKED, {"on_the_way": one.on_the_way})
    if not fewer and one.left and one.delta <= one.left:
        return Suggestion(Cause.DEPARTURE_NOT_BOOKED, {"left": one.left})
    if fewer and one.losses >= TREND_LEAST:
        return Suggestion(Cause.SHRINKAGE, {"times": one.losses + 1})
    expected_sales = one.sold_a_day * one.hours_unreported / 24
    if fewer and expected_sales and -one.delta <= max(1, round(2 * expected_sales)):
        return Suggestion(
            Cause.SALE_NOT_REPORTED, {"a_week": round(one.sold_a_day * 7), "hours": round(one.hours_unreported)}
        )
    return Suggestion()


def _unit_factor(ours: int, theirs: int) -> int:
    smaller, larger = sorted((ours, theirs))
    if smaller < 1 or larger < LEAST_FOR_UNIT_ERROR:
        return 0
    return next((factor for factor in UNIT_FACTORS if smaller * factor == larger and smaller > 1), 0)


def _partners(differences: Sequence[Difference]) -> dict[int, Difference]:
    """Pair neighbours (same category) that differ by the same number of pieces, one up and one down.

    A pair must be the only one of its kind: among many differences of one piece, any two would fit each other.
    """
    sides: dict[tuple[str, int], tuple[list[int], list[int]]] = {}
    for number, one in enumerate(differences):
        if one.category:
            up, down = sides.setdefault((one.category, abs(one.delta)), ([], []))
            (up if one.delta > 0 else down).append(number)
    partners: dict[int, Difference] = {}
    for up, down in sides.values():
        if len(up) == len(down) == 1:
            partners[up[0]], partners[down[0]] = differences[down[0]], differences[up[0]]
    return partners
