"""The desk of sharing: rules with their previews, dynamic policies with their steps, obligations with what is owed."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commerce import clock, transactions
from commerce.errors import CommerceError, NotFound
from commerce.roles import Permission
from commerce.staff import refusals, shell
from inventory.cascade import RuleState
from inventory.places import locations
from inventory.sharing import buffer_rules, dynamic_buffers, obligations
from inventory.staff import sharing_words
from inventory.staff.sharing_forms import ObligationForm, PinForm, PolicyForm, RuleForm

CHARTS = 12  # buffers with a chart, those that keep the most back
CHART_WIDTH, CHART_HEIGHT = 240, 48

desk = shell.require(Permission.MANAGE_SHARING, at_all_stores=True)


@dataclass(frozen=True, slots=True)
class Shown:
    """A row with its sentence and its state in words."""

    row: Any
    sentence: str
    state: Any
    icon: str
    look: str


def _shown(rows: Iterable[Any], sentence: Callable[[Any], str]) -> list[Shown]:
    return [Shown(row, sentence(row), *sharing_words.STATES[row.state]) for row in rows]


@require_GET
@desk
def rules(request: HttpRequest) -> HttpResponse:
    state = _state(request)
    shown = _shown(buffer_rules.listed(state), sharing_words.rule)
    return render(
        request, "inventory/sharing_rules.html", {"rules": shown, "state": state.value, "tab": "rules"} | _states()
    )


@require_GET
@desk
def policies(request: HttpRequest) -> HttpResponse:
    state = _state(request)
    shown = _shown(dynamic_buffers.policies(state), sharing_words.policy)
    facts = {"policies": shown, "state": state.value, "tab": "policies"}
    return render(request, "inventory/sharing_policies.html", facts | _states())


def _state(request: HttpRequest) -> RuleState:
    wanted = request.GET.get("state", "")
    return RuleState(wanted) if wanted in [state.value for state in RuleState] else RuleState.ACTIVE


def _states() -> dict[str, Any]:
    return {"states": [(value, label, icon) for value, (label, icon, _look) in sharing_words.STATES.items()]}


# --- rules -----------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@desk
def write_rule(request: HttpRequest, rule_id: int | None = None) -> HttpResponse:
    """Write a rule down, or a draft anew; its preview is the next page."""
    row = _found(buffer_rules.stored, rule_id) if rule_id else None
    form = RuleForm(request.POST) if request.method == "POST" else RuleForm.of(row) if row else RuleForm()
    if form.is_bound and form.is_valid():
        try:
            with transactions.transaction():
                made = buffer_rules.propose(form.draft, rule_id=rule_id, by=shell.actor(request), at=clock.now())
            return redirect("inventory-staff:sharing-rule", made)
        except CommerceError as refusal:
            form.refuse(refusal)
    facts = {"form": form, "row": row, "back": reverse("inventory-staff:sharing")}
    return render(request, "inventory/sharing_form.html", facts | {"what": "rule"}, status=_status(form))


@require_GET
@desk
def rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    return _rule_page(request, rule_id)


def _rule_page(request: HttpRequest, rule_id: int, *, refusal: str = "", status: int = 200) -> HttpResponse:
    row = _found(buffer_rules.stored, rule_id)
    is_draft = row.state == RuleState.DRAFT.value
    names = {place.code: place.name for place in locations.active()}
    biggest = (row.preview or {}).get("biggest", [])
    facts = {
        "shown": _shown([row], sharing_words.rule)[0],
        "row": row,
        "preview": row.preview,
        "biggest": [change | {"place": names.get(change["location"], change["location"])} for change in biggest],
        "is_seen": buffer_rules.is_seen(row, at=clock.now()),
        "needs_words": buffer_rules.needs_words(row),
        "warnings": [sharing_words.contradiction(one) for one in buffer_rules.warnings(row)] if is_draft else [],
        "kind": sharing_words.KINDS[row.kind],
        "purpose": sharing_words.PURPOSES[row.purpose],
        "refusal": refusal,
    }
    return render(request, "inventory/sharing_rule.html", facts, status=status)


@require_POST
@desk
def preview_rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Measure again what a draft would change."""
    _done(request, lambda: buffer_rules.preview(rule_id, at=clock.now()), "")
    return redirect("inventory-staff:sharing-rule", rule_id)


@require_POST
@desk
def activate_rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    words = shell.typed(request.POST.get("words", ""))
    try:
        with transactions.transaction():
            buffer_rules.activate(rule_id, words=words, by=shell.actor(request), at=clock.now())
    except NotFound as missing:
        raise Http404 from missing
    except CommerceError as refusal:
        return _rule_page(request, rule_id, refusal=refusals.sentence(refusal), status=refusal.status)
    messages.success(request, _("The rule holds now. Channels are being told."))
    return redirect("inventory-staff:sharing-rule", rule_id)


@require_POST
@desk
def retire_rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    def retire() -> None:
        buffer_rules.retire(rule_id, by=shell.actor(request), at=clock.now())

    _done(request, retire, _("The rule is retired. Channels are being told."))
    return redirect("inventory-staff:sharing-rule", rule_id)


@require_POST
@desk
def discard_rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    def discard() -> None:
        buffer_rules.discard(rule_id, by=shell.actor(request))

    _done(request, discard, _("The draft is gone."))
    return redirect(f"{reverse('inventory-staff:sharing')}?state=draft")


# --- dynamic policies ------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@desk
def write_policy(request: HttpRequest) -> HttpResponse:
    form = PolicyForm(request.POST) if request.method == "POST" else PolicyForm.empty()
    if form.is_bound and form.is_valid():
        try:
            with transactions.transaction():
                made = dynamic_buffers.draft(form.draft, by=shell.actor(request), at=clock.now())
            return redirect("inventory-staff:sharing-policy", made)
        except CommerceError as refusal:
            form.refuse(refusal)
    facts = {"form": form, "what": "policy", "back": reverse("inventory-staff:sharing-policies")}
    return render(request, "inventory/sharing_form.html", facts, status=_status(form))


@dataclass(frozen=True, slots=True)
class Chart:
    """One buffer with its latest steps as a line: `points` for an SVG polyline, newest at the right."""

    buffer: Any
    points: str
    values: str


@require_GET
@desk
def policy(request: HttpRequest, policy_id: int) -> HttpResponse:
    row = _found(dynamic_buffers.stored, policy_id)
    steps = dynamic_buffers.steps_of(policy_id)
    latest: dict[tuple[int, int], UUID] = {}
    for step in steps:
        latest.setdefault((step.product_id, step.location_id), step.pk)
    open_to_undo = {
        pk for pk in latest.values() if row.state == RuleState.ACTIVE.value
    } - {step.pk for step in steps if step.cause == "undone"}  # fmt: skip
    facts = {
        "shown": _shown([row], sharing_words.policy)[0],
        "row": row,
        "charts": _charts(dynamic_buffers.kept_by(policy_id, at_most=CHARTS), steps, row.maximum),
        "steps": [(step, *sharing_words.CAUSES[step.cause], step.pk in open_to_undo) for step in steps],
        "now": clock.now(),
    }
    return render(request, "inventory/sharing_policy.html", facts)


def _charts(kept: Iterable[Any], steps: Iterable[Any], maximum: int) -> list[Chart]:
    by_key: dict[tuple[int, int], list[Any]] = defaultdict(list)
    for step in steps:
        by_key[step.product_id, step.location_id].append(step)
    charts = []
    for buffer in kept:
        own = list(reversed(by_key[buffer.product_id, buffer.location_id]))
        values = [own[0].before, *(step.after for step in own)] if own else [buffer.pieces]
        across, points = CHART_WIDTH / max(len(values), 1), []
        for index, value in enumerate(values):
            height = round(CHART_HEIGHT - value * (CHART_HEIGHT - 4) / max(maximum, 1) - 2, 1)
            points += [f"{round(index * across, 1)},{height}", f"{round((index + 1) * across, 1)},{height}"]
        charts.append(Chart(buffer, " ".join(points), " → ".join(map(str, values))))
    return charts


@require_POST
@desk
def activate_policy(request: HttpRequest, policy_id: int) -> HttpResponse:
    def activate() -> None:
        dynamic_buffers.activate(policy_id, by=shell.actor(request), at=clock.now())

    done = _("The policy holds now. It steps as demand and lag are measured.")
    _done(request, activate, done)
    return redirect("inventory-staff:sharing-policy", policy_id)


@require_POST
@desk
def retire_policy(request: HttpRequest, policy_id: int) -> HttpResponse:
    def retire() -> None:
        dynamic_buffers.retire(policy_id, by=shell.actor(request), at=clock.now())

    done = _("The policy is retired. It keeps nothing back any more.")
    _done(request, retire, done)
    return redirect("inventory-staff:sharing-policy", policy_id)


@require_POST
@desk
def discard_policy(request: HttpRequest, policy_id: int) -> HttpResponse:
    def discard() -> None:
        dynamic_buffers.discard(policy_id, by=shell.actor(request))

    _done(request, discard, _("The draft is gone."))
    return redirect("inventory-staff:sharing-policies")


@require_POST
@desk
def undo_step(request: HttpRequest, policy_id: int, step_id: UUID) -> HttpResponse:
    """Take a step of a dynamic buffer back, and leave the buffer where it is for a while."""
    form = PinForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("A buffer can stay as it is for up to seven days."))
        return redirect("inventory-staff:sharing-policy", policy_id)

    def undo() -> None:
        dynamic_buffers.undo(step_id, by=shell.actor(request), at=clock.now(), pin_for=form.pin_for)

    done = _("The step is taken back. Nothing is measured for this buffer until the time is over.")
    _done(request, undo, done)
    return redirect("inventory-staff:sharing-policy", policy_id)


# --- obligations -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Owed:
    """An obligation with what was taken, what is owed, and how it stands: planned, running, fulfilled or ended."""

    row: Any
    sentence: str
    taken: int
    owed: int
    standing: str


@require_GET
@desk
def obligations_page(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    rows = [
        Owed(row, sharing_words.obligation(row), min(row.taken, row.quantity), max(row.quantity - row.taken, 0),
             "ended" if row.ended_at or row.ends_at <= now else "planned" if row.starts_at > now
             else "running" if row.taken < row.quantity else "fulfilled")
        for row in obligations.listed()
    ]  # fmt: skip
    return render(request, "inventory/sharing_obligations.html", {"obligations": rows, "tab": "obligations"})


@require_http_methods(["GET", "POST"])
@desk
def write_obligation(request: HttpRequest) -> HttpResponse:
    form = ObligationForm(request.POST) if request.method == "POST" else ObligationForm.empty()
    if form.is_bound and form.is_valid():
        try:
            with transactions.transaction():
                obligations.agree(form.agreement, by=shell.actor(request), at=clock.now())
            messages.success(request, _("Guaranteed. The other channels are being told."))
            return redirect("inventory-staff:sharing-obligations")
        except CommerceError as refusal:
            form.refuse(refusal)
    facts = {"form": form, "what": "obligation", "back": reverse("inventory-staff:sharing-obligations")}
    return render(request, "inventory/sharing_form.html", facts, status=_status(form))


@require_POST
@desk
def end_obligation(request: HttpRequest, obligation_id: int) -> HttpResponse:
    def end() -> None:
        obligations.end(obligation_id, by=shell.actor(request), at=clock.now())

    done = _("Ended. What was still owed is free for all channels again.")
    _done(request, end, done)
    return redirect("inventory-staff:sharing-obligations")


# --- shared ----------------------------------------------------------------------------------------------------------


def _found(read: Callable[[int], Any], number: int) -> Any:
    try:
        return read(number)
    except NotFound as missing:
        raise Http404 from missing


def _done(request: HttpRequest, verb: Callable[[], object], done: str) -> None:
    """Call a verb in its transaction and say what came of it. Raises: Http404 for what isn't there."""
    try:
        with transactions.transaction():
            verb()
    except NotFound as missing:
        raise Http404 from missing
    except CommerceError as refusal:
        messages.error(request, refusals.sentence(refusal))
    else:
        if done:
            messages.success(request, done)


def _status(form: Any) -> int:
    return 422 if form.is_bound else 200
