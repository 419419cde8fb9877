"""Two counters with one return, two hands on one pickup, a capture and a void, a webhook twice: at once, and one effect."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from commerce import clock, locks, quotas
from commerce.operations import checks
from commerce.transactions import transaction
from orders import pickup, pickup_moves, pickup_windows, queries
from orders.gateways import directory
from orders.gateways.stripe import StripeGateway
from orders.gateways.stripe_double import StripeDouble
from orders.models import PaymentEvent, ReturnLine
from orders.paying import PaymentVerb, PayMethod
from orders.payments import asking, collecting, errands, ledger, watchdog, webhooks
from orders.payments.collecting import Wanted
from orders.return_states import Reason
from orders.returns import counter
from orders.returns.counter import Brought
from tests.factories import commerce as ground
from tests.factories import orders as make
from tests.factories import payments as pay
from tests.races import crowds

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.races]
BY = ground.TESTER


@pytest.fixture
def noon() -> Iterator[None]:
    with clock.frozen(make.NOON):
        yield


@pytest.fixture
def stripe(monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeDouble]:
    with StripeDouble() as double:
        directory.forget()
        gateway = StripeGateway("sk_test_double", double.webhook_secret, double.url)
        monkeypatch.setitem(directory.every(), "stripe", gateway)
        yield double
    directory.forget()


def held(shop: make.Shop, token: str = "pm_card_visa"):
    order = shop.place({0: 2})
    details = {"payment_method": token} if token else {}
    with transaction():
        payment_id, request_id = collecting.begin(
            order.id, Wanted(method=PayMethod.CARD, provider="stripe", details=details), by=BY, at=clock.now()
        )
    errands.carry_out(request_id)
    return order, ledger.get(payment_id)


@pytest.mark.parametrize("has_lock", [True, False])
@pytest.mark.usefixtures("noon")
def test_of_two_units_two_come_back_however_many_counters_take_them(
    monkeypatch: pytest.MonkeyPatch, has_lock: bool
) -> None:
    """Without the order's lock the exclusion of units and the order's version still refuse what is too much."""
    shop = make.shop()
    order = shop.ready({0: 2})
    pay.payment(order.id, order.total_minor, authorised=order.total_minor, captured=order.total_minor)
    shop.act(pickup.hand_over, order.fulfilments[0], order.fulfilments[0].pickup_code)
    if not has_lock:
        monkeypatch.setattr(locks, "hold", lambda *_: None)
    brought = [Brought(order.lines[0].id, Reason.WITHDRAWAL, sellable=1)]
    verb = crowds.in_transactions(
        lambda place: counter.take_back(order.id, brought, shop.store.id, by=BY, at=clock.now())
    )
    outcomes = crowds.summary(crowds.run_at_once(4, verb))
    back = ReturnLine.objects.filter(is_void=False)
    assert outcomes.pop("done") == sum(line.quantity for line in back)
    assert set(outcomes) <= {"not_returnable", "conflict", "busy"}
    assert len(back) == 2 if has_lock else 1 <= len(back) <= 2
    assert sum(line.refund_minor or 0 for line in back) == len(back) * make.PRICE_MINOR
    assert checks.run(at=clock.now()) == []


@pytest.mark.usefixtures("noon")
def test_a_pickup_that_two_move_at_once_ends_in_one_window() -> None:
    shop = make.shop(pickup_slot_capacity=1)
    order = shop.place({0: 1})
    [part] = order.fulfilments
    windows = [start for start, _end in pickup_windows.windows_between(shop.store, at=clock.now(), days=3)[1:5]]
    verb = crowds.in_transactions(
        lambda place: pickup_moves.move(
            part.id, location_id=shop.store.id, starts_at=windows[place], by=BY, at=clock.now()
        )
    )
    outcomes = crowds.summary(crowds.run_at_once(4, verb))
    assert set(outcomes) <= {"done", "busy"}
    now = queries.order(order.id).fulfilments[0]
    usage = quotas.usage([pickup_windows.key(shop.store, start) for start in windows], at=clock.now())
    used = {key: one.used for key, one in usage.items() if one.used}
    assert now.window_starts_at in windows
    assert used == {pickup_windows.key(shop.store, now.window_starts_at): 1}
    assert checks.run(at=clock.now()) == []


@pytest.mark.usefixtures("noon")
def test_what_is_captured_and_let_go_at_once_is_one_of_both(stripe: StripeDouble) -> None:
    _order, paid = held(make.shop())

    def ask(place: int) -> object:
        verb = PaymentVerb.CAPTURE if place % 2 else PaymentVerb.VOID
        asked = crowds.in_transactions(lambda _: asking.ask(paid.id, verb, by=BY, at=clock.now()))(place)
        return errands.carry_out(asked.id) if hasattr(asked, "id") else asked

    outcomes = crowds.summary(crowds.run_at_once(4, ask))
    assert set(outcomes) <= {"done", "payment_action_not_allowed", "busy"}
    for minutes in (1, 10, 60, 120):
        with clock.frozen(make.NOON + timedelta(minutes=minutes)):
            watchdog.run_errands(at=clock.now())
    amounts = ledger.get(paid.id).amounts
    [intent] = stripe.intents.values()
    assert (amounts.captured, amounts.uncaptured) == (intent["amount_received"], 0)
    assert {amounts.captured, amounts.released} == {0, paid.amount_minor}
    assert checks.run(at=clock.now()) == []


@pytest.mark.usefixtures("noon")
def test_a_webhook_that_comes_twice_at_once_is_noted_once(stripe: StripeDouble) -> None:
    _order, paid = held(make.shop(), token="")
    stripe.confirm(paid.provider_reference)
    [(body, headers)] = stripe.told()
    outcomes = crowds.run_at_once(4, lambda place: webhooks.receive("stripe", body, headers))
    assert sorted(outcomes) == ["known", "known", "known", "noted"]
    assert list(PaymentEvent.objects.values_list("kind", flat=True)) == ["authorised"]
    assert ledger.get(paid.id).amounts.authorised == paid.amount_minor
