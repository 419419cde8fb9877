"""Which payment providers are set up, by name."""

from functools import cache

from django.conf import settings

from orders.gateways.base import Gateway
from orders.gateways.local import Bank, DemoCards, GiftCards, OfChannel, Till
from orders.gateways.stripe import StripeGateway
from orders.paying import PayMethod
from orders.payments.errors import GatewayUnknown


@cache
def every() -> dict[str, Gateway]:
    """Return the providers that are set up, by name. Demo cards never in production."""
    found: list[Gateway] = [Till(), Bank(), GiftCards(), OfChannel()]
    if not settings.PRODUCTION:
        found.append(DemoCards())
    if settings.STRIPE_SECRET_KEY:
        found.append(StripeGateway(settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET, settings.STRIPE_URL))
    return {gateway.name: gateway for gateway in found}


def of(name: str) -> Gateway:
    """Return a provider by its name. Raises: GatewayUnknown."""
    gateway = every().get(name)
    if gateway is None:
        raise GatewayUnknown(
            f"No payment provider is called {name!r}; there are: {', '.join(sorted(every()))}.",
            errors=[{"field": "provider", "value": name, "message": "not set up here"}],
        )
    return gateway


def offering(method: PayMethod, name: str = "") -> Gateway:
    """Return the provider for a method: the one that is named, or the first that offers it. Raises: GatewayUnknown."""
    if name:
        gateway = of(name)
        if method not in gateway.methods:
            raise GatewayUnknown(
                f"{name} does not offer {method}; it offers {', '.join(sorted(gateway.methods))}.",
                errors=[{"field": "method", "value": method.value, "message": f"not offered by {name}"}],
            )
        return gateway
    order = ("stripe", "demo", "gift_card", "till", "bank", "channel")
    for candidate in order:
        found = every().get(candidate)
        if found is not None and method in found.methods:
            return found
    raise GatewayUnknown(
        f"No payment provider here offers {method}.",
        errors=[{"field": "method", "value": method.value, "message": "not offered here"}],
    )


def forget() -> None:
    """Read the settings again."""
    every.cache_clear()
