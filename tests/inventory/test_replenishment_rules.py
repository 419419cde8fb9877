"""Rules of replenishment: what is refused and how, which one wins, and promotions."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.db import transaction as django_transaction

from commerce.errors import InvalidInput
from commerce.models import AuditEntry
from commerce.transactions import transaction
from inventory.errors import RuleContradicts, RuleUnknown
from inventory.models import ReplenishmentRule
from inventory.places import groups
from inventory.places.locations import LocationRef
from inventory.replenishment import rules
from tests.factories import commerce as make
from tests.factories import inventory as make_inventory
from tests.inventory.conftest import BY

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def add_rule(**values: Any) -> int:
    facts = {"name": "Weekly", "lead_time_days": 7.0, "review_days": 7} | values
    with transaction():
        return rules.add_rule(by=BY, at=NOON - timedelta(days=90), **facts)


def change_rule(rule_id: int, **values: Any) -> None:
    with transaction():
        rules.change_rule(rule_id, by=BY, at=NOON, **values)


@pytest.fixture
def lamp() -> int:
    return make.product(category="lamps").id


@pytest.fixture
def store() -> LocationRef:
    return make_inventory.store()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lead_time_days", -1.0), ("lead_time_deviation_days", -0.5), ("review_days", 0), ("safety_stock", -1),
        ("reorder_point", -1), ("service_level_percent", 100.0), ("service_level_percent", 120.0), ("case_pack", 0),
        ("lot_size", 0), ("minimum_order", 0), ("transfer_radius_km", -1), ("order_weekdays", [0]), ("order_weekdays", [8]),
        ("name", " "), ("channel_priorities", {"web": 0}), ("channel_priorities", {"web": "1"}),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_by_field(field: str, value: object) -> None:
    with pytest.raises(InvalidInput) as refusal:
        add_rule(**{field: value})
    assert [error["field"] for error in refusal.value.errors] == [field]
    assert not ReplenishmentRule.objects.exists()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"reorder_point": 20, "target_level": 10}, "target_level"),
        ({"safety_stock": 30, "target_level": 10}, "target_level"),
        ({"closed_from": date(2026, 8, 1)}, "closed_until"),
        ({"closed_from": date(2026, 8, 9), "closed_until": date(2026, 8, 1)}, "closed_until"),
    ],
)
def test_numbers_that_contradict_each_other_are_refused_with_the_way_out(values: dict[str, Any], field: str) -> None:
    with pytest.raises(RuleContradicts) as refusal:
        add_rule(**values)
    assert refusal.value.errors[0]["field"] == field


def test_the_database_refuses_what_python_would_let_pass(store: LocationRef) -> None:
    rule_id = add_rule(location_id=store.id)
    for values in ({"lead_time_days": -1}, {"reorder_point": 9, "target_level": 3}, {"service_level_percent": 100}):
        with pytest.raises(IntegrityError), django_transaction.atomic():
            ReplenishmentRule.objects.filter(pk=rule_id).update(**values)


def test_two_active_rules_never_have_the_same_scope(lamp: int, store: LocationRef) -> None:
    first = add_rule(product_id=lamp, location_id=store.id)
    with pytest.raises(RuleContradicts) as refusal:
        add_rule(product_id=lamp, location_id=store.id)
    assert refusal.value.detail["rule_id"] == first
    change_rule(first, is_active=False)
    assert add_rule(product_id=lamp, location_id=store.id) != first


def test_a_change_is_audited_and_nothing_changed_writes_nothing(store: LocationRef) -> None:
    rule_id = add_rule(location_id=store.id)
    change_rule(rule_id, case_pack=6)
    change_rule(rule_id, case_pack=6)
    verbs = AuditEntry.objects.filter(object_type="replenishment_rule", object_id=str(rule_id)).order_by("id")
    assert [row.verb.rpartition(".")[2] for row in verbs] == ["add_rule", "change_rule"]
    with pytest.raises(RuleUnknown):
        change_rule(rule_id + 999, case_pack=6)


def test_a_charge_has_no_rule() -> None:
    postage = make.product(kind="charge").id
    with pytest.raises(InvalidInput, match="Only goods"):
        add_rule(product_id=postage)


def test_the_narrowest_scope_wins(lamp: int, store: LocationRef) -> None:
    with transaction():
        group = groups.set_group("west", "West", [store.id], by=BY)
    everything = add_rule(name="all")
    category = add_rule(name="lamps", category="lamps")
    grouped = add_rule(name="lamps west", category="lamps", group_id=group)
    product = add_rule(name="this lamp", product_id=lamp)
    book = rules.Book()
    other = make_inventory.store()
    assert book.rule_for(lamp, "lamps", store.id).id == product  # type: ignore[union-attr]
    assert book.rule_for(lamp + 1, "lamps", store.id).id == grouped  # type: ignore[union-attr]
    assert book.rule_for(lamp + 1, "lamps", other.id).id == category  # type: ignore[union-attr]
    assert book.rule_for(lamp + 1, "chairs", other.id).id == everything  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "values",
    [{"factor": 0.0}, {"factor": -2.0}, {"last_day": date(2026, 5, 1)}, {"category": ""}, {"name": ""}],
)
def test_promotions_that_make_no_sense_are_refused(values: dict[str, Any]) -> None:
    facts: dict[str, Any] = {
        "name": "Summer", "factor": 2.0, "first_day": NOON.date(), "last_day": NOON.date(), "category": "lamps",
    }  # fmt: skip
    with pytest.raises(InvalidInput), transaction():
        rules.add_uplift(**(facts | values), by=BY)
