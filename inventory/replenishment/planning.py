"""What should be reordered today, and from where: rules, forecasts and positions put together, product by product.

Reads only. Every draft carries the numbers it was worked out from, so that a person can follow it weeks later.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from inventory import incoming
from inventory.places import geography, locations, transit
from inventory.procurement import calendar as supplier_calendar
from inventory.procurement import lead_times, suppliers
from inventory.replenishing import DemandClass, ProposalKind
from inventory.replenishment import balancing, forecasts, order_sizes
from inventory.replenishment.balancing import Move, Shortage, Surplus
from inventory.replenishment.forecasts import Known
from inventory.replenishment.order_sizes import Levels
from inventory.replenishment.rules import Book, Rule
from inventory.replenishment.spread import Spread
from inventory.sharing import channel_priorities

PRODUCTS_AT_ONCE = 300
SPARED_WEEKS = 4  # a place gives away only what it would not sell in so many weeks beyond its own target
NEVER = 999.0  # days that goods without demand last

_POSITIONS = """
SELECT l.product_id, l.location_id, p.category,
       coalesce(sum(l.on_hand) FILTER (WHERE l.condition = 'sellable'), 0),
       coalesce(sum(l.allocated) FILTER (WHERE l.condition = 'sellable'), 0),
       coalesce(sum(l.held) FILTER (WHERE l.condition = 'sellable'), 0)
FROM inventory_stocklevel l
JOIN commerce_product p ON p.id = l.product_id AND p.is_active AND p.kind = 'goods'
JOIN inventory_location o ON o.id = l.location_id AND o.is_active
WHERE l.product_id = ANY(%s) GROUP BY 1, 2, 3
"""
_PRODUCTS = """
SELECT id, category FROM commerce_product p WHERE is_active AND kind = 'goods' AND id > %s
AND (EXISTS (SELECT FROM inventory_stocklevel l WHERE l.product_id = p.id) OR id = ANY(%s)) ORDER BY id LIMIT %s
"""
# Approved and not yet an order: on its way to one place, promised away by another.
_APPROVED = """
SELECT product_id, location_id, from_location_id, quantity FROM inventory_replenishmentproposal
WHERE state = 'approved' AND product_id = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Position:
    """What a place has of a product and what is on the way, in pieces."""

    product_id: int
    location_id: int
    category: str
    on_hand: int = 0
    allocated: int = 0
    held: int = 0
    coming: int = 0  # on transfers and purchase orders
    approved: int = 0  # proposals that will come, less those that will go

    @property
    def free(self) -> int:
        return self.on_hand - self.allocated - self.held

    @property
    def stock_position(self) -> int:
        return self.free + self.coming + self.approved


@dataclass(frozen=True, slots=True)
class Plan:
    """One product at one place under its rule: where it stands and where it should."""

    position: Position
    rule: Rule
    levels: Levels
    known: Known | None
    order_on: date
    expected_on: date
    quantity: int
    inputs: dict[str, Any]

    @property
    def missing(self) -> int:
        return max(self.levels.target_level - self.position.stock_position, 0)


@dataclass(frozen=True, slots=True)
class Timing:
    """When a supplier takes an order and the one after it, and how many days those take.

    `usual_days` are what deliveries taught, else what was agreed; `closed_days` come on top for the order after the next,
    whose goods this one has to last for: holidays and closed weeks lie in its way.
    """

    order_on: date
    next_on: date
    usual_days: float
    closed_days: int
    expected_on: date
    is_known: bool  # the supplier is one of ours, with a calendar


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposal before it is written."""

    kind: ProposalKind
    rule_id: int
    product_id: int
    location_id: int
    from_location_id: int | None
    supplier_code: str
    quantity: int
    order_on: date
    expected_on: date
    inputs: dict[str, Any]


class Planner:
    """Plans for all products at one moment; holds what does not change while it runs."""

    def __init__(self, *, at: datetime) -> None:
        self.at = at
        self.today = timezone.localdate(at)
        self.book = Book()
        self.spread: Spread = forecasts.spread()
        self.lead_times = lead_times.learned(at=at)
        self.calendars = {one.code: one.calendar for one in suppliers.active()}

    def products(self) -> Iterator[list[tuple[int, str]]]:
        """Yield (id, category) of all goods that have stock somewhere or a rule of their own, in portions."""
        named = [rule.product_id for rule in self.book.rules if rule.product_id is not None]
        after = 0
        while self.book.rules:
            with connection.cursor() as cursor:
                cursor.execute(_PRODUCTS, [after, named, PRODUCTS_AT_ONCE])
                rows = cursor.fetchall()
            if not rows:
                return
            yield rows
            after = rows[-1][0]

    def plans(self, products: Sequence[tuple[int, str]]) -> list[Plan]:
        """Return where each product stands at each place that has a rule for it."""
        positions = _positions(products, self._places_without_stock(products))
        ruled = [
            (position, rule)
            for position in positions
            if (rule := self.book.rule_for(position.product_id, position.category, position.location_id)) is not None
        ]
        known = forecasts.known([(p.product_id, p.location_id) for p, _rule in ruled])
        return [self._plan(p, rule, known.get((p.product_id, p.location_id))) for p, rule in ruled]

    def drafts(self, plans: Sequence[Plan]) -> list[Draft]:
        """Return what the plans want: transfers from places that can spare goods first, purchases for the rest."""
        nobody: dict[int, list[int]] = {}
        wanting = sorted({plan.position.product_id for plan in plans if plan.quantity})
        listed = _channels(wanting) if channel_priorities.are_named() else nobody
        found = []
        for product_id in wanting:
            mine = [plan for plan in plans if plan.position.product_id == product_id]
            found += self._of_one(mine, listed.get(product_id, []))
        return found

    def _places_without_stock(self, products: Sequence[tuple[int, str]]) -> list[tuple[int, str, int]]:
        """Return (product, category, place) that a rule names although the product was never there."""
        places = [place.id for place in locations.active()]
        categories = dict(products)
        return [
            (rule.product_id, categories[rule.product_id], place)
            for rule in self.book.rules
            if rule.product_id in categories and (rule.location_id is not None or rule.group_id is not None)
            for place in places
            if self.book.covers(rule, place)
        ]

    def _plan(self, position: Position, rule: Rule, known: Known | None) -> Plan:
        experience = self.lead_times.get((rule.supplier_code, position.location_id))
        timing = self._timing(rule, experience)
        order_on, waiting = timing.order_on, (timing.next_on - self.today).days - rule.terms.review_days
        terms = replace(rule.terms, lead_time_days=timing.usual_days + timing.closed_days)
        if experience is not None:
            terms = replace(terms, lead_time_deviation_days=experience.deviation_days)
        per_week = known.per_week if known else 0.0
        factors = self.book.factors(position.product_id, position.category)
        days = order_sizes.cover_days(terms, waiting)
        expected = order_sizes.expected_demand(per_week, self.today, days, factors)
        levels = order_sizes.levels(expected, terms, self.spread, waiting_days=waiting)
        quantity = order_sizes.quantity(position.stock_position, levels, terms)
        inputs = {
            "rule": rule.name, "on_hand": position.on_hand, "allocated": position.allocated, "held": position.held,
            "coming": position.coming, "approved": position.approved, "position": position.stock_position,
            "per_week": round(per_week, 2), "method": known.method if known else "nothing",
            "demand_class": known.demand_class if known else DemandClass.NONE.value,
            "note": (known.evidence.get("note", "") if known else "none"),
            "weeks": (known.evidence.get("weeks", []) if known else []),
            "weeks_left_out": (known.evidence.get("weeks_left_out", 0) if known else 0),
            "forecast_until": known.until.isoformat() if known else None,
            "service_level_percent": round(terms.service_level * 100, 1), "review_days": terms.review_days,
            "waiting_days": waiting, "lead_time_days": round(terms.lead_time_days, 1),
            "lead_time_deviation_days": round(terms.lead_time_deviation_days, 1),
            "deliveries": experience.deliveries if experience else 0,
            "supplier": rule.supplier_code if timing.is_known else "", "usual_days": round(timing.usual_days, 1),
            "closed_days": timing.closed_days, "next_order_on": timing.next_on.isoformat(),
            "cover_days": round(levels.cover_days, 1), "expected": round(expected, 1),
            "safety_for_demand": round(levels.safety_for_demand, 1),
            "safety_for_lead_time": round(levels.safety_for_lead_time, 1), "safety_stock": levels.safety_stock,
            "observations": self.spread.observations(expected, levels.cover_days),
            "reorder_point": levels.reorder_point, "target_level": levels.target_level, "is_fixed": levels.is_fixed,
            "promotion_factor": order_sizes.factor_on(self.today, factors), "minimum_order": terms.minimum_order,
            "step": terms.step,
        }  # fmt: skip
        return Plan(position, replace(rule, terms=terms), levels, known, order_on, timing.expected_on, quantity, inputs)

    def _timing(self, rule: Rule, experience: lead_times.LeadTime | None) -> "Timing":
        """Return when a rule's supplier takes the next two orders, and how long they take.

        A supplier that we know has a calendar: its order days and its cut-off, public holidays and closed weeks, and the days on
        which it delivers; the rule may name fewer order days, and closed days besides. Others have what the rule says.
        """
        calendar = self.calendars.get(rule.supplier_code)
        if calendar is None:
            usual = experience.days if experience is not None else rule.terms.lead_time_days
            order_on = order_sizes.order_day(self.today, rule.order_weekdays, rule.closed_from, rule.closed_until)
            after = order_on + timedelta(days=rule.terms.review_days)
            next_on = order_sizes.order_day(after, rule.order_weekdays, rule.closed_from, rule.closed_until)
            return Timing(order_on, next_on, usual, 0, order_on + timedelta(days=max(round(usual), 0)), is_known=False)
        calendar = supplier_calendar.narrowed(calendar, rule.order_weekdays, rule.closed_from, rule.closed_until)
        first = supplier_calendar.next_delivery(calendar, self.at)
        order_on = first.order_on if first is not None else self.today
        after = order_on + timedelta(days=rule.terms.review_days)
        next_on = supplier_calendar.order_day(calendar, after) or after
        usual = experience.days if experience is not None else supplier_calendar.usual_days(calendar)
        expected_on = supplier_calendar.delivery_day(replace(calendar, lead_time_days=max(round(usual), 0)), order_on)
        return Timing(
            order_on, next_on, usual, supplier_calendar.closed_days(calendar, next_on),
            expected_on or order_on + timedelta(days=max(round(usual), 0)), is_known=True,
        )  # fmt: skip

    def _of_one(self, plans: Sequence[Plan], channels: Sequence[int]) -> list[Draft]:
        """Draft for one product: the surplus of some places for the shortage of others, then the suppliers."""
        short = {plan.position.location_id: plan for plan in plans if plan.quantity}
        ranked = {place: _priority(plan.position, channels) for place, plan in short.items()}
        moves = balancing.moves(
            [
                Shortage(
                    place, plan.missing, plan.rule.terms.case_pack, ranked[place], _days_left(plan),
                    plan.rule.transfer_radius_km,
                )
                for place, plan in short.items()
                if plan.rule.transfer_radius_km
            ],
            [Surplus(plan.position.location_id, spare) for plan in plans if (spare := _spare(plan)) > 0],
            _distances([plan.position.location_id for plan in plans]),
        )  # fmt: skip
        by_place = {plan.position.location_id: plan for plan in plans}
        drafts = [
            self._transfer(
                move, short[move.to_location_id], by_place[move.from_location_id], ranked[move.to_location_id]
            )
            for move in moves
        ]
        for place, plan in short.items():
            moved = sum(move.pieces for move in moves if move.to_location_id == place)
            terms = plan.rule.terms
            position = plan.position.stock_position + moved
            quantity = order_sizes.quantity(position, plan.levels, terms)
            if quantity:
                drafts.append(self._purchase(plan, quantity, moved, ranked[place]))
        return drafts

    def _transfer(self, move: Move, plan: Plan, giver: Plan, priority: int) -> Draft:
        origin, destination = locations.by_id(move.from_location_id), locations.by_id(plan.position.location_id)
        days = transit.transfer_days(origin, destination)
        inputs = plan.inputs | {
            "distance_km": round(move.distance_km, 1), "giver_free": giver.position.free,
            "giver_target": giver.levels.target_level, "giver_per_week": giver.inputs["per_week"],
            "giver_spare": _spare(giver), "transit_days": days, "priority": priority,
        }  # fmt: skip
        return Draft(
            ProposalKind.TRANSFER, plan.rule.id, plan.position.product_id, plan.position.location_id, move.from_location_id,
            "", move.pieces, self.today, self.today + timedelta(days=days), inputs,
        )  # fmt: skip

    def _purchase(self, plan: Plan, quantity: int, moved: int, priority: int) -> Draft:
        return Draft(
            ProposalKind.PURCHASE, plan.rule.id, plan.position.product_id, plan.position.location_id, None,
            plan.rule.supplier_code, quantity, plan.order_on, plan.expected_on,
            plan.inputs | {"moved": moved, "priority": priority},
        )  # fmt: skip


def _spare(plan: Plan) -> int:
    """Return the pieces a place can give: free and on hand, above its own target and the next weeks' sales.

    A place without a history of its own gives nothing: nobody knows what it needs.
    """
    if plan.known is not None and plan.known.demand_class == DemandClass.NEW.value:
        return 0
    keeps = plan.levels.target_level + plan.inputs["per_week"] * SPARED_WEEKS
    return max(int(plan.position.free + min(plan.position.approved, 0) - keeps), 0)


def _days_left(plan: Plan) -> float:
    per_week = plan.inputs["per_week"]
    return plan.position.free / per_week * 7 if per_week else NEVER


def _distances(place_ids: Sequence[int]) -> dict[tuple[int, int], float]:
    """Return km between places that have coordinates and no customs border between them."""
    places = [locations.by_id(place_id) for place_id in place_ids]
    found = {}
    for giver in places:
        for taker in places:
            if giver.id == taker.id or not geography.same_customs_area(giver.country, taker.country):
                continue
            if taker.latitude is not None and taker.longitude is not None:
                km = giver.distance_to(taker.latitude, taker.longitude)
                if km is not None:
                    found[giver.id, taker.id] = km
    return found


def _channels(product_ids: Sequence[int]) -> dict[int, list[int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT product_id, array_agg(channel_id) FROM commerce_listing WHERE product_id = ANY(%s) GROUP BY 1",
            [list(product_ids)],
        )
        return dict(cursor.fetchall())


def _priority(position: Position, channels: Sequence[int]) -> int:
    """Return how soon a place is served when goods are scarce: the best priority of the channels that list the product."""
    return min(
        [channel_priorities.rank(one, position.product_id, position.location_id) for one in channels],
        default=channel_priorities.LAST,
    )


def _positions(products: Sequence[tuple[int, str]], besides: Sequence[tuple[int, str, int]]) -> list[Position]:
    """Return positions of the products wherever they have stock, and empty ones at the places named besides."""
    ids = [product_id for product_id, _category in products]
    coming: dict[tuple[int, int], int] = {}
    for one in incoming.expected(ids):
        coming[one.product_id, one.location_id] = coming.get((one.product_id, one.location_id), 0) + one.quantity
    with connection.cursor() as cursor:
        cursor.execute(_POSITIONS, [ids])
        rows = cursor.fetchall()
        cursor.execute(_APPROVED, [ids])
        approved: dict[tuple[int, int], int] = {}
        for product_id, to_id, from_id, quantity in cursor.fetchall():
            approved[product_id, to_id] = approved.get((product_id, to_id), 0) + quantity
            if from_id is not None:
                approved[product_id, from_id] = approved.get((product_id, from_id), 0) - quantity
    found = {
        (product_id, place): Position(
            product_id, place, category, int(on_hand), int(allocated), int(held),
            coming.get((product_id, place), 0),
            approved.get((product_id, place), 0),
        )
        for product_id, place, category, on_hand, allocated, held in rows
    }  # fmt: skip
    for product_id, category, place in besides:
        found.setdefault((product_id, place), Position(product_id, place, category))
    return [found[key] for key in sorted(found)]
