"""Quotes over HTTP: given, read again, and refused with a way out."""

from uuid import uuid4

import pytest

from commerce.roles import Scope
from pricing.models import Quote
from tests.factories import commerce as ground
from tests.factories import pricing as make

pytestmark = pytest.mark.django_db

URL = "/api/v1/quotes"


@pytest.fixture
def shop(client):
    """A channel's key and two priced products; `ask` posts a body with it."""
    key = ground.key()
    mug, book = ground.product("MUG"), ground.product("BOOK", tax_class="reduced")
    make.standard_rates()
    make.price_list()
    make.prices({mug.id: 1190, book.id: 2140})

    def ask(body, **headers):
        return client.post(URL, body, content_type="application/json", **key.headers, **headers)

    ask.key = key
    return ask


def test_a_basket_gets_a_price_with_steps_and_a_promise(shop, client):
    lines = [{"sku": "MUG", "quantity": 1}, {"sku": "BOOK", "quantity": 1}, {"sku": "MUG", "quantity": 2}]
    answer = shop({"lines": lines, "ttl_seconds": 60})
    assert answer.status_code == 201
    quote = answer.json()
    assert [(line["sku"], line["quantity"], line["total_minor"]) for line in quote["lines"]] == [
        ("BOOK", 1, 2140),
        ("MUG", 3, 3570),
    ]
    assert (quote["total_minor"], quote["tax_minor"], quote["currency"]) == (5710, 710, "EUR")
    (step,) = quote["lines"][1]["steps"]
    assert (step["kind"], step["amount_minor"], step["reason"]) == ("price", 3570, "3 × 11.90 EUR")
    assert (step["reference"], step["forfeited_minor"]) == ("price_list:standard", 0)
    assert quote["quoted_at"].endswith("Z")
    again = client.get(f"{URL}/{quote['id']}", **shop.key.headers)
    assert (again.status_code, again.json()) == (200, quote)
    unchanged = client.get(f"{URL}/{quote['id']}", HTTP_IF_NONE_MATCH=again["ETag"], **shop.key.headers)
    assert unchanged.status_code == 304


def test_a_quote_belongs_to_its_channel(shop, client):
    quote = shop({"lines": [{"sku": "MUG", "quantity": 1}]}).json()
    stranger = ground.key()
    assert client.get(f"{URL}/{quote['id']}", **stranger.headers).json()["code"] == "quote_not_found"
    assert client.get(f"{URL}/{uuid4()}", **shop.key.headers).status_code == 404
    without_scope = ground.key(None, Scope.ORDERS_READ)
    assert client.get(f"{URL}/{quote['id']}", **without_scope.headers).status_code == 403


def test_the_same_key_gives_the_same_quote(shop):
    body = {"lines": [{"sku": "MUG", "quantity": 1}]}
    one, other = (shop(body, HTTP_IDEMPOTENCY_KEY="basket-1") for _ in range(2))
    assert one.json() == other.json()
    assert other["Idempotency-Replayed"] == "true"
    assert Quote.objects.count() == 1
    assert shop({"lines": [{"sku": "MUG", "quantity": 2}]}, HTTP_IDEMPOTENCY_KEY="basket-1").status_code == 422


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({}, 400, "invalid_input", "lines"),
        ({"lines": []}, 400, "invalid_input", "lines"),
        ({"lines": [{"sku": "MUG", "quantity": 0}]}, 400, "invalid_input", "lines[0].quantity"),
        ({"lines": [{"sku": "MUG", "quantity": 1.5}]}, 400, "invalid_input", "lines[0].quantity"),
        ({"lines": [{"sku": "MUG", "quantity": "1"}]}, 400, "invalid_input", "lines[0].quantity"),
        ({"lines": [{"sku": "MUG", "quantity": 1_000_000}] * 2}, 400, "invalid_input", "lines[1].quantity"),
        ({"lines": [{"sku": "MUG", "quantity": 1, "price": 1}]}, 400, "invalid_input", "lines[0].price"),
        ({"lines": [{"sku": "MUG", "quantity": 1}], "ttl_seconds": 59}, 400, "invalid_input", "ttl_seconds"),
        ({"lines": [{"sku": "MUG", "quantity": 1}], "ttl_seconds": 3601}, 400, "invalid_input", "ttl_seconds"),
        ({"lines": [{"sku": "NONE", "quantity": 1}]}, 422, "unknown_product", "lines[0].sku"),
    ],
)
def test_a_wrong_request_names_the_field(shop, body, status, code, field):
    answer = shop(body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert field in [error["field"] for error in problem["errors"]]
    assert Quote.objects.count() == 0


def test_a_product_without_a_price_is_named(shop):
    ground.product("LAMP")
    answer = shop({"lines": [{"sku": "MUG", "quantity": 1}, {"sku": "LAMP", "quantity": 1}]})
    assert (answer.status_code, answer.json()["code"], answer.json()["skus"]) == (422, "no_price", ["LAMP"])
    assert Quote.objects.count() == 0
