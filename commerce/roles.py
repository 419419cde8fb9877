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
    HOLD_ORDERS = "hold_orders"
    CHANGE_ORDERS = "change_orders"
    TAKE_RETURNS = "take_returns"
    REFUND_ORDERS = "refund_orders"
    APPROVE_REFUNDS = "approve_refunds"
    RELEASE_RISK_HOLDS = "release_risk_holds"
    TAKE_PAYMENTS = "take_payments"
    RETURN_MONEY = "return_money"
    RECONCILE_MONEY = "reconcile_money"
    VIEW_ORDERS = "view_orders"
    WORK_EXCEPTIONS = "work_exceptions"
    VIEW_CUSTOMERS = "view_customers"
    VIEW_STOCK = "view_stock"
    RECEIVE_STOCK = "receive_stock"
    MOVE_STOCK = "move_stock"
    ADJUST_STOCK = "adjust_stock"
    COUNT_STOCK = "count_stock"
    APPROVE_COUNTS = "approve_counts"
    MANAGE_DISCREPANCIES = "manage_discrepancies"
    MANAGE_SUPPLY = "manage_supply"
    MANAGE_SHARING = "manage_sharing"
    MANAGE_ROUTING = "manage_routing"
    MANAGE_SCARCITY = "manage_scarcity"
    MANAGE_MESSAGES = "manage_messages"
    MANAGE_PRICES = "manage_prices"
    APPROVE_PRICES = "approve_prices"
    ANSWER_FOR_PRICES = "answer_for_prices"
    MANAGE_CATALOG = "manage_catalog"
    MANAGE_CHANNELS = "manage_channels"
    MANAGE_USERS = "manage_users"


_CLERK = {
    Permission.TAKE_RETURNS,
    Permission.WORK_PICKUPS,
    Permission.VIEW_ORDERS,
    Permission.WORK_EXCEPTIONS,
    Permission.TAKE_PAYMENTS,
    Permission.VIEW_STOCK,
    Permission.RECEIVE_STOCK,
    Permission.MOVE_STOCK,
    Permission.COUNT_STOCK,
}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.CLERK: frozenset(_CLERK),
    Role.STORE_MANAGER: frozenset(
        _CLERK
        | {
            Permission.TAKE_OVER_PICKUPS,
            Permission.CANCEL_ORDERS,
            Permission.HOLD_ORDERS,
            Permission.CHANGE_ORDERS,
            Permission.REFUND_ORDERS,
            Permission.APPROVE_REFUNDS,
            Permission.RELEASE_RISK_HOLDS,
            Permission.RETURN_MONEY,
            Permission.VIEW_CUSTOMERS,
            Permission.ADJUST_STOCK,
            Permission.APPROVE_COUNTS,
            Permission.MANAGE_DISCREPANCIES,
            Permission.MANAGE_SUPPLY,
        }
    ),
    Role.SERVICE_AGENT: frozenset(
        {
            Permission.VIEW_ORDERS,
            Permission.VIEW_CUSTOMERS,
            Permission.VIEW_STOCK,
            Permission.CANCEL_ORDERS,
            Permission.WORK_EXCEPTIONS,
            Permission.HOLD_ORDERS,
            Permission.TAKE_PAYMENTS,
            Permission.RETURN_MONEY,
            Permission.CHANGE_ORDERS,
            Permission.TAKE_RETURNS,
            Permission.REFUND_ORDERS,
            Permission.RECONCILE_MONEY,
        }
    ),
    Role.MERCHANDISER: frozenset(
        {
            Permission.VIEW_STOCK,
            Permission.MANAGE_PRICES,
            Permission.APPROVE_PRICES,
            Permission.MANAGE_CATALOG,
            Permission.MANAGE_DISCREPANCIES,
            Permission.MANAGE_SUPPLY,
            Permission.MANAGE_SHARING,
            Permission.MANAGE_ROUTING,
            Permission.MANAGE_SCARCITY,
        }
    ),
    Role.ADMINISTRATOR: frozenset(Permission),
}


class Scope(StrEnum):
    """What a channel's key may do. A key carries a set of these; every API view names the one it needs."""

    AVAILABILITY_READ = "availability:read"
    RESERVATIONS_WRITE = "reservations:write"
    PICKUP_WINDOWS_READ = "pickup_windows:read"
    QUOTES_WRITE = "quotes:write"
    PROMOTIONS_READ = "promotions:read"
    PROMOTIONS_WRITE = "promotions:write"
    PROMOTIONS_APPROVE = "promotions:approve"
    PRICES_OVERRIDE = "prices:override"
    PRICES_WRITE = "prices:write"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    PAYMENTS_WRITE = "payments:write"
    SETTLEMENTS_WRITE = "settlements:write"
    RETURNS_WRITE = "returns:write"
    FULFILMENT_PICK = "fulfilment:pick"
    FULFILMENT_PACK = "fulfilment:pack"
    ROUTING_READ = "routing:read"
    ROUTING_MANAGE = "routing:manage"
    STOCK_WRITE = "stock:write"
    TRANSFERS_WRITE = "transfers:write"
    SUPPLY_WRITE = "supply:write"
    COUNTS_WRITE = "counts:write"
    STATEMENTS_WRITE = "statements:write"
    SHARING_WRITE = "sharing:write"
    WAITING_LIST_WRITE = "waiting_list:write"
    SCARCITY_READ = "scarcity:read"
    EXPERIMENTS_WRITE = "experiments:write"
    CATALOG_READ = "catalog:read"
    WEBHOOKS_MANAGE = "webhooks:manage"
    EVENTS_READ = "events:read"
