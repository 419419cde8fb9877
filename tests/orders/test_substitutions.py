"""Other goods instead of missing ones: only what the customer chose, never dearer, with stock, price and tax at once."""

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commerce import clock
from commerce.models import AuditEntry, OutboxMessage
from commerce.operations import checks
from commerce.transactions import transaction
from inventory.models import StockLevel
from orders import errors, fulfilment, picking, pickup, queries, rerouting, shortage_choices, substitutions
from orders.floor import Choice, ShortageState
from orders.handlers import FLOOR
from orders.lifecycle import State
from orders.models import Shortage
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.factories import pricing as prices

pytestmark = pytest.mark.django_db
PAID = make.PRICE_MINOR
HOME = {"street": "Ackerstraße 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}


def product(store, price: int, *, pieces: int = 5, **values):
    made = ground.product(**{"category": "Tea", **values})
    prices.prices({made.id: price}, price_list=prices.price_list(f"for-{made.sku}"))
    if pieces:
        goods.receive(made.id, store.id, pieces)
    return made


@pytest.fixture
def shop(shop):
    """The first product of the shop is tea, of which there is more in its category."""
    shop.products[0] = product(shop.store, PAID, pieces=10)
    return shop


def ask(shop, pieces: int = 1, *, ordered: int = 2, **values):
    """Let pieces be missing and their customer be asked; return the order and what they are asked."""
    order = shop.accepted({0: ordered}, **values)
    work = order.fulfilments[0]
    shop.act(picking.reject_line, work, work.lines[0].id, pieces, "not_found")
    row = Shortage.objects.get(order_id=order.id)
    with transaction():
        assert rerouting.follow(row.id, by=FLOOR, at=clock.now()) is ShortageState.ASKED
    [asked] = shortage_choices.asked(order.id, at=clock.now())
    return order, asked


def offered(asked) -> list[str]:
    return [one.substitute.product.sku for one in asked.offers if one.substitute]


def take(order, asked, sku: str) -> ShortageState:
    with transaction():
        return shortage_choices.choose(order.tracking_token, asked.id, Choice.SUBSTITUTE, product=sku, at=clock.now())


def allocated(one, store) -> int:
    return StockLevel.objects.get(product_id=one.id, location_id=store.id, condition="sellable").allocated


def test_what_is_alike_there_and_worth_as_much_is_offered_the_closest_first(shop):
    close, dear, cheap = (product(shop.store, price) for price in (PAID + 10, PAID * 5 // 4, PAID * 6 // 10))
    product(shop.store, PAID * 2)  # given away
    product(shop.store, PAID // 3)  # no substitute
    product(shop.store, PAID, category="Coffee")
    product(shop.store, PAID, minimum_age=18)
    product(shop.store, PAID, pieces=0)
    _order, asked = ask(shop)
    assert offered(asked) == [close.sku, dear.sku, cheap.sku]
    assert [one.choice for one in asked.offers][-1] is Choice.DECLINE


def test_the_customer_takes_it_and_goods_price_tax_and_consent_change_at_once(shop):
    dear = product(shop.store, PAID + 100)
    order, asked = ask(shop)
    assert take(order, asked, dear.sku) is ShortageState.SUBSTITUTED
    after = queries.order(order.id)
    assert [(line.sku, line.quantity - line.cancelled, line.remaining_minor) for line in after.lines] == [
        (shop.products[0].sku, 1, PAID), (dear.sku, 1, PAID)
    ]  # fmt: skip
    assert (after.total_minor, after.tax_minor, allocated(dear, shop.store)) == (2 * PAID, order.tax_minor, 1)
    entry = AuditEntry.objects.get(verb="orders.substitutions.take")
    assert (entry.actor_kind, entry.after["sku"]) == ("customer", dear.sku)
    told = OutboxMessage.objects.filter(event_type="order.shortage_settled").latest("id").payload
    assert (told["outcome"], told["sku"], told["total_minor"]) == ("substituted", shop.products[0].sku, 2 * PAID)
    assert Shortage.objects.get().substitute_id == after.lines[-1].id
    part = after.fulfilments[0]
    for one in (shop.products[0], dear):
        shop.products[0] = one
        shop.scan(part)
    shop.act(pickup.mark_ready, part)
    shop.act(pickup.hand_over, part, part.pickup_code)
    assert checks.run() == []


def test_a_cheaper_one_costs_what_it_costs(shop):
    cheap = product(shop.store, PAID - 300)
    order, asked = ask(shop)
    take(order, asked, cheap.sku)
    assert queries.order(order.id).total_minor == 2 * PAID - 300


def test_the_page_offers_it_and_takes_the_answer_once(shop):
    close = product(shop.store, PAID - 90, name="Assam")
    order, asked = ask(shop)
    page = Client().get(reverse("tracking", args=[order.tracking_token])).content.decode()
    assert f'value="substitute:{close.sku}"' in page
    assert "Assam" in page
    address = reverse("tracking-choose", args=[order.tracking_token, asked.id])
    answer = {"choice": f"substitute:{close.sku}"}
    assert [Client().post(address, answer).status_code for _ in range(2)] == [302, 409]
    assert queries.order(order.id).pieces == 2


def test_goods_that_were_sold_meanwhile_are_refused_and_nothing_changes(shop):
    close = product(shop.store, PAID, pieces=1)
    order, asked = ask(shop)
    sku, shop.products[1] = close.sku, close
    shop.place({1: 1})
    for wrong in (sku, shop.products[2].sku, "none", "\x00"):
        with pytest.raises(errors.ChoiceOver):
            take(order, asked, wrong)
    assert (queries.order(order.id).pieces, Shortage.objects.get(order_id=order.id).state) == (1, "asked")
    assert checks.run() == []


def test_an_order_of_which_nothing_was_left_is_fetched_in_another_window(shop):
    close = product(shop.store, PAID)
    order, asked = ask(shop, 2)
    assert queries.order(order.id).status.value == "rejected"
    take(order, asked, close.sku)
    after = queries.order(order.id)
    part = after.fulfilments[-1]
    assert (after.status.value, part.state, part.window_starts_at is not None) == ("open", State.PLACED, True)
    assert (after.total_minor, after.pieces) == (2 * PAID, 2)
    assert checks.run() == []


def test_packed_goods_stay_packed_and_the_substitute_comes_beside_them(shop):
    close = product(shop.store, PAID)
    order, asked = ask(shop)
    part = order.fulfilments[0]
    shop.scan(part)
    shop.act(pickup.mark_ready, part)
    take(order, asked, close.sku)
    assert [one.state for one in queries.order(order.id).fulfilments] == ["ready", "placed"]
    assert checks.run() == []


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(price=st.integers(1, 3 * PAID), ordered=st.integers(1, 4), data=st.data())
def test_nobody_pays_more_than_for_what_they_ordered(shop, price, ordered, data):
    missing = data.draw(st.integers(1, ordered))
    one = product(shop.store, price)
    goods.receive(shop.products[0].id, shop.store.id, ordered)
    order = shop.accepted({0: ordered})
    work = order.fulfilments[0]
    shop.act(picking.reject_line, work, work.lines[0].id, missing, "other")
    row = Shortage.objects.select_related("line__order_line__product").get(order_id=order.id)
    with transaction():
        claimed = fulfilment.claim_order(order.id)
        found = {each.product.id: each for each in substitutions.offers(claimed, row, at=clock.now())}
        assert all(each.amount_minor <= each.instead_of_minor == missing * PAID for each in found.values())
        if one.id in found:
            substitutions.take(claimed, row, one.id, by=ground.TESTER, at=clock.now())
    after = queries.order(order.id)
    assert after.total_minor <= order.total_minor
    assert after.total_minor == sum(line.remaining_minor for line in after.lines)


def test_a_channel_asks_in_its_own_words_and_passes_the_answer_on_once(shop):
    close = product(shop.store, PAID - 90)
    order, asked = ask(shop)
    key, stranger = ground.key(shop.channel), ground.key()
    address = f"/api/v1/orders/{order.id}/shortages"
    assert Client().get(address, **stranger.headers).status_code == 404
    [shortage] = Client().get(address, **key.headers).json()["shortages"]
    offer = next(one for one in shortage["offers"] if one["choice"] == "substitute")
    assert (offer["product"], offer["amount_minor"], offer["instead_of_minor"]) == (close.sku, PAID - 90, PAID)
    body = {"choice": "substitute", "product": close.sku}

    def answer(number: str, wanted=body):
        headers = {**key.headers, "HTTP_IDEMPOTENCY_KEY": number}
        return Client().post(f"{address}/{asked.id}/choice", wanted, content_type="application/json", **headers)

    assert answer("bad", {"choice": "magic"}).status_code in (400, 422)
    assert [answer("one").status_code for _ in range(2)] == [200, 200]
    assert answer("two").json()["code"] == "choice_over"
    assert queries.order(order.id).total_minor == 2 * PAID - 90
    assert AuditEntry.objects.get(verb="orders.substitutions.take").actor_kind == "channel"
