"""Journals in the admin: in words, in the order of time, numbers that name things as they are, and nothing of others."""

import re
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from commerce import admin_words, audit, clock, ids, quotas
from commerce.models import AuditEntry, OutboxMessage, Quota, User
from commerce.roles import Role
from commerce.staff import attempts
from commerce.transactions import transaction
from inventory import movements
from inventory.models import StockEntry
from inventory.places import locations
from tests.factories import commerce as make
from tests.factories import inventory as make_inventory

pytestmark = pytest.mark.django_db

ROOMS = ("commerce", "inventory", "pricing", "customers", "orders")
FIRST, LATER = UUID(int=2**128 - 1), UUID(int=7)  # ids as others mint them: they tell no time


@pytest.fixture
def administrator() -> Client:
    user, client = make.user("berta"), Client()
    with transaction():
        locations.assign(user, Role.ADMINISTRATOR, None, by=make.TESTER)
    User.objects.update(language="de")
    client.force_login(user)
    return client


def page(client: Client, name: str, *args: object, **query: str) -> str:
    answer = client.get(reverse(f"admin:{name}", args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def verbs() -> set[str]:
    """Return the verbs that the rooms' code writes into the audit."""
    modules = {path for room in ROOMS for path in Path(settings.BASE_DIR, room).rglob("*.py")}
    found = set()
    for path in modules:
        text = path.read_text()
        found |= set(re.findall(r'(?:audit\.record\(\s*|verb=|_audit\(\s*)"([a-z_]+(?:\.[a-z_]+){2})"', text))
    return found


def test_every_verb_of_the_audit_has_words() -> None:
    assert {"orders.pickup.accept", "commerce.catalog.add_product", "inventory.counts.begin"} <= verbs()
    assert verbs() <= set(admin_words.VERBS)


def test_the_audit_speaks_in_words_of_the_readers_language(administrator: Client) -> None:
    with transaction():
        audit.record("commerce.keys.issue", "channel_key", "k1", by=make.TESTER, after={"name": "Müller"})
        audit.record("elsewhere.made.up", "thing", "thing-nobody-knows", by=make.TESTER)
    shown = page(administrator, "commerce_auditentry_changelist")
    assert "Schlüssel ausgestellt" in shown
    assert "Kanalschlüssel" in shown
    assert "commerce.keys.issue" not in shown
    assert "elsewhere.made.up" in shown, "a verb without words is shown as it is"
    assert "thing-nobody-knows" not in page(administrator, "commerce_auditentry_changelist", object_type="channel_key")


def test_values_are_shown_as_they_are_and_none_as_a_dash(administrator: Client) -> None:
    with transaction():
        audit.record("commerce.keys.issue", "channel_key", "k1", by=make.TESTER, after={"name": "Müller"})
    shown = page(administrator, "commerce_auditentry_change", AuditEntry.objects.get(object_id="k1").pk)
    assert "Müller" in shown
    assert ">null<" not in shown


def test_numbers_that_name_something_have_no_thousands_dots(administrator: Client) -> None:
    OutboxMessage.objects.create(
        id=1234567, event_type="bell.rung", aggregate="bell:a", aggregate_sequence=2345678, position=3456789,
        payload={}, actor_kind="system", actor_id="test", occurred_at=clock.now(),
    )  # fmt: skip
    for shown in (
        page(administrator, "commerce_outboxmessage_changelist"),
        page(administrator, "commerce_outboxmessage_change", 1234567),
    ):
        for number in ("1234567", "2345678", "3456789"):
            assert number in shown
        assert not re.search(r"\d\.\d{3}\.\d{3}", shown)


def test_the_name_of_a_thing_keeps_its_small_letters_on_the_way_to_it(administrator: Client) -> None:
    shown = page(administrator, "commerce_user_change", User.objects.get(username="berta").pk)
    assert ">berta</a>" in shown
    assert ">Berta</a>" not in shown


def test_pickup_windows_come_before_counted_sign_ins(administrator: Client) -> None:
    at = clock.now()
    attempts.begin("someone", "192.0.2.1", at=at)
    with transaction():
        window = quotas.HoldRequest("pickup:BER01:x", 5, 1, "order:1", at + timedelta(hours=1))
        quotas.hold([window], at=at)
    counted = list(Quota.objects.filter(key__startswith="sign-in:").values_list("key", flat=True))
    assert len(counted) == 2
    shown = page(administrator, "commerce_quota_changelist")
    assert "pickup:BER01:x" in shown
    assert not [key for key in counted if key in shown]
    narrowed = page(administrator, "commerce_quota_changelist", what="sign-in")
    assert "pickup:BER01:x" not in narrowed
    assert all(key in narrowed for key in counted)
    everything = page(administrator, "commerce_quota_changelist", what="all")
    assert all(key in everything for key in ["pickup:BER01:x", *counted])


@pytest.mark.parametrize("query", [{}, {"kind": "in"}, {"q": "JOURNAL-1"}])
def test_the_stock_journal_begins_with_what_was_booked_last_whoever_minted_the_ids(
    administrator: Client, query: dict[str, str]
) -> None:
    product, store, at = make.product("JOURNAL-1"), make_inventory.store(), clock.now()
    for identifier, reason, seconds in ((FIRST, "delivery one", 0), (LATER, "delivery two", 60)):
        receipt = movements.Receipt(identifier, product.id, store.id, 4)
        with transaction(), clock.frozen(at + timedelta(seconds=seconds)):
            movements.receive([receipt], by=make.TESTER, at=clock.now(), reason=reason)
    shown = page(administrator, "inventory_stockentry_changelist", **query)
    assert 0 < shown.index("delivery two") < shown.index("delivery one")
    assert "delivery one" in page(administrator, "inventory_stockentry_change", StockEntry.objects.get(pk=FIRST).pk)


@pytest.mark.parametrize(
    ("action", "broken"),
    [
        ("commerce_channelkey_rotate", "x"), ("commerce_channelkey_revoke", ids.new()),
        ("commerce_webhookendpoint_deactivate", "x"), ("commerce_outboxdelivery_dismiss", "x"),
    ],
)  # fmt: skip
def test_an_action_on_what_is_not_there_is_a_page_not_found(administrator: Client, action: str, broken: object) -> None:
    address = reverse(f"admin:{action}", args=[broken])
    assert administrator.get(address).status_code == 404
    assert administrator.post(address, {"reason": "because", "hours": 1}).status_code == 404


def test_what_is_parked_is_shown_to_nobody_who_works_at_one_store() -> None:
    user, store, client = make.user(), make_inventory.store(), Client()
    with transaction():
        locations.assign(user, Role.ADMINISTRATOR, store.id, by=make.TESTER)
    client.force_login(user)
    for name in ("outboxmessage", "outboxdelivery", "inboxmessage", "idempotencykey", "auditentry", "quota"):
        assert client.get(reverse(f"admin:commerce_{name}_changelist"), follow=True).status_code == 403
