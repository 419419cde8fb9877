"""Channels, keys, products and people for tests, made by the verbs that the product uses."""

from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from commerce import accounts, catalog, gtin, kits
from commerce.actors import Actor
from commerce.catalog import ProductRef
from commerce.channels import keys
from commerce.models import Channel, ChannelKey, User
from commerce.roles import Scope
from commerce.transactions import transaction

TESTER = Actor.system("tests")
PASSWORD = "a long enough pass phrase"
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key with its plain text and the headers that present it."""

    key: ChannelKey
    plain: str

    @property
    def headers(self) -> dict[str, str]:
        return {"HTTP_AUTHORIZATION": f"Bearer {self.plain}"}


def channel(code: str | None = None, **values: Any) -> Channel:
    """A web shop in Germany that sells in euros."""
    number = next(_numbers)
    defaults = {
        "code": code or f"shop-{number}",
        "name": f"Shop {number}",
        "kind": "web",
        "country": "DE",
        "currency": "EUR",
    }
    with transaction():
        return catalog.add_channel(by=TESTER, **(defaults | values))


def key(
    of: Channel | None = None,
    *scopes: Scope,
    requests_per_minute: int = 1_000_000,
    expires_at: datetime | None = None,
    person: User | None = None,
) -> IssuedKey:
    """A key of a channel (a new one if none is given) with these scopes, or with all of them."""
    of = of or channel()
    with transaction():
        made, plain = keys.issue(
            of,
            name="test",
            scopes=scopes or tuple(Scope),
            requests_per_minute=requests_per_minute,
            expires_at=expires_at,
            person=person,
            by=TESTER,
        )
    return IssuedKey(made, plain)


def barcode(number: int | None = None) -> str:
    """A valid EAN-13 that no other product of the tests has."""
    return gtin.with_check_digit(f"40{number or next(_numbers):010}")


def product(sku: str | None = None, **values: Any) -> ProductRef:
    """A product with one barcode."""
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "sku": sku or f"SKU-{number:05}",
        "name": f"Product {number}",
        "gtins": [barcode(number)],
    }
    with transaction():
        return catalog.add_product(by=TESTER, **(defaults | values))


def kit(*components: tuple[ProductRef, int], sku: str | None = None, **values: Any) -> ProductRef:
    """A kit of products, with how many pieces of each are in it."""
    number = next(_numbers)
    with transaction():
        return kits.add_kit(
            sku=sku or f"KIT-{number:05}", name=values.pop("name", f"Kit {number}"), gtins=[barcode(number)],
            components=[(product.sku, pieces) for product, pieces in components], by=TESTER, **values,
        )  # fmt: skip


def products(how_many: int) -> list[ProductRef]:
    """Many products at once, without barcodes."""
    specs = [
        catalog.ProductSpec(sku=f"SKU-{number:05}", name=f"Product {number}")
        for number in (next(_numbers) for _ in range(how_many))
    ]
    with transaction():
        return list(catalog.add_products(specs, by=TESTER).values())


def listed(of: Channel, *refs: ProductRef) -> None:
    """Offer products on a channel."""
    with transaction():
        catalog.list_products(of, refs, by=TESTER)


def user(username: str | None = None, **values: Any) -> User:
    """A person who can sign in with PASSWORD."""
    number = next(_numbers)
    defaults = {
        "username": f"clerk-{number}" if username is None else username,
        "password": PASSWORD,
        "name": f"Clerk {number}",
        "language": "en",
    }
    with transaction():
        return accounts.add_user(by=TESTER, **(defaults | values))
