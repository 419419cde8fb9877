"""Prices that a channel brings: kept to the cent, marked as its own, refused with the field named when they don't add up."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.channels.contracts import ChannelPricing, Discount, IncomingLine, LinePrice, ShippingPrice
from commerce.errors import InvalidInput
from commerce.operations import checks
from commerce.transactions import transaction
from orders import channel_prices, intake_terms, queries
from orders.intake_terms import Terms
from orders.paying import PaymentStatus
from orders.payments import ledger
from pricing import vat
from pricing.quoted import from_document
from pricing.terms import PriceBasis
from pricing.vat import Taxable
from tests.factories import commerce as ground
from tests.factories import orders as make
from tests.orders.test_orders_api import ORDERS, Api

NOON = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
SKUS = {1: "A", 2: "B", 9: "POST"}


def tax_of(amount: int, *, is_gross: bool = True, rate: int = 1900) -> int:
    return vat.of(Taxable(amount, PriceBasis.GROSS if is_gross else PriceBasis.NET, rate))


def line(product: int, quantity: int, unit: int, *off: int, is_gross: bool = True) -> IncomingLine:
    total = quantity * unit - sum(off)
    price = LinePrice(
        unit_price_minor=unit, total_minor=total, tax_minor=tax_of(total, is_gross=is_gross), tax_basis_points=1900,
        discounts=tuple(Discount(name="Black week", amount_minor=amount, code="BW") for amount in off),
    )  # fmt: skip
    return IncomingLine(product_id=product, quantity=quantity, price=price)


def pricing(*lines: IncomingLine, is_gross: bool = True, shipping: int = 0, **values: Any) -> ChannelPricing:
    prices = [one.price for one in lines if one.price]
    post = ShippingPrice(
        amount_minor=shipping, tax_minor=tax_of(shipping, is_gross=is_gross), tax_basis_points=1900
    )  # fmt: skip
    tax = sum(one.tax_minor for one in prices) + post.tax_minor
    total = sum(one.total_minor for one in prices) + shipping + (0 if is_gross else tax)
    defaults = {"currency": "EUR", "is_gross": is_gross, "total_minor": total, "tax_minor": tax}
    return ChannelPricing(**defaults | {"shipping": post if shipping else None} | values)


def quote(lines: list[IncomingLine], asked: ChannelPricing, tolerance: int = 0):
    return channel_prices.quote(
        lines, asked, skus=SKUS, shipping_id=9, channel_id=1, channel_code="market", currency="EUR", country="DE",
        tolerance_minor=tolerance, at=NOON,
    )  # fmt: skip


def fields(refused: pytest.ExceptionInfo[InvalidInput]) -> list[str]:
    return [str(one["field"]) for one in refused.value.errors]


def test_lines_discounts_shipping_and_vat_are_kept_as_they_were_told():
    lines = [line(1, 3, 1000, 250, 50), line(2, 1, 500)]
    made = quote(lines, pricing(*lines, shipping=490))
    assert made.total_minor == 2700 + 500 + 490
    assert [(one.sku, one.total_minor) for one in made.lines] == [("A", 2700), ("B", 500), ("POST", 490)]
    assert [step.amount_minor for step in made.lines[0].steps] == [3000, -250, -50]
    assert made.lines[0].steps[1].reason == "Black week"
    assert made.ruleset_version == "channel:market"
    assert made.taxes[0].gross_minor == made.total_minor
    assert from_document(made.document()) == made


def test_net_prices_get_their_vat_on_top():
    lines = [line(1, 2, 1000, is_gross=False)]
    made = quote(lines, pricing(*lines, is_gross=False))
    assert (made.total_minor, made.tax_minor, made.lines[0].basis) == (2380, 380, "net")
    assert sum(step.amount_minor for step in made.lines[0].steps) == 2380


def test_lines_of_one_product_are_one_line_with_all_their_steps():
    lines = [line(1, 1, 1000), line(1, 1, 800)]
    (made,) = quote(lines, pricing(*lines)).lines
    assert (made.quantity, made.total_minor, made.unit_price_minor, len(made.steps)) == (2, 1800, 900, 2)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"total_minor": 999}, "lines[0].price.total_minor"),
        ({"tax_minor": 999}, "lines[0].price.tax_minor"),
        ({"unit_price_minor": -1}, "lines[0].price.unit_price_minor"),
        ({"tax_basis_points": 10_001}, "lines[0].price.tax_basis_points"),
        ({"discounts": (Discount(name="x", amount_minor=0),)}, "lines[0].price.discounts[0].amount_minor"),
        ({"discounts": (Discount(name="x", amount_minor=5),)}, "lines[0].price.total_minor"),
    ],
)
def test_a_line_that_does_not_add_up_is_named(change, field):
    one = line(1, 2, 1000)
    wrong = replace(one, price=replace(one.price, **change))
    with pytest.raises(InvalidInput) as refused:
        quote([wrong], pricing(one))
    assert field in fields(refused)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"total_minor": 1999}, "pricing.total_minor"),
        ({"tax_minor": 0}, "pricing.tax_minor"),
        ({"currency": "CHF"}, "pricing.currency"),
    ],
)
def test_a_document_that_does_not_add_up_is_named(values, field):
    one = line(1, 2, 1000)
    with pytest.raises(InvalidInput) as refused:
        quote([one], pricing(one, **values))
    assert fields(refused) == [field]


def test_a_line_without_a_price_is_named():
    one = line(1, 2, 1000)
    with pytest.raises(InvalidInput) as refused:
        quote([one, IncomingLine(product_id=2, quantity=1)], pricing(one))
    assert fields(refused) == ["lines[1].price"]


@given(
    cents=st.integers(-2, 2),
    lines=st.lists(
        st.tuples(st.sampled_from([1, 2]), st.integers(1, 9), st.integers(0, 9_999), st.booleans()),
        min_size=1,
        max_size=5,
    ),
    shipping=st.sampled_from([0, 490]),
    is_gross=st.booleans(),
)
def test_within_the_tolerance_the_channels_total_stands_and_beyond_it_nothing(cents, lines, shipping, is_gross):
    made = [
        line(
            product,
            quantity,
            unit,
            *((quantity * unit // 2,) if is_off and quantity * unit > 1 else ()),
            is_gross=is_gross,
        )
        for product, quantity, unit, is_off in lines
    ]
    right = pricing(*made, is_gross=is_gross, shipping=shipping)
    asked = replace(right, total_minor=right.total_minor + cents)
    if abs(cents) > 1 or asked.total_minor < 0:
        with pytest.raises(InvalidInput):
            quote(made, asked, tolerance=1)
        return
    found = quote(made, asked, tolerance=1)
    assert found.total_minor == asked.total_minor == sum(one.total_minor for one in found.lines)
    for one in found.lines:
        assert sum(step.amount_minor for step in one.steps) == one.total_minor
        assert sum(count * minor for count, minor in one.pieces) == one.total_minor
        assert sum(count for count, _minor in one.pieces) == one.quantity


# --- through the door ---------------------------------------------------------------------------------------------------


@pytest.fixture
def market(client, shop) -> Api:
    charge = ground.product(kind="charge")
    with transaction():
        terms = Terms(may_price=True, tolerance_minor=1, shipping_product_id=charge.id)
        intake_terms.agree(shop.channel.pk, terms, by=ground.TESTER)
    yield Api(client, shop)
    intake_terms.forget()


def priced(market: Api, shop: make.Shop, **values: Any) -> dict:
    price = {
        "unit_price_minor": 1500, "total_minor": 2800, "tax_minor": 447, "tax_basis_points": 1900,
        "discounts": [{"name": "Welcome", "amount_minor": 200}],
    }  # fmt: skip
    shipping = {"amount_minor": 490, "tax_minor": 78, "tax_basis_points": 1900}
    total = {"currency": "EUR", "is_gross": True, "total_minor": 3290, "tax_minor": 525, "shipping": shipping}
    lines = [{"sku": shop.products[0].sku, "quantity": 2, "price": price}]
    return market.body(lines=lines, **{"pricing": total, **values})


@pytest.mark.django_db
def test_an_order_is_sold_at_the_channels_prices_and_paid_where_it_was_bought(market, shop):
    paid = {"provider": "channel", "reference": "M-1", "method": "channel", "amount_minor": 3290, "status": "captured"}
    answer = market.post(ORDERS, priced(market, shop, payments=[paid]))
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert (told["price_source"], told["totals"]["total_minor"], told["totals"]["tax_minor"]) == ("channel", 3290, 525)
    assert sorted(one["total_minor"] for one in told["lines"]) == [490, 2800]
    (payment,) = ledger.of_order(queries.orders([told["id"]]).popitem()[0])
    assert (payment.gateway, payment.amount_minor, payment.status) == ("channel", 3290, PaymentStatus.CAPTURED)
    again = market.post(ORDERS, priced(market, shop, external_reference=told["external_reference"], payments=[paid]))
    assert again.json().get("id") == told["id"]
    assert not checks.run()


@pytest.mark.django_db
def test_prices_that_are_off_by_more_than_agreed_are_refused_by_field(market, shop):
    body = priced(market, shop)
    body["pricing"]["total_minor"] += 1
    assert market.post(ORDERS, body).status_code == 201
    body = priced(market, shop)
    body["pricing"]["total_minor"] += 2
    answer = market.post(ORDERS, body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "pricing.total_minor")


@pytest.mark.django_db
def test_a_channel_that_was_not_agreed_on_has_our_prices(client, shop):
    api = Api(client, shop)
    answer = api.post(ORDERS, priced(api, shop))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "pricing")


@pytest.mark.django_db
def test_a_payment_of_a_provider_that_nobody_knows_is_refused(market, shop):
    paid = {"provider": "nobody", "reference": "1", "method": "card", "amount_minor": 1, "status": "captured"}
    answer = market.post(ORDERS, priced(market, shop, payments=[paid]))
    assert (answer.status_code, answer.json()["code"]) == (422, "payment_provider_unknown")
