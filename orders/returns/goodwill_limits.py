"""How much somebody may give away on their own, by right and currency; what is more waits for a second person."""

from collections.abc import Collection

from commerce import audit, money
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.roles import Permission
from commerce.transactions import transaction_required
from orders.models import GoodwillLimit

# In hundredths of a currency, until somebody says another amount for it.
USUAL: dict[Permission, int] = {Permission.REFUND_ORDERS: 2_500, Permission.APPROVE_REFUNDS: 10_000}
HIGHEST_MINOR = 10_000_000


@transaction_required
def set_limit(permission: Permission | str, currency: str, amount_minor: int, *, by: Actor) -> int:
    """Say how much of a currency people with a right may give away on their own; 0 lets every amount wait for a second one.

    Raises: InvalidInput for a right that gives nothing away, a currency that is none, or an amount out of bounds.
    """
    if permission not in USUAL:
        known = ", ".join(USUAL)
        message = f"Only these rights give money away: {known}."
        raise InvalidInput(message, errors=[{"field": "permission", "value": str(permission), "message": message}])
    currency = currency.strip().upper()
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
        message = "A currency is a code of three letters, such as EUR."
        raise InvalidInput(message, errors=[{"field": "currency", "value": currency[:20], "message": message}])
    if not 0 <= amount_minor <= HIGHEST_MINOR:
        message = f"A limit is from 0 to {HIGHEST_MINOR} minor units."
        raise InvalidInput(message, errors=[{"field": "amount_minor", "value": amount_minor, "message": message}])
    before = now(currency)[Permission(permission)]
    row, _made = GoodwillLimit.objects.update_or_create(
        permission=Permission(permission).value, currency=currency, defaults={"amount_minor": amount_minor}
    )
    audit.record(
        "orders.returns.goodwill_limits.set_limit", "goodwill_limit", row.pk, by=by,
        before={"amount_minor": before}, after={"permission": row.permission, "currency": currency, "amount_minor": amount_minor},
    )  # fmt: skip
    return row.pk


def now(currency: str) -> dict[Permission, int]:
    """Return the limit of each right that gives money of a currency away, in minor units. One query."""
    said = dict(GoodwillLimit.objects.filter(currency=currency).values_list("permission", "amount_minor"))
    return {
        permission: said.get(permission.value, usual * 10 ** money.exponent(currency) // 100)
        for permission, usual in USUAL.items()
    }


def limit_of(permissions: Collection[Permission], currency: str) -> int:
    """Return how much of a currency somebody with these rights may give away on their own, in minor units."""
    return max((limit for permission, limit in now(currency).items() if permission in permissions), default=0)
