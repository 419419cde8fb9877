"""Proposals: other goods that somebody at the shelf holds in their hand for pieces that are missing; the customer has the word.

Who agreed when ordering gets what is not dearer at once. Everybody else is asked, and the goods are kept for them meanwhile. Yes
books goods, price, tax and the customer's word in one transaction; no, or no answer in time, gives the goods free, and the missing
pieces go their usual way: another place, a choice, or money back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db.models import QuerySet

from commerce import catalog, ids
from commerce.actors import Actor
from commerce.errors import CommerceError, InvalidInput
from commerce.product_refs import ProductRef
from commerce.roles import Permission
from commerce.transactions import transaction_required
from inventory import availability, reservations
from inventory.errors import InsufficientStock
from inventory.reservations import ReservationRequest
from orders import errors, events, fulfilment, leases, picking, rerouting, shortages, substitutions, totals
from orders.amendments import additions
from orders.floor import Consent, ProposalState, RejectReason, ShortageState
from orders.fulfilment import Work
from orders.lifecycle import Action, OrderStatus
from orders.models import FulfilmentLine, Proposal, Shortage
from orders.rejections import PutBack

# Long enough for somebody at work to look at their phone, short enough that the shelf is not blocked; holds live for 4 hours.
ANSWERS_WITHIN = timedelta(hours=2)
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal as screens and messages tell it. `amount_minor` is the most that all of it costs."""

    id: UUID
    shortage_id: UUID
    missing: str
    sku: str
    name: str
    units: int
    amount_minor: int
    instead_of_minor: int
    currency: str
    state: ProposalState
    consent: Consent
    answer_by: datetime | None

    @property
    def is_dearer(self) -> bool:
        return self.amount_minor > self.instead_of_minor


@transaction_required
def propose(
    fulfilment_id: UUID,
    line_id: UUID,
    quantity: int,
    reason: RejectReason | str,
    product: str,
    *,
    user: AbstractUser,
    by: Actor,
    at: datetime,
    at_own_price: bool = False,
    is_shelf_empty: bool = False,
) -> tuple[Proposed, tuple[PutBack, ...]]:
    """Give up on pieces of a line as `picking.reject_line` does, and propose other goods of the same place instead, all or nothing.

    `product` is a barcode or a SKU. They cost what they cost today, never more than the missing ones; with `at_own_price` a
    dearer one keeps its price, and then the customer is asked whatever they agreed to before. Who agreed gets them at once.
    Raises: CannotSubstitute, InsufficientStock, PurchaseLimitReached, what `reject_line` and pricing refuse.
    """
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.WORK_PICKUPS)
    fulfilment.require(work.fulfilment, Action.PICK)
    leases.check(work, user, at=at)
    line = work.line(line_id)
    other = _suitable(work, line, product, quantity, at=at)
    order_line = work.order_lines[line.order_line_id]
    kept = order_line.cancelled + quantity
    if not 1 <= quantity <= line.missing:
        raise errors.MoreThanWanted(
            f"{line.missing} pieces of this line are still to pick, so {quantity} can't be replaced.",
            missing=line.missing,
        )
    paid = totals.remaining_minor(order_line.total_minor, order_line.quantity, order_line.cancelled)
    paid -= totals.remaining_minor(order_line.total_minor, order_line.quantity, kept)
    today = substitutions.price(work, other.id, quantity, at=at)
    amount = today if at_own_price else min(today, paid)
    if order_line.takes_substitutes and amount <= paid:
        return _bring_at_once(work, line, quantity, reason, other, amount, paid, user=user, by=by, at=at)
    was = picking.reject_line(
        fulfilment_id, line_id, quantity, reason, user=user, by=by, at=at, is_shelf_empty=is_shelf_empty
    )
    return _ask(was.shortage_id, other, amount, paid, user=user, by=by, at=at), was.put_back


def _suitable(work: Work, line: FulfilmentLine, given: str, quantity: int, *, at: datetime) -> ProductRef:
    """Return the product that may be proposed for a line. Raises: InvalidInput, CannotSubstitute saying why not."""
    found = catalog.product_by_barcode(given[: picking.LONGEST_SCAN])
    if found is None:
        raise InvalidInput(
            "Nobody knows this barcode or SKU; scan the goods that you propose.",
            errors=[{"field": "instead", "value": given[:80], "message": "unknown barcode or SKU"}],
        )
    other, missing = found[0], catalog.products_by_id([line.product_id])[line.product_id]
    why = ""
    if line.is_of_kit:
        why = "part_of_kit"
    elif other.is_kit:
        why = "is_kit"
    elif not other.has_stock or not other.is_active:
        why = "not_sold"
    elif (other.minimum_age or 0) > (missing.minimum_age or 0):
        why = "for_older_people"
    elif not substitutions.is_there(work, work.fulfilment.location_id, other, quantity, at=at):
        why = "not_there"
    if why:
        raise errors.CannotSubstitute(_WHY[why], reason=why, sku=other.sku)
    return other


_WHY = {
    "part_of_kit": "This belongs to a kit, which is sold as it is; report it missing instead.",
    "is_kit": "A kit can't come instead of single goods; propose one of its parts.",
    "not_sold": "This is not sold (any more); propose something else.",
    "for_older_people": "This is only for older people than what was ordered; propose something else.",
    "not_there": "The books know of no free pieces of this here; count it first, or propose something else.",
}


def _bring_at_once(
    work: Work,
    line: FulfilmentLine,
    quantity: int,
    reason: RejectReason | str,
    other: ProductRef,
    amount: int,
    paid: int,
    *,
    user: AbstractUser,
    by: Actor,
    at: datetime,
) -> tuple[Proposed, tuple[PutBack, ...]]:
    """Add the goods to the work at hand first, so that it goes on even when nothing else is left of it, then give up the others."""
    [made] = additions.add(
        work, {other.id: quantity}, priced_at=at, only_at=work.fulfilment, at_most_minor=amount, by=by, at=at
    )
    fulfilment.conclude(
        work, verb="orders.substitutions.take", by=by, at=at,
        before={"sku": line.product.sku}, after={"sku": other.sku, "pieces": quantity, "amount_minor": made.total_minor},
    )  # fmt: skip
    was = picking.reject_line(work.fulfilment.id, line.id, quantity, reason, user=user, by=by, at=at)
    work = fulfilment.claim(work.fulfilment.id)
    row = shortages.get(was.shortage_id)
    shortages.change(row, ShortageState.SUBSTITUTED, at=at, substitute=work.order_lines[made.id])
    proposal = Proposal.objects.create(
        id=ids.new(), shortage=row, product_id=other.id, units=row.units, amount_minor=made.total_minor,
        instead_of_minor=paid, consent=Consent.BEFORE.value, state=ProposalState.ACCEPTED.value, proposed_by=user,
        proposed_at=at, settled_at=at,
    )  # fmt: skip
    _conclude(work, row, proposal, other, "propose", by=by, at=at)
    fulfilment.conclude(
        work, verb="orders.rerouting.settle", event=events.ShortageSettled, by=by, at=at,
        told={"sku": row.line.order_line.product.sku, "units": row.units, "outcome": row.state},
    )  # fmt: skip
    return _view(proposal, row, other, work.order.currency), was.put_back


def _ask(
    shortage_id: UUID, other: ProductRef, amount: int, paid: int, *, user: AbstractUser, by: Actor, at: datetime
) -> Proposed:
    row = shortages.get(shortage_id)
    work = fulfilment.claim(row.fulfilment_id)
    answer_by, reservation_id = at + ANSWERS_WITHIN, ids.new()
    wanted = ReservationRequest(
        reservation_id, work.order.channel_id, row.location_id, ((other.id, row.units),), answer_by,
        reference=f"proposal:{work.order.number}",
    )  # fmt: skip
    [verdict] = reservations.reserve([wanted], by=by, at=at)
    if isinstance(verdict, InsufficientStock):
        raise availability.explained(
            verdict, asked=[(other.id, row.units)], channel_id=work.order.channel_id, at=at
        ) from verdict
    if isinstance(verdict, CommerceError):
        raise verdict
    shortages.change(row, ShortageState.ASKED, at=at, attempts=row.attempts + 1, next_attempt_at=answer_by)
    proposal = Proposal.objects.create(
        id=ids.new(), shortage=row, product_id=other.id, units=row.units, amount_minor=amount, instead_of_minor=paid,
        consent=Consent.ASKED.value, reservation_id=reservation_id, proposed_by=user, proposed_at=at, answer_by=answer_by,
    )  # fmt: skip
    _conclude(work, row, proposal, other, "propose", by=by, at=at)
    return _view(proposal, row, other, work.order.currency)


def open_of(row: Shortage) -> Proposal | None:
    """Return what is proposed for a shortage and not answered yet."""
    return Proposal.objects.filter(shortage_id=row.pk, state=ProposalState.OPEN.value).first()


def accept(work: Work, row: Shortage, proposal: Proposal, *, by: Actor, at: datetime) -> ShortageState:
    """Let the goods come, for what the customer was told at most. Raises: ChoiceOver when it is too late for that."""
    is_off = work.status in (OrderStatus.CANCELLED, OrderStatus.RETURNED)
    if is_off or proposal.answer_by is None or proposal.answer_by <= at:
        raise errors.ChoiceOver("The time to answer is over; the page shows what follows.", state=row.state)
    substitutions.bring(
        work, row, proposal.product_id, at_most_minor=proposal.amount_minor, kept_by=proposal.reservation_id, by=by, at=at
    )  # fmt: skip
    _close(proposal, ProposalState.ACCEPTED, at=at)
    return ShortageState.SUBSTITUTED


def refuse(work: Work, row: Shortage, proposal: Proposal, *, by: Actor, at: datetime) -> ShortageState:
    """Give the goods free, and let the missing pieces go their usual way; say which that is."""
    return _go_on(work, row, proposal, ProposalState.REFUSED, by=by, at=at)


def drop(work: Work, row: Shortage, proposal: Proposal, *, by: Actor, at: datetime) -> None:
    """Give the goods free because the customer does without any; the caller settles the shortage."""
    _release(work, proposal, by=by, at=at)
    _close(proposal, ProposalState.REFUSED, at=at)


@transaction_required
def withdraw(fulfilment_id: UUID, proposal_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> ShortageState:
    """Take a proposal back, such as for goods that turned out broken. Raises: ChoiceOver, FulfilmentNotFound, NotAllowed."""
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.WORK_PICKUPS)
    proposal = Proposal.objects.filter(pk=proposal_id, shortage__fulfilment_id=fulfilment_id).first()
    if proposal is None:
        raise errors.FulfilmentNotFound("There is no such proposal.", proposal=str(proposal_id))
    if proposal.state != ProposalState.OPEN:
        raise errors.ChoiceOver("This was answered already; the page shows how.", state=proposal.state)
    return _go_on(work, shortages.get(proposal.shortage_id), proposal, ProposalState.WITHDRAWN, by=by, at=at)


@transaction_required
def follow(shortage_id: UUID, *, by: Actor, at: datetime) -> ShortageState:
    """Take the next step with a shortage: one that somebody is asked about waits for the answer, for so long and no longer.

    Raises: what `rerouting.follow` raises.
    """
    row = shortages.get(shortage_id)
    work = fulfilment.claim_order(row.order_id)
    row = shortages.get(shortage_id)
    proposal = open_of(row)
    if proposal is None:
        return rerouting.follow(shortage_id, by=by, at=at)
    is_off = work.status in (OrderStatus.CANCELLED, OrderStatus.RETURNED)
    if proposal.answer_by is not None and proposal.answer_by > at and not is_off:
        return ShortageState(row.state)
    return _go_on(work, row, proposal, ProposalState.LAPSED, by=by, at=at)


@transaction_required
def follow_cancelled(order_id: UUID, *, by: Actor, at: datetime) -> int:
    """Give free what is kept for answers about an order that is called off; return how many proposals that ended."""
    rows = Proposal.objects.filter(shortage__order_id=order_id, state=ProposalState.OPEN.value)
    found = list(rows.values_list("shortage_id", flat=True))
    for shortage_id in found:
        follow(shortage_id, by=by, at=at)
    return len(found)


def of_fulfilment(fulfilment_id: UUID) -> list[Proposed]:
    """Return what was proposed for a part of an order, the latest first."""
    return _views(Proposal.objects.filter(shortage__fulfilment_id=fulfilment_id).order_by("-proposed_at", "-id"))


def open_by_shortage(shortage_ids: Iterable[UUID]) -> dict[UUID, Proposed]:
    """Return what is proposed and not answered, by shortage."""
    rows = Proposal.objects.filter(shortage_id__in=list(shortage_ids), state=ProposalState.OPEN.value)
    return {one.shortage_id: one for one in _views(rows)}


def get(proposal_id: UUID) -> Proposed | None:
    """Return a proposal."""
    return next(iter(_views(Proposal.objects.filter(pk=proposal_id))), None)


def _views(rows: QuerySet[Proposal]) -> list[Proposed]:
    found = list(rows.select_related("shortage__order", "shortage__line__order_line__product")[:MOST_SHOWN])
    products = catalog.products_by_id({one.product_id for one in found})
    return [_view(one, one.shortage, products[one.product_id], one.shortage.order.currency) for one in found]


def _view(one: Proposal, row: Shortage, product: ProductRef, currency: str) -> Proposed:
    return Proposed(
        one.id, row.id, row.line.order_line.product.name, product.sku, product.name, one.units, one.amount_minor,
        one.instead_of_minor, currency, ProposalState(one.state), Consent(one.consent), one.answer_by,
    )  # fmt: skip


def _go_on(
    work: Work, row: Shortage, proposal: Proposal, state: ProposalState, *, by: Actor, at: datetime
) -> ShortageState:
    _release(work, proposal, by=by, at=at)
    _close(proposal, state, at=at)
    shortages.change(row, ShortageState.OPEN, at=at, next_attempt_at=at)
    product = catalog.products_by_id([proposal.product_id])[proposal.product_id]
    _conclude(work, row, proposal, product, "settle", by=by, at=at)
    return rerouting.follow(row.id, by=by, at=at)


def _release(work: Work, proposal: Proposal, *, by: Actor, at: datetime) -> None:
    if proposal.reservation_id is not None:
        reservations.release(proposal.reservation_id, channel_id=work.order.channel_id, by=by, at=at)


def _close(proposal: Proposal, state: ProposalState, *, at: datetime) -> None:
    proposal.state, proposal.settled_at = state.value, at
    proposal.save(update_fields=["state", "settled_at"])


def _conclude(
    work: Work, row: Shortage, proposal: Proposal, product: ProductRef, verb: str, *, by: Actor, at: datetime
) -> None:
    work.focus = next(one for one in work.fulfilments if one.id == row.fulfilment_id)
    told = {
        "proposal_id": proposal.id, "sku": row.line.order_line.product.sku, "units": row.units,
        "instead_sku": product.sku, "amount_minor": proposal.amount_minor, "instead_of_minor": proposal.instead_of_minor,
        "answer_by": proposal.answer_by, "outcome": proposal.state,
    }  # fmt: skip
    recorded = {name: value for name, value in told.items() if name not in ("proposal_id", "answer_by")}
    fulfilment.conclude(
        work, verb=f"orders.proposals.{verb}", event=events.SubstituteProposed, told=told, by=by, at=at, after=recorded
    )
