"""The demo: complete, plausible, the same each time, and never in production."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from commerce import gtin
from commerce.channels import keys
from commerce.models import Channel, ChannelKey, OutboxMessage, Product
from inventory import supply_lists
from inventory.models import Location, StockEntry, StockLevel
from orders.demo import assortment, people, places, retailer, trade
from orders.lifecycle import State
from orders.management.commands import demo
from orders.models import Fulfilment, Order

SATURDAY_NOON = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
SUNDAY_NIGHT = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)


@pytest.mark.slow
@pytest.mark.parametrize("now", [SATURDAY_NOON, SUNDAY_NIGHT], ids=["at noon", "on a Sunday night"])
def test_tells_a_whole_story(db: None, now: datetime) -> None:
    shop = demo.load(now=now, is_quiet=True)

    kinds = list(Location.objects.values_list("kind", flat=True))
    assert (kinds.count("store"), kinds.count("warehouse")) == (12, 2)
    assert Product.objects.count() == len(list(assortment.articles())) >= 390
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
