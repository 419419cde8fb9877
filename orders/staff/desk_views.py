"""The exceptions desk: what needs a person here, the worst first, each with its ways out at one click."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from commerce import audit, clock, transactions
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import people, refusals, shell
from inventory.places import locations
from orders import exceptions
from orders.desk import SAID_BY_PEOPLE, CaseState, Outcome
from orders.exceptions import cases, kinds
from orders.exceptions.cases import Case, Filters
from orders.exceptions.kinds import Kind, Suggestion
from orders.staff import board, desk_words, words

worker = shell.require(Permission.WORK_EXCEPTIONS)
EVERYWHERE = "all"
MINE = "mine"
SHOWN_STATES = [("", _("Open")), (MINE, _("Mine")), ("snoozed", _("Postponed")), ("settled", _("Settled"))]
# How long a case can be put off at one click, in minutes.
SNOOZES = [(60, _("one hour")), (240, _("four hours")), (24 * 60, _("until tomorrow")), (3 * 24 * 60, _("three days"))]


class FilterForm(forms.Form):
    """Which cases are wanted."""

    kind = forms.CharField(label=_("What"), required=False, max_length=60)
    severity = forms.ChoiceField(
        label=_("How bad"),
        required=False,
        choices=[("", _("All")), *((key, word.text) for key, word in desk_words.SEVERITIES.items())],
    )
    role = forms.ChoiceField(
        label=_("Whose turn"), required=False, choices=[("", _("Everybody")), *desk_words.ROLES.items()]
    )
    state = forms.ChoiceField(required=False, choices=SHOWN_STATES)
    place = forms.CharField(required=False, max_length=10)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["kind"].widget = forms.Select(
            choices=[("", _("Everything")), *((kind.code, kind.title) for kind in kinds.every())]
        )


class SnoozeForm(forms.Form):
    """How long a case can wait, and why."""

    minutes = forms.TypedChoiceField(label=_("For how long?"), choices=SNOOZES, coerce=int)
    reason = forms.CharField(
        label=_("Why can it wait?"),
        max_length=200,
        error_messages={"required": _("Say why it can wait; whoever looks next has to know.")},
    )


class SettleForm(forms.Form):
    """How a case ended."""

    outcome = forms.ChoiceField(
        label=_("How did it end?"),
        choices=[(one.value, desk_words.OUTCOMES[one.value]) for one in Outcome if one in SAID_BY_PEOPLE],
    )
    note = forms.CharField(
        label=_("In a sentence"),
        max_length=200,
        error_messages={"required": _("Say in a sentence how it ended; it stays with the case.")},
    )


@dataclass(frozen=True, slots=True)
class Offer:
    """A button of a case: a step to take, or a page to open."""

    label: Any
    icon: str
    url: str
    posts: bool
    is_primary: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A case as the desk shows it."""

    case: Case
    title: Any
    sentence: str
    icon: str
    severity: words.Word
    state: words.Word
    role: Any
    place: str
    clock: board.Clock
    is_overdue: bool
    offers: list[Offer]

    @property
    def first_offer(self) -> Offer | None:
        return self.offers[0] if self.offers else None


@require_GET
@worker
def desk(request: HttpRequest) -> HttpResponse:
    """List what is open here, the worst first."""
    at = clock.now()
    form = FilterForm(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    filters = _filters(request, wanted)
    found = cases.listed(filters)
    everywhere = filters.location_ids is None
    facts = {
        "form": form,
        "cases": [_shown(case, request, at) for case in found],
        "counts": cases.counts(filters, at=at),
        "states": [
            {"label": label, "url": _address(wanted, state=key), "is_current": (wanted.get("state") or "") == key}
            for key, label in SHOWN_STATES
        ],
        "here_url": _address(wanted, place=""),
        "everywhere_url": _address(wanted, place=EVERYWHERE),
        "is_everywhere": everywhere,
        "may_everywhere": _may_everywhere(request),
        "is_filtered": any(wanted.get(name) for name in ("kind", "severity", "role")),
        "is_cut": len(found) == cases.MOST_LISTED,
        "most_listed": cases.MOST_LISTED,
        "query": request.GET.urlencode(),
    }
    return render(request, "orders/desk.html", facts)


@require_GET
@worker
def case(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Show one case: what it is about, what helps, what happened."""
    return _page(request, _found(request, case_id))


@require_POST
@worker
def take(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Take a case on; others see who has it."""
    found = _found(request, case_id)
    return _do(
        request,
        found,
        lambda: exceptions.take(found.id, user=request.user, by=shell.actor(request), at=clock.now()),
        _now("You have taken this on."),
    )


@require_POST
@worker
def give_back(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Leave a case to whoever comes next."""
    found = _found(request, case_id)
    return _do(
        request,
        found,
        lambda: exceptions.give_back(found.id, by=shell.actor(request), at=clock.now()),
        _now("Given back. Whoever comes next can take it."),
    )


@require_POST
@worker
def snooze(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Put a case off, with a reason."""
    found, at = _found(request, case_id), clock.now()
    form = SnoozeForm(request.POST)
    if not form.is_valid():
        return _page(request, found, snooze_form=form, status=422)
    until = at + timedelta(minutes=form.cleaned_data["minutes"])
    return _do(
        request,
        found,
        lambda: exceptions.snooze(
            found.id, until=until, reason=form.cleaned_data["reason"], by=shell.actor(request), at=at
        ),
        _now("Put off. It comes back by itself."),
        goes_to=reverse("orders-staff:desk"),
    )


@require_POST
@worker
def settle(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Say how a case ended."""
    found = _found(request, case_id)
    form = SettleForm(request.POST)
    if not form.is_valid():
        return _page(request, found, settle_form=form, status=422)
    outcome, note = Outcome(form.cleaned_data["outcome"]), form.cleaned_data["note"]
    return _do(
        request,
        found,
        lambda: exceptions.settle(found.id, outcome=outcome, note=note, by=shell.actor(request), at=clock.now()),
        _now("Settled."),
        goes_to=reverse("orders-staff:desk"),
    )


@require_POST
@worker
def act(request: HttpRequest, case_id: UUID, code: str) -> HttpResponse:
    """Take a suggested action at one click."""
    found = _found(request, case_id)
    kind = kinds.known(found.kind)
    action = kind.action(code) if kind else None
    if action is None:
        raise Http404
    if not _may(request, found, action):
        return shell.refuse(request, action.permission)
    return _do(
        request,
        found,
        lambda: exceptions.act(found.id, code, user=request.user, by=shell.actor(request), at=clock.now()),
        _now("Done: %(action)s.") % {"action": action.label},
        goes_to=reverse("orders-staff:desk"),
    )


def _do(request: HttpRequest, found: Case, verb: Any, sentence: str, *, goes_to: str = "") -> HttpResponse:
    try:
        with transactions.transaction():
            verb()
    except CommerceError as refusal:
        return _page(request, _found(request, found.id), refusal=refusal)
    messages.success(request, sentence)
    return redirect(goes_to or reverse("orders-staff:case", args=[found.id]))


def _page(
    request: HttpRequest,
    found: Case,
    *,
    snooze_form: SnoozeForm | None = None,
    settle_form: SettleForm | None = None,
    refusal: CommerceError | None = None,
    status: int = 200,
) -> HttpResponse:
    at = clock.now()
    entries = audit.timeline("exception", found.id)
    who = people.names((entry.actor_kind, entry.actor_id) for entry in entries)
    facts = {
        "one": _shown(found, request, at),
        "is_mine": found.owner_id == request.user.pk,
        "outcome": desk_words.OUTCOMES.get(found.outcome, found.outcome),
        "acted": _label_of_action(found),
        "order_url": reverse("orders-staff:order", args=[found.order_id]) if found.order_id else "",
        "may_view_orders": shell.may(request, Permission.VIEW_ORDERS),
        "steps": [_step(entry, who) for entry in reversed(entries)],
        "snooze_form": snooze_form or SnoozeForm(),
        "settle_form": settle_form or SettleForm(),
        "refusal": refusals.sentence(refusal) if refusal else "",
    }
    return render(request, "orders/desk_case.html", facts, status=refusal.status if refusal else status)


# --- what the pages show ----------------------------------------------------------------------------------------------


def _filters(request: HttpRequest, wanted: dict[str, Any]) -> Filters:
    everywhere = wanted.get("place") == EVERYWHERE and _may_everywhere(request)
    state = wanted.get("state") or ""
    return Filters(
        location_ids=None if everywhere else [shell.here(request).id],
        states=[CaseState.OPEN.value] if state in ("", MINE) else [state],
        kind=wanted.get("kind", ""),
        severity=wanted.get("severity", ""),
        roles=[wanted["role"]] if wanted.get("role") else (),
        owner_id=request.user.pk if state == MINE else None,
    )


def _address(wanted: dict[str, Any], **changes: str) -> str:
    kept = {name: value for name, value in {**wanted, **changes}.items() if value}
    return "?" + urlencode(kept)


def _may_everywhere(request: HttpRequest) -> bool:
    return Permission.WORK_EXCEPTIONS in shell.permissions_everywhere(request)


def _found(request: HttpRequest, case_id: UUID) -> Case:
    """Return a case of the current store, or any for who works on all of them (law 17)."""
    found = cases.one(case_id)
    if found is None or not (_may_everywhere(request) or found.location_id == shell.here(request).id):
        raise Http404
    return found


def _may(request: HttpRequest, found: Case, action: Suggestion) -> bool:
    """Whether the person may take an action where the case is; one without a place takes the right everywhere."""
    if request.user.is_superuser:
        return True
    allowed = shell.access(request)
    return allowed is not None and action.permission in allowed.permissions_at(found.location_id)


def _shown(found: Case, request: HttpRequest, at: datetime) -> Shown:
    kind = kinds.known(found.kind)
    return Shown(
        case=found,
        title=kind.title if kind else found.kind,
        sentence=kind.says(found.facts) if kind else "",
        icon=kind.icon if kind else "triangle-alert",
        severity=words.word(desk_words.SEVERITIES, found.severity),
        state=words.word(desk_words.STATES, found.state),
        role=desk_words.ROLES.get(found.role, found.role),
        place=locations.by_id(found.location_id).name if found.location_id else _now("all places"),
        clock=board.Clock.of(found.due_at, at=at),
        is_overdue=found.is_overdue(at),
        offers=_offers(found, kind, request) if kind and not found.is_settled else [],
    )


def _offers(found: Case, kind: Kind, request: HttpRequest) -> list[Offer]:
    offered = [one for one in kind.actions if one.is_offered(found) and _may(request, found, one)]
    return [
        Offer(
            label=one.label,
            icon=one.icon,
            url=one.page(found) if one.page else reverse("orders-staff:case-act", args=[found.id, one.code]),
            posts=one.page is None,
            is_primary=place == 0,
        )
        for place, one in enumerate(offered)
    ]


def _label_of_action(found: Case) -> Any:
    kind = kinds.known(found.kind)
    action = kind.action(found.note) if kind and found.outcome == Outcome.ACTED.value else None
    return action.label if action else ""


def _step(entry: Any, who: dict[tuple[str, str], str]) -> dict[str, Any]:
    step = words.word(desk_words.STEPS, entry.verb.rsplit(".", 1)[-1])
    after = entry.after or {}
    if "role" in after:
        said = desk_words.ROLES.get(after["role"], after["role"])
    elif "outcome" in after:
        said = desk_words.OUTCOMES.get(after["outcome"], after["outcome"])
    else:
        said = ""
    return {
        "label": step.text,
        "icon": step.icon,
        "said": said,
        "reason": entry.reason if after.get("outcome") != Outcome.ACTED.value else "",
        "who": who[entry.actor_kind, entry.actor_id],
        "at": entry.recorded_at,
    }
