"""The supply part of the API, as an ERP and a supplier see it."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from commerce import catalog, clock
from commerce.roles import Scope
from commerce.transactions import transaction
from inventory import availability
from inventory.models import Discrepancy, PurchaseOrder
from inventory.procurement import suppliers
from inventory.procurement.suppliers import Term
from inventory.purchasing import OrderTerms
from tests.factories import commerce as shop
from tests.factories import supply as make
from tests.inventory.conftest import Shelf

pytestmark = pytest.mark.django_db
API = "/api/v1"


class Erp:
    """A key with the scopes of supply, and the goods of one shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self.key = shop.key(shop.channel("erp"))
        self.shelf = shelf
        self.supplier = make.supplier()
        self.today = clock.now().date()

    def day(self, days: int) -> str:
        return (self.today + timedelta(days=days)).isoformat()

    def send(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        call = getattr(Client(), method)
        if method == "get":
            return call(f"{API}{path}", **self.key.headers)
        return call(f"{API}{path}", body or {}, content_type="application/json", **self.key.headers, **headers)

    def announce(self, reference: str, *lines: tuple[int, str], **more: Any) -> Any:
        body = {
            "location": self.shelf.store.code,
            "lines": [{"sku": self.shelf.sku, "quantity": pieces, "expected_on": day} for pieces, day in lines],
        }
        return self.send("put", f"/expected-deliveries/{self.supplier.code}/{reference}", body | more)

    def incoming(self) -> list[tuple[int, str]]:
        items = self.send("get", f"/stock/incoming?sku={self.shelf.sku}").json()["items"]
        return [(item["quantity"], item["expected_on"]) for item in items]


@pytest.fixture
def erp(shelf: Shelf) -> Erp:
    return Erp(shelf)


# --- what others announce -------------------------------------------------------------------------------------------


def test_a_delivery_is_announced_changed_and_called_off_under_the_suppliers_own_reference(erp: Erp) -> None:
    first = erp.announce("ASN-7", (20, erp.day(5)))
    assert (first.status_code, first.json()["state"], first.json()["source"]) == (200, "ordered", "announced")
    assert erp.incoming() == [(20, erp.day(5))]
    again = erp.announce("ASN-7", (20, erp.day(5)))
    assert (again.json()["id"], again.json()["version"]) == (first.json()["id"], first.json()["version"])
    later = erp.announce("ASN-7", (12, erp.day(9)), (6, erp.day(12)))
    assert later.json()["id"] == first.json()["id"]
    assert erp.incoming() == [(12, erp.day(9)), (6, erp.day(12))]
    gone = erp.send("post", f"/expected-deliveries/{erp.supplier.code}/ASN-7/cancel", {"reason": "sold out"})
    assert (gone.status_code, gone.json()["state"], gone.json()["reason"]) == (200, "cancelled", "sold out")
    assert erp.incoming() == []
    refused = erp.announce("ASN-7", (1, erp.day(9)))
    assert (refused.status_code, refused.json()["code"]) == (409, "purchase_order_state_wrong")


def test_an_older_word_than_the_last_is_refused_and_changes_nothing(erp: Erp) -> None:
    now = clock.now()
    new, old = (now - timedelta(hours=1)).isoformat(), (now - timedelta(hours=2)).isoformat()
    assert erp.announce("A-1", (20, erp.day(5)), as_of=new).status_code == 200
    late = erp.announce("A-1", (99, erp.day(9)), as_of=old)
    assert (late.status_code, late.json()["code"]) == (409, "announcement_outdated")
    off = erp.send(
        "post", f"/expected-deliveries/{erp.supplier.code}/A-1/cancel", {"reason": "late word", "as_of": old}
    )
    assert off.json()["code"] == "announcement_outdated"
    assert erp.incoming() == [(20, erp.day(5))]
    future = erp.announce("A-1", (1, erp.day(5)), as_of=(now + timedelta(hours=1)).isoformat())
    assert (future.status_code, future.json()["errors"][0]["field"]) == (400, "as_of")


def test_a_change_never_undoes_what_has_come(erp: Erp) -> None:
    order = erp.announce("A-1", (20, erp.day(5))).json()
    make.receive(PurchaseOrder.objects.get().pk, (erp.shelf.product_id, 8))
    fewer = erp.announce("A-1", (7, erp.day(5)))
    assert (fewer.status_code, fewer.json()["code"], fewer.json()["received"]) == (409, "received_already", 8)
    done = erp.announce("A-1", (8, erp.day(5)))
    assert (done.json()["state"], done.json()["id"]) == ("received", order["id"])
    assert erp.announce("A-1", (8, erp.day(5))).status_code == 200  # said again after the end
    too_late = erp.send("post", f"/expected-deliveries/{erp.supplier.code}/A-1/cancel", {"reason": "x"})
    assert too_late.json()["code"] == "purchase_order_state_wrong"


def test_a_reference_stays_at_its_place_and_unknown_ones_are_not_found(erp: Erp) -> None:
    erp.announce("A-1", (20, erp.day(5)))
    other = shop_at_other_place(erp)
    assert (other.status_code, other.json()["code"]) == (409, "reference_taken")
    for path in (f"/expected-deliveries/{erp.supplier.code}/A-2", f"/purchase-orders/{uuid4()}"):
        missing = erp.send("get", path)
        assert (missing.status_code, missing.json()["code"]) == (404, "purchase_order_not_found")
    assert erp.send("get", "/expected-deliveries/nobody/A-1").status_code == 404
    known = erp.send("get", f"/expected-deliveries/{erp.supplier.code}/A-1")
    assert known.json()["reference"] == "A-1"
    assert "ETag" in known.headers


def shop_at_other_place(erp: Erp) -> Any:
    from tests.factories import inventory as places

    return erp.announce("A-1", (20, erp.day(5)), location=places.store().code)


def test_a_supplier_delivers_quantities_that_its_own_terms_do_not_offer(erp: Erp) -> None:
    with transaction():
        suppliers.set_terms(
            erp.supplier.id,
            [Term(product_id=erp.shelf.product_id, quantities=OrderTerms(case_pack=12))],
            by=make.TESTER,
        )
    assert erp.announce("A-1", (5, erp.day(5))).status_code == 200


# --- what the house orders ------------------------------------------------------------------------------------------


def test_a_purchase_order_from_draft_to_receipts_by_case_pack(erp: Erp) -> None:
    with transaction():
        catalog.add_gtin(erp.shelf.product_id, "4006381333931", pieces=6, by=make.TESTER)
    body = {
        "supplier": erp.supplier.code,
        "location": erp.shelf.store.code,
        "lines": [{"gtin": "4006381333931", "quantity": 2, "unit_cost_minor": 250}],
        "note": "for spring",
    }
    made = erp.send("post", "/purchase-orders", body, HTTP_IDEMPOTENCY_KEY="po-1")
    assert (made.status_code, made.json()["state"]) == (201, "draft")
    assert made.json()["lines"][0] | {"expected_on": ""} == {
        "number": 1, "sku": erp.shelf.sku, "quantity": 12, "received": 0, "expected_on": "", "unit_cost_minor": 250,
    }  # fmt: skip
    assert erp.send("post", "/purchase-orders", body, HTTP_IDEMPOTENCY_KEY="po-1").json()["id"] == made.json()["id"]
    path = f"/purchase-orders/{made.json()['id']}"
    changed = erp.send("put", path, {"lines": [{"sku": erp.shelf.sku, "quantity": 10}]})
    assert changed.json()["lines"][0]["quantity"] == 10
    assert erp.send("post", f"{path}/order").json()["code"] == "purchase_order_state_wrong"
    assert erp.send("post", f"{path}/approve").json()["allowed_actions"] == ["change", "order", "cancel"]
    assert erp.send("post", f"{path}/order").json()["state"] == "ordered"
    receipt = {
        "lines": [
            {"gtin": "4006381333931", "quantity": 2},
            {"sku": erp.shelf.sku, "quantity": 1, "condition": "damaged"},
        ]
    }
    came = erp.send("post", f"{path}/receipts", receipt, HTTP_IDEMPOTENCY_KEY="r-1")
    assert (came.status_code, came.json()["booked_lines"]) == (201, 2)
    assert came.json()["over"] == [{"sku": erp.shelf.sku, "over": 3}]
    assert came.json()["order"]["state"] == "received"
    assert erp.send("post", f"{path}/receipts", receipt, HTTP_IDEMPOTENCY_KEY="r-1").json() == came.json()
    assert availability.figures([erp.shelf.product_id], at=clock.now())[0].on_hand == 22
    assert Discrepancy.objects.count() == 1
    read = erp.send("get", path)
    assert read.json()["lines"][0]["received"] == 13
    assert Client().get(f"{API}{path}", HTTP_IF_NONE_MATCH=read.headers["ETag"], **erp.key.headers).status_code == 304


def test_orders_are_closed_short_and_cancelled_with_a_reason(erp: Erp) -> None:
    lines = (erp.shelf.product_id, 5)
    short = make.ordered(erp.supplier, erp.shelf.store.id, lines)
    make.receive(short.pk, (erp.shelf.product_id, 2))
    path = f"/purchase-orders/{short.pk}"
    assert erp.send("post", f"{path}/close", {}).json()["errors"][0]["field"] == "reason"
    cancelled = erp.send("post", f"{path}/cancel", {"reason": "no"})
    assert "close it short instead" in cancelled.json()["detail"]
    assert erp.send("post", f"{path}/close", {"reason": "rest is lost"}).json()["state"] == "closed_short"
    assert Discrepancy.objects.get().source == erp.key.key.channel.code
    off = make.ordered(erp.supplier, erp.shelf.store.id, lines)
    assert erp.send("post", f"/purchase-orders/{off.pk}/cancel", {"reason": "no"}).json()["state"] == "cancelled"


def test_orders_are_listed_by_page_and_narrowed(erp: Erp) -> None:
    mine = [make.drafted(erp.supplier, erp.shelf.store.id, (erp.shelf.product_id, 5)) for _ in range(3)]
    erp.announce("A-1", (1, erp.day(3)))
    page = erp.send("get", "/purchase-orders?limit=3").json()
    rest = erp.send("get", f"/purchase-orders?limit=3&cursor={page['next_cursor']}").json()
    assert [len(page["items"]), len(rest["items"]), rest["next_cursor"]] == [3, 1, None]
    assert {item["id"] for item in page["items"] + rest["items"]} >= {str(row.pk) for row in mine}
    drafts = erp.send("get", f"/purchase-orders?state=draft&supplier={erp.supplier.code}").json()["items"]
    assert len(drafts) == 3
    named = erp.send("get", f"/purchase-orders?reference=A-1&location={erp.shelf.store.code}").json()["items"]
    assert [item["source"] for item in named] == ["announced"]
    assert erp.send("get", "/purchase-orders?supplier=nobody").json()["code"] == "unknown_supplier"


def test_suppliers_are_listed_with_calendar_and_what_was_learned(erp: Erp) -> None:
    second = make.supplier("zz-last", order_weekdays=[2, 4], lead_time_days=3)
    page = erp.send("get", "/suppliers?limit=1").json()
    assert page["next_after"] == page["items"][0]["code"] == erp.supplier.code
    [last] = erp.send("get", f"/suppliers?after={page['next_after']}").json()["items"]
    assert (last["code"], last["order_weekdays"], last["lead_time_days"]) == (second.code, [2, 4], 3)
    assert last["next_delivery"]["order_on"] >= erp.day(0)
    assert last["learned_lead_time"] is None
    order = make.ordered(second, erp.shelf.store.id, (erp.shelf.product_id, 5), at=clock.now() - timedelta(days=6))
    make.receive(order.pk, (erp.shelf.product_id, 5))
    learned = erp.send("get", f"/suppliers/{second.code}").json()["learned_lead_time"]
    assert learned == {"mean_days": 6.0, "deviation_days": 0.0, "deliveries": 1}
    assert erp.send("get", "/suppliers/nobody").status_code == 404


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"quantity": 0}, "lines[0].quantity"),
        ({"quantity": 1.5}, "lines[0].quantity"),
        ({"expected_on": "tomorrow"}, "lines[0].expected_on"),
        ({"expected_on": "2199-01-01"}, "lines[0].expected_on"),
        ({"gtin": "4006381333931"}, "lines[0].sku"),
        ({"colour": "red"}, "lines[0].colour"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(erp: Erp, line: dict[str, Any], field: str) -> None:
    body = {"location": erp.shelf.store.code, "lines": [{"sku": erp.shelf.sku, "quantity": 1} | line]}
    answer = erp.send("put", f"/expected-deliveries/{erp.supplier.code}/A-1", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert not PurchaseOrder.objects.exists()


def test_unknown_barcodes_places_and_goods_are_named(erp: Erp) -> None:
    base = {"location": erp.shelf.store.code, "lines": [{"sku": erp.shelf.sku, "quantity": 1}]}
    path = f"/expected-deliveries/{erp.supplier.code}/A-1"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"lines": [{"gtin": "4006381333931", "quantity": 1}]}, "unknown_product"),
        ({"lines": [{"sku": "NOBODY", "quantity": 1}]}, "unknown_product"),
        ({"location": "NOWHERE"}, "unknown_location"),
    ]
    for change, code in wrong:
        assert erp.send("put", path, base | change).json()["code"] == code
    long = erp.send("put", f"/expected-deliveries/{erp.supplier.code}/{'x' * 65}", base)
    assert (long.status_code, long.json()["errors"][0]["field"]) == (400, "reference")


def test_a_key_without_the_scope_is_refused(erp: Erp) -> None:
    reader = shop.key(shop.channel("reader"), Scope.AVAILABILITY_READ)
    assert Client().get(f"{API}/suppliers", **reader.headers).json()["code"] == "missing_scope"
    assert Client().get(f"{API}/stock/incoming?sku={erp.shelf.sku}", **reader.headers).status_code == 200
    body = {"location": erp.shelf.store.code, "lines": [{"sku": erp.shelf.sku, "quantity": 1}]}
    answer = Client().put(
        f"{API}/expected-deliveries/{erp.supplier.code}/A-1", body, content_type="application/json", **reader.headers
    )
    assert answer.status_code == 403
