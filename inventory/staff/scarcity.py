"""The desk of scarcity: what channels may be told and were told, with its proof; who waits; what experiments show."""

from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commerce import catalog, clock, queries, transactions
from commerce.errors import CommerceError, NotFound
from commerce.operations import experiments
from commerce.operations.experiments import Interval, Metric, Standing
from commerce.roles import Permission
from commerce.staff import refusals, shell
from inventory.places import locations
from inventory.promising import waiting_list
from inventory.scarcity import messages as scarcity
from inventory.scarcity import terms
from inventory.scarcity.terms import Policy
from inventory.scarcity_facts import Terms

SHOWN = 50
CHART_WIDTH = 240  # the middle is no difference

desk = shell.require(Permission.MANAGE_SCARCITY, at_all_stores=True)
waiting_desk = shell.require(Permission.MANAGE_SHARING, at_all_stores=True)

STATES = {
    "draft": (gettext_lazy("Draft"), "pencil", "state-new"),
    "running": (gettext_lazy("Running"), "hourglass", "state-busy"),
    "stopped": (gettext_lazy("Stopped"), "archive", "state-done"),
}
METRICS = {
    Metric.CANCELLATION: gettext_lazy("Cancellations"),
    Metric.RETURN: gettext_lazy("Returns"),
    Metric.COMPLAINT: gettext_lazy("Complaints"),
}


class PolicyForm(forms.Form):
    """The terms of a channel. The writer checks that they make sense together."""

    few = forms.IntegerField(label=gettext_lazy("Few means up to … pieces"), min_value=1, max_value=100)
    fresh_seconds = forms.IntegerField(
        label=gettext_lazy("A number may be … seconds old"), min_value=1, max_value=terms.LONGEST_AGE_SECONDS
    )
    soft_seconds = forms.IntegerField(
        label=gettext_lazy("Anything may be … seconds old"), min_value=1, max_value=terms.LONGEST_AGE_SECONDS
    )
    shown_seconds = forms.IntegerField(
        label=gettext_lazy("The shop shows a message for … seconds"), min_value=1, max_value=86_400
    )
    experiment = forms.SlugField(label=gettext_lazy("Key of an experiment"), required=False, max_length=60)
    is_active = forms.BooleanField(label=gettext_lazy("Messages are given"), required=False)

    @classmethod
    def of(cls, policy: Policy) -> "PolicyForm":
        """Return the form filled with what holds."""
        return cls(initial=asdict(policy.terms) | {"experiment": policy.experiment, "is_active": policy.is_active})

    @property
    def policy(self) -> Policy:
        """What was typed; the form must be valid."""
        typed = dict(self.cleaned_data)
        experiment, is_active = typed.pop("experiment"), typed.pop("is_active")
        return Policy(Terms(**typed), experiment, is_active)


@require_GET
@desk
def page(request: HttpRequest) -> HttpResponse:
    """Show every channel's terms, and what was said last."""
    channels = [(one, terms.of_channel(one.id)) for one in queries.channels() if one.is_active]
    said = scarcity.latest(at_most=SHOWN)
    products = catalog.products_by_id({claim.product_id for claim in said})
    names = {one.id: one.name for one, _policy in channels}
    claims = [(claim, products.get(claim.product_id), names.get(claim.channel_id, "")) for claim in said]
    return render(request, "inventory/scarcity.html", {"tab": "messages", "channels": channels, "claims": claims})


@require_http_methods(["GET", "POST"])
@desk
def write_policy(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Change what a channel may be told."""
    channel = next((one for one in queries.channels() if one.id == channel_id), None)
    if channel is None:
        raise Http404
    form = PolicyForm(request.POST) if request.method == "POST" else PolicyForm.of(terms.of_channel(channel_id))
    if form.is_bound and form.is_valid():
        try:
            with transactions.transaction():
                terms.set_policy(channel_id, form.policy, by=shell.actor(request), at=clock.now())
        except CommerceError as refusal:
            for error in refusal.errors:
                form.add_error(
                    error["field"], _("This doesn’t fit the other figures: shown ≤ number ≤ anything ≤ a day.")
                )
        else:
            messages.success(request, _("The new terms hold within seconds."))
            return redirect("inventory-staff:scarcity")
    facts = {"form": form, "channel": channel, "back": reverse("inventory-staff:scarcity")}
    return render(request, "inventory/scarcity_form.html", facts, status=422 if form.is_bound else 200)


@require_GET
@desk
def proof(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """Prove again what was said."""
    try:
        found = scarcity.verify(claim_id)
    except NotFound as missing:
        raise Http404 from missing
    products = catalog.products_by_id({found.claim.product_id, *(one.product_id for one in found.levels)})
    levels = [(one, products[one.product_id], locations.by_id(one.location_id)) for one in found.levels]
    facts = {
        "proof": found, "claim": found.claim, "product": products[found.claim.product_id], "levels": levels,
        "back": reverse("inventory-staff:scarcity"),
    }  # fmt: skip
    return render(request, "inventory/scarcity_proof.html", facts)


@require_GET
@waiting_desk
def waiting(request: HttpRequest) -> HttpResponse:
    """Show who waits for what: how many, never who."""
    found = waiting_list.lines(at=clock.now())
    products = catalog.products_by_id({line.product_id for line in found})
    rows = [
        (line, products[line.product_id], locations.by_id(line.location_id) if line.location_id else None)
        for line in found
    ]  # fmt: skip
    return render(request, "inventory/scarcity_waiting.html", {"tab": "waiting", "lines": rows})


@dataclass(frozen=True, slots=True)
class Bar:
    """An interval of a difference as a bar, in the chart's units, and in per cent points; `limit` is what is tolerated."""

    label: Any
    low: float
    high: float
    x: float
    width: float
    limit: float | None
    counts: str
    is_broken: bool
    is_known: bool = True


@require_GET
@desk
def trials(request: HttpRequest) -> HttpResponse:
    """Show every experiment with what it does and harms, as intervals that hold at any time."""
    rows = []
    for row in experiments.listed():
        found = experiments.standings(row, at=row.stopped_at or clock.now()) if row.state != "draft" else []
        charts = [(one, _bars(one, found[0])) for one in found if not one.is_control]
        rows.append((row, *STATES[row.state], found[0] if found else None, charts))
    return render(request, "inventory/scarcity_experiments.html", {"tab": "experiments", "rows": rows})


@require_POST
@desk
def stop_trial(request: HttpRequest, key: str) -> HttpResponse:
    """Stop an experiment by hand, with a reason."""
    try:
        with transactions.transaction():
            reason = shell.typed(request.POST.get("reason", ""))
            experiments.stop(key, reason=reason, by=shell.actor(request), at=clock.now())
    except NotFound as missing:
        raise Http404 from missing
    except CommerceError as refusal:
        messages.error(request, refusals.sentence(refusal))
    else:
        messages.success(request, _("Stopped. Nobody meets it any more."))
    return redirect("inventory-staff:scarcity-experiments")


def _bars(one: Standing, control: Standing) -> list[Bar]:
    bars = []
    if one.effect is not None:
        counts = f"{one.orders}/{one.units} · {control.orders}/{control.units}"
        bars.append(_bar(_("Orders"), one.effect, None, counts, is_broken=False))
    for guard in one.guards:
        counts = f"{guard.bad}/{guard.orders} · {guard.control_bad}/{guard.control_orders}"
        bar = _bar(METRICS[guard.metric], guard.interval, guard.tolerated, counts, is_broken=guard.is_broken)
        bars.append(replace(bar, is_known=bool(guard.orders and guard.control_orders)))
    return bars


def _bar(label: Any, interval: Interval, tolerated: float | None, counts: str, *, is_broken: bool) -> Bar:
    def across(difference: float) -> float:
        return round((difference + 1) * CHART_WIDTH / 2, 1)

    x = across(interval.low)
    return Bar(
        label, round(interval.low * 100, 1), round(interval.high * 100, 1), x, max(across(interval.high) - x, 2.0),
        None if tolerated is None else across(tolerated), counts, is_broken,
    )  # fmt: skip
