"""The first page of the desk: what is in force, what comes, which drafts are under way and who has to do something."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from commerce import clock
from commerce.errors import CommerceError
from commerce.staff import refusals
from commerce.transactions import transaction
from pricing import approvals, approving, drafts, rulesets
from pricing.approving import State
from pricing.desk import room, words
from pricing.desk.forms import BeginForm
from pricing.models import RulesetDraft, RulesetVersion

DRAFTS_SHOWN = 50
VERSIONS_PER_PAGE = 20
OPEN = [State.DRAFT.value, State.SUBMITTED.value, State.APPROVED.value]


def overview(request: HttpRequest) -> HttpResponse:
    """Show versions and drafts; begin a draft."""
    rights = room.enter(request)
    at = clock.now()
    form = BeginForm(request.POST or None)
    refusal = ""
    if request.method == "POST":
        room.author(request)
        if form.is_valid():
            try:
                with transaction():
                    begun = drafts.begin(
                        form.cleaned_data["title"], of_number=form.cleaned_data["of_number"], by=room.person(request)
                    )
            except CommerceError as error:
                refusal = refusals.sentence(error)
            else:
                return HttpResponseRedirect(reverse("admin:pricing_draft", args=[begun.pk]))
    active = rulesets.in_force(at)
    state = request.GET.get("state", "")
    rows = RulesetDraft.objects.select_related("author").prefetch_related("contributions").defer("content")
    wanted = rows.filter(state=state) if state in set(State) else rows.filter(state__in=OPEN)
    pages = Paginator(
        RulesetVersion.objects.select_related("withdrawal", "draft").order_by("-number"), VERSIONS_PER_PAGE
    )
    shown = pages.get_page(request.GET.get("page"))
    number = active.number if active else 0
    facts = {
        "form": form, "refusal": refusal, "active": version_row(RulesetVersion.objects.get(pk=number), number) if active else None,
        "drafts": [_draft_row(row, request, rights) for row in wanted.order_by("-changed_at")[:DRAFTS_SHOWN]],
        "versions": [version_row(row, number) for row in shown], "page_of": shown, "state": state,
        "states": [("", _("Open")), *((one.value, words.STATES[one]) for one in State)],
    }  # fmt: skip
    return room.page(
        request, "admin/pricing/promotions.html", _("Promotions"), facts, status=422 if form.errors or refusal else 200
    )


def version_row(row: RulesetVersion, in_force: int) -> dict[str, Any]:
    """Return a version for a list."""
    withdrawal = getattr(row, "withdrawal", None)
    standing = approving.standing(
        row.effective_from, row.effective_to, withdrawal.withdrawn_at if withdrawal else None,
        in_force=row.number == in_force, at=clock.now(),
    )  # fmt: skip
    draft = getattr(row, "draft", None)
    return {
        "number": row.number, "note": row.note, "promotions": len(row.content.get("promotions", ())),
        "standing": standing.value, "word": words.STANDINGS[standing], "icon": words.ICONS[standing],
        "window": words.window(row.effective_from, row.effective_to), "by": row.published_by, "of_number": row.of_number,
        "draft": draft, "withdrawal": withdrawal, "published_at": row.published_at,
        "url": reverse("admin:pricing_version", args=[row.number]),
    }  # fmt: skip


def _draft_row(row: RulesetDraft, request: HttpRequest, rights: room.Rights) -> dict[str, Any]:
    state = State(row.state)
    wrote = request.user.pk in {one.person_id for one in row.contributions.all()}
    waits = ""
    if state is State.SUBMITTED:
        left = approvals.missing(row)
        if rights.may_approve and not wrote:
            waits = _("You can decide.")
        else:
            waits = _("Needs %(approvals)s") % {"approvals": words.needed(left)} if left else ""
    elif state is State.APPROVED:
        waits = _("Can be published.")
    return {
        "title": row.title, "state": state.value, "word": words.STATES[state], "icon": words.ICONS[state],
        "author": row.author.get_full_name() or row.author.get_username(), "changed_at": row.changed_at, "waits": waits,
        "window": words.window(row.effective_from, row.effective_to), "is_emergency": row.emergency_number is not None,
        "url": reverse("admin:pricing_draft", args=[row.pk]),
    }  # fmt: skip


def names_of(people: list[int]) -> dict[int, str]:
    """Return what people are called."""
    users = get_user_model().objects.filter(pk__in=people)
    return {user.pk: user.get_full_name() or user.get_username() for user in users}
