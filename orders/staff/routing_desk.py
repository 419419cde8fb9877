"""The desk of routing: versions of the policy, what one says otherwise than another, trials, the switch, and the shadow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commerce import clock, queries, transactions
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import refusals, shell
from orders import errors
from orders.models import RoutingDecision
from orders.routing import policies, simulations, standing
from orders.routing.policies import PolicyRef
from orders.routing.simulations import SimulationRef
from orders.sourcing import policy as rules
from orders.sourcing.policy import Mode, Policy
from orders.sourcing.standing import SimulationState
from orders.staff import routing_words as words
from orders.staff.routing_forms import PolicyForm, ReasonForm, SpanForm, first_error

desk = shell.require(Permission.MANAGE_ROUTING, at_all_stores=True)
MOST_DIFFERENCES = 50
MOST_BARS = 10
WHOLE = 1_000


@dataclass(frozen=True, slots=True)
class Said:
    """One line of what a policy says, or says otherwise."""

    label: str
    before: str
    after: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """Two figures side by side: of the version that was live, and of the one that is tried. Widths in thousandths."""

    label: str
    before: str
    after: str
    before_width: int
    after_width: int


# --- pages --------------------------------------------------------------------------------------------------------------


@require_GET
@desk
def listing(request: HttpRequest) -> HttpResponse:
    """Show the versions, which decides, which is followed in the shadow, and when that was switched."""
    found = policies.listed()
    facts = {
        "policies": found,
        "live": next((one for one in found if one.is_live), None) or policies.live(),
        "shadow": next((one for one in found if one.is_shadow), None),
        "built_in": standing.BUILT_IN,
        "switches": policies.switches(),
        "differing": _compared(),
    }
    return render(request, "orders/routing.html", facts)


@require_GET
@desk
def page(request: HttpRequest, number: int) -> HttpResponse:
    return _page(request, _policy(number))


def _page(request: HttpRequest, one: PolicyRef, *, refusal: str = "", status: int = 200) -> HttpResponse:
    live = policies.live()
    currency = _currency()
    beside = live.policy if live is not None else rules.FIRST
    trials = simulations.of_policy(one.number)
    facts = {
        "policy": one,
        "live": live,
        "live_name": f"{live.number} {live.name}" if live else standing.BUILT_IN,
        "says": _says(one.policy, currency),
        "differences": [] if one.is_live else _differences(beside, one.policy, currency),
        "trials": trials,
        "trial": trials[0] if trials else None,
        "chart": _chart(trials[0], currency) if trials else None,
        "span": SpanForm(),
        "reason": ReasonForm(),
        "refusal": refusal,
    }
    return render(request, "orders/routing_policy.html", facts, status=status)


@require_http_methods(["GET", "POST"])
@desk
def write(request: HttpRequest) -> HttpResponse:
    """Write a new version, beginning with another one."""
    number, live = _number(request.GET.get("from", "")), policies.live()
    base = _policy(number) if number else live
    start = base.policy if base else rules.FIRST
    asked = request.GET.get("mode", "")
    mode = Mode(asked) if asked in tuple(Mode) else start.mode
    currency = _currency()
    status = 200
    if request.method == "POST":
        form = PolicyForm(request.POST, mode=mode, currency=currency)
        if form.is_valid():
            try:
                with transactions.transaction():
                    made = policies.draft(
                        form.cleaned_data["name"], form.document(start), based_on=base.number if base else None,
                        note=form.cleaned_data["note"], by=shell.actor(request), at=clock.now(),
                    )  # fmt: skip
                return redirect("orders-staff:routing-policy", made.number)
            except CommerceError as refusal:
                form.refuse(refusal)
        status = 422
    else:
        form = PolicyForm.of(start, name=base.name if base else "", mode=mode, currency=currency)
    modes = [(one.value, words.MODES[one], one is mode) for one in Mode]
    facts = {"form": form, "base": base, "mode": mode.value, "modes": modes, "currency": currency}
    return render(request, "orders/routing_form.html", facts, status=status)


@require_GET
@desk
def trial(request: HttpRequest, simulation_id: UUID) -> HttpResponse:
    """Show how far a simulation is, or what came of it: a part of the version's page that renews itself."""
    try:
        found = simulations.get(simulation_id)
    except errors.SimulationNotFound as missing:
        raise Http404 from missing
    chart = _chart(found, _currency())
    return render(request, "orders/routing_trial.html", {"trial": found, "chart": chart})


@require_GET
@desk
def differences(request: HttpRequest) -> HttpResponse:
    """Show the orders for which the policy in the shadow would have decided otherwise."""
    currency = _currency()
    rows = list(
        RoutingDecision.objects.filter(shadow_differs=True)
        .select_related("order")
        .order_by("-decided_at", "-id")[:MOST_DIFFERENCES]
    )
    shown = [
        {
            "order": row.order,
            "at": row.decided_at,
            "live": " + ".join(share["name"] for share in row.outcome["shares"]),
            "shadow": " + ".join(share["name"] for share in row.shadow.get("shares", [])) or "–",
            "live_cost": words.amount(row.shadow["live"]["cost_minor"], currency),
            "shadow_cost": words.amount(row.shadow["cost_minor"], currency),
            "saved": row.shadow["live"]["cost_minor"] - row.shadow["cost_minor"],
            "saved_text": words.amount(abs(row.shadow["live"]["cost_minor"] - row.shadow["cost_minor"]), currency),
            "versions": f"{row.policy_version} › {row.shadow['policy_version']}",
        }
        for row in rows
    ]
    return render(
        request, "orders/routing_differences.html", {"rows": shown, "counted": _compared(), "most": MOST_DIFFERENCES}
    )


# --- steps --------------------------------------------------------------------------------------------------------------


@require_POST
@desk
def step(request: HttpRequest, number: int, name: str) -> HttpResponse:
    """Try a version, switch it live or into the shadow, or go back to it."""
    one, by, at = _policy(number), shell.actor(request), clock.now()
    form = SpanForm(request.POST) if name == "simulate" else ReasonForm(request.POST)
    if name != "follow" and not form.is_valid():
        return _page(request, one, refusal=first_error(form), status=422)
    try:
        with transactions.transaction():
            if name == "simulate":
                simulations.ask(number, since=at - form.span, until=at, by=by, at=at)
            elif name == "activate":
                expected = _number(request.POST.get("expected_live", "")) or 0
                policies.activate(number, reason=form.cleaned_data["reason"], expected_live=expected, by=by, at=at)
            elif name == "restore":
                number = policies.restore(number, reason=form.cleaned_data["reason"], by=by, at=at).number
            else:
                policies.follow(None if one.is_shadow else number, by=by, at=at)
    except CommerceError as refusal:
        return _page(request, _policy(one.number), refusal=refusals.sentence(refusal), status=refusal.status)
    done = {
        "simulate": _("The version is being tried; the result appears here."),
        "activate": _("Version %(number)s decides from now on.") % {"number": number},
        "restore": _("Version %(number)s says what version %(old)s said, and decides from now on.")
        % {"number": number, "old": one.number},
        "follow": _("The version is not followed any more.")
        if one.is_shadow
        else _("The version is asked beside the live one; differences are kept."),
    }
    messages.success(request, done[name])
    return redirect("orders-staff:routing-policy", number)


# --- words and figures --------------------------------------------------------------------------------------------------


def _policy(number: int) -> PolicyRef:
    try:
        return policies.get(number)
    except errors.PolicyNotFound as missing:
        raise Http404 from missing


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _currency() -> str:
    """Return the currency in which amounts of policies are shown: our first channel's."""
    return next((one.currency for one in queries.channels() if one.is_active), "EUR")


def _compared() -> dict[str, int]:
    counted = RoutingDecision.objects.filter(shadow__isnull=False).values("shadow_differs").annotate(many=Count("id"))
    found = {row["shadow_differs"]: row["many"] for row in counted}
    differing, same = found.get(True, 0), found.get(False, 0)
    total = differing + same
    return {"differing": differing, "total": total, "percent": differing * 100 // total if total else 0}


def _weight(policy: Policy, name: str, value: int | None, currency: str) -> str:
    if value is None:
        return "–"
    if policy.mode is Mode.WEIGHED:
        return words.rate(name, value, currency)
    return (
        _("counts") if value == 1 else _("counts in steps of %(step)s") % {"step": words.measure(name, value, currency)}
    )


def _says(policy: Policy, currency: str) -> list[Said]:
    document = policy.document()
    said = [
        Said(str(label), words.setting(name, document[name], currency))
        for name, label in words.SETTINGS.items()
        if name in document
    ]
    said += [
        Said(
            words.criterion(term.criterion),
            _weight(policy, term.criterion, term.rate if policy.mode is Mode.WEIGHED else term.step, currency),
        )
        for term in policy.terms
    ]
    return said


def _differences(before: Policy, after: Policy, currency: str) -> list[Said]:
    said = []
    for change in rules.differences(before, after):
        kind, _dot, name = change.name.partition(".")
        if kind == "term":
            said.append(
                Said(
                    words.criterion(name),
                    _weight(before, name, change.before, currency),
                    _weight(after, name, change.after, currency),
                )
            )
        else:
            said.append(
                Said(
                    str(words.SETTINGS.get(change.name, change.name)),
                    words.setting(change.name, change.before, currency),
                    words.setting(change.name, change.after, currency),
                )
            )
    return said


def _chart(one: SimulationRef, currency: str) -> dict[str, Any] | None:
    if one.state is not SimulationState.DONE or one.result is None:
        return None
    before, after = one.result["beside"], one.result["candidate"]

    def per(count: int, tally: dict[str, Any]) -> int:
        return count * WHOLE // tally["served"] if tally["served"] else 0

    figures: Sequence[tuple[str, int, int, Any]] = [
        (_("Served orders"), before["served"], after["served"], words.whole),
        (_("Shipping and handling per order"), before["cost_per_order_minor"], after["cost_per_order_minor"],
         lambda value: words.amount(value, currency)),
        (_("Split orders"), before["split_permille"], after["split_permille"], words.percent),
        (_("Distance per parcel"), before["km_per_parcel"], after["km_per_parcel"], lambda value: f"{words.whole(value)} km"),
        (_("Days on the way"), before["days_per_parcel_percent"], after["days_per_parcel_percent"],
         words.tenths),
        (_("Promise missed"), per(before["late"], before), per(after["late"], after), words.percent),
    ]  # fmt: skip
    places = sorted(
        before["places"].keys() | after["places"].keys(),
        key=lambda code: (-max(before["places"].get(code, 0), after["places"].get(code, 0)), code),
    )[:MOST_BARS]
    saved = before["cost_minor"] - after["cost_minor"]
    return {
        "bars": [_bar(label, one, two, say) for label, one, two, say in figures],
        "places": [
            _bar(code, before["places"].get(code, 0), after["places"].get(code, 0), words.whole,
                 most=max([*before["places"].values(), *after["places"].values()]))
            for code in places
        ],
        "differing": one.result["differing"],
        "orders": after["orders"],
        "saved": words.amount(abs(saved), currency),
        "is_cheaper": saved > 0 and before["served"] <= after["served"],
        "is_dearer": saved < 0,
        "differences": [
            {**row, "before_text": " + ".join(row["before"]) or "–", "after_text": " + ".join(row["after"]) or "–",
             "cost_before": words.amount(row["cost_before_minor"], currency),
             "cost_after": words.amount(row["cost_after_minor"], currency)}
            for row in one.result["differences"][:MOST_BARS]
        ],
    }  # fmt: skip


def _bar(label: str, before: int, after: int, say: Any, *, most: int | None = None) -> Bar:
    top = most or max(before, after, 1)
    return Bar(label, say(before), say(after), before * WHOLE // top, after * WHOLE // top)
