"""Statements through the API, as a till, an ERP or a marketplace sends them."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from commerce import clock
from commerce.roles import Scope
from commerce.transactions import transaction
from inventory.models import Discrepancy, StockStatement
from inventory.reconciliation import refused, sources
from inventory.reconciliation.sources import Policy, SourceTerms
from inventory.reconciling import Decision, Meaning, SourceKind
from tests.factories import commerce as shop
from tests.factories import inventory as make
from tests.inventory.conftest import BY

PATH = "/api/v1/stock/statements"
LIST = "/api/v1/stock/discrepancies"


@pytest.fixture
def till(db: None) -> dict[str, Any]:
    channel = shop.channel(kind="pos")
    lamp, vase = shop.product(), shop.product(gtins=[shop.barcode(5001), (shop.barcode(5002), 6)])
    store = make.store("BER")
    for product in (lamp, vase):
        make.receive(product.id, store.id, 10)
    terms = SourceTerms(
        name="Till", kind=SourceKind.TILL, channel_id=channel.pk, policies={Meaning.ON_HAND: Policy(Decision.ASK)}
    )
    with transaction():
        sources.set_source("till", terms, by=BY, at=clock.now())
    return {"key": shop.key(channel), "lamp": lamp, "vase": vase}


def body(till: dict[str, Any], *lines: dict[str, Any], **values: Any) -> dict[str, Any]:
    said = {
        "source": "till",
        "id": "S-1",
        "location": "BER",
        "meaning": "on_hand",
        "as_of": clock.utc_text(clock.now()),
    }
    return said | {"lines": list(lines) or [{"sku": till["lamp"].sku, "quantity": 8}]} | values


def post(till: dict[str, Any], document: dict[str, Any], **headers: str) -> Any:
    return Client().post(PATH, document, content_type="application/json", **till["key"].headers, **headers)


def get(till: dict[str, Any], query: str = "") -> Any:
    return Client().get(f"{LIST}{query}", **till["key"].headers)


def test_a_statement_is_answered_with_what_differs(till: dict[str, Any]) -> None:
    answer = post(
        till,
        body(
            till,
            {"sku": till["lamp"].sku, "quantity": 8},
            {"gtin": shop.barcode(5002), "quantity": 1},  # a case of six
            {"gtin": shop.barcode(5001), "quantity": 4},
            {"sku": "NOBODY", "quantity": 1},
            {"gtin": "123", "quantity": 1},
        ),
    )
    assert answer.status_code == 201, answer.content
    document = answer.json()
    assert (document["compared"], document["agreeing"]) == (2, 1)
    [one] = document["differences"]
    assert (one["sku"], one["ours"], one["theirs"], one["decision"]) == (till["lamp"].sku, 10, 8, "ask")
    assert [(line["field"], line["value"]) for line in document["rejected"]] == [
        ("lines[3].sku", "NOBODY"),
        ("lines[4].gtin", "123"),
    ]


def test_the_same_id_is_answered_alike_with_and_without_an_idempotency_key(till: dict[str, Any]) -> None:
    said = body(till)
    first = post(till, said, HTTP_IDEMPOTENCY_KEY="one")
    assert post(till, said).json() == first.json()
    replayed = post(till, said, HTTP_IDEMPOTENCY_KEY="one")
    assert (replayed.json(), replayed.headers["Idempotency-Replayed"]) == (first.json(), "true")
    assert (StockStatement.objects.count(), Discrepancy.objects.count()) == (1, 1)
    other = post(till, said | {"lines": [{"sku": till["lamp"].sku, "quantity": 1}]})
    assert (other.status_code, other.json()["code"]) == (422, "statement_differs")


def test_a_feed_older_than_the_last_one_is_refused_with_a_sentence(till: dict[str, Any]) -> None:
    assert post(till, body(till)).status_code == 201
    older = clock.utc_text(clock.now() - timedelta(hours=1))
    answer = post(till, body(till, id="S-0", as_of=older))
    assert (answer.status_code, answer.json()["code"]) == (409, "statement_outdated")
    assert "newer ones" in answer.json()["detail"]
    assert Discrepancy.objects.get().found == 8


@pytest.mark.parametrize(
    ("values", "status", "code"),
    [
        ({"source": "nobody"}, 422, "statement_not_agreed"),
        ({"meaning": "available"}, 422, "statement_not_agreed"),
        ({"location": "NOWHERE"}, 422, "unknown_location"),
        ({"meaning": "expected"}, 400, "invalid_input"),
        ({"condition": "in_transit"}, 400, "invalid_input"),
        ({"as_of": "2026-11-21T10:00:00"}, 400, "invalid_input"),
        ({"lines": []}, 400, "invalid_input"),
        ({"lines": [{"sku": "NOBODY", "quantity": 1}]}, 422, "unknown_product"),
        ({"lines": [{"sku": "X", "gtin": "1", "quantity": 1}]}, 400, "invalid_input"),
        ({"lines": [{"sku": "X", "quantity": 1.5}]}, 400, "invalid_input"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    till: dict[str, Any], values: dict[str, Any], status: int, code: str
) -> None:
    answer = post(till, body(till) | values)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert StockStatement.objects.count() == 0


def test_a_line_named_twice_keeps_its_first_figure(till: dict[str, Any]) -> None:
    sku = till["lamp"].sku
    document = post(till, body(till, {"sku": sku, "quantity": 8}, {"sku": sku, "quantity": 3})).json()
    assert (document["differences"][0]["theirs"], document["rejected"][0]["message"]) == (
        8,
        "was named before in this statement",
    )


def test_another_channel_neither_speaks_for_a_source_nor_sees_its_differences(till: dict[str, Any]) -> None:
    post(till, body(till))
    stranger = till | {"key": shop.key()}
    assert post(stranger, body(till, id="S-2")).json()["code"] == "statement_not_agreed"
    assert get(stranger).json()["items"] == []
    assert len(get(till).json()["items"]) == 1
    assert get(till | {"key": shop.key(None, Scope.STOCK_WRITE)}).status_code == 403


def test_differences_are_listed_by_page_and_by_filter(till: dict[str, Any]) -> None:
    lines = [{"sku": till["lamp"].sku, "quantity": 8}, {"sku": till["vase"].sku, "quantity": 11}]
    post(till, body(till, *lines))
    first = get(till, "?limit=1").json()
    second = get(till, f"?limit=1&after={first['next_after']}").json()
    found = [*first["items"], *second["items"]]
    assert {(one["sku"], one["left"], one["location"]) for one in found} == {
        (till["lamp"].sku, -2, "BER"),
        (till["vase"].sku, 1, "BER"),
    }
    assert second["next_after"] is None
    assert [one["sku"] for one in get(till, f"?sku={till['vase'].sku}").json()["items"]] == [till["vase"].sku]
    assert get(till, "?state=repaired").json()["items"] == []


def test_many_lines_take_as_many_queries_as_few(till: dict[str, Any], django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    lines = [{"sku": product.sku, "quantity": 1} for product in shop.products(60)]
    post(till, body(till, id="S-0"))
    with django_assert_max_num_queries(26):
        assert len(post(till, body(till, *lines)).json()["differences"]) == 60


def test_figures_that_were_refused_stay_to_be_seen_until_newer_ones_were_read(till: dict[str, Any]) -> None:
    now = clock.now()
    assert post(till, body(till, as_of=clock.utc_text(now - timedelta(hours=1)))).status_code == 201
    for _ in range(2):
        answer = post(till, body(till, id="S-0", as_of=clock.utc_text(now - timedelta(hours=2))))
        assert (answer.status_code, answer.json()["code"]) == (409, "statement_outdated")
    found = refused.listed()
    assert [(one.source, one.reference, one.code, one.times, one.stands) for one in found] == [
        ("till", "S-0", "statement_outdated", 2, True)
    ]
    assert "newer ones of" in found[0].sentence
    assert post(till, body(till, id="S-2")).status_code == 201
    assert refused.listed(only_standing=True) == []
    assert [one.stands for one in refused.listed(source="till")] == [False]


def test_what_is_not_agreed_is_kept_once_and_nobody_fills_anothers_page(till: dict[str, Any]) -> None:
    unagreed = body(till, meaning="available")
    for _ in range(2):  # with a key the second is a replay: nothing is looked at again
        assert post(till, unagreed, HTTP_IDEMPOTENCY_KEY="once").status_code == 422
    assert [(one.code, one.times) for one in refused.listed()] == [("statement_not_agreed", 1)]
    stranger = shop.key(shop.channel(kind="pos"))
    answer = Client().post(PATH, body(till, id="S-9"), content_type="application/json", **stranger.headers)
    assert answer.status_code == 422
    assert len(refused.listed()) == 1


def test_what_was_refused_is_bounded_and_forgotten(till: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused, "MOST_KEPT", 2)
    for number in range(3):
        post(till, body(till, id=f"S-{number}", meaning="available"))
    assert {one.reference for one in refused.listed()} == {"S-1", "S-2"}
    with transaction():
        assert refused.forget(at=clock.now() + timedelta(days=29), at_most=10) == 0
        assert refused.forget(at=clock.now() + timedelta(days=31), at_most=10) == 2
