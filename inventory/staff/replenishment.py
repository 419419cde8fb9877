"""The desk of replenishment: proposals to decide on, why each number, rules and what misfires."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commerce import clock, transactions
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import refusals, shell
from inventory.errors import ProposalUnknown, RuleUnknown
from inventory.procurement import suppliers
from inventory.replenishing import ProposalKind
from inventory.replenishment import lists
from inventory.replenishment import proposals as replenishment
from inventory.replenishment import rules as replenishment_rules
from inventory.replenishment.lists import Alert, Proposal
from inventory.replenishment.proposals import Decision
from inventory.staff import replenishment_words as words
from inventory.staff.replenishment_forms import PromotionForm, RuleForm

CHART_WIDTH, CHART_HEIGHT, CHART_FOOT = 520.0, 140.0, 4.0
LONGEST_QUANTITY = 7  # digits


@dataclass(frozen=True, slots=True)
class Shown:
    """A proposal with its reason in words, and its supplier's name, or the code where we know nobody of it."""

    proposal: Proposal
    why: str
    supplier: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A week of the chart: where it stands and how high; a week that nobody could buy in has no height but a mark."""

    x: float
    y: float
    width: float
    height: float
    pieces: float | None


@require_GET
@shell.require(Permission.MANAGE_SUPPLY)
def proposals(request: HttpRequest) -> HttpResponse:
    """List what should be reordered for this store, or for all of them who may decide for all."""
    return _list(request)


def _list(request: HttpRequest, *, refusal: str = "", status: int = 200) -> HttpResponse:
    everywhere = request.GET.get("all") == "1" and _may_everywhere(request)
    places = None if everywhere else [shell.here(request).id]
    kind = request.GET.get("kind", "")
    kind = kind if kind in set(ProposalKind) else ""
    found = lists.proposals(location_ids=places, kind=kind)
    names = suppliers.names(one.supplier_code for one in found)
    counts = lists.counts(location_ids=places)
    facts = {
        "shown": [Shown(one, words.why(one), names.get(one.supplier_code, one.supplier_code)) for one in found],
        "pieces": sum(one.quantity for one in found),
        "counts": counts,
        "total": sum(counts.values()),
        "kind": kind,
        "everywhere": everywhere,
        "may_everywhere": _may_everywhere(request),
        "most_shown": lists.MOST_SHOWN,
        "alerts": [_misfire(one) for one in lists.alerts(location_ids=places)],
        "refusal": refusal,
    }
    return render(request, "inventory/replenishment.html", facts, status=status)


@require_POST
@shell.require(Permission.MANAGE_SUPPLY)
def decide(request: HttpRequest) -> HttpResponse:
    """Approve the chosen proposals with the quantities as typed, or dismiss them with one reason. All or none."""
    chosen = _chosen(request.POST)
    if not chosen:
        return _list(request, refusal=_("Nothing was chosen. Tick the lines to decide on first."), status=422)
    _refuse_others(request, chosen)
    is_dismissal = request.POST.get("action") == "dismiss"
    reason = shell.typed(request.POST.get("reason", ""))
    decisions = [Decision(one, _quantity(request.POST, one)) for one in chosen]
    if is_dismissal and not reason:
        return _list(request, refusal=_("Say why: the next one who reads it wants to know."), status=422)
    if not is_dismissal and any(decision.quantity == 0 for decision in decisions):
        return _list(request, refusal=_("Order 1 to 1,000,000 pieces, or dismiss the proposal."), status=422)
    try:
        with transactions.transaction():
            if is_dismissal:
                replenishment.dismiss(chosen, reason=reason, by=shell.actor(request), at=clock.now())
                done = ngettext("%(n)s proposal was dismissed.", "%(n)s proposals were dismissed.", len(chosen))
            else:
                replenishment.approve(decisions, by=shell.actor(request), at=clock.now())
                done = ngettext("%(n)s proposal was approved.", "%(n)s proposals were approved.", len(chosen))
    except CommerceError as refusal:
        return _list(request, refusal=refusals.sentence(refusal), status=refusal.status)
    messages.success(request, done % {"n": len(chosen)})
    return redirect(_back(request))


@require_GET
@shell.require(Permission.MANAGE_SUPPLY)
def proposal(request: HttpRequest, proposal_id: UUID) -> HttpResponse:
    """Show why this number: every input, and the weeks it was worked out from."""
    _refuse_others(request, [proposal_id])
    one = lists.proposal(proposal_id)
    label, icon, look = words.STATES[one.state]
    facts = {
        "one": one,
        "supplier": suppliers.names([one.supplier_code]).get(one.supplier_code, one.supplier_code),
        "why": words.why(one),
        "state": {"label": label, "icon": icon, "look": look},
        "inputs": words.inputs_table(one.inputs),
        "chart": _chart(one.inputs["weeks"], one.inputs["per_week"]),
    }
    return render(request, "inventory/replenishment_proposal.html", facts)


@require_GET
@shell.require(Permission.MANAGE_SUPPLY, at_all_stores=True)
def rules(request: HttpRequest) -> HttpResponse:
    """List the rules, and the promotions that forecasts reckon with."""
    found = lists.rules()
    names = suppliers.names(rule.supplier_code for rule in found)
    facts = {
        "rules": [(rule, names.get(rule.supplier_code, rule.supplier_code)) for rule in found],
        "uplifts": lists.uplifts(),
    }
    return render(request, "inventory/replenishment_rules.html", facts)


@require_http_methods(["GET", "POST"])
@shell.require(Permission.MANAGE_SUPPLY, at_all_stores=True)
def write_rule(request: HttpRequest, rule_id: int | None = None) -> HttpResponse:
    """Write a rule down, or change it."""
    try:
        row = lists.rule(rule_id) if rule_id is not None else None
    except RuleUnknown as unknown:
        raise Http404(unknown.message) from unknown
    form = RuleForm(request.POST) if request.method == "POST" else RuleForm.of(row)
    if form.is_bound and form.is_valid():
        try:
            with transactions.transaction():
                if row is None:
                    replenishment_rules.add_rule(by=shell.actor(request), at=clock.now(), **form.values)
                else:
                    replenishment_rules.change_rule(row.pk, by=shell.actor(request), at=clock.now(), **form.values)
            messages.success(request, _("The rule was saved. It counts from the next night on."))
            return redirect("inventory-staff:replenishment-rules")
        except CommerceError as refusal:
            form.refuse(refusal)
    facts = {"form": form, "row": row}
    return render(request, "inventory/replenishment_rule.html", facts, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
@shell.require(Permission.MANAGE_SUPPLY, at_all_stores=True)
def write_promotion(request: HttpRequest) -> HttpResponse:
    """Note that a promotion sells more."""
    form = PromotionForm(request.POST) if request.method == "POST" else PromotionForm()
    if form.is_bound and form.is_valid():
        values = form.values
        try:
            with transactions.transaction():
                replenishment_rules.add_uplift(values.pop("name"), by=shell.actor(request), **values)
            messages.success(request, _("The promotion was noted. Forecasts reckon with it from the next night on."))
            return redirect("inventory-staff:replenishment-rules")
        except CommerceError as refusal:
            form.add_error(None, refusals.sentence(refusal))
    status = 422 if form.is_bound else 200
    return render(request, "inventory/replenishment_promotion.html", {"form": form}, status=status)


@require_POST
@shell.require(Permission.MANAGE_SUPPLY, at_all_stores=True)
def remove_promotion(request: HttpRequest, uplift_id: int) -> HttpResponse:
    """Forget a promotion: forecasts take its days for usual ones."""
    with transactions.transaction():
        replenishment_rules.remove_uplift(uplift_id, by=shell.actor(request))
    messages.success(
        request, _("The promotion was removed. Forecasts take its days for usual ones from the next night on.")
    )
    return redirect("inventory-staff:replenishment-rules")


def _may_everywhere(request: HttpRequest) -> bool:
    return Permission.MANAGE_SUPPLY in shell.permissions_everywhere(request)


def _refuse_others(request: HttpRequest, proposal_ids: Sequence[UUID]) -> None:
    """Answer 404 for proposals of places that the person is not in charge of: law 17.

    A transfer concerns the place it comes from, too, but who receives decides to ask for it.
    """
    rows = lists.proposal_places(proposal_ids)
    if len(rows) < len(set(proposal_ids)):
        raise Http404(ProposalUnknown.title)
    if not _may_everywhere(request) and set(rows.values()) - {shell.here(request).id}:
        raise Http404(ProposalUnknown.title)


def _chosen(data: QueryDict) -> list[UUID]:
    chosen = []
    for text in data.getlist("proposal")[: replenishment.MOST_AT_ONCE]:
        try:
            chosen.append(UUID(text))
        except ValueError as error:
            raise Http404(ProposalUnknown.title) from error
    return list(dict.fromkeys(chosen))


def _quantity(data: QueryDict, proposal_id: UUID) -> int | None:
    """Return the quantity as typed; what is no number becomes 0, which the verb refuses with a sentence."""
    text = data.get(f"quantity-{proposal_id}", "").strip()
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_QUANTITY else 0


def _back(request: HttpRequest) -> str:
    address = reverse("inventory-staff:replenishment")
    return f"{address}?all=1" if request.GET.get("all") == "1" else address


def _misfire(alert: Alert) -> dict[str, Any]:
    label, icon = words.MISFIRES[alert.kind]
    return {"alert": alert, "label": label, "icon": icon, "sentence": words.misfire(alert)}


def _chart(weeks: Sequence[float | None], per_week: float) -> dict[str, Any] | None:
    """Return the bars of the weeks and the height of the forecast, in the chart's own units; None without any week."""
    if not weeks:
        return None
    highest = max([week for week in weeks if week is not None] + [per_week, 1.0])
    room = CHART_HEIGHT - CHART_FOOT
    step = CHART_WIDTH / (len(weeks) + 4)  # the last four are what is expected
    bars = []
    for place, week in enumerate(weeks):
        height = room * (week or 0.0) / highest
        bars.append(
            Bar(round(place * step + 1, 1), round(room - height, 1), round(step - 2, 1), round(height, 1), week)
        )
    return {
        "bars": bars, "width": CHART_WIDTH, "height": CHART_HEIGHT, "foot": room,
        "expected_from": round(len(weeks) * step, 1), "expected_y": round(room - room * per_week / highest, 1),
        "highest": round(highest), "weeks": len(weeks), "empty": sum(week is None for week in weeks),
    }  # fmt: skip
