"""Scarcity, said honestly: messages for shop pages, each from a fresh fact of its channel and place, each recorded with its proof.

Whoever shows a message shows it until `valid_until` at most. What was said can be proven later: `verify` reads the journal at
the versions that the claim names, and asks besides what the world looked like then, late reports counted.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from django.db import connection
from django.utils import timezone

from commerce import clock
from commerce.operations import experiments
from commerce.operations.experiments import Assignment
from commerce.transactions import transaction_required
from inventory import availability, kits, ledger, timeline
from inventory.availability import Figure
from inventory.errors import ScarcityClaimNotFound
from inventory.ledger import LevelKey
from inventory.models import ScarcityClaim
from inventory.promising import promises
from inventory.scarcity import age, places, terms, words
from inventory.scarcity.places import Place
from inventory.scarcity_facts import COUNTED, DELIVERED, Kind, Seen, Tone, allowed, holds_true, of_kit, summed, tone_of

MOST_PRODUCTS = 100
LONGEST_WRITE = timedelta(seconds=5)  # an entry is seen that much later than it was recorded, at most
MOST_SWEPT = 5_000  # entries after a claim's version among which sweeps of it are looked for


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel may show of a product at a place, until `valid_until`, and the id under which that is proven."""

    claim_id: UUID
    product_id: int
    kind: Kind
    tone: Tone
    text: str
    count: int | None
    as_of: datetime
    valid_until: datetime
    variant: str


@dataclass(frozen=True, slots=True)
class _Spot:
    """A product at a place, and the goods that it is made of there with their pieces in one: itself, or what is in a kit."""

    figure: Figure
    goods: tuple[tuple[Figure, int], ...]

    @property
    def is_kit(self) -> bool:
        return self.goods[0][0].product_id != self.figure.product_id

    @property
    def seen(self) -> Seen:
        """What the channel sees here; of a kit without what is needed of the last pieces elsewhere (`most_in_all`)."""
        if self.is_kit:
            return of_kit([(_one(figure, figure.free - figure.withheld), pieces) for figure, pieces in self.goods])
        return _one(self.figure, self.figure.available)


@dataclass(frozen=True, slots=True)
class _Fact:
    """What is known of a product: here, and at the place that could serve instead."""

    product_id: int
    here: tuple[_Spot, ...]
    there: tuple[_Spot, ...]
    other: Place | None
    arrives_on: date | None
    age_seconds: float


@transaction_required
def messages(
    product_ids: Sequence[int],
    *,
    channel_id: int,
    country: str,
    place: Place,
    locale: str,
    unit: str = "",
    at: datetime,
) -> list[Message]:
    """Return what may be said of the products at a place now, and record each as a claim; silence needs no record.

    `unit` is the channel's reference of who reads it, for experiments; it is kept nowhere. At most MOST_PRODUCTS products.
    """
    if len(product_ids) > MOST_PRODUCTS:
        raise ValueError(f"at most {MOST_PRODUCTS} products at once, not {len(product_ids)}")
    policy = terms.of_channel(channel_id)
    if not policy.is_active:
        return []
    trial = experiments.assigned(policy.experiment, unit)
    few = int(trial.settings.get("few", policy.terms.few)) if trial else policy.terms.few
    if trial:
        experiments.expose(trial, at=at)
        if trial.settings.get("silent"):
            return []
    facts, late = _facts(product_ids, channel_id, country, place, at=at)
    claims = []
    for fact in facts:
        told = tone_of(fact.age_seconds, policy.terms)
        if told is None:
            continue
        tone, seconds = told
        if fact.product_id in late and tone is Tone.FIRM:
            tone = Tone.SOFT  # the shop shows another number beside it
        here, there = _seen(fact.here), _seen(fact.there) if fact.other else None
        kinds = allowed(here, there, arrives=fact.arrives_on is not None, tone=tone, few=few)
        for kind in kinds:
            until = at + timedelta(seconds=seconds)
            if kind in DELIVERED:
                midnight = _midnight(at, place)
                if (midnight - at).total_seconds() < policy.terms.shown_seconds:
                    kind = DELIVERED[kind]  # “tomorrow” would be read when it is today
                else:
                    until = min(until, midnight)
            if words.is_said(kind, tone):
                claims.append(
                    _claim(fact, kind, tone, here, there, place, channel_id, locale, trial, at=at, until=until)
                )
    ScarcityClaim.objects.bulk_create(claims, ignore_conflicts=True)
    return [
        Message(
            claim.id, claim.product_id, Kind(claim.kind), Tone(claim.tone), claim.text,
            claim.count if Kind(claim.kind) in COUNTED and claim.tone == Tone.FIRM else None, claim.as_of,
            claim.valid_until, claim.variant,
        )
        for claim in claims
    ]  # fmt: skip


# --- facts ----------------------------------------------------------------------------------------------------------


def _facts(
    product_ids: Sequence[int], channel_id: int, country: str, place: Place, *, at: datetime
) -> tuple[list[_Fact], set[int]]:
    """Return the facts of each product, and the products of which the channel was last told another number."""
    made = kits.among(product_ids)
    read = {*product_ids, *(one for components in made.values() for one, _ in components)}
    figures = availability.figures(read, channel_id=channel_id, at=at)
    levels = {(figure.product_id, figure.location_id): figure for figure in figures}
    serving = places.everywhere(country).location_ids
    by_product: dict[int, list[_Spot]] = defaultdict(list)
    for figure in sorted(figures, key=lambda figure: figure.level_id):
        if figure.location_id in serving:
            inside = made.get(figure.product_id, ((figure.product_id, 1),))
            spot = _Spot(figure, tuple((levels[one, figure.location_id], pieces) for one, pieces in inside))
            if all(one.version for one, _ in spot.goods):
                by_product[figure.product_id].append(spot)
    known = places.groups(country) if place.kind == "group" else []
    others = places.others(place, country, known=known)
    chosen: dict[int, tuple[tuple[_Spot, ...], tuple[_Spot, ...], Place | None]] = {}
    for product_id in dict.fromkeys(product_ids):
        mine = by_product[product_id]
        here = tuple(spot for spot in mine if spot.figure.location_id in place.location_ids)
        there: tuple[_Spot, ...] = ()
        other = None
        if not _total(here):
            there, other = _elsewhere(mine, others, is_group=place.kind == "group")
        chosen[product_id] = here, there, other
    arrivals = _arrivals([there for _, there, _ in chosen.values() if there], channel_id, country, at=at)
    base = age.of_channel(channel_id, at=at)
    late = age.of_levels([one for here, there, _ in chosen.values() for one in _levels(here + there)], at=at)
    stated = age.of_places(at=at)
    facts = [
        _Fact(
            product_id, here, there, other, arrivals.get(product_id),
            base + max(
                [max(late.get(one.level_id, 0.0), stated.get(one.location_id, 0.0)) for one in _levels(here + there)],
                default=0.0,
            ),
        )
        for product_id, (here, there, other) in chosen.items()
    ]  # fmt: skip
    return facts, age.told_otherwise(channel_id, figures, serving, products=product_ids)


def _elsewhere(
    spots: Sequence[_Spot], others: Iterable[Place], *, is_group: bool
) -> tuple[tuple[_Spot, ...], Place | None]:
    """Return the product at the place to be named instead: of locations the nearest, of groups the one with the most."""
    able = []
    for other in others:
        there = tuple(spot for spot in spots if spot.figure.location_id in other.location_ids)
        if _total(there) > 0:
            able.append((there, other))
            if not is_group:
                break
    return max(able, key=lambda pair: _total(pair[0]), default=((), None))


def _arrivals(
    elsewhere: Sequence[tuple[_Spot, ...]], channel_id: int, country: str, *, at: datetime
) -> dict[int, date]:
    """Return by product the day on which it arrives from where there is most of it, if it can be sent from there."""
    best = [max((spot.figure for spot in spots), key=lambda figure: figure.available) for spots in elsewhere]
    if not best:
        return {}
    return {
        promise.figure.product_id: promise.earliest_delivery.arrives_on
        for promise in promises.promises(best, channel_id=channel_id, country=country, at=at)
        if promise.earliest_delivery is not None
    }


def _total(spots: Sequence[_Spot]) -> int:
    return availability.total([spot.figure for spot in spots])


def _levels(spots: Iterable[_Spot]) -> list[Figure]:
    """Return the figures of the levels on which a product rests."""
    return [figure for spot in spots for figure, _ in spot.goods]


def _most(spots: Sequence[_Spot]) -> int | None:
    return next((spot.figure.left_in_all for spot in spots if spot.figure.left_in_all is not None), None)


def _seen(spots: Sequence[_Spot]) -> Seen:
    return summed([spot.seen for spot in spots], _most(spots))


def _one(figure: Figure, available: int) -> Seen:
    return Seen(available, figure.held, figure.withheld, figure.waiting, figure.backorderable)


# --- claims ---------------------------------------------------------------------------------------------------------


def _claim(
    fact: _Fact, kind: Kind, tone: Tone, here: Seen, there: Seen | None, place: Place, channel_id: int, locale: str,
    trial: Assignment | None, *, at: datetime, until: datetime,
) -> ScarcityClaim:  # fmt: skip
    zone = ZoneInfo(place.time_zone)
    wording = terms.wording(kind, tone, locale, str(trial.settings.get("wording", "")) if trial else "")
    values = {
        "count": here.available,
        "place": words.where(place.kind, place.name, locale),
        "as_of": words.clock_time((at - timedelta(seconds=fact.age_seconds)).astimezone(zone), locale=locale),
    }
    if fact.other is not None:
        values["other"] = words.where(fact.other.kind, fact.other.name, locale)
    if fact.arrives_on is not None:
        values["day"] = words.day(fact.arrives_on, today=at.astimezone(zone).date(), locale=locale)
    text = words.filled(wording, values, count=here.available)
    spots = fact.here + fact.there
    is_kit, figures = spots[0].is_kit, _levels(spots)
    claim = ScarcityClaim(
        said_on=timezone.localdate(at), channel_id=channel_id, product_id=fact.product_id, place=place.key, kind=kind.value,
        tone=tone.value, locale=locale, text=text, count=here.available,
        variant=trial.variant if trial else "",
        experiment=terms.of_channel(channel_id).experiment if trial else "",
        elsewhere=fact.other.key if fact.other else "", elsewhere_count=there.available if there else 0,
        arrives_on=fact.arrives_on if kind in DELIVERED else None, here_levels=len(_levels(fact.here)),
        level_ids=[figure.level_id for figure in figures], versions=[figure.version for figure in figures],
        available=[one.free - one.withheld if is_kit else one.available for one in figures],
        held=[figure.held for figure in figures],
        withheld=[figure.withheld for figure in figures], waiting=[figure.waiting for figure in figures],
        pieces=[pieces for spot in spots for _, pieces in spot.goods] if is_kit else None,
        most_in_all=[_most(fact.here), _most(fact.there)],
        age_seconds=int(fact.age_seconds), as_of=at, valid_until=until,
    )  # fmt: skip
    claim.id = _identity(claim)
    return claim


_SAME = (
    "said_on", "channel_id", "product_id", "place", "kind", "tone", "locale", "text", "variant", "experiment", "elsewhere",
    "level_ids", "versions", "available", "held", "withheld", "waiting", "most_in_all", "arrives_on",
)  # fmt: skip


def _identity(claim: ScarcityClaim) -> UUID:
    """Return the id of a claim, made from what it says and from what proves it: the same again is the same row. [pure]"""
    of_kits = [claim.pieces] if claim.pieces is not None else []
    content = orjson.dumps([*(getattr(claim, name) for name in _SAME), *of_kits])
    return UUID(bytes=hashlib.blake2b(content, digest_size=16).digest())


def _midnight(at: datetime, place: Place) -> datetime:
    zone = ZoneInfo(place.time_zone)
    tomorrow = at.astimezone(zone).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone).astimezone(at.tzinfo)


# --- proof ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proven:
    """A level as the journal has it at the version that a claim names; `said` is what the claim counted there.

    `pieces` of it are in one of what the claim is about: 1, or more of what is in a kit.
    """

    level_id: int
    product_id: int
    location_id: int
    pieces: int
    version: int
    on_hand: int
    allocated: int
    held: int
    withheld: int
    waiting: int
    available: int
    said: int
    recorded_at: datetime
    was_newest: bool
    is_here: bool


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a claim was true, as far as could be known when it was said, and as the world really was then.

    `held`, `on_hand` and `allocated` are the journal's; `withheld`, `waiting` and `most_in_all` are of rules and lines that no
    journal keeps, as the claim recorded them. `faults` says what is wrong, in English.
    """

    claim: ScarcityClaim
    is_true: bool
    is_true_in_hindsight: bool
    levels: tuple[Proven, ...]
    faults: tuple[str, ...]


# In `held` of an entry count holds whose time was over and that nobody had swept; claims left them out (law 5). These were
# swept by later entries, or still wait for it.
_AT_VERSIONS = """
SELECT w.place, l.product_id, l.location_id, e.on_hand_after, e.allocated_after, e.held_after, e.recorded_at, later.recorded_at,
       (SELECT coalesce(sum(-swept.held_delta), 0)::bigint FROM inventory_stockentry swept
        WHERE swept.level_id = w.level_id AND swept.version > w.version AND swept.version <= w.version + %s
          AND swept.kind = 'expired' AND EXISTS (
              SELECT 1 FROM inventory_hold h WHERE h.level_id = w.level_id AND h.expires_at <= %s
                AND h.reservation_id = swept.cause_id::uuid))
       + (SELECT coalesce(sum(h.quantity), 0)::bigint FROM inventory_hold h
          WHERE h.level_id = w.level_id AND h.state = 'active' AND h.expires_at <= %s)
FROM unnest(%s::bigint[], %s::bigint[]) WITH ORDINALITY AS w (level_id, version, place)
JOIN inventory_stocklevel l ON l.id = w.level_id
JOIN inventory_stockentry e ON (e.level_id, e.version) = (w.level_id, w.version)
LEFT JOIN inventory_stockentry later ON (later.level_id, later.version) = (w.level_id, w.version + 1)
ORDER BY w.place
"""


def verify(claim_id: UUID, *, channel_id: int | None = None) -> Verification:
    """Prove a claim again from the journal. Raises: ScarcityClaimNotFound, also for another channel's."""
    claim = ScarcityClaim.objects.filter(id=claim_id).first()
    if claim is None or channel_id not in (None, claim.channel_id):
        raise ScarcityClaimNotFound(f"Nothing was claimed under {claim_id}.", claim=str(claim_id))
    levels = _at_versions(claim)
    faults = []
    if claim.id != _identity(claim):
        faults.append("The claim's row was changed after it was written.")
    if len(levels) != len(claim.level_ids):
        faults.append("The journal has no entry of a version that the claim names.")
    for one in levels:
        if one.available != one.said:
            faults.append(f"Level {one.level_id} had {one.available} at version {one.version}, not {one.said}.")
        if not one.was_newest:
            faults.append(f"Level {one.level_id} had moved on from version {one.version}.")
    if not _carries(claim, levels, [one.available for one in levels]):
        faults.append("The figures at these versions don't carry the claim.")
    return Verification(claim, not faults, _in_hindsight(claim, levels), tuple(levels), tuple(faults))


def latest(*, at_most: int = 50) -> list[ScarcityClaim]:
    """Return what was said last, newest first, from the newest pages of the table."""
    newest = ScarcityClaim.objects.filter(said_on__gte=timezone.localdate(clock.now()) - timedelta(days=1))
    return list(newest.order_by("-as_of")[:at_most])


def _at_versions(claim: ScarcityClaim) -> list[Proven]:
    parameters = [
        MOST_SWEPT, claim.as_of, claim.as_of, ledger.numbers(claim.level_ids), ledger.numbers(claim.versions)
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_AT_VERSIONS, parameters)
        rows = cursor.fetchall()
    found = []
    for number, product_id, location_id, on_hand, allocated, held_after, recorded_at, later_at, expired in rows:
        place = number - 1
        held = held_after - expired
        most = claim.most_in_all[0 if place < claim.here_levels else 1]
        left = max(on_hand - allocated - held + claim.waiting[place], 0) - claim.withheld[place]
        pieces = 1 if claim.pieces is None else claim.pieces[place]
        if claim.pieces is not None:
            most = None  # that is of whole kits
        found.append(
            Proven(
                claim.level_ids[place], product_id, location_id, pieces, claim.versions[place], on_hand, allocated, held,
                claim.withheld[place],
                claim.waiting[place], left if most is None else min(left, most), claim.available[place], recorded_at,
                later_at is None or later_at > claim.as_of - LONGEST_WRITE, place < claim.here_levels,
            )
        )  # fmt: skip
    return found


def _carries(claim: ScarcityClaim, levels: Sequence[Proven], available: Sequence[int]) -> bool:
    spots: dict[tuple[bool, int], list[tuple[Seen, int]]] = defaultdict(list)
    for one, count in zip(levels, available, strict=True):
        seen = Seen(count, one.held, one.withheld, one.waiting)
        spots[one.is_here, one.location_id].append((seen, one.pieces))
    parts: list[list[Seen]] = [[], []]
    for (is_here, _), inside in spots.items():
        parts[not is_here].append(inside[0][0] if claim.pieces is None else of_kit(inside))
    here, there = (summed(part, most) for part, most in zip(parts, claim.most_in_all, strict=True))
    return holds_true(Kind(claim.kind), claim.count, here, there if claim.elsewhere else None)


def _in_hindsight(claim: ScarcityClaim, levels: Sequence[Proven]) -> bool:
    """Ask the world's time: what was reported late counts from when it happened, so a claim may turn out to be wrong."""
    moments = [(LevelKey(one.product_id, one.location_id), max(claim.as_of, one.recorded_at)) for one in levels]
    then = [
        max(snapshot.on_hand - snapshot.allocated - one.held + one.waiting, 0) - one.withheld
        for snapshot, one in zip(timeline.snapshots(moments), levels, strict=True)
    ]
    return bool(levels) and _carries(claim, levels, then)
