"""News of sharing: the token that tells every process to read its rules again, and the event that the stock feed hears."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from commerce import ids, outbox
from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory.cascade import Scope
from inventory.events import SharingChanged

MOST_PRODUCTS_NAMED = 500  # in one event; beyond, several are told

_BUMP = """
INSERT INTO inventory_sharingversion (id, token, told_until) VALUES (1, %s, %s)
ON CONFLICT (id) DO UPDATE SET token = excluded.token
"""

_MOVE_ON = "UPDATE inventory_sharingversion SET told_until = greatest(told_until, %s) WHERE id = 1"


def token() -> UUID | None:
    """Return the token of what is withheld now, or None while nothing ever was."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM inventory_sharingversion WHERE id = 1")
        row = cursor.fetchone()
    return row[0] if row else None


@transaction_required
def told_until() -> datetime | None:
    """Return the instant up to which starts and ends were told, locked; None while nothing was ever withheld."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT told_until FROM inventory_sharingversion WHERE id = 1 FOR UPDATE")
        row = cursor.fetchone()
    return row[0] if row else None


@transaction_required
def bump(*, at: datetime) -> None:
    """Let every process read again what is withheld, within a second after the commit.

    The token is random: one that was rolled back is never another's.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BUMP, [ids.new(), at])


@transaction_required
def move_on(*, until: datetime) -> None:
    """Remember that starts and ends up to an instant were told."""
    with connection.cursor() as cursor:
        cursor.execute(_MOVE_ON, [until])


@transaction_required
def tell(cause: str, cause_id: int, scopes: Iterable[Scope], *, by: Actor, at: datetime) -> None:
    """Have the stock feed tell what `scopes` are about again. `cause` is what changed: rule, policy, obligation or group."""
    _publish(
        cause,
        cause_id,
        [
            (
                [] if scope.product_id is None else [scope.product_id],
                scope.category,
                None if scope.location_ids is None else sorted(scope.location_ids),
            )
            for scope in scopes
        ],
        by=by,
        at=at,
    )


@transaction_required
def tell_products(cause: str, cause_id: int, product_ids: Iterable[int], *, by: Actor, at: datetime) -> None:
    """Have the stock feed tell products again."""
    ordered = sorted(set(product_ids))
    portions = range(0, len(ordered), MOST_PRODUCTS_NAMED)
    _publish(
        cause, cause_id, [(ordered[start : start + MOST_PRODUCTS_NAMED], "", None) for start in portions], by=by, at=at
    )


def _publish(
    cause: str,
    cause_id: int,
    affected: Sequence[tuple[list[int], str, list[int] | None]],
    *,
    by: Actor,
    at: datetime,
) -> None:
    outbox.publish(
        [
            SharingChanged(
                aggregate_sequence=int(at.timestamp() * 1_000_000) + number, occurred_at=at, cause=cause,
                cause_id=cause_id, product_ids=product_ids, category=category, location_ids=location_ids,
            )
            for number, (product_ids, category, location_ids) in enumerate(affected)
        ],
        by=by,
    )  # fmt: skip
