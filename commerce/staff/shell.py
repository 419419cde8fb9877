"""The staff shell: which store someone works at, what they may do there, and which rooms the menu shows.

Rooms plug in without being imported: inventory registers who works where, every room registers its menu entries and,
for the search field, a finder. Screens ask `current_store(request)` and guard themselves with `require(Permission.X)`.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import wraps
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from commerce.actors import Actor
from commerce.roles import Permission

STORE_IN_SESSION = "store"
ENTRIES_ON_A_PHONE = 4  # the fifth place of the bottom bar is "More"
LONGEST_SEARCH = 200  # characters; nothing that can be found is longer


class Store(Protocol):
    """A place where someone works; inventory's `LocationRef` is one."""

    @property
    def id(self) -> int: ...
    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def time_zone(self) -> str: ...


class Access(Protocol):
    """Where someone works and what they may do there."""

    @property
    def locations(self) -> Sequence[Store]: ...
    def permissions_at(self, location_id: int | None) -> frozenset[Permission]: ...  # None: everywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuEntry:
    """A room in the menu: `label` is translated lazily, `icon` a lucide name, `counter` says what waits at a store.

    Rooms that people rarely need set `is_only_in_more`: they stand on the page "More" instead of the rail. Rooms that show
    things of all stores at once set `is_for_all_stores`: they open only to who holds the permission everywhere.
    """

    key: str
    label: Any
    icon: str
    url_name: str
    permission: Permission
    order: int
    counter: Callable[[Store], int] | None = None
    is_only_in_more: bool = False
    is_for_all_stores: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """A menu entry as one person sees it now."""

    key: str
    label: Any
    icon: str
    url: str
    is_current: bool
    waiting: int | None
    is_only_in_more: bool


StoreProvider = Callable[[Any], Access]
Finder = Callable[[HttpRequest, Store, str], str | None]

_store_provider: StoreProvider | None = None
_menu: dict[str, MenuEntry] = {}
_finders: dict[str, tuple[int, Finder]] = {}


# --- what rooms register ---------------------------------------------------------------------------------------------


def register_store_provider(provider: StoreProvider) -> None:
    """Let `provider(user)` say where someone works. Inventory does this once."""
    global _store_provider
    _store_provider = provider


def register_menu(entry: MenuEntry) -> None:
    """Add a room to the menu, or replace the entry of the same key."""
    _menu[entry.key] = entry


def register_finder(key: str, finder: Finder, *, order: int) -> None:
    """Let a room recognise what was scanned or typed into the search field.

    `finder(request, store, text)` returns the address that shows the thing, or None when it isn't the room's. It checks
    for itself what the person may see. Finders are asked in `order`; the first address wins.
    """
    _finders[key] = (order, finder)


# --- who, where, what --------------------------------------------------------------------------------------------------


def access(request: HttpRequest) -> Access | None:
    """Return where the signed-in person works, asked once per request."""
    if not request.user.is_authenticated or _store_provider is None:
        return None
    if not hasattr(request, "_staff_access"):
        request._staff_access = _store_provider(request.user)
    return request._staff_access


def stores(request: HttpRequest) -> Sequence[Store]:
    """Return the stores that the signed-in person may choose from."""
    allowed = access(request)
    return allowed.locations if allowed else []


def current_store(request: HttpRequest) -> Store | None:
    """Return the store that the person works at now: the one they chose in this session, else their first."""
    allowed = stores(request)
    chosen = request.session.get(STORE_IN_SESSION)
    return next((store for store in allowed if store.id == chosen), allowed[0] if allowed else None)


def here(request: HttpRequest) -> Store:
    """Return the current store where a page can't do without one. Raises: PermissionDenied (the 403 page explains)."""
    store = current_store(request)
    if store is None:
        raise PermissionDenied
    return store


def choose_store(request: HttpRequest, code: str) -> Store | None:
    """Work at another store from now on. Returns None, and changes nothing, when the person doesn't work there."""
    store = next((store for store in stores(request) if store.code == code), None)
    if store is not None:
        request.session[STORE_IN_SESSION] = store.id
    return store


def permissions(request: HttpRequest) -> frozenset[Permission]:
    """Return what the person may do at their current store. The first sign-in (a superuser) may do everything."""
    if not request.user.is_authenticated:
        return frozenset()
    if request.user.is_superuser:
        return frozenset(Permission)
    allowed, store = access(request), current_store(request)
    return allowed.permissions_at(store.id) if allowed and store else frozenset()


def permissions_everywhere(request: HttpRequest) -> frozenset[Permission]:
    """Return what the person may do at all stores, for pages that know no single one (law 17)."""
    if not request.user.is_authenticated:
        return frozenset()
    if request.user.is_superuser:
        return frozenset(Permission)
    allowed = access(request)
    return allowed.permissions_at(None) if allowed else frozenset()


def permissions_of(user: Any) -> frozenset[Permission]:
    """Return what a person may do at all stores, for doors where nobody signs in (law 17)."""
    if user.is_superuser:
        return frozenset(Permission)
    return _store_provider(user).permissions_at(None) if _store_provider else frozenset()


def may(request: HttpRequest, permission: Permission) -> bool:
    """Whether the person may do this at their current store."""
    return permission in permissions(request)


def actor(request: HttpRequest) -> Actor:
    """Return the signed-in person as the one who does it."""
    return Actor.staff(request.user)


# --- guarding screens ------------------------------------------------------------------------------------------------


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """Send someone to the sign-in page and back afterwards; a fragment moves the whole page, not itself."""
    if getattr(request, "htmx", False):
        came_from = request.htmx.current_url_abs_path or reverse("staff:home")
        return HttpResponseClientRedirect(redirect_to_login(came_from).url)
    return redirect_to_login(request.get_full_path())


def refuse(request: HttpRequest, permission: Permission | None = None) -> HttpResponse:
    """Say in a sentence that this isn't allowed here, and show the way out."""
    facts = {"permission": permission, "store": current_store(request)}
    return render(request, "staff/not_allowed.html", facts, status=403)


def _guard(request: HttpRequest, permission: Permission, *, at_all_stores: bool = False) -> HttpResponse | None:
    if not request.user.is_authenticated:
        return sign_in_first(request)
    granted = permissions_everywhere(request) if at_all_stores else permissions(request)
    return None if permission in granted else refuse(request, permission)


def _times_of(store: Store | None) -> AbstractContextManager[None]:
    return timezone.override(ZoneInfo(store.time_zone)) if store else nullcontext()


def require(
    permission: Permission, *, at_all_stores: bool = False
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Guard a function view: signed in, and allowed at the current store, or at all of them.

    Times on its page are the current store's local times.
    """

    def guarded(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            refusal = _guard(request, permission, at_all_stores=at_all_stores)
            if refusal is not None:
                return refusal
            with _times_of(current_store(request)):
                return view(request, *args, **kwargs)

        return answer

    return guarded


def signed_in(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Guard a view that needs nothing but a signed-in person."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return sign_in_first(request)
        return view(request, *args, **kwargs)

    return answer


# --- menu and search ---------------------------------------------------------------------------------------------------


def menu(request: HttpRequest) -> list[Room]:
    """Return the rooms that the person may enter, in order, with what waits in each."""
    at_store, at_all_stores, store = permissions(request), permissions_everywhere(request), current_store(request)
    allowed = (e for e in _menu.values() if e.permission in (at_all_stores if e.is_for_all_stores else at_store))
    entries = sorted(allowed, key=lambda e: (e.order, e.key))
    addresses = {entry.key: reverse(entry.url_name) for entry in entries}
    in_rail = [addresses[entry.key] for entry in entries if not entry.is_only_in_more]
    current = max((address for address in in_rail if request.path.startswith(address)), key=len, default="")
    return [
        Room(
            key=entry.key,
            label=entry.label,
            icon=entry.icon,
            url=addresses[entry.key],
            is_current=addresses[entry.key] == current,
            waiting=entry.counter(store) if entry.counter and store else None,
            is_only_in_more=entry.is_only_in_more,
        )
        for entry in entries
    ]


def room_of(request: HttpRequest, path: str) -> str:
    """Return the address of the room that `path` lies in, or of the start page when it lies in none."""
    addresses = [room.url for room in menu(request)]
    return max((a for a in addresses if path.startswith(a)), key=len, default=reverse("staff:home"))


def typed(text: str) -> str:
    """Return what was scanned or typed as it may be searched for: no control characters, bounded, trimmed."""
    return "".join(sign for sign in text[:LONGEST_SEARCH] if sign.isprintable()).strip()


def find(request: HttpRequest, text: str) -> str | None:
    """Return the address of what was scanned or typed, by asking each room in turn; None when nobody knows it."""
    store, text = current_store(request), typed(text)
    if store is None or not text:
        return None
    for _order, finder in sorted(_finders.values(), key=lambda one: one[0]):
        address = finder(request, store, text)
        if address:
            return address
    return None


def context(request: HttpRequest) -> dict[str, Any]:
    """Give templates the shell: store, stores, rooms and `can` (what the person may do here). Lazy: fragments pay nothing."""
    if getattr(request, "user", None) is None or not request.user.is_authenticated:
        return {}
    return {"shell": _Shell(request)}


class _Shell:
    """What base.html shows around every staff page; each part is worked out when the template asks for it."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._rooms: list[Room] | None = None

    @property
    def store(self) -> Store | None:
        return current_store(self._request)

    @property
    def stores(self) -> Sequence[Store]:
        return stores(self._request)

    @property
    def rooms(self) -> list[Room]:
        """Return the rooms of the rail; the bottom bar of a phone shows the first ENTRIES_ON_A_PHONE of them."""
        return [room for room in self._all_rooms if not room.is_only_in_more]

    @property
    def places_on_a_phone(self) -> int:
        return ENTRIES_ON_A_PHONE

    @property
    def rooms_in_more(self) -> list[Room]:
        """Return what "More" lists: rare rooms, and those that didn't fit into the bottom bar."""
        overflow = self.rooms[ENTRIES_ON_A_PHONE:]
        return overflow + [room for room in self._all_rooms if room.is_only_in_more]

    @property
    def _all_rooms(self) -> list[Room]:
        if self._rooms is None:
            self._rooms = menu(self._request)
        return self._rooms

    @property
    def can(self) -> dict[str, bool]:
        """Return `{"work_pickups": True, …}` for `{% if shell.can.work_pickups %}`."""
        return {permission.value: True for permission in permissions(self._request)}
