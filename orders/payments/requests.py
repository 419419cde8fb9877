"""What we ask of providers, written down before it is asked: planned, on its way, ended. Taking it there: `errands`.

A request that a provider may have acted on is never dropped or repeated under another id; it stays on its way until its
outcome is known.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Q

from commerce import audit, ids
from commerce.actors import Actor
from commerce.transactions import transaction_required
from orders.models import Payment, PaymentRequest
from orders.paying import PaymentVerb, RequestState

AGAIN = "again"  # the cause of a request that repeats a refused one

# The provider's total of each verb: by how much it has grown tells what became of a request.
TOTALS = {
    PaymentVerb.AUTHORISE: "authorised_minor",
    PaymentVerb.CAPTURE: "captured_minor",
    PaymentVerb.VOID: "released_minor",
    PaymentVerb.REFUND: "refunded_minor",
}


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request as it stands. Its id is the key by which the provider knows it again."""

    id: UUID
    payment_id: UUID
    verb: PaymentVerb
    amount_minor: int
    is_final: bool
    state: RequestState
    cause: tuple[str, str]
    known_minor: int
    attempts: int
    answer: str
    details: Mapping[str, Any]
    not_before: datetime
    sent_at: datetime | None
    ended_at: datetime | None
    created_at: datetime


@transaction_required
def plan(
    payment_id: UUID,
    verb: PaymentVerb,
    amount_minor: int = 0,
    *,
    cause: tuple[str, object],
    is_final: bool = False,
    details: Mapping[str, Any] | None = None,
    by: Actor,
    at: datetime,
) -> RequestView:
    """Write down what is to be asked for a cause, once: the same cause again returns what stands.

    Raises: IntegrityError (payment_request_fits_payment) when all that is asked for is more than the payment has.
    """
    known = PaymentRequest.objects.filter(
        payment_id=payment_id, verb=verb.value, cause_type=cause[0], cause_id=str(cause[1])
    ).first()
    if known is not None:
        return view(known)
    row = PaymentRequest.objects.create(
        id=ids.new(), payment_id=payment_id, verb=verb.value, amount_minor=amount_minor, is_final=is_final,
        cause_type=cause[0], cause_id=str(cause[1]), not_before=at, created_at=at, details=dict(details or {}),
    )  # fmt: skip
    _record("plan", row, by)
    return view(row)


@transaction_required
def start(request_id: UUID, *, until: datetime, at: datetime) -> RequestView | None:
    """Send a request on its way, or take over one whose answer is overdue; None when it is not its turn (any more).

    Until `until` nobody else takes it over. One request of a payment is on its way at a time, in the order of planning.
    """
    row = PaymentRequest.objects.filter(pk=request_id).first()
    if row is None:
        return None
    paid = Payment.objects.select_for_update(of=("self",)).get(pk=row.payment_id)
    row = PaymentRequest.objects.select_for_update(of=("self",)).get(pk=request_id)
    if row.state not in (RequestState.PLANNED, RequestState.SENT) or row.not_before > at:
        return None
    others = PaymentRequest.objects.filter(payment_id=row.payment_id).exclude(pk=row.pk)
    earlier = Q(created_at__lt=row.created_at) | Q(created_at=row.created_at, id__lt=row.id)
    is_behind = Q(state=RequestState.SENT.value) | Q(earlier, state=RequestState.PLANNED.value)
    if row.state == RequestState.PLANNED and others.filter(is_behind).exists():
        return None
    if row.state == RequestState.PLANNED and row.attempts == 0:
        row.known_minor = getattr(paid, TOTALS[PaymentVerb(row.verb)]) if row.verb in TOTALS else 0
    row.state, row.sent_at, row.not_before = RequestState.SENT.value, row.sent_at or at, until
    row.attempts += 1
    row.save(update_fields=["state", "sent_at", "not_before", "attempts", "known_minor"])
    return view(row)


@transaction_required
def wait(request_id: UUID, *, answer: str, not_before: datetime, is_untouched: bool) -> None:
    """Try or look again later. `is_untouched` says that the provider certainly did nothing, so it is as if never sent."""
    state = RequestState.PLANNED if is_untouched else RequestState.SENT
    PaymentRequest.objects.filter(pk=request_id, state=RequestState.SENT.value).update(
        state=state.value, answer=answer[:200], not_before=not_before
    )


@transaction_required
def end(request_id: UUID, state: RequestState, *, answer: str = "", by: Actor, at: datetime) -> bool:
    """End a request: done, refused, or dropped before it was sent. Say whether it was open until now."""
    row = PaymentRequest.objects.select_for_update(of=("self",)).get(pk=request_id)
    if row.state not in (RequestState.PLANNED, RequestState.SENT):
        return False
    row.state, row.answer, row.ended_at = state.value, answer[:200], at
    row.save(update_fields=["state", "answer", "ended_at"])
    _record("end", row, by)
    return True


@transaction_required
def hurry(payment_id: UUID, *, at: datetime) -> None:
    """Let what waits for its next try have it now, because a person asked."""
    PaymentRequest.objects.filter(payment_id=payment_id, state__in=["planned", "sent"], not_before__gt=at).update(
        not_before=at
    )


@transaction_required
def again(payment_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask once more what a provider refused last, and what waits for its next try at once: a person wants it."""
    hurry(payment_id, at=at)
    refused = PaymentRequest.objects.filter(payment_id=payment_id, state=RequestState.REFUSED.value)
    last = refused.filter(verb__in=["capture", "refund"]).order_by("created_at", "id").last()
    if last is None:
        return
    amount = last.amount_minor
    if last.verb == PaymentVerb.REFUND:  # somebody may have given some of it back at the provider since
        paid = Payment.objects.get(pk=payment_id)
        amount = min(amount, paid.captured_minor - paid.refunded_minor)
    if amount > 0:
        plan(
            payment_id, PaymentVerb(last.verb), amount, cause=(AGAIN, last.id), is_final=last.is_final, by=by, at=at
        )  # fmt: skip


def refunds_of(payment_ids: Iterable[UUID]) -> dict[UUID, dict[tuple[str, str], RequestView]]:
    """Return the refunds that were ever asked for of payments, by their cause."""
    found: dict[UUID, dict[tuple[str, str], RequestView]] = {payment_id: {} for payment_id in payment_ids}
    for row in PaymentRequest.objects.filter(payment_id__in=found, verb=PaymentVerb.REFUND.value):
        found[row.payment_id][row.cause_type, row.cause_id] = view(row)
    return found


def origin(cause: tuple[str, str]) -> tuple[str, str]:
    """Return the cause that a request goes back to, through all that was asked once more."""
    while cause[0] == AGAIN:
        row = PaymentRequest.objects.get(pk=cause[1])
        cause = (row.cause_type, row.cause_id)
    return cause


def get(request_id: UUID) -> RequestView:
    """Return a request. Raises: PaymentRequest.DoesNotExist."""
    return view(PaymentRequest.objects.get(pk=request_id))


def of_payments(payment_ids: Sequence[UUID]) -> list[RequestView]:
    """Return the requests of payments, oldest first."""
    return [view(row) for row in PaymentRequest.objects.filter(payment_id__in=payment_ids).order_by("created_at", "id")]


def open_of(payment_id: UUID) -> list[RequestView]:
    """Return what is planned or on its way for a payment, oldest first."""
    rows = PaymentRequest.objects.filter(payment_id=payment_id, state__in=["planned", "sent"])
    return [view(row) for row in rows.order_by("created_at", "id")]


def due(*, at: datetime, at_most: int) -> list[UUID]:
    """Return requests whose turn it is: to be sent, or to be looked after because no answer came."""
    rows = PaymentRequest.objects.filter(state__in=["planned", "sent"], not_before__lte=at)
    return list(rows.order_by("not_before", "id").values_list("id", flat=True)[:at_most])


def due_of_order(order_id: UUID, *, at: datetime) -> list[UUID]:
    """Return the requests of an order's payments whose turn it is, oldest first."""
    rows = PaymentRequest.objects.filter(
        payment__order_id=order_id, state__in=["planned", "sent"], not_before__lte=at
    ).order_by("created_at", "id")
    return list(rows.values_list("id", flat=True))


def unanswered(*, since: datetime, at_most: int) -> list[RequestView]:
    """Return requests that have been on their way since before `since` without an answer."""
    rows = PaymentRequest.objects.filter(state=RequestState.SENT.value, sent_at__lt=since).order_by(F("sent_at"))
    return [view(row) for row in rows[:at_most]]


def view(row: PaymentRequest) -> RequestView:
    """Return a row as the rest of the room knows it."""
    return RequestView(
        id=row.id,
        payment_id=row.payment_id,
        verb=PaymentVerb(row.verb),
        amount_minor=row.amount_minor,
        is_final=row.is_final,
        state=RequestState(row.state),
        cause=(row.cause_type, row.cause_id),
        known_minor=row.known_minor,
        attempts=row.attempts,
        answer=row.answer,
        details=row.details,
        not_before=row.not_before,
        sent_at=row.sent_at,
        ended_at=row.ended_at,
        created_at=row.created_at,
    )


def _record(what: str, row: PaymentRequest, by: Actor) -> None:
    audit.record(
        f"orders.payments.requests.{what}",
        "payment",
        row.payment_id,
        by=by,
        after={
            "payment": str(row.payment_id),
            "asked": row.verb,
            "amount_minor": row.amount_minor,
            "state": row.state,
        },
        reason=row.answer,
    )
