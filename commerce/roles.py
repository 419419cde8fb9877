"""Roles of staff and what each may do: least privilege, as one table. [pure]"""

from enum import StrEnum


class Role(StrEnum):
    CLERK = "clerk"
    STORE_MANAGER = "store_manager"
    SERVICE_AGENT = "service_agent"
    MERCHANDISER = "merchandiser"
    ADMINISTRATOR = "administrator"


class Permission(StrEnum):
    WORK_PICKUPS = "work_pickups"
    TAKE_OVER_PICKUPS = "take_over_pickups"
    CANCEL_ORDERS = "cancel_orders"
    VIEW_ORDERS = "view_orders"
    VIEW_CUSTOMERS = "view_customers"
    VIEW_STOCK = "view_stock"
    RECEIVE_STOCK = "receive_stock"
    ADJUST_STOCK = "adjust_stock"
    MANAGE_MESSAGES = "manage_messages"
    MANAGE_PRICES = "manage_prices"
    MANAGE_CATALOG = "manage_catalog"
    MANAGE_CHANNELS = "manage_channels"
    MANAGE_USERS = "manage_users"


_CLERK = {Permission.WORK_PICKUPS, Permission.VIEW_ORDERS, Permission.VIEW_STOCK, Permission.RECEIVE_STOCK}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.CLERK: frozenset(_CLERK),
    Role.STORE_MANAGER: frozenset(
        _CLERK
        | {
            Permission.TAKE_OVER_PICKUPS,
            Permission.CANCEL_ORDERS,
            Permission.VIEW_CUSTOMERS,
            Permission.ADJUST_STOCK,
        }
    ),
    Role.SERVICE_AGENT: frozenset(
        {Permission.VIEW_ORDERS, Permission.VIEW_CUSTOMERS, Permission.VIEW_STOCK, Permission.CANCEL_ORDERS}
    ),
    Role.MERCHANDISER: frozenset({Permission.VIEW_STOCK, Permission.MANAGE_PRICES, Permission.MANAGE_CATALOG}),
    Role.ADMINISTRATOR: frozenset(Permission),
}


class Scope(StrEnum):
    """What a channel's key may do. A key carries a set of these; every API view names the one it needs."""

    AVAILABILITY_READ = "availability:read"
    RESERVATIONS_WRITE = "reservations:write"
    PICKUP_WINDOWS_READ = "pickup_windows:read"
    QUOTES_WRITE = "quotes:write"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    STOCK_WRITE = "stock:write"
    CATALOG_READ = "catalog:read"
    WEBHOOKS_MANAGE = "webhooks:manage"
    EVENTS_READ = "events:read"
