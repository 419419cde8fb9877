from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"

    def ready(self) -> None:
        """Make this room's events known to whoever subscribes."""
        from orders import events

        assert events
