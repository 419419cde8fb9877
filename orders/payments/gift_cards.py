"""Gift cards: issued, held when an order is paid with them, redeemed when goods leave, filled again by a refund.

The code is a bearer's secret: it is shown once, at the issue, and kept as a keyed hash. The balance is the sum of the card's
movements, by trigger; less than nothing is refused by the database, whoever races.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from commerce import audit, ids, integrity
from commerce.actors import Actor
from commerce.errors import Conflict
from commerce.transactions import transaction_required
from orders.models import GiftCard, GiftCardEntry
from orders.paying import GiftCardEntryKind
from orders.payments import errors

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # nothing that people mix up
LENGTH = 16  # 80 bits: nobody guesses one
VALID_FOR = timedelta(
    days=3 * 366
)  # three years from the end of the year is what German law takes as a rule; never less
HIGHEST_MINOR = 500_000

integrity.refuse(
    "gift_card_entry_once",
    lambda: Conflict(
        "This was booked on a gift card before; a new sale needs a reference of its own, a repeat its key."
    ),
)
integrity.refuse("gift_card_not_overdrawn", lambda: errors.GiftCardTooLow("Not enough is left on this gift card."))


@dataclass(frozen=True, slots=True)
class GiftCardView:
    """A gift card as it stands."""

    id: UUID
    last_four: str
    currency: str
    balance_minor: int
    held_minor: int
    valid_until: datetime


@transaction_required
def issue(
    *, amount_minor: int, currency: str, cause: tuple[str, object], by: Actor, at: datetime, code: str | None = None
) -> tuple[GiftCardView, str]:
    """Make a gift card with money on it; return it with its code, which nobody can read again.

    Raises: AmountTooHigh beyond the highest card; GiftCardUnknown when a wanted code is taken.
    """
    if not 1 <= amount_minor <= HIGHEST_MINOR:
        raise errors.AmountTooHigh(
            f"A gift card holds between 0.01 and {HIGHEST_MINOR / 100:.2f}.",
            wanted_minor=amount_minor,
            there_minor=HIGHEST_MINOR,
        )
    code = normal(code) if code else "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    row = GiftCard.objects.create(
        id=ids.new(), code_hash=_hash(code), last_four=code[-4:], currency=currency, valid_until=at + VALID_FOR, issued_at=at
    )  # fmt: skip
    _move(row.id, GiftCardEntryKind.ISSUED, amount_minor, cause, at)
    audit.record("orders.payments.gift_cards.issue", "gift_card", row.id, by=by, after={"amount_minor": amount_minor})
    return get(row.id), code


def find(code: str, *, currency: str, at: datetime) -> GiftCardView:
    """Return the card of a code. Raises: GiftCardUnknown, also for another currency or one that is no longer valid."""
    row = GiftCard.objects.filter(code_hash=_hash(normal(code)), currency=currency, valid_until__gt=at).first()
    if row is None:
        raise errors.GiftCardUnknown(
            "No valid gift card has this code; check it, or let the customer pay another way.",
            errors=[
                {"field": "gift_card", "value": f"…{code[-4:]}", "message": "not known, of another currency, or over"}
            ],
        )
    return get(row.id)


def get(card_id: UUID) -> GiftCardView:
    """Return a card by its id."""
    row = GiftCard.objects.get(pk=card_id)
    return GiftCardView(row.id, row.last_four, row.currency, row.balance_minor, row.held_minor, row.valid_until)


@transaction_required
def hold(card_id: UUID, amount_minor: int, *, cause: tuple[str, object], at: datetime) -> None:
    """Keep an amount of a card for a payment; the same cause holds once. Raises: GiftCardTooLow naming what is left."""
    row = GiftCard.objects.select_for_update().get(pk=card_id)
    if _is_known(GiftCardEntryKind.HELD, cause):
        return
    if row.balance_minor < amount_minor:
        raise errors.GiftCardTooLow(
            f"This gift card has {row.balance_minor / 100:.2f} {row.currency} left, not {amount_minor / 100:.2f};"
            " take what is left and let the customer pay the rest another way.",
            balance_minor=row.balance_minor,
        )
    _move(card_id, GiftCardEntryKind.HELD, amount_minor, cause, at)


@transaction_required
def move(card_id: UUID, kind: GiftCardEntryKind, amount_minor: int, *, cause: tuple[str, object], at: datetime) -> None:
    """Release or redeem what is held, or put money back; the same cause moves once."""
    GiftCard.objects.select_for_update().get(pk=card_id)
    if not _is_known(kind, cause):
        _move(card_id, kind, amount_minor, cause, at)


def normal(code: str) -> str:
    """Return a code as it was issued, however people typed it."""
    return "".join(sign for sign in code.upper() if sign.isalnum())


def _is_known(kind: GiftCardEntryKind, cause: tuple[str, object]) -> bool:
    return GiftCardEntry.objects.filter(kind=kind.value, cause_type=cause[0], cause_id=str(cause[1])).exists()


def _move(card_id: UUID, kind: GiftCardEntryKind, amount_minor: int, cause: tuple[str, object], at: datetime) -> None:
    GiftCardEntry.objects.create(
        id=ids.new(), gift_card_id=card_id, kind=kind.value, amount_minor=amount_minor, cause_type=cause[0],
        cause_id=str(cause[1]), recorded_at=at,
    )  # fmt: skip


def _hash(code: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), b"gift card " + code.encode(), hashlib.sha256).hexdigest()
