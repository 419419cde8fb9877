"""The one writer of payments and of what happened to them. Amounts follow from events, in the database (law 12)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Sum

from commerce import audit, ids, integrity, outbox
from commerce.actors import Actor
from commerce.errors import Conflict
from commerce.money import Money
from commerce.transactions import transaction_required
from orders import exceptions, paying
from orders.models import Payment, PaymentEvent, PaymentRequest
from orders.paying import Amounts, Concern, Contradiction, PaymentEventKind, PaymentStatus, PayMethod, Picture
from orders.payments import errors, news

MOST_PER_ORDER = 20  # payments; more is a mistake of some machine

integrity.refuse(
    "payment_provider_reference_once",
    lambda: Conflict("This payment of the provider is known already; look at it instead of adding it again."),
)
integrity.refuse(
    "payment_captured_at_most_authorised",
    lambda: errors.AmountTooHigh("More would be captured than was authorised."),
)
integrity.refuse(
    "payment_refunded_at_most_captured", lambda: errors.AmountTooHigh("More would be refunded than was captured.")
)


@dataclass(frozen=True, slots=True)
class PaymentView:
    """A payment as it stands."""

    id: UUID
    order_id: UUID | None
    channel_id: int | None
    external_reference: str
    gateway: str
    method: PayMethod
    label: str
    currency: str
    amount_minor: int
    amounts: Amounts
    provider_reference: str
    gift_card_id: UUID | None
    expires_at: datetime | None
    decline_reason: str
    concern: Concern | None
    concern_since: datetime | None
    version: int
    created_at: datetime

    @property
    def status(self) -> PaymentStatus:
        """What the sums come to."""
        return self.amounts.status


def amounts_of(row: Payment, capturing: int = 0) -> Amounts:
    """Return the sums of a payment's row, beside what is asked of its provider."""
    return Amounts(
        authorised=row.authorised_minor,
        captured=row.captured_minor,
        released=row.released_minor,
        withheld=row.withheld_minor,
        refunded=row.refunded_minor,
        charged_back=row.charged_back_minor,
        chargeback_won=row.chargeback_won_minor,
        fee=row.fee_minor,
        owed=row.owed_minor,
        capturing=capturing,
        has_failed=row.has_failed,
    )


def view(row: Payment, capturing: int = 0) -> PaymentView:
    """Return a row as the rest of the room knows it."""
    return PaymentView(
        id=row.id,
        order_id=row.order_id,
        channel_id=row.channel_id,
        external_reference=row.external_reference,
        gateway=row.gateway,
        method=PayMethod(row.method),
        label=row.label,
        currency=row.currency,
        amount_minor=row.amount_minor,
        amounts=amounts_of(row, capturing),
        provider_reference=row.provider_reference,
        gift_card_id=row.gift_card_id,
        expires_at=row.expires_at,
        decline_reason=row.decline_reason,
        concern=Concern(row.concern) if row.concern else None,
        concern_since=row.concern_since,
        version=row.version,
        created_at=row.created_at,
    )


def get(payment_id: UUID, *, channel_id: int | None = None) -> PaymentView:
    """Return a payment; with a channel, only one of its orders. Raises: PaymentNotFound."""
    row = Payment.objects.select_related("order").filter(pk=payment_id).first()
    if row is None or (
        channel_id is not None and channel_id != (row.order.channel_id if row.order else row.channel_id)
    ):
        raise errors.PaymentNotFound("There is no such payment.", payment=str(payment_id))
    return view(row, _capturing([row.id]).get(row.id, 0))


def find(payment_id: UUID) -> PaymentView | None:
    """Return a payment if there is one."""
    row = Payment.objects.filter(pk=payment_id).first()
    return view(row) if row else None


def by_reference(gateway: str, reference: str) -> PaymentView | None:
    """Return the payment that a provider calls so."""
    row = Payment.objects.filter(gateway=gateway, provider_reference=reference).first() if reference else None
    return view(row) if row else None


def knows_event(gateway: str, provider_event: str) -> bool:
    """Say whether something that a provider told was noted before."""
    return PaymentEvent.objects.filter(gateway=gateway, provider_event=provider_event).exists()


def risk_of(order_id: UUID) -> str:
    """Return the judgement of a provider that thinks a payment of an order is risky; nothing when none does."""
    found = PaymentEvent.objects.filter(payment__order_id=order_id, detail__startswith=paying.RISK)
    return (found.values_list("detail", flat=True).first() or "").removeprefix(paying.RISK)


def of_order(order_id: UUID) -> list[PaymentView]:
    """Return the payments of an order, oldest first."""
    return of_orders([order_id])[order_id]


def of_orders(order_ids: Iterable[UUID]) -> dict[UUID, list[PaymentView]]:
    """Return the payments of orders, oldest first, with one query."""
    found: dict[UUID, list[PaymentView]] = {order_id: [] for order_id in order_ids}
    rows = list(Payment.objects.filter(order_id__in=found).order_by("created_at", "id"))
    capturing = _capturing([row.id for row in rows])
    for row in rows:
        found[row.order_id].append(view(row, capturing.get(row.id, 0)))
    return found


@transaction_required
def lock(*, order_id: UUID | None = None, payment_ids: Sequence[UUID] = ()) -> list[PaymentView]:
    """Lock the payments of an order, or those named, until the transaction ends; return them oldest first."""
    rows = Payment.objects.select_for_update(of=("self",)).order_by("id")
    rows = rows.filter(order_id=order_id) if order_id is not None else rows.filter(pk__in=payment_ids)
    locked = list(rows)
    capturing = _capturing([row.id for row in locked])
    views = [view(row, capturing.get(row.id, 0)) for row in locked]
    return sorted(views, key=lambda one: (one.created_at, one.id))


@transaction_required
def add(
    payment_id: UUID,
    *,
    order_id: UUID | None,
    gateway: str,
    method: PayMethod,
    currency: str,
    amount_minor: int,
    label: str = "",
    provider_reference: str = "",
    gift_card_id: UUID | None = None,
    channel_id: int | None = None,
    external_reference: str = "",
    by: Actor,
    at: datetime,
) -> PaymentView:
    """Write down a payment that nothing has happened to yet. The same id again returns it as it is.

    Raises: Conflict for an order with too many payments, or a provider's payment that is known under another id.
    """
    known = Payment.objects.filter(pk=payment_id).first()
    if known is not None:
        return view(known)
    if order_id is not None and Payment.objects.filter(order_id=order_id).count() >= MOST_PER_ORDER:
        raise Conflict(f"An order has at most {MOST_PER_ORDER} payments; void one of them first.")
    row = Payment.objects.create(
        id=payment_id, order_id=order_id, gateway=gateway, method=method.value, currency=currency,
        amount_minor=amount_minor, label=label, provider_reference=provider_reference, gift_card_id=gift_card_id,
        channel_id=channel_id, external_reference=external_reference, created_at=at, changed_at=at,
    )  # fmt: skip
    audit.record(
        "orders.payments.add", *_object(row), by=by,
        after={"payment": str(payment_id), "method": method.value, "gateway": gateway, "amount_minor": amount_minor},
    )  # fmt: skip
    return view(row)


@transaction_required
def observe(
    payment_id: UUID, picture: Picture, *, by: Actor, at: datetime, request_id: UUID | None = None
) -> PaymentView:
    """Note what a picture of the provider adds to what is known; an old, late or repeated one adds nothing.

    A picture that contradicts the laws is not noted: the payment then needs a person, who sees why.
    """
    row = Payment.objects.select_for_update(of=("self",)).get(pk=payment_id)
    try:
        happened = paying.news(amounts_of(row), picture)
    except Contradiction:
        return worry(payment_id, Concern.PROVIDER_DISAGREES, by=by, at=at)
    if picture.expires_at and row.expires_at and picture.expires_at > row.expires_at:
        happened.append(paying.Happened(PaymentEventKind.EXTENDED, 0, picture.expires_at.date().isoformat()))
    for one in happened:
        PaymentEvent.objects.create(
            id=ids.new(), payment=row, kind=one.kind.value, amount_minor=one.amount_minor, gateway=row.gateway,
            provider_event=picture.provider_event, request_id=request_id, detail=one.detail[:120],
            occurred_at=at, recorded_at=at,
        )  # fmt: skip
    _keep(row, picture)
    row.refresh_from_db()
    if not happened:
        return view(row)
    kinds = [one.kind.value for one in happened]
    audit.record(
        "orders.payments.observe", *_object(row), by=by,
        after={"payment": str(row.pk), "kinds": kinds, "status": amounts_of(row).status.value}
        | {one.kind.value: one.amount_minor for one in happened if one.amount_minor},
        reason=picture.failure[:120],
    )  # fmt: skip
    outbox.publish([_changed(row, kinds, at)], by=by)
    if PaymentEventKind.CHARGED_BACK in kinds:
        return worry(payment_id, Concern.CHARGEBACK, by=by, at=at)
    return view(row)


@transaction_required
def worry(payment_id: UUID, concern: Concern | None, *, by: Actor, at: datetime) -> PaymentView:
    """Say that a payment needs a person, or, with None, that somebody dealt with it. Said again changes nothing."""
    row = Payment.objects.select_for_update(of=("self",)).get(pk=payment_id)
    value = concern.value if concern else ""
    if row.concern == value:
        return view(row)
    before, row.concern = row.concern, value
    row.concern_since = at if concern else None
    row.save(update_fields=["concern", "concern_since"])
    audit.record(
        "orders.payments.worry", *_object(row), by=by,
        before={"concern": before}, after={"payment": str(row.pk), "concern": value},
    )  # fmt: skip
    fact = news.PaymentNeedsPerson(
        aggregate_sequence=row.version, occurred_at=at, payment_id=row.pk, order_id=row.order_id, concern=value
    )
    outbox.publish([fact], by=by)
    _tell_desk(row, concern, by=by, at=at)
    return view(row)


@transaction_required
def attach(payment_id: UUID, order_id: UUID, *, by: Actor, at: datetime) -> PaymentView:
    """Give a payment that came before its order to the order that stands now. It stays there for ever."""
    row = Payment.objects.select_for_update(of=("self",)).get(pk=payment_id)
    if row.order_id == order_id:
        return view(row)
    row.order_id = order_id
    row.save(update_fields=["order"])
    audit.record("orders.payments.attach", "order", order_id, by=by, after={"payment": str(payment_id)})
    return view(row)


def _capturing(payment_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return what is asked for of each payment and not answered yet."""
    if not payment_ids:
        return {}
    open_states = [state.value for state in paying.OPEN_REQUESTS]
    rows = PaymentRequest.objects.filter(payment_id__in=payment_ids, verb="capture", state__in=open_states)
    return {row["payment_id"]: row["asked"] for row in rows.values("payment_id").annotate(asked=Sum("amount_minor"))}


@transaction_required
def name(payment_id: UUID, provider_reference: str) -> None:
    """Note what its provider calls a payment that had no name there until now."""
    Payment.objects.filter(pk=payment_id, provider_reference="").update(provider_reference=provider_reference)


def case_of(concern: Concern) -> str:
    """Return what the desk of exceptions calls a concern."""
    return f"payment_{concern.value}"


def _tell_desk(row: Payment, concern: Concern | None, *, by: Actor, at: datetime) -> None:
    """Put a payment on the desk of exceptions; what was there about it before is over."""
    exceptions.resolve(subject=("payment", row.pk), by=by, at=at)
    if concern is None:
        return
    facts = {
        "amount": str(Money(row.authorised_minor or row.amount_minor, row.currency)),
        "owed": str(Money(row.owed_minor, row.currency)),
        "method": row.method,
    }
    exceptions.open(
        case_of(concern), subject=("payment", row.pk), order_id=row.order_id, facts=facts, by=by, at=at
    )  # fmt: skip


def _keep(row: Payment, picture: Picture) -> None:
    changes: dict[str, Any] = {}
    if picture.provider_reference and not row.provider_reference:
        changes["provider_reference"] = picture.provider_reference
    if picture.expires_at and (row.expires_at is None or picture.expires_at > row.expires_at):
        changes["expires_at"] = picture.expires_at
    if changes:
        Payment.objects.filter(pk=row.pk).update(**changes)


def _object(row: Payment) -> tuple[str, UUID]:
    """What the timeline shows it under: its order's, once it has one."""
    return ("order", row.order_id) if row.order_id else ("payment", row.pk)


def _changed(row: Payment, kinds: list[str], at: datetime) -> news.PaymentChanged:
    channel_id = row.order.channel_id if row.order_id and row.order else row.channel_id
    return news.PaymentChanged(
        aggregate_sequence=row.version,
        occurred_at=at,
        channel_id=channel_id,
        payment_id=row.pk,
        order_id=row.order_id,
        kinds=kinds,
        status=amounts_of(row).status.value,
        currency=row.currency,
        authorised_minor=row.authorised_minor,
        captured_minor=row.captured_minor,
        refunded_minor=row.refunded_minor,
        released_minor=row.released_minor,
    )
