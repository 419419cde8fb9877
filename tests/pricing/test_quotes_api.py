"""Quotes over HTTP: given, read again, and refused with a way out."""

from uuid import uuid4

import pytest

from commerce import audit, transactions
from commerce.roles import Scope
from pricing import rulesets
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

    def ask(body, path=URL, **headers):
        return client.post(path, body, content_type="application/json", **key.headers, **headers)

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


def publish(*promotions, **stacking):
    with transactions.transaction():
        rulesets.publish({"promotions": list(promotions), "stacking": stacking}, by=make.BY)


def test_a_quote_tells_its_promotions_what_is_near_and_what_came_of_codes(shop):
    ten = {"id": "TEN", "name": "Ten", "benefit": {"kind": "percent_off", "basis_points": 1000}}
    code = {"id": "CODE", "name": "Code", "benefit": {"kind": "amount_off", "amount_minor": 100},
            "conditions": {"coupon": {"codes": ["SAVE"]}}}  # fmt: skip
    free = {"id": "FREE", "name": "From 49 on", "benefit": {"kind": "free_shipping"},
            "conditions": {"minimum": {"amount_minor": 4900}}}  # fmt: skip
    publish(ten, code, free)
    body = {"lines": [{"sku": "MUG", "quantity": 1}], "coupons": [" sa ve ", "nothing"]}
    quote = shop(body).json()
    assert quote["total_minor"] == 1190 - 100 - 109
    assert [(one["promotion"], one["discount_minor"]) for one in quote["promotions"]] == [("CODE", 100), ("TEN", 109)]
    assert [(one["promotion"], one["missing_minor"]) for one in quote["near"]] == [("FREE", 4900 - 981)]
    assert [(one["code"], one["verdict"]) for one in quote["coupons"]] == [("SAVE", "applied"), ("NOTHING", "unknown")]
    assert quote["lines"][0]["pieces"] == [{"quantity": 1, "paid_minor": 981}]
    assert not quote["has_free_shipping"]
    assert shop({"lines": [{"sku": "MUG", "quantity": 9}]}).json()["has_free_shipping"]


def test_a_gift_is_offered_or_comes_by_itself(shop):
    gift = {"id": "GIFT", "name": "A book", "benefit": {"kind": "gift", "sku": "BOOK"},
            "conditions": {"minimum": {"amount_minor": 2000, "goods": {"products": ["MUG"]}}}}  # fmt: skip
    publish(gift)
    lines = [{"sku": "MUG", "quantity": 2}]
    offered = shop({"lines": lines}).json()
    assert (offered["total_minor"], offered["offers"]) == (2380, [{"promotion": "GIFT", "sku": "BOOK", "quantity": 1}])
    taken = shop({"lines": lines, "takes_gifts": True}).json()
    assert [(line["sku"], line["total_minor"]) for line in taken["lines"]] == [("BOOK", 0), ("MUG", 2380)]
    assert (taken["total_minor"], taken["offers"]) == (2380, [])


def test_a_price_set_by_hand_needs_a_scope_a_reason_and_stays_within_the_limit(shop, client):
    publish(override_basis_points=2000)

    def ask(unit, reason="shelf label", key=shop.key):
        line = {"sku": "MUG", "quantity": 2, "override": {"unit_minor": unit, "reason": reason}}
        return client.post(URL, {"lines": [line]}, content_type="application/json", **key.headers)

    given = ask(1000)
    assert given.status_code == 201
    assert [(step["kind"], step["amount_minor"], step["reason"]) for step in given.json()["lines"][0]["steps"]] == [
        ("price", 2380, "2 × 11.90 EUR"), ("override", -380, "shelf label"),
    ]  # fmt: skip
    entries = audit.timeline("quote", given.json()["id"])
    assert [entry.verb for entry in entries] == ["pricing.quoting.give", "pricing.quoting.set_by_hand"]
    assert (entries[1].reason, entries[1].after["amount_minor"]) == ("shelf label", -380)
    too_deep = ask(951).json()
    assert (too_deep["code"], too_deep["limit_minor"]) == ("override_not_allowed", 1904)
    assert ask(1000, reason=" ").status_code == 400
    plain = ground.key(shop.key.key.channel, Scope.QUOTES_WRITE)
    assert ask(1000, key=plain).json()["code"] == "missing_scope"


def test_many_baskets_get_an_answer_each(shop):
    good = {"lines": [{"sku": "MUG", "quantity": 1}]}
    bodies = {"quotes": [good, {"lines": [{"sku": "NONE", "quantity": 1}]}, good]}
    answer = shop(bodies, path=f"{URL}/batch")
    assert answer.status_code == 200, answer.content
    first, second, third = answer.json()["quotes"]
    assert (first["status"], second["status"], third["status"]) == ("given", "refused", "given")
    assert (second["index"], second["problem"]["code"]) == (1, "unknown_product")
    assert first["quote"]["id"] != third["quote"]["id"]
    assert Quote.objects.count() == 2
    assert shop({"quotes": []}, path=f"{URL}/batch").status_code == 400


def test_an_exchange_may_owe_the_customer_money(shop):
    lines = [{"sku": "MUG", "quantity": 1}, {"sku": "BOOK", "quantity": -1, "paid_minor": 2000}]
    assert shop({"lines": lines}).json()["total_minor"] == 1190 - 2000


def test_a_thousand_lines_and_ten_thousand_pieces_are_priced(shop):
    lines = [{"sku": "MUG", "quantity": 9}] * 999 + [{"sku": "BOOK", "quantity": 9999}]
    publish({"id": "T", "name": "T", "benefit": {"kind": "buy_get", "buy": 2, "get": 1}})
    quote = shop({"lines": lines}).json()
    books, mugs = 9999 // 3, 8991 // 3  # one of three is free: sets are made from the dearest down
    assert quote["total_minor"] == (9999 - books) * 2140 + (8991 - mugs) * 1190
    assert shop({"lines": [*lines, lines[0]]}).status_code == 400
