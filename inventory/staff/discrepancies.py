"""The manager's page of discrepancies: what differs, since when, worth how much, why, and one clear action."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from commerce import audit, clock, transactions
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import people, refusals, shell
from inventory.places import locations
from inventory.reconciliation import discrepancies, discrepancy_lists, refused
from inventory.reconciliation.discrepancy_lists import Filters, Listed, Sum
from inventory.reconciling import Cause, DiscrepancyKind, DiscrepancyState, Meaning
from inventory.staff import discrepancy_words as words

manager = shell.require(Permission.MANAGE_DISCREPANCIES)
EVERYWHERE = "all"


class FilterForm(forms.Form):
    """Which discrepancies are wanted."""

    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[(state.value, label) for state, (label, *_rest) in words.STATES.items()],
    )
    kind = forms.ChoiceField(
        label=_("What"),
        required=False,
        choices=[("", _("Everything")), *((k.value, v) for k, v in words.KINDS.items())],
    )
    cause = forms.ChoiceField(
        label=_("Likely cause"),
        required=False,
        choices=[("", _("All causes")), *((c.value or "unknown", label) for c, label in words.CAUSES.items())],
    )
    source = forms.CharField(label=_("Source"), required=False, max_length=40)
    order = forms.ChoiceField(
        label=_("Sorted by"),
        required=False,
        choices=[
            ("value", _("the most valuable first")),
            ("age", _("the oldest first")),
            ("due", _("the most urgent first")),
        ],
    )
    overdue = forms.BooleanField(label=_("Only overdue"), required=False)
    place = forms.CharField(required=False, max_length=10, widget=forms.HiddenInput)


class RepairForm(forms.Form):
    """Why our books are brought to what was found."""

    reason = forms.ChoiceField(
        label=_("Reason"),
        choices=[("", _("Choose a reason")), *words.REASONS.items()],
        error_messages={"required": _("Choose a reason; it stays in the journal.")},
    )


class AcceptForm(forms.Form):
    """Why our books stand."""

    note = forms.CharField(
        label=_("Why our books stand"),
        max_length=discrepancies.LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 2, "data-scan-guard": ""}),
        error_messages={"required": _("Say why; the sentence stays with the difference.")},
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """A discrepancy as the page shows it."""

    row: Listed
    kind: Any
    cause: Any
    why: str
    place: str
    age: str
    value: str
    is_overdue: bool
    is_ours_likely: bool

    @property
    def left(self) -> str:
        return f"{self.row.left:+}"


@dataclass(frozen=True, slots=True)
class Group:
    """Discrepancies of one source with one likely cause."""

    source: Any
    cause: Any
    rows: list[Shown]

    @property
    def repairable(self) -> list[UUID]:
        return [shown.row.id for shown in self.rows if shown.row.is_repairable and not shown.is_ours_likely]


@require_GET
@manager
def page(request: HttpRequest) -> HttpResponse:
    """List what is open here, the most valuable first, by source and likely cause."""
    return _page(request)


def _page(request: HttpRequest, *, repair_form: RepairForm | None = None, status: int = 200) -> HttpResponse:
    now = clock.now()
    form = FilterForm(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    filters = _filters(request, wanted, now)
    rows = discrepancy_lists.listed(filters, order=wanted.get("order") or "value")
    facts = {
        "form": form,
        "is_filtered": any(wanted.get(name) for name in ("kind", "cause", "source", "overdue"))
        or filters.state != DiscrepancyState.OPEN,
        "groups": _groups([_shown(row, now) for row in rows]),
        "sums": [_sum(one) for one in discrepancy_lists.sums(filters, at=now)],
        "refused": [
            words.refused(one)
            for one in refused.listed(location_ids=filters.location_ids, only_standing=True, at_most=3)
        ],
        "is_cut": len(rows) == discrepancy_lists.MOST_LISTED,
        "most_listed": discrepancy_lists.MOST_LISTED,
        "is_everywhere": filters.location_ids is None,
        "may_everywhere": _may_everywhere(request),
        "is_open": filters.state == DiscrepancyState.OPEN,
        "repair_form": repair_form or RepairForm(),
    }
    return render(request, "inventory/discrepancies.html", facts, status=status)


@require_GET
@manager
def one(request: HttpRequest, discrepancy_id: UUID) -> HttpResponse:
    """Show one discrepancy with everything that helps to decide."""
    return _one_page(request, _found(request, discrepancy_id))


def _one_page(
    request: HttpRequest,
    row: Listed,
    *,
    repair_form: RepairForm | None = None,
    accept_form: AcceptForm | None = None,
    refusal: CommerceError | None = None,
    status: int = 200,
) -> HttpResponse:
    now = clock.now()
    entries = audit.timeline("discrepancy", row.id)
    who = people.names((entry.actor_kind, entry.actor_id) for entry in entries)
    reason = "missing" if row.left < 0 else "found"
    label, icon, look = words.STATES[DiscrepancyState(row.state)]
    facts = {
        "one": _shown(row, now),
        "state": label,
        "state_icon": icon,
        "state_look": look,
        "meaning": words.MEANINGS[Meaning(row.meaning)],
        "steps": [
            {
                "label": text,
                "icon": step_icon,
                "who": who[entry.actor_kind, entry.actor_id],
                "at": entry.recorded_at,
                "reason": words.REASONS.get(entry.reason, entry.reason),
            }
            for entry in reversed(entries)
            for text, step_icon in [words.step(entry.verb, entry.before, entry.after)]
        ],
        "repair_form": repair_form or RepairForm(initial={"reason": reason}),
        "accept_form": accept_form or AcceptForm(),
        "refusal": refusals.sentence(refusal) if refusal else "",
    }
    return render(request, "inventory/discrepancy.html", facts, status=refusal.status if refusal else status)


@require_POST
@manager
def repair(request: HttpRequest, discrepancy_id: UUID) -> HttpResponse:
    """Book what was found, with a reason."""
    row = _found(request, discrepancy_id)
    form = RepairForm(request.POST)
    if not form.is_valid():
        return _one_page(request, row, repair_form=form, status=422)
    try:
        with transactions.transaction():
            done = discrepancies.repair(
                [row.id], reason=form.cleaned_data["reason"], by=shell.actor(request), at=clock.now()
            )
    except CommerceError as refusal:
        return _one_page(request, _found(request, discrepancy_id), repair_form=form, refusal=refusal)
    outcome = done[row.id]
    if outcome.left:
        messages.warning(
            request,
            _now(
                "%(booked)s booked. %(left)s pieces stay open: they are promised to orders or in baskets. Free those first."
            )
            % {"booked": f"{outcome.booked:+}", "left": abs(outcome.left)},
        )
        return redirect("inventory-staff:discrepancy", row.id)
    if outcome.booked:
        messages.success(
            request, _now("%(name)s: %(booked)s booked.") % {"name": row.name, "booked": f"{outcome.booked:+}"}
        )
    else:
        messages.info(request, _now("%(name)s agrees by now; nothing had to be booked.") % {"name": row.name})
    return redirect("inventory-staff:discrepancies")


@require_POST
@manager
def accept(request: HttpRequest, discrepancy_id: UUID) -> HttpResponse:
    """Leave our books as they are, with a sentence why."""
    row = _found(request, discrepancy_id)
    form = AcceptForm(request.POST)
    if not form.is_valid():
        return _one_page(request, row, accept_form=form, status=422)
    try:
        with transactions.transaction():
            discrepancies.settle(
                row.id,
                how=DiscrepancyState.ACCEPTED,
                note=form.cleaned_data["note"],
                by=shell.actor(request),
                at=clock.now(),
            )
    except CommerceError as refusal:
        return _one_page(request, _found(request, discrepancy_id), accept_form=form, refusal=refusal)
    messages.success(request, _now("%(name)s: our books stand.") % {"name": row.name})
    return redirect("inventory-staff:discrepancies")


@require_POST
@manager
def repair_group(request: HttpRequest) -> HttpResponse:
    """Book a whole group with one reason."""
    form = RepairForm(request.POST)
    rows = [_found(request, _uuid(text)) for text in request.POST.getlist("id")[: discrepancy_lists.MOST_LISTED]]
    if not form.is_valid() or not rows:
        return _page(request, repair_form=form, status=422)
    try:
        with transactions.transaction():
            done = discrepancies.repair(
                [row.id for row in rows], reason=form.cleaned_data["reason"], by=shell.actor(request), at=clock.now()
            )
    except CommerceError as refusal:
        form.add_error(None, refusals.sentence(refusal))
        return _page(request, repair_form=form, status=refusal.status)
    stuck = sum(1 for outcome in done.values() if outcome.left)
    if stuck:
        messages.warning(
            request,
            _now("%(n)s of %(all)s are put right; of the others, pieces are promised to orders or in baskets.")
            % {"n": len(done) - stuck, "all": len(done)},
        )
    else:
        messages.success(request, _now("All %(n)s are put right.") % {"n": len(done)})
    query = urlencode({"place": EVERYWHERE}) if request.POST.get("place") == EVERYWHERE else ""
    return redirect(f"{reverse('inventory-staff:discrepancies')}{'?' if query else ''}{query}")


# --- what the pages show --------------------------------------------------------------------------------------------


def _filters(request: HttpRequest, wanted: dict[str, Any], now: datetime) -> Filters:
    everywhere = wanted.get("place") == EVERYWHERE and _may_everywhere(request)
    cause = wanted.get("cause")
    return Filters(
        location_ids=None if everywhere else [shell.here(request).id],
        state=wanted.get("state") or DiscrepancyState.OPEN.value,
        kind=wanted.get("kind", ""),
        cause=None if not cause else "" if cause == "unknown" else cause,
        source=wanted.get("source", ""),
        overdue_at=now if wanted.get("overdue") else None,
    )


def _may_everywhere(request: HttpRequest) -> bool:
    return Permission.MANAGE_DISCREPANCIES in shell.permissions_everywhere(request)


def _found(request: HttpRequest, discrepancy_id: UUID) -> Listed:
    """Return a discrepancy of the current store, or any for who manages all of them (law 17)."""
    row = discrepancy_lists.one(discrepancy_id)
    if row is None or not (_may_everywhere(request) or row.location_id == shell.here(request).id):
        raise Http404
    return row


def _shown(row: Listed, now: datetime) -> Shown:
    cause = Cause(row.suggested_cause) if row.suggested_cause in Cause._value2member_map_ else Cause.UNKNOWN
    return Shown(
        row=row,
        kind=words.KINDS[DiscrepancyKind(row.kind)],
        cause=words.cause(row.suggested_cause),
        why=words.why(row.suggested_cause, row.cause_facts),
        place=_now("all places") if row.location_id is None else locations.by_id(row.location_id).name,
        age=words.age(row.since, now),
        value="" if row.value_minor is None else words.amount(abs(row.value_minor), row.currency),
        is_overdue=row.state == DiscrepancyState.OPEN and row.due_at < now,
        is_ours_likely=cause in words.OURS_LIKELY,
    )


def _groups(rows: Sequence[Shown]) -> list[Group]:
    groups: dict[tuple[str, str], Group] = {}
    for shown in rows:
        key = (shown.row.source, shown.row.suggested_cause)
        groups.setdefault(key, Group(words.source(shown.row), shown.cause, [])).rows.append(shown)
    return list(groups.values())


def _sum(one: Sum) -> dict[str, Any]:
    return {
        "count": one.discrepancies,
        "fewer": one.fewer,
        "more": one.more,
        "overdue": one.overdue,
        "currency": one.currency,
        "lost": words.amount(one.lost_minor, one.currency) if one.currency else "",
        "gained": words.amount(one.gained_minor, one.currency) if one.currency else "",
    }


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None
