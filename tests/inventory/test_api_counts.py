"""Counts over the API: a handheld's own app reports what it counted, once, blindly, by its own clock."""

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client

from commerce import clock
from commerce.roles import Scope
from inventory.models import CountFinding, CountRecord, StockCount
from tests.factories import commerce as shop
from tests.inventory.conftest import Shelf
from tests.inventory.counting import CHEF, Counting

pytestmark = pytest.mark.django_db

COUNTS = "/api/v1/counts"


@pytest.fixture
def call() -> Any:
    issued = shop.key(shop.channel("handhelds"), Scope.COUNTS_WRITE)

    def send(method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return getattr(Client(), method)(path, body, content_type="application/json", **issued.headers, **headers)

    return send


def begun(call: Any, shelf: Shelf, kind: str = "store", **values: Any) -> dict[str, Any]:
    answer = call("post", COUNTS, {"location": shelf.store.code, "kind": kind, **values})
    assert answer.status_code == 201, answer.content
    return answer.json()


def figure(code: str, quantity: int = 1, *, at: datetime | None = None, **values: Any) -> dict[str, Any]:
    moment = clock.utc_text(at or clock.now())
    return {"id": str(uuid4()), "code": code, "quantity": quantity, "counted_at": moment, **values}


def test_from_begin_to_the_journal(call: Any, shelf: Shelf) -> None:
    count = begun(call, shelf)
    assert count["progress"] == {"wanted": 1, "done": 0, "more": 0, "in_review": 0, "findings": 0}
    sheet = call("get", f"{COUNTS}/{count['id']}").json()
    assert [item["sku"] for item in sheet["to_count"]] == [shelf.sku]
    answer = call("post", f"{COUNTS}/{count['id']}/records", {"records": [figure(shelf.sku, 8)]}).json()
    assert [(one["outcome"], one["sku"], one["pieces"]) for one in answer["results"]] == [("counted", shelf.sku, 8)]
    assert answer["progress"]["done"] == 1
    done = call("post", f"{COUNTS}/{count['id']}/hand-in", {}).json()
    assert (done["state"], done["posted"], done["allowed_actions"]) == ("posted", 1, [])
    assert shelf.figure().on_hand == 8
    assert [one["number"] for one in call("get", f"{COUNTS}?state=posted").json()["items"]] == [count["number"]]


def test_no_answer_holds_a_figure_of_the_books(call: Any, shelf: Shelf) -> None:
    shelf.receive(7391 - 10)
    count = begun(call, shelf)
    path = f"{COUNTS}/{count['id']}"
    answers = [
        call("get", path),
        call("post", f"{path}/records", {"records": [figure(shelf.sku, 3)]}),
        call("post", f"{path}/hand-in", {}),
    ]
    assert not [answer for answer in answers if re.search(r"\b7391\b|\b7388\b", answer.content.decode())]


def test_a_report_sent_again_counts_once_with_and_without_a_key(call: Any, shelf: Shelf) -> None:
    path = f"{COUNTS}/{begun(call, shelf)['id']}/records"
    body = {"records": [figure(shelf.sku, 2), figure("4006381333931", 1)]}
    first = call("post", path, body, HTTP_IDEMPOTENCY_KEY="r-1")
    again = call("post", path, body, HTTP_IDEMPOTENCY_KEY="r-1")
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    later = call("post", path, body).json()
    assert [one["outcome"] for one in later["results"]] == ["known", "known"]
    assert (CountRecord.objects.count(), CountFinding.objects.count()) == (1, 1)


def test_an_unknown_barcode_says_what_becomes_of_it(call: Any, shelf: Shelf) -> None:
    path = f"{COUNTS}/{begun(call, shelf)['id']}/records"
    [one] = call("post", path, {"records": [figure("4006381333931")]}).json()["results"]
    assert (one["outcome"], one["finding"], one["sku"]) == ("finding", "unknown", None)
    assert "it is kept" in one["message"]


def test_devices_replace_only_their_own_figures(call: Any, shelf: Shelf) -> None:
    path = f"{COUNTS}/{begun(call, shelf)['id']}"
    for station, quantity in (("one", 4), ("two", 5)):
        call("post", f"{path}/records", {"station": station, "records": [figure(shelf.sku, quantity)]})
    call("post", f"{path}/records", {"station": "one", "records": [figure(shelf.sku, 3, mode="replace")]})
    assert call("get", f"{path}?station=one").json()["own"] == [{"sku": shelf.sku, "quantity": 3}]
    assert call("post", f"{path}/hand-in", {}).json()["posted"] == 1
    assert shelf.figure().on_hand == 8


def test_a_wrong_clock_is_put_right_by_when_it_sent(call: Any, shelf: Shelf) -> None:
    start, wrong = clock.now(), timedelta(hours=-9)
    with clock.frozen(start):
        path = f"{COUNTS}/{begun(call, shelf)['id']}/records"
    with clock.frozen(start + timedelta(hours=1)):
        counted = figure(shelf.sku, 3, at=start + timedelta(minutes=7) + wrong)
        body = {"sent_at": clock.utc_text(clock.now() + wrong), "records": [counted]}
        assert call("post", path, body).status_code == 200
    record = CountRecord.objects.get()
    assert (record.counted_at, record.is_time_doubtful) == (start + timedelta(minutes=7), False)


def test_the_hour_that_comes_twice_is_told_apart_by_its_offset(call: Any, shelf: Shelf) -> None:
    """2:30 in Berlin is twice on the last Sunday of October; an instant without its offset is refused."""
    with clock.frozen(datetime.fromisoformat("2026-10-25T00:00:00+00:00")):
        path = f"{COUNTS}/{begun(call, shelf)['id']}/records"
    with clock.frozen(datetime.fromisoformat("2026-10-25T03:00:00+00:00")):
        first, second = (
            figure(shelf.sku, 1) | {"counted_at": f"2026-10-25T02:30:00{zone}"} for zone in ("+02:00", "+01:00")
        )
        assert call("post", path, {"records": [first, second]}).status_code == 200
        naive = figure(shelf.sku) | {"counted_at": "2026-10-25T02:30:00"}
        assert call("post", path, {"records": [naive]}).status_code == 400
    instants = [record.counted_at.hour for record in CountRecord.objects.order_by("counted_at")]
    assert instants == [0, 1]


def test_what_was_reported_over_the_api_is_decided_by_a_person(call: Any, shelf: Shelf) -> None:
    count = begun(call, shelf, "directed", skus=[shelf.sku])
    call("post", f"{COUNTS}/{count['id']}/records", {"records": [figure(shelf.sku, 1)]})
    assert call("post", f"{COUNTS}/{count['id']}/hand-in", {}).json()["state"] == "in_review"
    counting = Counting.begin(shelf.store.id)
    counting.ref = type(counting.ref).of(StockCount.objects.get(pk=count["id"]))
    counting.approve({shelf.product_id: -9}, by=CHEF)
    assert shelf.figure().on_hand == 1


@pytest.mark.parametrize(
    ("values", "status", "words"),
    [
        ({"kind": "shelf"}, 400, "has a shelf"),
        ({"kind": "store", "shelf": "A1"}, 400, "has a shelf"),
        ({"kind": "free", "skus": ["X"]}, 400, "directed count"),
        ({"kind": "directed", "skus": ["NO-SUCH"]}, 422, "NO-SUCH"),
        ({"kind": "directed"}, 400, "Nothing is due"),
        ({"kind": "store", "condition": "in_transit"}, 400, "in_transit"),
        ({"kind": "store", "location": "NOWHERE"}, 422, "NOWHERE"),
        ({"kind": "store", "surprise": 1}, 400, "surprise"),
    ],
)
def test_what_can_not_be_begun_says_why(
    call: Any, shelf: Shelf, values: dict[str, Any], status: int, words: str
) -> None:
    answer = call("post", COUNTS, {"location": shelf.store.code} | values)
    assert answer.status_code == status, answer.content
    assert words in answer.content.decode()
    assert not StockCount.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"quantity": -1}, {"quantity": 2_000_000}, {"quantity": "3"}, {"mode": "minus"}, {"id": "x"}]
)
def test_figures_that_can_not_be_are_refused_by_name(call: Any, shelf: Shelf, wrong: dict[str, Any]) -> None:
    path = f"{COUNTS}/{begun(call, shelf)['id']}/records"
    answer = call("post", path, {"records": [figure(shelf.sku) | wrong]})
    assert answer.status_code == 400
    assert f"records[0].{next(iter(wrong))}" in answer.content.decode()
    assert not CountRecord.objects.exists()


def test_unknown_ended_and_foreign_counts(call: Any, shelf: Shelf) -> None:
    for method, path, body in (
        ("get", f"{COUNTS}/{uuid4()}", None),
        ("post", f"{COUNTS}/{uuid4()}/records", {"records": [figure(shelf.sku)]}),
        ("post", f"{COUNTS}/{uuid4()}/hand-in", {}),
        ("post", f"{COUNTS}/{uuid4()}/cancel", {"reason": "x"}),
    ):
        answer = call(method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (404, "count_not_found")
    count = begun(call, shelf)
    path = f"{COUNTS}/{count['id']}"
    assert call("post", f"{path}/cancel", {"reason": "wrong shelf"}).json()["state"] == "cancelled"
    assert call("post", f"{path}/hand-in", {}).json()["code"] == "count_state_wrong"
    [late] = call("post", f"{path}/records", {"records": [figure(shelf.sku)]}).json()["results"]
    assert late["finding"] == "late"


def test_another_scope_does_not_open_it(shelf: Shelf) -> None:
    headers = shop.key(shop.channel("till"), Scope.STOCK_WRITE).headers
    for answer in (
        Client().get(COUNTS, **headers),
        Client().post(COUNTS, {}, content_type="application/json", **headers),
        Client().post(f"{COUNTS}/{uuid4()}/records", {}, content_type="application/json", **headers),
    ):
        assert answer.status_code == 403
        assert "counts:write" in answer.content.decode()
