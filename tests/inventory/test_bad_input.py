"""What must not harm the ledger: the list of bad input, one by one, through the API and on the screen.

Every refusal is a sentence that names what was wrong and the way out, and afterwards all laws of the ledger hold.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from commerce import clock
from commerce.models import Channel
from commerce.operations import checks
from commerce.roles import Role
from commerce.transactions import transaction
from inventory import allocations, availability
from inventory.models import (
    BufferRule,
    CountFinding,
    CountRecord,
    DemandDay,
    ReplenishmentProposal,
    ReplenishmentRule,
    StockEntry,
    StockStatement,
    Supplier,
)
from inventory.places import locations
from inventory.promising import promises
from inventory.reconciliation import sources
from inventory.reconciliation.sources import Policy, SourceTerms
from inventory.reconciling import Decision, Meaning, SourceKind
from inventory.replenishment import demand, forecasts, proposals, rules
from inventory.sharing import buffer_rules
from inventory.stock import EntryKind
from tests.factories import commerce as ground
from tests.factories import inventory as make
from tests.factories import past_sales, supply
from tests.inventory.conftest import BY, Shelf
from tests.inventory.test_admin_supply import supplier_form
from tests.inventory.test_staff_sharing import text_of

pytestmark = pytest.mark.django_db

NOON = datetime(2031, 6, 4, 10, tzinfo=UTC)  # a Wednesday, after all that a shelf got before
UNKNOWN = "4006381333931"


@dataclass
class Doors:
    """A channel's key and people who are signed in, over one shelf of ten lamps."""

    shelf: Shelf
    headers: dict[str, str]

    def api(self, method: str, path: str, body: Any = None) -> Any:
        text = "" if body is None else json.dumps(body)
        return Client().generic(method, f"/api/v1/{path}", text, "application/json", **self.headers)

    def refused(self, method: str, path: str, body: Any, status: int) -> dict[str, Any]:
        """Return the problem with which the API answers."""
        answer = self.api(method, path, body)
        assert answer.status_code == status, answer.content
        problem: dict[str, Any] = answer.json()
        return problem

    def person(self, role: Role, place: int | None) -> Client:
        user = ground.user()
        with transaction():
            locations.assign(user, role, place, by=BY)
        client = Client()
        client.force_login(user)
        return client


@pytest.fixture
def doors(shelf: Shelf) -> Iterator[Doors]:
    with clock.frozen(NOON):
        yield Doors(shelf, ground.key(Channel.objects.get(pk=shelf.channel_id)).headers)


@pytest.fixture
def unharmed(doors: Doors) -> Iterator[Callable[[], None]]:
    """Nothing is booked by what is refused, and every law holds at the end."""
    before = [StockEntry.objects.count()]

    def booked() -> None:
        before[0] = StockEntry.objects.count()

    yield booked
    assert StockEntry.objects.count() == before[0]
    assert not checks.run()


def says(answer: HttpResponse, *words: str) -> None:
    """Assert that a page tells all of it."""
    page = text_of(answer)
    for one in words:
        assert one in page, page


# --- counts and transfers -------------------------------------------------------------------------------------------


def test_a_count_of_an_unknown_barcode(doors: Doors, unharmed: Any) -> None:
    count = doors.api("POST", "counts", {"location": doors.shelf.store.code, "kind": "free"}).json()
    figure = {"id": str(uuid4()), "code": UNKNOWN, "quantity": 3, "counted_at": clock.utc_text(clock.now())}
    (one,) = doors.api("POST", f"counts/{count['id']}/records", {"records": [figure]}).json()["results"]
    assert (one["outcome"], one["finding"], one["sku"]) == ("finding", "unknown", None)
    assert "it is kept" in one["message"]
    clerk = doors.person(Role.CLERK, doors.shelf.store.id)
    scanned = clerk.post(
        reverse("inventory-staff:count-scan", args=[count["id"]]),
        {"text": UNKNOWN, "scan_id": str(uuid4()), "scanned_at": clock.now().isoformat()},
        headers={"HX-Request": "true"},
    )
    says(scanned, f"No product has the code {UNKNOWN}. It is kept as a find")
    assert [one.text for one in CountFinding.objects.all()] == [UNKNOWN, UNKNOWN]
    assert not CountRecord.objects.exists()


def test_a_transfer_received_twice(doors: Doors, unharmed: Callable[[], None]) -> None:
    shelf, other = doors.shelf, make.store(name="Far store")
    sent = make.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    body = {"lines": [{"sku": shelf.sku, "quantity": 4}]}
    assert doors.api("POST", f"transfers/{sent.id}/receipts", body).status_code == 201
    unharmed()
    problem = doors.refused("POST", f"transfers/{sent.id}/receipts", body, 409)
    assert (problem["code"], problem["state"], problem["allowed_actions"]) == ("transfer_state_wrong", "received", [])
    assert problem["detail"] == (
        f"Transfer {sent.number} is received: it has ended; make another transfer for what is to go on."
    )
    clerk = doors.person(Role.CLERK, other.id)
    again = clerk.post(
        f"/staff/transfers/{sent.id}/book/",
        {"arrival_id": str(uuid4()), "sku": shelf.sku, "quantity": "4", "condition": "sellable"},
    )
    assert again.status_code == 409
    says(again, "moved on in the meantime. Look at its new state", "4 / 4 pieces")


def test_more_is_received_than_was_sent(doors: Doors, unharmed: Callable[[], None]) -> None:
    shelf, other = doors.shelf, make.store(name="Far store")
    sent = make.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    unharmed()
    problem = doors.refused(
        "POST", f"transfers/{sent.id}/receipts", {"lines": [{"sku": shelf.sku, "quantity": 5}]}, 409
    )
    assert (problem["code"], problem["lines"]) == (
        "more_than_sent", [{"sku": shelf.sku, "sent": 4, "open": 4, "arrived": 5}],
    )  # fmt: skip
    assert "4 were sent and 4 are still on the way; 5 can’t have arrived. Count again" in problem["detail"]
    clerk = doors.person(Role.CLERK, other.id)
    too_many = clerk.post(
        f"/staff/transfers/{sent.id}/book/",
        {"arrival_id": str(uuid4()), "sku": shelf.sku, "quantity": "5", "condition": "sellable"},
    )
    assert too_many.status_code == 409
    says(too_many, "Too many", "4", "Count again")


# --- feeds ----------------------------------------------------------------------------------------------------------


def test_a_feed_older_than_the_last_one(doors: Doors, unharmed: Any) -> None:
    shelf = doors.shelf
    terms = SourceTerms(
        name="The till", kind=SourceKind.TILL, channel_id=shelf.channel_id,
        policies={Meaning.ON_HAND: Policy(Decision.ASK)},
    )  # fmt: skip
    with transaction():
        sources.set_source("till", terms, by=BY, at=clock.now())

    def body(number: int, at: datetime, quantity: int) -> dict[str, Any]:
        return {
            "source": "till", "id": f"S-{number}", "location": shelf.store.code, "meaning": "on_hand",
            "as_of": clock.utc_text(at), "lines": [{"sku": shelf.sku, "quantity": quantity}],
        }  # fmt: skip

    assert doors.api("POST", "stock/statements", body(2, NOON, 8)).status_code == 201
    problem = doors.refused("POST", "stock/statements", body(1, NOON - timedelta(hours=1), 1), 409)
    assert problem["code"] == "statement_outdated"
    assert (
        "These figures are of 2031-06-04T09:00:00Z, but newer ones of 2031-06-04T10:00:00Z (statement S-2)"
        in (problem["detail"])
    )
    assert problem["detail"].endswith("Send current figures.")
    assert list(StockStatement.objects.values_list("reference", flat=True)) == ["S-2"]
    merchandiser = doors.person(Role.MERCHANDISER, None)
    says(merchandiser.get(reverse("inventory-staff:discrepancies")), "ours 10 → found 8")
    says(
        merchandiser.get(reverse("inventory-staff:statement-sources")),
        "The till",
        "1 refused since",
        "but newer ones of",
    )


# --- rules of sharing -----------------------------------------------------------------------------------------------


def test_rules_that_contradict_each_other(doors: Doors, unharmed: Any) -> None:
    rule = {"kind": "fixed", "amount": 3, "sku": doors.shelf.sku, "location": doors.shelf.store.code}
    first = doors.api("POST", "sharing/rules", {"name": "Keep three"} | rule).json()
    assert doors.api("POST", f"sharing/rules/{first['id']}/activate", {}).status_code == 200
    second = doors.api("POST", "sharing/rules", {"name": "Keep five"} | rule | {"amount": 5}).json()
    assert [(one["how"], one["rule"], bool(one["text"])) for one in second["contradictions"]] == [
        ("equal_rank", first["id"], True)
    ]
    page = doors.person(Role.MERCHANDISER, None).get(f"/staff/sharing/rules/{second['id']}/")
    says(page, "“Keep five” and “Keep three” are about the same", "The stricter one counts")
    # Of reordering: a target below the point at which is ordered never ends.
    numbers = {"name": "Weekly", "reorder_point": 9, "target_level": 4}
    problem = doors.refused("POST", "replenishment/rules", numbers, 422)
    assert problem["errors"][0]["field"] == "target_level"
    assert problem["errors"][0]["value"] == 4
    form = doors.person(Role.MERCHANDISER, None).post(reverse("inventory-staff:replenishment-rule-new"), RULE | numbers)
    assert form.status_code == 422
    says(form, "contradicts itself or another rule")
    assert not ReplenishmentRule.objects.exists()


RULE: dict[str, Any] = {
    "name": "Weekly", "service_level_percent": "95", "review_days": "7", "lead_time_days": "7",
    "lead_time_deviation_days": "0", "safety_stock": "0", "case_pack": "1", "lot_size": "1", "minimum_order": "1",
    "transfer_radius_km": "0", "is_active": "on",
}  # fmt: skip


def test_percentages_over_100(doors: Doors, unharmed: Any) -> None:
    over = {"name": "Too much", "kind": "percentage", "amount": 101}
    (error,) = doors.refused("POST", "sharing/rules", over, 400)["errors"]
    assert (error["field"], str(error["value"])) == ("amount", "101")
    assert "between 1 and 100" in error["message"]
    merchandiser = doors.person(Role.MERCHANDISER, None)
    page = merchandiser.post("/staff/sharing/rules/new/", over | {"purpose": "buffer"})
    assert page.status_code == 422
    says(page, "A percentage lies between 1 and 100")
    assert not BufferRule.objects.exists()
    (error,) = doors.refused("POST", "replenishment/rules", {"name": "All", "service_level_percent": 130}, 400)[
        "errors"
    ]
    assert error["field"] == "service_level_percent"
    form = merchandiser.post(reverse("inventory-staff:replenishment-rule-new"), RULE | {"service_level_percent": "130"})
    says(form, "less than or equal to 99.9")
    assert not ReplenishmentRule.objects.exists()


def test_a_buffer_that_withholds_everything(doors: Doors, unharmed: Any) -> None:
    shelf = doors.shelf
    draft = doors.api("POST", "sharing/rules", {"name": "All of it", "kind": "percentage", "amount": 100}).json()
    assert draft["needs_words"] is True
    problem = doors.refused("POST", f"sharing/rules/{draft['id']}/activate", {}, 409)
    assert (problem["code"], problem["words"]) == ("confirmation_needed", "All of it")
    assert "withholds everything in its scope. Write 'All of it' to confirm that" in problem["detail"]
    page = doors.person(Role.MERCHANDISER, None).post(f"/staff/sharing/rules/{draft['id']}/activate/", {"words": "yes"})
    assert page.status_code == 409
    says(page, "Write “All of it” to confirm")

    def seen(channel: int | None) -> int:
        return availability.figures([shelf.product_id], channel_id=channel, at=clock.now())[0].available

    assert seen(shelf.channel_id) == 10
    assert doors.api("POST", f"sharing/rules/{draft['id']}/activate", {"words": "All of it"}).status_code == 200
    assert (seen(shelf.channel_id), seen(None)) == (0, 10), "confirmed it holds, and the goods are where they were"


# --- reordering -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sales", [[0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1], [0] * 12])
def test_a_forecast_on_three_sales_or_on_none(doors: Doors, sales: list[int]) -> None:
    shelf = doors.shelf
    with transaction():
        rules.add_rule(name="Weekly", reorder_point=20, target_level=30, by=BY, at=clock.now())
    past_sales.sold(shelf.product_id, shelf.store.id, sales, until=clock.now(), left=1)
    list(demand.count_all())
    forecasts.run(at=clock.now(), uplifts=rules.Book().uplifts)
    proposals.run(by=BY, at=clock.now())
    (item,) = doors.api("GET", f"replenishment/proposals?location={shelf.store.code}").json()["items"]
    assert item["inputs"]["demand_class"] == ("new" if any(sales) else "none")
    assert item["quantity"] >= 0
    row = ReplenishmentProposal.objects.get()
    page = doors.person(Role.STORE_MANAGER, shelf.store.id).get(
        reverse("inventory-staff:replenishment-proposal", args=[row.pk])
    )
    says(page, "The history is short" if any(sales) else shelf.sku)
    assert not checks.run()


def test_negative_lead_times(doors: Doors, unharmed: Any) -> None:
    (error,) = doors.refused("POST", "replenishment/rules", {"name": "Before", "lead_time_days": -3}, 400)["errors"]
    assert (error["field"], error["value"]) == ("lead_time_days", -3)
    form = doors.person(Role.MERCHANDISER, None).post(
        reverse("inventory-staff:replenishment-rule-new"), RULE | {"lead_time_days": "-3"}
    )
    assert form.status_code == 422
    says(form, "greater than or equal to 0")
    made = supply.supplier("LAMPCO")
    page = doors.person(Role.MERCHANDISER, None).post(
        reverse("admin:inventory_supplier_change", args=[made.id]), supplier_form(code="LAMPCO", lead_time_days="-3")
    )
    assert page.status_code == 200
    says(page, "greater than or equal to 0")
    assert Supplier.objects.get().lead_time_days == 7
    assert not ReplenishmentRule.objects.exists()


# --- clocks ---------------------------------------------------------------------------------------------------------

CAIRO = ZoneInfo("Africa/Cairo")  # changes its clocks at midnight: on 24 April 2026 there is no hour after it
SPRING, AUTUMN = datetime(2026, 4, 23, 22, tzinfo=UTC), datetime(2026, 10, 29, 21, tzinfo=UTC)


@pytest.mark.parametrize("change", [SPRING, AUTUMN])
def test_clocks_that_change_at_midnight(change: datetime) -> None:
    store = make.store("CAI", time_zone="Africa/Cairo", city="Cairo")
    lamp, channel = ground.product("LAMP"), ground.channel()
    with clock.frozen(change - timedelta(days=8)):
        make.receive(lamp.id, store.id, 30)
    minutes = (-61, -1, 0, 1, 59, 61)
    for one in minutes:
        with clock.frozen(change + timedelta(minutes=one)):
            shelf = Shelf(lamp.id, lamp.sku, store, channel.pk)
            promise = shelf.allocate(1)
            with transaction():
                allocations.leave([(promise, 1)], kind=EntryKind.HANDED_OVER, by=BY, at=clock.now())
    with clock.frozen(change + timedelta(hours=3)):
        list(demand.count_all())
        days = dict(DemandDay.objects.filter(sold__gt=0).values_list("day", "sold"))
        assert sum(days.values()) == len(minutes), (
            "each sale is counted once, the hour that is missing or comes twice included"
        )
        assert set(days) == {(change + timedelta(minutes=one)).astimezone(CAIRO).date() for one in minutes}
        headers = ground.key(channel).headers
        rule = {"name": "Nights", "kind": "cap", "amount": 1, "daily_from": "23:00", "daily_until": "01:00"}
        answer = Client().post("/api/v1/sharing/rules", rule, content_type="application/json", **headers)
        assert answer.status_code == 201, answer.content
        with transaction():
            buffer_rules.activate(answer.json()["id"], by=BY, at=clock.now())

    def shown(minutes: int) -> int:
        at = change + timedelta(minutes=minutes)
        with clock.frozen(at):
            return availability.figures([lamp.id], channel_id=channel.pk, at=at)[0].available

    wall = {one: (change + timedelta(minutes=one)).astimezone(CAIRO).hour for one in (-90, -30, 30, 90, 150)}
    assert {one: shown(one) for one in wall} == {one: 1 if hour in (23, 0) else 24 for one, hour in wall.items()}
    assert not checks.run()


def test_a_day_whose_midnight_does_not_exist_is_promised_all_the_same() -> None:
    with clock.frozen(datetime(2026, 4, 15, 9, tzinfo=UTC)):
        store = make.store("CAI", time_zone="Africa/Cairo", city="Cairo")
        lamp, channel = ground.product("LAMP"), ground.channel()
        make.receive(lamp.id, store.id, 1)
        supply.ordered(supply.supplier(), store.id, (lamp.id, 5, SPRING.date() + timedelta(days=1)))
        promises.forget()
        found = promises.promise(lamp.id, store.id, channel_id=channel.pk, country="DE", at=clock.now())
        assert found is not None
        assert [one.on for one in found.by_date] == [SPRING.date() + timedelta(days=1)]


def test_an_hour_that_does_not_exist_is_refused_on_the_form(doors: Doors, unharmed: Any) -> None:
    form = doors.person(Role.MERCHANDISER, None).post(
        "/staff/sharing/rules/new/",
        {"name": "Spring", "purpose": "buffer", "kind": "fixed", "amount": 2, "starts_at": "2030-03-31T02:30"},
    )
    assert form.status_code == 422
    says(form, "2030-03-31 02:30:00", "may not exist")
    naive = {"name": "Spring", "kind": "fixed", "amount": 2, "starts_at": "2030-03-31T02:30:00"}
    (error,) = doors.refused("POST", "sharing/rules", naive, 400)["errors"]
    assert error["field"] == "starts_at"
