"""Orders as a shop platform tells them: genuine or refused, read by its published shape, placed once at its own prices."""

import base64
import hashlib
import hmac
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from commerce import relay
from commerce.transactions import transaction
from orders import intake_terms
from orders.intake_terms import Terms
from orders.models import Order
from orders.payments import ledger
from orders.platforms import SHOPIFY, Unreadable, translate
from orders.queries import order as read
from tests.factories import commerce as ground
from tests.factories import orders as make

SECRET = "shpss-example"


def document(**changes: Any) -> dict[str, Any]:
    """An order of the published shape: gross prices, a discount over both lines, shipping, 19 % VAT."""
    tax = {"rate": 0.19, "title": "DE MwSt"}
    return {
        "id": 820982911946154508, "name": "#1001", "email": "jon@example.com", "created_at": "2026-11-18T11:58:00+01:00",
        "currency": "EUR", "taxes_included": True, "total_price": "36.60", "total_tax": "5.84",
        "financial_status": "paid", "customer_locale": "de-DE",
        "customer": {"id": 115310627314723954, "first_name": "Jon", "last_name": "Snow"},
        "shipping_address": {
            "name": "Jon Snow", "address1": "Weg 1", "address2": "Hinterhaus", "zip": "10115", "city": "Berlin",
            "country_code": "DE", "phone": "+49 30 1234567",
        },
        "discount_applications": [{"type": "discount_code", "code": "WINTER", "title": "Winter", "value": "4.00"}],
        "line_items": [
            {"sku": "A-1", "quantity": 2, "price": "11.90", "tax_lines": [{**tax, "price": "3.42"}],
             "discount_allocations": [{"amount": "2.40", "discount_application_index": 0}]},
            {"sku": "A-2", "quantity": 1, "price": "11.90", "tax_lines": [{**tax, "price": "1.64"}],
             "discount_allocations": [{"amount": "1.60", "discount_application_index": 0}]},
        ],
        "shipping_lines": [{"title": "DHL", "price": "4.90", "tax_lines": [{**tax, "price": "0.78"}], "discount_allocations": []}],
        **changes,
    }  # fmt: skip


def test_a_published_order_reads_as_one_of_ours():
    made = translate(SHOPIFY, document())
    assert made["external_reference"] == "820982911946154508"
    assert made["ship_to"] == {"street": "Weg 1, Hinterhaus", "postal_code": "10115", "city": "Berlin", "country": "DE"}
    assert made["customer"]["language"] == "de"
    assert made["pricing"] == {
        "currency": "EUR", "is_gross": True, "total_minor": 3660, "tax_minor": 584,
        "shipping": {"amount_minor": 490, "tax_minor": 78, "tax_basis_points": 1900},
    }  # fmt: skip
    first = made["lines"][0]["price"]
    assert first == {
        "unit_price_minor": 1190, "total_minor": 2140, "tax_minor": 342, "tax_basis_points": 1900,
        "discounts": [{"name": "Winter", "amount_minor": 240, "code": "WINTER"}],
    }  # fmt: skip
    assert made["payments"][0]["status"] == "captured"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"line_items": []}, "line_items"),
        ({"line_items": [{"quantity": 1, "price": "1.00"}]}, "line_items[0].sku"),
        ({"line_items": [{"sku": "A", "quantity": 0, "price": "1.00"}]}, "line_items[0].quantity"),
        ({"line_items": [{"sku": "A", "quantity": 1, "price": "1.005"}]}, "line_items[0].price"),
        ({"total_price": None}, "total_price"),
        ({"shipping_address": {"country_code": "Germany"}}, "shipping_address.country_code"),
        ({"id": None}, "id"),
    ],
)
def test_what_is_not_as_published_is_refused_by_its_path(changes, path):
    with pytest.raises(Unreadable) as refused:
        translate(SHOPIFY, document(**changes))
    assert refused.value.path == path


_JSON = some.recursive(
    some.none() | some.booleans() | some.integers(-9, 9) | some.text(max_size=5),
    lambda inner: (
        some.lists(inner, max_size=3) | some.dictionaries(some.sampled_from(list(document())), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(some.dictionaries(some.sampled_from(list(document())), _JSON, max_size=6))
@settings(max_examples=60, deadline=None)
def test_any_document_is_read_or_refused(changes):
    with suppress(Unreadable):
        assert translate(SHOPIFY, document(**changes))["lines"]


def tell(client: Any, shop: make.Shop, body: bytes, *, secret: str = SECRET, **headers: str) -> Any:
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    said = {
        "x-shopify-hmac-sha256": signature,
        "x-shopify-topic": "orders/create",
        "x-shopify-event-id": "evt-1",
        **headers,
    }
    door = f"/api/v1/order-webhooks/shopify/{shop.channel.code}"
    return client.post(door, body, content_type="application/json", headers=said)


def body_for(shop: make.Shop, **changes: Any) -> bytes:
    told = document(**changes)
    for item, product in zip(told["line_items"], shop.products, strict=False):
        item["sku"] = product.sku
    return json.dumps(told).encode()


@pytest.fixture
def _agreed(shop, settings):
    settings.PLATFORM_SECRETS = {shop.channel.code: SECRET}
    charge = ground.product(kind="charge").id
    with transaction():
        terms = Terms(may_price=True, tolerance_minor=2, shipping_product_id=charge)
        intake_terms.agree(shop.channel.pk, terms, by=ground.TESTER)
    yield
    intake_terms.forget()


@pytest.mark.django_db
@pytest.mark.usefixtures("_agreed")
@pytest.mark.parametrize(
    ("said", "status"), [("paid", "captured"), ("authorized", "authorised"), ("pending", "pending")]
)
def test_an_order_is_placed_once_at_the_channels_prices_with_its_money_as_it_is(client, shop, said, status):
    body = body_for(shop, financial_status=said)
    assert tell(client, shop, body).json() == {"outcome": "taken"}
    assert tell(client, shop, body).json() == {"outcome": "known"}
    relay.drain(within=20)
    found = read(Order.objects.get().id)
    assert (found.total_minor, found.price_source, found.contact_name) == (3660, "channel", "Jon Snow")
    (paid,) = ledger.of_order(found.id)
    assert (paid.status.value, paid.amount_minor) == (status, 3660)


@pytest.mark.django_db
@pytest.mark.usefixtures("_agreed")
def test_what_is_forged_unknown_or_unreadable_is_refused(client, shop, settings):
    body = body_for(shop)
    assert tell(client, shop, body, secret="guessed").json()["code"] == "webhook_forged"
    assert tell(client, shop, body, **{"x-shopify-topic": "orders/updated"}).json() == {"outcome": "ignored"}
    assert tell(client, shop, b"{").json()["code"] == "invalid_input"
    wrong = tell(client, shop, body_for(shop, total_price="much"))
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "total_price")
    settings.PLATFORM_SECRETS = {}
    assert tell(client, shop, body, secret="").json()["code"] == "webhook_forged", "without a secret nobody is believed"
    assert client.post("/api/v1/order-webhooks/nobody/x").status_code == 404
    assert not Order.objects.exists()
