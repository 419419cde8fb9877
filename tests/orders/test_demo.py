"""The demo: complete, plausible, the same each time, and never in production."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F

from commerce import clock, gtin
from commerce.channels import keys
from commerce.models import Channel, ChannelKey, OutboxMessage, Product
from commerce.operations import experiments
from inventory import availability, tasks
from inventory.counting import CountState, ItemState
from inventory.models import (
    Backorder,
    DemandForecast,
    Location,
    PurchaseLimit,
    ShelfPlace,
    StockEntry,
    StockLevel,
    WaitingEntry,
)
from inventory.moving import TransferState
from inventory.procurement import lists as supply_lists
from inventory.replenishing import ProposalKind
from inventory.replenishment import lists as replenishment_lists
from inventory.scarcity import messages as scarcity_claims
from inventory.stocktaking import lists as count_lists
from inventory.transport import records
from inventory.waiting import WaitingState
from orders.demo import (
    assortment,
    by_hand,
    counting,
    learning,
    moving,
    past,
    people,
    places,
    promising,
    retailer,
    scarcity,
    trade,
)
from orders.lifecycle import State
from orders.management.commands import demo
from orders.models import Fulfilment, Order
from pricing import overrides
from pricing.learning import findings
from pricing.learning.campaigns import Effect
from pricing.learning.elasticity import Elasticity, TooLittle
from pricing.models import PriorPriceExemption

SATURDAY_NOON = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
SUNDAY_NIGHT = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)


@pytest.mark.slow
def test_begins_on_any_day(db: None) -> None:
    """The night in which the clocks go forward, months before the campaigns of November."""
    with clock.frozen(datetime(2027, 3, 28, 1, 30, tzinfo=UTC)):
        demo.load(now=clock.now(), is_quiet=True)
    assert Order.objects.count() >= 60


@pytest.mark.slow
@pytest.mark.parametrize("now", [SATURDAY_NOON, SUNDAY_NIGHT], ids=["at noon", "on a Sunday night"])
def test_tells_a_whole_story(db: None, now: datetime) -> None:
    with clock.frozen(now):
        shop = demo.load(now=now, is_quiet=True)

    kinds = list(Location.objects.values_list("kind", flat=True))
    assert (kinds.count("store"), kinds.count("warehouse")) == (12, 2)
    kits = {product.sku: product for product in Product.objects.filter(kind="kit")}
    assert set(kits) == {kit.sku for kit in assortment.KITS}
    assert Product.objects.count() - len(kits) == len(list(assortment.articles())) >= 390
    makeable = availability.figures([kit.pk for kit in kits.values()], channel_id=None, at=now)
    assert {figure.product_id for figure in makeable if figure.available} == {kit.pk for kit in kits.values()}
    assert StockLevel.objects.count() > 4000
    assert Order.objects.count() >= 60

    berlin = set(Fulfilment.objects.filter(location__code="BER01", method="pickup").values_list("state", flat=True))
    assert {"placed", "accepted", "picking", "ready", "arrived", "no_show", "cancelled", "handed_over"} <= berlin
    assert "shipped" in set(Fulfilment.objects.values_list("state", flat=True))
    overdue = Fulfilment.objects.filter(location__code="BER01", state=State.PLACED, promised_at__lt=now)
    assert overdue.exists()
    assert not Order.objects.filter(placed_at__gt=now).exists()
    assert not StockEntry.objects.filter(occurred_at__gt=now).exists()
    assert OutboxMessage.objects.filter(event_type="order.placed").count() == Order.objects.count()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what a commit would check: the books are their journal

    here = shop.locations["BER01"].id
    coming = [one.expected_on for one in supply_lists.deliveries(here, today=now.date())]
    assert {(day > now.date()) - (day < now.date()) for day in coming} == {-1, 0, 1}  # late, today, later
    assert dict(supply_lists.counts([here])) == {"draft": 1, "approved": 1, "ordered": 2, "partly_received": 1}

    _shows_what_moves(shop)
    _shows_what_is_counted(shop)
    _shows_what_is_promised(shop, now)
    with clock.frozen(now):  # what was said last is looked for by the day
        _says_how_few_are_left(shop)
    _shows_what_was_decided_by_hand(now)
    _shows_what_was_learnt(shop, now)
    _proposes_in_the_first_night(now)
    call_command("verify_ledger")  # says nothing, or fails

    pictures = [
        [(s.reference, s.channel, s.lines, s.customer, s.placed_at, s.window, [at for at, _ in s.steps]) for s in told]
        for told in (trade.stories(shop, now=now), trade.stories(shop, now=now))
    ]
    assert pictures[0] == pictures[1]

    out = io.StringIO()
    call_command("demo", show=True, stdout=out)
    assert people.PASSWORD in out.getvalue()
    assert "/api/v1/availability?sku=" in out.getvalue()
    _, prefix, secret = retailer.API_KEY.split("_", 2)
    assert bytes(ChannelKey.objects.get(prefix=prefix).secret_hash) == keys.digest(secret)


def _shows_what_was_decided_by_hand(now: datetime) -> None:
    told = overrides.sums(since=now)
    assert sum(one.count for one in told) == len(by_hand.SET_BY_HAND)
    assert all(one.difference_minor < 0 for one in told)
    assert PriorPriceExemption.objects.count() == 1


def _shows_what_was_learnt(shop: retailer.Retailer, now: datetime) -> None:
    campaign = next(one for one in findings.all_campaigns(now) if one.promotion.id == learning.CAMPAIGN)
    found = findings.result(campaign, at=now)
    assert found is not None
    assert isinstance(found.effect, Effect)
    assert found.effect.low > 0
    assert isinstance(found.others, Effect)
    assert found.others.pieces < 0
    assert found.margin_minor is not None
    assert found.given.orders > 0
    assert 0 < found.given.discount_minor <= learning.BUDGET_MINOR
    ids = [shop.products[sku] for sku in (learning.MOVED, learning.STEADY)]
    told = findings.elasticities(ids, last=now.date())
    moved, steady = (told[product_id].found for product_id in ids)
    assert isinstance(moved, Elasticity)
    assert moved.low < learning.ANSWER < moved.high < 0
    assert steady == TooLittle.ONE_PRICE


def _shows_what_moves(shop: retailer.Retailer) -> None:
    here = shop.locations["BER01"].id
    assert {one.state for one in records.coming(here)} == {TransferState.SENT, TransferState.PARTLY_RECEIVED}
    assert {one.state for one in records.going(here)} == {TransferState.DRAFT, TransferState.SENT}
    shelved = ShelfPlace.objects.filter(location_id=here)
    assert shelved.count() == len(shop.well_stocked("BER01", moving.SEVERAL)) > 200
    assert len(set(shelved.values_list("shelf", flat=True))) == -(-shelved.count() // moving.TO_A_SHELF)


def _shows_what_is_counted(shop: retailer.Retailer) -> None:
    here = shop.locations["BER01"].id
    listed = {ref.state: ref for ref in count_lists.listed(location_id=here)}
    assert set(listed) == {CountState.OPEN, CountState.IN_REVIEW}
    task, for_manager = listed[CountState.OPEN], listed[CountState.IN_REVIEW]
    progress = count_lists.progress([task.id, for_manager.id])
    assert progress[task.id].wanted > progress[task.id].done > 0
    differing = [one for one in count_lists.review(for_manager.id) if one.item.state == ItemState.REVIEW]
    assert [one.pieces for one in differing] == [-counting.MISSING]


def _shows_what_is_promised(shop: retailer.Retailer, now: datetime) -> None:
    web, warehouse = shop.channels["web-de"].channel_id, shop.locations["LAGER-DE"].id
    skus = (promising.BACKORDERED, promising.PREORDERED)
    figures = availability.figures(
        [shop.products[sku] for sku in skus], channel_id=web, location_ids=[warehouse], at=now
    )
    assert all(figure.on_hand == 0 and 0 < figure.backorderable < promising.CAP for figure in figures)
    assert len(figures) == len(skus)
    waiting = Order.objects.filter(external_reference__startswith="B-")
    assert waiting.count() == 3
    assert Backorder.objects.filter(quantity__gt=F("filled") + F("released")).count() == 3
    assert PurchaseLimit.objects.get().ends_at > now > PurchaseLimit.objects.get().starts_at


def _says_how_few_are_left(shop: retailer.Retailer) -> None:
    waiting = WaitingEntry.objects.filter(product_id=shop.products[scarcity.SOLD_OUT], state=WaitingState.WAITING)
    assert waiting.count() == len(scarcity.WAITING)
    claims = scarcity_claims.latest()
    assert claims
    proofs = [scarcity_claims.verify(claim.id) for claim in claims]
    assert all(proof.is_true and proof.is_true_in_hindsight for proof in proofs)
    (experiment,) = experiments.listed()
    assert experiment.state == experiments.RUNNING


def _proposes_in_the_first_night(now: datetime) -> None:
    with clock.frozen(now):
        assert tasks.reorder() >= 5
    told = replenishment_lists.proposals(location_ids=None)
    assert {one.kind for one in told} == {ProposalKind.PURCHASE, ProposalKind.TRANSFER}
    assert all(one.inputs["per_week"] > 0 or one.inputs["is_fixed"] for one in told)
    sold_out = DemandForecast.objects.get(product__sku=past.RAN_OUT[0], location__code=past.RAN_OUT[1])
    assert sold_out.evidence["weeks_left_out"] >= 2


def test_a_worker_plans_the_first_night(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(demo, "load", lambda **_kwargs: None)
    monkeypatch.setattr(demo.celery.app, "send_task", lambda name, **_kwargs: sent.append(name))
    call_command("demo", verbosity=0)
    assert sent == list(demo.FIRST_NIGHT)
    assert set(demo.FIRST_NIGHT) <= set(demo.celery.app.tasks)


def test_shows_nothing_where_it_is_not_loaded(db: None) -> None:
    out = io.StringIO()
    call_command("demo", show=True, stdout=out)
    assert out.getvalue() == ""


def test_barcodes_are_valid_and_no_real_product_s() -> None:
    articles = list(assortment.articles())
    codes = [code for article in articles for code in (article.gtin, article.case_gtin) if code]
    assert len(codes) == len(set(codes))
    assert {gtin.normalise(code)[1:4] for code in codes} == {"952"}
    assert len({article.name for article in articles}) == len(articles)


def test_every_place_has_someone_who_works_there() -> None:
    for place in places.PLACES:
        assert people.clerk_at(place.code)


def test_refuses_production(db: None, settings: Any) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="never loaded in production"):
        call_command("demo")
    assert not Channel.objects.exists()


def test_refuses_tables_that_are_not_empty(db: None) -> None:
    Channel.objects.create(code="mine", name="Mine", kind="web", country="DE", currency="EUR")
    with pytest.raises(CommandError, match="needs empty tables"):
        call_command("demo")
    call_command("demo", if_empty=True)
    assert Channel.objects.count() == 1


def test_what_lies_in_the_future_is_left_undone() -> None:
    done = []
    story = trade.Story("A-1", "web-de", "BER01", [], 0, SUNDAY_NIGHT)
    story.steps = [(SATURDAY_NOON, lambda shop, story, at: done.append(at))]
    trade.play(retailer.Retailer({}, {}, {}, {}, {}, {}, {}), [story], now=SATURDAY_NOON, progress=lambda steps: None)
    assert done == [SATURDAY_NOON]
