"""Kits where goods are scarce: waited for, dated and spoken of by what is in them, and never more than the scarcest makes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from commerce import clock, ids, relay
from commerce.errors import InvalidInput
from commerce.models import OutboxMessage
from commerce.transactions import transaction
from inventory import write_offs
from inventory.models import ScarcityClaim, WaitingEntry
from inventory.moving import WriteOffReason
from inventory.promising import promises, waiting_list
from inventory.promising.goods_to_come import AtDate, Coming, Goods, kit_first_on, of_kit
from inventory.promising.promises import Promise
from inventory.reservations import Reserved
from inventory.scarcity import messages, places
from inventory.scarcity.messages import Message
from inventory.scarcity_facts import Kind, Seen
from inventory.scarcity_facts import of_kit as seen_of_kit
from inventory.sharing.scopes import ScopeIds
from inventory.waiting import Pick, Waiter, picks
from tests.factories import commerce as ground
from tests.factories import inventory as make
from tests.factories import supply
from tests.inventory.promises import in_days
from tests.inventory.sharing import holding
from tests.inventory.test_kits import Set

pytestmark = pytest.mark.django_db

T0 = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture
def corner() -> Iterator[Set]:
    """Ten lamps and four cables, of which a kit takes two and one, on a Friday."""
    with clock.frozen(T0):
        yield Set()


def join(corner: Set, product_id: int, who: str, quantity: int = 1) -> UUID:
    with transaction():
        return waiting_list.join(
            channel_id=corner.channel.pk, product_id=product_id, location_id=None, quantity=quantity, subscriber=who,
            by=ground.TESTER, at=clock.now(),
        )  # fmt: skip


def states(*entry_ids: UUID) -> list[str]:
    rows = dict(WaitingEntry.objects.values_list("id", "state"))
    return [rows[entry_id] for entry_id in entry_ids]


def comes(corner: Set, product_id: int, pieces: int, days: int) -> None:
    supply.ordered(supply.supplier(), corner.store.id, (product_id, pieces, in_days(days)))
    promises.forget()


def promise(corner: Set) -> Promise:
    found = promises.promise(corner.kit.id, corner.store.id, channel_id=corner.channel.pk, country="DE", at=clock.now())
    assert found is not None
    return found


def say(corner: Set, *, at: datetime = T0) -> list[Message]:
    with transaction():
        return messages.messages(
            [corner.kit.id], channel_id=corner.channel.pk, country="DE", locale="en", at=at,
            place=places.of_location(corner.store),
        )  # fmt: skip


# --- the waiting list -----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_a_kit_is_served_when_its_last_component_comes(corner: Set) -> None:
    corner.reserve((corner.cable, 4))
    entry = join(corner, corner.kit.id, "anna", 2)
    relay.drain()
    assert states(entry) == ["waiting"]
    make.receive(corner.cable.id, corner.store.id, 1)
    relay.drain()
    assert states(entry) == ["waiting"], "one cable makes one kit"
    make.receive(corner.cable.id, corner.store.id, 1)
    relay.drain()
    read = waiting_list.read(entry, channel_id=corner.channel.pk, at=clock.now())
    assert (read.state, read.offer is not None) == ("offered", True)
    assert (corner.figure(corner.lamp).held, corner.figure(corner.cable).available) == (4, 0)
    told = OutboxMessage.objects.get(event_type="waiting_list.offered").payload
    assert (told["sku"], told["quantity"]) == ("SET", 2)


def test_kits_and_their_components_are_one_line(corner: Set) -> None:
    corner.reserve((corner.cable, 4))
    cable, kit, late = (join(corner, one, str(one)) for one in (corner.cable.id, corner.kit.id, corner.cable.id))
    assert late == cable, "who is in this line already keeps their place"
    second = join(corner, corner.cable.id, "second")
    make.receive(corner.cable.id, corner.store.id, 2)
    with transaction():
        assert waiting_list.serve([corner.cable.id], by=ground.TESTER, at=clock.now()) == 2
    assert states(cable, kit, second) == ["offered", "offered", "waiting"]


def test_leaving_frees_all_that_is_in_the_kit(corner: Set) -> None:
    entry = join(corner, corner.kit.id, "anna", 4)
    assert (states(entry), corner.figure(corner.kit).available) == (["offered"], 0)
    with transaction():
        waiting_list.leave(entry, channel_id=corner.channel.pk, by=ground.TESTER, at=clock.now())
    assert (corner.figure(corner.lamp).held, corner.figure(corner.kit).available) == (0, 4)


def test_the_next_supply_of_a_kit_is_the_day_its_scarcest_component_comes(corner: Set) -> None:
    corner.reserve((corner.cable, 4))
    entry = join(corner, corner.kit.id, "anna")
    comes(corner, corner.lamp.id, 50, 7)

    def supply_on() -> Any:
        return waiting_list.read(entry, channel_id=corner.channel.pk, at=clock.now()).supply_on

    assert supply_on() is None, "more lamps make no kit"
    comes(corner, corner.cable.id, 5, 11)
    assert supply_on() == in_days(11)
    assert waiting_list.lines(at=clock.now())[0].supply_on == in_days(11)


def test_nobody_waits_for_a_charge(corner: Set, client: Client) -> None:
    charge = ground.product("SHIPPING", kind="charge")
    with pytest.raises(InvalidInput) as refused:
        join(corner, charge.id, "anna")
    assert refused.value.errors == [
        {
            "field": "sku",
            "value": "SHIPPING",
            "message": "SHIPPING is a charge and never runs out; wait for goods or a kit",
        }
    ]
    assert not WaitingEntry.objects.exists()


def test_picks_count_what_is_in_a_kit() -> None:
    from uuid import uuid4

    kit, lamp, cable = 1, 2, 3
    made = {kit: ((lamp, 2), (cable, 1))}

    def waiter(product: int, quantity: int = 1) -> Waiter:
        return Waiter(uuid4(), 1, product, None, quantity)

    free = {(1, lamp, 7): 5, (1, cable, 7): 9, (1, lamp, 8): 9}
    one, two, three = waiter(kit), waiter(lamp, 4), waiter(kit, 2)
    assert picks([one, two, three], free, made) == [Pick(one, 7), Pick(two, 8)], "three lamps are left at 7"
    assert picks([three, one], free, made) == [Pick(three, 7)]


# --- dates ----------------------------------------------------------------------------------------------------------


def test_a_kit_can_be_had_when_all_that_is_in_it_has_come(corner: Set) -> None:
    corner.reserve((corner.kit, 4), (corner.lamp, 2))
    comes(corner, corner.lamp.id, 4, 7)
    comes(corner, corner.cable.id, 1, 11)
    comes(corner, corner.cable.id, 9, 14)
    found = promise(corner)
    assert [(one.expected_on, one.quantity, one.source) for one in found.coming] == [
        (in_days(11), 1, "purchase_order"), (in_days(14), 1, "purchase_order"),
    ]  # fmt: skip
    assert found.by_date == (AtDate(in_days(11), 1), AtDate(in_days(14), 2))
    assert found.goods_at is not None
    assert found.goods_at.astimezone(UTC).date() in (in_days(11), in_days(10)), "midnight of the place"
    shown = Client().get("/api/v1/availability?sku=SET", **ground.key(corner.channel).headers).json()["items"][0]
    (here,) = shown["locations"]
    assert [(one["expected_on"], one["quantity"]) for one in here["incoming"]] == [
        (in_days(11).isoformat(), 1), (in_days(14).isoformat(), 1),
    ]  # fmt: skip
    assert [one["available"] for one in here["available_to_promise_at"]] == [1, 2]


def test_no_day_is_known_while_a_component_has_none(corner: Set) -> None:
    corner.reserve((corner.kit, 4), (corner.lamp, 2))
    comes(corner, corner.lamp.id, 40, 7)
    found = promise(corner)
    assert (found.goods_at, found.coming, found.by_date) == (None, (), ())


def test_goods_that_wait_already_come_before_the_kit() -> None:
    day, later = in_days(3), in_days(9)
    coming = (Coming(day, 4, "transfer", False), Coming(later, 4, "purchase_order", False))
    parts = [(Goods(available=0, waiting=4, coming=coming), 2), (Goods(available=50), 1)]
    assert of_kit(parts) == (Coming(later, 2, "purchase_order", False),)
    assert kit_first_on(parts, None) == later
    late = (Coming(in_days(-2), 8, "transfer", True),)
    assert of_kit([(Goods(coming=late), 2), (Goods(available=3), 1)]) == (Coming(in_days(-2), 3, "transfer", True),)


# --- scarcity -------------------------------------------------------------------------------------------------------


def test_few_kits_are_said_in_kits_and_proven_on_their_components(corner: Set) -> None:
    (message,) = say(corner)
    assert (message.text, message.count) == ("Only 4 left in Berlin", 4)
    proof = messages.verify(message.claim_id)
    assert (proof.is_true, proof.is_true_in_hindsight, proof.faults) == (True, True, ())
    assert {(one.product_id, one.available, one.pieces) for one in proof.levels} == {
        (corner.lamp.id, 10, 2), (corner.cable.id, 4, 1),
    }  # fmt: skip
    corner.reserve((corner.lamp, 6))
    assert [one.text for one in say(corner)] == ["Only 2 left in Berlin"]
    assert messages.verify(message.claim_id).is_true, "then it was"


def test_kits_in_baskets_may_come_back_and_are_not_sold_out(corner: Set) -> None:
    assert isinstance(corner.reserve((corner.cable, 4)), Reserved)
    (message,) = say(corner, at=clock.now())
    assert message.kind is Kind.IN_BASKETS
    assert messages.verify(message.claim_id).is_true


def test_a_kit_whose_components_are_gone_is_sold_out_here_and_had_elsewhere(corner: Set) -> None:
    other = make.store("HAM01", city="Hamburg")
    for product, pieces in ((corner.lamp, 6), (corner.cable, 9)):
        make.receive(product.id, other.id, pieces)
    lost = write_offs.WriteOff(ids.new(), corner.cable.id, corner.store.id, 4, WriteOffReason.DAMAGED)
    with transaction():
        write_offs.write_off([lost], by=ground.TESTER, at=clock.now())
    (message,) = say(corner)
    assert message.text.startswith("Sold out in Berlin, available in Hamburg")
    proof = messages.verify(message.claim_id)
    assert (proof.is_true, proof.is_true_in_hindsight) == (True, True)
    assert sorted((one.is_here, one.pieces) for one in proof.levels) == [(False, 1), (False, 2), (True, 1), (True, 2)]


def test_what_rules_withhold_of_a_component_is_not_called_left_or_sold_out(corner: Set) -> None:
    holding("fixed", 3, scope=ScopeIds(product_id=corner.cable.id))
    (message,) = say(corner)
    assert message.text == "1 piece can be ordered in Berlin"
    assert messages.verify(message.claim_id).is_true
    corner.reserve((corner.cable, 1))
    assert say(corner, at=clock.now()) == []


def test_one_component_in_baskets_and_one_withheld_says_nothing() -> None:
    held, kept = Seen(0, held=2), Seen(0, withheld=2)
    assert seen_of_kit([(held, 1), (kept, 1)]) == Seen(0, held=0, withheld=2)
    assert seen_of_kit([(held, 1), (Seen(9), 2)]) == Seen(0, held=2, withheld=0)


def test_the_proof_of_a_kit_names_its_components_through_the_api_and_on_the_desk(corner: Set, client: Client) -> None:
    from commerce.roles import Role
    from inventory.places import locations

    key = ground.key(corner.channel)
    body = {"skus": ["SET"], "locale": "en", "location": "BER01"}
    (item,) = client.post("/api/v1/scarcity/messages", body, content_type="application/json", **key.headers).json()[
        "items"
    ]
    proof = client.get(f"/api/v1/scarcity/claims/{item['claim']}", **key.headers).json()
    assert [(one["sku"], one["location"], one["pieces"]) for one in proof["levels"]] == [
        ("LAMP", "BER01", 2), ("CABLE", "BER01", 1),
    ]  # fmt: skip
    person = ground.user()
    with transaction():
        locations.assign(person, Role.MERCHANDISER, None, by=ground.TESTER)
    client.force_login(person)
    page = client.get(f"/staff/scarcity/claims/{item['claim']}/").content.decode()
    assert "2 × Lamp" in page
    assert "1 × Cable" in page


def test_a_claim_that_was_tampered_with_in_its_pieces_is_found(corner: Set) -> None:
    (message,) = say(corner)
    claim = ScarcityClaim.objects.get(id=message.claim_id)
    claim.pieces = [1, 1]
    assert claim.id != messages._identity(claim)
