"""The desk of scarcity, where it writes: wordings of our own, and new experiments."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commerce import clock, transactions
from commerce.errors import CommerceError, NotFound
from commerce.operations import experiments
from commerce.staff import refusals, shell
from inventory.scarcity import terms
from inventory.scarcity.words import HOUSE
from inventory.scarcity_facts import Kind, Tone
from inventory.staff import scarcity_forms
from inventory.staff.scarcity import desk
from inventory.staff.scarcity_forms import ExperimentForm, WordingForm


@require_GET
@desk
def wordings(request: HttpRequest) -> HttpResponse:
    """Show every message in the words that hold now: our own where there are some, else the house's."""
    own = terms.wordings()
    written = {(row.kind, row.tone, row.locale): row for row in own if not row.variant}
    labels = dict(scarcity_forms.messages())
    rows = []
    for value, label in labels.items():
        kind, tone, locale = value.split(":")
        mine = written.get((kind, tone, locale))
        rows.append((value, label, mine or HOUSE[Kind(kind), Tone(tone), locale], mine))
    variants = [(row, labels[f"{row.kind}:{row.tone}:{row.locale}"]) for row in own if row.variant]
    return render(
        request, "inventory/scarcity_wordings.html", {"tab": "wordings", "rows": rows, "variants": variants}
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@desk
def write_wording(request: HttpRequest) -> HttpResponse:
    """Say a kind of message in other words; what no figure of stock carries is refused with the reason."""
    form = WordingForm(request.POST) if request.method == "POST" else WordingForm(initial=_said(request))
    if form.is_bound and form.is_valid():
        variant = form.cleaned_data["variant"]
        try:
            with transactions.transaction():
                terms.set_wording(*form.key, form.wording, variant=variant, by=shell.actor(request), at=clock.now())
        except CommerceError as refusal:
            _refuse(form, refusal)
        else:
            messages.success(request, _("The wording holds within seconds."))
            return redirect("inventory-staff:scarcity-wordings")
    facts = {"form": form, "title": _("Another wording"), "back": reverse("inventory-staff:scarcity-wordings")}
    return render(request, "inventory/scarcity_write.html", facts, status=422 if form.is_bound else 200)


@require_POST
@desk
def remove_wording(request: HttpRequest, wording_id: int) -> HttpResponse:
    """Go back to the house's words."""
    with transactions.transaction():
        terms.remove_wording(wording_id, by=shell.actor(request))
    messages.success(request, _("The house’s wording holds again within seconds."))
    return redirect("inventory-staff:scarcity-wordings")


@require_http_methods(["GET", "POST"])
@desk
def write_trial(request: HttpRequest) -> HttpResponse:
    """Draft an experiment; it meets nobody before it is started and a channel's terms name it."""
    form = ExperimentForm(request.POST) if request.method == "POST" else ExperimentForm()
    if form.is_bound and form.is_valid():
        key, name, by = form.cleaned_data["key"], form.cleaned_data["name"], shell.actor(request)
        try:
            with transactions.transaction():
                experiments.draft(key, name, form.variants, guardrails=form.guardrails, by=by, at=clock.now())
        except CommerceError as refusal:
            _refuse(form, refusal)
        else:
            messages.success(request, _("The experiment is drafted. Start it, and name its key in a channel’s terms."))
            return redirect("inventory-staff:scarcity-experiments")
    facts = {"form": form, "title": _("New experiment"), "back": reverse("inventory-staff:scarcity-experiments")}
    return render(request, "inventory/scarcity_write.html", facts, status=422 if form.is_bound else 200)


@require_POST
@desk
def start_trial(request: HttpRequest, key: str) -> HttpResponse:
    """Let an experiment meet people from now on."""
    try:
        with transactions.transaction():
            experiments.start(key, by=shell.actor(request), at=clock.now())
    except NotFound as missing:
        raise Http404 from missing
    except CommerceError as refusal:
        messages.error(request, refusals.sentence(refusal))
    else:
        messages.success(request, _("Started. Channels whose terms name its key meet it from now on."))
    return redirect("inventory-staff:scarcity-experiments")


def _said(request: HttpRequest) -> dict[str, str]:
    """Return the words that hold now for the message that the address names, to begin with."""
    chosen = request.GET.get("message", "")
    if chosen not in dict(scarcity_forms.messages()):
        return {}
    kind, tone, locale = chosen.split(":")
    said = terms.wording(Kind(kind), Tone(tone), locale)
    return {"message": chosen, "one": said.one, "other": said.other}


def _refuse(form: WordingForm | ExperimentForm, refusal: CommerceError) -> None:
    for error in refusal.errors:
        field = error["field"] if error["field"] in form.fields else None
        taken = (error["field"], error["message"]) == ("key", "is taken")
        form.add_error(field, _("This key is taken. Choose another one.") if taken else str(error["message"]))
