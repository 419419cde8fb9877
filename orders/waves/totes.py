"""Picking a wave: one scan may serve several orders, and says into which tote how many pieces go. Every scan counts once."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AbstractUser

from commerce import catalog, clock
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from orders import errors, fulfilment, picking
from orders.models import FulfilmentLine, Wave, WaveScan, WaveTote
from orders.picking import Outcome, PutBack
from orders.waves import composing, rounds


@dataclass(frozen=True, slots=True)
class Placed:
    """Pieces that go into a tote, and what the tote still wants of the product."""

    tote: int
    pieces: int
    missing: int


@dataclass(frozen=True, slots=True)
class Dealt:
    """What a scan did: how many pieces into which totes, or why none."""

    outcome: Outcome
    scanned: str
    sku: str
    name: str
    placed: tuple[Placed, ...]
    is_replay: bool = False


@transaction_required
def scan(wave_id: UUID, scan_id: UUID, text: str, *, user: AbstractUser, by: Actor, at: datetime) -> Dealt:
    """Count a scan towards the orders of the wave that want it, the ones due first first. A known id gives its first outcome.

    A case pack is dealt out over several totes, never more than each wants. Raises: GoodsAwaited, AlreadyTaken, MoveNotAllowed,
    InvalidInput, FulfilmentNotFound.
    """
    text = text.strip()
    if not text or len(text) > picking.LONGEST_SCAN:
        raise InvalidInput(
            f"A scan has 1 to {picking.LONGEST_SCAN} characters.",
            errors=[{"field": "text", "value": text[: picking.LONGEST_SCAN], "message": "empty or too long"}],
        )
    wave = rounds.locked(wave_id)
    known = WaveScan.objects.filter(pk=scan_id).first()
    if known is not None:
        return _replayed(wave, known)
    rounds.require_holder(wave, user)
    found = catalog.product_by_barcode(text)
    product, pieces = found if found is not None else (None, 0)
    wanting = _wanting(wave, product.id) if product is not None else []
    placed: list[Placed] = []
    if product is None:
        outcome = Outcome.UNKNOWN_BARCODE
    elif not wanting:
        outcome = Outcome.WRONG_ITEM
    else:
        dealt = composing.share(pieces, [(one, one.missing) for one in wanting])
        outcome = Outcome.PICKED if dealt else Outcome.ALREADY_COMPLETE
        _hold([one.fulfilment_id for one, _ in dealt])
        for one, given in sorted(dealt, key=lambda pair: pair[0].tote):
            part = uuid.uuid5(scan_id, str(one.fulfilment_id))
            done = picking.scan(one.fulfilment_id, part, text, user=user, by=by, at=at, at_most=given)
            if done.pieces:
                placed.append(Placed(one.tote, done.pieces, done.quantity - done.picked))
    WaveScan.objects.create(
        id=scan_id, wave=wave, scanned=text, outcome=outcome.value, scanned_by=user, scanned_at=at, recorded_at=clock.now(),
        placed=[[one.tote, one.pieces, one.missing] for one in placed],
    )  # fmt: skip
    return Dealt(outcome, text, product.sku if product else "", product.name if product else "", tuple(placed))


@transaction_required
def reject(
    wave_id: UUID,
    product_id: int,
    quantity: int,
    reason: str,
    *,
    user: AbstractUser,
    by: Actor,
    at: datetime,
    is_shelf_empty: bool = False,
) -> tuple[PutBack, ...]:
    """Give up on pieces of a product in a wave: the orders that are due last go without.

    Raises: MoreThanWanted, AlreadyTaken, MoveNotAllowed, InvalidInput, FulfilmentNotFound.
    """
    wave = rounds.locked(wave_id)
    rounds.require_holder(wave, user)
    wanting = _wanting(wave, product_id)
    missing = sum(one.missing for one in wanting)
    if not 1 <= quantity <= missing:
        raise errors.MoreThanWanted(f"{missing} pieces of it are still to pick in this wave.", missing=missing)
    dealt = composing.share(quantity, [(one, one.missing) for one in reversed(wanting)])
    _hold([one.fulfilment_id for one, _ in dealt])
    back: list[PutBack] = []
    for number, (one, pieces) in enumerate(dealt, start=1):
        back += picking.reject_line(
            one.fulfilment_id, one.line_id, pieces, reason, user=user, by=by, at=at,
            is_shelf_empty=is_shelf_empty and number == len(dealt),
        ).put_back  # fmt: skip
    return tuple(back)


@dataclass(frozen=True, slots=True)
class _Wanting:
    tote: int
    fulfilment_id: UUID
    line_id: UUID
    missing: int


def _wanting(wave: Wave, product_id: int) -> list[_Wanting]:
    """Return who wants pieces of a product, by tote; complete ones with nothing missing, so that one too many is told apart."""
    totes = dict(WaveTote.objects.filter(wave=wave, is_open=True).values_list("fulfilment_id", "tote"))
    lines = FulfilmentLine.objects.filter(fulfilment_id__in=totes, product_id=product_id)
    found = [_Wanting(totes[line.fulfilment_id], line.fulfilment_id, line.id, line.missing) for line in lines]
    return sorted(found, key=lambda one: (one.tote, str(one.line_id)))


def _hold(fulfilment_ids: Sequence[UUID]) -> None:
    """Claim all orders of a scan before any goods, in the order that everybody keeps."""
    rows = WaveTote.objects.filter(fulfilment_id__in=fulfilment_ids).values_list("fulfilment__order_id", flat=True)
    for order_id in sorted(set(rows), key=str):
        fulfilment.claim_order(order_id)


def _replayed(wave: Wave, known: WaveScan) -> Dealt:
    if known.wave_id != wave.id:
        raise InvalidInput(
            "This scan id was used for another wave; the scanner has to make a new id for each scan.",
            errors=[{"field": "scan_id", "value": str(known.pk), "message": "used for another wave"}],
        )
    found = catalog.product_by_barcode(known.scanned)
    return Dealt(
        Outcome(known.outcome), known.scanned, found[0].sku if found else "", found[0].name if found else "",
        tuple(Placed(*one) for one in known.placed), is_replay=True,
    )  # fmt: skip
