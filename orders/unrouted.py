"""What of orders was accepted and has no place yet: promised in all, at no place in particular, until a worker routes it.

Shipments of a channel that agreed on it are accepted at once and get their places many together, express first, so that the
goods of a few minutes go where they are best for all. Each portion is routed or withdrawn once; nothing is held in between but
the promise (`inventory.promising.demands`), so a worker that dies leaves nothing behind: its portions stay due. One that
finds no place is looked at again, ever later; what can't keep its promise any more stands on the exceptions desk.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext_lazy as _

from commerce import clock, ids, locks, quotas
from commerce import queries as ground
from commerce.actors import Actor
from commerce.channels.contracts import IncomingLine, IncomingOrder
from commerce.errors import CommerceError
from commerce.roles import Role
from commerce.transactions import savepoint, transaction, transaction_required
from inventory import allocations
from inventory.allocations import Demand, Promises
from inventory.kits import Part
from inventory.promising import demands
from inventory.sharing import channel_priorities
from orders import drafts, events, exceptions, fulfilment, promise_history, routing
from orders.desk import Severity
from orders.drafts import Planned, Unplaced
from orders.exceptions import Kind
from orders.fulfilment import Opening, Work
from orders.lifecycle import Method
from orders.models import UnroutedLine, UnroutedPortion
from orders.packing import consignments
from orders.promise_reasons import PromiseReason
from orders.queries import FulfilmentLineView, UnroutedView
from orders.routing import Ask, Route, Survey, importance, worlds
from orders.sourcing.problem import OpenParcel

MOST_AT_ONCE = 200  # portions that one look of the worker decides together
LOOKS_AGAIN = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(minutes=30))
NO_PLACE = "order.no_place"
ROUTER = Actor.system("routing in batches")

_PLACE = f"WITH {fulfilment.OPENING_SQL}, {routing.RECORDING_SQL} SELECT 1"


def register() -> None:
    """Make the kind of exception known to the desk."""
    exceptions.register(
        Kind(
            code=NO_PLACE,
            title=_("An accepted order finds no place"),
            sentence=_(
                "No place can serve it (%(code)s); %(attempts)s looks were in vain. Order goods, or speak to the customer."
            ),
            severity=Severity.HIGH,
            role=Role.SERVICE_AGENT,
            within=timedelta(hours=4),
            icon="route-off",
            remains=_remaining,
        )
    )


@transaction_required
def keep(waiting: Sequence[tuple[UUID, Unplaced]], *, at: datetime) -> None:
    """Write down portions of orders that stand now; what they want was promised in this transaction."""
    for order_id, one in waiting:
        row = UnroutedPortion.objects.create(
            id=ids.new(), order_id=order_id, method=one.method, is_express=one.is_express,
            promised_at=one.promised_at, deliver_by=one.deliver_by, next_at=at, accepted_at=at,
        )  # fmt: skip
        UnroutedLine.objects.bulk_create(
            UnroutedLine(
                id=line.id, portion=row, order_line_id=line.order_line_id, product_id=line.product_id,
                quantity=line.quantity, per_unit=line.per_unit,
            )
            for line in one.owed
        )  # fmt: skip


def views(unplaced: Unplaced | None, *, at: datetime) -> tuple[UnroutedView, ...]:
    """Return how a portion reads that was just accepted."""
    if unplaced is None:
        return ()
    return (UnroutedView(unplaced.method, unplaced.is_express, unplaced.promised_at, at),)


@transaction_required
def withdraw(work: Work, *, by: Actor, at: datetime, reason: str) -> int:
    """Take back what of a claimed order has no place yet; return how many portions that were."""
    if work.fulfilments:  # such an order has its places
        return 0
    rows = list(open_of([work.order.pk]))
    for row in rows:
        wanted = {line.id: line.quantity for line in row.lines.all()}
        demands.withdraw(wanted, by=by, at=at, reason=reason)
        row.withdrawn_at = at
        row.save(update_fields=["withdrawn_at"])
        exceptions.resolve(exceptions.key_of(NO_PLACE, ("portion", row.pk)), by=by, at=at)
    return len(rows)


def open_of(order_ids: Iterable[UUID]) -> Sequence[UnroutedPortion]:
    """Return the portions without a place of orders, with their lines, oldest first."""
    return list(
        UnroutedPortion.objects.filter(order_id__in=list(order_ids), routed_at__isnull=True, withdrawn_at__isnull=True)
        .prefetch_related("lines__product", "lines__order_line")
        .order_by("accepted_at", "id")
    )


def due(*, at: datetime, at_most: int = MOST_AT_ONCE) -> list[UUID]:
    """Return portions whose turn it is, express first, then those that wait longest."""
    return list(
        UnroutedPortion.objects.filter(next_at__lte=at, routed_at__isnull=True, withdrawn_at__isnull=True)
        .order_by("-is_express", "next_at", "id")
        .values_list("id", flat=True)[:at_most]
    )


def route_due(*, at: datetime) -> int:
    """Give places to what is due, decided together and written order by order, each in a transaction of its own.

    Where rules name priorities of channels, whose priority is better is served first; then express, then who waits longest.
    Return how many portions got theirs. Two workers at once do the same work twice at worst, and write it once.
    """
    rows = _in_turn({row.id: row for row in _rows(due(at=at))}, at=at)
    customers = {row.order.customer_id for row in rows.values() if row.order.customer_id}
    sooner = importance.of(customers, at=at)
    parcels = consignments.waiting(customers, at=at)
    asks = {portion_id: ask for portion_id, row in rows.items() if (ask := _ask(row, sooner, parcels)) is not None}
    if not asks:
        return 0
    survey = routing.survey([(ask.order, ask.channel) for ask in asks.values()], counts_unrouted=False, at=at)
    together = dict(zip(asks, routing.route_together(list(asks.values()), survey), strict=True))
    done = 0
    for portion_id, ask in asks.items():
        with transaction():
            done += _settle(portion_id, ask, together[portion_id], survey, at=at)
    return done


def _in_turn(rows: Mapping[UUID, UnroutedPortion], *, at: datetime) -> Mapping[UUID, UnroutedPortion]:
    """Return MOST_AT_ONCE portions in the order of their turn; who comes before one of `rows` for its goods is among them."""
    turns = demands.in_line({line.product_id for row in rows.values() for line in row.lines.all()})
    if not turns:
        return rows
    ranks = {turn.demand.id: turn.rank for turn in turns}
    worst = max(ranks[line.id] for row in rows.values() for line in row.lines.all() if line.id in ranks)
    sooner = [one for one, rank in ranks.items() if rank < worst]
    portions = dict(
        UnroutedLine.objects.filter(
            id__in=sooner, portion__next_at__lte=at, portion__routed_at__isnull=True, portion__withdrawn_at__isnull=True
        ).values_list("id", "portion_id")
    )
    also = dict.fromkeys(portions[one] for one in sooner if one in portions and portions[one] not in rows)
    found = {**rows, **{row.id: row for row in _rows(list(also)[:MOST_AT_ONCE])}}

    def turn(row: UnroutedPortion) -> tuple[int, bool, datetime, UUID]:
        rank = min((ranks[line.id] for line in row.lines.all() if line.id in ranks), default=channel_priorities.LAST)
        return rank, not row.is_express, row.next_at, row.id

    return {row.id: row for row in sorted(found.values(), key=turn)[:MOST_AT_ONCE]}


def _settle(portion_id: UUID, ask: Ask, routes: tuple[Route, ...] | None, survey: Survey, *, at: datetime) -> bool:
    """Open the fulfilments of a portion where it was decided, or put it off; say whether it has its places now."""
    row = UnroutedPortion.objects.filter(pk=portion_id).first()
    if row is None:
        return False
    claimed = _claim(row.order_id, routes or ())
    work = fulfilment.read(row.order_id)
    row = next((one for one in open_of([row.order_id]) if one.id == portion_id), None)
    if row is None:  # somebody cancelled it or was quicker
        return False
    if work.order.held_for:
        row.next_at = at + LOOKS_AGAIN[0]
        row.save(update_fields=["next_at"])
        return False
    try:
        with savepoint():
            if routes is None:
                routes = routing.route(
                    ask.order, ask.portion, ask.parts, channel=ask.channel, known=survey, values=ask.values
                )
            _open(work, row, routes, claimed, at=at)
    except CommerceError as refusal:
        worlds.forget()
        _put_off(row, refusal, at=at)
        return False
    return True


def _claim(order_id: UUID, routes: Sequence[Route]) -> set[UUID]:
    """Let this transaction be the only one that changes an order, and those into whose parcel it is to come; sorted."""
    beside = [route.joins for route in routes if route.joins is not None]
    wanted = {order_id} | (consignments.orders_beside(beside) if beside else set())
    for one in sorted(wanted):
        locks.hold(locks.Purpose.ORDER, str(one))
    return wanted


def _open(
    work: Work, row: UnroutedPortion, routes: Sequence[Route], claimed: set[UUID], *, at: datetime
) -> None:  # fmt: skip
    purpose = f"order:{row.order_id}"
    days = [worlds.day_claims(route.location, route.method, purpose=purpose, at=at) for route in routes]
    requests = [request for claimed in days for request in claimed]
    claims = quotas.Claims(requests, at=at)
    taken = iter(claims.take(requests))
    claims.write()
    lines = list(row.lines.all())
    ahead = demands.ahead_of({line.id: line.product_id for line in lines})
    demands.route({line.id: line.quantity for line in lines}, by=ROUTER, at=at)
    shares = [(ids.new(), route, _share(lines, route)) for route in routes]
    wish = allocations.Wish(
        [
            Demand(line.order_line_id, line.product_id, route.location.id, line.quantity, line.id)
            for _id, route, owed in shares
            for line in owed
        ],
        ROUTER,
        None,
        work.order.channel_id,
        ahead,
    )
    promises = Promises([wish], at=at)
    allocated = promises.make(wish)
    promises.write()
    openings = [
        Opening(
            row.order_id,
            _planned(work, route, owed, identifier, at=at).view(),
            None,
            [next(taken) for _ in claimed],
            allocated,
        )
        for (identifier, route, owed), claimed in zip(shares, days, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            _PLACE,
            {
                "at": at,
                "openings": fulfilment.opening_rows(openings),
                "decisions": routing.recording_rows([(row.order_id, route) for route in routes]),
            },
        )
    alone = 0
    for identifier, route, _owed in shares:
        if route.joins is not None and work.order.customer_id is not None:
            alone += not consignments.join_beside(
                route.joins, identifier, claimed=claimed, customer_id=work.order.customer_id, at=max(at, clock.now())
            )
        if route.consignment is not None and work.order.customer_id is not None:
            consignments.join(
                route.consignment, identifier, location_id=route.location.id, customer_id=work.order.customer_id, at=at
            )
    row.routed_at, row.refusal = at, ""
    row.save(update_fields=["routed_at", "refusal"])
    exceptions.resolve(exceptions.key_of(NO_PLACE, ("portion", row.pk)), by=ROUTER, at=at)
    last = max((one.view for one in openings), key=lambda view: view.promised_at)
    told = fulfilment.claim_order(row.order_id)
    told.focus = next(one for one in told.fulfilments if one.id == last.id)
    if last.promised_at > row.promised_at:  # what was accepted is kept earlier or as said, or told
        promise_history.keep(told.focus, row.promised_at, last.promised_at, PromiseReason.ROUTED, by=ROUTER, at=at)
    fulfilment.conclude(
        told,
        verb="orders.unrouted.route",
        event=events.FulfilmentRouted,
        told={"promised_at": last.promised_at, "parts": len(openings)},
        by=ROUTER,
        at=at,
        before={"promised_at": row.promised_at},
        after={
            "promised_at": last.promised_at,
            "location": ", ".join(route.location.code for route in routes),
            **({"alone": alone} if alone else {}),  # the parcel that it was to come into was picked, or full
        },
    )


def _planned(
    work: Work, route: Route, owed: tuple[FulfilmentLineView, ...], identifier: UUID, *, at: datetime
) -> Planned:
    country = (work.order.ship_to or {}).get("country") or route.location.country
    planned = Planned(route, None, at, owed, identifier, country=country)
    promised = planned.sent(at=at)
    planned.promised_at, planned.deliver_by = promised.leaves_by, promised.arrives_by
    return planned


def _put_off(row: UnroutedPortion, refusal: CommerceError, *, at: datetime) -> None:
    row.attempts += 1
    row.refusal = refusal.code
    pause = LOOKS_AGAIN[min(row.attempts, len(LOOKS_AGAIN)) - 1]
    row.next_at = at + pause
    row.save(update_fields=["attempts", "refusal", "next_at"])
    if row.attempts >= len(LOOKS_AGAIN) or row.promised_at <= at + pause:
        exceptions.open(
            NO_PLACE, subject=("portion", row.pk), order_id=row.order_id,
            facts={"code": refusal.code, "attempts": row.attempts}, by=ROUTER, at=at,
        )  # fmt: skip


def _share(lines: Sequence[UnroutedLine], route: Route) -> tuple[FulfilmentLineView, ...]:
    """Return what a place owes of the lines: its units, kits whole."""
    return tuple(
        FulfilmentLineView(
            ids.new(), line.order_line_id, route.units[line.order_line.product_id] * line.per_unit, 0, 0, "",
            line.product_id, line.product.sku, line.product.name, line.per_unit,
        )
        for line in lines
        if route.units.get(line.order_line.product_id)
    )  # fmt: skip


def _rows(portion_ids: Sequence[UUID]) -> list[UnroutedPortion]:
    found = {
        row.id: row
        for row in UnroutedPortion.objects.filter(pk__in=portion_ids)
        .select_related("order")
        .prefetch_related("lines__product", "lines__order_line")
    }
    return [found[one] for one in portion_ids if one in found]


def _ask(
    row: UnroutedPortion, sooner: Mapping[UUID, tuple[int, str]], parcels: Mapping[str, tuple[OpenParcel, ...]]
) -> Ask | None:
    """Return what routing is asked for a portion, as if it came in now."""
    channel = next((one for one in ground.channels() if one.id == row.order.channel_id), None)
    lines = list(row.lines.all())
    if channel is None or not lines:
        return None
    units = {line.order_line.product_id: line.quantity // line.per_unit for line in lines}
    ordered = tuple(IncomingLine(product_id=product, quantity=count) for product, count in sorted(units.items()))
    order = IncomingOrder(
        external_reference=row.order.external_reference, method=row.method, lines=ordered, ship_to=row.order.ship_to,
        is_express=row.is_express, deliver_by=row.deliver_by,
    )  # fmt: skip
    terms = drafts.Channel(channel.id, channel.code, channel.country, channel.currency, row.order.language)
    (portion,) = order.portions()
    parts = [Part(line.order_line.product_id, line.product_id, line.quantity, line.per_unit) for line in lines]
    values = {
        line.order_line.product_id: line.order_line.total_minor
        * units[line.order_line.product_id]
        // line.order_line.quantity
        for line in lines
    }
    extra, why = sooner.get(row.order.customer_id, (0, "")) if row.order.customer_id else (0, "")
    recipient = consignments.recipient(
        channel.id, row.order.customer_id, row.order.contact_name, row.order.ship_to if not row.order.held_for else None
    )
    may_join = row.method == Method.SHIP and not row.is_express
    return Ask(
        order, portion, parts, terms, values, extra, why, recipient, row.order.number,
        parcels.get(recipient, ()) if may_join else (),
    )  # fmt: skip


def _remaining(portion_ids: Sequence[str]) -> list[str]:
    rows = UnroutedPortion.objects.filter(pk__in=portion_ids, routed_at__isnull=True, withdrawn_at__isnull=True)
    return [str(one) for one in rows.values_list("id", flat=True)]
