"""Return labels: a carrier makes one that the customer sticks on, a number is noted by hand, or goods come without any.

Asked for and written down first, then made by the carrier, then written down again; an answer that never came is unclear, and what
is never stuck on a parcel costs nothing. Where the parcel is moves the return by itself: the first scan sends it on its way.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F

from commerce import audit, catalog, clock, ids, integrity, logs
from commerce.actors import Actor
from commerce.errors import CommerceError, InvalidInput
from commerce.transactions import durable, transaction
from inventory.places import locations
from orders import errors
from orders.carriers import asking, directory
from orders.carriers.port import Address, Carrier, CarrierError, CarrierRefused, LabelRequest, Scan
from orders.floor import LabelState, Stage
from orders.models import ReturnLabel
from orders.return_states import ReturnState
from orders.returns import files
from orders.returns.files import File

LONGEST_NUMBER, LONGEST_CARRIER = 80, 40
UNANSWERED_AFTER = timedelta(minutes=2)  # longer than any call may take: whoever asked is gone
LOOKS_EVERY, LOOKS_FOR = timedelta(minutes=30), timedelta(days=60)
MOST_AT_ONCE = 50
LIGHTEST, HEAVIEST, PACKAGING = 10, 31_500, 200  # grams; what a parcel may weigh, and what the box does
USUAL_GRAMS = 500  # of a piece that nobody ever weighed
LIVING = (LabelState.ASKED.value, LabelState.MADE.value, LabelState.CANCELLING.value)

log = logs.get(__name__)

integrity.refuse(
    "return_label_once",
    lambda: errors.ReturnStateWrong("A label for this return was asked for a moment ago. Look at the return again."),
)


@dataclass(frozen=True, slots=True)
class Label:
    """A label as screens tell it; `has_document` says that there is something to print."""

    id: UUID
    carrier: str
    state: LabelState
    tracking_number: str
    said: str
    stage: Stage
    stage_text: str
    stage_at: datetime | None
    has_document: bool


@durable
def ask(return_id: UUID, carrier_code: str, *, by: Actor, channel_id: int | None = None) -> Label:
    """Have a carrier make the label of a return that was announced; one that has a label keeps it, and that is returned.

    Raises: ReturnStateWrong when nothing is to be sent (any more), InvalidInput for an unknown carrier or without whole addresses,
    ReturnNotFound.
    """
    carrier = _carrier(carrier_code)
    with transaction():
        file = _claimed(return_id, channel_id=channel_id)
        standing = _living(return_id)
        if standing is not None:
            return _label(standing)
        wanted = _wanted(file)
        row = _intend(file, carrier_code, wanted.reference, by=by)
    answer = asking.answer_of(lambda: carrier.create_return(wanted))
    with transaction():
        return _settle(row.id, answer, by=by)


@durable
def note(return_id: UUID, carrier_name: str, tracking_number: str, *, by: Actor) -> Label:
    """Note the number of a label that was made elsewhere. Raises: InvalidInput, ReturnStateWrong, ReturnNotFound."""
    number, name = tracking_number.strip(), carrier_name.strip()
    for field, value, longest in (("tracking_number", number, LONGEST_NUMBER), ("carrier", name, LONGEST_CARRIER)):
        if not value or len(value) > longest:
            raise InvalidInput(
                f"Enter the carrier and the number: 1 to {longest} characters.",
                errors=[{"field": field, "value": value[:longest], "message": "empty or too long"}],
            )
    with transaction():
        file = _claimed(return_id)
        if _living(return_id) is not None:
            raise errors.ReturnStateWrong("This return has a label already. Cancel that one first.")
        row = _intend(file, name, _reference(file), by=by)
        return _settle(row.id, asking.Answer(LabelState.MADE, number), by=by)


@durable
def cancel(return_id: UUID, *, by: Actor) -> Label | None:
    """Cancel the label of a return, if it has one and nobody used it; then it may have another one. Again changes nothing.

    Raises: ReturnStateWrong when its parcel is on its way, ReturnNotFound.
    """
    with transaction():
        files.claim(return_id)
        row = _living(return_id)
        if row is None or row.state == LabelState.ASKED:
            return _label(row) if row else None
        if row.stage in (Stage.UNDER_WAY, Stage.DELIVERED):
            raise errors.ReturnStateWrong("This parcel is on its way, so its label can't be cancelled.")
        row.state = LabelState.CANCELLING.value
        row.save(update_fields=["state"])
    return _cancel_there(row, by=by)


@durable
def watch(*, by: Actor) -> int:
    """Settle labels whose asker is gone, and cancel those of returns that were called off; return how many."""
    before = clock.now() - UNANSWERED_AFTER
    unsettled = ReturnLabel.objects.filter(
        state__in=[LabelState.ASKED.value, LabelState.CANCELLING.value], asked_at__lt=before
    )
    called_off = ReturnLabel.objects.filter(
        state=LabelState.MADE.value, of_return__state=ReturnState.CANCELLED.value, asked_at__gt=before - LOOKS_FOR
    ).exclude(stage__in=[Stage.UNDER_WAY.value, Stage.DELIVERED.value])
    done = 0
    for row in [*unsettled.order_by("asked_at")[:MOST_AT_ONCE], *called_off.order_by("asked_at")[:MOST_AT_ONCE]]:
        if row.state == LabelState.ASKED:
            with transaction():
                done += _settle(row.id, asking.Answer(LabelState.UNCLEAR), by=by).state is LabelState.UNCLEAR
            continue
        with transaction():
            ReturnLabel.objects.filter(pk=row.pk, state=LabelState.MADE.value).update(state=LabelState.CANCELLING.value)
        done += _cancel_there(row, by=by).state is LabelState.CANCELLED
    return done


@durable
def look(*, by: Actor) -> int:
    """Ask carriers where parcels are that come back and were not asked about lately; return how many were."""
    at = clock.now()
    open_states = [ReturnState.ANNOUNCED.value, ReturnState.IN_TRANSIT.value]
    rows = (
        ReturnLabel.objects.filter(
            state=LabelState.MADE.value, carrier__in=list(directory.all_of_them()), of_return__state__in=open_states,
            asked_at__gt=at - LOOKS_FOR,
        )
        .exclude(stage=Stage.DELIVERED.value)
        .exclude(looked_at__gt=at - LOOKS_EVERY)
        .order_by(F("looked_at").asc(nulls_first=True), "id")[:MOST_AT_ONCE]
    )  # fmt: skip
    asked = 0
    for row in list(rows):
        carrier = directory.get(row.carrier)
        if carrier is None:
            continue
        try:
            scans = list(carrier.track(row.tracking_number))
        except CarrierError as error:
            log.info("no news", label=str(row.id), error=str(error))
            scans = []
        with transaction():
            _note_scans(row.id, scans, by=by, at=at)
        asked += 1
    return asked


def of_returns(return_ids: list[UUID]) -> dict[UUID, Label]:
    """Return the latest label of each return that has one."""
    rows = ReturnLabel.objects.filter(of_return_id__in=return_ids).order_by("of_return_id", "-asked_at", "-id")
    found: dict[UUID, Label] = {}
    for row in rows.defer("document"):
        found.setdefault(row.of_return_id, _label(row, has_document=row.carrier in directory.all_of_them()))
    return found


def document(return_id: UUID) -> bytes | None:
    """Return what is to be printed and stuck on the parcel, if a carrier made that."""
    row = ReturnLabel.objects.filter(of_return_id=return_id, state=LabelState.MADE.value).first()
    return bytes(row.document) if row is not None and row.document else None


def _note_scans(label_id: UUID, scans: list[Scan], *, by: Actor, at: datetime) -> None:
    row = ReturnLabel.objects.select_related("of_return").get(pk=label_id)
    if any(one.stage in (Stage.UNDER_WAY, Stage.DELIVERED) for one in scans):
        file = files.claim(row.of_return_id)
        if file.row.state == ReturnState.ANNOUNCED:
            files.send(row.of_return_id, row.tracking_number, by=by, at=at)
    row = ReturnLabel.objects.select_for_update().get(pk=label_id)
    row.looked_at = at
    known = sorted((one for one in scans if one.stage is not Stage.UNKNOWN), key=lambda one: one.occurred_at)
    if known and row.stage != Stage.DELIVERED:
        last = next((one for one in known if one.stage is Stage.DELIVERED), known[-1])
        row.stage, row.stage_text, row.stage_at = last.stage.value, last.text, last.occurred_at
    row.save(update_fields=["looked_at", "stage", "stage_text", "stage_at"])


def _carrier(code: str) -> Carrier:
    carrier = directory.get(code)
    if carrier is None:
        known = ", ".join(directory.all_of_them())
        raise InvalidInput(
            f"There is no carrier '{code}'; known: {known}. A label from elsewhere is noted by its number.",
            errors=[{"field": "carrier", "value": code, "message": "unknown"}],
        )
    return carrier


def _claimed(return_id: UUID, *, channel_id: int | None = None) -> File:
    file = files.claim(return_id, channel_id=channel_id)
    if file.row.state != ReturnState.ANNOUNCED or file.row.keeps_goods:
        raise errors.ReturnStateWrong(
            f"Nothing is to be sent for return {file.row.number} (any more), so it needs no label.",
            state=file.row.state,
        )
    return file


def _wanted(file: File) -> LabelRequest:
    order, to = file.work.order, file.work.order.ship_to or {}
    if not to.get("street") or not to.get("postal_code") or not to.get("city"):
        raise InvalidInput(
            "The order has no whole address to send from. Bring the goods to a store, or note a label from elsewhere.",
            errors=[{"field": "ship_to", "value": None, "message": "street, postal code and city are needed"}],
        )
    places = [locations.by_id(one.origin_id or one.location_id) for one in file.work.fulfilments]
    place = next((one for one in places if one.street and one.postal_code and one.city), None)
    if place is None:
        raise InvalidInput(
            f"{places[0].name} has no whole address. Complete it in the admin.",
            errors=[
                {"field": "location", "value": places[0].code, "message": "street, postal code and city are needed"}
            ],
        )
    lines = {line.order_line_id: line.quantity for line in file.live}
    products = catalog.products_by_id({file.work.order_lines[line_id].product_id for line_id in lines})
    grams = PACKAGING + sum(
        (products[file.work.order_lines[line_id].product_id].weight_grams or USUAL_GRAMS) * pieces
        for line_id, pieces in lines.items()
    )
    return LabelRequest(
        _reference(file),
        Address(
            order.contact_name or "–", to["street"], to["postal_code"], to["city"], to.get("country") or place.country
        ),
        Address(place.name, place.street, place.postal_code, place.city, place.country),
        min(max(grams, LIGHTEST), HEAVIEST),
    )


def _reference(file: File) -> str:
    return f"{file.row.number}.{ReturnLabel.objects.filter(of_return=file.row).count() + 1}"


def _intend(file: File, carrier: str, reference: str, *, by: Actor) -> ReturnLabel:
    row = ReturnLabel.objects.create(
        id=ids.new(), of_return=file.row, carrier=carrier, reference=reference, asked_at=clock.now()
    )
    audit.record(
        "orders.returns.labels.ask", "order", file.work.order.pk, by=by,
        after={"return": file.row.number, "carrier": carrier},
    )  # fmt: skip
    return row


def _settle(label_id: UUID, answer: asking.Answer, *, by: Actor) -> Label:
    """Write what came of a label, once: whoever comes later finds it settled."""
    found = ReturnLabel.objects.get(pk=label_id)
    file = files.claim(found.of_return_id)
    row = ReturnLabel.objects.select_for_update().get(pk=label_id)
    if row.state not in (LabelState.ASKED, LabelState.CANCELLING):
        return _label(row)
    row.state, row.tracking_number, row.document = answer.state.value, answer.number, answer.document
    row.said, row.settled_at = answer.said[:200], clock.now()
    row.save(update_fields=["state", "tracking_number", "document", "said", "settled_at"])
    if answer.state is not LabelState.UNCLEAR:
        number = answer.number if answer.state is LabelState.MADE else ""
        try:
            files.label(row.of_return_id, number, by=by, at=clock.now())
        except CommerceError as refusal:
            log.info("label not noted", label=str(row.id), code=refusal.code)
    audit.record(
        "orders.returns.labels.settle", "order", file.work.order.pk, by=by, reason=answer.said[:200],
        after={"return": file.row.number, "label": answer.state.value, "tracking_number": answer.number},
    )  # fmt: skip
    return _label(row)


def _cancel_there(row: ReturnLabel, *, by: Actor) -> Label:
    carrier = directory.get(row.carrier)
    if carrier is not None:
        try:
            carrier.cancel(row.tracking_number)
        except CarrierRefused as error:
            kept = asking.Answer(LabelState.MADE, row.tracking_number, row.document, str(error))
            with transaction():
                return _settle(row.id, kept, by=by)
        except CarrierError as error:
            log.info("label not cancelled yet", label=str(row.id), error=str(error))
            return _label(row)  # the watchdog asks again
    with transaction():
        return _settle(row.id, asking.Answer(LabelState.CANCELLED, row.tracking_number), by=by)


def _living(return_id: UUID) -> ReturnLabel | None:
    return ReturnLabel.objects.filter(of_return_id=return_id, state__in=LIVING).first()


def _label(row: ReturnLabel, *, has_document: bool | None = None) -> Label:
    has = bool(row.document) if has_document is None else has_document
    state = LabelState(row.state)
    return Label(
        row.id, row.carrier, state, row.tracking_number, row.said, Stage(row.stage), row.stage_text, row.stage_at,
        has and state is LabelState.MADE,
    )  # fmt: skip
