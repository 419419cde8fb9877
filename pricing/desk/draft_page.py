"""One draft: what stands in the way, what changes, its promotions, who said what; one clear next step."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from commerce import audit, clock
from commerce.admin_base import in_words
from commerce.errors import CommerceError, InvalidInput
from commerce.staff import refusals
from commerce.transactions import transaction
from pricing import approvals, approving, differences, drafts, rulesets
from pricing.approving import Action, Rank, State
from pricing.conflicts import Finding, Severity
from pricing.desk import examples, findings, room, sentences, simulating, words
from pricing.desk.forms import MaybeReasonForm, ReasonForm
from pricing.models import RulesetApproval, RulesetDraft
from pricing.promotions import documents
from pricing.promotions.terms import Content

HISTORY_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Step:
    """Something that may be done now."""

    action: Action
    label: str
    is_primary: bool = False
    is_danger: bool = False


def show(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """Show a draft."""
    room.enter(request)
    return _page(request, room.draft(draft_id))


def _page(request: HttpRequest, draft: RulesetDraft, *, refusal: str = "", status: int = 200) -> HttpResponse:
    at = clock.now()
    content = documents.content_from(draft.content)
    names = {one.id: one.name for one in content.promotions}
    is_open = draft.state in (State.DRAFT, State.SUBMITTED, State.APPROVED)
    found, looked = drafts.examined(draft) if is_open else ([], None)
    base = rulesets.in_force(at)
    before = documents.content_from(base.content) if base else Content()
    difference = differences.between(before, content) if is_open else differences.Difference((), ())
    changed = {one.promotion_id: one.kind.value for one in difference.changes}
    steps = possible(draft, request, drafts.unanswered(draft, found))
    people = _people(draft)
    state = State(draft.state)
    facts = {
        "draft": draft, "refusal": refusal, "state_word": words.STATES[state], "state_icon": words.ICONS[state],
        "window": words.window(draft.effective_from, draft.effective_to), "base": base,
        "findings": [_finding(one, names, draft) for one in found],
        "looked_at": findings.looked_at(looked) if looked else "",
        "errors": sum(one.severity is Severity.ERROR for one in found),
        "open_count": len(drafts.unanswered(draft, found)),
        "changes": [words.change(one) for one in difference.changes], "settings": words.fields(difference.settings),
        "promotions": [
            {**sentences.row(one), "changed": changed.get(one.id, ""),
             "url": reverse("admin:pricing_draft_promotion", args=[draft.pk, one.id])}
            for one in content.promotions
        ],
        "kinds": [(kind, *said) for kind, said in words.KINDS.items()],
        "can_edit": state is State.DRAFT and room.rights(request).may_draft,
        "primary": next((one for one in steps if one.is_primary), None), "steps": [one for one in steps if not one.is_primary],
        "assessment": assessment(draft) if is_open else None, "approvals": _approvals(draft),
        "people": people, "history": history("ruleset_draft", draft.pk),
        "example": examples.facts(request, draft, content, of=changed) if is_open else None,
        "trial": simulating.facts(draft), "stacking": [(one.code, words.MODES[one.mode]) for one in content.stacking.groups],
    }  # fmt: skip
    return room.page(request, "admin/pricing/draft.html", draft.title, facts, status=status)


def _finding(one: Finding, names: dict[str, str], draft: RulesetDraft) -> dict[str, Any]:
    answer = draft.answers.get(one.key, "")
    return {**findings.finding(one, names), "answer": answer, "is_open": one.severity is Severity.ERROR or not answer}


def assessment(draft: RulesetDraft) -> dict[str, Any]:
    """Return how many approvals a draft needs and why: fixed when it was submitted, else as it stands."""
    if draft.assessment:
        needed = draft.assessment["needed"]
        reasons = [
            (one["measure"], one["limit"], one["value"], one.get("place", "")) for one in draft.assessment["reasons"]
        ]
    else:
        _facts, need = drafts.need(draft)
        needed = {rank.value: count for rank, count in need.approvals.items()}
        reasons = [(one.threshold.measure.value, one.threshold.limit, one.value, one.place) for one in need.reasons]
    left = approvals.missing(draft) if draft.state == State.SUBMITTED else {}
    return {
        "needed": words.needed(needed), "reasons": [words.threshold(*one) for one in reasons],
        "missing": words.needed(left) if left else "",
    }  # fmt: skip


def _people(draft: RulesetDraft) -> list[str]:
    return [
        one.person.get_full_name() or one.person.get_username()
        for one in draft.contributions.select_related("person").order_by("since")
    ]


def _approvals(draft: RulesetDraft) -> list[dict[str, Any]]:
    rows = RulesetApproval.objects.filter(draft=draft).select_related("approver").order_by("-decided_at")[:50]
    return [
        {
            "who": row.approver.get_full_name() or row.approver.get_username(), "is_approved": row.is_approved,
            "rank": words.RANKS[Rank(row.rank)], "reason": row.reason, "at": row.decided_at,
            "is_past": row.submission != draft.submission or draft.state == State.DRAFT,
        }
        for row in rows
    ]  # fmt: skip


def history(object_type: str, object_id: object) -> list[dict[str, Any]]:
    """Return who did what when and why, the newest first."""
    entries = audit.timeline(object_type, object_id, at_most=HISTORY_SHOWN)
    return [
        {
            "what": in_words(entry.verb), "who": entry.actor_label, "at": entry.recorded_at, "why": entry.reason,
            "more": words.listed([words.noted(str(one)) for one in (entry.after or {}).get("changes", [])]),
        }
        for entry in reversed(entries)
    ]  # fmt: skip


def possible(draft: RulesetDraft, request: HttpRequest, open_now: list[Finding]) -> list[Step]:
    """Return what the person may do with a draft now, one of it the clear next step."""
    rights = room.rights(request)
    allowed = approving.allowed_actions(draft.state)
    wrote = draft.contributions.filter(person_id=request.user.pk).exists()
    decided = draft.approvals.filter(submission=draft.submission, approver_id=request.user.pk).exists()
    found: list[Step] = []
    for action in allowed:
        if action is Action.EDIT:
            continue
        label = str(words.ACTIONS[action])
        if action in (Action.APPROVE, Action.REJECT):
            if rights.may_approve and not wrote and not decided:
                found.append(Step(action, label, action is Action.APPROVE, action is Action.REJECT))
            continue
        if not rights.may_draft:
            continue
        if action is Action.PUBLISH and draft.effective_from and draft.effective_from > clock.now():
            label = _("Schedule for %(begins)s") % {"begins": words.instant(draft.effective_from)}
        is_primary = action is Action.PUBLISH or (action is Action.SUBMIT and not open_now)
        if action in (Action.SUBMIT, Action.PUBLISH_IN_EMERGENCY) and open_now:
            continue  # the findings say what is to be done first
        found.append(Step(action, label, is_primary, action is Action.DISCARD))
    return found


# --- steps ----------------------------------------------------------------------------------------------------------------


def step(request: HttpRequest, draft_id: UUID, name: str) -> HttpResponse:
    """Ask before a step of the lifecycle, then take it."""
    room.enter(request)
    draft = room.draft(draft_id)
    back = reverse("admin:pricing_draft", args=[draft.pk])
    if name not in {one.value for one in words.ACTIONS}:
        return HttpResponseRedirect(back)
    action = Action(name)
    needs_reason = action in (Action.REJECT, Action.PUBLISH_IN_EMERGENCY)
    form = (ReasonForm if needs_reason else MaybeReasonForm)(request.POST or None)
    refusal = ""
    if request.method == "POST" and form.is_valid():
        try:
            with transaction():
                _take(request, draft, action, form.cleaned_data["reason"])
        except CommerceError as error:
            refusal = _refused(error)
        else:
            messages.success(request, _done(action, draft))
            return HttpResponseRedirect(back)
    facts = {
        "draft": draft, "action": action.value, "label": words.ACTIONS[action], "form": form, "refusal": refusal, "back": back,
        "consequence": _consequence(action, draft), "assessment": assessment(draft),
        "is_danger": action in (Action.DISCARD, Action.REJECT),
    }  # fmt: skip
    return room.page(
        request, "admin/pricing/draft_step.html", f"{words.ACTIONS[action]}: {draft.title}", facts,
        status=422 if refusal or form.errors else 200,
    )  # fmt: skip


def _take(request: HttpRequest, draft: RulesetDraft, action: Action, reason: str) -> None:
    by = room.person(request)
    if action in (Action.APPROVE, Action.REJECT):
        seen = _number(request.POST.get("submission"), draft.submission)
        verb = approvals.approve if action is Action.APPROVE else approvals.reject
        verb(draft.pk, submission=seen, ranks=room.rights(request).ranks, reason=reason, by=by)
        return
    room.author(request)
    revision = _number(request.POST.get("revision"), draft.revision)
    if action is Action.PUBLISH_IN_EMERGENCY:
        drafts.publish_in_emergency(draft.pk, revision=revision, reason=reason, by=by)
    elif action in (Action.TAKE_BACK, Action.DISCARD):
        put_away = drafts.take_back if action is Action.TAKE_BACK else drafts.discard
        put_away(draft.pk, revision=revision, by=by, reason=reason)
    else:
        go_on = drafts.submit if action is Action.SUBMIT else drafts.publish
        go_on(draft.pk, revision=revision, by=by)


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 else default


def _refused(error: CommerceError) -> str:
    said = refusals.sentence(error)
    if error.code == "ruleset_draft_changed":
        told = room.changed_by(error)
        said = _("%(who)s changed this draft meanwhile (%(what)s). Look at it again, then decide.") % {
            "who": told["who"] or _("Somebody"), "what": words.listed(told["what"]) or "…",
        }  # fmt: skip
    if isinstance(error, InvalidInput) and any(one.get("field") == "effective_to" for one in error.errors):
        said = _("Its end is over already; take it back and choose a later one.")
    return said


def _consequence(action: Action, draft: RulesetDraft) -> str:
    begins = draft.effective_from if draft.effective_from and draft.effective_from > clock.now() else None
    return {
        Action.SUBMIT: _("Nobody writes on it any more until it is decided. Who wrote on it doesn't approve it."),
        Action.APPROVE: _("With the last approval that it needs, it can be published. You answer for it with your name."),
        Action.REJECT: _("It becomes a draft again, and an emergency ends at once. The author reads your reason."),
        Action.TAKE_BACK: _("It becomes a draft again; approvals that were given don't count any more, an emergency ends."),
        Action.DISCARD: _("It is put away for good; its history stays."),
        Action.PUBLISH: (
            _("From %(begins)s on, every channel sells by it. Quotes that were given keep their prices until they expire.")
            % {"begins": words.instant(begins)} if begins else
            _("From now on, every channel sells by it. Quotes that were given keep their prices until they expire.")
        ),
        Action.PUBLISH_IN_EMERGENCY: _(
            "It holds at once, for 24 hours at most, and asks for approval meanwhile. Rejected or forgotten, it ends by itself."
        ),
    }[action]  # fmt: skip


def _done(action: Action, draft: RulesetDraft) -> str:
    return {
        Action.SUBMIT: _("Submitted. Colleagues see it on their first page."),
        Action.APPROVE: _("Approved by you."),
        Action.REJECT: _("Rejected; it is a draft again."),
        Action.TAKE_BACK: _("Taken back; it can be written on again."),
        Action.DISCARD: _("Put away."),
        Action.PUBLISH: _("Published as a version."),
        Action.PUBLISH_IN_EMERGENCY: _("In force for 24 hours at most; a second person has to approve it meanwhile."),
    }[action]


def answer(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """Keep reasons for warnings."""
    room.author(request)
    draft = room.draft(draft_id)
    given = {
        key.removeprefix("answer:"): text
        for key, text in request.POST.items()
        if key.startswith("answer:") and text.strip()
    }
    try:
        with transaction():
            drafts.change(
                draft.pk, revision=_number(request.POST.get("revision"), draft.revision),
                answers={**draft.answers, **given}, by=room.person(request),
            )  # fmt: skip
    except CommerceError as error:
        return _page(request, room.draft(draft_id), refusal=_refused(error), status=error.status)
    messages.success(request, _("Your reasons are kept with the draft."))
    return HttpResponseRedirect(reverse("admin:pricing_draft", args=[draft.pk]))
