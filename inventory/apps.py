from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InventoryConfig(AppConfig):
    name = "inventory"
    verbose_name = _("Inventory")

    def ready(self) -> None:
        from commerce import events
        from commerce.staff import shell
        from inventory import handlers, locations
        from inventory.events import StockChanged
        from inventory.staff import rooms

        events.subscribe(StockChanged, name="inventory.stock_feed", handler=handlers.feed_channels, batch=True)
        shell.register_store_provider(locations.access)
        rooms.register()
