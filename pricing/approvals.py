"""A second person's word on a draft. Author and approver are never the same, which the database says first (law 15)."""

from datetime import datetime
from uuid import UUID

from commerce import audit, clock, integrity
from commerce.actors import Actor, ActorKind
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from pricing import approving, drafts
from pricing.approving import Action, Measure, Rank
from pricing.errors import ApprovedAlready, NotApprover
from pricing.models import ApprovalThreshold, RulesetApproval, RulesetDraft

LONGEST_REASON = 400


def _own() -> NotApprover:
    return NotApprover("Whoever wrote on a draft doesn't approve it: a colleague has to look at it.")


integrity.refuse("approver_is_not_author", _own)
integrity.refuse("approver_wrote_nothing", _own)
integrity.refuse(
    "approval_once_per_person",
    lambda: ApprovedAlready("You decided about this submission already; it needs somebody else."),
)


@transaction_required
def approve(draft_id: UUID, *, submission: int, ranks: frozenset[Rank], by: Actor, reason: str = "") -> RulesetDraft:
    """Say yes to a submission; with the last approval that it needs it is approved.

    `ranks` are what the person may approve as; `submission` is the one that was looked at.
    Raises: DraftNotFound, DraftMoveNotAllowed, NotApprover, ApprovedAlready, InvalidInput.
    """
    draft = drafts.claim(draft_id, Action.APPROVE)
    _decide(draft, submission, ranks, by=by, is_approved=True, reason=reason)
    left = missing(draft)
    audit.record(
        "pricing.approvals.approve", "ruleset_draft", draft.pk, by=by, reason=reason,
        after={"submission": submission, "missing": {rank.value: count for rank, count in left.items()}},
    )  # fmt: skip
    if not left:
        drafts.approved(draft)
    return draft


@transaction_required
def reject(draft_id: UUID, *, submission: int, ranks: frozenset[Rank], reason: str, by: Actor) -> RulesetDraft:
    """Say no with a reason: it is a draft again, and an emergency ends.

    Raises: DraftNotFound, DraftMoveNotAllowed, NotApprover, ApprovedAlready, InvalidInput without a reason.
    """
    if not reason.strip():
        raise _invalid("reason", reason, "Say what has to change, so that the author can mend it.")
    draft = drafts.claim(draft_id, Action.REJECT)
    _decide(draft, submission, ranks, by=by, is_approved=False, reason=reason.strip())
    drafts.return_to_draft(draft, by=by, verb="reject", reason=reason.strip())
    return draft


def missing(draft: RulesetDraft) -> dict[Rank, int]:
    """Return the approvals that the present submission still needs, by rank."""
    needed = {Rank(rank): count for rank, count in ((draft.assessment or {}).get("needed") or {}).items()}
    given = RulesetApproval.objects.filter(draft=draft, submission=draft.submission, is_approved=True)
    return approving.missing(needed, [frozenset({Rank(rank)}) for rank in given.values_list("rank", flat=True)])


@transaction_required
def set_threshold(
    measure: Measure, limit: int, rank: Rank, *, approvals: int = 1, is_active: bool = True, by: Actor
) -> ApprovalThreshold:
    """Say from when on a draft needs more eyes. Raises: InvalidInput."""
    if not 1 <= approvals <= approving.MOST_APPROVALS:
        raise _invalid("approvals", approvals, f"A threshold asks for 1 to {approving.MOST_APPROVALS} approvals.")
    if not -(10**12) <= limit <= 10**12:
        raise _invalid("limit", limit, "Choose a limit that somebody can reach.")
    row, _ = ApprovalThreshold.objects.update_or_create(
        measure=measure.value, limit=limit, rank=rank.value, defaults={"approvals": approvals, "is_active": is_active}
    )
    audit.record(
        "pricing.approvals.set_threshold", "approval_threshold", row.pk, by=by,
        after={"measure": measure.value, "limit": limit, "rank": rank.value, "approvals": approvals, "is_active": is_active},
    )  # fmt: skip
    return row


def _decide(
    draft: RulesetDraft, submission: int, ranks: frozenset[Rank], *, by: Actor, is_approved: bool, reason: str
) -> None:
    if by.kind is not ActorKind.STAFF or not ranks:
        raise NotApprover("Only people who may approve prices decide about drafts.")
    if len(reason) > LONGEST_REASON:
        raise _invalid("reason", reason, f"A reason has up to {LONGEST_REASON} characters.")
    if submission != draft.submission:
        raise ApprovedAlready(
            "The draft was submitted again meanwhile; look at it as it stands now.", submission=draft.submission
        )
    person = int(by.id)
    if draft.contributions.filter(person_id=person).exists():
        raise _own()
    at: datetime = clock.now()
    with integrity.translated():
        RulesetApproval.objects.create(
            draft=draft, submission=submission, author_id=draft.author_id, approver_id=person,
            rank=(Rank.LEAD if Rank.LEAD in ranks else Rank.COLLEAGUE).value, is_approved=is_approved, reason=reason,
            decided_at=at,
        )  # fmt: skip


def _invalid(name: str, value: object, message: str) -> InvalidInput:
    return InvalidInput(f"{name}: {message}", errors=[{"field": name, "value": value, "message": message}])
