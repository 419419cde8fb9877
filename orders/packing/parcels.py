"""Parcels: what was picked for a shipment goes into them by scan, each weighed and closed. Every scan counts once.

Shipments of one consignment that are picked lie on the table together and go into the same parcels; a parcel belongs to one of
them, whichever opened it. Goods of a shipment that does not travel with the others any more are taken out first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db.models import Q, Sum

from commerce import audit, catalog, ids, integrity
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.roles import Permission
from commerce.transactions import transaction_required
from orders import errors, fulfilment, leases, picking
from orders.floor import Parting
from orders.fulfilment import Work
from orders.lifecycle import COLLECTED, LEAVES_BY, Action, Method, State
from orders.models import Fulfilment, FulfilmentLine, Parcel, ParcelLine, ParcelScan, ShipLabel
from orders.packing import consignments
from orders.picking import Outcome

MOST_PARCELS = 20
HEAVIEST_GRAMS = 31_500  # what carriers of parcels take
LIVING_LABEL = ("asked", "made", "cancelling")

integrity.refuse(
    "parcel_number_once", lambda: errors.ParcelsChanged("Somebody opened a parcel of this order a moment ago.")
)


@dataclass(frozen=True, slots=True)
class Packed:
    """What a scan at the packing table did: how many pieces went in, and what is still to be packed of the product."""

    outcome: Outcome
    scanned: str
    sku: str
    name: str
    pieces: int
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Shipments that are packed together, the one at hand first; those of `later` travel with them and are not picked yet."""

    works: list[Work]
    later: list[Work]

    @property
    def work(self) -> Work:
        return self.works[0]

    @property
    def ids(self) -> set[UUID]:
        return {one.fulfilment.id for one in self.works}

    @property
    def lines(self) -> list[FulfilmentLine]:
        return [line for one in self.works for line in one.lines_of(one.fulfilment)]


@transaction_required
def open_parcel(fulfilment_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> UUID:
    """Open a parcel for a shipment that is picked; the one that is open already is the one.

    Raises: MoveNotAllowed for pickups and before it is ready, InvalidInput past MOST_PARCELS, NotAllowed, FulfilmentNotFound.
    """
    table = claim(fulfilment_id, user)
    rows = _parcels(table)
    opened = next((row for row in rows if row.closed_at is None), None)
    if opened is not None:
        return opened.id
    if len(rows) >= MOST_PARCELS:
        raise InvalidInput(
            f"A shipment has at most {MOST_PARCELS} parcels.",
            errors=[{"field": "parcel", "value": len(rows) + 1, "message": "too many"}],
        )
    number = _next_number(rows, fulfilment_id)
    made = Parcel.objects.create(
        id=ids.new(), fulfilment_id=fulfilment_id, number=number, code=_code(table.work, number), opened_at=at
    )
    _note(table.work, "open_parcel", by=by, after={"parcel": made.number})
    return made.id


@transaction_required
def scan(parcel_id: UUID, scan_id: UUID, text: str, *, user: AbstractUser, by: Actor, at: datetime) -> Packed:
    """Put what was scanned into an open parcel. A known id gives its first outcome.

    Raises: ParcelsChanged when it is closed, InvalidInput, MoveNotAllowed, NotAllowed, FulfilmentNotFound.
    """
    text = text.strip()
    if not text or len(text) > picking.LONGEST_SCAN:
        raise InvalidInput(
            f"A scan has 1 to {picking.LONGEST_SCAN} characters.",
            errors=[{"field": "text", "value": text[: picking.LONGEST_SCAN], "message": "empty or too long"}],
        )
    table, parcel = _claimed(parcel_id, user)
    found = catalog.product_by_barcode(text)
    known = ParcelScan.objects.filter(pk=scan_id).first()
    if known is not None:
        if known.parcel_id != parcel_id:
            message = "This scan id was used for another parcel; the scanner has to make a new id for each scan."
            raise InvalidInput(message, errors=[{"field": "scan_id", "value": str(scan_id), "message": "used before"}])
        sku, name = (found[0].sku, found[0].name) if found else ("", "")
        return Packed(Outcome(known.outcome), known.scanned, sku, name, known.pieces, is_replay=True)
    _require_open(parcel)
    product, pieces = found if found is not None else (None, 0)
    lines = [line for line in table.lines if product is not None and line.product_id == product.id]
    left = _left(table.works)
    if product is None:
        outcome, pieces = Outcome.UNKNOWN_BARCODE, 0
    elif not lines:
        outcome, pieces = Outcome.WRONG_ITEM, 0
    elif not any(left[one.id] for one in lines):
        outcome, pieces = Outcome.ALREADY_COMPLETE, 0
    else:
        outcome, pieces = Outcome.PICKED, _deal(parcel, lines, left, pieces)
    ParcelScan.objects.create(
        id=scan_id, parcel=parcel, scanned=text, outcome=outcome.value, pieces=pieces, scanned_by=user, scanned_at=at
    )
    return Packed(outcome, text, product.sku if product else "", product.name if product else "", pieces)


@transaction_required
def scan_into(fulfilment_id: UUID, scan_id: UUID, text: str, *, user: AbstractUser, by: Actor, at: datetime) -> Packed:
    """Put what was scanned into the open parcel of a shipment, opening one when there is none. As `scan`."""
    known = ParcelScan.objects.filter(pk=scan_id).values_list("parcel_id", flat=True).first()
    parcel_id = known or open_parcel(fulfilment_id, user=user, by=by, at=at)
    return scan(parcel_id, scan_id, text, user=user, by=by, at=at)


@transaction_required
def pack_rest_of(fulfilment_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> int:
    """Put all that is left of a shipment into its open parcel, opening one when there is none. As `pack_rest`."""
    return pack_rest(open_parcel(fulfilment_id, user=user, by=by, at=at), user=user, by=by, at=at)


@transaction_required
def pack_rest(parcel_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> int:
    """Put all that is picked and not packed into an open parcel, without scanning it again; return the pieces. It is noted.

    Raises: ParcelsChanged, MoveNotAllowed, NotAllowed, FulfilmentNotFound.
    """
    table, parcel = _claimed(parcel_id, user)
    _require_open(parcel)
    left = _left(table.works)
    for line in table.lines:
        if left[line.id]:
            _add(parcel, line, left[line.id])
    pieces = sum(left.values())
    for work in table.works:
        mine = sum(left[line.id] for line in work.lines_of(work.fulfilment))
        if mine or work is table.work:
            _note(work, "pack_rest", by=by, after={"parcel": parcel.number, "pieces": mine})
    return pieces


@transaction_required
def empty(parcel_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> None:
    """Take everything out of a parcel again, closed or not, as long as no label is on it. Raises: ParcelsChanged, …"""
    table, parcel = _claimed(parcel_id, user)
    _require_unlabelled(parcel)
    ParcelLine.objects.filter(parcel=parcel).delete()
    _reopen(parcel)
    _note(table.work, "empty_parcel", by=by, after={"parcel": parcel.number})


@transaction_required
def send_without(fulfilment_id: UUID, other_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> None:
    """Let another shipment of the consignment travel alone; what of it is packed here is taken out.

    Raises: InvalidInput when it does not travel with this one, ParcelsChanged when a label is on, MoveNotAllowed, NotAllowed.
    """
    table = claim(fulfilment_id, user)
    others = {work.fulfilment.id: work for work in [*table.works[1:], *table.later]}
    if other_id not in others:
        raise InvalidInput(
            "This shipment does not travel with it, or not any more. Look at the packing table again.",
            errors=[{"field": "other", "value": str(other_id), "message": "not in this consignment"}],
        )
    consignments.part([other_id], Parting.CHOSEN, at=at)
    _take_out(Table([one for one in table.works if one.fulfilment.id != other_id], []))
    _note(table.work, "send_without", by=by, after={"without": others[other_id].order.number})
    _note(others[other_id], "send_without", by=by, after={"parted_from": table.work.order.number})


@transaction_required
def take_out(fulfilment_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> int:
    """Take out of a shipment's parcels what does not travel with it any more; they are open again. Return the pieces.

    Raises: ParcelsChanged when a label is on, MoveNotAllowed, NotAllowed, FulfilmentNotFound.
    """
    table = claim(fulfilment_id, user)
    pieces = _take_out(table)
    _note(table.work, "take_out", by=by, after={"pieces": pieces})
    return pieces


@transaction_required
def close(parcel_id: UUID, *, weight_grams: int, user: AbstractUser, by: Actor, at: datetime) -> None:
    """Weigh and close a parcel. Closing it again changes nothing but a new weight before its label.

    Raises: ParcelsChanged when it is empty or holds what does not belong there any more, InvalidInput for a weight that no
    carrier takes, MoveNotAllowed, NotAllowed.
    """
    if not 1 <= weight_grams <= HEAVIEST_GRAMS:
        raise InvalidInput(
            f"A parcel weighs 1 g to {HEAVIEST_GRAMS / 1000:g} kg; pack a second one.",
            errors=[{"field": "weight_grams", "value": weight_grams, "message": "out of bounds"}],
        )
    table, parcel = _claimed(parcel_id, user)
    if not ParcelLine.objects.filter(parcel=parcel).exists():
        raise errors.ParcelsChanged("This parcel is empty. Scan what goes into it first.", parcel=parcel.number)
    require_own(table, [parcel])
    _require_unlabelled(parcel)
    parcel.closed_at, parcel.weight_grams = parcel.closed_at or at, weight_grams
    parcel.save(update_fields=["closed_at", "weight_grams"])
    _note(table.work, "close_parcel", by=by, after={"parcel": parcel.number, "grams": weight_grams})


def require_packed(table: Table) -> list[Parcel]:
    """Make sure that shipments with parcels are packed as a whole, and return them; one without is given as it is.

    Raises: ParcelsChanged.
    """
    rows = _parcels(table)
    filled = {row for (row,) in ParcelLine.objects.filter(parcel__in=rows).values_list("parcel_id").distinct()}
    used = [row for row in rows if row.id in filled]
    if not used:
        return []
    require_own(table, used)
    left = _left(table.works)
    pieces = sum(left.values())
    if pieces or any(row.closed_at is None for row in used):
        lacking = [
            one.order.number for one in table.works if any(left[line.id] for line in one.lines_of(one.fulfilment))
        ]
        raise errors.ParcelsChanged(
            f"{pieces} pieces are not packed yet (order {', '.join(lacking)})."
            if pieces
            else "A parcel is still open. Weigh and close it.",
            pieces=pieces,
        )
    return used


def require_own(table: Table, rows: Sequence[Parcel]) -> None:
    """Make sure that parcels hold only what travels in them. Raises: ParcelsChanged naming what has to be taken out."""
    strange = ParcelLine.objects.filter(parcel__in=rows).exclude(line__fulfilment__in=table.ids)
    numbers = sorted(set(strange.values_list("line__fulfilment__order__number", flat=True)))
    if numbers:
        raise errors.ParcelsChanged(
            f"Goods of order {', '.join(numbers)} lie in this parcel and do not travel with it any more. Take them out first.",
            orders=numbers,
        )


def pack_at_once(work: Work, *, at: datetime) -> list[Parcel]:
    """Put all that is picked into one closed parcel that nobody weighed: its weight is that of its goods. It is returned."""
    last = Parcel.objects.filter(fulfilment=work.fulfilment).order_by("-number").first()
    lines = [line for line in work.lines_of(work.fulfilment) if line.picked]
    number = last.number + 1 if last else 1
    made = Parcel.objects.create(
        id=ids.new(), fulfilment=work.fulfilment, number=number, code=_code(work, number), opened_at=at, closed_at=at,
        weight_grams=max(sum(line.picked * (line.product.weight_grams or 0) for line in lines), 1),
    )  # fmt: skip
    for line in lines:
        _add(made, line, line.picked)
    return [made]


def let_go(parcels: list[Parcel], *, at: datetime) -> None:
    """Note that the carrier took parcels."""
    for parcel in parcels:
        parcel.left_at = at
        parcel.save(update_fields=["left_at"])


def note_arrival(parcel: Parcel, *, at: datetime) -> None:
    """Note that a parcel is at its store."""
    parcel.arrived_at = at
    parcel.save(update_fields=["arrived_at"])


def note_loss(parcel: Parcel, *, at: datetime) -> None:
    """Note that a parcel is given up."""
    parcel.lost_at = at
    parcel.save(update_fields=["lost_at"])


def hand_on(rows: list[Parcel], other: Fulfilment, lines: Mapping[UUID, FulfilmentLine]) -> None:
    """Let parcels belong to another part of the order, and what is in them to that part's lines (by the lines they were)."""
    for row in rows:
        row.fulfilment = other
        row.save(update_fields=["fulfilment"])
        for inside in ParcelLine.objects.filter(parcel=row):
            inside.line = lines[inside.line_id]
            inside.save(update_fields=["line"])


def note_stage(parcel: Parcel, stage: str, *, at: datetime) -> None:
    """Note where a parcel is, as its carrier says."""
    parcel.stage, parcel.looked_at = stage, at
    parcel.save(update_fields=["stage", "looked_at"])


def claim(fulfilment_id: UUID, user: AbstractUser) -> Table:
    """Let this transaction be the only one that changes a shipment's order and those of its company, and read them.

    Raises: MoveNotAllowed for pickups and before it is picked, NotAllowed, FulfilmentNotFound.
    """
    one = Fulfilment.objects.filter(pk=fulfilment_id).select_related("order").first()
    if one is None:
        raise errors.FulfilmentNotFound("There is no such fulfilment.", fulfilment=str(fulfilment_id))
    asked = sorted(consignments.company(one), key=lambda other: (other.order_id, other.id))
    works = {other.id: fulfilment.claim(other.id) for other in asked}
    work = works[fulfilment_id]
    leases.permit(user, work, Permission.WORK_PICKUPS)
    held = work.fulfilment
    if held.method in COLLECTED:
        raise errors.MoveNotAllowed("Pickups are handed over, not packed for a carrier.", method=held.method)
    leaves_by = LEAVES_BY.get((State(held.state), Method(held.method)))
    is_to_store = held.method == Method.SHIP_TO_STORE
    fulfilment.require(held, leaves_by or (Action.SEND_TO_STORE if is_to_store else Action.SHIP))
    still = [works[other.id] for other in consignments.company(work.fulfilment) if other.id in works]
    ready = [other for other in still if other is work or other.fulfilment.state == State.READY]
    return Table(ready, [other for other in still if other not in ready])


def alone(work: Work) -> Table:
    """Return a shipment that is packed by itself, as those to a store of ours are."""
    return Table([work], [])


def claimed(parcel_id: UUID, user: AbstractUser) -> tuple[Table, Parcel]:
    """Let this transaction be the only one that changes the parcel's orders. Raises: FulfilmentNotFound, NotAllowed."""
    return _claimed(parcel_id, user)


def of_table(fulfilment_ids: Iterable[UUID]) -> list[Parcel]:
    """Return the parcels that shipments opened or lie in, in the order of their numbers."""
    known = list(fulfilment_ids)
    inside = ParcelLine.objects.filter(line__fulfilment_id__in=known).values("parcel_id")
    rows = Parcel.objects.filter(Q(fulfilment_id__in=known) | Q(pk__in=inside))
    return list(rows.order_by("number", "opened_at", "id"))


def _parcels(table: Table) -> list[Parcel]:
    return of_table(table.ids)


def _next_number(rows: Iterable[Parcel], fulfilment_id: UUID) -> int:
    own = Parcel.objects.filter(fulfilment_id=fulfilment_id).values_list("number", flat=True)
    return max([row.number for row in rows] + list(own), default=0) + 1


def _left(works: Sequence[Work]) -> dict[UUID, int]:
    """Return the pieces of each line that are picked and in no parcel yet."""
    lines = [line for work in works for line in work.lines_of(work.fulfilment)]
    sums = ParcelLine.objects.filter(line__in=lines).values("line_id").annotate(packed=Sum("quantity"))
    packed = {row["line_id"]: row["packed"] for row in sums}
    return {line.id: line.picked - packed.get(line.id, 0) for line in lines}


def _deal(parcel: Parcel, lines: Sequence[FulfilmentLine], left: dict[UUID, int], pieces: int) -> int:
    """Put as many of some pieces in as the lines still want, the first ones first; return how many went in."""
    dealt = 0
    for line in lines:
        given = min(pieces - dealt, left[line.id])
        if given > 0:
            _add(parcel, line, given)
            dealt += given
    return dealt


def _add(parcel: Parcel, line: FulfilmentLine, pieces: int) -> None:
    row = ParcelLine.objects.filter(parcel=parcel, line=line).first()
    if row is None:
        ParcelLine.objects.create(parcel=parcel, line=line, quantity=pieces)
        return
    row.quantity += pieces
    row.save(update_fields=["quantity"])


def _take_out(table: Table) -> int:
    """Take out of the parcels of a table what is not of its shipments, and let the parcels be theirs."""
    pieces = 0
    for parcel in _parcels(table):
        strange = ParcelLine.objects.filter(parcel=parcel).exclude(line__fulfilment__in=table.ids)
        count = strange.aggregate(sum=Sum("quantity"))["sum"] or 0
        if count:
            _require_unlabelled(parcel)
            strange.delete()
            _reopen(parcel)
            pieces += count
        if parcel.fulfilment_id not in table.ids and ParcelLine.objects.filter(parcel=parcel).exists():
            parcel.number = _next_number((), table.work.fulfilment.id)
            parcel.fulfilment = table.work.fulfilment
            parcel.save(update_fields=["fulfilment", "number"])
    return pieces


def _claimed(parcel_id: UUID, user: AbstractUser) -> tuple[Table, Parcel]:
    """Claim the shipment of a parcel, or another one in it where that does not travel any more."""
    facts = ("fulfilment_id", "fulfilment__state", "fulfilment__order__held_for")
    owner = Parcel.objects.filter(pk=parcel_id).values_list(*facts).first()
    if owner is None:
        raise errors.FulfilmentNotFound("There is no such parcel.", parcel=str(parcel_id))
    fulfilment_id, state, held_for = owner
    if state not in (State.READY, State.PICKED) or held_for:
        inside = ParcelLine.objects.filter(
            parcel_id=parcel_id, line__fulfilment__state=State.READY.value, line__fulfilment__order__held_for=[]
        )
        ready = inside.order_by("line__fulfilment_id").values_list("line__fulfilment_id", flat=True).first()
        fulfilment_id = ready or fulfilment_id
    table = claim(fulfilment_id, user)
    return table, Parcel.objects.get(pk=parcel_id)


def _code(work: Work, number: int) -> str:
    """Return what our own label of a parcel says: the order's number, the end of the part's id, and the parcel's number."""
    return f"{work.order.number}-{work.fulfilment.pk.hex[-6:]}-{number}".upper()


def _reopen(parcel: Parcel) -> None:
    parcel.closed_at = parcel.weight_grams = None
    parcel.save(update_fields=["closed_at", "weight_grams"])


def _require_open(parcel: Parcel) -> None:
    if parcel.closed_at is not None:
        raise errors.ParcelsChanged("This parcel is closed. Open another one.", parcel=parcel.number)


def _require_unlabelled(parcel: Parcel) -> None:
    if ShipLabel.objects.filter(parcel=parcel, state__in=LIVING_LABEL).exists():
        raise errors.ParcelsChanged("This parcel has a label. Cancel the label first.", parcel=parcel.number)


def _note(work: Work, verb: str, *, by: Actor, after: dict[str, object]) -> None:
    audit.record(f"orders.packing.parcels.{verb}", "order", work.order.pk, by=by, after=after)
