"""Names of the people behind actor ids, for journals that hold no personal values themselves."""

from collections.abc import Iterable

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _

from commerce.actors import ActorKind


def names(actors: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return what to call each actor (kind, id): staff by name, a channel by its code, in one query."""
    wanted = set(actors)
    staff_ids = [int(identifier) for kind, identifier in wanted if kind == ActorKind.STAFF and identifier.isdigit()]
    staff = get_user_model().objects.in_bulk(staff_ids)
    return {(kind, identifier): _name(kind, identifier, staff) for kind, identifier in wanted}


def _name(kind: str, identifier: str, staff: dict[int, object]) -> str:
    if kind == ActorKind.STAFF:
        person = staff.get(int(identifier)) if identifier.isdigit() else None
        if person is None:
            return _("Former colleague")
        return person.get_full_name() or person.get_username()  # type: ignore[attr-defined]
    if kind == ActorKind.CUSTOMER:
        return _("Customer")
    if kind == ActorKind.CHANNEL:
        return _("Channel %(code)s") % {"code": identifier}
    return _("Kontor itself")
