"""Money back: for units that came back as they were priced, less what is agreed; as goodwill; with a second person above a limit.

What is decided here is owed by `orders.payments.refunds`, which gives it back to the original payments.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Sum

from commerce import audit, ids, integrity
from commerce.actors import Actor
from commerce.errors import InvalidInput, NotAllowed
from commerce.roles import Permission
from commerce.transactions import transaction_required
from orders import errors, fulfilment, lifecycle
from orders.fulfilment import Work
from orders.lifecycle import State
from orders.models import OrderRefund, ReturnLine
from orders.payments import refunds
from orders.return_states import CLAIMS, Reason, RefundKind
from orders.returns import files, goodwill_limits, units
from orders.returns.files import File

LONGEST_REASON = 200

integrity.refuse(
    "order_refund_second_person",
    lambda: NotAllowed("Whoever asked for it can't grant it; let a colleague decide."),
)


@dataclass(frozen=True, slots=True)
class Deduction:
    """What is kept back of a line, and why: worn goods, a missing part."""

    amount_minor: int
    reason: str


@dataclass(frozen=True, slots=True)
class Refunded:
    """What a refund came to. `charges_minor` of it is for sending the goods; `uncovered_minor` nobody had paid."""

    refund_id: UUID | None
    amount_minor: int
    charges_minor: int
    uncovered_minor: int
    is_waiting: bool = False


@transaction_required
def refund(
    return_id: UUID,
    deductions: Mapping[UUID, Deduction] | None = None,
    *,
    by: Actor,
    at: datetime,
    channel_id: int | None = None,
) -> Refunded:
    """Give back what the units of a return cost as priced, less deductions, once; with the last goods also the charges.

    Before the goods are inspected only a return that leaves them with the customer is refunded. Asked again, nothing more
    is owed. Raises: ReturnStateWrong, InvalidInput, ReturnNotFound.
    """
    file = files.claim(return_id, channel_id=channel_id)
    due = [line for line in file.live if line.refund_id is None and not line.is_exchanged and files.worth(file, line)]
    if not due:
        files.settle_if_done(file, by=by, at=at)
        return Refunded(None, 0, 0, 0)
    if not files.is_due(file):
        raise errors.ReturnStateWrong(
            f"Return {file.row.number} is '{file.row.state}'; its goods are inspected first.", state=file.row.state
        )
    wanted = deductions or {}
    amounts = {line.id: _worth(file.work, line, wanted.get(line.id)) for line in due}
    charges = _charges(file)
    for line in charges:
        amounts[line.id] = _worth(file.work, line, None)
    charged = sum(amounts[line.id] for line in charges)
    total = sum(amounts.values())
    is_claim = all(Reason(line.reason) in CLAIMS for line in due)
    kind = RefundKind.CLAIM if is_claim else RefundKind.RETURN
    row = None
    if total:
        row = OrderRefund.objects.create(
            id=ids.new(), order=file.work.order, of_return=file.row, kind=kind.value, amount_minor=total,
            reason=file.row.number, asked_by_id=by.id[:64], asked_by=by.label[:200], asked_at=at,
            decided_by_id=by.id[:64], decided_by=by.label[:200], decided_at=at, is_granted=True,
        )  # fmt: skip
        _owe(row, by=by, at=at)
    for line in [*due, *charges]:
        given = wanted.get(line.id)
        if given is not None:
            line.deduction_minor, line.deduction_reason = given.amount_minor, given.reason[:LONGEST_REASON]
        if row is not None:
            line.refund, line.refund_minor = row, amounts[line.id]
        line.save()
    if row is None:
        raise InvalidInput(
            "The deductions leave nothing to refund; refuse the goods instead.",
            errors=[{"field": "deductions", "value": 0, "message": "must leave something"}],
        )
    file.lines += [line for line in charges if line not in file.lines]
    files.conclude(file, "refund", by=by, at=at, after={"refund_minor": total})
    files.settle_if_done(file, by=by, at=at)
    return Refunded(row.pk, total, charged, row.uncovered_minor)


@transaction_required
def goodwill(
    order_id: UUID,
    amount_minor: int,
    reason: str,
    *,
    permissions: Collection[Permission],
    by: Actor,
    at: datetime,
) -> Refunded:
    """Give a customer something back although nothing comes back. Above the person's limit it waits for another one.

    Never more than the customer paid and has not got back. Raises: InvalidInput, RefundTooHigh, OrderNotFound.
    """
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        message = f"Say why, in 1 to {LONGEST_REASON} characters; whoever checks it reads that."
        raise InvalidInput(message, errors=[{"field": "reason", "value": reason[:80], "message": message}])
    if amount_minor < 1:
        message = "An amount is at least one cent."
        raise InvalidInput(message, errors=[{"field": "amount_minor", "value": amount_minor, "message": message}])
    work = fulfilment.claim_order(order_id)
    left = left_to_refund(work)
    if amount_minor > left:
        raise errors.RefundTooHigh(
            f"Of this order {left} minor units are left that could be given back, not {amount_minor}.", left_minor=left
        )
    limit = goodwill_limits.limit_of(permissions, work.order.currency)
    needs_second = amount_minor > limit
    decided = {} if needs_second else {
        "decided_by_id": by.id[:64], "decided_by": by.label[:200], "decided_at": at, "is_granted": True
    }  # fmt: skip
    row = OrderRefund.objects.create(
        id=ids.new(), order=work.order, kind=RefundKind.GOODWILL.value, amount_minor=amount_minor, reason=reason,
        asked_by_id=by.id[:64], asked_by=by.label[:200], asked_at=at, needs_second=needs_second, **decided,
    )  # fmt: skip
    if not needs_second:
        _owe(row, by=by, at=at)
    _record("goodwill", row, by=by)
    return Refunded(row.pk, amount_minor, 0, row.uncovered_minor, is_waiting=needs_second)


@transaction_required
def decide(
    refund_id: UUID,
    is_granted: bool,
    *,
    permissions: Collection[Permission],
    by: Actor,
    at: datetime,
) -> None:
    """Grant or decline what somebody else asked for. Raises: NotAllowed for the same person or above the limit, NotFound."""
    order_id = OrderRefund.objects.filter(pk=refund_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise errors.RefundNotFound("There is no such refund.", refund=str(refund_id))
    work = fulfilment.claim_order(order_id)
    row = OrderRefund.objects.select_for_update().get(pk=refund_id)
    if row.decided_at is not None:
        raise errors.RefundNotFound("This refund was decided already.", refund=str(refund_id))
    if by.id == row.asked_by_id:
        raise NotAllowed("Whoever asked for it can't grant it; let a colleague decide.")
    if Permission.APPROVE_REFUNDS not in permissions:
        raise NotAllowed(
            f"This needs the right '{Permission.APPROVE_REFUNDS}'.", permission=Permission.APPROVE_REFUNDS.value
        )
    if is_granted and row.amount_minor > left_to_refund(work, but=row):
        raise errors.RefundTooHigh(
            "Less than that is left of this order by now.", left_minor=left_to_refund(work, but=row)
        )
    row.decided_by_id, row.decided_by, row.decided_at = by.id[:64], by.label[:200], at
    row.is_granted = is_granted
    row.save()
    if is_granted:
        _owe(row, by=by, at=at)
    _record("decide", row, by=by)


def left_to_refund(work: Work, *, but: OrderRefund | None = None) -> int:
    """Return what the customer owes or paid for an order and neither got back nor was promised back."""
    rows = OrderRefund.objects.filter(order=work.order).exclude(is_granted=False)
    if but is not None:
        rows = rows.exclude(pk=but.pk)
    return work.order.total_minor - (rows.aggregate(sum=Sum("amount_minor"))["sum"] or 0)


def _worth(work: Work, line: ReturnLine, deduction: Deduction | None) -> int:
    full = units.worth(work.order_lines[line.order_line_id], units.Units(line.first_unit, line.quantity))
    if deduction is None:
        return full
    if not 0 < deduction.amount_minor <= full or not deduction.reason.strip():
        message = f"A deduction is at most {full} minor units and has a reason."
        raise InvalidInput(
            message, errors=[{"field": "deductions", "value": deduction.amount_minor, "message": message}]
        )
    return full - deduction.amount_minor


def _charges(file: File) -> list[ReturnLine]:
    """Return lines for what was charged for sending the goods, once all of these came back (§ 357 (2) BGB), else none."""
    there = units.of_order(file.work)
    if any(one.left for one in there.values() if not one.is_charge):
        return []
    delivered = any(one.delivered for one in there.values() if not one.is_charge)
    is_open = any(State(one.state) not in lifecycle.TERMINAL for one in file.work.fulfilments)
    if (
        not delivered
        or is_open
        or ReturnLine.objects.filter(of_return__order=file.work.order, is_void=False, is_exchanged=True).exists()
    ):
        return []
    reason = file.live[0].reason
    return [
        ReturnLine.objects.create(
            id=ids.new(),
            of_return=file.row,
            order_line_id=line_id,
            first_unit=run.first,
            quantity=run.count,
            reason=reason,
        )
        for line_id, one in there.items()
        if one.is_charge and one.line.total_minor
        for run in one.free
    ]


def _owe(row: OrderRefund, *, by: Actor, at: datetime) -> None:
    owed = refunds.owe(
        order_id=row.order_id, amount_minor=row.amount_minor, reason=row.reason, cause=(row.kind, row.pk), by=by, at=at
    )
    row.uncovered_minor = owed.uncovered_minor
    row.save(update_fields=["uncovered_minor"])


def _record(verb: str, row: OrderRefund, *, by: Actor) -> None:
    audit.record(
        f"orders.returns.refunding.{verb}", "order", row.order_id, by=by, reason=row.reason,
        after={"refund_minor": row.amount_minor, "kind": row.kind, "is_granted": row.is_granted},
    )  # fmt: skip
