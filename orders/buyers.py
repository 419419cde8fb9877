"""Who buys, for whoever prices: the customer that a channel names, as our profile and our orders know them."""

from collections.abc import Collection, Mapping

from django.db import connection

from customers import standings
from orders.lifecycle import OrderStatus
from pricing import buyers
from pricing.buyers import Kept, Name

# What was cancelled or couldn't be delivered was no order: whoever it happened to still has a first one before them.
NO_ORDERS = (OrderStatus.CANCELLED.value, OrderStatus.REJECTED.value)

_HAVE_ORDERED = """
SELECT profile_id FROM unnest(%s::uuid[]) AS wanted (profile_id)
WHERE EXISTS (SELECT FROM orders_order WHERE customer_id = profile_id AND status <> ALL(%s))
   OR EXISTS (SELECT FROM orders_pastsale WHERE customer_id = profile_id AND kind = 'sale')
"""


def register() -> None:
    """Let pricing ask who buys."""
    buyers.reckons_by(profiles)


def profiles(named: Collection[Name]) -> Mapping[Name, Kept]:
    """Return what is kept of customers that channels name; nobody is made up, and who isn't known isn't there."""
    found = standings.buyers(named)
    if not found:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_HAVE_ORDERED, [[one.profile_id for one in found.values()], list(NO_ORDERS)])
        regulars = {profile_id for (profile_id,) in cursor.fetchall()}
    return {
        name: Kept(
            one.groups.customer_group, one.tier,
            frozenset(one.groups.segments) if one.groups.segments is not None else None, one.profile_id in regulars,
        )
        for name, one in found.items()
    }  # fmt: skip
