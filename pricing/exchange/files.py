"""Files of prices: brought, looked at by the worker, confirmed by a person, then written in one transaction.

A worker that dies leaves a file half looked at: another one begins again after `STALE`. Writing is one transaction, so
there is no half of it. The same file again says nothing new.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from commerce import audit, clock, context
from commerce.actors import Actor, ActorKind
from commerce.errors import CommerceError, InvalidInput
from commerce.transactions import transaction, transaction_required
from pricing.errors import PriceFileNotFound, PriceFileNotReady
from pricing.exchange import price_rows, promotion_rows, tables
from pricing.exchange.outcome import Outcome
from pricing.file_states import AT_WORK, STANDS, Kind, State
from pricing.models import PriceFile

LONGEST_NAME = 200
STALE = timedelta(minutes=10)
KEPT = timedelta(days=400)  # a business year and a little: until then what a file said can be looked up
MOST_KEPT = 500  # faults, differences and warnings that are kept to be shown; the file of faults holds all
MOST_FAULTS = 20_000


_OUTCOME = [
    "state", "rows_read", "rows_new", "rows_changed", "rows_same", "rows_wrong", "differences", "faults", "warnings", "result",
]  # fmt: skip


@transaction_required
def bring(
    content: bytes, *, name: str, kind: Kind | str, by: Actor, price_list: str = "", takes_good_rows: bool = False,
    channel: str = "",
) -> PriceFile:  # fmt: skip
    """Keep a file to be looked at. With `takes_good_rows`, rows without a fault are written though others have one.

    `channel` is that of the key which brought it: the keys of other channels never see it.

    Raises: InvalidInput.
    """
    if kind not in list(Kind):
        raise _invalid("kind", str(kind), f"A file holds one of these: {', '.join(Kind)}.")
    if not content or len(content) > tables.LARGEST_FILE:
        limit = tables.LARGEST_FILE // 2**20
        raise _invalid("content", len(content), f"A file has up to {limit} MB and is not empty; send it in parts.")
    if kind == Kind.PRICES and price_list and price_list not in price_rows.currencies_of(Kind.PRICES):
        raise _invalid("price_list", price_list, "There is no such price list; choose one that there is.")
    made = PriceFile(
        kind=Kind(kind).value, name=name[:LONGEST_NAME] or "-", price_list=price_list, takes_good_rows=takes_good_rows,
        content=content, digest=hashlib.sha256(content).hexdigest(), uploaded_at=clock.now(),
        uploaded_by_id=int(by.id) if by.kind is ActorKind.STAFF else None,
        actor=_told(by, channel),
    )  # fmt: skip
    made.save(force_insert=True)
    _record("bring", made, by=by, after={"kind": made.kind, "name": made.name, "bytes": len(content)})
    return made


@transaction_required
def confirm(file_id: UUID, *, by: Actor, takes_good_rows: bool | None = None) -> PriceFile:
    """Let a file that was looked at be written. Raises: PriceFileNotFound, PriceFileNotReady."""
    found = _claimed(file_id, State.CHECKED, State.APPLIED)
    if found.state == State.APPLIED:
        return found  # again: it is written once
    if takes_good_rows is not None:
        found.takes_good_rows = takes_good_rows
    if found.rows_wrong and not found.takes_good_rows:
        raise PriceFileNotReady(
            f"{found.rows_wrong} rows have faults: mend them and bring the file again, or take the good rows alone.",
            state=found.state, rows_wrong=found.rows_wrong,
        )  # fmt: skip
    found.state = State.CONFIRMED.value
    found.actor = _told(by, _channel_of(found))
    found.save(update_fields=["state", "takes_good_rows", "actor"])
    _record("confirm", found, by=by, after={"takes_good_rows": found.takes_good_rows})
    return found


@transaction_required
def discard(file_id: UUID, *, by: Actor) -> PriceFile:
    """Put a file away unwritten. Raises: PriceFileNotFound, PriceFileNotReady."""
    found = _claimed(file_id, State.UPLOADED, State.CHECKED, State.FAILED)
    found.state = State.DISCARDED.value
    found.save(update_fields=["state"])
    _record("discard", found, by=by)
    return found


def get(file_id: UUID, *, channel: str | None = None) -> PriceFile:
    """Return a file without what is in it; with `channel`, one that its keys brought. Raises: PriceFileNotFound."""
    found = PriceFile.objects.defer("content").filter(pk=file_id).first()
    if found is None or (channel is not None and _channel_of(found) != channel):
        raise PriceFileNotFound(f"There is no file {file_id}.", file=str(file_id))
    return found


@transaction_required
def prune(*, at: datetime, at_most: int) -> int:
    """Forget what stood in files that were put away, failed or were written long ago, `KEPT` after they came; return how
    many. What came of them stays, and so does what they wrote. Not signed: nothing was decided."""
    gone = (
        PriceFile.objects.filter(uploaded_at__lte=at - KEPT, state__in=STANDS)
        .exclude(content=b"")
        .order_by("uploaded_at")
        .values("pk")[:at_most]
    )
    return PriceFile.objects.filter(pk__in=gone).update(content=b"", differences=[], faults=[], warnings=[])


def work(file_id: UUID | None = None) -> bool:
    """Look at the next file that waits, or write it, each in transactions of its own; return whether there was one."""
    with transaction():
        claimed = _next(file_id)
    if claimed is None:
        return False
    file, todo = claimed
    by = Actor(ActorKind(file.actor["kind"]), file.actor["id"], file.actor["label"])
    with context.bound(context.request_id()):
        try:
            _check(file) if todo is State.UPLOADED else _apply(file, by=by)
        except (tables.UnreadableFile, CommerceError) as refusal:
            _fail(file, str(refusal) if isinstance(refusal, tables.UnreadableFile) else refusal.message)
    return True


def faults_of(file_id: UUID) -> list[Any]:
    """Return all faults of a file, read again. Raises: PriceFileNotFound."""
    if not _has_content(get(file_id)):
        return []
    file = PriceFile.objects.get(pk=file_id)
    try:
        return _outcome(file, progress=None).faults
    except tables.UnreadableFile:
        return []


def _next(file_id: UUID | None) -> tuple[PriceFile, State] | None:
    at = clock.now()
    waiting = PriceFile.objects.defer("content").select_for_update(skip_locked=True).order_by("uploaded_at")
    rows = waiting.filter(state__in=[*AT_WORK, *AT_WORK.values()])
    if file_id is not None:
        rows = rows.filter(pk=file_id)
    for found in rows[:20]:
        state = State(found.state)
        for todo, meanwhile in AT_WORK.items():
            if state is todo or (state is meanwhile and (found.started_at or at) < at - STALE):
                found.state, found.started_at = meanwhile.value, at
                found.save(update_fields=["state", "started_at"])
                return found, todo
    return None


def _check(file: PriceFile) -> None:
    def progress(rows: int) -> None:
        with transaction():
            PriceFile.objects.filter(pk=file.pk, state=State.CHECKING.value).update(rows_read=rows)

    outcome = _outcome(file, progress=progress)
    _keep(file, outcome, State.CHECKED, checked_at=clock.now())


def _outcome(file: PriceFile, *, progress: Any) -> Outcome:
    content = bytes(file.content)
    if file.kind == Kind.PROMOTIONS:
        return promotion_rows.compare(content, most_faults=MOST_FAULTS)
    return price_rows.compare(
        content, Kind(file.kind), price_list=file.price_list, most_faults=MOST_FAULTS, progress=progress
    )


def _apply(file: PriceFile, *, by: Actor) -> None:
    """Write what a file says. What its rows mean is asked again inside: prices may have changed since it was looked at."""
    with transaction():
        locked = PriceFile.objects.select_for_update().get(pk=file.pk)
        if locked.state != State.APPLYING:
            return
        content = bytes(locked.content)
        if locked.kind == Kind.PROMOTIONS:
            outcome = promotion_rows.write(content, title=locked.name, by=by, most_faults=MOST_FAULTS)
        else:
            outcome = price_rows.write(
                content, Kind(locked.kind), price_list=locked.price_list, by=by, digest=locked.digest,
                takes_good_rows=locked.takes_good_rows, most_faults=MOST_FAULTS,
            )  # fmt: skip
        if outcome.rows_wrong and not locked.takes_good_rows:
            raise PriceFileNotReady(
                f"{outcome.rows_wrong} rows have faults by now; look at them, then bring the file again.",
                state=locked.state, rows_wrong=outcome.rows_wrong,
            )  # fmt: skip
        _keep_in(locked, outcome, State.APPLIED, applied_at=clock.now())
        _record("apply", locked, by=by, after={"new": outcome.rows_new, "changed": outcome.rows_changed,
                                               "wrong": outcome.rows_wrong, "digest": locked.digest})  # fmt: skip


def _keep(file: PriceFile, outcome: Outcome, state: State, **times: datetime) -> None:
    with transaction():
        locked = PriceFile.objects.defer("content").select_for_update().get(pk=file.pk)
        if State(locked.state) not in STANDS:
            _keep_in(locked, outcome, state, **times)


def _keep_in(file: PriceFile, outcome: Outcome, state: State, **times: datetime) -> None:
    file.state = state.value
    file.rows_read, file.rows_new, file.rows_changed = outcome.rows_read, outcome.rows_new, outcome.rows_changed
    file.rows_same, file.rows_wrong = outcome.rows_same, outcome.rows_wrong
    file.differences = [asdict(one) for one in outcome.differences[:MOST_KEPT]]
    file.faults = [asdict(one) for one in outcome.faults[:MOST_KEPT]]
    file.warnings = [dict(one) for one in outcome.warnings[:MOST_KEPT]]
    file.result = outcome.result
    for name, at in times.items():
        setattr(file, name, at)
    file.save(update_fields=[*_OUTCOME, *times])


def _fail(file: PriceFile, message: str) -> None:
    with transaction():
        PriceFile.objects.filter(pk=file.pk).update(state=State.FAILED.value, failure=message[:400])


def _claimed(file_id: UUID, *states: State) -> PriceFile:
    found = PriceFile.objects.select_for_update().defer("content").filter(pk=file_id).first()
    if found is None:
        raise PriceFileNotFound(f"There is no file {file_id}.", file=str(file_id))
    if State(found.state) not in states:
        raise PriceFileNotReady(
            f"That is not possible while the file is '{found.state}'.", state=found.state, rows_wrong=found.rows_wrong
        )
    return found


def _told(by: Actor, channel: str) -> dict[str, str]:
    return {"kind": by.kind.value, "id": str(by.id), "label": by.label, "channel": channel}


def _channel_of(file: PriceFile) -> str:
    """Return the channel whose key brought a file; empty for one of the desk."""
    is_of_key = file.actor.get("kind") == ActorKind.CHANNEL.value
    return str(file.actor.get("channel") or (file.actor.get("id") if is_of_key else "") or "")


def _has_content(file: PriceFile) -> bool:
    return PriceFile.objects.filter(pk=file.pk).exclude(content=b"").exists()


def _record(verb: str, file: PriceFile, *, by: Actor, after: Mapping[str, Any] | None = None) -> None:
    audit.record(f"pricing.files.{verb}", "price_file", file.pk, by=by, after={"state": file.state, **(after or {})})


def _invalid(name: str, value: object, message: str) -> InvalidInput:
    return InvalidInput(f"{name}: {message}", errors=[{"field": name, "value": value, "message": message}])
