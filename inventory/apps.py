from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InventoryConfig(AppConfig):
    name = "inventory"
    verbose_name = _("Inventory")

    def ready(self) -> None:
        from commerce import events
        from commerce.staff import shell
        from inventory import handlers, valuation
        from inventory.events import IncomingChanged, LocationChanged, SharingChanged, StockChanged
        from inventory.places import locations
        from inventory.procurement import unit_costs
        from inventory.staff import rooms

        events.subscribe(StockChanged, name="inventory.stock_feed", handler=handlers.feed_channels, batch=True)
        events.subscribe(
            events.ProductsListed, name="inventory.stock_feed.listings", handler=handlers.feed_new_listings, batch=True
        )
        events.subscribe(
            events.KitChanged, name="inventory.stock_feed.kits", handler=handlers.feed_changed_kits, batch=True
        )
        events.subscribe(
            LocationChanged, name="inventory.stock_feed.locations", handler=handlers.feed_after_location_changed
        )
        events.subscribe(
            SharingChanged, name="inventory.stock_feed.sharing", handler=handlers.feed_after_sharing_changed
        )
        valuation.register("costs", unit_costs.latest, order=valuation.COSTS)
        events.subscribe(IncomingChanged, name="inventory.promises", handler=handlers.revise_promises, batch=True)
        shell.register_store_provider(locations.access)
        rooms.register()
