"""How much somebody may give away on their own, by the right that they have; what is more waits for a second person."""

from collections.abc import Collection

from commerce import audit
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.roles import Permission
from commerce.transactions import transaction_required
from orders.models import GoodwillLimit

# In minor units, until somebody says another amount.
USUAL: dict[Permission, int] = {Permission.REFUND_ORDERS: 2_500, Permission.APPROVE_REFUNDS: 10_000}
HIGHEST_MINOR = 10_000_000


@transaction_required
def set_limit(permission: Permission | str, amount_minor: int, *, by: Actor) -> int:
    """Say how much people with a right may give away on their own; 0 lets every amount wait for a second one.

    Raises: InvalidInput for a right that gives nothing away, or an amount out of bounds.
    """
    if permission not in USUAL:
        known = ", ".join(USUAL)
        message = f"Only these rights give money away: {known}."
        raise InvalidInput(message, errors=[{"field": "permission", "value": str(permission), "message": message}])
    if not 0 <= amount_minor <= HIGHEST_MINOR:
        message = f"A limit is from 0 to {HIGHEST_MINOR} minor units."
        raise InvalidInput(message, errors=[{"field": "amount_minor", "value": amount_minor, "message": message}])
    before = now()[Permission(permission)]
    row, _made = GoodwillLimit.objects.update_or_create(
        permission=Permission(permission).value, defaults={"amount_minor": amount_minor}
    )
    audit.record(
        "orders.returns.goodwill_limits.set_limit", "goodwill_limit", row.pk, by=by,
        before={"amount_minor": before}, after={"permission": row.permission, "amount_minor": amount_minor},
    )  # fmt: skip
    return row.pk


def now() -> dict[Permission, int]:
    """Return the limit of each right that gives money away. One query."""
    said = dict(GoodwillLimit.objects.values_list("permission", "amount_minor"))
    return {permission: said.get(permission.value, usual) for permission, usual in USUAL.items()}


def limit_of(permissions: Collection[Permission]) -> int:
    """Return how much somebody with these rights may give away on their own."""
    return max((limit for permission, limit in now().items() if permission in permissions), default=0)
