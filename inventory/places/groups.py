"""Groups of places that rules name instead of single ones, and the small copy of them that hot paths read."""

import time
from collections.abc import Iterable
from threading import Lock

from django.db import connection

from commerce import audit, clock
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from inventory.cascade import Scope
from inventory.models import LocationGroup, LocationGroupMember
from inventory.sharing import news

FRESH_FOR_SECONDS = 5.0  # how long a process may answer from its own copy

_lock = Lock()
_cached: tuple[float, dict[int, frozenset[int]]] = (0.0, {})


@transaction_required
def set_group(code: str, name: str, location_ids: Iterable[int], *, by: Actor) -> int:
    """Make a group, or give it this name and exactly these places, and return its id.

    Raises: InvalidInput without a code or name.
    """
    if not code or not name:
        field = "name" if code else "code"
        raise InvalidInput(
            "A group of places needs a code and a name.", errors=[{"field": field, "value": "", "message": "is empty"}]
        )
    wanted = set(location_ids)
    group, created = LocationGroup.objects.select_for_update().get_or_create(code=code, defaults={"name": name})
    had = set(LocationGroupMember.objects.filter(group=group).values_list("location_id", flat=True))
    if not created and (group.name, had) == (name, wanted):
        return group.pk
    before = None if created else {"name": group.name, "location_ids": sorted(had)}
    LocationGroup.objects.filter(pk=group.pk).update(name=name)
    LocationGroupMember.objects.filter(group=group).exclude(location_id__in=wanted).delete()
    LocationGroupMember.objects.bulk_create(
        [LocationGroupMember(group=group, location_id=location_id) for location_id in sorted(wanted - had)]
    )
    audit.record(
        "inventory.location_groups.set_group",
        "location_group",
        group.pk,
        by=by,
        before=before,
        after={"code": code, "name": name, "location_ids": sorted(wanted)},
    )
    forget()
    if not created and had != wanted:  # rules that name the group hold at other places now
        at = clock.now()
        news.bump(at=at)
        news.tell("location_group", group.pk, [Scope(location_ids=frozenset(had ^ wanted))], by=by, at=at)
    return group.pk


def listed() -> list[LocationGroup]:
    """Return all groups by code."""
    return list(LocationGroup.objects.order_by("code"))


def members() -> dict[int, frozenset[int]]:
    """Return the location ids of every group by the group's id, at most a few seconds old."""
    global _cached
    read_at, groups = _cached
    if time.monotonic() - read_at > FRESH_FOR_SECONDS or not read_at:
        with _lock, connection.cursor() as cursor:
            cursor.execute(
                "SELECT g.id, array_agg(m.location_id) FILTER (WHERE m.location_id IS NOT NULL)"
                " FROM inventory_locationgroup g LEFT JOIN inventory_locationgroupmember m ON m.group_id = g.id GROUP BY g.id"
            )
            groups = {group_id: frozenset(places or ()) for group_id, places in cursor.fetchall()}
            _cached = (time.monotonic(), groups)
    return groups


def forget() -> None:
    """Drop this process's copy, after a write."""
    global _cached
    _cached = (0.0, {})
