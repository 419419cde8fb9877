"""What must be so when every order came to its exit: nothing is promised, held, booked, asked for or owed any more."""

from uuid import UUID

from django.db import connection

from commerce.models import OutboxDelivery, Quota
from inventory.promising import purchase_limits
from orders.gateways.stripe_double import StripeDouble
from orders.lifecycle import DELIVERED, TERMINAL, OrderStatus, State
from orders.models import GiftCard, OwedRefund
from orders.payments import ledger, requests
from orders.queries import OrderView
from orders.return_states import RETURN_OVER
from orders.returns import lists
from pricing import limits
from tests.factories import orders as make
from tests.machines.examples import RolledBack


class NothingHangs(RolledBack):
    """Looks for what hangs, in the goods, the claims and the money of every order."""

    shop: make.Shop
    stripe: StripeDouble
    past_us: set[UUID]  # orders whose money somebody moved at the provider, past us

    def every_order(self) -> list[OrderView]:
        """Return the orders of the machine, which knows them."""
        raise LookupError("The machine says which orders there are.")

    def nothing_hangs(self) -> None:
        """After the last exit nothing is promised, held, booked, asked for or owed any more but by what was delivered."""
        views = self.every_order()
        for view in views:
            assert all(State(one.state) in TERMINAL for one in view.fulfilments), _shown(view)
            assert (view.held_for, view.unrouted) == ([], ()), _shown(view)
            assert view.fulfilments or view.status is OrderStatus.CANCELLED
            assert all(one.state in {state.value for state in RETURN_OVER} for one in lists.of_order(view.id))
        self._goods_are_free()
        self._claims_are_free(views)
        for view in views:
            self._money_is_settled(view)
        assert not list(GiftCard.objects.exclude(held_minor=0))
        left = OutboxDelivery.objects.exclude(state__in=["done", "superseded"]) | OutboxDelivery.objects.exclude(
            last_error=""
        )
        assert list(left.values_list("subscriber", "state", "last_error")[:5]) == []

    def _goods_are_free(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT sum(allocated), sum(held) FROM inventory_stocklevel")
            assert cursor.fetchone() == (0, 0)
            cursor.execute("SELECT count(*) FROM inventory_unrouteddemand WHERE quantity > routed + withdrawn")
            assert cursor.fetchone() == (0,)

    def _claims_are_free(self, views: list[OrderView]) -> None:
        """Windows and days belong to parts that came to their end there; limits to orders of which something was delivered."""
        kept = {
            one.id for view in views for one in view.fulfilments if one.state not in (State.CANCELLED, State.REJECTED)
        }
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT hold.id, work.id FROM commerce_quotahold hold JOIN commerce_quota quota ON quota.id = hold.quota_id"
                " LEFT JOIN orders_fulfilment work ON hold.id = ANY(work.day_hold_ids || work.slot_hold_id)"
                " WHERE hold.state IN ('held', 'committed') AND quota.key !~ '^(promotion|purchase_limit):'"
            )
            hanging = [hold for hold, work in cursor.fetchall() if work not in kept]
        assert hanging == [], "windows or days are booked for nobody"
        delivered = {view.id for view in views if any(one.state in DELIVERED for one in view.fulfilments)}
        with connection.cursor() as cursor:
            for table, cause in (("pricing_promotionuse", "order_id"), ("inventory_purchaselimituse", "cause_id")):
                cursor.execute(
                    f"SELECT DISTINCT use.{cause} FROM {table} use JOIN commerce_quotahold hold ON hold.id = use.hold_id"
                    " WHERE hold.state IN ('held', 'committed')"
                )
                holders = {row[0] for row in cursor.fetchall()}
                assert holders <= delivered, f"{table} counts orders of which nothing was delivered"
        assert not Quota.objects.exclude(held=0).exists()
        for view in views:
            pieces = purchase_limits.counted(view.id).get(self.shop.products[1].id, 0)
            stands = sum(
                one.quantity - one.cancelled for one in view.lines if one.product_id == self.shop.products[1].id
            )
            assert pieces <= stands or view.id not in delivered, (pieces, stands, _shown(view))
        used = limits.usage("TEN", at=self.now)
        assert all(one.used <= one.limit for one in used.values())

    def _money_is_settled(self, view: OrderView) -> None:
        payments = ledger.of_order(view.id)
        for paid in payments:
            assert requests.open_of(paid.id) == [], (paid, requests.open_of(paid.id))
            assert (paid.amounts.uncaptured, paid.amounts.owed) == (0, 0), (paid, _shown(view))
            if paid.gateway == "stripe" and paid.provider_reference:
                intent = self.stripe.intents[paid.provider_reference]
                assert paid.amounts.captured == intent["amount_received"]
                assert paid.amounts.refunded == self.stripe.refunded(paid.provider_reference)
        if view.id in self.past_us:
            return
        given = sum(
            owed.amount_minor - owed.uncovered_minor
            for owed in OwedRefund.objects.filter(order_id=view.id, cause_type__in=["return", "claim", "goodwill"])
        )
        kept = sum(one.amounts.captured - one.amounts.refunded for one in payments)
        assert kept <= max(view.total_minor - given, 0), (kept, given, _shown(view))


def _shown(view: OrderView) -> str:
    parts = ", ".join(f"{one.method} {one.state}" for one in view.fulfilments)
    return f"{view.number} ({view.status}, {view.total_minor}): {parts}"
