"""Simulations: a policy tried on orders of the past, beside the live one, with the same goods for both.

Both begin with what is on the shelves now and what those orders took, and take from it order by order. Places, carriers and
calendars are those of today, so what differs is the policy alone.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from commerce import audit, catalog, ids
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction, transaction_required
from inventory import availability
from inventory.kits import Part
from inventory.places import locations
from orders import errors
from orders.lifecycle import Method
from orders.models import FulfilmentLine, Order, RoutingPolicy, RoutingSimulation
from orders.routing import problems, standing, worlds
from orders.sourcing import policy as policies
from orders.sourcing.decision import Decision, decide
from orders.sourcing.measuring import World
from orders.sourcing.network import Network, Shelf
from orders.sourcing.policy import Policy
from orders.sourcing.problem import Problem
from orders.sourcing.standing import SimulationState
from orders.sourcing.trial import Trial

MOST_ORDERS = 5_000  # the newest of the span; more tell nothing new
AT_ONCE = 100  # orders between two words of progress
LONGEST_SPAN = timedelta(days=400)
GIVEN_UP_AFTER = timedelta(minutes=15)  # a worker that was killed leaves its simulation to the next one
MOST_OPEN = 3  # of one policy
SENT = (Method.SHIP.value, Method.SAME_DAY.value, Method.SHIP_TO_STORE.value)


@dataclass(frozen=True, slots=True)
class SimulationRef:
    """A simulation as pages and the API read it."""

    id: UUID
    policy: int
    beside: int | None
    since: datetime
    until: datetime
    state: SimulationState
    total: int
    done: int
    result: dict[str, Any] | None
    problem: str
    asked_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def is_over(self) -> bool:
        return self.state in (SimulationState.DONE, SimulationState.FAILED)

    @property
    def percent(self) -> int:
        return self.done * 100 // self.total if self.total else 0


@transaction_required
def ask(number: int, *, since: datetime, until: datetime, by: Actor, at: datetime) -> SimulationRef:
    """Have a policy tried on the orders that were placed in a span; a worker does it within seconds.

    Raises: PolicyNotFound, InvalidInput for a span that can't be, TooManySimulations.
    """
    if not RoutingPolicy.objects.filter(number=number).exists():
        raise errors.PolicyNotFound(f"There is no version {number} of the routing policy.", policy=number)
    if not since < until or until - since > LONGEST_SPAN:
        message = f"must lie before its end, by at most {LONGEST_SPAN.days} days"
        raise InvalidInput(
            f"The span {message}.", errors=[{"field": "since", "value": since.isoformat(), "message": message}]
        )
    waiting = [SimulationState.WAITING.value, SimulationState.RUNNING.value]
    if RoutingSimulation.objects.filter(policy_id=number, state__in=waiting).count() >= MOST_OPEN:
        raise errors.TooManySimulations(
            "Simulations of this version are under way; wait for their results.", policy=number
        )
    label = standing.now().label
    row = RoutingSimulation.objects.create(
        id=ids.new(), policy_id=number, beside_id=None if label == standing.BUILT_IN else int(label[1:]), since=since,
        until=until, asked_by=by.label, created_at=at,
    )  # fmt: skip
    audit.record(
        "orders.routing.simulations.ask", "routing_policy", number, by=by,
        after={"simulation": str(row.pk), "since": since.isoformat(), "until": until.isoformat()},
    )  # fmt: skip
    return _ref(row)


def run_next(*, at: datetime) -> bool:
    """Run the simulation that waits longest, in short transactions of its own; say whether there was one."""
    with transaction():
        row = _claimed(at=at)
    if row is None:
        return False
    try:
        result = _run(row, _tell)
    except Exception as error:
        with transaction():
            _end(row.pk, SimulationState.FAILED, problem=f"{type(error).__name__}: {error}"[:200], at=at)
        raise
    with transaction():
        _end(row.pk, SimulationState.DONE, result=result, at=at)
    return True


@transaction_required
def carry_out(simulation_id: UUID, *, at: datetime) -> SimulationRef:
    """Run a simulation that waits here and now, in the caller's transaction: for few orders."""
    row = RoutingSimulation.objects.select_for_update().get(pk=simulation_id, state=SimulationState.WAITING.value)
    row.state, row.started_at = SimulationState.RUNNING.value, at
    row.save(update_fields=["state", "started_at"])
    result = _run(row, _keep_progress)
    _end(row.pk, SimulationState.DONE, result=result, at=at)
    return get(simulation_id)


def get(simulation_id: UUID) -> SimulationRef:
    """Return a simulation. Raises: SimulationNotFound."""
    row = RoutingSimulation.objects.filter(pk=simulation_id).first()
    if row is None:
        raise errors.SimulationNotFound("There is no such simulation.", simulation=str(simulation_id))
    return _ref(row)


def of_policy(number: int, *, at_most: int = 20) -> list[SimulationRef]:
    """Return the simulations of a policy, the newest first."""
    return [_ref(row) for row in RoutingSimulation.objects.filter(policy_id=number).order_by("-created_at")[:at_most]]


def _ref(row: RoutingSimulation) -> SimulationRef:
    return SimulationRef(
        row.pk, row.policy_id, row.beside_id, row.since, row.until, SimulationState(row.state), row.total, row.done,
        row.result, row.problem, row.asked_by, row.created_at, row.started_at, row.ended_at,
    )  # fmt: skip


# --- running ------------------------------------------------------------------------------------------------------------


def _claimed(*, at: datetime) -> RoutingSimulation | None:
    waiting = RoutingSimulation.objects.filter(state=SimulationState.WAITING.value)
    given_up = RoutingSimulation.objects.filter(state=SimulationState.RUNNING.value, started_at__lt=at - GIVEN_UP_AFTER)
    row = (waiting | given_up).order_by("created_at").select_for_update(skip_locked=True).first()
    if row is not None:
        row.state, row.started_at, row.done = SimulationState.RUNNING.value, at, 0
        row.save(update_fields=["state", "started_at", "done"])
    return row


def _end(
    simulation_id: UUID,
    state: SimulationState,
    *,
    result: dict[str, Any] | None = None,
    problem: str = "",
    at: datetime,
) -> None:
    RoutingSimulation.objects.filter(pk=simulation_id, state=SimulationState.RUNNING.value).update(
        state=state.value, result=result, problem=problem, ended_at=at
    )


def _run(row: RoutingSimulation, tell: Callable[[UUID, int], None]) -> dict[str, Any]:
    at = row.started_at or row.created_at
    candidate = policies.read(row.policy.content)
    beside = policies.read(row.beside.content) if row.beside is not None else policies.FIRST
    orders = list(
        Order.objects.filter(
            placed_at__gte=row.since, placed_at__lt=row.until, fulfilments__method__in=SENT
        ).distinct().order_by("-placed_at", "-id").values_list("id", flat=True)[:MOST_ORDERS]
    )[::-1]  # fmt: skip
    RoutingSimulation.objects.filter(pk=row.pk).update(total=len(orders))
    net = worlds.network(at=at)
    tried = Trial()
    stages: list[_Stage] = []
    for portion, taken in _past(orders, net, at=at):
        if not stages:
            stages = [_Stage(policy, net, at=at) for policy in (candidate, beside)]
        for stage in stages:
            stage.stock(taken)
        for name, problem in portion:
            decisions = [stage.decide(problem) for stage in stages]
            tried.add(name, decisions[0], decisions[1], asked_on=at.date().toordinal())
        tell(row.pk, tried.candidate.orders)
    return tried.document()


def _keep_progress(simulation_id: UUID, done: int) -> None:
    RoutingSimulation.objects.filter(pk=simulation_id).update(done=done)


def _tell(simulation_id: UUID, done: int) -> None:
    with transaction():
        _keep_progress(simulation_id, done)


class _Stage:
    """The shelves as one policy leaves them, order by order."""

    def __init__(self, policy: Policy, net: Network, *, at: datetime) -> None:
        self._policy, self._net, self._at = policy, net, at
        self._shelves: dict[int, Shelf] = {}

    def stock(self, pieces: dict[int, dict[int, int]]) -> None:
        """Put the goods of further orders on the shelves; those that are there stay as they are."""
        fresh = {product: there for product, there in pieces.items() if product not in self._shelves}
        made = worlds.shelves(self._net, fresh, self._policy, channel_id=None, at=self._at)
        self._shelves |= made

    def decide(self, problem: Problem) -> Decision:
        decision = decide(problem, World(self._net, self._shelves), self._policy)
        for share in decision.shares:
            number = self._net.index[share.place.id]
            for product, count in share.goods.items():
                self._shelves[product].available[number] -= count
        return decision


Portion = list[tuple[dict[str, str], Problem]]


def _past(
    order_ids: Sequence[UUID], net: Network, *, at: datetime
) -> Iterator[tuple[Portion, dict[int, dict[int, int]]]]:
    """Yield the orders as problems, portion by portion, each with the pieces by product and place that they begin with."""
    back = _taken(order_ids)
    seen: set[int] = set()
    for start in range(0, len(order_ids), AT_ONCE):
        chosen = order_ids[start : start + AT_ONCE]
        owed: dict[UUID, list[FulfilmentLine]] = {}
        for line in FulfilmentLine.objects.filter(
            fulfilment__order_id__in=chosen, fulfilment__method__in=SENT
        ).select_related("fulfilment", "order_line"):
            owed.setdefault(line.fulfilment.order_id, []).append(line)
        orders = Order.objects.in_bulk(chosen)
        products = catalog.products_by_id({line.product_id for group in owed.values() for line in group})
        points = locations.places([_destination(order) for order in orders.values()])
        fresh = products.keys() - seen
        seen |= fresh
        pieces: dict[int, dict[int, int]] = {product: dict(back.get(product, {})) for product in fresh}
        for figure in availability.figures(fresh, at=at):
            there = pieces[figure.product_id]
            there[figure.location_id] = there.get(figure.location_id, 0) + figure.free
        rules = standing.now().rules
        portion: Portion = []
        for order_id in chosen:
            order, group = orders[order_id], owed.get(order_id, [])
            parts = [Part(one.order_line.product_id, one.product_id, one.quantity, one.per_unit) for one in group]
            values = {one.order_line.product_id: one.order_line.total_minor for one in group}
            country, code = _destination(order)
            found = problems.problem(
                problems.lines(parts, values, products, rules), method=group[0].fulfilment.method if group else "ship",
                country=country, point=points.get((country, code)), countries=net.countries, asked_on=at.date(),
                value_minor=order.total_minor, restricted=problems.restrictions(rules, products), name=order.number,
            )  # fmt: skip
            if group:
                portion.append(({"order": str(order.pk), "number": order.number}, found))
        yield portion, pieces


def _taken(order_ids: Sequence[UUID]) -> dict[int, dict[int, int]]:
    """Return what the orders took, by product and place."""
    found: dict[int, Counter[int]] = {}
    rows = FulfilmentLine.objects.filter(
        fulfilment__order_id__in=order_ids, fulfilment__method__in=SENT
    ).values_list("product_id", "fulfilment__location_id", "quantity", "rejected")  # fmt: skip
    for product_id, location_id, quantity, rejected in rows.iterator():
        found.setdefault(product_id, Counter())[location_id] += quantity - rejected
    return {product: dict(places) for product, places in found.items()}


def _destination(order: Order) -> tuple[str, str]:
    ship_to = order.ship_to or {}
    return str(ship_to.get("country") or "DE"), str(ship_to.get("postal_code", ""))
