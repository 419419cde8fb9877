"""Measures an order's possible parts at all places at once, and says why places are out. [pure]

A part is a set of lines that one place would send. All measures are whole numbers in columns over the places; what a
policy makes of them is a score that adds up over the parts of a plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from orders.sourcing.criteria import UNKNOWN_KM, Criterion, Reason
from orders.sourcing.network import NO_DAY, Bools, Ints, Network, Shelf
from orders.sourcing.policy import Mode, Policy
from orders.sourcing.problem import Line, Problem
from orders.sourcing.tariffs import Bulk, Service

RADIX_BITS = 48  # of one criterion in a ranked score: sums of a few parts, each below 2^40, never reach the next one
LIMIT = 1 << 32  # above every price
NO_WAY = 1 << 62
COLLECTED = frozenset({"pickup", "curbside"})  # nobody sends these
_NOWHERE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class World:
    """What is true for all orders of a moment: the places, and what they have of each product."""

    network: Network
    shelves: Mapping[int, Shelf]


@dataclass(frozen=True, slots=True)
class Tolls:
    """What goods and days are worth to others, in thousandths of a minor unit: by product a column of places, for each piece; and
    a column for each part. Only a weighed policy can pay them."""

    goods: Mapping[int, Ints]
    day: Ints


@dataclass(frozen=True, slots=True)
class Way:
    """How a part would travel: by which service and zone, for how much, leaving and arriving on which day (ordinals)."""

    service: str
    zone: str
    cost_minor: int
    arrives_on: int


@dataclass(frozen=True, slots=True)
class Block:
    """A set of lines as one part: the numbers of the places that could send all of it, and how each compares.

    `measures` has a row for each criterion and a column for each place of the network, able or not.
    """

    criteria: tuple[Criterion, ...]
    places: Ints
    measures: Ints
    scores: tuple[Ints, ...]  # of the able ones: one column for a weighed policy, one per criterion for a ranked one
    way_of: Ints
    ship_minor: Ints

    def ranked(self, at_most: int) -> list[tuple[int, int]]:
        """Return the best places as (score, number), the best first; equal ones by code."""
        if not self.places.size:
            return []
        if len(self.scores) == 1:
            order = np.argsort(self.scores[0], kind="stable")
        else:
            order = np.lexsort(self.scores[::-1])
        return [(self._score(row), int(self.places[row])) for row in order[:at_most].tolist()]

    def score(self, place: int) -> int:
        """Return the score of an able place as one number that compares and adds up as the policy does."""
        return self._score(int(np.searchsorted(self.places, place)))

    def values(self, place: int) -> dict[Criterion, int]:
        """Return the measures at a place."""
        return dict(zip(self.criteria, self.measures[:, place].tolist(), strict=True))

    def value(self, criterion: Criterion, place: int) -> int:
        return int(self.measures[self.criteria.index(criterion), place])

    def _score(self, row: int) -> int:
        total = 0
        for column in self.scores:
            total = (total << RADIX_BITS) + int(column[row])
        return total


class Look:
    """One order seen from all places under a policy; with tolls its scores say what it costs everybody, not only itself."""

    def __init__(
        self,
        problem: Problem,
        world: World,
        policy: Policy,
        lines: tuple[Line, ...] | None = None,
        tolls: Tolls | None = None,
        joins: Mapping[int, Bulk] | None = None,
    ) -> None:
        self.problem, self.world, self.policy, self.tolls = problem, world, policy, tolls
        self.joins = joins or {}  # by the number of the place: a parcel that goes there anyway
        self.network = world.network
        self.lines = problem.lines if lines is None else lines
        told = (*(term.criterion for term in policy.terms), Criterion.COST, Criterion.DISTANCE)
        self.criteria = tuple(dict.fromkeys(told))
        self._row = {criterion: row for row, criterion in enumerate(self.criteria)}
        self._of_goods: dict[tuple[int, int], list[tuple[int, Ints]]] = {}
        self.could = [self._could(line) for line in self.lines]

    # --- hard rules -----------------------------------------------------------------------------------------------

    @cached_property
    def barred(self) -> dict[Reason, Bools]:
        """Which places can't serve any line of this order, by reason."""
        problem, network = self.problem, self.network
        found = {Reason(name): column for name, column in network.is_out.items()}
        found[Reason.METHOD_NOT_OFFERED] = ~network.offering(problem.method)
        if problem.area:
            found[Reason.BEHIND_CUSTOMS] = ~network.within(problem.area)
        if problem.leave_on is not None:
            found[Reason.CLOSED] = found[Reason.CLOSED] | (network.ready_on > problem.leave_on.toordinal())
        if self.is_sent and network.tariffs.services:
            reachable = np.zeros(network.size, dtype=np.bool_)
            for _service, usable, _zones, _zone_of, _arrives in self._services:
                reachable |= usable
            found[Reason.NO_CARRIER] = ~reachable
        return found

    @cached_property
    def is_sent(self) -> bool:
        return self.problem.method not in COLLECTED

    @cached_property
    def open(self) -> Bools:
        """Which places may serve something of this order, as far as hard rules about places go."""
        able = np.ones(self.network.size, dtype=np.bool_)
        if self.problem.only is not None:
            able[:] = False
            for place_id in self.problem.only:
                if place_id in self.network.index:
                    able[self.network.index[place_id]] = True
        for column in self.barred.values():
            able &= ~column
        return able

    def line_bars(self, line: Line) -> dict[Reason, Bools]:
        """Return which places can't serve a line for what it is, or for what became of it there."""
        found: dict[Reason, Bools] = {}
        for restriction in self.problem.restrictions:
            if restriction.meets(line, self.problem.country):
                column = found.setdefault(restriction.reason, np.zeros(self.network.size, dtype=np.bool_))
                if restriction.places:
                    column |= self._among(restriction.places)
                else:
                    column[:] = True
        if line.is_hazardous:
            found[Reason.HAZARDOUS] = found.get(Reason.HAZARDOUS, False) | ~self.network.takes_hazardous
        refused = self.problem.rejected.get(line.id)
        if refused:
            found[Reason.REJECTED_BEFORE] = self._among(refused)
        return found

    def _among(self, place_ids: frozenset[int]) -> Bools:
        column = np.zeros(self.network.size, dtype=np.bool_)
        for place_id in place_ids:
            if place_id in self.network.index:
                column[self.network.index[place_id]] = True
        return column

    def _could(self, line: Line) -> Bools:
        """Return which places may serve a line and have all of it."""
        able = self.open
        for column in self.line_bars(line).values():
            able = able & ~column
        if self.problem.judges_stock:
            for product, pieces in line.goods:
                able = able & (self.available(product) >= pieces)
        return able

    def available(self, product: int) -> Ints:
        """Return the pieces of a product at all places."""
        shelf = self.world.shelves.get(product)
        return self._nothing if shelf is None else shelf.available

    @cached_property
    def _nothing(self) -> Ints:
        return np.zeros(self.network.size, dtype=np.int64)

    # --- what holds for the order as a whole ------------------------------------------------------------------------

    @cached_property
    def km(self) -> Ints:
        """Kilometres from every place to the customer."""
        if self.problem.point is None:
            return np.full(self.network.size, UNKNOWN_KM, dtype=np.int64)
        return self.network.kilometres(self.problem.point, UNKNOWN_KM)

    @cached_property
    def _services(self) -> list[tuple[Service, Bools, list, Ints, Ints]]:
        """Every service that may be used: from where, its zones, which of them each place is in, when it arrives."""
        found = []
        is_hazardous = any(line.is_hazardous for line in self.lines)
        for road in self.network.roads:
            service, reached = road.service, road.reached(self.problem.country)
            if reached is None or self.problem.method not in service.methods:
                continue
            if is_hazardous and not service.takes_hazardous:
                continue
            zones, limits, arrivals = reached
            zone_of = np.searchsorted(limits, self.km)
            usable = road.serves & (zone_of < len(zones))
            zone_of = np.minimum(zone_of, len(zones) - 1)
            found.append((service, usable, zones, zone_of, arrivals[road.leave_of, zone_of]))
        return found

    def way(self, block: Block, place: int) -> Way | None:
        """Return how a part would travel from a place; nothing where no carrier is known."""
        number = int(block.way_of[place]) if block.way_of.size else -1
        if number < 0:
            return None
        service, _usable, zones, zone_of, arrives = self._services[number]
        return Way(service.code, zones[int(zone_of[place])].code, int(block.ship_minor[place]), int(arrives[place]))

    # --- parts ------------------------------------------------------------------------------------------------------

    def block(self, numbers: tuple[int, ...]) -> Block:
        """Return the lines of these numbers as one part, at all places that could send them together."""
        lines = [self.lines[number] for number in numbers]
        able = self.could[numbers[0]]
        for number in numbers[1:]:
            able = able & self.could[number]
        goods: dict[int, int] = {}
        for line in lines:
            for product, pieces in line.goods:
                goods[product] = goods.get(product, 0) + pieces
        if self.problem.judges_stock and len(goods) < sum(len(line.goods) for line in lines):
            for product, pieces in goods.items():  # lines of one product together
                able = able & (self.available(product) >= pieces)
        places = np.flatnonzero(able)
        if not places.size:
            return Block(self.criteria, _NOWHERE, _NOWHERE, (_NOWHERE,), _NOWHERE, _NOWHERE)
        measures = self._fixed.copy()
        for product, pieces in goods.items():
            for row, column in self._measures_of_goods(product, pieces):
                measures[row] += column
        for line in lines:
            for row, column in self._measures_of_line(line):
                measures[row] += column
        way_of, ship, arrives = self._shipping(Bulk(sum(line.grams for line in lines), sum(line.mm3 for line in lines)))
        measures[self._row[Criterion.COST]] += ship
        if arrives is not None:
            self._add_times(measures, arrives)
        scores = self._scores(measures, places)
        if self.tolls is not None and self.policy.mode is Mode.WEIGHED:
            scores = (scores[0] + _toll(self.tolls, goods)[places],)
        return Block(self.criteria, places, measures, scores, way_of, ship)

    @cached_property
    def _fixed(self) -> Ints:
        """What any part would measure at each place, whatever is in it."""
        costs = self.network.costs
        measures = np.zeros((len(self.criteria), self.network.size), dtype=np.int64)
        fixed: dict[Criterion, Ints] = {
            Criterion.PARTS: np.ones(self.network.size, dtype=np.int64),
            Criterion.DISTANCE: self.km,
            Criterion.COST: costs["handling_minor"],
            Criterion.LOAD: costs["load_percent"],
            Criterion.QUEUE: costs["queue_minutes"],
        }
        for criterion, column in fixed.items():
            if criterion in self._row:
                measures[self._row[criterion]] = column
        for criterion in (Criterion.PARTS, Criterion.COST):
            if criterion in self._row:
                measures[self._row[criterion], list(self.joins)] = 0  # that parcel is handled anyway
        return measures

    def _measures_of_goods(self, product: int, pieces: int) -> list[tuple[int, Ints]]:
        """Return what pieces of a product add to the measures, as rows and their columns."""
        key = product, pieces
        if key not in self._of_goods:
            found = []
            if self._costs_by_piece is not None:
                found.append((self._row[Criterion.COST], self._costs_by_piece * pieces))
            shelf = self.world.shelves.get(product)
            for criterion, row in self._row.items():
                column = None if shelf is None else self._of_shelf(criterion, shelf, pieces)
                if column is not None:
                    found.append((row, column))
            self._of_goods[key] = found
        return self._of_goods[key]

    @cached_property
    def _costs_by_piece(self) -> Ints | None:
        column = self.network.costs["handling_piece_minor"]
        return column if column.any() else None

    def _measures_of_line(self, line: Line) -> list[tuple[int, Ints]]:
        found = []
        shares = self.network.costs["partner_basis_points"]
        if Criterion.MARGIN in self._row and line.value_minor and shares.any():
            found.append((self._row[Criterion.MARGIN], (line.value_minor * shares + 5_000) // 10_000))
        if Criterion.RETURNS in self._row and line.return_permille:
            expected = line.return_permille * line.pieces
            found.append((self._row[Criterion.RETURNS], np.where(self.network.takes_returns, 0, expected)))
        return found

    def _of_shelf(self, criterion: Criterion, shelf: Shelf, pieces: int) -> Ints | None:
        there = shelf.available
        match criterion:
            case Criterion.SPARE:
                return -there
            case Criterion.OVERSTOCK if shelf.enough is not None:
                return -np.minimum(np.maximum(there - shelf.enough, 0), pieces)
            case Criterion.LAST_PIECES:
                return _shortfall(self.network.is_store * self.policy.keep_at_stores, there, pieces)
            case Criterion.DEMAND_AHEAD if shelf.ahead is not None:
                return _shortfall(shelf.ahead, there, pieces)
            case Criterion.OBLIGATION if shelf.guaranteed is not None:
                return -np.minimum(shelf.guaranteed, pieces)
        return None

    def _shipping(self, bulk: Bulk) -> tuple[Ints, Ints, Ints | None]:
        """Return for each place its service, what that costs and when it arrives: on time first, then the cheapest."""
        if not self.is_sent or not self._services:
            return _NOWHERE, self._nothing, None
        best, cost, arrives = self._nothing, self._nothing, self._nothing
        way_of = np.full(self.network.size, -1, dtype=np.int64)
        for number, (service, _usable, zones, zone_of, arrival) in enumerate(self._services):
            prices = np.array([service.cost_minor(zone, bulk) for zone in zones], dtype=np.int64)[zone_of]
            for place, there in self.joins.items():
                with_it = service.cost_minor(zones[int(zone_of[place])], bulk + there)
                prices[place] = with_it - self._paid_anyway(place, there)
            key = self._lateness[number] + prices
            if not number:
                best, cost, arrives = key, prices, arrival
                way_of[key < NO_WAY] = 0
                continue
            better = key < best
            best = np.where(better, key, best)
            cost = np.where(better, prices, cost)
            arrives = np.where(better, arrival, arrives)
            way_of[better] = number
        return way_of, cost, arrives

    def _paid_anyway(self, place: int, bulk: Bulk) -> int:
        """Return what a parcel from a place costs that is sent in any case."""
        return min(
            (
                service.cost_minor(zones[int(zone_of[place])], bulk)
                for service, usable, zones, zone_of, _arrives in self._services
                if usable[place]
            ),
            default=0,
        )

    @cached_property
    def _lateness(self) -> list[Ints]:
        """For each service and place what counts before the price: days late; never, where the service does not go."""
        due = self.problem.due_on.toordinal() if self.problem.due_on else NO_DAY
        return [
            np.where(usable, np.maximum(arrival - due, 0) * LIMIT, NO_WAY)
            for _code, usable, _zones, _zone_of, arrival in self._services
        ]

    def _add_times(self, measures: Ints, arrives: Ints) -> None:
        problem = self.problem
        days = arrives - problem.asked_on.toordinal()
        if Criterion.DAYS in self._row:
            measures[self._row[Criterion.DAYS]] = days
        if Criterion.PRIORITY in self._row and problem.priority:
            measures[self._row[Criterion.PRIORITY]] = days * problem.priority
        if Criterion.LATE in self._row and problem.due_on:
            measures[self._row[Criterion.LATE]] = np.maximum(arrives - problem.due_on.toordinal(), 0)

    def _scores(self, measures: Ints, places: Ints) -> tuple[Ints, ...]:
        terms = self.policy.terms
        if self.policy.mode is Mode.RANKED:
            columns = ((measures[row], terms[row].step) for row in range(len(terms)))
            return tuple((column if step == 1 else -(-column // step))[places] for column, step in columns)
        return ((self._rates @ measures)[places],)

    @cached_property
    def _rates(self) -> Ints:
        rates = np.zeros(len(self.criteria), dtype=np.int64)
        for row, term in enumerate(self.policy.terms):
            rates[row] = term.rate
        return rates


def _toll(tolls: Tolls, goods: Mapping[int, int]) -> Ints:
    total = tolls.day.copy()
    for product, pieces in goods.items():
        if product in tolls.goods:
            total += tolls.goods[product] * pieces
    return total


def _shortfall(kept: Ints, there: Ints, pieces: int) -> Ints:
    """Return how many pieces more will lack of what should be kept, once some are taken."""
    return np.maximum(kept - (there - pieces), 0) - np.maximum(kept - there, 0)
