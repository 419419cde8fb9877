"""Two clerks take on the same order: one has it, the other is told who."""

from uuid import UUID

import pytest

from commerce import clock
from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.models import AuditEntry
from orders import pickup, queries
from tests.factories import orders as make
from tests.races.crowds import in_transactions, run_at_once, summary

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.races]

ROUNDS = 10


def test_an_order_is_taken_by_one_of_two_clerks() -> None:
    shop = make.shop(pieces=2 * ROUNDS, pickup_slot_capacity=2 * ROUNDS)
    clerks = [shop.clerk, make.clerk(shop.store)]
    for _ in range(ROUNDS):
        order = shop.place()
        work = order.fulfilments[0]

        def accept(place: int, fulfilment_id: UUID = work.id) -> int:
            user = clerks[place]
            pickup.accept(fulfilment_id, user=user, by=Actor.staff(user), at=clock.now())
            return int(user.pk)

        outcomes = run_at_once(2, in_transactions(accept))
        assert summary(outcomes) == {"done": 1, "already_taken": 1}
        winner = next(one for one in outcomes if isinstance(one, int))
        refusal = next(one for one in outcomes if isinstance(one, CommerceError))
        after = queries.order(order.id).fulfilments[0]
        assert after.lease_holder_id == winner
        assert refusal.detail["holder"] == after.lease_holder
        taken = AuditEntry.objects.filter(object_id=str(order.id), verb="orders.pickup.accept")
        assert taken.count() == 1
