"""Whose customers someone may see: those of the stores where they may view customers (law 17)."""

from django.http import HttpRequest

from commerce.roles import Permission
from commerce.staff import shell


def places(request: HttpRequest) -> frozenset[str] | None:
    """Return the codes of the stores whose customers the signed-in person may see; None means everybody's."""
    allowed = shell.access(request)
    if allowed is None:
        return frozenset()
    if Permission.VIEW_CUSTOMERS in allowed.permissions_at(None):
        return None
    return frozenset(
        store.code for store in allowed.locations if Permission.VIEW_CUSTOMERS in allowed.permissions_at(store.id)
    )
