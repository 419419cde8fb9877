"""The kernel's periodic tasks, called as the worker calls them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils.module_loading import import_string

from commerce import clock, events, inbox, outbox, quotas, tasks
from commerce.models import InboxMessage, OutboxMessage, Quota, QuotaHold, RateWindow
from commerce.staff import attempts
from commerce.transactions import transaction
from tests.commerce import facts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _bells() -> Iterator[None]:
    with events.isolated():
        facts.declare()
        yield


def test_the_outbox_is_driven_also_without_a_relay() -> None:
    taken: list[events.Received] = []
    events.subscribe(facts.BellRung, name="tests.bells", handler=taken.append)
    facts.publish(facts.rung("a", 1), facts.rung("a", 2))
    assert tasks.redrive_outbox() == 4
    assert facts.heard(taken) == [("bell:a", 1), ("bell:a", 2)]
    assert tasks.redrive_outbox() == 0


def test_holds_whose_time_is_over_are_swept() -> None:
    at = clock.now()
    request = quotas.HoldRequest("tests:bells", 2, 2, "reservation:1", at + timedelta(minutes=1))
    with transaction():
        quotas.hold([request], at=at)
    assert tasks.expire_quota_holds() == 0
    with clock.frozen(at + timedelta(minutes=2)):
        assert tasks.expire_quota_holds() == 1


def test_what_has_served_its_time_is_deleted() -> None:
    at = clock.now()
    facts.publish(facts.rung("a", 1), facts.rung("a", 2))
    tasks.redrive_outbox()
    with transaction():
        inbox.receive("shop", "1", {})
        inbox.settle("shop", "1")
    RateWindow.objects.create(key_id="1f0c2d3e-0000-4000-8000-000000000001", minute=1, used=1)
    assert tasks.prune() == {"rate windows": 1, "outbox messages": 0, "answers": 0, "inbox messages": 0, "sign-ins": 0}
    for key, days in (("over", -1), ("open", 1)):
        Session.objects.create(session_key=key, session_data="", expire_date=at + timedelta(days=days))
    with clock.frozen(at + timedelta(days=365)):
        assert tasks.prune() == {
            "rate windows": 0,
            "outbox messages": 1,
            "answers": 0,
            "inbox messages": 1,
            "sign-ins": 0,
        }
    assert OutboxMessage.objects.get().aggregate_sequence == 2
    assert not InboxMessage.objects.exists()
    assert list(Session.objects.values_list("session_key", flat=True)) == ["open"]
    assert outbox.backlog().pending == 0


def test_counted_sign_ins_are_deleted_once_they_are_forgotten_and_nothing_else() -> None:
    at = clock.now()
    attempts.begin("someone", "192.0.2.1", at=at)
    attempts.succeeded(attempts.begin("someone", "192.0.2.1", at=at))
    with transaction():
        quotas.release(quotas.book([quotas.HoldRequest("pickup:X", 5, 1, "order:1")], at=at))
    assert tasks.prune()["sign-ins"] == 0, "a count that just ended may still be looked at"
    with clock.frozen(at + timedelta(hours=1)):
        assert tasks.prune()["sign-ins"] == 2, "what was taken back; what still waits for its sweep is kept"
        tasks.expire_quota_holds()
        assert tasks.prune()["sign-ins"] == 2
    assert [hold.quota.key for hold in QuotaHold.objects.select_related("quota")] == ["pickup:X"]
    assert not Quota.objects.filter(held__gt=0).exists()


def test_every_scheduled_task_exists_and_says_its_name() -> None:
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert import_string(entry["task"]).name == entry["task"]
