"""Drafts of the rules: written, submitted, taken back, published. What was submitted stands still until it is decided.

Whoever writes on a draft is noted, since none of them approves it (law 15). Every change names the revision it was made
on: of two people who write at once, the second is told what the first one did.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from commerce import audit, clock, integrity
from commerce.actors import Actor, ActorKind
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from pricing import announced, approving, conflicts, differences, impact, rulesets
from pricing.announced import Looked
from pricing.approving import Action, Need, Rank, State
from pricing.conflicts import Code, Finding, Severity
from pricing.errors import DraftChanged, DraftConflicts, DraftMoveNotAllowed, DraftNotFound, NotAuthor
from pricing.models import ApprovalThreshold, RulesetContribution, RulesetDraft
from pricing.promotions import documents
from pricing.promotions.terms import Content

LONGEST_TITLE = 120
LONGEST_NOTE = 200
LONGEST_ANSWER = 400
MOST_ANSWERS = 500

integrity.refuse(
    "ruleset_draft_ends_after_it_begins",
    lambda: InvalidInput(
        "The end comes before the beginning; choose a later end.",
        errors=[{"field": "effective_to", "value": None, "message": "Choose an end after the beginning."}],
    ),
)


@transaction_required
def begin(title: str, *, by: Actor, of_number: int | None = None) -> RulesetDraft:
    """Begin a draft with what is in force now, or with what an older version says (a rollback).

    Raises: InvalidInput, NotAuthor, RulesetNotFound.
    """
    at = clock.now()
    base = rulesets.in_force(at)
    source = rulesets.version(of_number) if of_number is not None else base
    draft = RulesetDraft(
        title=_title(title),
        content=dict(source.content) if source else documents.document(Content()),
        base_number=base.number if base else None,
        of_number=of_number,
        author_id=_person(by),
        created_at=at,
        changed_at=at,
    )
    draft.save(force_insert=True)
    RulesetContribution.objects.create(draft=draft, person_id=draft.author_id, since=at)
    _record(
        "begin", draft, by=by, after={"title": draft.title, "of_number": of_number, "base_number": draft.base_number}
    )
    return draft


@transaction_required
def change(
    draft_id: UUID,
    *,
    revision: int,
    by: Actor,
    title: str | None = None,
    content: Content | Mapping[str, Any] | None = None,
    effective_from: datetime | None = None,
    effective_to: datetime | None = None,
    note: str | None = None,
    answers: Mapping[str, str] | None = None,
    sets_window: bool = False,
) -> RulesetDraft:
    """Write on a draft as it was at `revision`. With `sets_window` the window is as given, open ends included.

    Raises: DraftNotFound, DraftChanged, DraftMoveNotAllowed, NotAuthor, InvalidInput naming path, value and way out.
    """
    draft = _claim(draft_id, Action.EDIT, revision=revision)
    before = documents.content_from(draft.content)
    told: dict[str, Any] = {}
    if title is not None:
        draft.title = told["title"] = _title(title)
    if content is not None:
        document = documents.document(content) if isinstance(content, Content) else dict(content)
        after = documents.content_from(document)
        draft.content = documents.document(after)
        told["changes"] = [f"{one.kind} {one.promotion_id}" for one in differences.between(before, after).changes][:50]
    if sets_window:
        if effective_from is not None and effective_to is not None and effective_to <= effective_from:
            raise _invalid(
                "effective_to", effective_to.isoformat(), "The rules end after they begin; choose a later end."
            )
        draft.effective_from, draft.effective_to = effective_from, effective_to
        told |= {"effective_from": effective_from, "effective_to": effective_to}
    if note is not None:
        if len(note) > LONGEST_NOTE:
            raise _invalid("note", note, f"A note has up to {LONGEST_NOTE} characters.")
        draft.note = told["note"] = note
    if answers is not None:
        draft.answers = _answers(answers)
        told["answers"] = len(draft.answers)
    _write(draft, draft.state)
    RulesetContribution.objects.get_or_create(draft=draft, person_id=_person(by), defaults={"since": draft.changed_at})
    _record("change", draft, by=by, after=told)
    return draft


@transaction_required
def submit(draft_id: UUID, *, revision: int, by: Actor) -> RulesetDraft:
    """Ask for approval: nothing that blocks is left, every warning has its reason. What it needs is fixed from now on.

    Raises: DraftNotFound, DraftChanged, DraftMoveNotAllowed, DraftConflicts naming each finding.
    """
    draft = _claim(draft_id, Action.SUBMIT, revision=revision)
    _submit(draft, by=by, verb="submit")
    return draft


@transaction_required
def publish_in_emergency(draft_id: UUID, *, revision: int, reason: str, by: Actor) -> RulesetDraft:
    """Let a draft hold at once, for LONGEST_EMERGENCY at most, and ask for approval meanwhile.

    Approved, it goes on holding as it says; rejected or taken back, it ends at that moment; forgotten, it ends by itself.
    Raises: as `submit`, and InvalidInput without a reason.
    """
    if not reason.strip():
        raise _invalid("reason", reason, "Say why this can't wait for a second person.")
    draft = _claim(draft_id, Action.PUBLISH_IN_EMERGENCY, revision=revision)
    at = clock.now()
    ends_at = min(draft.effective_to or at + approving.LONGEST_EMERGENCY, at + approving.LONGEST_EMERGENCY)
    if ends_at <= at:
        raise _invalid("effective_to", ends_at.isoformat(), "That is over already; choose a later end.")
    draft.emergency_number = rulesets.publish(
        draft.content,
        by=by,
        effective_to=ends_at,
        note=f"{draft.title}: {reason.strip()}"[:LONGEST_NOTE],
        of_number=draft.of_number,
    )
    _submit(draft, by=by, verb="publish_in_emergency", reason=reason.strip())
    return draft


@transaction_required
def take_back(draft_id: UUID, *, revision: int, by: Actor, reason: str = "") -> RulesetDraft:
    """Make a draft of it again; approvals that were given don't count any more, an emergency ends.

    Raises: DraftNotFound, DraftChanged, DraftMoveNotAllowed.
    """
    draft = _claim(draft_id, Action.TAKE_BACK, revision=revision)
    return_to_draft(draft, by=by, verb="take_back", reason=reason)
    return draft


@transaction_required
def discard(draft_id: UUID, *, revision: int, by: Actor, reason: str = "") -> RulesetDraft:
    """Put a draft away for good. Raises: DraftNotFound, DraftChanged, DraftMoveNotAllowed."""
    draft = _claim(draft_id, Action.DISCARD, revision=revision)
    _write(draft, State.DISCARDED)
    _record("discard", draft, by=by, reason=reason)
    return draft


@transaction_required
def publish(draft_id: UUID, *, revision: int, by: Actor) -> RulesetDraft:
    """Make a version of an approved draft: it holds from its instant on, or from now on where that is over.

    Raises: DraftNotFound, DraftChanged, DraftMoveNotAllowed, InvalidInput when its end is over.
    """
    draft = _claim(draft_id, Action.PUBLISH, revision=revision)
    at = clock.now()
    if draft.effective_to is not None and draft.effective_to <= at:
        raise _invalid(
            "effective_to", draft.effective_to.isoformat(), "Its end is over; take it back and choose a later one."
        )
    starts_at = draft.effective_from if draft.effective_from and draft.effective_from > at else None
    number = rulesets.publish(
        draft.content, by=by, effective_from=starts_at, effective_to=draft.effective_to, of_number=draft.of_number,
        note=(draft.note or draft.title)[:LONGEST_NOTE],
    )  # fmt: skip
    _end_emergency(draft, by=by, reason="approved")
    draft.version_id = number
    _write(draft, State.PUBLISHED)
    _record("publish", draft, by=by, after={"number": number})
    return draft


def findings(draft: RulesetDraft) -> list[Finding]:
    """Return what is wrong with a draft as it stands."""
    return examined(draft)[0]


def examined(draft: RulesetDraft, *, at_most: int | None = announced.MOST_PASTS) -> tuple[list[Finding], Looked]:
    """Return what is wrong with a draft as it stands, and what was looked at to find it.

    What a promotion claims is judged when it begins: of those that run already and stay as they are, it isn't judged anew.
    Without `at_most` all pasts are looked at, however many those are.
    """
    at = clock.now()
    begins = max(draft.effective_from or at, at)
    content = documents.content_from(draft.content)
    looked = announced.looked_at(impact.catalogue(at), content, at=begins, at_most=at_most)
    found = conflicts.check(content, looked.articles, effective_from=begins, effective_to=draft.effective_to)
    base = rulesets.in_force(at)
    known = {one.id: one for one in documents.content_from(base.content).promotions} if base else {}
    running = {
        one.id
        for one in content.promotions
        if known.get(one.id) == one and (one.conditions.valid_from is None or one.conditions.valid_from <= at)
    }
    judged = [one for one in found if not (one.code is Code.UNTRUE_CLAIM and one.promotions[0] in running)]
    return judged, looked


def unanswered(draft: RulesetDraft, found: list[Finding]) -> list[Finding]:
    """Return the findings that keep a draft from being submitted: errors, and warnings without a reason."""
    return [one for one in found if one.severity is Severity.ERROR or not draft.answers.get(one.key)]


def need(draft: RulesetDraft) -> tuple[approving.Facts, Need]:
    """Return how many approvals a draft needs as it stands, and the facts that say so."""
    at = clock.now()
    base = rulesets.in_force(at)
    before = documents.content_from(base.content) if base else Content()
    facts = impact.facts(before, documents.content_from(draft.content), impact.catalogue(at), at=at)
    thresholds = [
        approving.Threshold(approving.Measure(one.measure), one.limit, Rank(one.rank), one.approvals)
        for one in ApprovalThreshold.objects.filter(is_active=True)
    ]
    return facts, approving.assess(facts, thresholds)


@transaction_required
def approved(draft: RulesetDraft) -> None:
    """Note that a submitted draft has all its approvals. For `approvals`, which holds its row locked."""
    _write(draft, State.APPROVED)


@transaction_required
def return_to_draft(draft: RulesetDraft, *, by: Actor, verb: str, reason: str) -> None:
    """Let a draft be written on again. For `approvals` and the verbs here, which hold its row locked."""
    _end_emergency(draft, by=by, reason=verb)
    draft.assessment = draft.submitted_at = None
    draft.emergency_number = None
    _write(draft, State.DRAFT)
    _record(verb, draft, by=by, reason=reason)


def claim(draft_id: UUID, action: Action, *, revision: int | None = None) -> RulesetDraft:
    """Lock a draft for an action. Raises: DraftNotFound, DraftChanged, DraftMoveNotAllowed."""
    return _claim(draft_id, action, revision=revision)


def _claim(draft_id: UUID, action: Action, *, revision: int | None) -> RulesetDraft:
    draft = RulesetDraft.objects.select_for_update().filter(pk=draft_id).first()
    if draft is None:
        raise DraftNotFound(f"There is no draft {draft_id}.", draft=str(draft_id))
    if approving.after(draft.state, action) is None:
        possible = [str(one) for one in approving.allowed_actions(draft.state)]
        raise DraftMoveNotAllowed(
            f"'{action}' is not possible while this is '{draft.state}'"
            + (f"; possible: {', '.join(possible)}." if possible else ": it is finished."),
            state=draft.state, action=str(action), allowed_actions=possible,
        )  # fmt: skip
    if revision is not None and draft.revision != revision:
        latest = [entry for entry in audit.timeline("ruleset_draft", draft.pk) if entry.verb.startswith("pricing.")][
            -1:
        ]
        raise DraftChanged(
            f"Somebody else changed this draft meanwhile: it is at revision {draft.revision}, yours was {revision}. Look at it "
            "again, then make your change.",
            revision=draft.revision, expected=revision, changed_by=latest[0].actor_label if latest else "",
            changes=(latest[0].after or {}) if latest else {},
        )  # fmt: skip
    return draft


def _submit(draft: RulesetDraft, *, by: Actor, verb: str, reason: str = "") -> None:
    _person(by)
    open_now = unanswered(draft, examined(draft, at_most=None)[0])  # all of it, however much that is
    if open_now:
        raise DraftConflicts(
            f"{len(open_now)} findings stand in the way; mend what is wrong and give a reason for each warning.",
            findings=[
                {"code": one.code, "severity": one.severity, "promotions": list(one.promotions), "facts": dict(one.facts)}
                for one in open_now[:50]
            ],
        )  # fmt: skip
    facts, needed = need(draft)
    draft.assessment = {
        "facts": asdict(facts),
        "needed": {rank.value: count for rank, count in needed.approvals.items()},
        "reasons": [
            {"measure": one.threshold.measure.value, "limit": one.threshold.limit, "rank": one.threshold.rank.value,
             "approvals": one.threshold.approvals, "value": one.value, "place": one.place}
            for one in needed.reasons
        ],
    }  # fmt: skip
    draft.submission += 1
    draft.submitted_at = clock.now()
    _write(draft, State.SUBMITTED)
    _record(
        verb,
        draft,
        by=by,
        reason=reason,
        after={"needed": draft.assessment["needed"], "emergency": draft.emergency_number},
    )


def _end_emergency(draft: RulesetDraft, *, by: Actor, reason: str) -> None:
    if draft.emergency_number is None:
        return
    version = rulesets.version(draft.emergency_number)
    if version.holds(clock.now()):
        rulesets.withdraw(draft.emergency_number, by=by, reason=reason)


def _write(draft: RulesetDraft, state: str) -> None:
    draft.state = str(state)
    draft.revision += 1
    draft.changed_at = max(draft.changed_at, clock.now())
    draft.save()


def _record(
    verb: str, draft: RulesetDraft, *, by: Actor, reason: str = "", after: Mapping[str, Any] | None = None
) -> None:
    audit.record(
        f"pricing.drafts.{verb}", "ruleset_draft", draft.pk, by=by, reason=reason,
        after={"state": draft.state, "revision": draft.revision, **(after or {})},
    )  # fmt: skip


def _person(by: Actor) -> int:
    if by.kind is not ActorKind.STAFF:
        raise NotAuthor("Drafts are written by people: sign in with an account of your own.", actor=by.label)
    return int(by.id)


def _title(title: str) -> str:
    title = " ".join(title.split())
    if not 1 <= len(title) <= LONGEST_TITLE:
        raise _invalid("title", title, f"A title has 1 to {LONGEST_TITLE} characters.")
    return title


def _answers(answers: Mapping[str, str]) -> dict[str, str]:
    if len(answers) > MOST_ANSWERS:
        raise _invalid("answers", len(answers), f"At most {MOST_ANSWERS} reasons are kept.")
    given = {key: value.strip() for key, value in answers.items() if value.strip()}
    for key, value in given.items():
        if len(value) > LONGEST_ANSWER:
            raise _invalid(f"answers.{key}", value, f"A reason has up to {LONGEST_ANSWER} characters.")
    return given


def _invalid(name: str, value: object, message: str) -> InvalidInput:
    return InvalidInput(f"{name}: {message}", errors=[{"field": name, "value": value, "message": message}])
