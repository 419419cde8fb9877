"""A shop with all its doors, for the machine that goes through every one of them: two stores, limits on all that is scarce, and a
provider of payments that is late, doubled and out of order.

`EveryDoor` holds what the rules share: placing, paying, working on parts, telling webhooks, letting time pass. Its invariant
asks the product's own proofs after every step; `at_the_end` drives everything to its exit and looks for what hangs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any, ClassVar
from uuid import UUID, uuid4

from hypothesis.stateful import invariant

from commerce import clock, ids, quotas, relay
from commerce.actors import Actor
from commerce.channels.contracts import IncomingCustomer, IncomingLine, IncomingOrder
from commerce.errors import CommerceError
from commerce.models import OutboxMessage, User
from commerce.operations import checks
from commerce.product_refs import ProductRef
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.places.locations import LocationRef
from inventory.promising import purchase_limits
from inventory.stock import Capability
from orders import (
    arrivals,
    cancellation,
    holds,
    intake_terms,
    picking,
    pickup,
    pickup_windows,
    placement,
    queries,
    shipping,
    shortage_choices,
    tasks,
    to_store,
)
from orders.gateways import directory
from orders.gateways.stripe import StripeGateway
from orders.gateways.stripe_double import StripeDouble
from orders.intake_terms import Terms
from orders.lifecycle import COLLECTED, FETCHED, TERMINAL, Action, Method, State
from orders.models import Parcel, Payment, PaymentRequest
from orders.packing import parcels
from orders.paying import PayMethod
from orders.payments import collecting, errands, following, gift_cards, ledger, requests, webhooks
from orders.payments.collecting import Wanted
from orders.placement import PlacedOrder, Wish
from orders.queries import FulfilmentView, OrderView
from orders.return_states import RETURN_OVER, ReturnAction, ReturnState, return_actions
from orders.returns import files, lists, refunding
from orders.returns.files import Found
from orders.routing import nodes, worlds
from orders.waves import rounds
from pricing import facts, quoting, rulesets
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.factories import pricing as prices
from tests.machines.examples import BEGINNING, Done
from tests.machines.hanging import NothingHangs

BY = Actor.system("machine")
ADDRESS = {"street": "Weg 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
CAPACITY, A_DAY, PIECES, PER_CUSTOMER = 2, 4, 9, 5
PRICES = [1333, 999, 7]  # amounts that don't divide by their units
COUPON = "ZEHN"
COUPON_USES, COUPON_BUDGET = 2, 450
ROUNDS = 6  # of looks until nothing moves any more
KEPT_DAYS = 9  # longer than any pickup is kept
CARDS = {
    "card": "pm_card_visa",
    "declined": "pm_card_chargeDeclinedInsufficientFunds",
    "risky": "pm_card_riskLevelElevated",
    "in the browser": "",
}
_references = count(1)


@dataclass(frozen=True)
class Ground:
    """What stands before every example."""

    shop: make.Shop
    stores: tuple[LocationRef, LocationRef]
    manager: User
    kit: ProductRef  # one of the first product and two of the last


def prepare() -> Ground:
    """Build the shop: stores with narrow windows and days, a coupon for few, a product of which one customer gets few."""
    terms = {"pickup_slot_capacity": CAPACITY, "capabilities": [one.value for one in Capability]}
    shop = make.shop(pieces=0, **terms)
    other = goods.store(**terms)
    for product, price in zip(shop.products, PRICES, strict=True):
        prices.prices({product.id: price}, price_list=prices.price_list(f"doors-{product.id}", priority=9))
    kit = ground.kit((shop.products[0], 1), (shop.products[2], 2))
    prices.prices({kit.id: 1777}, price_list=prices.price_list(f"doors-{kit.id}", priority=9))
    with transaction():
        for store in (shop.store, other):
            nodes.set_node(store.id, orders_per_day=A_DAY, by=ground.TESTER)
        purchase_limits.make(
            purchase_limits.Draft(
                name="Few", product_id=shop.products[1].id, quantity=PER_CUSTOMER,
                starts_at=BEGINNING - timedelta(days=1), ends_at=BEGINNING + timedelta(days=400),
            ),
            by=ground.TESTER, at=clock.now(),
        )  # fmt: skip
        rulesets.publish(
            {
                "promotions": [
                    {
                        "id": "TEN", "name": "Ten", "benefit": {"kind": "percent_off", "basis_points": 1000},
                        "conditions": {"coupon": {"codes": [COUPON]}},
                        "limits": {"uses": COUPON_USES, "budget_minor": COUPON_BUDGET},
                    }
                ]
            },
            by=ground.TESTER,
        )  # fmt: skip
    facts.forget()
    return Ground(shop, (shop.store, other), make.clerk(shop.store, other, role=Role.STORE_MANAGER), kit)


@contextmanager
def provider() -> Iterator[StripeDouble]:
    """Serve the double of the provider as the one for cards while the block runs."""
    with StripeDouble() as double:
        directory.forget()
        directory.every()["stripe"] = StripeGateway("sk_test_double", double.webhook_secret, double.url)
        try:
            yield double
        finally:
            directory.forget()


class EveryDoor(NothingHangs):
    """The state of the machine and what must be true of it; the rules are in `test_every_door_machine`."""

    ground: ClassVar[Ground]
    stripe: ClassVar[StripeDouble]

    def __init__(self) -> None:
        super().__init__()
        self.shop, self.user = self.ground.shop, self.ground.manager
        self.orders: list[UUID] = []
        self.codes: list[str] = []
        self.waves: list[UUID] = []
        self.past_us: set[UUID] = set()  # orders whose money somebody moved at the provider, past us
        self.stripe.forget(now=lambda: self.now.timestamp())
        with clock.frozen(self.now):
            for store in self.ground.stores:
                for product in self.shop.products:
                    goods.receive(product.id, store.id, PIECES)
        worlds.forget()

    # --- what interfaces do ------------------------------------------------------------------------------------------

    def alone(self, verb: Any, *arguments: Any, **options: Any) -> Done | CommerceError:
        """Call a verb that owns its transactions, at the machine's time."""
        with clock.frozen(self.now):
            try:
                return Done(verb(*arguments, **options))
            except CommerceError as refusal:
                return refusal

    def act(self, verb: Any, subject: UUID, *arguments: Any, **options: Any) -> Done | CommerceError:
        """Call a verb of the floor as the manager of both stores."""
        who = {"user": self.user, "by": Actor.staff(self.user), "at": self.now}
        return self.attempt(verb, subject, *arguments, **who, **options)

    def order(self, number: int) -> OrderView:
        return queries.order(self.orders[number % len(self.orders)])

    def part(self, order: int, number: int) -> FulfilmentView | None:
        parts = self.order(order).fulfilments
        return parts[number % len(parts)] if parts else None

    def every_order(self) -> list[OrderView]:
        found = queries.orders(self.orders)
        return [found[one] for one in self.orders]

    # --- placing and paying ------------------------------------------------------------------------------------------

    def place(self, wanted: list[tuple[int, int, str, int]], *, customer: int, has_coupon: bool) -> OrderView | None:
        """Place an order of lines (product or kit, pieces, method, window), each by its method; with a coupon by a quote that
        holds it."""
        with clock.frozen(self.now):
            windows = pickup_windows.windows_between(self.shop.store, at=self.now, days=3)
        there = {**dict.fromkeys(COLLECTED, self.shop.store.id), Method.SHIP_TO_STORE: self.ground.stores[1].id}
        lines = tuple(
            IncomingLine(
                product_id=[*self.shop.products, self.ground.kit][product].id, quantity=pieces, method=method,
                location_id=there.get(method), window_starts_at=windows[window][0] if method in COLLECTED else None,
            )
            for product, pieces, method, window in wanted
        )  # fmt: skip
        quote_id = None
        if has_coupon:
            terms = quoting.ChannelTerms(self.shop.channel.pk, "EUR", "DE")
            basket = [quoting.BasketLine(line.product_id, line.quantity) for line in lines]
            shopper = quoting.Shopper(codes=(COUPON,))
            given = self.attempt(quoting.give, basket, channel=terms, at=self.now, by=BY, shopper=shopper)
            quote_id = given.value.id if isinstance(given, Done) else None
        incoming = IncomingOrder(
            external_reference=f"E-{next(_references)}", method="", lines=lines, ship_to=ADDRESS, quote_id=quote_id,
            customer=IncomingCustomer(name="Erika Beispiel", email=f"erika{customer}@example.org"),
        )  # fmt: skip
        worlds.forget()
        came = self.attempt(placement.place_many, [Wish(incoming, self.shop.terms, BY)], at=self.now)
        assert isinstance(came, Done), came
        [verdict] = came.value
        if not isinstance(verdict, PlacedOrder):
            return None
        self.orders.append(verdict.order.id)
        return verdict.order

    def pay(self, order_id: UUID, how: str, amount: int | None = None) -> None:
        """Begin a payment and take it to whoever moves the money."""
        if how == "gift card":
            made = self.attempt(
                gift_cards.issue, amount_minor=1500, currency="EUR", cause=("machine", str(uuid4())), by=BY, at=self.now
            )
            assert isinstance(made, Done)
            self.codes.append(made.value[1])
            wanted = Wanted(method=PayMethod.GIFT_CARD, gift_card_code=made.value[1])
        elif how in CARDS:
            details = {"payment_method": CARDS[how]} if CARDS[how] else {}
            wanted = Wanted(method=PayMethod.CARD, provider="stripe", amount_minor=amount, details=details)
        elif how == "cash":
            wanted = Wanted(method=PayMethod.CASH, amount_minor=amount)
        else:
            wanted = Wanted(method=PayMethod.CARD, provider="demo", amount_minor=amount)
        came = self.attempt(collecting.begin, order_id, wanted, by=BY, at=self.now)
        if isinstance(came, Done):
            self.alone(errands.carry_out, came.value[1])

    def tell(self, number: int) -> None:
        """Deliver an event of the provider; one that needs an answer which does not come is sent again later."""
        if self.stripe.events:
            [(body, headers)] = self.stripe.told([self.stripe.events[number % len(self.stripe.events)]])
            self.alone(webhooks.receive, "stripe", body, headers)

    # --- work --------------------------------------------------------------------------------------------------------

    def bring_along(self, part: FulfilmentView, *, packs: bool = False) -> None:
        """Take the step that usually comes next with a part."""
        state = State(part.state)
        if state is State.PLACED:
            self.act(pickup.accept, part.id)
        elif state in (State.ACCEPTED, State.PICKING):
            self.act(pickup.take_over, part.id)
            self.pick(part)
            is_to_store = part.method == Method.SHIP_TO_STORE
            self.act(to_store.finish if is_to_store else pickup.mark_ready, part.id)
        elif state is State.UNDER_WAY:
            self.act(arrivals.receive, part.id)
        elif state in (State.READY, State.ARRIVED, State.NO_SHOW) and part.method in FETCHED:
            if isinstance(self.act(pickup.hand_over, part.id, part.pickup_code), CommerceError):
                self.act(pickup.hand_over_checked, part.id, reason="identity card")
        elif state in (State.READY, State.PICKED):
            if packs:
                came = self.act(parcels.open_parcel, part.id)
                if isinstance(came, Done):
                    self.act(parcels.pack_rest, came.value)
                    self.act(parcels.close, came.value, weight_grams=900)
            self.act(to_store.send if state is State.PICKED else shipping.ship, part.id)

    def pack_apart(self, part: FulfilmentView) -> None:
        """Put one piece into a parcel of its own and the rest into another."""
        codes = {product.id: product.gtins[0] for product in self.shop.products}
        opened = self.act(parcels.open_parcel, part.id)
        if isinstance(opened, Done):
            self.act(parcels.scan, opened.value, uuid4(), codes[part.lines[0].product_id])
            self.act(parcels.close, opened.value, weight_grams=300)
        rest = self.act(parcels.open_parcel, part.id)
        if isinstance(rest, Done):
            self.act(parcels.pack_rest, rest.value)
            self.act(parcels.close, rest.value, weight_grams=900)

    def parcels_of(self, part: FulfilmentView) -> list[UUID]:
        return list(Parcel.objects.filter(fulfilment_id=part.id).order_by("number").values_list("id", flat=True))

    def pick(self, part: FulfilmentView) -> None:
        codes = {product.id: product.gtins[0] for product in self.shop.products}
        for line in part.lines:
            for _ in range(max(line.missing, 0)):
                self.act(picking.scan, part.id, uuid4(), codes[line.product_id])

    # --- what time and machines do -----------------------------------------------------------------------------------

    def let_handlers_work(self) -> None:
        self.alone(relay.drain, within=30)

    def run_the_clock(self) -> None:
        """Run what beat runs."""
        worlds.forget()
        with clock.frozen(self.now):
            self.stripe.end_holds()
            tasks.release_stale_leases()
            tasks.mark_no_shows()
            tasks.follow_shortages()
            tasks.route_accepted()
            tasks.run_payment_errands()
            tasks.watch_payments()
            tasks.look_after_pickups()
            tasks.watch_exceptions()
            with transaction():
                quotas.expire_due(at=self.now)

    # --- what must be true -------------------------------------------------------------------------------------------

    @invariant()
    def the_books_are_right(self) -> None:
        """Everything that the product can prove of orders, payments and claims holds after every single step."""
        asked = [
            one
            for one in checks.registered()
            if isinstance(one, checks.Check) and one.name.startswith(("orders:", "payments:", "quotas:"))
        ]
        assert checks.run(asked, at=self.now) == []

    @invariant()
    def money_is_counted_once(self) -> None:
        """An order costs what its lines cost; the provider took at least what we noted, and gave back at least as much."""
        for view in self.every_order():
            assert view.total_minor == sum(line.remaining_minor for line in view.lines) >= 0
            for paid in ledger.of_order(view.id):
                if paid.gateway == "stripe" and paid.provider_reference:
                    intent = self.stripe.intents[paid.provider_reference]
                    assert paid.amounts.captured <= intent["amount_received"]
                    assert paid.amounts.refunded <= self.stripe.refunded(paid.provider_reference)

    # --- the end -----------------------------------------------------------------------------------------------------

    def at_the_end(self) -> None:
        self.stripe.behave()
        for _ in range(ROUNDS):
            self._settle()
            if self._is_over() and not self._move_by_hand():
                break
            self._end_work()
            self.now += timedelta(days=KEPT_DAYS)
        self.nothing_hangs()

    def _is_over(self) -> bool:
        return all(
            all(State(one.state) in TERMINAL for one in view.fulfilments)
            and not view.unrouted
            and not shortage_choices.asked(view.id, at=self.now)
            and all(one.state in RETURN_OVER for one in lists.of_order(view.id))
            for view in self.every_order()
        )

    def _settle(self) -> None:
        """Let machines do all they can: handlers, providers, webhooks (each twice, the last ones first), the clock."""
        for _ in range(ROUNDS):
            self.let_handlers_work()
            self.run_the_clock()
            for number in reversed(range(len(self.stripe.events))):
                self.tell(number)
                self.tell(number)
            self.stripe.events.clear()
            self.now += timedelta(minutes=40)
            waits = PaymentRequest.objects.filter(state__in=["planned", "sent"], not_before__lte=self.now)
            if not waits.exists() and not OutboxMessage.objects.filter(position=None).exists():
                break

    def _end_work(self) -> None:
        """Take each order's next exits as people would: every second pickup is missed, every third shipment is called off."""
        for wave in self.waves:
            self.act(rounds.finish, wave)
        for place, view in enumerate(self.every_order()):
            for kind in view.held_for:
                self.attempt(holds.release, view.id, kind, by=BY, at=self.now)
            for one in shortage_choices.asked(view.id, at=self.now):
                self.attempt(shortage_choices.choose, view.tracking_token, one.id, "decline", at=self.now)
            if ledger.of_order(view.id) and following.to_pay_minor(view, ledger.of_order(view.id)):
                self.pay(view.id, "cash")
            if view.unrouted and not view.fulfilments:
                self.attempt(cancellation.cancel_order, view.id, by=BY, at=self.now)
            for number, part in enumerate(view.fulfilments):
                self._end_part(view, part, place + number)
            for one in lists.of_order(view.id):
                self._end_return(one.id)

    def _end_part(self, view: OrderView, part: FulfilmentView, number: int) -> None:
        if part.state == State.CANCELLED:
            for parcel in self.parcels_of(part):
                self.act(arrivals.arrive, parcel)
            self.act(pickup.put_back, part.id)
        if part.state == State.NO_SHOW:
            self.act(pickup.return_to_stock, part.id)
            return
        if number % 3 == 2 and part.method not in COLLECTED:
            self.attempt(cancellation.cancel_order, view.id, by=BY, at=self.now)
        for _ in range(5):
            now = next(one for one in queries.order(view.id).fulfilments if one.id == part.id)
            is_missed = number % 2 == 1 and part.method in FETCHED and now.state == State.READY
            if State(now.state) not in TERMINAL and not is_missed:
                self.bring_along(now)

    def _end_return(self, return_id: UUID) -> None:
        for _ in range(4):
            with transaction():
                file = files.claim(return_id)
            state = ReturnState(file.row.state)
            if state in RETURN_OVER:
                return
            possible = return_actions(state)
            if file.row.keeps_goods and state is ReturnState.ANNOUNCED:
                self.attempt(refunding.refund, return_id, by=BY, at=self.now)
            elif ReturnAction.RECEIVE in possible:
                self.attempt(files.receive, return_id, self.shop.store.id, by=BY, at=self.now)
            elif ReturnAction.INSPECT in possible:
                seen = {line.id: Found(sellable=line.quantity) for line in file.live}
                self.attempt(files.inspect, return_id, seen, by=BY, at=self.now)
            else:
                self.attempt(refunding.refund, return_id, by=BY, at=self.now)

    def _move_by_hand(self) -> bool:
        """Let a person move the money that only one can move, and ask again for what was refused; say whether there was any."""
        waiting = list(PaymentRequest.objects.filter(state="planned", answer="by hand"))
        for request in waiting:
            self.attempt(errands.done_by_hand, request.id, by=BY, at=self.now)
        refused = list(Payment.objects.filter(concern__in=["refund_refused", "capture_refused"], owed_minor__gt=0))
        for paid in refused:
            self.attempt(requests.again, paid.pk, by=BY, at=self.now)
            self.attempt(ledger.worry, paid.pk, None, by=BY, at=self.now)
        return bool(waiting or refused)


def routes_later(machine: EveryDoor, is_later: bool) -> None:
    """Say for an example whether shipments are routed at once or in micro-batches."""
    with clock.frozen(machine.now), transaction():
        intake_terms.agree(machine.shop.channel.pk, Terms(routes_later=is_later), by=ground.TESTER)


__all__ = ["Action", "EveryDoor", "ids", "prepare", "provider", "routes_later"]
