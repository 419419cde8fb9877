"""Parcels: what was picked for a shipment goes into them by scan, each weighed and closed. Every scan counts once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db.models import Sum

from commerce import audit, catalog, ids, integrity
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.roles import Permission
from commerce.transactions import transaction_required
from orders import errors, fulfilment, leases, picking
from orders.fulfilment import Work
from orders.lifecycle import COLLECTED, LEAVES_BY, Action, Method, State
from orders.models import Fulfilment, FulfilmentLine, Parcel, ParcelLine, ParcelScan, ShipLabel
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


@transaction_required
def open_parcel(fulfilment_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> UUID:
    """Open a parcel for a shipment that is picked; the one that is open already is the one.

    Raises: MoveNotAllowed for pickups and before it is ready, InvalidInput past MOST_PARCELS, NotAllowed, FulfilmentNotFound.
    """
    work = _claim(fulfilment_id, user)
    rows = list(Parcel.objects.filter(fulfilment_id=fulfilment_id).order_by("number"))
    opened = next((row for row in rows if row.closed_at is None), None)
    if opened is not None:
        return opened.id
    if len(rows) >= MOST_PARCELS:
        raise InvalidInput(
            f"A shipment has at most {MOST_PARCELS} parcels.",
            errors=[{"field": "parcel", "value": len(rows) + 1, "message": "too many"}],
        )
    number = rows[-1].number + 1 if rows else 1
    made = Parcel.objects.create(
        id=ids.new(), fulfilment_id=fulfilment_id, number=number, code=_code(work, number), opened_at=at
    )
    _note(work, "open_parcel", by=by, after={"parcel": made.number})
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
    work, parcel = _claimed(parcel_id, user)
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
    lines = [line for line in work.lines_of(work.fulfilment) if product is not None and line.product_id == product.id]
    left = _left(work)
    line = next((one for one in lines if left[one.id]), None)
    if product is None:
        outcome, pieces = Outcome.UNKNOWN_BARCODE, 0
    elif not lines:
        outcome, pieces = Outcome.WRONG_ITEM, 0
    elif line is None:
        outcome, pieces = Outcome.ALREADY_COMPLETE, 0
    else:
        outcome, pieces = Outcome.PICKED, min(pieces, left[line.id])
        _add(parcel, line, pieces)
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
    work, parcel = _claimed(parcel_id, user)
    _require_open(parcel)
    left = _left(work)
    for line in work.lines_of(work.fulfilment):
        if left[line.id]:
            _add(parcel, line, left[line.id])
    pieces = sum(left.values())
    _note(work, "pack_rest", by=by, after={"parcel": parcel.number, "pieces": pieces})
    return pieces


@transaction_required
def empty(parcel_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> None:
    """Take everything out of a parcel again, closed or not, as long as no label is on it. Raises: ParcelsChanged, …"""
    work, parcel = _claimed(parcel_id, user)
    if ShipLabel.objects.filter(parcel=parcel, state__in=LIVING_LABEL).exists():
        raise errors.ParcelsChanged("This parcel has a label. Cancel the label first.", parcel=parcel.number)
    ParcelLine.objects.filter(parcel=parcel).delete()
    parcel.closed_at = parcel.weight_grams = None
    parcel.save(update_fields=["closed_at", "weight_grams"])
    _note(work, "empty_parcel", by=by, after={"parcel": parcel.number})


@transaction_required
def close(parcel_id: UUID, *, weight_grams: int, user: AbstractUser, by: Actor, at: datetime) -> None:
    """Weigh and close a parcel. Closing it again changes nothing but a new weight before its label.

    Raises: ParcelsChanged when it is empty, InvalidInput for a weight that no carrier takes, MoveNotAllowed, NotAllowed.
    """
    if not 1 <= weight_grams <= HEAVIEST_GRAMS:
        raise InvalidInput(
            f"A parcel weighs 1 g to {HEAVIEST_GRAMS / 1000:g} kg; pack a second one.",
            errors=[{"field": "weight_grams", "value": weight_grams, "message": "out of bounds"}],
        )
    work, parcel = _claimed(parcel_id, user)
    if not ParcelLine.objects.filter(parcel=parcel).exists():
        raise errors.ParcelsChanged("This parcel is empty. Scan what goes into it first.", parcel=parcel.number)
    if ShipLabel.objects.filter(parcel=parcel, state__in=LIVING_LABEL).exists():
        raise errors.ParcelsChanged("This parcel has a label already. Cancel the label first.", parcel=parcel.number)
    parcel.closed_at, parcel.weight_grams = parcel.closed_at or at, weight_grams
    parcel.save(update_fields=["closed_at", "weight_grams"])
    _note(work, "close_parcel", by=by, after={"parcel": parcel.number, "grams": weight_grams})


def require_packed(work: Work) -> list[Parcel]:
    """Make sure that a shipment with parcels is packed as a whole, and return them; one without is given as it is.

    Raises: ParcelsChanged.
    """
    rows = list(Parcel.objects.filter(fulfilment=work.fulfilment).order_by("number"))
    filled = {row for (row,) in ParcelLine.objects.filter(parcel__in=rows).values_list("parcel_id").distinct()}
    used = [row for row in rows if row.id in filled]
    if not used:
        return []
    pieces = sum(_left(work).values())
    if pieces or any(row.closed_at is None for row in used):
        raise errors.ParcelsChanged(
            f"{pieces} pieces are not packed yet." if pieces else "A parcel is still open. Weigh and close it.",
            pieces=pieces,
        )
    return used


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


def claimed(parcel_id: UUID, user: AbstractUser) -> tuple[Work, Parcel]:
    """Let this transaction be the only one that changes the parcel's order. Raises: FulfilmentNotFound, NotAllowed."""
    return _claimed(parcel_id, user)


def _left(work: Work) -> dict[UUID, int]:
    """Return the pieces of each line that are picked and in no parcel yet."""
    lines = work.lines_of(work.fulfilment)
    sums = ParcelLine.objects.filter(line__in=lines).values("line_id").annotate(packed=Sum("quantity"))
    packed = {row["line_id"]: row["packed"] for row in sums}
    return {line.id: line.picked - packed.get(line.id, 0) for line in lines}


def _add(parcel: Parcel, line: FulfilmentLine, pieces: int) -> None:
    row = ParcelLine.objects.filter(parcel=parcel, line=line).first()
    if row is None:
        ParcelLine.objects.create(parcel=parcel, line=line, quantity=pieces)
        return
    row.quantity += pieces
    row.save(update_fields=["quantity"])


def _claim(fulfilment_id: UUID, user: AbstractUser) -> Work:
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.WORK_PICKUPS)
    held = work.fulfilment
    if held.method in COLLECTED:
        raise errors.MoveNotAllowed("Pickups are handed over, not packed for a carrier.", method=held.method)
    leaves_by = LEAVES_BY.get((State(held.state), Method(held.method)))
    is_to_store = held.method == Method.SHIP_TO_STORE
    fulfilment.require(held, leaves_by or (Action.SEND_TO_STORE if is_to_store else Action.SHIP))
    return work


def _claimed(parcel_id: UUID, user: AbstractUser) -> tuple[Work, Parcel]:
    fulfilment_id = Parcel.objects.filter(pk=parcel_id).values_list("fulfilment_id", flat=True).first()
    if fulfilment_id is None:
        raise errors.FulfilmentNotFound("There is no such parcel.", parcel=str(parcel_id))
    work = _claim(fulfilment_id, user)
    return work, Parcel.objects.get(pk=parcel_id)


def _code(work: Work, number: int) -> str:
    """Return what our own label of a parcel says: the order's number, the end of the part's id, and the parcel's number."""
    return f"{work.order.number}-{work.fulfilment.pk.hex[-6:]}-{number}".upper()


def _require_open(parcel: Parcel) -> None:
    if parcel.closed_at is not None:
        raise errors.ParcelsChanged("This parcel is closed. Open another one.", parcel=parcel.number)


def _note(work: Work, verb: str, *, by: Actor, after: dict[str, object]) -> None:
    audit.record(f"orders.packing.parcels.{verb}", "order", work.order.pk, by=by, after=after)
