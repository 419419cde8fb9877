"""Shipping labels: asked for and written down first, then made by the carrier, then written down again; one per parcel.

An answer that never came is unclear: the label may exist at the carrier, is never used, and another one may be asked for. Carriers
charge for parcels that travel, so what is never stuck on one costs nothing.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import AbstractUser

from commerce import audit, clock, ids, integrity, logs
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import durable, transaction
from inventory.places import locations
from orders import age_checks, errors
from orders.carriers import asking, directory
from orders.carriers.port import Address, CarrierError, CarrierRefused, LabelRequest
from orders.floor import LabelState
from orders.fulfilment import Work
from orders.models import Parcel, ParcelLine, ShipLabel
from orders.packing import parcels

LONGEST_NUMBER = 80
UNANSWERED_AFTER = timedelta(minutes=2)  # longer than any call may take: whoever asked is gone
MOST_AT_ONCE = 100

log = logs.get(__name__)

integrity.refuse(
    "ship_label_once_per_parcel",
    lambda: errors.ParcelsChanged("A label for this parcel was asked for a moment ago. Look at the parcel again."),
)


@dataclass(frozen=True, slots=True)
class Label:
    """What came of asking for a label."""

    id: UUID
    state: LabelState
    tracking_number: str
    said: str


@durable
def ask(parcel_id: UUID, carrier_code: str, *, user: AbstractUser, by: Actor) -> Label:
    """Have a carrier make the label of a closed parcel; a parcel that has one keeps it, and that is returned.

    Raises: ParcelsChanged when it is open, InvalidInput for an unknown carrier or an order without an address, NotAllowed,
    MoveNotAllowed, FulfilmentNotFound.
    """
    carrier = directory.get(carrier_code)
    if carrier is None:
        known = ", ".join(directory.all_of_them())
        raise InvalidInput(
            f"There is no carrier '{carrier_code}'; known: {known}.",
            errors=[{"field": "carrier", "value": carrier_code, "message": "unknown"}],
        )
    with transaction():
        table, parcel = parcels.claimed(parcel_id, user)
        work = table.work
        standing = _living(parcel)
        if standing is not None:
            return _label(standing)
        parcels.require_own(table, [parcel])
        wanted = _wanted(work, parcel)
        row = _intend(work, parcel, carrier_code, wanted.reference, user=user, by=by)
    answer = asking.answer_of(lambda: carrier.create(wanted))
    with transaction():
        return _settle(row.id, answer.state, number=answer.number, document=answer.document, said=answer.said, by=by)


@durable
def note(parcel_id: UUID, carrier_name: str, tracking_number: str, *, user: AbstractUser, by: Actor) -> Label:
    """Note the number of a label that was made elsewhere. Raises: InvalidInput, ParcelsChanged, NotAllowed, MoveNotAllowed."""
    number, name = tracking_number.strip(), carrier_name.strip()
    for field, value, longest in (("tracking_number", number, LONGEST_NUMBER), ("carrier", name, 40)):
        if not value or len(value) > longest:
            raise InvalidInput(
                f"This has 1 to {longest} characters.",
                errors=[{"field": field, "value": value[:longest], "message": "empty or too long"}],
            )
    with transaction():
        table, parcel = parcels.claimed(parcel_id, user)
        work = table.work
        standing = _living(parcel)
        parcels.require_own(table, [parcel])
        if standing is not None:
            raise errors.ParcelsChanged("This parcel has a label already. Cancel that one first.", parcel=parcel.number)
        if parcel.closed_at is None:
            raise errors.ParcelsChanged("Weigh and close the parcel first.", parcel=parcel.number)
        row = _intend(work, parcel, name, _reference(work, parcel), user=user, by=by)
        return _settle(row.id, LabelState.MADE, number=number, document=None, said="", by=by)


@durable
def cancel(label_id: UUID, *, user: AbstractUser, by: Actor) -> Label:
    """Cancel a label that is not used; the parcel may have another one then. Cancelling again changes nothing.

    Raises: ParcelsChanged when it left already, FulfilmentNotFound, NotAllowed, MoveNotAllowed.
    """
    with transaction():
        row = ShipLabel.objects.filter(pk=label_id).first()
        if row is None:
            raise errors.FulfilmentNotFound("There is no such label.", label=str(label_id))
        parcels.claimed(row.parcel_id, user)
        row.refresh_from_db()
        if row.state not in (LabelState.MADE, LabelState.CANCELLING):
            return _label(row)
        row.state = LabelState.CANCELLING.value
        row.save(update_fields=["state"])
    return _cancel_there(row, by=by)


@durable
def watch(*, by: Actor) -> int:
    """Settle labels whose asker is gone, unanswered ones as unclear, and cancel what was to be cancelled; return how many."""
    before = clock.now() - UNANSWERED_AFTER
    rows = list(
        ShipLabel.objects.filter(state__in=[LabelState.ASKED.value, LabelState.CANCELLING.value], asked_at__lt=before)
        .order_by("asked_at")[:MOST_AT_ONCE]
    )  # fmt: skip
    done = 0
    for row in rows:
        if row.state == LabelState.CANCELLING:
            done += _cancel_there(row, by=by).state is LabelState.CANCELLED
            continue
        with transaction():
            done += (
                _settle(row.id, LabelState.UNCLEAR, number="", document=None, said="", by=by).state
                is LabelState.UNCLEAR
            )
    return done


def _cancel_there(row: ShipLabel, *, by: Actor) -> Label:
    carrier = directory.get(row.carrier)
    said = ""
    if carrier is not None:
        try:
            carrier.cancel(row.tracking_number)
        except CarrierRefused as error:
            with transaction():
                return _settle(
                    row.id, LabelState.MADE, number=row.tracking_number, document=row.document, said=str(error), by=by
                )
        except CarrierError as error:
            log.info("label not cancelled yet", label=str(row.id), error=str(error))
            return _label(row)  # the watchdog asks again
    with transaction():
        return _settle(row.id, LabelState.CANCELLED, number=row.tracking_number, document=None, said=said, by=by)


def _intend(work: Work, parcel: Parcel, carrier: str, reference: str, *, user: AbstractUser, by: Actor) -> ShipLabel:
    row = ShipLabel.objects.create(
        id=ids.new(), parcel=parcel, carrier=carrier, reference=reference, asked_by=user, asked_at=clock.now()
    )
    audit.record(
        "orders.packing.labels.ask", "order", work.order.pk, by=by, after={"parcel": parcel.number, "carrier": carrier}
    )
    return row


def _settle(label_id: UUID, state: LabelState, *, number: str, document: bytes | None, said: str, by: Actor) -> Label:
    """Write what came of a label, once: whoever comes later finds it settled."""
    row = ShipLabel.objects.select_for_update().select_related("parcel__fulfilment").get(pk=label_id)
    if row.state not in (LabelState.ASKED, LabelState.CANCELLING):
        return _label(row)
    row.state, row.tracking_number, row.document, row.said = state.value, number, document, said[:200]
    row.settled_at = clock.now()
    row.save(update_fields=["state", "tracking_number", "document", "said", "settled_at"])
    audit.record(
        "orders.packing.labels.settle", "order", row.parcel.fulfilment.order_id, by=by,
        after={"parcel": row.parcel.number, "label": state.value, "tracking_number": number}, reason=said[:200],
    )  # fmt: skip
    return _label(row)


def _living(parcel: Parcel) -> ShipLabel | None:
    return ShipLabel.objects.filter(parcel=parcel, state__in=parcels.LIVING_LABEL).first()


def _label(row: ShipLabel) -> Label:
    return Label(row.id, LabelState(row.state), row.tracking_number, row.said)


def _reference(work: Work, parcel: Parcel) -> str:
    attempts = ShipLabel.objects.filter(parcel=parcel).count()
    return f"{work.order.number}-{str(work.fulfilment.id)[-4:]}-{parcel.number}.{attempts + 1}"


def _wanted(work: Work, parcel: Parcel) -> LabelRequest:
    if parcel.closed_at is None or parcel.weight_grams is None:
        raise errors.ParcelsChanged("Weigh and close the parcel first.", parcel=parcel.number)
    order, place = work.order, locations.by_id(work.fulfilment.location_id)
    to, name = order.ship_to or {}, order.contact_name or "–"
    if work.fulfilment.store_id is not None:  # it travels to a store of ours, which hands it out
        store = locations.by_id(work.fulfilment.store_id)
        name = store.name
        to = {"street": store.street, "postal_code": store.postal_code, "city": store.city, "country": store.country}
        if not store.street or not store.postal_code or not store.city:
            raise InvalidInput(
                f"{store.name} has no whole address. Complete it in the admin, or send the parcel with our own van.",
                errors=[{"field": "store", "value": store.code, "message": "street, postal code and city are needed"}],
            )
    if not to.get("street") or not to.get("postal_code") or not to.get("city"):
        raise InvalidInput(
            "The order has no whole address. Change the address of the order, then ask again.",
            errors=[{"field": "ship_to", "value": None, "message": "street, postal code and city are needed"}],
        )
    inside = ParcelLine.objects.filter(parcel=parcel).values_list("line__product_id", flat=True)
    return LabelRequest(
        _reference(work, parcel),
        Address(place.name, place.street, place.postal_code, place.city, place.country),
        Address(name, to["street"], to["postal_code"], to["city"], to.get("country") or place.country),
        parcel.weight_grams,
        None if work.fulfilment.store_id else age_checks.required(inside),  # our store checks it at the hand-over
    )
