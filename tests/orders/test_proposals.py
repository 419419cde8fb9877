"""Other goods that a clerk proposes at the shelf: kept while the customer is asked, booked by their yes, free again by their no."""

import pytest
from django.test import Client
from django.urls import reverse

from commerce import clock
from commerce.channels.contracts import IncomingLine
from commerce.models import AuditEntry, OutboxMessage
from commerce.operations import checks
from commerce.transactions import transaction
from inventory.models import StockLevel
from orders import errors, handlers, pickup, proposals, queries, tasks, tracking
from orders.floor import ProposalState, ShortageState
from orders.models import Proposal, Shortage
from tests.factories import commerce as ground
from tests.factories import orders as make
from tests.factories import pricing as prices
from tests.orders.test_substitutions import PAID, product

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(shop):
    """The first product of the shop is tea."""
    shop.products[0] = product(shop.store, PAID, pieces=10)
    return shop


@pytest.fixture
def client(shop, signed_in) -> Client:
    return signed_in(shop.clerk)


def propose(shop, order, other, quantity: int = 1, reason: str = "damaged", **options):
    part = order.fulfilments[0]
    found, _back = shop.act(proposals.propose, part, part.lines[0].id, quantity, reason, other.sku, **options)
    return found


def agreed(shop, quantity: int = 2):
    """An order whose customer agreed to other goods."""
    line = IncomingLine(product_id=shop.products[0].id, quantity=quantity, takes_substitutes=True)
    return shop.accepted(lines=(line,))


def level(one, store) -> tuple[int, int]:
    found = StockLevel.objects.get(product_id=one.id, location_id=store.id, condition="sellable")
    return found.allocated, found.held


def answer(order, proposal, choice: str) -> int:
    address = reverse("tracking-choose", args=[order.tracking_token, proposal.shortage_id])
    value = choice if choice == "decline" else f"{choice}:{proposal.id}"
    return Client().post(address, {"choice": value}).status_code


def page(order) -> str:
    return Client().get(reverse("tracking", args=[order.tracking_token])).content.decode()


def test_the_customer_is_asked_goods_are_kept_and_yes_books_them_to_the_cent(shop):
    cheap = product(shop.store, PAID - 200, name="Assam")
    order = shop.accepted({0: 2})
    proposal = propose(shop, order, cheap)
    assert (level(cheap, shop.store), queries.order(order.id).total_minor) == ((0, 1), PAID)
    assert (proposal.amount_minor, proposal.instead_of_minor) == (PAID - 200, PAID)
    for words in ("Assam", "2,00", f"accept:{proposal.id}"):
        assert words in page(order)
    assert [answer(order, proposal, "accept") for _ in range(2)] == [302, 409]
    after = queries.order(order.id)
    assert (after.total_minor, after.pieces, level(cheap, shop.store)) == (2 * PAID - 200, 2, (1, 0))
    told = OutboxMessage.objects.filter(event_type="order.shortage_settled").latest("id").payload
    assert (told["outcome"], told["total_minor"]) == ("substituted", 2 * PAID - 200)
    assert AuditEntry.objects.get(verb="orders.substitutions.take").actor_kind == "customer"
    part = after.fulfilments[0]
    for one in (shop.products[0], cheap):
        shop.products[0] = one
        shop.scan(part)
    shop.act(pickup.mark_ready, part)
    shop.act(pickup.hand_over, part, part.pickup_code)
    assert checks.run() == []


@pytest.mark.parametrize("given", ["refuse", "decline", "nothing", "withdraw", "cancel"])
def test_without_a_yes_the_goods_are_free_again_and_the_missing_ones_go_their_way(shop, given):
    other = product(shop.store, PAID)
    order = shop.accepted({0: 2})
    proposal = propose(shop, order, other)
    if given in ("refuse", "decline"):
        assert answer(order, proposal, given) == 302
    elif given == "withdraw":
        shop.act(proposals.withdraw, order.fulfilments[0], proposal.id)
        with pytest.raises(errors.ChoiceOver):
            shop.act(proposals.withdraw, order.fulfilments[0], proposal.id)
    elif given == "cancel":
        with transaction():
            tracking.cancel(order.tracking_token, at=clock.now())
        with transaction():
            proposals.follow_cancelled(order.id, by=handlers.FLOOR, at=clock.now())
    else:
        assert tasks.follow_shortages() == 0
        with clock.frozen(make.NOON + proposals.ANSWERS_WITHIN):
            assert answer(order, proposal, "accept") == 409
            assert tasks.follow_shortages() == 1
    states = {
        "refuse": (ProposalState.REFUSED, ShortageState.ASKED),
        "decline": (ProposalState.REFUSED, ShortageState.DECLINED),
        "withdraw": (ProposalState.WITHDRAWN, ShortageState.ASKED),
        "nothing": (ProposalState.LAPSED, ShortageState.ASKED),
        "cancel": (ProposalState.LAPSED, ShortageState.ENDED),
    }
    assert (Proposal.objects.get().state, Shortage.objects.get().state) == states[given]
    assert level(other, shop.store) == (0, 0)
    assert queries.order(order.id).total_minor == (0 if given == "cancel" else PAID)
    assert answer(order, proposal, "accept") == 409
    assert checks.run() == []


def test_dearer_goods_cost_what_was_ordered_unless_the_customer_says_yes_to_their_price(shop):
    dear = product(shop.store, PAID + 300)
    assert propose(shop, shop.accepted({0: 1}), dear).amount_minor == PAID
    order = shop.accepted({0: 1})
    proposal = propose(shop, order, dear, at_own_price=True)
    assert (proposal.amount_minor, proposal.is_dearer) == (PAID + 300, True)
    assert "3,00" in page(order)
    assert answer(order, proposal, "accept") == 302
    assert queries.order(order.id).total_minor == PAID + 300


def test_who_agreed_when_ordering_gets_it_at_once_but_never_dearer_goods_at_their_price(shop):
    cheap, dear = product(shop.store, PAID - 100), product(shop.store, PAID + 300)
    order = agreed(shop)
    proposal = propose(shop, order, cheap, 2)
    assert (proposal.state, level(cheap, shop.store)) == (ProposalState.ACCEPTED, (2, 0))
    after = queries.order(order.id)
    assert (after.total_minor, after.status.value, len(after.fulfilments)) == (2 * PAID - 200, "in_progress", 1)
    assert after.fulfilments[0].window_starts_at == order.fulfilments[0].window_starts_at
    assert propose(shop, agreed(shop), dear, at_own_price=True).state is ProposalState.OPEN
    assert checks.run() == []


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"pieces": 0}, "not_there"),
        ({"minimum_age": 18}, "for_older_people"),
        ({"kind": "charge", "pieces": 0}, "not_sold"),
    ],
)
def test_what_cannot_come_instead_is_refused_and_nothing_changes(shop, values, why):
    other = product(shop.store, PAID, **values)
    order = shop.accepted({0: 2})
    with pytest.raises(errors.CannotSubstitute) as refused:
        propose(shop, order, other)
    assert refused.value.detail["reason"] == why
    assert (queries.order(order.id).total_minor, Shortage.objects.count()) == (2 * PAID, 0)


def test_kits_stay_as_they_are(shop):
    other = product(shop.store, PAID)
    kit = ground.kit((shop.products[1], 1), (shop.products[2], 1))
    prices.prices({kit.id: PAID}, price_list=prices.price_list("kits"))
    order = shop.accepted(lines=(IncomingLine(product_id=kit.id, quantity=1),))
    with pytest.raises(errors.CannotSubstitute, match="belongs to a kit"):
        propose(shop, order, other)
    plain = shop.accepted({0: 1})
    with pytest.raises(errors.CannotSubstitute, match="A kit can't come"):
        propose(shop, plain, kit)


def test_a_clerk_proposes_by_scan_reads_what_to_do_and_takes_it_back(shop, client):
    other = product(shop.store, PAID - 100, name="Assam")
    order = shop.accepted({0: 2})
    part = order.fulfilments[0]
    missing = reverse("orders-staff:missing", args=[part.id, part.lines[0].id])
    body = {"quantity": 1, "reason": "damaged", "instead": "nobody knows this"}
    answered = client.post(missing, body)
    assert (answered.status_code, Shortage.objects.count()) == (422, 0)
    assert "nobody knows this" in answered.content.decode()
    text = client.post(missing, {**body, "instead": other.gtins[0]}, follow=True).content.decode()
    assert "The customer is asked whether they take 1 × Assam" in text
    withdraw = reverse("orders-staff:withdraw-proposal", args=[part.id, Proposal.objects.get().id])
    assert withdraw in text
    text = client.post(withdraw, follow=True).content.decode()
    assert "it belongs on the shelf" in text
    assert "was answered already" not in text


def test_a_channel_orders_with_consent_and_passes_the_answer_on(shop):
    other = product(shop.store, PAID)
    key = ground.key(shop.channel)
    order = shop.accepted({0: 2})
    proposal = propose(shop, order, other)
    address = f"/api/v1/orders/{order.id}/shortages"
    [shortage] = Client().get(address, **key.headers).json()["shortages"]
    assert [one["choice"] for one in shortage["offers"]] == ["accept", "refuse", "decline"]
    assert (shortage["proposal"]["product"], shortage["proposal"]["amount_minor"]) == (other.sku, PAID)

    def say(number: str, **body: str):
        headers = {**key.headers, "HTTP_IDEMPOTENCY_KEY": number}
        where = f"{address}/{shortage['id']}/choice"
        return Client().post(where, body, content_type="application/json", **headers)

    assert say("1", choice="accept").json()["code"] == "choice_over"  # which one is not said
    assert say("2", choice="accept", proposal=str(proposal.id)).status_code == 200
    document = Client().get(f"/api/v1/orders/{order.id}", **key.headers).json()
    assert [line["takes_substitutes"] for line in document["lines"]] == [False, False]
    line = agreed(shop).lines[0]
    assert line.takes_substitutes


def test_the_same_order_with_another_consent_is_another_order(shop):
    order = agreed(shop)
    line = IncomingLine(product_id=shop.products[0].id, quantity=2)
    with pytest.raises(errors.DuplicateReference, match="takes_substitutes"):
        shop.place(lines=(line,), external_reference=order.external_reference)
