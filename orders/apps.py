from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = _("Orders")

    def ready(self) -> None:
        """Make this room's events known to whoever subscribes, what it reckons to who asks, its screens to the staff shell."""
        from commerce import events
        from inventory.events import PromiseRevised
        from inventory.promising import promises as promising
        from orders import handlers, limits, promises
        from orders.events import FulfilmentArrived, FulfilmentLineRejected, OrderReceived, PickQuestioned
        from orders.payments import following

        import_module("orders.events")
        import_module("orders.payments.news")
        import_module("orders.payments.concerns").register()
        import_module("orders.kpis").register()
        import_module("orders.staff.menu").register()
        import_module("orders.worth").register()
        import_module("orders.amendments.changing").register()
        import_module("orders.buyers").register()
        import_module("orders.price_facts").register()
        import_module("orders.sales_learnt").register()
        import_module("orders.past_baskets").register()
        import_module("orders.notifications.order_news").register_all()
        import_module("orders.notifications.aftercare").register_all()
        import_module("orders.pickup_watch").register()
        events.subscribe(
            FulfilmentArrived, name="orders.pickup_alerts", handler=import_module("orders.pickup_watch").ring
        )
        promising.reckons_by(pickup=promises.earliest_pickup, delivery=promises.earliest_delivery)
        events.subscribe(FulfilmentLineRejected, name="orders.shortages", handler=handlers.follow_shortage)
        events.subscribe("order.cancelled", name="orders.proposals", handler=handlers.follow_cancelled)
        events.subscribe(PickQuestioned, name="orders.questioned", handler=handlers.reject_too)
        import_module("orders.received").register()
        import_module("orders.unrouted").register()
        events.subscribe(OrderReceived, name="orders.intake", handler=handlers.place_received, batch=True)
        events.subscribe(PromiseRevised, name="orders.promises", handler=handlers.follow_promise)
        for event_type in following.FOLLOWED:
            events.subscribe(event_type, name="orders.payments", handler=following.follow_event)
        for event_type in limits.FOLLOWED:
            events.subscribe(event_type, name="orders.limits", handler=limits.follow_event)
