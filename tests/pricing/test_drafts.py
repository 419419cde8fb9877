"""Drafts: written by some, approved by others, in force from their instant on; the laws hold without the verbs, too."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.db.transaction import atomic

from commerce import clock
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.models import User
from commerce.transactions import transaction
from pricing import approvals, drafts, rulesets
from pricing.approving import Measure, Rank, State
from pricing.errors import ApprovedAlready, DraftChanged, DraftConflicts, DraftMoveNotAllowed, NotApprover, NotAuthor
from pricing.models import ApprovalThreshold, RulesetApproval, RulesetDraft
from pricing.promotions.terms import Content, Goods, PercentOff, Promotion
from tests.factories import commerce as ground

pytestmark = pytest.mark.django_db

COLLEAGUE, LEAD = frozenset({Rank.COLLEAGUE}), frozenset({Rank.LEAD})


@pytest.fixture
def sku() -> str:
    return ground.product().sku


@pytest.fixture
def anna() -> User:
    return ground.user()


@pytest.fixture
def bert() -> User:
    return ground.user()


@pytest.fixture(autouse=True)
def _known_revenue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sold anything here, and that is known."""
    from pricing import trade

    monkeypatch.setattr(trade, "_revenue", [lambda ids, since, until: {}])


@pytest.fixture(autouse=True)
def _thresholds_to_begin_with(db: None) -> None:
    """What the migration sets; a test that empties all tables may have gone before."""
    with transaction():
        for measure, limit, rank, count in (
            (Measure.DEPTH, 5_000, Rank.LEAD, 1), (Measure.MARGIN, 0, Rank.LEAD, 1),
            (Measure.REVENUE, 5_000_000, Rank.LEAD, 1), (Measure.PRODUCTS, 1_000, Rank.COLLEAGUE, 2),
        ):  # fmt: skip
            approvals.set_threshold(measure, limit, rank, approvals=count, by=ground.TESTER)


def said(user: User) -> Actor:
    return Actor.staff(user)


def content(sku: str, basis_points: int = 2_000) -> Content:
    return Content((Promotion("sale", "Sale", PercentOff(basis_points), Goods(products=(sku,))),))


def written(sku: str, by: User, **changes: Any) -> RulesetDraft:
    with transaction():
        draft = drafts.begin("Black Friday", by=said(by))
        return drafts.change(draft.id, revision=draft.revision, content=content(sku), by=said(by), **changes)


def submitted(sku: str, by: User, **changes: Any) -> RulesetDraft:
    draft = written(sku, by, **changes)
    with transaction():
        return drafts.submit(draft.id, revision=draft.revision, by=said(by))


def approve(draft: RulesetDraft, by: User, ranks: frozenset[Rank] = COLLEAGUE) -> RulesetDraft:
    with transaction():
        return approvals.approve(draft.id, submission=draft.submission, ranks=ranks, by=said(by))


def test_from_a_draft_to_the_rules_in_force(sku, anna, bert):
    draft = submitted(sku, anna)
    assert rulesets.in_force(clock.now()) is None
    draft = approve(draft, bert)
    assert draft.state == State.APPROVED
    with transaction():
        draft = drafts.publish(draft.id, revision=draft.revision, by=said(anna))
    version = rulesets.in_force(clock.now())
    assert version is not None
    assert (version.number, version.content["promotions"][0]["id"]) == (draft.version_id, "sale")


def test_a_version_is_scheduled_for_its_instant(sku, anna, bert):
    friday = clock.now() + timedelta(days=3)
    draft = approve(
        submitted(sku, anna, effective_from=friday, effective_to=friday + timedelta(days=1), sets_window=True), bert
    )
    with transaction():
        drafts.publish(draft.id, revision=draft.revision, by=said(anna))
    assert rulesets.in_force(friday - timedelta(microseconds=1)) is None
    assert rulesets.in_force(friday) is not None
    assert rulesets.in_force(friday + timedelta(days=1)) is None


def test_whoever_wrote_on_it_does_not_approve_it(sku, anna, bert):
    draft = written(sku, anna)
    with transaction():
        draft = drafts.change(draft.id, revision=draft.revision, note="Cheaper lamps", by=said(bert))
        draft = drafts.submit(draft.id, revision=draft.revision, by=said(anna))
    for person in (anna, bert):
        with pytest.raises(NotApprover):
            approve(draft, person, LEAD)
    assert approve(draft, ground.user()).state == State.APPROVED


def test_the_database_refuses_an_author_and_a_contributor_who_approve(sku, anna, bert):
    draft = written(sku, anna)
    with transaction():
        draft = drafts.change(draft.id, revision=draft.revision, note="…", by=said(bert))
        draft = drafts.submit(draft.id, revision=draft.revision, by=said(anna))
    row = {"draft": draft, "submission": 1, "rank": "lead", "is_approved": True, "decided_at": clock.now()}
    for author, approver, law in (
        (anna, anna, "whoever wrote"),
        (anna, bert, "whoever wrote"),
        (bert, ground.user(), "approval_names_the_author"),
    ):
        with pytest.raises(IntegrityError, match=law), atomic():
            RulesetApproval.objects.create(author=author, approver=approver, **row)
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_database_refuses_an_author_who_approves_even_where_nobody_noted_who_wrote(anna):
    at = clock.now()
    draft = RulesetDraft.objects.create(
        title="By hand", state="submitted", submission=1, content={}, assessment={}, author=anna, created_at=at, changed_at=at,
        submitted_at=at,
    )  # fmt: skip
    with pytest.raises(IntegrityError, match="approver_is_not_author"), atomic():
        RulesetApproval.objects.create(
            draft=draft, submission=1, author=anna, approver=anna, rank="lead", is_approved=True, decided_at=at
        )


def test_what_was_submitted_stands_still(sku, anna, bert):
    draft = submitted(sku, anna)
    with pytest.raises(DraftMoveNotAllowed) as refusal, transaction():
        drafts.change(draft.id, revision=draft.revision, content=content(sku, 9_000), by=said(anna))
    assert "take_back" in refusal.value.detail["allowed_actions"]
    with pytest.raises(IntegrityError, match="take it back"), atomic():
        RulesetDraft.objects.filter(pk=draft.pk).update(note="quietly")
    approve(draft, bert)
    with pytest.raises(IntegrityError), atomic():
        RulesetApproval.objects.update(reason="never mind")


def test_approvals_belong_to_one_submission(sku, anna, bert):
    draft = submitted(sku, anna)
    old = draft.submission
    with transaction():
        draft = drafts.take_back(draft.id, revision=draft.revision, by=said(anna))
        draft = drafts.submit(draft.id, revision=draft.revision, by=said(anna))
    with pytest.raises(ApprovedAlready), transaction():
        approvals.approve(draft.id, submission=old, ranks=COLLEAGUE, by=said(bert))
    assert approve(draft, bert).state == State.APPROVED


def test_a_rejection_says_why_and_makes_a_draft_of_it_again(sku, anna, bert):
    draft = submitted(sku, anna)
    with pytest.raises(InvalidInput), transaction():
        approvals.reject(draft.id, submission=1, ranks=COLLEAGUE, reason=" ", by=said(bert))
    with transaction():
        draft = approvals.reject(draft.id, submission=1, ranks=COLLEAGUE, reason="20 % is too much", by=said(bert))
    assert draft.state == State.DRAFT


def test_large_changes_need_a_lead_and_say_why(sku, anna, bert):
    draft = written(sku, anna)
    with transaction():
        draft = drafts.change(draft.id, revision=draft.revision, content=content(sku, 5_000), by=said(anna))
        draft = drafts.submit(draft.id, revision=draft.revision, by=said(anna))
    assert draft.assessment["needed"] == {"lead": 1}
    assert [one["measure"] for one in draft.assessment["reasons"]] == ["depth"]
    assert approve(draft, bert).state == State.SUBMITTED
    assert approvals.missing(draft) == {Rank.LEAD: 1}
    with pytest.raises(ApprovedAlready):
        approve(draft, bert, LEAD)
    assert approve(draft, ground.user(), LEAD).state == State.APPROVED


def test_thresholds_are_data(sku, anna):
    with transaction():
        approvals.set_threshold(Measure.ANY_CHANGE, 1, Rank.COLLEAGUE, approvals=3, by=said(anna))
        approvals.set_threshold(Measure.DEPTH, 5_000, Rank.LEAD, is_active=False, by=said(anna))
    assert submitted(sku, anna).assessment["needed"] == {"colleague": 3}
    assert ApprovalThreshold.objects.filter(is_active=True).count() == 4


def test_what_is_wrong_keeps_it_from_being_submitted(anna):
    with transaction():
        draft = drafts.begin("Dead goods", by=said(anna))
        draft = drafts.change(draft.id, revision=draft.revision, content=content("NO-SUCH"), by=said(anna))
    with pytest.raises(DraftConflicts) as refusal, transaction():
        drafts.submit(draft.id, revision=draft.revision, by=said(anna))
    assert [one["code"] for one in refusal.value.detail["findings"]] == ["no_goods"]


def test_a_warning_needs_a_reason(sku, anna):
    with transaction():
        draft = drafts.begin("Nothing off", by=said(anna))
        draft = drafts.change(draft.id, revision=draft.revision, content=content(sku, 0), by=said(anna))
        (finding,) = drafts.findings(draft)
        assert drafts.unanswered(draft, [finding]) == [finding]
        draft = drafts.change(
            draft.id, revision=draft.revision, answers={finding.key: "A test of the till"}, by=said(anna)
        )
        assert drafts.submit(draft.id, revision=draft.revision, by=said(anna)).state == State.SUBMITTED


def test_of_two_who_write_at_once_the_second_is_told(sku, anna, bert):
    draft = written(sku, anna)
    with transaction():
        drafts.change(draft.id, revision=draft.revision, note="first", by=said(anna))
    with pytest.raises(DraftChanged) as refusal, transaction():
        drafts.change(draft.id, revision=draft.revision, note="second", by=said(bert))
    assert refusal.value.detail["changed_by"] == said(anna).label
    assert refusal.value.detail["changes"]["note"] == "first"


def test_an_emergency_holds_at_once_and_ends_by_itself(sku, anna, bert):
    draft = written(sku, anna)
    with pytest.raises(InvalidInput), transaction():
        drafts.publish_in_emergency(draft.id, revision=draft.revision, reason="", by=said(anna))
    with transaction():
        draft = drafts.publish_in_emergency(
            draft.id, revision=draft.revision, reason="A wrong price in all shops", by=said(anna)
        )
    at = clock.now()
    assert rulesets.in_force(at) is not None
    assert rulesets.in_force(at + timedelta(hours=24)) is None
    approve(draft, bert)
    with transaction():
        draft = drafts.publish(draft.id, revision=RulesetDraft.objects.get(pk=draft.pk).revision, by=said(anna))
    version = rulesets.in_force(clock.now() + timedelta(hours=48))
    assert version is not None
    assert version.number == draft.version_id


def test_an_emergency_that_is_rejected_ends_at_once(sku, anna, bert):
    draft = written(sku, anna)
    with transaction():
        draft = drafts.publish_in_emergency(draft.id, revision=draft.revision, reason="Quick", by=said(anna))
        approvals.reject(draft.id, submission=1, ranks=LEAD, reason="No", by=said(bert))
    assert rulesets.in_force(clock.now()) is None


def test_going_back_is_a_new_version_with_old_content(sku, anna, bert):
    first = approve(submitted(sku, anna), bert)
    with transaction():
        first = drafts.publish(first.id, revision=first.revision, by=said(anna))
        second = drafts.begin("Other", by=said(anna))
        second = drafts.change(second.id, revision=second.revision, content=Content(), by=said(anna))
        second = drafts.submit(second.id, revision=second.revision, by=said(anna))
    second = approve(second, bert)
    with transaction():
        drafts.publish(second.id, revision=second.revision, by=said(anna))
        back = drafts.begin("Back", of_number=first.version_id, by=said(anna))
        back = drafts.submit(back.id, revision=back.revision, by=said(anna))
    back = approve(back, bert)
    with transaction():
        back = drafts.publish(back.id, revision=back.revision, by=said(anna))
    version = rulesets.version(back.version_id)
    assert (version.of_number, version.content) == (first.version_id, rulesets.version(first.version_id).content)


def test_drafts_are_written_by_people():
    with pytest.raises(NotAuthor), transaction():
        drafts.begin("By a machine", by=ground.TESTER)
