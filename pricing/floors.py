"""What must be left of a price: minimum margins and fees as quotes remember them, by revision like prices."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

from commerce import audit, integrity
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from pricing import revisions
from pricing.margins import Rule, Rules
from pricing.models import AdvertisedMinimum, MarginRule

WHOLE = 10_000
LONGEST_CATEGORY, LONGEST_REASON = 120, 200
HIGHEST_AMOUNT_MINOR = 10**12

_FEES = "SELECT channel_id, basis_points, lower(valid), upper(valid) FROM pricing_channelfee"


@dataclass(frozen=True, slots=True)
class Fee:
    """What a channel keeps of a gross price within `[starts_at, ends_at)`."""

    basis_points: int
    starts_at: datetime | None
    ends_at: datetime | None

    def holds(self, at: datetime) -> bool:
        return (self.starts_at is None or self.starts_at <= at) and (self.ends_at is None or at < self.ends_at)


@dataclass(frozen=True, slots=True)
class Floors:
    """Margins, fees and minimum advertised prices at one revision."""

    rules: Rules
    fees: Mapping[int, tuple[Fee, ...]]
    advertised: Mapping[int, tuple[str, int]]

    def fee(self, channel_id: int, at: datetime) -> int | None:
        """Return what a channel keeps at an instant, or None where nobody said."""
        return next((one.basis_points for one in self.fees.get(channel_id, ()) if one.holds(at)), None)


NONE = Floors(Rules(()), {}, {})
_known: tuple[int, Floors] = (0, NONE)


def known(revision: int) -> Floors:
    """Return what is in force at a revision of prices; no query while it stays the same. Numbers never come again."""
    global _known
    number, found = _known
    if number == revision:
        return found
    rows = MarginRule.objects.values_list("basis_points", "product_id", "category", "channel_id")
    fees: dict[int, tuple[Fee, ...]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_FEES)
        for channel_id, *fee in cursor.fetchall():
            fees[channel_id] = (*fees.get(channel_id, ()), Fee(*fee))
    advertised: dict[int, tuple[str, int]] = {}
    if settings.ADVERTISED_MINIMUMS:
        advertised = {
            product_id: (currency, amount)
            for product_id, currency, amount in AdvertisedMinimum.objects.values_list(
                "product_id", "currency", "amount_minor"
            )
        }
    fresh = Floors(Rules(Rule(*row) for row in rows), fees, advertised)
    _known = (revision, fresh)
    return fresh


def forget() -> None:
    """Drop what this process remembers."""
    global _known
    _known = (0, NONE)


@transaction_required
def set_margin(
    basis_points: int | None,
    *,
    by: Actor,
    product_id: int | None = None,
    category: str = "",
    channel_id: int | None = None,
) -> bool:
    """Set what must be left of a net price after cost and fee (20 % is 2000), or (None) no longer; return if that is new.

    Raises: InvalidInput.
    """
    if product_id is not None and category:
        raise _invalid("category", category, "A rule is for a product or for a category; leave one of them out.")
    if category != category.strip() or len(category) > LONGEST_CATEGORY:
        raise _invalid("category", category, f"A category has a name of up to {LONGEST_CATEGORY} characters.")
    if basis_points is not None and not 0 <= basis_points < WHOLE:
        raise _invalid("basis_points", basis_points, "A minimum margin lies between 0 and 9999 basis points of net.")
    revisions.renew()
    rows = MarginRule.objects.filter(product_id=product_id, category=category, channel_id=channel_id)
    before = rows.values_list("basis_points", flat=True).first()
    if before == basis_points:
        return False
    if basis_points is None:
        rows.delete()
    else:
        MarginRule.objects.update_or_create(
            product_id=product_id, category=category, channel_id=channel_id, defaults={"basis_points": basis_points}
        )
    named = f"{product_id or ''}:{category}:{channel_id or ''}"
    audit.record(
        "pricing.floors.set_margin", "margin_rule", named, by=by, before={"basis_points": before},
        after={"basis_points": basis_points},
    )  # fmt: skip
    return True


@transaction_required
def set_advertised(product_id: int, amount_minor: int | None, *, currency: str, reason: str, by: Actor) -> bool:
    """Set the least that is shown for a product outside the basket, or (None) no longer; return if that is new.

    Raises: InvalidInput, also without a reason: who asked for it must be on record.
    """
    if amount_minor is not None and not 1 <= amount_minor <= HIGHEST_AMOUNT_MINOR:
        raise _invalid("amount_minor", amount_minor, "A minimum advertised price is positive; take it away by None.")
    if amount_minor is not None and not 1 <= len(reason.strip()) <= LONGEST_REASON:
        message = "Say why it is kept and who decided it: a minimum that a supplier imposes is not allowed in the EU."
        raise _invalid("reason", reason, message)
    revisions.renew()
    before = AdvertisedMinimum.objects.filter(pk=product_id).first()
    after = {"currency": currency, "amount_minor": amount_minor, "reason": reason.strip()}
    told = (
        {"currency": before.currency, "amount_minor": before.amount_minor, "reason": before.reason} if before else None
    )
    if told == after or (told is None and amount_minor is None):
        return False
    if amount_minor is None:
        AdvertisedMinimum.objects.filter(pk=product_id).delete()
    else:
        AdvertisedMinimum.objects.update_or_create(product_id=product_id, defaults=after)
    audit.record("pricing.floors.set_advertised", "product", product_id, by=by, before=told, after=after)
    return True


def _invalid(name: str, value: object, message: str) -> InvalidInput:
    return InvalidInput(f"{name}: {message}", errors=[{"field": name, "value": value, "message": message}])


integrity.refuse("margin_rule_once", lambda: _invalid("basis_points", None, "Somebody set this margin just now."))
integrity.refuse(
    "margin_rule_of_one_kind", lambda: _invalid("category", None, "A rule is for a product or for a category.")
)
