"""One version: what it says, since when, who said yes; the way back to it, and out of it."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from commerce import clock
from commerce.errors import CommerceError
from commerce.staff import refusals
from commerce.transactions import transaction
from pricing import differences, drafts, rulesets
from pricing.approving import Standing
from pricing.desk import draft_page, room, sentences, words
from pricing.desk.forms import ReasonForm
from pricing.desk.overview import version_row
from pricing.models import RulesetApproval, RulesetVersion
from pricing.promotions import documents
from pricing.promotions.terms import Content


def show(request: HttpRequest, number: int) -> HttpResponse:
    """Show a version and how it differs from what is in force."""
    rights = room.enter(request)
    row = RulesetVersion.objects.select_related("withdrawal", "draft", "draft__author").filter(pk=number).first()
    if row is None:
        raise Http404
    active = rulesets.in_force(clock.now())
    version = version_row(row, active.number if active else 0)
    content = documents.content_from(row.content)
    now = documents.content_from(active.content) if active else Content()
    difference = differences.between(now, content)
    draft = getattr(row, "draft", None)
    approvals = RulesetApproval.objects.filter(is_approved=True, draft=draft).select_related("approver")
    standing = version["standing"]
    facts = {
        "version": version, "draft": draft, "active": active,
        "approved_by": [one.approver.get_full_name() or one.approver.get_username()
                        for one in approvals if draft is not None and one.submission == draft.submission],
        "promotions": [
            {**sentences.row(one)}
            for one in content.promotions
        ],
        "changes": [words.change(one) for one in difference.changes], "settings": words.fields(difference.settings),
        "history": draft_page.history("ruleset", number),
        "may_roll_back": rights.may_draft and standing in (Standing.SUPERSEDED, Standing.WITHDRAWN),
        "may_withdraw": rights.may_approve and standing in (Standing.ACTIVE, Standing.SCHEDULED),
    }  # fmt: skip
    return room.page(request, "admin/pricing/version.html", _("Version %(number)s") % {"number": number}, facts)


def roll_back(request: HttpRequest, number: int) -> HttpResponse:
    """Begin a draft with what an older version says."""
    room.author(request)
    back = reverse("admin:pricing_version", args=[number])
    if request.method != "POST":
        return HttpResponseRedirect(back)
    try:
        with transaction():
            begun = drafts.begin(
                _("Back to version %(number)s") % {"number": number}, of_number=number, by=room.person(request)
            )
    except CommerceError as refusal:
        messages.error(request, refusals.sentence(refusal))
        return HttpResponseRedirect(back)
    messages.success(request, _("This draft says what version %(number)s says.") % {"number": number})
    return HttpResponseRedirect(reverse("admin:pricing_draft", args=[begun.pk]))


def withdraw(request: HttpRequest, number: int) -> HttpResponse:
    """End a version now, or call off one that is to come, after asking why."""
    if not room.rights(request).may_approve:
        raise PermissionDenied
    back = reverse("admin:pricing_version", args=[number])
    form = ReasonForm(request.POST or None)
    refusal = ""
    if request.method == "POST" and form.is_valid():
        try:
            with transaction():
                rulesets.withdraw(number, by=room.person(request), reason=form.cleaned_data["reason"])
        except CommerceError as error:
            refusal = refusals.sentence(error)
        else:
            messages.success(request, _("Version %(number)s is withdrawn.") % {"number": number})
            return HttpResponseRedirect(back)
    facts = {
        "form": form, "refusal": refusal, "back": back, "label": _("Withdraw"), "is_danger": True,
        "consequence": _("It ends at once on all channels; what held before holds again. Quotes keep their prices."),
    }  # fmt: skip
    title = _("Withdraw version %(number)s") % {"number": number}
    return room.page(
        request, "admin/pricing/draft_step.html", title, facts, status=422 if refusal or form.errors else 200
    )
