"""The exceptions desk: one case per cause, always a role and a deadline, and an end that says how."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from commerce import audit, clock
from commerce.actors import Actor
from commerce.errors import CommerceError, InvalidInput
from commerce.models import OutboxMessage, User
from commerce.roles import Role
from commerce.transactions import savepoint, transaction
from orders import exceptions
from orders.desk import NEXT_ROLE, CaseState, Outcome, Severity, escalated, rank
from orders.errors import CaseNotFound, CaseStateWrong
from orders.exceptions import cases, escalation, kinds
from orders.exceptions.cases import Case
from orders.models import DeskCase
from tests.factories import commerce as ground
from tests.factories import orders as make

SYSTEM = Actor.system("test")
KIND = "test.shelf_is_wet"


class Roof:
    """What the test's kind of exception is about: leaks that may stop, and what was done about them."""

    def __init__(self) -> None:
        self.leaks: set[str] = set()
        self.mended: list[str] = []

    def mend(self, case: Case, *, user: Any, by: Actor, at: Any) -> None:
        if case.subject_id == "unmendable":
            raise InvalidInput("The roof can't be mended in the rain.")
        self.mended.append(case.subject_id)


@pytest.fixture
def roof() -> Iterator[Roof]:
    """Register a kind whose cause and cure the test controls."""
    roof = Roof()
    before = dict(kinds._kinds)
    exceptions.register(
        exceptions.Kind(
            code=KIND,
            title="Wet shelf",
            sentence="It drips on %(sku)s.",
            severity=Severity.NORMAL,
            role=Role.CLERK,
            within=timedelta(minutes=30),
            actions=(
                exceptions.Suggestion(code="mend", label="Mend the roof", icon="hammer", perform=roof.mend),
                exceptions.Suggestion(
                    code="bucket", label="Fetch a bucket", icon="paint-bucket", perform=roof.mend, settles=False
                ),
            ),
            remains=lambda ids: [one for one in ids if one in roof.leaks],
        )
    )
    yield roof
    kinds._kinds.clear()
    kinds._kinds.update(before)


def _open(shop: make.Shop, subject: str = "leak-1", **values: Any) -> UUID:
    with transaction():
        return exceptions.open(
            KIND,
            subject=("leak", subject),
            location_id=shop.store.id,
            by=SYSTEM,
            at=clock.now(),
            **{"facts": {"sku": "TASS-02"}, **values},
        )


def _case(case_id: UUID) -> Case:
    found = cases.one(case_id)
    assert found is not None
    return found


# --- opening ----------------------------------------------------------------------------------------------------------


def test_a_case_has_role_severity_and_deadline_of_its_kind(shop: make.Shop, roof: Roof) -> None:
    found = _case(_open(shop))
    assert (found.role, found.severity, found.state) == ("clerk", "normal", "open")
    assert found.due_at == clock.now() + timedelta(minutes=30)
    assert [entry.verb for entry in audit.timeline("exception", found.id)] == ["orders.exceptions.open"]
    assert OutboxMessage.objects.get(event_type="exception.opened").payload["case_id"] == str(found.id)


def test_one_cause_is_one_case_and_may_only_become_worse(shop: make.Shop, roof: Roof) -> None:
    first = _open(shop)
    due_at = clock.now() + timedelta(minutes=5)
    again = _open(shop, severity=Severity.CRITICAL, due_at=due_at, facts={"litres": 3})
    third = _open(shop, severity=Severity.LOW, due_at=due_at + timedelta(days=1))
    assert first == again == third
    found = _case(first)
    assert (found.seen, found.severity, found.due_at) == (3, "critical", due_at)
    assert found.facts == {"sku": "TASS-02", "litres": 3}
    assert OutboxMessage.objects.filter(event_type="exception.opened").count() == 1


def test_after_it_is_settled_the_same_cause_is_a_new_case(shop: make.Shop, roof: Roof) -> None:
    first = _open(shop)
    with transaction():
        assert exceptions.resolve(exceptions.key_of(KIND, ("leak", "leak-1")), by=SYSTEM, at=clock.now()) == 1
    assert _open(shop) != first
    assert _case(first).outcome == "cleared"


def test_a_kind_that_nobody_registered_is_a_fault_of_the_code(shop: make.Shop) -> None:
    with pytest.raises(kinds.UnknownKind), transaction():
        exceptions.open("no.such_kind", subject=("leak", 1), by=SYSTEM, at=clock.now())


@pytest.mark.parametrize("values", [{"key": "k" * 201}, {"facts": {"text": "x" * 5_000}}])
def test_keys_and_facts_are_bounded(shop: make.Shop, roof: Roof, values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="out of bounds"):
        _open(shop, **values)


def test_the_database_refuses_a_second_unsettled_case_and_one_that_is_snoozed_without_a_reason(
    shop: make.Shop, roof: Roof
) -> None:
    row = DeskCase.objects.get(pk=_open(shop))
    other = DeskCase.objects.get(pk=_open(shop, "leak-2"))
    with pytest.raises(IntegrityError, match="desk_case_once_while_unsettled"), savepoint():
        DeskCase.objects.filter(pk=other.pk).update(key=row.key)
    with pytest.raises(IntegrityError, match="desk_case_snoozed_with_reason"), savepoint():
        DeskCase.objects.filter(pk=other.pk).update(state="snoozed")
    with pytest.raises(IntegrityError, match="desk_case_settled_with_outcome"), savepoint():
        DeskCase.objects.filter(pk=other.pk).update(state="settled")


# --- working ----------------------------------------------------------------------------------------------------------


def test_taking_putting_off_and_settling_tell_who_and_why(shop: make.Shop, roof: Roof) -> None:
    case_id, at = _open(shop), clock.now()
    with transaction():
        exceptions.take(case_id, user=shop.clerk, by=shop.by, at=at)
    assert _case(case_id).owner_id == shop.clerk.pk
    with transaction():
        exceptions.snooze(case_id, until=at + timedelta(hours=1), reason="The roofer comes", by=shop.by, at=at)
    assert (_case(case_id).state, _case(case_id).due_at) == ("snoozed", at + timedelta(hours=1))
    with transaction():
        exceptions.settle(case_id, outcome=Outcome.DONE, note="Mended by hand", by=shop.by, at=at)
    settled = _case(case_id)
    assert (settled.state, settled.outcome, settled.note) == ("settled", "done", "Mended by hand")
    with pytest.raises(CaseStateWrong), transaction():
        exceptions.take(case_id, user=shop.clerk, by=shop.by, at=at)
    assert [entry.verb.rsplit(".", 1)[1] for entry in audit.timeline("exception", case_id)] == [
        "open", "take", "snooze", "settle",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("minutes", "reason", "field"), [(60, "  ", "reason"), (0, "later", "until"), (15 * 24 * 60, "later", "until")]
)
def test_putting_off_needs_a_reason_and_a_time_that_comes(
    shop: make.Shop, roof: Roof, minutes: int, reason: str, field: str
) -> None:
    case_id, at = _open(shop), clock.now()
    with pytest.raises(InvalidInput) as refused, transaction():
        exceptions.snooze(case_id, until=at + timedelta(minutes=minutes), reason=reason, by=shop.by, at=at)
    assert refused.value.errors[0]["field"] == field
    assert _case(case_id).state == "open"


def test_an_action_runs_its_verb_and_settles_in_one_go(shop: make.Shop, roof: Roof) -> None:
    case_id = _open(shop)
    with transaction():
        exceptions.act(case_id, "bucket", user=shop.clerk, by=shop.by, at=clock.now())
    assert (_case(case_id).state, _case(case_id).owner_id) == ("open", shop.clerk.pk)
    with transaction():
        exceptions.act(case_id, "mend", user=shop.clerk, by=shop.by, at=clock.now())
    assert (_case(case_id).outcome, _case(case_id).note) == ("acted", "mend")
    assert roof.mended == ["leak-1", "leak-1"]


def test_an_action_that_is_refused_leaves_the_case_as_it_was(shop: make.Shop, roof: Roof) -> None:
    case_id = _open(shop, "unmendable")
    for code in ("mend", "pray"):
        with pytest.raises(CommerceError), transaction():
            exceptions.act(case_id, code, user=shop.clerk, by=shop.by, at=clock.now())
    assert (_case(case_id).state, _case(case_id).version) == ("open", 1)
    with pytest.raises(CaseNotFound), transaction():
        exceptions.act(UUID(int=7), "mend", user=shop.clerk, by=shop.by, at=clock.now())


# --- time -------------------------------------------------------------------------------------------------------------


def _watch(minutes: int) -> None:
    at = clock.now() + timedelta(minutes=minutes)
    for verb in (escalation.wake, escalation.clear_gone, escalation.escalate):
        with transaction():
            verb(by=SYSTEM, at=at)


def test_what_nobody_settles_goes_up_step_by_step_and_stops_at_the_top(shop: make.Shop, roof: Roof) -> None:
    roof.leaks.add("leak-1")
    case_id = _open(shop)
    seen = []
    for step in range(1, 9):
        _watch(31 * step)
        found = _case(case_id)
        seen.append((found.role, found.severity, found.escalations))
    assert seen[:2] == [("store_manager", "high", 1), ("administrator", "critical", 2)]
    assert seen[-1] == ("administrator", "critical", escalation.MOST_ESCALATIONS)
    assert OutboxMessage.objects.filter(event_type="exception.escalated").count() == escalation.MOST_ESCALATIONS


def test_what_was_put_off_comes_back_and_is_due_then(shop: make.Shop, roof: Roof) -> None:
    roof.leaks.add("leak-1")
    case_id, at = _open(shop), clock.now()
    with transaction():
        exceptions.snooze(case_id, until=at + timedelta(hours=2), reason="The roofer comes", by=shop.by, at=at)
    _watch(110)
    assert (_case(case_id).state, _case(case_id).escalations) == ("snoozed", 0)
    _watch(125)
    assert (_case(case_id).state, _case(case_id).escalations) == ("open", 1)


def test_a_case_is_settled_by_itself_when_its_cause_is_gone(shop: make.Shop, roof: Roof) -> None:
    roof.leaks |= {"leak-1", "leak-2"}
    first, second = _open(shop), _open(shop, "leak-2")
    roof.leaks.remove("leak-1")
    _watch(1)
    assert (_case(first).state, _case(first).outcome) == ("settled", "cleared")
    assert _case(second).state == "open"


@given(
    role=st.sampled_from(sorted(NEXT_ROLE)), severity=st.sampled_from(list(Severity)), minutes=st.integers(1, 10_000)
)
def test_going_up_never_goes_down_and_always_has_a_deadline(role: Role, severity: Severity, minutes: int) -> None:
    step = escalated(role, severity, within=timedelta(minutes=minutes), at=make.NOON)
    assert rank(step.severity) >= rank(severity)
    assert step.due_at > make.NOON
    assert step.role in NEXT_ROLE
    for _ in range(len(NEXT_ROLE)):
        step = escalated(step.role, step.severity, within=timedelta(minutes=1), at=make.NOON)
    assert (step.role, step.severity) == (Role.ADMINISTRATOR, Severity.CRITICAL)


# --- screens and API --------------------------------------------------------------------------------------------------


def test_the_desk_shows_the_worst_first_and_acts_at_one_click(
    shop: make.Shop, roof: Roof, signed_in: Callable[[User], Client]
) -> None:
    _open(shop, "mild", severity=Severity.LOW)
    case_id = _open(shop, "bad", severity=Severity.CRITICAL, facts={"sku": "GSCH-01"})
    browser = signed_in(shop.clerk)
    page = browser.get(reverse("orders-staff:desk"), headers={"accept-language": "en"}).content.decode()
    assert page.index("It drips on GSCH-01.") < page.index("It drips on TASS-02.")
    assert "Mend the roof" in page
    answer = browser.post(reverse("orders-staff:case-act", args=[case_id, "mend"]), follow=True)
    assert answer.status_code == 200
    assert _case(case_id).outcome == "acted"
    assert "Mend the roof" in browser.get(reverse("orders-staff:case", args=[case_id])).content.decode()


def test_the_list_takes_few_queries_however_long_it_is(
    shop: make.Shop, roof: Roof, signed_in: Callable[[User], Client], django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        _open(shop, f"leak-{number}")
    browser = signed_in(shop.clerk)
    browser.get(reverse("orders-staff:desk"))
    with django_assert_max_num_queries(16):
        browser.get(reverse("orders-staff:desk"))


def test_cases_of_another_store_do_not_exist_here(
    shop: make.Shop, roof: Roof, signed_in: Callable[[User], Client]
) -> None:
    case_id = _open(make.shop())
    browser = signed_in(shop.clerk)
    assert browser.get(reverse("orders-staff:case", args=[case_id])).status_code == 404
    assert browser.post(reverse("orders-staff:case-act", args=[case_id, "mend"])).status_code == 404
    assert not roof.mended


@pytest.mark.parametrize(
    ("name", "data", "state"),
    [
        ("case-snooze", {"minutes": "60", "reason": ""}, CaseState.OPEN),
        ("case-snooze", {"minutes": "60", "reason": "The roofer comes"}, CaseState.SNOOZED),
        ("case-settle", {"outcome": "done", "note": ""}, CaseState.OPEN),
        ("case-settle", {"outcome": "cleared", "note": "by hand"}, CaseState.OPEN),
        ("case-settle", {"outcome": "accepted", "note": "It dries by itself"}, CaseState.SETTLED),
    ],
)
def test_the_forms_of_a_case_say_what_is_missing(
    shop: make.Shop,
    roof: Roof,
    signed_in: Callable[[User], Client],
    name: str,
    data: dict[str, str],
    state: CaseState,
) -> None:
    case_id = _open(shop)
    answer = signed_in(shop.clerk).post(reverse(f"orders-staff:{name}", args=[case_id]), data)
    assert answer.status_code == (422 if state is CaseState.OPEN else 302)
    assert _case(case_id).state == state


def test_a_channel_reads_what_waits_on_its_own_orders(shop: make.Shop, roof: Roof, client: Client) -> None:
    order = shop.place()
    other = make.shop()
    case_id = _open(shop, order_id=order.id)
    _open(shop, "leak-2", order_id=other.place().id)
    key = ground.key(shop.channel)
    answer = client.get("/api/v1/exceptions", **key.headers)
    assert answer.status_code == 200, answer.content
    [found] = answer.json()["items"]
    assert (found["id"], found["kind"], found["order_number"]) == (str(case_id), KIND, order.number)
    assert client.get("/api/v1/exceptions?severity=awful", **key.headers).status_code == 400
    assert client.get(f"/api/v1/exceptions?kind={KIND}&state=settled", **key.headers).json()["items"] == []
