"""Beginning a wave, taking it over, and ending it. Its orders are leased to its holder together, so nobody else picks them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db import connection

from commerce import audit, integrity
from commerce.actors import Actor
from commerce.errors import CommerceError, InvalidInput, NotAllowed
from commerce.roles import Permission
from commerce.transactions import savepoint, transaction_required
from inventory.places import locations
from orders import errors, events, fulfilment, leases, pickup, to_store
from orders.lifecycle import COLLECTED, Action, Method, State
from orders.models import Fulfilment, Wave, WaveTote
from orders.waves import composing

LEASE_AT_LEAST, LEASE_PER_ORDER, LEASE_AT_MOST = 15, 4, 60  # minutes: a walk for many takes longer than one for one
LONGEST_REASON = 200

integrity.refuse(
    "wave_holds_an_order_once",
    lambda: errors.AlreadyTaken(
        "Somebody took one of these orders into their wave a moment ago; look for the next wave."
    ),
)


@dataclass(frozen=True, slots=True)
class Begun:
    """The wave, and how many of the wanted orders somebody else has or were not there any more."""

    wave: Wave
    left_out: int


def way_out(method: str) -> str:
    """Return what goods of a method have in common on their way: to the counter, to the carrier, or to another store."""
    return "counter" if method in COLLECTED else "store" if method == Method.SHIP_TO_STORE else "carrier"


@transaction_required
def begin(
    wave_id: UUID, location_id: int, fulfilment_ids: Sequence[UUID], *, user: AbstractUser, by: Actor, at: datetime
) -> Begun:
    """Take orders into a wave and lease them to this person, as many as can still be had. The same id again returns the wave.

    Raises: InvalidInput for none or too many, AlreadyTaken when nothing of it is left, NotAllowed.
    """
    _permit(user, location_id, Permission.WORK_PICKUPS)
    known = Wave.objects.filter(pk=wave_id).first()
    if known is not None:
        return Begun(known, 0)
    wanted = list(dict.fromkeys(fulfilment_ids))
    if not 1 <= len(wanted) <= composing.MOST_ORDERS:
        raise InvalidInput(
            f"A wave has 1 to {composing.MOST_ORDERS} orders.",
            errors=[{"field": "orders", "value": len(wanted), "message": "too few or too many"}],
        )
    rows = Fulfilment.objects.filter(pk__in=wanted, location_id=location_id).order_by("order_id", "id")
    found = list(rows.values_list("id", "promised_at", "method"))
    until = at + timedelta(minutes=min(LEASE_AT_LEAST + LEASE_PER_ORDER * len(found), LEASE_AT_MOST))
    taken: list[tuple[datetime, UUID]] = []
    for fulfilment_id, promised_at, _method in found:
        try:
            with savepoint():
                _join(fulfilment_id, user=user, until=until, by=by, at=at)
        except CommerceError:
            continue
        taken.append((promised_at, fulfilment_id))
    if not taken:
        raise errors.AlreadyTaken("Others were quicker: nothing of this wave is left. Look for the next one.")
    ways = {way_out(method) for _id, _due, method in found}
    wave = Wave.objects.create(
        id=wave_id, number=_number(), location_id=location_id, holder=user, begun_at=at,
        way_out=ways.pop() if len(ways) == 1 else "mixed",
    )  # fmt: skip
    for tote, (_promised_at, fulfilment_id) in enumerate(sorted(taken), start=1):
        WaveTote.objects.create(wave=wave, fulfilment_id=fulfilment_id, tote=tote)
    audit.record(
        "orders.waves.begin",
        "wave",
        wave_id,
        by=by,
        after={"number": wave.number, "orders": len(taken), "way": wave.way_out},
    )
    return Begun(wave, len(wanted) - len(taken))


@transaction_required
def take_over(wave_id: UUID, *, reason: str, user: AbstractUser, by: Actor, at: datetime) -> Wave:
    """Take a wave from whoever holds it, with all its orders. Needs the right to, unless its leases ran out; and a reason.

    Raises: InvalidInput without a reason, MoveNotAllowed when it is over, NotAllowed, FulfilmentNotFound.
    """
    wave = locked(wave_id)
    _require_open(wave)
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise InvalidInput(
            "Say why you take this wave over, such as: shift ended, phone broken.",
            errors=[{"field": "reason", "value": reason[:LONGEST_REASON], "message": "must be given"}],
        )
    rows = Fulfilment.objects.filter(pk__in=_open_totes(wave), lease_holder_id=wave.holder_id)
    is_running = rows.filter(lease_expires_at__gt=at).exists()
    if wave.holder_id != user.pk:
        _permit(user, wave.location_id, Permission.TAKE_OVER_PICKUPS if is_running else Permission.WORK_PICKUPS)
    before, until = wave.holder_id, at + timedelta(minutes=LEASE_AT_MOST)
    for fulfilment_id in rows.order_by("order_id", "id").values_list("id", flat=True):
        work = fulfilment.claim(fulfilment_id)
        if work.fulfilment.state not in (State.ACCEPTED, State.PICKING):
            continue
        fulfilment.amend(work, work.fulfilment, at=at, lease_holder=user, lease_expires_at=until)
        fulfilment.conclude(
            work, verb="orders.pickup.take_over", by=by, at=at, before={"lease_holder": before},
            after={"lease_holder": user.pk}, reason=reason,
        )  # fmt: skip
    wave.holder = user
    wave.save(update_fields=["holder"])
    audit.record(
        "orders.waves.take_over",
        "wave",
        wave_id,
        by=by,
        before={"holder": before},
        after={"holder": user.pk},
        reason=reason,
    )
    return wave


@transaction_required
def finish(wave_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> dict[str, int]:
    """End a wave: what is complete is ready, what is not goes back to the queue with what was picked. Again changes nothing.

    Raises: AlreadyTaken when somebody else holds it, NotAllowed, FulfilmentNotFound.
    """
    wave = locked(wave_id)
    _permit(user, wave.location_id, Permission.WORK_PICKUPS)
    done = {"ready": 0, "back": 0}
    if wave.ended_at is not None:
        return done
    require_holder(wave, user)
    for fulfilment_id in _open_totes(wave):
        work = fulfilment.claim(fulfilment_id)
        held = work.fulfilment
        if held.state not in (State.ACCEPTED, State.PICKING) or not leases.is_free(work, user, at=at):
            continue
        lines = work.lines_of(held)
        try:
            with savepoint():
                if held.state == State.PICKING and not any(line.missing for line in lines):
                    done_with = to_store.finish if held.method == Method.SHIP_TO_STORE else pickup.mark_ready
                    done_with(fulfilment_id, user=user, by=by, at=at)
                    done["ready"] += 1
                else:
                    fulfilment.move(
                        work, Action.RELEASE, verb="orders.pickup.release", event=events.FulfilmentReleased, by=by, at=at,
                        reason=wave.number,
                    )  # fmt: skip
                    done["back"] += 1
        except CommerceError:
            continue  # held back or changed meanwhile: its lease ends by itself
    wave.ended_at = at
    wave.save(update_fields=["ended_at"])
    WaveTote.objects.filter(wave=wave).update(is_open=False)
    audit.record("orders.waves.finish", "wave", wave_id, by=by, after={"number": wave.number, **done})
    return done


def locked(wave_id: UUID) -> Wave:
    """Return a wave's locked row: one scan, takeover or end at a time. Raises: FulfilmentNotFound."""
    wave = Wave.objects.select_for_update(of=("self",)).select_related("holder").filter(pk=wave_id).first()
    if wave is None:
        raise errors.FulfilmentNotFound("There is no such wave.", wave=str(wave_id))
    return wave


def require_holder(wave: Wave, user: AbstractUser) -> None:
    """Make sure that a wave goes on and is this person's. Raises: MoveNotAllowed, AlreadyTaken."""
    _require_open(wave)
    if wave.holder_id != user.pk:
        name = wave.holder.get_full_name() or wave.holder.get_username()
        raise errors.AlreadyTaken(f"{name} picks this wave.", holder=name, until=None)


def _join(fulfilment_id: UUID, *, user: AbstractUser, until: datetime, by: Actor, at: datetime) -> None:
    work = fulfilment.claim(fulfilment_id)
    leases.check(work, user, at=at)
    held, lease = work.fulfilment, {"lease_holder": user, "lease_expires_at": until}
    # A tote that was given back, or whose lease ran out, holds nobody's order any more.
    WaveTote.objects.filter(fulfilment_id=fulfilment_id, is_open=True).exclude(wave__holder=user).update(is_open=False)
    if held.state in (State.ACCEPTED, State.PICKING):
        fulfilment.require(held, Action.PICK)
        fulfilment.amend(work, held, at=at, **lease)
        fulfilment.conclude(work, verb="orders.pickup.accept", by=by, at=at)
        return
    fulfilment.advance(work, held, Action.ACCEPT, at=at, **lease)
    if any(line.picked or line.rejected for line in work.lines_of(held)):
        fulfilment.advance(work, held, Action.PICK, at=at)
    fulfilment.conclude(work, verb="orders.pickup.accept", event=events.FulfilmentAccepted, by=by, at=at)


def _open_totes(wave: Wave) -> list[UUID]:
    """Return the orders of a wave, in the order in which orders are locked."""
    totes = WaveTote.objects.filter(wave=wave, is_open=True).order_by("fulfilment__order_id", "fulfilment_id")
    return list(totes.values_list("fulfilment_id", flat=True))


def _require_open(wave: Wave) -> None:
    if wave.ended_at is not None:
        raise errors.MoveNotAllowed(f"Wave {wave.number} is over.", state="ended")


def _permit(user: AbstractUser, location_id: int, permission: Permission) -> None:
    if permission not in locations.access(user).permissions_at(location_id):
        place = locations.by_id(location_id)
        raise NotAllowed(
            f"This needs the right '{permission}' at {place.name}.", permission=str(permission), location=place.code
        )


def _number() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('orders_wave_number')")
        return f"W-{cursor.fetchone()[0]}"
