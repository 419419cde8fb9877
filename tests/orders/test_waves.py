"""Waves: orders leased together, scans dealt out to totes, shorts, takeovers, and an end that leaves nothing hanging."""

import re
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.urls import reverse

from commerce import catalog, clock
from commerce.actors import Actor
from commerce.errors import CommerceError, InvalidInput, NotAllowed
from commerce.operations import checks
from commerce.transactions import transaction
from inventory import shelves
from orders import errors, picking, pickup, queries, tasks
from orders.models import Fulfilment, PickScan, Wave, WaveScan, WaveTote
from orders.picking import Outcome
from orders.waves import lists, performance, rounds, totes
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.factories import pricing as prices

pytestmark = pytest.mark.django_db


def act(shop, verb, *args, user=None, **options):
    user = user or shop.clerk
    with transaction():
        return verb(*args, user=user, by=Actor.staff(user), at=clock.now(), **options)


def begin(shop, *orders, user=None):
    wanted = [order.fulfilments[0].id for order in orders]
    return act(shop, rounds.begin, uuid4(), shop.store.id, wanted, user=user).wave


def scan(shop, wave, product=0, *, scan_id=None, user=None, text=""):
    return act(shop, totes.scan, wave.id, scan_id or uuid4(), text or shop.products[product].gtins[0], user=user)


def states(*orders):
    return [Fulfilment.objects.get(order_id=order.id).state for order in orders]


# --- one walk ---------------------------------------------------------------------------------------------------------


def test_the_next_wave_is_what_waits_and_a_walk_says_where_and_for_whom(shop, django_assert_max_num_queries):
    first, second = shop.place({0: 2, 1: 1}), shop.place({0: 1})
    with transaction():
        shelves.put_away(shop.store.id, "B-1", [shop.products[0].id], by=ground.TESTER, at=clock.now())
        shelves.put_away(shop.store.id, "A-7", [shop.products[1].id], by=ground.TESTER, at=clock.now())
    with django_assert_max_num_queries(4):
        suggestion = lists.suggest(shop.store.id)
    assert set(suggestion.fulfilment_ids) == {first.fulfilments[0].id, second.fulfilments[0].id}
    assert (suggestion.pieces, suggestion.shelves) == (4, 2)
    wave = begin(shop, first, second)
    assert lists.suggest(shop.store.id) is None, "nobody else is sent for the same orders"
    with django_assert_max_num_queries(8):
        sheet = lists.sheet(wave.id, shop.store.id)
    assert [stop.shelves[0] for stop in sheet.stops] == ["A-7", "B-1"]
    assert sheet.stops[1].wanted == 3
    assert len(sheet.stops[1].shares) == 2


def test_scans_are_dealt_out_by_tote_and_count_once(shop):
    first, second = shop.place({0: 2}), shop.place({0: 1})
    wave = begin(shop, first, second)
    seen, again = uuid4(), None
    dealt = [scan(shop, wave, scan_id=seen), scan(shop, wave), scan(shop, wave)]
    again = scan(shop, wave, scan_id=seen)
    assert [one.placed[0].tote for one in dealt] == [1, 1, 2] or [one.placed[0].tote for one in dealt] == [1, 2, 2]
    assert again.is_replay
    assert again.placed == dealt[0].placed
    assert scan(shop, wave).outcome is Outcome.ALREADY_COMPLETE
    assert scan(shop, wave, 2).outcome is Outcome.WRONG_ITEM
    assert scan(shop, wave, text="nothing").outcome is Outcome.UNKNOWN_BARCODE
    assert sum(line.picked for order in (first, second) for line in queries.order(order.id).fulfilments[0].lines) == 3
    assert act(shop, rounds.finish, wave.id) == {"ready": 2, "back": 0}
    assert act(shop, rounds.finish, wave.id) == {"ready": 0, "back": 0}
    assert states(first, second) == ["ready", "ready"]
    assert checks.run() == []


def test_a_case_pack_goes_into_several_totes(shop):
    with transaction():
        case = catalog.add_gtin(shop.products[0].id, ground.barcode(), pieces=4, by=ground.TESTER)
    first, second = shop.place({0: 3}), shop.place({0: 2})
    wave = begin(shop, first, second)
    dealt = scan(shop, wave, text=case)
    assert sum(one.pieces for one in dealt.placed) == 4
    assert {one.tote for one in dealt.placed} == {1, 2}
    assert PickScan.objects.count() == 2
    assert WaveScan.objects.count() == 1


def test_what_is_short_is_taken_from_those_due_last(shop):
    early = shop.place({0: 2})
    with clock.frozen(make.NOON + timedelta(hours=3)):
        late = shop.place({0: 2})
    with clock.frozen(make.NOON + timedelta(hours=3)):
        wave = begin(shop, early, late)
        act(shop, totes.reject, wave.id, shop.products[0].id, 2, "not_found")
        assert [queries.order(one.id).lines[0].cancelled for one in (early, late)] == [0, 2]
        with pytest.raises(errors.MoreThanWanted):
            act(shop, totes.reject, wave.id, shop.products[0].id, 3, "not_found")
    assert checks.run() == []


def test_what_is_not_complete_goes_back_with_what_was_picked(shop):
    whole, half = shop.place({0: 1}), shop.place({1: 2})
    wave = begin(shop, whole, half)
    scan(shop, wave, 0)
    scan(shop, wave, 1)
    assert act(shop, rounds.finish, wave.id) == {"ready": 1, "back": 1}
    assert states(whole, half) == ["ready", "placed"]
    again = begin(shop, half)
    assert lists.sheet(again.id, shop.store.id).picked == 1


# --- whose it is ------------------------------------------------------------------------------------------------------


def test_nobody_else_picks_what_is_in_a_wave_and_its_lease_is_not_cut_short(shop):
    order, other = shop.place({0: 2}), make.clerk(shop.store)
    wave = begin(shop, order)
    until = Fulfilment.objects.get().lease_expires_at
    assert until > make.NOON + timedelta(minutes=15)
    scan(shop, wave)
    assert Fulfilment.objects.get().lease_expires_at == until
    with pytest.raises(errors.AlreadyTaken):
        scan(shop, wave, user=other)
    with pytest.raises(errors.AlreadyTaken):
        shop.act(pickup.accept, order.fulfilments[0], user=other)
    with pytest.raises(errors.AlreadyTaken):
        begin(shop, order, user=other)


def test_taking_over_needs_a_reason_and_the_right_unless_the_lease_ran_out(shop):
    order, other = shop.place({0: 2}), make.clerk(shop.store)
    wave = begin(shop, order)
    with pytest.raises(NotAllowed):
        act(shop, rounds.take_over, wave.id, reason="quicker", user=other)
    for reason in ("", "  ", "x" * 201):
        with pytest.raises(InvalidInput):
            act(shop, rounds.take_over, wave.id, reason=reason, user=shop.manager)
    act(shop, rounds.take_over, wave.id, reason="shift ended", user=shop.manager)
    with pytest.raises(errors.AlreadyTaken):
        scan(shop, wave)
    assert scan(shop, wave, user=shop.manager).outcome is Outcome.PICKED
    with clock.frozen(make.NOON + timedelta(hours=2)):
        act(shop, rounds.take_over, wave.id, reason="phone left behind", user=other)
        assert scan(shop, wave, user=other).outcome is Outcome.PICKED


def test_a_forgotten_wave_gives_its_orders_back(shop):
    order = shop.place({0: 1})
    begin(shop, order)
    with clock.frozen(make.NOON + timedelta(hours=2)):
        assert tasks.release_stale_leases() == 1
        again = begin(shop, order, user=make.clerk(shop.store))
        assert WaveTote.objects.get(is_open=True).wave_id == again.id


def test_a_wave_is_of_one_place_and_begun_once(shop):
    order, wave_id = shop.place(), uuid4()
    stranger = make.clerk(goods.store())
    with pytest.raises(NotAllowed):
        act(shop, rounds.begin, uuid4(), shop.store.id, [order.fulfilments[0].id], user=stranger)
    for wanted in ([], [uuid4() for _ in range(13)]):
        with pytest.raises(InvalidInput):
            act(shop, rounds.begin, uuid4(), shop.store.id, wanted)
    with pytest.raises(errors.AlreadyTaken):
        act(shop, rounds.begin, uuid4(), shop.store.id, [uuid4()])
    first = act(shop, rounds.begin, wave_id, shop.store.id, [order.fulfilments[0].id])
    assert act(shop, rounds.begin, wave_id, shop.store.id, [order.fulfilments[0].id]).wave == first.wave


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_two_clerks_who_start_the_same_wave_share_no_order(noon):
    shop = make.shop()
    orders = [shop.place({0: 1}) for _ in range(6)]
    wanted = [order.fulfilments[0].id for order in orders]
    clerks = [make.clerk(shop.store), make.clerk(shop.store)]
    start, lost = threading.Barrier(2), []

    def take(clerk):
        try:
            start.wait(10)
            with clock.frozen(make.NOON):
                act(shop, rounds.begin, uuid4(), shop.store.id, wanted, user=clerk)
        except CommerceError as error:
            lost.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=[clerk]) for clerk in clerks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    held = list(WaveTote.objects.filter(is_open=True).values_list("fulfilment_id", flat=True))
    assert sorted(held) == sorted(set(held)) == sorted(wanted)
    assert Wave.objects.count() == 2 - len(lost)
    for tote in WaveTote.objects.select_related("wave", "fulfilment"):
        assert tote.fulfilment.lease_holder_id == tote.wave.holder_id


# --- by hand, and how it goes -----------------------------------------------------------------------------------------


def test_pieces_counted_by_hand_need_a_reason_and_are_reported(shop, settings):
    order = shop.accepted({0: 3})
    line = order.fulfilments[0].lines[0].id
    with pytest.raises(InvalidInput) as refused:
        shop.act(picking.set_picked, order.fulfilments[0], line, 2)
    assert refused.value.errors[0]["field"] == "reason"
    shop.act(picking.set_picked, order.fulfilments[0], line, 2, reason="unreadable")
    shop.scan(order.fulfilments[0])
    shop.scan(order.fulfilments[0], 2)
    team, people = performance.figures(shop.store.id, at=clock.now())
    assert (team, people) == (None, []), "one person is no team"
    settings.PICKER_FIGURES = "named"
    team, people = performance.figures(shop.store.id, at=clock.now())
    assert (team.pieces, team.by_hand, team.scans, team.wrong) == (3, 2, 2, 1)
    assert [one.name for one in people] == [shop.clerk.get_full_name()]


# --- screens ----------------------------------------------------------------------------------------------------------


def test_a_wave_from_the_list_to_the_shelf(shop, signed_in):
    first, second = shop.place({0: 1}), shop.place({0: 1})
    browser = signed_in(shop.clerk)
    page = browser.get(reverse("orders-staff:waves"))
    wave_id = page.context["wave_id"]
    orders = " ".join(str(one) for one in page.context["suggestion"].fulfilment_ids)
    assert browser.post(reverse("orders-staff:wave-begin"), {"wave_id": wave_id, "orders": orders}).status_code == 302
    address = reverse("orders-staff:wave", args=[wave_id])
    assert "data-line" in browser.get(address).content.decode()
    one = {"scan_id": str(uuid4()), "text": shop.products[0].gtins[0]}
    assert "Tote 1" in browser.post(f"{address}scan/", one).content.decode()
    wrong = browser.post(f"{address}scan/", {"scan_id": str(uuid4()), "text": shop.products[1].gtins[0]})
    assert "Wrong item" in wrong.content.decode()
    missing = browser.post(f"{address}{shop.products[0].id}/missing/", {"quantity": "1", "reason": "other"})
    assert missing.status_code == 302
    assert browser.post(f"{address}finish/").status_code == 302
    assert sorted(states(first, second)) == ["ready", "rejected"]
    assert "This wave is over" in browser.get(address).content.decode()


def test_a_wave_of_another_store_does_not_exist_and_figures_are_for_managers(shop, signed_in):
    wave = begin(shop, shop.place())
    stranger = signed_in(make.clerk(goods.store()))
    assert stranger.get(reverse("orders-staff:wave", args=[wave.id])).status_code == 404
    assert stranger.post(reverse("orders-staff:wave-finish", args=[wave.id])).status_code == 404
    assert signed_in(shop.clerk).get(reverse("orders-staff:picking-figures")).status_code == 403
    page = signed_in(shop.manager).get(reverse("orders-staff:picking-figures")).content.decode()
    assert "works council" in page


@pytest.mark.parametrize("orders", ["", "nonsense", "00000000-0000-0000-0000-000000000000 x"])
def test_orders_that_are_none_are_refused_on_the_page(shop, signed_in, orders):
    answer = signed_in(shop.clerk).post(reverse("orders-staff:wave-begin"), {"wave_id": uuid4(), "orders": orders})
    assert answer["Location"] == reverse("orders-staff:waves")
    assert not Wave.objects.exists()


def test_a_wave_has_its_list_on_paper_page_after_page(shop, signed_in):
    extra = [ground.product(name=f"Article {number} — with “signs” that no font has 🫖") for number in range(30)]
    prices.prices({one.id: 100 for one in extra}, price_list=prices.price_list("on-paper"))
    for one in extra:
        goods.receive(one.id, shop.store.id, 3)
    shop.products += extra
    order = shop.place(dict.fromkeys(range(len(shop.products)), 1))
    wave = begin(shop, order)
    browser = signed_in(shop.clerk)
    answer = browser.get(reverse("orders-staff:wave-list", args=[wave.id]))
    assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (
        200, "application/pdf", "private, no-store"
    )  # fmt: skip
    assert answer.content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", answer.content)) == 2
    assert (
        reverse("orders-staff:wave-list", args=[wave.id])
        in browser.get(reverse("orders-staff:wave", args=[wave.id])).content.decode()
    )
    elsewhere = signed_in(make.clerk(goods.store()))
    assert elsewhere.get(reverse("orders-staff:wave-list", args=[wave.id])).status_code == 404
