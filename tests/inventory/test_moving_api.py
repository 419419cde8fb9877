"""Transfers, returns, write-offs, conditions and corrections, as an ERP or a till sends them."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from commerce import catalog, clock, gtin, kits
from commerce.models import AuditEntry
from commerce.roles import Scope
from commerce.transactions import transaction
from inventory.models import StockEntry
from tests.factories import commerce as shop
from tests.factories import inventory as make

API = "/api/v1"
CASE = gtin.with_check_digit("4098765432101"[:12])


@pytest.fixture
def web(db: None) -> dict[str, Any]:
    lamp, vase = shop.product(), shop.product()
    with transaction():
        catalog.add_gtin(lamp.id, CASE, pieces=12, by=make.TESTER)
    berlin, munich = make.store("BER"), make.store("MUC")
    make.receive(lamp.id, berlin.id, 40)
    return {"key": shop.key(shop.channel()), "lamp": lamp, "vase": vase, "berlin": berlin, "munich": munich}


def post(web: dict[str, Any], path: str, body: object, **headers: str) -> Any:
    return Client().post(f"{API}{path}", body, content_type="application/json", **web["key"].headers, **headers)


def get(web: dict[str, Any], path: str) -> Any:
    return Client().get(f"{API}{path}", **web["key"].headers)


def draft(web: dict[str, Any], *lines: dict[str, Any], **more: Any) -> Any:
    wanted = list(lines) or [{"sku": web["lamp"].sku, "quantity": 4}]
    day = clock.now().date().isoformat()
    body = {"origin": "BER", "destination": "MUC", "lines": wanted, "expected_on": day, **more}
    return post(web, "/transfers", body)


def sent(web: dict[str, Any]) -> str:
    number: str = draft(web).json()["id"]
    assert post(web, f"/transfers/{number}/send", {}).status_code == 200
    return number


def levels(web: dict[str, Any], place: str) -> dict[str, int]:
    rows = get(web, f"/stock?sku={web['lamp'].sku}&location={place}").json()["items"]
    return {row["condition"]: row["on_hand"] for row in rows if row["on_hand"]}


# --- transfers ------------------------------------------------------------------------------------------------------


def test_a_case_pack_counts_its_pieces(web: dict[str, Any]) -> None:
    answer = draft(web, {"gtin": CASE, "quantity": 2}, {"sku": web["lamp"].sku, "quantity": 3})
    assert answer.status_code == 201
    [line] = answer.json()["lines"]
    assert (line["quantity"], line["pack"], line["open"]) == (27, 12, 27)
    assert answer.json()["allowed_actions"] == ["change", "send", "cancel"]
    assert levels(web, "BER") == {"sellable": 40}


def test_a_transfer_goes_its_way(web: dict[str, Any]) -> None:
    number = sent(web)
    assert levels(web, "MUC") == {"in_transit": 4}
    line = {"sku": web["lamp"].sku, "quantity": 2}
    part = post(web, f"/transfers/{number}/receipts", {"lines": [line, line | {"quantity": 1, "condition": "damaged"}]})
    assert (part.status_code, part.json()["state"]) == (201, "partly_received")
    assert levels(web, "MUC") == {"in_transit": 1, "sellable": 2, "damaged": 1}
    later = {"expected_on": "2099-01-01", "reason": "snow"}
    assert post(web, f"/transfers/{number}/expect", later).json()["expected_on"] == "2099-01-01"
    refusal = post(web, f"/transfers/{number}/close", {})
    assert (refusal.status_code, refusal.json()["code"]) == (409, "difference_unexplained")
    reasons = {"differences": [{"sku": web["lamp"].sku, "reason": "left_behind"}], "note": "found under the table"}
    ended = post(web, f"/transfers/{number}/close", reasons).json()
    assert (ended["state"], ended["lines"][0]["returned"]) == ("received", 1)
    assert levels(web, "BER") == {"sellable": 37}
    read = get(web, f"/transfers/{number}")
    assert read.json() == ended
    assert Client().get(
        f"{API}/transfers/{number}", HTTP_IF_NONE_MATCH=read["ETag"], **web["key"].headers
    ).status_code == 304  # fmt: skip


def test_a_transfer_received_twice_is_received_once(web: dict[str, Any]) -> None:
    number, key = sent(web), str(uuid4())
    body = {"lines": [{"sku": web["lamp"].sku, "quantity": 4}]}
    answers = [post(web, f"/transfers/{number}/receipts", body, HTTP_IDEMPOTENCY_KEY=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    again = post(web, f"/transfers/{number}/receipts", body)
    assert (again.status_code, again.json()["code"]) == (409, "transfer_state_wrong")
    assert levels(web, "MUC") == {"sellable": 4}


def test_what_can_not_have_arrived_is_refused_in_words(web: dict[str, Any]) -> None:
    number = sent(web)
    for line, status, code in (
        ({"sku": web["lamp"].sku, "quantity": 5}, 409, "more_than_sent"),
        ({"gtin": CASE, "quantity": 1}, 409, "more_than_sent"),
        ({"sku": web["vase"].sku, "quantity": 1}, 409, "not_on_transfer"),
        ({"sku": "NOBODY", "quantity": 1}, 422, "unknown_product"),
        ({"gtin": shop.barcode(), "quantity": 1}, 422, "unknown_product"),
        ({"sku": web["lamp"].sku, "quantity": 0}, 400, "invalid_input"),
        ({"sku": web["lamp"].sku, "quantity": 1, "condition": "in_transit"}, 400, "invalid_input"),
        ({"sku": web["lamp"].sku, "gtin": CASE, "quantity": 1}, 400, "invalid_input"),
    ):
        answer = post(web, f"/transfers/{number}/receipts", {"lines": [line]})
        assert (answer.status_code, answer.json()["code"]) == (status, code), line
        assert answer.json()["detail"]
    assert levels(web, "MUC") == {"in_transit": 4}


def test_a_transfer_that_can_not_be_is_refused(web: dict[str, Any]) -> None:
    for more, status, code in (
        ({"destination": "BER"}, 400, "invalid_input"),
        ({"destination": "NOWHERE"}, 422, "unknown_location"),
        ({"expected_on": "soon"}, 400, "invalid_input"),
        ({"condition": "in_transit"}, 400, "invalid_input"),
        ({"lines": []}, 400, "invalid_input"),
        ({"to": "MUC"}, 400, "invalid_input"),
    ):
        answer = draft(web, **more)
        assert (answer.status_code, answer.json()["code"]) == (status, code), more
    much = draft(web, {"sku": web["lamp"].sku, "quantity": 41}).json()["id"]
    answer = post(web, f"/transfers/{much}/send", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_free_to_move")
    assert answer.json()["lines"][0]["free"] == 40
    assert post(web, f"/transfers/{uuid4()}/send", {}).status_code == 404


def test_a_cancelled_transfer_is_back_where_it_left(web: dict[str, Any]) -> None:
    number = sent(web)
    assert post(web, f"/transfers/{number}/cancel", {}).status_code == 400
    assert post(web, f"/transfers/{number}/cancel", {"reason": "wrong store"}).json()["state"] == "cancelled"
    assert levels(web, "BER") == {"sellable": 40}


def test_transfers_are_listed_by_page_and_state(web: dict[str, Any]) -> None:
    first, second = draft(web).json()["id"], sent(web)
    page = get(web, "/transfers?limit=1").json()
    assert [one["id"] for one in page["items"]] == [first]
    page = get(web, f"/transfers?limit=1&after={page['next_after']}").json()
    assert [one["id"] for one in page["items"]] == [second]
    assert page["next_after"] is None
    assert [one["id"] for one in get(web, "/transfers?state=sent,partly_received").json()["items"]] == [second]
    assert get(web, "/transfers?origin=MUC").json()["items"] == []
    assert len(get(web, "/transfers?destination=MUC").json()["items"]) == 2
    assert get(web, "/transfers?state=lost").status_code == 400


def test_transfers_need_their_scope(web: dict[str, Any]) -> None:
    number = sent(web)
    other = web | {"key": shop.key(shop.channel(), Scope.STOCK_WRITE)}
    body = {"lines": [{"sku": web["lamp"].sku, "quantity": 1}]}
    for answer in (
        draft(other), get(other, "/transfers"), get(other, f"/transfers/{number}"),
        post(other, f"/transfers/{number}/receipts", body),
        *(post(other, f"/transfers/{number}/{verb}", {}) for verb in ("send", "expect", "close", "cancel")),
    ):  # fmt: skip
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


# --- movements at one place -----------------------------------------------------------------------------------------


def test_goods_come_back_change_their_condition_and_are_written_off_once_per_key(web: dict[str, Any]) -> None:
    line = {"sku": web["lamp"].sku, "quantity": 2}
    steps: list[tuple[str, dict[str, Any]]] = [
        ("returns", {"reason": "did not fit", "lines": [line | {"condition": "quality_control"}]}),
        ("reclassifications", {
            "reason": "scratched", "lines": [line | {"quantity": 1, "condition": "quality_control", "to": "damaged"}],
        }),
        ("write-offs", {"reason": "disposed", "note": "broken", "lines": [line | {"quantity": 1, "condition": "damaged"}]}),
    ]  # fmt: skip
    for path, body in steps:
        key = str(uuid4())
        for _ in range(2):
            answer = post(web, f"/stock/{path}", {"location": "BER", **body}, HTTP_IDEMPOTENCY_KEY=key)
            assert (answer.status_code, answer.json()["booked_lines"]) == (201, 1), answer.json()
    assert levels(web, "BER") == {"sellable": 40, "quality_control": 1}


def test_movements_that_can_not_be_are_refused_and_book_nothing(web: dict[str, Any]) -> None:
    line = {"sku": web["lamp"].sku, "quantity": 1}
    for path, body, status, code in (
        ("write-offs", {"reason": "boredom", "lines": [line]}, 400, "invalid_input"),
        ("write-offs", {"reason": "stolen", "lines": [line | {"quantity": 41}]}, 409, "not_free_to_move"),
        ("write-offs", {"reason": "stolen", "lines": [{"gtin": shop.barcode(), "quantity": 1}]}, 422, "unknown_product"),
        ("returns", {"reason": "x", "lines": [line]}, 400, "invalid_input"),
        ("returns", {"reason": "x", "lines": [line | {"condition": "in_transit"}]}, 400, "invalid_input"),
        (
            "reclassifications", {"reason": "x", "lines": [line | {"condition": "sellable", "to": "sellable"}]},
            400, "invalid_input",
        ),
        ("corrections", {"reason": "x", "entry": str(uuid4())}, 404, "entry_not_found"),
    ):  # fmt: skip
        at = {} if path == "corrections" else {"location": "BER"}
        answer = post(web, f"/stock/{path}", at | body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (path, answer.json())
    assert levels(web, "BER") == {"sellable": 40}


def test_a_wrong_receipt_is_corrected_once(web: dict[str, Any]) -> None:
    wrong = str(StockEntry.objects.get().id)
    answer = post(web, "/stock/corrections", {"entry": wrong, "reason": "typed twice"})
    assert (answer.status_code, answer.json()["corrects"]) == (201, wrong)
    assert levels(web, "BER") == {}
    again = post(web, "/stock/corrections", {"entry": wrong, "reason": "typed twice"})
    assert (again.status_code, again.json()["code"]) == (409, "not_correctable")


def test_movements_need_their_scope(web: dict[str, Any]) -> None:
    other = web | {"key": shop.key(shop.channel(), Scope.TRANSFERS_WRITE)}
    for path in ("returns", "write-offs", "reclassifications", "corrections"):
        assert post(other, f"/stock/{path}", {}).status_code == 403


# --- shelves ----------------------------------------------------------------------------------------------------------


def shelve(web: dict[str, Any], *lines: dict[str, Any], **headers: str) -> Any:
    return post(web, "/stock/shelves", {"location": "BER", "reason": "new racks", "lines": list(lines)}, **headers)


def test_goods_are_put_away_moved_and_taken_off_once(web: dict[str, Any]) -> None:
    lamp, vase = web["lamp"].sku, web["vase"].sku
    before = StockEntry.objects.count()
    answer = shelve(web, {"sku": lamp, "shelf": "a-1"}, {"gtin": CASE, "shelf": "B-2"}, {"sku": vase, "shelf": "A-1"})
    assert answer.status_code == 200, answer.content
    assert answer.json()["items"] == [{"sku": lamp, "shelves": ["A-1", "B-2"]}, {"sku": vase, "shelves": ["A-1"]}]
    for _ in range(2):
        moved = shelve(
            web, {"sku": lamp, "shelf": "C-3", "away_from": "A-1"}, {"sku": vase, "away_from": "A-1"},
            HTTP_IDEMPOTENCY_KEY="racks",
        )  # fmt: skip
        assert moved.json()["items"] == [{"sku": lamp, "shelves": ["C-3", "B-2"]}, {"sku": vase, "shelves": []}]
    assert get(web, "/stock/shelves?location=BER&shelf=b-2").json()["items"] == [
        {"sku": lamp, "shelves": ["C-3", "B-2"]}
    ]
    assert get(web, f"/stock/shelves?location=BER&sku={vase}").json()["items"] == [{"sku": vase, "shelves": []}]
    entry = AuditEntry.objects.get(verb="inventory.shelves.relocate")
    assert (entry.reason, entry.actor_kind) == ("new racks", "channel")
    assert StockEntry.objects.count() == before, "shelves have no quantities"


@pytest.mark.parametrize(
    ("line", "status", "field"),
    [
        ({"shelf": "A;1"}, 400, "lines[1].shelf"),
        ({"shelf": "C-3", "away_from": "X-9"}, 400, "lines[1].shelf"),
        ({}, 400, "lines[1].shelf"),
        ({"shelf": "A" * 21}, 400, "lines[1].shelf"),
    ],
)
def test_one_wrong_line_puts_nothing_away(web: dict[str, Any], line: dict[str, Any], status: int, field: str) -> None:
    sku = web["lamp"].sku
    refused = shelve(web, {"sku": sku, "shelf": "A-1"}, {"sku": sku, **line})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (status, field)
    assert get(web, f"/stock/shelves?location=BER&sku={sku}").json()["items"] == [{"sku": sku, "shelves": []}]


def test_a_kit_lies_nowhere_and_a_question_names_one_thing(web: dict[str, Any]) -> None:
    with transaction():
        kit = kits.add_kit(sku="SET", name="Set", components=[(web["lamp"].sku, 2)], by=make.TESTER)
    assert shelve(web, {"sku": kit.sku, "shelf": "A-1"}).json()["code"] == "not_goods"
    assert get(web, "/stock/shelves?location=BER").status_code == 400
