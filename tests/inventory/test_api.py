"""The goods part of the API, as a channel sees it."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from commerce import clock, ids
from commerce.api import problems
from commerce.roles import Scope
from commerce.transactions import transaction
from inventory import reservations
from inventory.api import reservation_views
from inventory.places import locations
from inventory.reservations import ReservationRequest
from tests.factories import commerce as shop
from tests.factories import inventory as make

API = "/api/v1"


@pytest.fixture
def web(db: None) -> dict[str, Any]:
    channel = shop.channel()
    lamp, vase = shop.product(), shop.product()
    berlin = make.store("BER", name="Berlin")
    munich = make.store("MUC", name="München", latitude=48.14, longitude=11.58, city="München", region="BY")
    for product in (lamp, vase):
        make.receive(product.id, berlin.id, 10)
        make.receive(product.id, munich.id, 5)
    with transaction():
        locations.set_places([("DE", "10115", "Berlin", 52.5323, 13.3846), ("DE", "80331", "München", 48.1345, 11.571)])
    return {"key": shop.key(channel), "lamp": lamp, "vase": vase, "channel": channel}


def post(web: dict[str, Any], path: str, body: object, **headers: str) -> Any:
    return Client().post(f"{API}{path}", body, content_type="application/json", **web["key"].headers, **headers)


def get(web: dict[str, Any], path: str) -> Any:
    return Client().get(f"{API}{path}", **web["key"].headers)


def hold(web: dict[str, Any], quantity: int = 1, **more: Any) -> Any:
    return post(
        web, "/reservations", {"location": "BER", "lines": [{"sku": web["lamp"].sku, "quantity": quantity}], **more}
    )


def test_availability_near_a_postal_code_is_sorted_by_distance_and_dated(web: dict[str, Any]) -> None:
    answer = get(web, f"/availability?sku={web['lamp'].sku},{web['vase'].sku}&country=DE&postal_code=80331")
    assert answer.status_code == 200
    document = answer.json()
    assert [item["sku"] for item in document["items"]] == [web["lamp"].sku, web["vase"].sku]
    (first, second) = document["items"][0]["locations"]
    assert (first["location"], first["available"], second["location"]) == ("MUC", 5, "BER")
    assert first["distance_km"] < 2 < second["distance_km"]
    assert 0 <= first["age_seconds"] < 5, "the time between reading the ledger and answering"
    assert document["items"][0]["total_available"] == 15
    assert document["as_of"].endswith("Z")


def test_a_radius_leaves_out_what_is_farther(web: dict[str, Any]) -> None:
    answer = get(web, f"/availability?sku={web['lamp'].sku}&country=DE&postal_code=80331&radius_km=50").json()
    assert [place["location"] for place in answer["items"][0]["locations"]] == ["MUC"]
    assert answer["items"][0]["total_available"] == 5


def test_availability_by_query_takes_the_same_number_of_queries_for_many(web, django_assert_max_num_queries) -> None:
    skus = [shop.product().sku for _ in range(40)]
    get(web, f"/availability?sku={skus[0]}")
    with django_assert_max_num_queries(5):
        answer = post(web, "/availability/query", {"skus": skus})
    assert [item["total_available"] for item in answer.json()["items"]] == [0] * 40


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "sku"),
        ("sku=NOPE", "sku"),
        ("sku={lamp}&location=XXX", "location"),
        ("sku={lamp}&postal_code=10115", "country"),
        ("sku={lamp}&country=DE&postal_code=99999", "postal_code"),
        ("sku={lamp}&radius_km=10", "radius_km"),
        ("sku={lamp}&colour=red", "colour"),
        ("sku={lamp}&limit=0", "limit"),
    ],
)
def test_a_wrong_question_is_answered_with_the_field_and_the_way_out(
    web: dict[str, Any], query: str, field: str
) -> None:
    answer = get(web, f"/availability?{query.format(lamp=web['lamp'].sku)}")
    assert answer.status_code in (400, 422)
    assert answer["Content-Type"] == "application/problem+json"
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert error["message"]


def test_a_reservation_takes_goods_and_release_gives_them_back(web: dict[str, Any]) -> None:
    made = hold(web, 4, reference="basket 7")
    assert made.status_code == 201
    document = made.json()
    assert document["lines"] == [{"sku": web["lamp"].sku, "quantity": 4}]
    assert (document["state"], document["location"], document["reference"]) == ("active", "BER", "basket 7")
    available = get(web, f"/availability?sku={web['lamp'].sku}&location=BER").json()["items"][0]["locations"][0]
    assert (available["on_hand"], available["held"], available["available"]) == (10, 4, 6)
    gone = Client().delete(f"{API}/reservations/{document['id']}", **web["key"].headers)
    assert gone.status_code == 204
    assert get(web, f"/reservations/{document['id']}").json()["state"] == "released"


def test_a_short_reservation_names_product_wanted_available_and_where_else(web: dict[str, Any]) -> None:
    make.receive(web["lamp"].id, locations.ref("MUC").id, 20)
    refused = hold(web, 11)
    assert refused.status_code == 409
    problem = refused.json()
    assert problem["code"] == "insufficient_stock"
    assert problem["lines"] == [
        {"sku": web["lamp"].sku, "name": web["lamp"].name, "location": "BER", "wanted": 11, "available": 10}
    ]
    assert problem["alternatives"][0]["location"] == "MUC"
    assert problem["alternatives"][0]["available"] == 25


def test_each_refusal_of_a_group_names_the_request_that_it_answers(web: dict[str, Any]) -> None:
    until, lines = clock.now() + timedelta(hours=1), ((web["lamp"].id, 11),)
    place = locations.ref("BER").id
    claims = reservations.claim(
        [
            ReservationRequest(ids.new(), web["channel"].pk, place, lines, until, "", name)
            for name in ("first", "second")
        ]
    )
    wishes = [
        reservation_views._Wish(
            [one], shop.TESTER, None, HttpResponse(),
            lambda outcomes, explain, one=one: problems.respond(explain(outcomes[0], one.request)),
        )
        for one in claims
    ]  # fmt: skip
    with transaction():
        answers = reservation_views._settle(wishes)
    assert [json.loads(answer.content)["request_id"] for answer in answers] == ["first", "second"]


def test_duplicate_lines_of_a_product_are_summed(web: dict[str, Any]) -> None:
    lines = [{"sku": web["lamp"].sku, "quantity": 2}, {"sku": web["lamp"].sku, "quantity": 3}]
    made = post(web, "/reservations", {"location": "BER", "lines": lines})
    assert made.json()["lines"] == [{"sku": web["lamp"].sku, "quantity": 5}]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"quantity": 0}, "lines[0].quantity"),
        ({"quantity": -1}, "lines[0].quantity"),
        ({"quantity": 1.5}, "lines[0].quantity"),
        ({"quantity": 10**12}, "lines[0].quantity"),
        ({"quantity": "2"}, "lines[0].quantity"),
        ({"quantity": True}, "lines[0].quantity"),
        ({"sku": "NOPE"}, "lines[0].sku"),
        ({"colour": "red"}, "lines[0].colour"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(web: dict[str, Any], change: dict[str, Any], field: str) -> None:
    answer = post(
        web, "/reservations", {"location": "BER", "lines": [{"sku": web["lamp"].sku, "quantity": 1, **change}]}
    )
    assert answer.status_code in (400, 422)
    assert field in [error["field"] for error in answer.json()["errors"]]


def test_a_batch_gives_each_item_its_verdict(web: dict[str, Any]) -> None:
    items = [
        {"location": "BER", "lines": [{"sku": web["lamp"].sku, "quantity": quantity}]} for quantity in (6, 6, 4)
    ] + [
        {"location": "NOWHERE", "lines": [{"sku": web["lamp"].sku, "quantity": 1}]},
        {"location": "BER", "lines": [{"sku": "NOPE", "quantity": 1}]},
    ]
    answer = post(web, "/reservations/batch", {"items": items})
    assert answer.status_code == 200
    document = answer.json()
    assert [item["status"] for item in document["items"]] == ["reserved", "refused", "reserved", "refused", "refused"]
    codes = [item["problem"]["code"] for item in document["items"] if item["status"] == "refused"]
    assert codes == ["insufficient_stock", "unknown_location", "unknown_product"]
    assert (document["reserved"], document["refused"]) == (2, 3)


def test_a_batch_with_a_key_holds_once_and_answers_the_same(web: dict[str, Any]) -> None:
    items = [{"location": "BER", "lines": [{"sku": web["lamp"].sku, "quantity": quantity}]} for quantity in (6, 6)]
    key = str(uuid4())
    first = post(web, "/reservations/batch", {"items": items}, HTTP_IDEMPOTENCY_KEY=key)
    again = post(web, "/reservations/batch", {"items": items}, HTTP_IDEMPOTENCY_KEY=key)
    assert (first.json()["reserved"], first.json()["refused"]) == (1, 1)
    assert (again.status_code, again.content, again["Idempotency-Replayed"]) == (200, first.content, "true")
    other = post(web, "/reservations/batch", {"items": items[:1]}, HTTP_IDEMPOTENCY_KEY=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert get(web, f"/availability?sku={web['lamp'].sku}&location=BER").json()["items"][0]["total_available"] == 4


def test_what_a_batch_refuses_is_looked_for_elsewhere_once(web: dict[str, Any]) -> None:
    """Refusals are explained while others wait for the goods: forty ask no more than one, but for what grew old meanwhile."""

    def counted(items: int) -> int:
        wish = {"location": "BER", "lines": [{"sku": web["lamp"].sku, "quantity": 11}]}
        with CaptureQueriesContext(connection) as queries:
            answer = post(web, "/reservations/batch", {"items": [wish] * items}).json()
        assert answer["refused"] == items
        assert answer["items"][-1]["problem"]["alternatives"][0]["location"] == "MUC"
        return len(queries)

    make.receive(web["lamp"].id, locations.ref("MUC").id, 20)
    counted(1)
    assert counted(40) < counted(1) + 10


def test_a_batch_in_which_nothing_can_be_looked_for_is_answered_all_the_same(web: dict[str, Any]) -> None:
    items = [{"location": "BER", "lines": [{"sku": "NOPE", "quantity": 1}]}]
    document = post(web, "/reservations/batch", {"items": items}).json()
    assert (document["reserved"], document["refused"]) == (0, 1)
    assert document["items"][0]["problem"]["errors"][0]["field"] == "items[0].lines[0].sku"


def test_the_same_idempotency_key_holds_once_and_answers_the_same(web: dict[str, Any]) -> None:
    key = str(uuid4())
    body = {"location": "BER", "lines": [{"sku": web["lamp"].sku, "quantity": 3}]}
    first = post(web, "/reservations", body, HTTP_IDEMPOTENCY_KEY=key)
    again = post(web, "/reservations", body, HTTP_IDEMPOTENCY_KEY=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Idempotency-Replayed"] == "true"
    body["lines"][0]["quantity"] = 4  # type: ignore[index]
    other = post(web, "/reservations", body, HTTP_IDEMPOTENCY_KEY=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert get(web, f"/availability?sku={web['lamp'].sku}&location=BER").json()["items"][0]["total_available"] == 7


def test_another_channel_sees_no_foreign_reservation(web: dict[str, Any]) -> None:
    made = hold(web).json()
    stranger = shop.key(shop.channel())
    for answer in (
        Client().get(f"{API}/reservations/{made['id']}", **stranger.headers),
        Client().delete(f"{API}/reservations/{made['id']}", **stranger.headers),
        Client().post(
            f"{API}/reservations/{made['id']}/extend",
            {"ttl_seconds": 60},
            content_type="application/json",
            **stranger.headers,
        ),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "hold_not_found")


def test_an_expired_reservation_cannot_be_extended(web: dict[str, Any]) -> None:
    made = hold(web, ttl_seconds=60).json()
    with clock.frozen(clock.now() + timedelta(seconds=61)):
        assert get(web, f"/reservations/{made['id']}").json()["state"] == "expired"
        answer = post(web, f"/reservations/{made['id']}/extend", {"ttl_seconds": 600})
    assert (answer.status_code, answer.json()["code"]) == (410, "hold_expired")


def test_a_key_without_the_scope_is_told_which_one_it_lacks(web: dict[str, Any]) -> None:
    reader = shop.key(web["channel"], Scope.AVAILABILITY_READ)
    answer = Client().post(
        f"{API}/stock/receipts",
        {"location": "BER", "lines": [{"sku": web["lamp"].sku, "quantity": 1}], "reason": "x"},
        content_type="application/json",
        **reader.headers,
    )
    assert (answer.status_code, answer.json()["scope"]) == (403, "stock:write")


def test_goods_are_received_by_sku_or_barcode_and_adjusted_with_a_reason(web: dict[str, Any]) -> None:
    lamp, vase = web["lamp"], web["vase"]
    received = post(
        web,
        "/stock/receipts",
        {
            "location": "BER",
            "reason": "delivery 4711",
            "lines": [{"sku": lamp.sku, "quantity": 5}, {"gtin": vase.gtins[0], "quantity": 2}],
        },
    )
    assert received.status_code == 201, received.content
    assert {item["sku"]: item["on_hand"] for item in received.json()["items"]} == {lamp.sku: 15, vase.sku: 12}
    adjusted = post(
        web,
        "/stock/adjustments",
        {"location": "BER", "reason": "broken", "lines": [{"sku": lamp.sku, "delta": -3}]},
    )
    assert adjusted.json()["items"][0]["on_hand"] == 12


def test_an_adjustment_below_the_promises_is_refused_whole(web: dict[str, Any]) -> None:
    hold(web, 8)
    answer = post(
        web,
        "/stock/adjustments",
        {
            "location": "BER",
            "reason": "stolen",
            "lines": [{"sku": web["vase"].sku, "delta": -1}, {"sku": web["lamp"].sku, "delta": -3}],
        },
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "stock_rule_violated")
    assert answer.json()["errors"][0]["field"] == "lines[1]"
    levels = get(web, "/stock?location=BER").json()["items"]
    assert {level["on_hand"] for level in levels} == {10}, "nothing half-done"


@pytest.mark.parametrize("shift", [timedelta(hours=2), timedelta(days=-400)])
def test_a_movement_from_the_future_or_long_ago_is_refused(web: dict[str, Any], shift: timedelta) -> None:
    answer = post(
        web,
        "/stock/receipts",
        {
            "location": "BER",
            "reason": "x",
            "lines": [{"sku": web["lamp"].sku, "quantity": 1}],
            "occurred_at": (clock.now() + shift).isoformat(),
        },
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "occurred_at"


def test_locations_tell_what_they_can_do(web: dict[str, Any]) -> None:
    answer = get(web, "/locations?capability=pickup")
    codes = [item["code"] for item in answer.json()["items"]]
    assert {"BER", "MUC"} <= set(codes)
    again = Client().get(f"{API}/locations?capability=pickup", **web["key"].headers, HTTP_IF_NONE_MATCH=answer["ETag"])
    assert again.status_code == 304
    assert get(web, "/locations/BER").json()["name"] == "Berlin"
    assert get(web, "/locations/NOPE").status_code == 404
