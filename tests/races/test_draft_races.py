"""Two at one draft: approvals that meet, an approval that meets an edit, two editors; nobody approves what they did not read."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from commerce import transactions
from commerce.actors import Actor
from commerce.errors import CommerceError
from pricing import approvals, drafts, trade
from pricing.approving import Measure, Rank, State
from pricing.errors import ApprovedAlready, DraftChanged, DraftMoveNotAllowed
from pricing.models import RulesetApproval, RulesetDraft
from pricing.promotions.terms import Content, PercentOff, Promotion
from tests.factories import commerce as ground

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]

COLLEAGUE = frozenset({Rank.COLLEAGUE})
ROUNDS = 6


@pytest.fixture(autouse=True)
def _known_revenue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trade, "_revenue", [lambda ids, since, until: {}])


def at_once(*work):
    def alone(verb):
        try:
            with transactions.transaction():
                return verb()
        except CommerceError as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(work)) as crowd:
        return list(crowd.map(alone, work))


def content(basis_points):
    return Content((Promotion("sale", "Sale", PercentOff(basis_points)),))


def submitted(author):
    with transactions.transaction():
        draft = drafts.begin("Race", by=author)
        draft = drafts.change(draft.pk, revision=draft.revision, content=content(1_000), by=author)
        return drafts.submit(draft.pk, revision=draft.revision, by=author)


@pytest.fixture
def people():
    ground.product()
    return [Actor.staff(ground.user()) for _ in range(3)]


def approve(draft, by):
    return lambda: approvals.approve(draft.pk, submission=draft.submission, ranks=COLLEAGUE, by=by)


def test_two_approvals_at_once_are_both_counted_and_the_last_one_approves(people):
    anna, bert, carla = people
    with transactions.transaction():
        approvals.set_threshold(Measure.ANY_CHANGE, 1, Rank.COLLEAGUE, approvals=2, by=anna)
    for _ in range(ROUNDS):
        draft = submitted(anna)
        outcomes = at_once(approve(draft, bert), approve(draft, carla))
        assert not [one for one in outcomes if isinstance(one, CommerceError)]
        draft.refresh_from_db()
        assert draft.state == State.APPROVED
        assert RulesetApproval.objects.filter(draft=draft).count() == 2


def test_one_person_decides_once(people):
    anna, bert, _carla = people
    with transactions.transaction():
        approvals.set_threshold(Measure.ANY_CHANGE, 1, Rank.COLLEAGUE, approvals=2, by=anna)
    for _ in range(ROUNDS):
        draft = submitted(anna)
        outcomes = at_once(approve(draft, bert), approve(draft, bert))
        assert [type(one) for one in outcomes if isinstance(one, CommerceError)] == [ApprovedAlready]
        assert RulesetApproval.objects.filter(draft=draft).count() == 1
        draft.refresh_from_db()
        assert draft.state == State.SUBMITTED


def test_an_approval_never_counts_for_what_was_written_meanwhile(people):
    anna, bert, _carla = people
    for _ in range(ROUNDS):
        draft = submitted(anna)

        def rewrite(draft=draft):
            taken = drafts.take_back(draft.pk, revision=draft.revision, by=anna)
            changed = drafts.change(draft.pk, revision=taken.revision, content=content(4_000), by=anna)
            return drafts.submit(draft.pk, revision=changed.revision, by=anna)

        approved, rewritten = at_once(approve(draft, bert), rewrite)
        draft.refresh_from_db()
        if isinstance(rewritten, RulesetDraft):
            # Whatever the approver did, it was about the first submission; the second one still needs somebody.
            assert isinstance(approved, ApprovedAlready | DraftMoveNotAllowed)
            assert (draft.state, draft.submission) == (State.SUBMITTED, 2)
        else:
            assert isinstance(rewritten, DraftChanged)
            assert draft.state == State.APPROVED
            assert draft.content["promotions"][0]["benefit"]["basis_points"] == 1_000
        given = RulesetApproval.objects.filter(draft=draft, submission=draft.submission, is_approved=True)
        assert given.exists() == (draft.state == State.APPROVED)


def test_of_two_editors_one_is_told(people):
    anna, bert, _carla = people
    with transactions.transaction():
        draft = drafts.begin("Race", by=anna)
    for number in range(ROUNDS):
        draft.refresh_from_db()
        seen = draft.revision
        outcomes = at_once(
            *(
                lambda by=by, mark=mark, seen=seen: drafts.change(draft.pk, revision=seen, note=mark, by=by)
                for by, mark in ((anna, f"a{number}"), (bert, f"b{number}"))
            )
        )
        (refusal,) = [one for one in outcomes if isinstance(one, CommerceError)]
        (winner,) = [one for one in outcomes if isinstance(one, RulesetDraft)]
        assert isinstance(refusal, DraftChanged)
        assert refusal.detail["changes"]["note"] == winner.note
        draft.refresh_from_db()
        assert (draft.note, draft.revision) == (winner.note, seen + 1)
