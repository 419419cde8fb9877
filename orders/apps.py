from importlib import import_module

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"

    def ready(self) -> None:
        """Make this room's events known to whoever subscribes."""
        import_module("orders.events")
