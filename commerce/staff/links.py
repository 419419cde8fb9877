"""Links from a journal to what caused its entries: each room says where its things are shown.

The journal names a cause by type and id ("order_line", "transfer" …). The room that owns the type registers what to call such a
thing and where its page is; whoever shows a journal asks here, and imports none of those rooms.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from commerce.roles import Permission


@dataclass(frozen=True, slots=True)
class Link:
    """What to call a cause, and its page's address; empty where it has none, or none that the reader may open."""

    label: Any
    url: str = ""


Resolver = Callable[[Sequence[str]], Mapping[str, Link]]
_resolvers: dict[str, tuple[Resolver, Permission | None]] = {}


def register(cause_type: str, resolver: Resolver, *, permission: Permission | None = None) -> None:
    """Let `resolver` name causes of a type: it gets ids and returns a link for each that it knows, with one query.

    `permission` is what opens their pages.
    """
    _resolvers[cause_type] = (resolver, permission)


def resolve(
    causes: Iterable[tuple[str, str]], *, granted: Collection[Permission] | None = None
) -> dict[tuple[str, str], Link]:
    """Return a link for every cause (type, id) that a room knows: one question per type.

    `granted` is what the reader may do; pages that this does not open are named without their address. None opens all.
    """
    by_type: dict[str, list[str]] = {}
    for cause_type, cause_id in dict.fromkeys(causes):
        if cause_type in _resolvers:
            by_type.setdefault(cause_type, []).append(cause_id)
    found = {}
    for cause_type, cause_ids in by_type.items():
        resolver, permission = _resolvers[cause_type]
        is_open = granted is None or permission is None or permission in granted
        for cause_id, link in resolver(cause_ids).items():
            found[cause_type, cause_id] = link if is_open else replace(link, url="")
    return found


def without_pages(label: Callable[[], str]) -> Resolver:
    """Return a resolver for things that have a name but no page of their own."""
    return lambda cause_ids: {cause_id: Link(label()) for cause_id in cause_ids}


register("reservation", without_pages(lambda: _("Basket")))
register("import", without_pages(lambda: _("Import")))
