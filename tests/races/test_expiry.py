"""The instant at which a reservation ends: swept, used and extended at once, it comes to one story (law 5)."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from commerce import clock, ids
from commerce.actors import Actor
from commerce.models import OutboxMessage
from commerce.operations import checks
from inventory import allocations, availability, expiry, reservations
from inventory.allocations import Demand
from inventory.reservations import ReservationRequest
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.races.crowds import in_transactions, run_at_once, summary

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.races]

BY = Actor.system("race")
ROUNDS, PIECES, HELD = 12, 10, 6
ENDS = datetime.fromisoformat("2026-11-18T11:15:00+00:00")
JUST_BEFORE = ENDS - timedelta(microseconds=1)
LONGER = ENDS + timedelta(minutes=15)


@pytest.mark.parametrize("asked_at", [JUST_BEFORE, ENDS])
def test_sweep_use_and_extension_at_the_last_instant(asked_at: datetime) -> None:
    """The sweeper's clock says that it is over; those who use and extend ask just before, or at the same instant."""
    channel, place = ground.channel(), goods.store()
    stories = set()
    with clock.frozen(ENDS):
        for _ in range(ROUNDS):
            product = ground.product()
            goods.receive(product.id, place.id, PIECES)
            basket = _reserve(channel.pk, place.id, product.id)
            demand = Demand(uuid4(), product.id, place.id, HELD)

            def ask(number: int, basket: UUID = basket, demand: Demand = demand) -> object:
                if number == 0:
                    return expiry.expire_due(by=BY, at=ENDS)
                if number == 1:
                    return allocations.allocate(
                        [demand], by=BY, at=asked_at, reservation_id=basket, channel_id=channel.pk
                    )
                return reservations.extend(basket, LONGER, channel_id=channel.pk, by=BY, at=asked_at)

            swept, used, extended = run_at_once(3, in_transactions(ask))
            assert isinstance(swept, int)
            story = (*summary([used]), *summary([extended]))
            figure = availability.figures([product.id], location_ids=[place.id], at=ENDS)[0]
            found = (figure.allocated, figure.held, figure.available)
            # Used; or used and then refused to the extender; or over for both. Never over for one and alive for the other.
            assert story in {("done", "done"), ("done", "hold_ended"), ("hold_expired", "hold_expired")}
            assert found == ((HELD, 0, PIECES - HELD) if story[0] == "done" else (0, 0, PIECES))
            stories.add(story)
        assert checks.run(at=ENDS) == []
    if asked_at == ENDS:
        assert stories == {("hold_expired", "hold_expired")}
    expired = OutboxMessage.objects.filter(event_type="reservation.expired").values_list("aggregate", flat=True)
    assert len(expired) == len(set(expired))  # told once, whoever noticed


def _reserve(channel_id: int, location_id: int, product_id: int) -> UUID:
    wanted = ReservationRequest(ids.new(), channel_id, location_id, ((product_id, HELD),), ENDS)
    at = ENDS - timedelta(minutes=15)
    granted = in_transactions(lambda _: reservations.reserve([wanted], by=BY, at=at))(0)
    assert summary(granted) == {"done": 1}
    return wanted.id
