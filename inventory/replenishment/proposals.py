"""Proposals to reorder: made every night, approved or dismissed by people, and turned into orders."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from commerce import audit, ids, locks
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction, transaction_required
from inventory.errors import ProposalNotOpen, ProposalUnknown
from inventory.models import ReplenishmentProposal
from inventory.replenishing import MOVES, ProposalState
from inventory.replenishment import alerts, ordering
from inventory.replenishment.ordering import Approved
from inventory.replenishment.planning import Draft, Planner

MOST_AT_ONCE = 500
MOST_PIECES = 1_000_000
QUIET_DAYS = 7  # a person said no: the same is not proposed again so soon

Key = tuple[int, int, int | None]  # product, to, from


@dataclass(frozen=True, slots=True)
class Decision:
    """A proposal that a person approves, with another quantity when they know better."""

    proposal_id: UUID
    quantity: int | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What a run came to."""

    proposed: int
    kept: int
    superseded: int


def run(*, by: Actor, at: datetime, progress: Callable[[int], None] = lambda done: None) -> Made:
    """Work out what to reorder for all goods; newer proposals supersede older open ones, equal ones stay as they are.

    Owns its transactions, one per portion of products. Safe to run twice and at the same time: the second finds the same.
    """
    with transaction():
        _follow(by=by, at=at)
    planner, watch = Planner(at=at), alerts.Watch(at=at)
    proposed = kept = superseded = 0
    for products in planner.products():
        plans = planner.plans(products)
        drafts = planner.drafts(plans)
        watch.look_at(plans)
        with transaction():
            made = _propose(drafts, [product_id for product_id, _category in products], by=by, at=at)
        proposed, kept, superseded = proposed + made.proposed, kept + made.kept, superseded + made.superseded
        progress(len(products))
    with transaction():
        superseded += _withdraw_without_rule([rule.id for rule in planner.book.rules], by=by, at=at)
        alerts.keep([*watch.alerts(), *alerts.contradictions(planner.book)], at=at)
    return Made(proposed, kept, superseded)


@transaction_required
def approve(decisions: Sequence[Decision], *, by: Actor, at: datetime) -> list[ReplenishmentProposal]:
    """Approve proposals, all or none, and draft the purchase orders and transfers that they become.

    Each proposal then names its document. Approving what was approved already changes nothing.
    Raises: ProposalUnknown; ProposalNotOpen when one was dismissed, superseded or is past; InvalidInput for a quantity that
    is not 1 to 1,000,000.
    """
    wanted = {decision.proposal_id: decision.quantity for decision in decisions}
    rows = _locked(wanted)
    fresh = [row for row in rows if row.state not in (ProposalState.APPROVED.value, ProposalState.ORDERED.value)]
    for row in fresh:
        quantity = wanted[row.pk]
        if quantity is not None and not 1 <= quantity <= MOST_PIECES:
            message = "Order 1 to 1,000,000 pieces, or dismiss the proposal."
            raise InvalidInput(message, errors=[{"field": "quantity", "value": quantity, "message": message}])
        _move(row, "approve", by=by, at=at)
        row.quantity = quantity or row.quantity
    drafted = ordering.draft([_approved(row) for row in fresh], by=by, at=at)
    for row in fresh:
        if row.pk in drafted:
            row.order_reference, row.quantity = drafted[row.pk].reference, drafted[row.pk].quantity
    _save(fresh, "approve", ["quantity", "order_reference"], by=by)
    return rows


@transaction_required
def dismiss(proposal_ids: Iterable[UUID], *, reason: str, by: Actor, at: datetime) -> list[ReplenishmentProposal]:
    """Dismiss proposals, all or none, with a reason. Dismissing twice changes nothing.

    Raises: ProposalUnknown; ProposalNotOpen; InvalidInput without a reason.
    """
    if not reason.strip():
        message = "Say why: the next one who reads it wants to know."
        raise InvalidInput(message, errors=[{"field": "reason", "value": reason, "message": message}])
    rows = _locked(proposal_ids)
    fresh = [row for row in rows if row.state != ProposalState.DISMISSED.value]
    for row in fresh:
        _move(row, "dismiss", by=by, at=at)
        row.reason = reason.strip()[:200]
    _save(fresh, "dismiss", ["reason"], by=by)
    return rows


@transaction_required
def mark_ordered(references: Mapping[UUID, str], *, by: Actor, at: datetime) -> list[ReplenishmentProposal]:
    """Note what someone ordered by hand for approved proposals. Raises: ProposalUnknown, ProposalNotOpen."""
    rows = _locked(references)
    fresh = [
        row for row in rows if (row.state, row.order_reference) != (ProposalState.ORDERED.value, references[row.pk])
    ]
    for row in fresh:
        _move(row, "order", by=by, at=at)
        row.order_reference = references[row.pk]
    _save(fresh, "mark_ordered", ["order_reference"], by=by)
    return rows


@transaction_required
def _follow(*, by: Actor, at: datetime) -> None:
    """Let approved proposals follow their documents: ordered when goods are on their way, dismissed when called off."""
    actions = ordering.followed()
    rows = list(ReplenishmentProposal.objects.select_for_update(of=("self",)).filter(pk__in=actions).order_by("pk"))
    rows = [row for row in rows if row.state == ProposalState.APPROVED.value]
    for row in rows:
        _move(row, actions[row.pk], by=by, at=at)
        if row.state == ProposalState.DISMISSED.value:
            row.reason = "called off"
    _save(rows, "follow", ["reason"], by=by)


@transaction_required
def _propose(drafts: Sequence[Draft], product_ids: Sequence[int], *, by: Actor, at: datetime) -> Made:
    """Write the drafts of these products: supersede what is no longer wanted, keep what is the same."""
    locks.hold(locks.Purpose.BEAT_TASK, "inventory.replenishment")
    open_rows = {
        _key(row): row
        for row in ReplenishmentProposal.objects.select_for_update().filter(
            state=ProposalState.PROPOSED.value, product_id__in=list(product_ids)
        )
    }
    quiet = set(
        ReplenishmentProposal.objects.filter(
            state=ProposalState.DISMISSED.value,
            product_id__in=list(product_ids),
            decided_at__gt=at - timedelta(days=QUIET_DAYS),
        ).values_list("product_id", "location_id", "from_location_id")
    )
    wanted = {
        (draft.product_id, draft.location_id, draft.from_location_id): draft
        for draft in drafts
        if (draft.product_id, draft.location_id, draft.from_location_id) not in quiet
    }
    kept = {key for key, draft in wanted.items() if (row := open_rows.get(key)) is not None and _is_same(row, draft)}
    gone = [row for key, row in open_rows.items() if key not in kept]
    for row in gone:
        _move(row, "supersede", by=by, at=at)
    _save(gone, "supersede", [], by=by)
    fresh = [
        ReplenishmentProposal(
            id=ids.new(), kind=draft.kind.value, state=ProposalState.PROPOSED.value, rule_id=draft.rule_id,
            product_id=draft.product_id, location_id=draft.location_id, from_location_id=draft.from_location_id,
            supplier_code=draft.supplier_code, quantity=draft.quantity, order_on=draft.order_on,
            expected_on=draft.expected_on, inputs=draft.inputs, made_at=at,
        )
        for key, draft in wanted.items()
        if key not in kept
    ]  # fmt: skip
    ReplenishmentProposal.objects.bulk_create(fresh)
    audit.record_many([_row("propose", row, None) for row in fresh], by=by)
    return Made(len(fresh), len(kept), len(gone))


@transaction_required
def _withdraw_without_rule(rule_ids: Sequence[int], *, by: Actor, at: datetime) -> int:
    """Supersede open proposals of rules that were retired."""
    rows = list(
        ReplenishmentProposal.objects.select_for_update()
        .filter(state=ProposalState.PROPOSED.value)
        .exclude(rule_id__in=list(rule_ids))
    )
    for row in rows:
        _move(row, "supersede", by=by, at=at)
    _save(rows, "supersede", [], by=by)
    return len(rows)


def _locked(proposal_ids: Iterable[UUID]) -> list[ReplenishmentProposal]:
    """Lock proposals in the order of their ids. Raises: ProposalUnknown, and ValueError for too many."""
    wanted = sorted(set(proposal_ids))
    if len(wanted) > MOST_AT_ONCE:
        raise ValueError(f"at most {MOST_AT_ONCE} proposals at once, not {len(wanted)}")
    rows = list(ReplenishmentProposal.objects.select_for_update(of=("self",)).filter(pk__in=wanted).order_by("pk"))
    if len(rows) < len(wanted):
        missing = sorted(set(wanted) - {row.pk for row in rows})
        raise ProposalUnknown("There is no such proposal.", proposal_id=str(missing[0]))
    return rows


def _approved(row: ReplenishmentProposal) -> Approved:
    return Approved(
        row.pk, row.product_id, row.location_id, row.from_location_id, row.supplier_code, row.quantity, row.expected_on
    )


def _move(row: ReplenishmentProposal, action: str, *, by: Actor, at: datetime) -> None:
    target = MOVES.get((ProposalState(row.state), action))
    if target is None:
        raise ProposalNotOpen(
            f"The proposal is {row.state} already, so it can’t be {action}d; look at the newest list.",
            proposal_id=str(row.pk),
            state=row.state,
        )
    row.state, row.decided_at, row.decided_by = target.value, at, by.label[:80]


def _save(rows: Sequence[ReplenishmentProposal], verb: str, fields: Sequence[str], *, by: Actor) -> None:
    if not rows:
        return
    ReplenishmentProposal.objects.bulk_update(list(rows), ["state", "decided_at", "decided_by", *fields])
    audit.record_many([_row(verb, row, {field: getattr(row, field) for field in fields}) for row in rows], by=by)


def _row(verb: str, row: ReplenishmentProposal, more: dict[str, Any] | None) -> audit.AuditRow:
    facts = {"state": row.state, "quantity": row.quantity, "product_id": row.product_id, "location_id": row.location_id}
    return audit.AuditRow(
        verb=f"inventory.replenishment.{verb}", object_type="replenishment_proposal", object_id=row.pk,
        after=facts | (more or {}), reason=row.reason,
    )  # fmt: skip


def _key(row: ReplenishmentProposal) -> Key:
    return row.product_id, row.location_id, row.from_location_id


def _is_same(row: ReplenishmentProposal, draft: Draft) -> bool:
    """Whether a person would decide the same: the quantity, the rule, the supplier and the day of ordering."""
    return (row.quantity, row.rule_id, row.supplier_code, row.order_on) == (
        draft.quantity, draft.rule_id, draft.supplier_code, draft.order_on,
    )  # fmt: skip
