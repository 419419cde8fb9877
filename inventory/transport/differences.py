"""Where what arrived of a transfer is not what was sent: what is refused, what needs a reason, what a manager is told."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import uuid5

from commerce import catalog
from commerce.actors import Actor
from inventory.errors import DifferenceUnexplained, MoreThanSent, NotOnTransfer
from inventory.moving import DifferenceReason
from inventory.reconciliation import discrepancies
from inventory.reconciling import DiscrepancyKind
from inventory.transport.records import CAUSE, LineRef, TransferRef


class Arrived(Protocol):
    @property
    def product_id(self) -> int: ...
    @property
    def quantity(self) -> int: ...


def check_arrivals(transfer: TransferRef, lines: Sequence[Arrived]) -> dict[int, int]:
    """Return the pieces that arrived by product. Raises: NotOnTransfer, MoreThanSent, naming each line."""
    sent = {line.product_id: line for line in transfer.lines}
    names = catalog.products_by_id({line.product_id for line in lines})
    foreign = [line for line in lines if line.product_id not in sent]
    if foreign:
        raise NotOnTransfer(
            f"{names[foreign[0].product_id].name} is not on transfer {transfer.number}; lay it aside and ask who sent it.",
            errors=[
                {"field": f"lines[{number}]", "value": names[line.product_id].sku, "message": "was not sent"}
                for number, line in enumerate(lines)
                if line.product_id not in sent
            ],
            number=transfer.number,
            name=names[foreign[0].product_id].name,
        )
    arrived: dict[int, int] = {}
    for line in lines:
        arrived[line.product_id] = arrived.get(line.product_id, 0) + line.quantity
    over = [sent[product_id] for product_id, pieces in arrived.items() if pieces > sent[product_id].open]
    if over:
        name = names[over[0].product_id].name
        raise MoreThanSent(
            f"{name}: {over[0].quantity} were sent and {over[0].open} are still on the way; {arrived[over[0].product_id]} "
            "can’t have arrived. Count again; what is really too much is found stock: adjust it.",
            lines=[
                {
                    "sku": names[line.product_id].sku, "sent": line.quantity, "open": line.open,
                    "arrived": arrived[line.product_id],
                }
                for line in over
            ],
            number=transfer.number,
            name=name,
            sent=over[0].quantity,
            open=over[0].open,
        )  # fmt: skip
    return arrived


def require_reasons(short: Sequence[LineRef], reasons: Mapping[int, DifferenceReason]) -> None:
    """Make sure that someone said why each of these lines is short. Raises: DifferenceUnexplained, naming those left."""
    silent = [line for line in short if line.product_id not in reasons]
    if silent:
        names = catalog.products_by_id([line.product_id for line in silent])
        first = silent[0]
        raise DifferenceUnexplained(
            f"{first.open} of {first.quantity} {names[first.product_id].name} did not arrive; say why for each product.",
            lines=[{"sku": names[line.product_id].sku, "sent": line.quantity, "missing": line.open} for line in silent],
            name=names[first.product_id].name,
            missing=first.open,
            sent=first.quantity,
        )


def keep_losses(
    transfer: TransferRef,
    lost: Sequence[LineRef],
    reasons: Mapping[int, DifferenceReason],
    note: str,
    *,
    by: Actor,
    at: datetime,
) -> None:
    """Let the destination's manager know what got lost on the way; the pieces are written off already."""
    discrepancies.record(
        [
            discrepancies.NewDiscrepancy(
                id=uuid5(transfer.id, f"lost:{line.product_id}"), kind=DiscrepancyKind.TRANSFER_DIFFERENCE,
                product_id=line.product_id, location_id=transfer.destination_id, expected=line.quantity,
                found=line.quantity - line.open, source=transfer.number, as_of=at, cause_type=CAUSE,
                cause_id=str(transfer.id), note=f"{reasons[line.product_id].value}: {note}" if note else reasons[line.product_id],
            )
            for line in lost
        ],
        by=by,
        at=at,
    )  # fmt: skip
