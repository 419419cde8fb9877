"""What a settlement line belongs to: noted by rule, confirmed or rejected by people, each once; and who looks after the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AbstractUser

from commerce import audit, ids, integrity
from commerce.actors import Actor
from commerce.errors import Conflict, InvalidInput, NotFound
from commerce.transactions import transaction_required
from orders.models import Payment, SettlementLine, SettlementMatch
from orders.paying import Picture
from orders.payments import collecting, ledger
from orders.settlement_formats import LineKind
from orders.settlement_states import MatchState

LONGEST_NOTE = 200
COUNTING = (MatchState.AUTOMATIC.value, MatchState.CONFIRMED.value)


class SettlementGone(NotFound):
    """There is no such proposal or line, or somebody decided about it already."""

    code = "settlement_gone"
    title = "Somebody was faster"


integrity.refuse(
    "settlement_line_settled_once",
    lambda: Conflict("This line was settled with something else at the same moment; look at it again."),
)
integrity.refuse(
    "settlement_payout_settled_once",
    lambda: Conflict("This payout was found on the account already; look at it again."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A line and what it seems to belong to: a payment or a payout."""

    line_id: UUID
    payment_id: UUID | None = None
    payout_id: UUID | None = None
    rule: str
    certainty: int
    difference_minor: int = 0
    is_automatic: bool = False


@transaction_required
def note(found: Sequence[Found], *, by: Actor, at: datetime) -> int:
    """Write down what was found: settle what needs nobody, propose the rest. What was rejected or stands is left alone.

    Returns how many were new.
    """
    new = 0
    for one in found:
        known = SettlementMatch.objects.filter(
            line_id=one.line_id, payment_id=one.payment_id, payout_id=one.payout_id
        ).first()
        if known is not None:
            continue
        row = SettlementMatch.objects.create(
            id=ids.new(), line_id=one.line_id, payment_id=one.payment_id, payout_id=one.payout_id, rule=one.rule,
            certainty=one.certainty, difference_minor=one.difference_minor, created_at=at,
            state=(MatchState.AUTOMATIC if one.is_automatic else MatchState.PROPOSED).value,
        )  # fmt: skip
        new += 1
        if one.is_automatic:
            _settle(row, by=by, at=at)
    return new


@transaction_required
def confirm(match_id: UUID, *, by: Actor, at: datetime) -> None:
    """Settle a line with what was proposed. Other proposals for it are rejected. Raises: SettlementGone, Conflict."""
    row = _locked(match_id)
    row.state, row.decided_by, row.decided_at = MatchState.CONFIRMED.value, by.label[:200], at
    row.save(update_fields=["state", "decided_by", "decided_at"])
    _settle(row, by=by, at=at)
    audit.record(
        "orders.settlements.confirm", "settlement_line", row.line_id, by=by,
        after={"rule": row.rule, "certainty": row.certainty, "difference_minor": row.difference_minor},
    )  # fmt: skip


@transaction_required
def reject(match_id: UUID, *, by: Actor, at: datetime) -> None:
    """Say that a line does not belong to what was proposed; it is never proposed again. Raises: SettlementGone."""
    row = _locked(match_id)
    row.state, row.decided_by, row.decided_at = MatchState.REJECTED.value, by.label[:200], at
    row.save(update_fields=["state", "decided_by", "decided_at"])
    audit.record("orders.settlements.reject", "settlement_line", row.line_id, by=by, after={"rule": row.rule})


@transaction_required
def own(line_id: UUID, *, user: AbstractUser | None, note: str = "", by: Actor, at: datetime) -> None:
    """Say who looks after an open line, and what is known of it. Raises: SettlementGone."""
    row = SettlementLine.objects.select_for_update(of=("self",)).filter(pk=line_id, settled_at__isnull=True).first()
    if row is None:
        raise SettlementGone("This line is settled already.", line=str(line_id))
    row.owner_id = user.pk if user else None
    row.note = note[:LONGEST_NOTE] or row.note
    row.save(update_fields=["owner", "note"])
    audit.record(
        "orders.settlements.own", "settlement_line", line_id, by=by, after={"owner": row.owner_id}, reason=note
    )


@transaction_required
def set_aside(line_id: UUID, *, note: str, by: Actor, at: datetime) -> None:
    """Close a line that belongs to no payment, with the reason: rent on the account, a fee, another business.

    Raises: SettlementGone, InvalidInput without a reason.
    """
    if not note.strip():
        raise InvalidInput(
            "Say what this line is.", errors=[{"field": "note", "value": note, "message": "a reason is needed"}]
        )
    row = SettlementLine.objects.select_for_update(of=("self",)).filter(pk=line_id, settled_at__isnull=True).first()
    if row is None:
        raise SettlementGone("This line is settled already.", line=str(line_id))
    row.settled_at, row.note = at, note[:LONGEST_NOTE]
    row.save(update_fields=["settled_at", "note"])
    SettlementMatch.objects.filter(line_id=line_id, state=MatchState.PROPOSED.value).update(
        state=MatchState.REJECTED.value, decided_by=by.label[:200], decided_at=at
    )
    audit.record("orders.settlements.set_aside", "settlement_line", line_id, by=by, reason=note)


def _locked(match_id: UUID) -> SettlementMatch:
    row = SettlementMatch.objects.select_for_update(of=("self",)).filter(pk=match_id).first()
    if row is None or row.state != MatchState.PROPOSED.value:
        raise SettlementGone("Somebody decided about this already.", match=str(match_id))
    return row


def _settle(row: SettlementMatch, *, by: Actor, at: datetime) -> None:
    """Close both sides, note what the line teaches about the payment, and drop what else was proposed for them."""
    sides = [row.line_id, *([row.payout_id] if row.payout_id else [])]
    SettlementLine.objects.filter(pk__in=sides, settled_at__isnull=True).update(settled_at=at)
    others = SettlementMatch.objects.filter(state=MatchState.PROPOSED.value).exclude(pk=row.pk)
    rivals = others.filter(line_id=row.line_id)
    if row.payout_id:
        rivals = rivals | others.filter(payout_id=row.payout_id)
    rivals.update(state=MatchState.REJECTED.value, decided_by=by.label[:200], decided_at=at)
    line = SettlementLine.objects.get(pk=row.line_id)
    if row.payment_id is None:
        return
    paid = Payment.objects.get(pk=row.payment_id)
    if line.kind == LineKind.BANK and paid.gateway == "bank" and line.amount_minor > 0:
        collecting.money_arrived(paid.pk, line.amount_minor, evidence=f"bank-line:{line.pk}", by=by, at=at)
    elif line.kind in (LineKind.CHARGE, LineKind.REFUND, LineKind.DISPUTE):
        fees = sum(
            SettlementMatch.objects.filter(payment_id=paid.pk, state__in=COUNTING).values_list(
                "line__fee_minor", flat=True
            )
        )
        ledger.observe(paid.pk, Picture(fee=fees), by=by, at=at)
