from importlib import import_module

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"

    def ready(self) -> None:
        """Make this room's events known to whoever subscribes, and its screens known to the staff shell."""
        import_module("orders.events")
        import_module("orders.staff.menu").register()
