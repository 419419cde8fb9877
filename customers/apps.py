from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CustomersConfig(AppConfig):
    name = "customers"
    verbose_name = _("Customers")

    def ready(self) -> None:
        from commerce import events
        from customers import handlers
        from customers.staff import rooms

        for event_type in handlers.ORDER_EVENTS:
            events.subscribe(event_type, name="customers.activity", handler=handlers.remember_orders, batch=True)
        rooms.register()
