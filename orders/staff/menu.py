"""How this room shows itself in the shell: its menu entries, what the search field finds here, and its refusals."""

from collections.abc import Sequence
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from commerce.roles import Permission
from commerce.staff import links, shell
from orders import queries
from orders.exceptions import cases
from orders.settlements import lists
from orders.staff import board, forms, order_page, refusals


def register() -> None:
    """Register everything; called once when the application is ready."""
    shell.register_menu(
        shell.MenuEntry(
            key="pickup",
            label=_("Pickup"),
            icon="shopping-bag",
            url_name="orders-staff:queue",
            permission=Permission.WORK_PICKUPS,
            order=10,
            counter=lambda store: board.waiting(store.id),
        )
    )
    shell.register_menu(
        shell.MenuEntry(
            key="waves",
            label=_("Waves"),
            icon="route",
            url_name="orders-staff:waves",
            permission=Permission.WORK_PICKUPS,
            order=12,
            is_only_in_more=True,
        )
    )
    shell.register_menu(
        shell.MenuEntry(
            key="packing",
            label=_("Packing"),
            icon="package",
            url_name="orders-staff:packing",
            permission=Permission.WORK_PICKUPS,
            order=14,
            is_only_in_more=True,
        )
    )
    shell.register_menu(
        shell.MenuEntry(
            key="arrivals",
            label=_("Arrivals"),
            icon="package-check",
            url_name="orders-staff:arrivals",
            permission=Permission.WORK_PICKUPS,
            order=15,
            is_only_in_more=True,
        )
    )
    shell.register_menu(
        shell.MenuEntry(
            key="orders",
            label=_("Orders"),
            icon="receipt-text",
            url_name="orders-staff:orders",
            permission=Permission.VIEW_ORDERS,
            order=40,
        )
    )
    shell.register_menu(
        shell.MenuEntry(
            key="exceptions",
            label=_("Exceptions"),
            icon="siren",
            url_name="orders-staff:desk",
            permission=Permission.WORK_EXCEPTIONS,
            order=45,
            counter=lambda store: cases.waiting(store.id),
        )
    )
    shell.register_menu(
        shell.MenuEntry(
            key="settlements",
            label=_("Payments"),
            icon="landmark",
            url_name="orders-staff:settlements",
            permission=Permission.RECONCILE_MONEY,
            order=47,
            counter=lambda store: lists.counts()["proposals"],
            is_for_all_stores=True,
        )
    )
    shell.register_menu(
        shell.MenuEntry(
            key="returns",
            label=_("Returns"),
            icon="undo-2",
            url_name="orders-staff:returns",
            permission=Permission.TAKE_RETURNS,
            order=44,
            is_only_in_more=True,
        )
    )
    shell.register_menu(
        shell.MenuEntry(
            key="routing",
            label=_("Routing"),
            icon="route",
            url_name="orders-staff:routing",
            permission=Permission.MANAGE_ROUTING,
            order=75,
            is_only_in_more=True,
            is_for_all_stores=True,
        )
    )
    shell.register_finder("orders", _find, order=20)
    links.register("order_line", _orders_of_lines, permission=Permission.VIEW_ORDERS)
    refusals.register()


def _orders_of_lines(line_ids: Sequence[str]) -> dict[str, links.Link]:
    """Name the orders behind entries of the journal."""
    wanted = {UUID(line_id): line_id for line_id in line_ids}
    return {
        wanted[line_id]: links.Link(
            _("Order %(number)s") % {"number": number}, reverse("orders-staff:order", args=[order_id])
        )
        for line_id, (order_id, number) in queries.orders_of_lines(wanted).items()
    }


def _find(request: HttpRequest, store: shell.Store, text: str) -> str | None:
    """Know a pickup code of the store, an order's number, or a reference."""
    allowed = shell.permissions(request)
    if Permission.WORK_PICKUPS in allowed:
        code = forms.code_in(text)
        fulfilment_id = board.by_code(code, store.id)
        if fulfilment_id is not None:
            return f"{reverse('orders-staff:hand-over', args=[fulfilment_id])}?{urlencode({'code': code})}"
    if Permission.VIEW_ORDERS in allowed:
        found = order_page.find(text, location_ids=[store.id], at_most=2)
        if len(found) == 1:
            return reverse("orders-staff:order", args=[found[0].order.id])
    return None
