"""Changing an order and taking goods back on screen, by who may, with nothing typed lost; and the customer's own page."""

import pytest
from django.urls import reverse

from commerce.models import User
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.places import locations
from orders import pickup, queries
from orders.models import OrderRefund, Return
from orders.returns import lists
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon")]
BERLIN = {"street": "Weg 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}


def agent() -> User:
    user = ground.user()
    with transaction():
        locations.assign(user, Role.SERVICE_AGENT, None, by=ground.TESTER)
    return user


def fetched(shop: make.Shop, quantities=None):
    order = shop.ready(quantities)
    shop.act(pickup.hand_over, order.fulfilments[0], order.fulfilments[0].pickup_code)
    return queries.order(order.id)


def change(order) -> str:
    return reverse("orders-staff:change", args=[order.id])


def test_an_agent_looks_and_confirms_what_was_looked_at(shop, signed_in):
    order = shop.accepted({0: 3})
    client = signed_in(agent())
    assert change(order) in client.get(reverse("orders-staff:order", args=[order.id])).content.decode()
    typed = {
        "line-1": "1",
        "add": shop.products[1].sku,
        "add-quantity": "1",
        "reason": "customer_asked",
        "note": "calls",
    }
    seen = client.post(change(order), {**typed, "step": "preview"})
    text = seen.content.decode()
    assert seen.status_code == 200
    assert "This is what changes" in text
    assert "Somebody is picking it right now" in text
    assert "pays €11.90 less" in text
    assert queries.order(order.id).version == order.version
    done = client.post(change(order), {**typed, "step": "confirm", "basis": seen.context["seen"]["basis"]})
    assert done["Location"] == reverse("orders-staff:order", args=[order.id])
    assert queries.order(order.id).total_minor == 2380
    assert "Order changed" in client.get(done["Location"]).content.decode()


def test_what_changed_meanwhile_is_shown_anew_and_not_done(shop, signed_in):
    order = shop.place({0: 3})
    client = signed_in(agent())
    basis = client.post(change(order), {"line-1": "1", "step": "preview"}).context["seen"]["basis"]
    shop.act(pickup.accept, order.fulfilments[0])
    again = client.post(change(order), {"line-1": "1", "step": "confirm", "basis": basis})
    assert again.status_code == 422
    assert "changed since you looked" in again.content.decode()
    assert again.context["seen"]["basis"] != basis
    assert queries.order(order.id).pieces == 3


@pytest.mark.parametrize("typed", [{"line-1": "x"}, {"line-1": "99"}, {"add": "NO-SUCH-SKU"}, {"line-1": "3"}])
def test_bad_input_keeps_what_was_typed(shop, signed_in, typed):
    order = shop.place({0: 3})
    answer = signed_in(agent()).post(change(order), {**typed, "note": "please keep", "step": "preview"})
    assert answer.status_code == 422
    assert "please keep" in answer.content.decode()


def test_address_split_and_merge_are_on_the_page(shop, signed_in):
    order = shop.place({0: 2}, method="ship", ship_to=BERLIN)
    client = signed_in(agent())
    wish = {**BERLIN, "street": "Neuer Weg 9", "split-1-1": "1", "step": "preview"}
    basis = client.post(change(order), wish).context["seen"]["basis"]
    client.post(change(order), {**wish, "step": "confirm", "basis": basis})
    after = queries.order(order.id)
    assert after.ship_to["street"] == "Neuer Weg 9"
    assert len(after.fulfilments) == 2
    merge = {"merge": "1-2", "step": "preview"}
    basis = client.post(change(order), merge).context["seen"]["basis"]
    client.post(change(order), {**merge, "step": "confirm", "basis": basis})
    assert sorted(part.state for part in queries.order(order.id).fulfilments) == ["cancelled", "placed"]


def test_a_clerk_may_not_change_orders(shop, signed_in):
    assert signed_in(shop.clerk).get(change(shop.place())).status_code == 403
    assert signed_in(make.shop().manager).get(change(shop.place())).status_code == 404


# --- returns ----------------------------------------------------------------------------------------------------------


def take_back(order) -> str:
    return reverse("orders-staff:take-back", args=[order.id])


def test_a_clerk_of_any_store_takes_goods_back_by_scan_without_a_receipt(shop, signed_in):
    order = fetched(shop, {0: 2})
    client = signed_in(shop.clerk)
    found = client.get(reverse("orders-staff:find-return"), {"q": shop.products[0].gtins[0]})
    assert found["Location"] == take_back(order)
    elsewhere = make.clerk(goods.store())
    other = signed_in(elsewhere)
    assert other.get(reverse("orders-staff:find-return"), {"q": order.number.lower()})["Location"] == take_back(order)
    assert "Take back and refund" in other.get(take_back(order)).content.decode()
    done = other.post(
        take_back(order), {"count-1": "1", "condition-1": "damaged", "reason-1": "damaged", "step": "take"}
    )
    one = lists.of_order(order.id)[0]
    assert done["Location"] == reverse("orders-staff:return", args=[one.id])
    assert (one.state.value, one.refund_minor, one.lines[0].damaged) == ("settled", 1190, 1)
    assert one.number in other.get(done["Location"]).content.decode()
    assert one.number in client.get(reverse("orders-staff:order", args=[order.id])).content.decode()


def test_nothing_typed_or_too_much_is_refused_with_a_sentence(shop, signed_in):
    order = fetched(shop, {0: 2})
    client = signed_in(shop.clerk)
    for typed in ({}, {"count-1": "x"}, {"count-1": "5"}, {"count-1": "1", "reason-1": "mood"}):
        answer = client.post(take_back(order), {"reason-1": "other", **typed, "step": "take"})
        assert answer.status_code == 422
    assert not Return.objects.exists()
    assert client.get(reverse("orders-staff:find-return"), {"q": "nothing-like-it"}).status_code == 404
    assert "can come back" in client.get(take_back(shop.place())).content.decode()


def test_a_parcel_goes_through_the_desk(shop, signed_in):
    order = fetched(shop, {0: 2})
    client = signed_in(shop.manager)
    client.post(take_back(order), {"count-1": "2", "reason-1": "does_not_fit", "step": "announce"})
    one = lists.of_order(order.id)[0]
    desk = reverse("orders-staff:returns")
    assert one.number in client.get(desk).content.decode()

    def step(name, **typed):
        return client.post(reverse("orders-staff:return-step", args=[one.id, name]), typed)

    step("send", label="DHL-9")
    assert one.number in client.get(desk, {"q": "DHL-9"}).content.decode()
    step("receive")
    line = one.lines[0].id
    assert step("inspect", **{f"sellable-{line}": "9"}).status_code == 422
    step("inspect", **{f"sellable-{line}": "1", f"missing-{line}": "1"})
    wrong = step("refund", **{f"deduction-{line}": "a lot"})
    assert "not an amount" in wrong.content.decode()
    step("refund", **{f"deduction-{line}": "1,90", f"deduction-reason-{line}": "worn"})
    after = lists.one(one.id)
    assert (after.state.value, after.refund_minor) == ("settled", 1000)
    assert client.get(desk).context["shown"] == []
    assert one.number in client.get(desk, {"show": "settled"}).content.decode()


def test_an_exchange_is_one_form(shop, signed_in):
    order = fetched(shop, {0: 1})
    typed = {"count-1": "1", "reason-1": "does_not_fit", "instead": shop.products[1].gtins[0], "step": "exchange"}
    done = signed_in(shop.clerk).post(take_back(order), {**typed, "instead-count": "1"})
    assert done["Location"] == reverse("orders-staff:order", args=[order.id])
    assert queries.order(order.id).total_minor == 1190


def test_goodwill_above_the_limit_waits_for_a_manager(shop, signed_in):
    order = fetched(shop, {0: 5})
    address = reverse("orders-staff:goodwill", args=[order.id])
    service, manager = signed_in(agent()), signed_in(shop.manager)
    assert signed_in(shop.clerk).post(address, {"amount": "1", "reason": "x"}).status_code == 403
    service.post(address, {"amount": "30,00", "reason": "late twice"})
    row = OrderRefund.objects.get()
    assert row.decided_at is None
    assert "late twice" in manager.get(reverse("orders-staff:returns")).content.decode()
    manager.post(reverse("orders-staff:refund-decide", args=[row.pk]), {"decision": "grant"})
    row.refresh_from_db()
    assert row.is_granted
    service.post(address, {"amount": "much", "reason": "late"})
    assert OrderRefund.objects.count() == 1


def test_a_customer_announces_a_return_behind_their_link(shop, client):
    order = fetched(shop, {0: 2})
    page = reverse("tracking-return", args=[order.tracking_token])
    assert page in client.get(reverse("tracking", args=[order.tracking_token])).content.decode()
    assert "Was möchten Sie zurückgeben?" in client.get(page).content.decode()
    done = client.post(page, {"count-1": "1", "reason-1": "does_not_fit"})
    assert done["Location"] == page + "?done=1"
    one = lists.of_order(order.id)[0]
    assert (one.origin, one.state.value) == ("customer", "announced")
    assert one.number in client.get(done["Location"]).content.decode()
    for typed in ({}, {"count-1": "9", "reason-1": "defect"}, {"count-1": "1", "reason-1": "nothing"}):
        assert client.post(page, typed).status_code == 422
    assert client.get(reverse("tracking-return", args=["x" * 43])).status_code == 404
