"""Drafts tried on what was bought: figures are those of later quotes, to the cent; progress can be left and found again."""

import random
import sys
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from commerce import clock, processes
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.places import locations
from orders import cancellation
from pricing import drafts, quoting, rulesets, simulations, tasks, trade
from pricing.errors import TooManySimulations
from pricing.models import RulesetDraft, RulesetSimulation, RulesetSimulationPart
from pricing.promotions import documents
from pricing.promotions.terms import Content
from pricing.quoting import BasketLine, ChannelTerms, Shopper
from pricing.replaying import Replay
from pricing.simulation_states import SimulationState
from pricing.trade import PastBasket
from tests import servers
from tests.factories import commerce as ground
from tests.factories import orders as make
from tests.pricing.worked import promotion, stacking

pytestmark = pytest.mark.django_db
HOURS = {"weekdays": [3], "starts": "10:00", "ends": "13:00"}


@pytest.fixture
def author(shop):
    user = ground.user()
    with transaction():
        locations.assign(user, Role.MERCHANDISER, by=ground.TESTER)
    return user


def drafted(author: Any, content: Content, **window: Any) -> RulesetDraft:
    by = Actor.staff(author)
    with transaction():
        draft = drafts.begin("Draft", by=by)
        return drafts.change(
            draft.pk, revision=draft.revision, content=content, sets_window=bool(window), by=by, **window
        )


def asked(draft: RulesetDraft, author: Any, days: int = 7) -> simulations.SimulationRef:
    at = clock.now() + timedelta(minutes=1)
    with transaction():
        return simulations.ask(draft.pk, since=at - timedelta(days=days), until=at, by=Actor.staff(author))


def published(content: Content) -> None:
    with transaction():
        rulesets.publish(content, by=ground.TESTER)


def test_what_was_bought_is_bought_again(shop, author):
    shop.place({0: 2, 1: 1})
    shop.place({2: 1})
    sale = promotion("SALE", "percent_off", basis_points=1000, goods={"products": [shop.products[0].sku]})
    one = asked(drafted(author, Content((sale,))), author)
    assert tasks.simulate_drafts() == 1
    found = simulations.get(one.id)
    assert (found.state, found.done, found.total) == (SimulationState.DONE, 2, 2)
    (euro,) = found.result["currencies"]
    assert euro["paid"] == [4760, 4760 - 238]
    assert (euro["baskets"], euro["lines"], euro["units"]) == (2, 3, 4)
    assert (euro["cheaper"], euro["dearer"], euro["lines_changed"], euro["units_changed"]) == (1, 0, 1, 2)
    assert [row["sku"] for row in euro["losers"]] == [shop.products[0].sku]
    assert euro["promotions"] == [{"id": "SALE", "name": "SALE", "baskets": [0, 1], "discount": [0, 238]}]
    assert [(row["available"], row["sku"]) for row in euro["cover"]] == [(8, shop.products[0].sku)]
    assert tasks.simulate_drafts() == 0


def test_what_was_cancelled_was_not_bought(shop, author):
    order = shop.place({0: 2})
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())
    at = clock.now()
    assert trade.count(since=at - timedelta(days=1), until=at + timedelta(days=1)) == 0
    assert list(trade.baskets(since=at - timedelta(days=1), until=at + timedelta(days=1), at_once=10)) == []


def test_revenue_is_known_for_the_thresholds(shop):
    shop.place({0: 2, 1: 1})
    at = clock.now()
    ids = [product.id for product in shop.products]
    assert trade.revenue(ids, since=at - timedelta(days=1), until=at + timedelta(days=1)) == {("EUR", "DE"): 3570}
    assert trade.revenue(ids, since=at + timedelta(days=1), until=at + timedelta(days=2)) == {}


def _rules(shop: Any, dice: random.Random) -> Content:
    skus = [product.sku for product in shop.products]
    some = [
        promotion("A", "percent_off", basis_points=dice.choice([500, 1500, 3300]), goods={"products": skus[:2]}, group="g"),
        promotion("B", "amount_off", amount_minor=dice.choice([100, 777]), level="line", group="g"),
        promotion("C", "buy_get", buy=2, get=1, goods={"products": skus[1:]}),
        promotion("D", "tiered", tiers=[{"at_least": 3000, "basis_points": 700}]),
        promotion("E", "percent_off", basis_points=1000, conditions={"hours": [HOURS]}),
        promotion("F", "amount_off", amount_minor=500, conditions={"coupon": {"codes": ["TEN"]}}),
    ]  # fmt: skip
    chosen = tuple(one for one in some if dice.random() < 0.6)
    return Content(chosen, stacking("g:best", basket_cap_basis_points=dice.choice([2000, 10_000])))


@pytest.mark.parametrize("seed", range(6))
def test_the_result_is_what_quotes_later_say(shop, seed):
    dice = random.Random(seed)
    published(_rules(shop, dice))
    content = documents.check(_rules(shop, dice))
    at, terms = clock.now(), ChannelTerms(shop.channel.pk, "EUR", "DE")
    since = at - timedelta(days=10)
    baskets = [
        PastBasket(
            str(number), since + timedelta(hours=dice.randrange(240)), terms.channel_id, "EUR", "DE",
            tuple((product.id, dice.randint(1, 4)) for product in shop.products if dice.random() < 0.7)
            or ((shop.products[0].id, 1),),
            codes=("ten ",) if dice.random() < 0.3 else (),
        )
        for number in range(40)
    ]  # fmt: skip
    starts_at = at + timedelta(days=2)
    replay = Replay(content, since=since, until=at if seed % 2 else None, at=at, effective_from=starts_at)
    replay.take(baskets)
    said = [replay.price(one) for one in baskets]
    with transaction():
        rulesets.publish(content, effective_from=starts_at, by=ground.TESTER)
    paid = [0, 0]
    for one, (_prepared, _before, after) in zip(baskets, said, strict=True):
        then = replay.moved(one.placed_at)
        assert then >= starts_at
        assert (then - one.placed_at) % timedelta(days=7) == timedelta(0)
        lines = [BasketLine(product_id, pieces) for product_id, pieces in one.lines]
        quote = quoting.price(lines, channel=terms, at=then, shopper=Shopper(codes=one.codes))
        assert after.total_minor == quote.total_minor
        paid[1] += quote.total_minor
    assert replay.sums["EUR"].paid[1] == paid[1]


def test_a_budget_is_used_up_as_it_will_be(shop):
    content = documents.check(
        Content(
            (promotion("B", "amount_off", amount_minor=500, limits={"budget_minor": 1_200, "uses_per_customer": 2}),)
        )
    )
    at, terms = clock.now(), ChannelTerms(shop.channel.pk, "EUR", "DE")
    baskets = [
        PastBasket(
            str(number), at - timedelta(days=7), terms.channel_id, "EUR", "DE", ((shop.products[0].id, 1),), customer
        )
        for number, customer in enumerate(["a", "a", "a", "", "b", "c"])
    ]
    replay = Replay(content, since=at - timedelta(days=7), at=at)
    replay.take(baskets)
    published(content)
    totals = []
    for one in baskets:
        with transaction():
            given = quoting.give(
                [BasketLine(*line) for line in one.lines], channel=terms, at=clock.now(), by=ground.TESTER,
                shopper=Shopper(customer=one.customer), ttl=quoting.LONGEST,
            )  # fmt: skip
        totals.append(given.quote.total_minor)
    assert totals == [690, 690, 1190, 1190, 990, 1190]
    assert replay.sums["EUR"].paid == [6 * 1190, sum(totals)]


def test_days_outside_the_window_cost_what_they_cost(shop, author):
    shop.place({0: 1})
    begins = clock.now() + timedelta(days=1)
    draft = drafted(
        author, Content((promotion("S", "percent_off", basis_points=5000),)), effective_from=begins,
        effective_to=begins + timedelta(hours=1),
    )  # fmt: skip
    one = asked(draft, author)
    tasks.simulate_drafts()
    (euro,) = simulations.get(one.id).result["currencies"]
    assert euro["paid"] == [1190, 1190]


def test_a_span_and_a_crowd_are_bounded(shop, author):
    draft = drafted(author, Content())
    at = clock.now()
    for since in (at, at - timedelta(days=500)):
        with pytest.raises(InvalidInput), transaction():
            simulations.ask(draft.pk, since=since, until=at, by=ground.TESTER)
    for _ in range(simulations.MOST_OPEN):
        asked(draft, author)
    with pytest.raises(TooManySimulations):
        asked(draft, author)


def test_a_worker_that_died_leaves_its_work_to_the_next(shop, author):
    one = asked(drafted(author, Content()), author)
    RulesetSimulation.objects.filter(pk=one.id).update(
        state="running", started_at=clock.now() - simulations.GIVEN_UP_AFTER - timedelta(minutes=1)
    )
    assert tasks.simulate_drafts() == 1
    assert simulations.get(one.id).state is SimulationState.DONE


# --- parts: a worker that is killed costs one of them ---------------------------------------------------------------------

LIMITED = {"limits": {"budget_minor": 900, "uses_per_customer": 2}}


def _bought(shop: Any, count: int = 12) -> None:
    """Have orders at an hour's distance each, so that they fall into many parts."""
    for number in range(count):
        with clock.frozen(make.NOON + timedelta(hours=number)):
            shop.place({number % 3: 1})


def _tried(draft: RulesetDraft, author: Any) -> simulations.SimulationRef:
    at = make.NOON + timedelta(days=1)
    with clock.frozen(at), transaction():
        return simulations.ask(draft.pk, since=make.NOON, until=at, by=Actor.staff(author))


def _run(at: Any = None) -> bool:
    with clock.frozen(at or make.NOON + timedelta(days=1)):
        return simulations.run_next(at=clock.now())


@pytest.mark.parametrize("terms", [{}, LIMITED], ids=["in any order", "one after the other"])
def test_parts_add_up_to_what_one_run_says_however_often_a_worker_dies(shop, author, monkeypatch, terms):
    _bought(shop)
    content = Content((promotion("S", "amount_off", amount_minor=150, level="line", **terms),))
    draft = drafted(author, content)
    whole = _tried(draft, author)
    assert _run()
    monkeypatch.setattr(simulations, "PART", 2)
    parted = _tried(draft, author)
    at = make.NOON + timedelta(days=1)
    assert _run()
    assert RulesetSimulationPart.objects.filter(simulation=parted.id).count() == 6
    with clock.frozen(at), transaction():
        dead = simulations._claimed(at=at)  # its worker is killed in the middle of it
        second = simulations._claimed(at=at)
    assert dead is not None
    assert (second is None) == bool(terms)  # where limits are used up, nobody goes ahead
    with clock.frozen(at):
        simulations._tell(dead, 1)
    while _run():
        pass
    assert not simulations.get(parted.id).is_over
    later = at + simulations.GIVEN_UP_AFTER + timedelta(seconds=1)
    while _run(later):
        pass
    found, before = simulations.get(parted.id), simulations.get(whole.id)
    assert (found.state, found.done, found.total) == (SimulationState.DONE, 12, 12)
    assert found.result == before.result
    assert before.result["currencies"][0]["baskets"] == 12
    assert not RulesetSimulationPart.objects.filter(simulation=parted.id).exists()
    with clock.frozen(later), transaction():
        simulations._keep(dead, 1, 0, {"sums": {}})  # who was only slow comes back too late, and changes nothing
    assert simulations.get(parted.id).result == before.result


def test_a_part_that_is_done_is_not_done_again(shop, author, monkeypatch):
    _bought(shop, 6)
    monkeypatch.setattr(simulations, "PART", 2)
    one = _tried(drafted(author, Content((promotion("S", "percent_off", basis_points=1000),))), author)
    at = make.NOON + timedelta(days=1)
    assert _run()
    with clock.frozen(at), transaction():
        slow = simulations._claimed(at=at)
    later = at + simulations.GIVEN_UP_AFTER + timedelta(seconds=1)
    with clock.frozen(later), transaction():
        taken_over = simulations._claimed(at=later)
    assert (slow.part.pk, slow.part.attempt, taken_over.part.attempt) == (taken_over.part.pk, 1, 2)
    with clock.frozen(later), transaction():
        simulations._keep(slow, 2, 0, {})
    parts = RulesetSimulationPart.objects.filter(simulation=one.id).order_by("number")
    assert list(parts.values_list("state", "attempt")) == [("done", 1), ("running", 2), ("waiting", 0)]


def test_the_page_starts_it_shows_progress_and_finds_it_again(shop, author):
    shop.place({0: 2})
    draft = drafted(author, Content((promotion("S", "percent_off", basis_points=2500),)))
    client = Client()
    client.force_login(author)
    answer = client.post(reverse("admin:pricing_draft_simulate", args=[draft.pk]), {"days": "7"}, follow=True)
    assert "Starts within seconds" in answer.content.decode()
    one = simulations.of_draft(draft.pk)[0]
    part = reverse("admin:pricing_simulation", args=[one.id])
    RulesetSimulation.objects.filter(pk=one.id).update(
        state="running", started_at=clock.now() - timedelta(seconds=4), total=2000, done=500
    )
    assert "500 of 2000 baskets" in client.get(part, HTTP_HX_REQUEST="true").content.decode().replace(",", "")
    RulesetSimulation.objects.filter(pk=one.id).update(state="waiting", started_at=None)
    with clock.frozen(make.NOON + timedelta(minutes=2)):
        asked_again = asked(draft, author)
        assert tasks.simulate_drafts() + tasks.simulate_drafts() == 2
        text = client.get(reverse("admin:pricing_draft", args=[draft.pk])).content.decode()
        assert simulations.get(asked_again.id).result["currencies"][0]["paid"] == [2380, 1785]
    assert "€17.85" in text
    assert "−€5.95" in text
    assert "For the same margin" not in text  # no costs are known
    assert part in text


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_real_worker_does_it(tmp_path):
    shop = make.shop()
    user = ground.user()
    shop.place(
        {0: 1}, method="ship", ship_to={"street": "Weg 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
    )
    one = asked(drafted(user, Content((promotion("S", "percent_off", basis_points=1000),))), user)
    env = {"KONTOR_DATA_DIR": str(tmp_path)}
    call = [sys.executable, "-m", "celery", "-A", "commerce.celery", "call", "pricing.tasks.simulate_drafts"]
    with servers.started(processes.worker().command, env=env), servers.started(call, env=env) as caller:
        deadline, pause = time.monotonic() + servers.START_SECONDS, threading.Event()
        while not simulations.get(one.id).is_over:
            assert time.monotonic() < deadline, caller.printed()
            pause.wait(0.1)
    found = simulations.get(one.id)
    assert (found.state, found.done) == (SimulationState.DONE, 1)
    assert found.result["currencies"][0]["paid"][1] == 1071


KILLED = """
import django
django.setup()
from pricing import simulations, tasks
simulations.PART, simulations.AT_ONCE = 2, 1
tasks.simulate_drafts()
"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_what_a_killed_worker_did_stays_done():
    shop, user = make.shop(), ground.user()
    _bought(shop, 10)
    draft = drafted(user, Content((promotion("S", "percent_off", basis_points=1000),)))
    one = _tried(draft, user)
    parts = RulesetSimulationPart.objects.filter(simulation=one.id)
    with servers.started([sys.executable, "-c", KILLED]) as worker:
        deadline, pause = time.monotonic() + servers.START_SECONDS, threading.Event()
        while not (simulations.get(one.id).is_over or parts.filter(state="done").exists()):
            assert time.monotonic() < deadline, worker.printed()
            pause.wait(0.005)
        worker.kill()
    done = dict(parts.filter(state="done").values_list("pk", "attempt"))
    parts.filter(state="running").update(told_at=clock.now() - timedelta(hours=1))
    while simulations.run_next(at=clock.now()):
        again = dict(parts.filter(pk__in=done).values_list("pk", "attempt"))
        assert again in (done, {})  # nothing of it was begun anew; with the last part all of them go
    found = simulations.get(one.id)
    assert (found.state, found.done) == (SimulationState.DONE, 10)
    whole = _tried(draft, user)
    assert _run()
    mine, other = (simulations.get(each).result["currencies"][0] for each in (one.id, whole.id))
    for name in ("baskets", "paid", "units", "lines_changed", "promotions"):
        assert mine[name] == other[name]
