"""Who sees which return, and who takes steps with it (law 17): goods come back anywhere, but then they are somewhere."""

from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest

from commerce.roles import Permission
from commerce.staff import shell
from inventory.places import geography, locations
from orders.models import Fulfilment, Return
from orders.returns.lists import ReturnView
from orders.staff import order_views


def seen(request: HttpRequest, store: shell.Store) -> Q:
    """Return which returns the person sees: what came in where they take returns, what belongs to an order of theirs, and
    what is on its way to nobody knows where within the customs area of the store."""
    taking = order_views.places(request, Permission.TAKE_RETURNS)
    if taking is None:
        return Q()
    viewing = order_views.places(request, Permission.VIEW_ORDERS) or []
    country = locations.by_id(store.id).country
    near = [place.id for place in locations.every() if geography.same_customs_area(place.country, country)]
    parts = Fulfilment.objects.filter(order_id=OuterRef("order_id"))
    return (
        Q(location_id__in=taking)
        | Q(Exists(parts.filter(location_id__in=near)), location__isnull=True)
        | Q(Exists(parts.filter(location_id__in=viewing)))
    )


def sees(request: HttpRequest, store: shell.Store, found: ReturnView) -> bool:
    """Whether the person sees this return."""
    return Return.objects.filter(seen(request, store), pk=found.id).exists()


def may_step(request: HttpRequest, found: ReturnView) -> bool:
    """Whether the person may take steps with a return: goods that came in at a place are the work of that place."""
    if found.location_id is None:
        return True
    return Permission.TAKE_RETURNS in order_views.granted(request, found.location_id)
