"""What goods cost us, landed, and what channels keep: dated, laid over each other by validity, never overlapping."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from psycopg2.extras import DateTimeTZRange

from commerce import audit, catalog, clock, integrity
from commerce.actors import Actor
from commerce.audit import AuditRow
from commerce.errors import InvalidInput, UnknownProduct
from commerce.transactions import transaction_required
from pricing import revisions, validity
from pricing.errors import PriceOverlap
from pricing.models import ChannelFee, LandedCost

MOST_COSTS = 50_000
HIGHEST_AMOUNT_MINOR = 10**12
WHOLE = 10_000

_CLOSE = "UPDATE {table} SET valid = tstzrange(%s, %s) WHERE id = %s"
_LATEST = """
SELECT product_id, amount_minor FROM pricing_landedcost
WHERE product_id = ANY(%s) AND currency = %s AND valid @> %s::timestamptz
"""


@dataclass(frozen=True, slots=True)
class NewCost:
    """What one piece of a product costs us, net and landed, from an instant on (None: now)."""

    product_id: int
    amount_minor: int
    currency: str
    valid_from: datetime | None = None


@transaction_required
def set_costs(entries: Iterable[NewCost], *, by: Actor) -> int:
    """Set landed costs, from now on or the instants they name; return how many say something new.

    A cost of the past may be set where there was none, or corrected: it moves no price. Raises: UnknownProduct, PriceOverlap,
    InvalidInput.
    """
    wanted = list(entries)
    _check(wanted)
    revisions.renew()
    at = clock.now()
    products = {one.product_id for one in wanted}
    unknown = sorted(products - set(catalog.products_by_id(products)))
    if unknown:
        raise UnknownProduct(f"There is no product with the id {unknown[0]}.", product_ids=unknown[:100])
    by_key: dict[tuple[int, str], list[validity.Span]] = defaultdict(list)
    for one in wanted:
        by_key[one.product_id, one.currency].append(validity.Span(one.amount_minor, one.valid_from or at, None))
    existing: dict[tuple[int, str], list[validity.Span]] = defaultdict(list)
    rows = LandedCost.objects.filter(product_id__in=products).order_by("id")
    for identifier, product_id, currency, amount, valid in rows.values_list(
        "id", "product_id", "currency", "amount_minor", "valid"
    ):
        existing[product_id, currency].append(validity.Span(amount, valid.lower, valid.upper, identifier))
    told, added = [], 0
    new: list[LandedCost] = []
    gone: list[int] = []
    closed: list[validity.Span] = []
    for (product_id, currency), spans in by_key.items():
        chained = _chained(spans, product_id)
        plan = validity.plan(existing[product_id, currency], chained)
        if plan.is_empty:
            continue
        gone += [span.id for span in plan.deleted if span.id is not None]
        closed += plan.shortened
        new += [
            LandedCost(
                product_id=product_id, currency=currency, amount_minor=span.value,
                valid=DateTimeTZRange(span.starts_at, span.ends_at, "[)"),
            )
            for span in plan.added
        ]  # fmt: skip
        added += sum(span in plan.added for span in chained)
        told.append(AuditRow(
            verb="pricing.costs.set_costs", object_type="product", object_id=product_id,
            before={"currency": currency, "gone": validity.primitives(plan.deleted)},
            after={"currency": currency, "new": validity.primitives(plan.added)},
        ))  # fmt: skip
    LandedCost.objects.filter(id__in=gone).delete()
    _close("pricing_landedcost", closed)
    LandedCost.objects.bulk_create(new, batch_size=2_000)
    audit.record_many(told, by=by)
    return added


@transaction_required
def set_fee(channel_id: int, basis_points: int, *, by: Actor, valid_from: datetime | None = None) -> bool:
    """Set what a channel keeps of a gross price (15 % is 1500), from now on or an instant; return if that is new.

    Raises: InvalidInput.
    """
    if not 0 <= basis_points <= WHOLE:
        raise _invalid("basis_points", basis_points, "A fee lies between 0 and 10000 basis points of the gross price.")
    revisions.renew()
    starts_at = valid_from or clock.now()
    rows = ChannelFee.objects.filter(channel_id=channel_id).order_by("id")
    existing = [
        validity.Span(share, valid.lower, valid.upper, identifier)
        for identifier, share, valid in rows.values_list("id", "basis_points", "valid")
    ]
    plan = validity.plan(existing, [validity.Span(basis_points, starts_at, None)])
    if plan.is_empty:
        return False
    ChannelFee.objects.filter(id__in=[span.id for span in plan.deleted]).delete()
    _close("pricing_channelfee", plan.shortened)
    ChannelFee.objects.bulk_create(
        [
            ChannelFee(
                channel_id=channel_id,
                basis_points=span.value,
                valid=DateTimeTZRange(span.starts_at, span.ends_at, "[)"),
            )
            for span in plan.added
        ]
    )
    audit.record(
        "pricing.costs.set_fee", "channel", channel_id, by=by, before={"gone": validity.primitives(plan.deleted)},
        after={"new": validity.primitives(plan.added)},
    )  # fmt: skip
    return True


def latest(product_ids: Collection[int], currency: str, at: datetime) -> Mapping[int, int]:
    """Return what a piece of products costs us at an instant, net, where that is known in a currency."""
    with connection.cursor() as cursor:
        cursor.execute(_LATEST, [list(product_ids), currency, at])
        return dict(cursor.fetchall())


def _chained(spans: Sequence[validity.Span], product_id: int) -> list[validity.Span]:
    """Let each cost of a product hold until the next one that is given with it."""
    in_order = sorted(spans, key=lambda span: (span.starts_at is not None, span.starts_at))
    starts = [span.starts_at for span in in_order]
    if len(set(starts)) < len(starts):
        raise PriceOverlap(
            f"Two costs of product {product_id} begin at the same time; give it one.", product_id=product_id
        )
    return [
        validity.Span(span.value, span.starts_at, until)
        for span, until in zip(in_order, [*starts[1:], None], strict=True)
    ]


def _close(table: str, spans: Sequence[validity.Span]) -> None:
    with connection.cursor() as cursor:
        for span in spans:
            cursor.execute(_CLOSE.format(table=table), [span.starts_at, span.ends_at, span.id])


def _check(wanted: Sequence[NewCost]) -> None:
    if len(wanted) > MOST_COSTS:
        raise InvalidInput(f"At most {MOST_COSTS} costs at once; these are {len(wanted)}. Send them in parts.")
    errors: list[dict[str, object]] = []
    for number, one in enumerate(wanted):
        if not 0 <= one.amount_minor <= HIGHEST_AMOUNT_MINOR:
            message = f"A cost is a whole number of minor units from 0 to {HIGHEST_AMOUNT_MINOR}."
            errors.append({"field": f"[{number}].amount_minor", "value": one.amount_minor, "message": message})
        if not (len(one.currency) == 3 and one.currency.isascii() and one.currency.isupper()):
            message = "A currency is its three-letter ISO code, such as EUR."
            errors.append({"field": f"[{number}].currency", "value": one.currency, "message": message})
    if errors:
        raise InvalidInput(str(errors[0]["message"]), errors=errors)


def _invalid(name: str, value: object, message: str) -> InvalidInput:
    return InvalidInput(f"{name}: {message}", errors=[{"field": name, "value": value, "message": message}])


integrity.refuse("landed_cost_no_overlap", lambda: PriceOverlap("Two costs of a product hold at the same time."))
integrity.refuse("channel_fee_no_overlap", lambda: PriceOverlap("Two fees of a channel hold at the same time."))
