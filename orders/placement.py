"""Placing orders: price, windows, goods, customer, order, routing, audit and news, all in one transaction or not at all.

One path for one order and for many that wait at the same time: decide what needs no lock, then take windows and goods for
all of them at once, in the house's order (quotas → stock → order), and write everything by one statement that its writers
put together (`orders.fulfilment` and `orders.routing` own their parts of it). A refusal belongs to its own order.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import orjson
from django.db import connection

from commerce import audit, integrity, outbox
from commerce.actors import Actor
from commerce.audit import AuditRow
from commerce.channels.contracts import IncomingOrder
from commerce.errors import CommerceError, RequestInProgress
from commerce.postgresql import prepared
from commerce.transactions import transaction_required
from customers import profiles
from customers.profiles import Person
from inventory.promising.backorders import Waiting
from orders import claims, drafts, events, fulfilment, intake, pickup_codes, queries, routing, unrouted
from orders.channel_prices import PriceSource
from orders.drafts import Channel, Draft, OrderingChannel, Wish, by_actor
from orders.fulfilment import Opening
from orders.lifecycle import OrderStatus, State
from orders.paying import PayMethod
from orders.payments import collecting
from orders.payments.collecting import Taken
from orders.queries import LineView, OrderView

__all__ = ["Channel", "OrderingChannel", "PlacedOrder", "Verdict", "Wish", "place", "place_many"]

integrity.refuse(
    "order_arrives_once",
    lambda: RequestInProgress(
        "Another request is placing an order with this reference right now; send it again to get that order.",
        retry_after_seconds=1,
    ),
)

# Numbers are drawn with the look for earlier orders; an order that is refused leaves a gap, which numbers may have.
_BEGIN = """
SELECT nextval('orders_order_number'),
       (SELECT id FROM orders_order earlier
        WHERE earlier.channel_id = wanted.channel_id AND earlier.external_reference = wanted.external_reference)
FROM unnest(%s::bigint[], %s::text[]) WITH ORDINALITY AS wanted (channel_id, external_reference, place)
ORDER BY wanted.place
"""
# Rows travel as the JSON of the views that are answered: one text to quote and to parse, however many columns and orders.
_PLACE = f"""
WITH new AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(orders)s::json) AS new (id uuid, number text, channel_id bigint,
        external_reference text, customer_id uuid, contact_name text, contact_email text, contact_phone text, ship_to jsonb,
        language text, currency text, total_minor bigint, tax_minor bigint, quote_id uuid, price_source text, asked jsonb,
        pricing jsonb, tracking_token text, placed_at timestamptz, lines json)
), placed AS (
    INSERT INTO orders_order (id, number, channel_id, external_reference, customer_id, contact_name, contact_email,
        contact_phone, ship_to, language, currency, total_minor, tax_minor, quote_id, price_source, asked, pricing,
        tracking_token, status, version, placed_at, changed_at)
    SELECT id, number, channel_id, external_reference, customer_id, contact_name, contact_email, contact_phone, ship_to,
        language, currency, total_minor, tax_minor, quote_id, price_source, asked, pricing, tracking_token,
        '{OrderStatus.OPEN}', 1, placed_at, %(at)s::timestamptz
    FROM new
), placed_lines AS (
    INSERT INTO orders_orderline (id, order_id, line_number, product_id, quantity, cancelled, unit_price_minor,
        total_minor, tax_minor, tax_basis_points, takes_substitutes)
    SELECT line.id, new.id, line.line_number, line.product_id, line.quantity, 0, line.unit_price_minor, line.total_minor,
        line.tax_minor, line.tax_basis_points, line.takes_substitutes
    FROM new, json_to_recordset(new.lines) AS line (id uuid, line_number int, product_id bigint, quantity int,
        unit_price_minor bigint, total_minor bigint, tax_minor bigint, tax_basis_points int, takes_substitutes bool)
), {fulfilment.OPENING_SQL}, {routing.RECORDING_SQL}
SELECT 1
"""


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """The order that stands, and whether it stood before; `waits` say which lines of a new one wait for goods."""

    order: OrderView
    is_known: bool = False
    waits: Mapping[UUID, Waiting] = field(default_factory=dict)


Verdict = PlacedOrder | CommerceError


@transaction_required
def place(order: IncomingOrder, *, channel: OrderingChannel, by: Actor, at: datetime) -> PlacedOrder:
    """Place an order or change nothing: what was promised about price, window and goods holds from now on.

    The same channel and reference again returns the order that stands, if it is the same order.
    Raises: DuplicateReference, InvalidInput, UnknownProduct, WindowClosed, WindowFull, LocationNotAble, NoAbleLocation,
    InsufficientStock, PurchaseLimitReached, HoldNotFound, HoldExpired, HoldEnded, HoldElsewhere, and what pricing refuses.
    """
    verdict = place_many([Wish(order, channel, by)], at=at)[0]
    if isinstance(verdict, CommerceError):
        raise verdict
    return verdict


@transaction_required
def place_many(wishes: Sequence[Wish], *, at: datetime) -> list[Verdict]:
    """Place orders together and return the order or the refusal of each, as `place` would; earlier ones are served first.

    Raises: Busy, which is nobody's fault, for all of them.
    """
    verdicts: dict[Wish, Verdict] = {}
    fresh: dict[Wish, int] = {}
    begun = _begin(wishes)
    stands = queries.orders(known_id for _, known_id in begun if known_id)
    for wish, (number, known_id) in zip(wishes, begun, strict=True):
        try:
            if known_id is not None:  # whatever its order says of itself: it stands, or it is another one
                verdicts[wish] = PlacedOrder(intake.same(stands[known_id], wish.order), is_known=True)
                continue
            intake.check(wish.order, at=at)
            fresh[wish] = number
        except CommerceError as refusal:
            verdicts[wish] = refusal
    going: list[Draft] = []
    survey = routing.survey([(wish.order, wish.channel) for wish in fresh], at=at)
    for (wish, number), quote in zip(fresh.items(), drafts.price(list(fresh), at=at), strict=True):
        try:
            going.append(drafts.draft(wish, number, quote, survey, at=at))
        except CommerceError as refusal:
            verdicts[wish] = refusal
    _draw_codes(going)
    refused = claims.settle(going, at=at)
    # Sorted, so that two groups with the same references wait for each other in one order.
    standing = sorted(
        (draft for draft in going if draft not in refused and draft.first is None), key=lambda draft: draft.reference
    )
    _recognise(standing, at=at)
    views = _write(standing, at=at)
    for draft in going:
        verdicts[draft.wish] = refused[draft] if draft in refused else _placed_or_same(draft, views)
    return [verdicts[wish] for wish in wishes]


def _placed_or_same(draft: Draft, views: Mapping[Draft, OrderView]) -> Verdict:
    if draft.first is None:
        return PlacedOrder(views[draft], waits=draft.waiting)
    try:
        return PlacedOrder(intake.same(views[draft.first], draft.order), is_known=True)
    except CommerceError as refusal:
        return refusal


def _begin(wishes: Sequence[Wish]) -> list[tuple[int, UUID | None]]:
    with connection.cursor() as cursor:
        prepared.execute(
            cursor,
            _BEGIN,
            [[wish.channel.channel_id for wish in wishes], [wish.order.external_reference for wish in wishes]],
        )
        return list(cursor.fetchall())


def _draw_codes(going: Sequence[Draft]) -> None:
    pickups = [planned for draft in going for planned in draft.planned if planned.window is not None]
    codes = pickup_codes.draw([planned.location.id for planned in pickups])
    for planned, code in zip(pickups, codes, strict=True):
        planned.pickup_code = code


def _recognise(standing: Sequence[Draft], *, at: datetime) -> None:
    people = [
        Person(
            name=draft.order.customer.name,
            email=draft.order.customer.email,
            phone=draft.order.customer.phone,
            language=draft.order.customer.language or draft.wish.channel.language,
            country=draft.wish.channel.country,
            channel_code=draft.wish.channel.channel_code,
            channel_customer_id=draft.order.customer.channel_customer_id,
        )
        for draft in standing
    ]
    found = profiles.recognise_many(people, by=[draft.wish.by for draft in standing], at=at)
    for draft, customer_id in zip(standing, found, strict=True):
        draft.customer_id = customer_id


# --- what is written --------------------------------------------------------------------------------------------------


def _write(standing: Sequence[Draft], *, at: datetime) -> dict[Draft, OrderView]:
    """Write the orders with all their parts, record and tell them; return each as it stands, without reading it back."""
    if not standing:
        return {}
    views = {draft: _view(draft, at=at) for draft in standing}
    openings = [
        Opening(view.id, work, planned.slot_hold_id, planned.day_hold_ids, draft.allocated)
        for draft, view in views.items()
        for planned, work in zip(draft.planned, view.fulfilments, strict=True)
    ]
    parameters = {
        "at": at,
        "orders": orjson.dumps(list(views.values())).decode(),
        "openings": fulfilment.opening_rows(openings),
        "decisions": routing.recording_rows(
            [(draft.id, planned.route) for draft in views for planned in draft.planned]
        ),
    }
    with connection.cursor() as cursor:
        prepared.execute(cursor, _PLACE, parameters)
    for by, group in by_actor(standing).items():
        audit.record_many([_recorded(draft, views[draft]) for draft in group], by=by)
        outbox.publish(
            [_placed(draft, views[draft], at=at) for draft in group],
            by=by,
            request_ids=[draft.wish.request_id for draft in group],
        )
    unrouted.keep([(draft.id, draft.unplaced) for draft in views if draft.unplaced], at=at)
    for draft in views:
        if draft.order.payments:
            collecting.take_over(draft.id, _taken(draft.order), by=draft.wish.by, at=at)
    return views


def _taken(order: IncomingOrder) -> list[Taken]:
    return [
        Taken(
            method=PayMethod(one.method),
            authorised_minor=one.amount_minor,
            captured_minor=one.amount_minor if one.status == "captured" else 0,
            provider=one.provider,
            provider_reference=one.reference,
            is_pending=one.status == "pending",
        )
        for one in order.payments
    ]


def _view(draft: Draft, *, at: datetime) -> OrderView:
    order, quote = draft.order, draft.quote
    substitutable = order.substitutable()
    lines = tuple(
        LineView(
            draft.line_ids[line.product_id],
            line_number,
            line.product_id,
            line.sku,
            draft.products[line.product_id].name,
            line.quantity,
            0,
            line.unit_price_minor,
            line.total_minor,
            line.tax_minor,
            line.tax_basis_points,
            line.product_id in substitutable,
        )
        for line_number, line in enumerate(quote.lines, start=1)
    )
    return OrderView(
        id=draft.id,
        number=draft.number,
        channel_id=draft.wish.channel.channel_id,
        external_reference=order.external_reference,
        customer_id=draft.customer_id,
        contact_name=order.customer.name,
        contact_email=order.customer.email,
        contact_phone=order.customer.phone,
        ship_to=dict(order.ship_to) if order.ship_to else None,
        language=order.customer.language or draft.wish.channel.language,
        currency=quote.currency,
        total_minor=quote.total_minor,
        tax_minor=quote.tax_minor,
        quote_id=order.quote_id,
        price_source=(PriceSource.CHANNEL if order.pricing else PriceSource.QUOTE).value,
        asked=intake.asked(order),
        pricing=quote.document(),
        tracking_token=secrets.token_urlsafe(32),
        version=1,
        placed_at=(order.occurred_at or at).astimezone(UTC),
        changed_at=at,
        lines=lines,
        fulfilments=tuple(planned.view() for planned in draft.planned),
        unrouted=unrouted.views(draft.unplaced, at=at),
    )


def _recorded(draft: Draft, view: OrderView) -> AuditRow:
    return AuditRow(
        verb="orders.placement.place",
        object_type="order",
        object_id=view.id,
        request_id=draft.wish.request_id,
        after={
            "state": State.PLACED.value,
            "number": view.number,
            "location": ", ".join(dict.fromkeys(planned.location.code for planned in draft.planned)),
            "method": ", ".join(dict.fromkeys(planned.route.method for planned in draft.planned))
            or str(draft.order.method),
            "total_minor": view.total_minor,
            "currency": view.currency,
            "pieces": view.pieces,
        },
    )


def _placed(draft: Draft, view: OrderView, *, at: datetime) -> events.OrderPlaced:
    return events.OrderPlaced(
        aggregate_sequence=view.version,
        channel_id=view.channel_id,
        occurred_at=at,
        order_id=view.id,
        number=view.number,
        external_reference=view.external_reference,
        customer_id=view.customer_id,
        status=OrderStatus.OPEN.value,
        total_minor=view.total_minor,
        currency=view.currency,
        pieces=view.pieces,
        placed_at=view.placed_at,
        location=draft.planned[0].location.code if draft.planned else None,
        fulfilment_id=view.fulfilments[0].id if view.fulfilments else None,
        state=State.PLACED.value,
    )
