"""The timeline pages as staff read them."""

import csv
import io
import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from commerce import clock, ids
from commerce.roles import Role
from commerce.transactions import transaction
from inventory import movements
from inventory.movements import Adjustment
from inventory.staff import timeline
from tests.factories import commerce as shop
from tests.factories import inventory as make
from tests.factories import orders as make_orders
from tests.inventory.conftest import BY, Shelf
from tests.inventory.test_staff_stock import signed_in, text_of

PAGE, FILE = "/staff/stock/timeline/", "/staff/stock/timeline.csv"


def adjust(shelf: Shelf, delta: int, reason: str = "other", **options: object) -> None:
    with transaction():
        movements.adjust(
            [Adjustment(ids.new(), shelf.product_id, shelf.store.id, delta, reason)],
            by=BY,
            at=clock.now(),
            **options,  # type: ignore[arg-type]
        )


def rows(client: Client, **parameters: str) -> list[tuple[str, list[tuple[int, int]]]]:
    answer = client.get(PAGE, parameters)
    assert answer.status_code == 200
    return [
        (row.entry.kind, [(change.before, change.after) for change in row.changes]) for row in answer.context["rows"]
    ]


def test_a_product_here_with_numbers_before_and_after(shelf: Shelf) -> None:
    other = shop.product()
    make.receive(other.id, shelf.store.id, 7)
    shelf.allocate(2)
    clerk = signed_in(Role.CLERK, shelf.store)
    assert rows(clerk, sku=shelf.sku) == [("allocated", [(0, 2)]), ("received", [(0, 10)])]
    assert len(rows(clerk)) == 3
    page = text_of(clerk.get(PAGE))
    assert "Everything that happened at" in page
    assert shelf.store.name in page


def test_a_clerk_sees_only_the_store_at_hand(shelf: Shelf) -> None:
    elsewhere = make.store()
    make.receive(shelf.product_id, elsewhere.id, 99)
    clerk = signed_in(Role.CLERK, shelf.store)
    assert rows(clerk, sku=shelf.sku) == [("received", [(0, 10)])]
    assert len(rows(clerk)) == 1
    assert Client().get(PAGE).status_code == 302
    nobody = Client()
    nobody.force_login(shop.user())
    assert nobody.get(PAGE).status_code == 403
    assert nobody.get(FILE).status_code == 403


def test_filters_narrow_and_say_so_when_nothing_is_left(shelf: Shelf) -> None:
    shelf.allocate(2)
    clerk = signed_in(Role.CLERK, shelf.store)
    day = timedelta(days=1)
    long_ago = (timezone.localdate() - 9 * day).isoformat()
    assert [kind for kind, _ in rows(clerk, kind="received")] == ["received"]
    assert len(rows(clerk, who="system:tests", since=(timezone.localdate() - day).isoformat())) == 2
    assert rows(clerk, condition="damaged") == []
    assert len(rows(clerk, since=long_ago, until=(timezone.localdate() + day).isoformat())) == 2
    assert rows(clerk, until=long_ago) == []
    assert "Choose other days" in text_of(clerk.get(PAGE, {"until": long_ago}))
    assert len(rows(clerk, who="nonsense", sku=shelf.sku)) == 2


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"since": "2026-03-02", "until": "2026-03-01"}, "The last day lies before the first one."),
        ({"sku": "NO-SUCH-THING"}, "No product is called “NO-SUCH-THING”"),
        ({"at": "2999-01-01T10:00"}, "This moment has not come yet."),
        ({"at": "soon"}, "Enter a day and a time."),
        ({"kind": "vanished"}, "vanished"),
    ],
)
def test_what_makes_no_sense_is_said(shelf: Shelf, parameters: dict[str, str], sentence: str) -> None:
    clerk = signed_in(Role.CLERK, shelf.store)
    answer = clerk.get(PAGE, {"sku": shelf.sku, **parameters})
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert clerk.get(FILE, {"sku": shelf.sku, **parameters}).status_code == 422


def test_stock_on_a_past_moment_is_told_in_the_stores_time(shelf: Shelf) -> None:
    adjust(shelf, 5, occurred_at=clock.now() - timedelta(hours=8))
    adjust(shelf, -4, occurred_at=clock.now() - timedelta(hours=5))
    clerk = signed_in(Role.CLERK, shelf.store)

    def on_hand(hours_ago: float) -> int:
        moment = timezone.localtime(clock.now() - timedelta(hours=hours_ago), ZoneInfo(shelf.store.time_zone))
        was = clerk.get(PAGE, {"sku": shelf.sku, "at": moment.strftime("%Y-%m-%dT%H:%M:%S")}).context["was"]
        return int(was[0][1].on_hand)

    assert [on_hand(hours) for hours in (9, 6, 4)] == [0, 5, 1]
    page = text_of(clerk.get(PAGE, {"sku": shelf.sku}))
    assert "happened" in page


def test_older_entries_are_a_page_away_and_the_way_back_is_there(shelf: Shelf) -> None:
    for _ in range(timeline.timeline.PAGE + 4):
        adjust(shelf, 1)
    clerk = signed_in(Role.CLERK, shelf.store)
    first = clerk.get(PAGE, {"sku": shelf.sku})
    assert len(first.context["rows"]) == timeline.timeline.PAGE
    second = clerk.get(first.context["older_url"])
    assert [row.entry.version for row in second.context["rows"]] == [5, 4, 3, 2, 1]
    assert second.context["older_url"] == ""
    assert "Back to the newest" in text_of(second)
    assert len(clerk.get(PAGE, {"before": "made~up~1"}).context["rows"]) == timeline.timeline.PAGE


def test_entries_lead_to_the_orders_that_caused_them(db: None) -> None:
    seller = make_orders.shop()
    order = seller.place()
    page = signed_in(Role.CLERK, seller.store).get(PAGE).content.decode()
    assert re.search(rf'<a class="touch-link" href="/staff/orders/{order.id}/">Order {order.number}</a>', page)


def test_the_file_has_every_entry_and_no_formula(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "ROWS_AT_ONCE", 2)
    for _ in range(4):
        adjust(shelf, 1, reason="=1+1")
    answer = signed_in(Role.CLERK, shelf.store).get(FILE, {"sku": shelf.sku})
    assert answer["Content-Type"].startswith("text/csv")
    assert f"{shelf.store.code}-{shelf.sku}" in answer["Content-Disposition"]
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    found = list(csv.DictReader(io.StringIO(text)))
    assert [(row["on_hand_before"], row["on_hand_after"]) for row in found] == [
        ("13", "14"), ("12", "13"), ("11", "12"), ("10", "11"), ("0", "10"),
    ]  # fmt: skip
    assert found[0]["reason"] == "'=1+1"


def test_a_page_costs_the_same_however_many_entries_it_shows(
    shelf: Shelf, django_assert_max_num_queries: object
) -> None:
    for _ in range(30):
        adjust(shelf, 1)
    clerk = signed_in(Role.CLERK, shelf.store)
    clerk.get(PAGE)
    for parameters in ({"sku": shelf.sku}, {}):
        with django_assert_max_num_queries(11):  # type: ignore[operator]
            clerk.get(PAGE, parameters)
