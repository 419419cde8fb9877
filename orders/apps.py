from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = _("Orders")

    def ready(self) -> None:
        """Make this room's events known to whoever subscribes, and its screens known to the staff shell."""
        import_module("orders.events")
        import_module("orders.staff.menu").register()
        import_module("orders.worth").register()
