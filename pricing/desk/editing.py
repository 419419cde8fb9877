"""Writing on a draft: one promotion at a time, its window, and how promotions share a basket.

A change names the revision that its form was made for. Whoever comes second sees what the first one did, keeps what they
typed, and saves onto the draft as it stands now: of a promotion's form only that promotion is replaced.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from commerce import queries
from commerce.errors import CommerceError, InvalidInput
from commerce.staff import refusals
from commerce.transactions import transaction
from pricing import drafts
from pricing.approving import State
from pricing.desk import examples, faults, room, words
from pricing.desk.benefits import FORMS, BenefitForm
from pricing.desk.forms import PromotionForm, StackingForm, WindowForm, blame
from pricing.models import RulesetDraft
from pricing.promotions import documents

Change = Callable[[dict[str, Any]], dict[str, Any]]


def promotion(request: HttpRequest, draft_id: UUID, promotion_id: str = "", kind: str = "") -> HttpResponse:
    """Show and save the form of one promotion; a new one has a kind and no code yet."""
    room.author(request)
    draft = room.draft(draft_id)
    before = _promotion(draft, promotion_id)
    kind = before["benefit"]["kind"] if before else kind
    if kind not in FORMS:
        raise Http404
    form, benefit = forms_of(draft, before, kind, request.POST if request.method == "POST" else None)
    notice: dict[str, Any] | None = None
    refusal, status, revision = "", 200, draft.revision
    if request.method == "POST":
        status = 422
        if "remove" in request.POST and before:
            saved = _save(request, draft, lambda content: _without(content, promotion_id))
        elif form.is_valid() and benefit.is_valid():
            saved = _save(request, draft, _placed(form, benefit, is_new=not before))
        else:
            saved = None
        if saved is True:
            messages.success(request, _("Saved.") if "remove" not in request.POST else _("Taken out of the draft."))
            return HttpResponseRedirect(reverse("admin:pricing_draft", args=[draft.pk]))
        if isinstance(saved, CommerceError):
            status = saved.status
            if saved.code == "ruleset_draft_changed":
                notice, revision = room.changed_by(saved), saved.detail["revision"]
            elif isinstance(saved, InvalidInput):
                blame(form, benefit, saved.errors)
            else:
                refusal = refusals.sentence(saved)
    content = documents.content_from(draft.content)
    facts = {
        "draft": draft, "form": form, "benefit": benefit, "kind": words.KINDS[kind], "kind_code": kind, "notice": notice,
        "refusal": refusal, "revision": revision, "sections": form.sections(needs_goods=benefit.needs_goods),
        "is_new": not before, "can_edit": draft.state == State.DRAFT, "back": reverse("admin:pricing_draft", args=[draft.pk]),
        "example": examples.facts(request, draft, content, of=[promotion_id]),
        "example_url": reverse("admin:pricing_draft_example", args=[draft.pk]),
    }  # fmt: skip
    title = before["name"] if before else str(words.KINDS[kind][0])
    return room.page(request, "admin/pricing/promotion.html", title, facts, status=status)


def forms_of(
    draft: RulesetDraft, before: Mapping[str, Any] | None, kind: str, data: Any = None
) -> tuple[PromotionForm, BenefitForm]:
    """Return the two forms of a promotion: what it is for, and what it gives."""
    categories = queries.categories()
    own = (before or {}).get("id", "")
    stacking = draft.content.get("stacking") or {}
    form = PromotionForm(
        data, initial=PromotionForm.initial_of(before) if before else None, before=before,
        channels=[(one.code, one.name) for one in queries.channels() if one.is_active], categories=categories,
        groups=[(one["code"], one["code"]) for one in stacking.get("groups", ())],
        others=[(one["id"], one["name"]) for one in draft.content.get("promotions", ()) if one["id"] != own],
    )  # fmt: skip
    known = dict((before or {}).get("benefit") or {})
    benefit = FORMS[kind](data, initial=FORMS[kind].initial_of(known) if known else None, prefix="benefit")
    benefit.before, benefit.categories = known, frozenset(categories)
    return form, benefit


def drafted(draft: RulesetDraft, data: Any, kind: str) -> dict[str, Any]:
    """Return the content of a draft with a form's promotion in its place, unsaved. Raises: InvalidInput."""
    before = _promotion(draft, data.get("promotion", ""))
    form, benefit = forms_of(draft, before, kind, data)
    if not (form.is_valid() and benefit.is_valid()):
        raise InvalidInput("The form is not complete yet.")
    return _placed(form, benefit, is_new=not before, is_strict=False)(dict(draft.content))


def _promotion(draft: RulesetDraft, promotion_id: str) -> dict[str, Any] | None:
    if not promotion_id:
        return None
    found = next((one for one in draft.content.get("promotions", ()) if one["id"] == promotion_id), None)
    if found is None:
        raise Http404
    return dict(found)


def _placed(form: PromotionForm, benefit: BenefitForm, *, is_new: bool, is_strict: bool = True) -> Change:
    def change(content: dict[str, Any]) -> dict[str, Any]:
        made = form.document(benefit.document())
        promotions = list(content.get("promotions", ()))
        places = [place for place, one in enumerate(promotions) if one["id"] == made["id"]]
        if is_new and places and is_strict:
            message = _("Another promotion has this code; choose another one.")
            raise InvalidInput(message, errors=[{"field": "id", "value": made["id"], "message": message}])
        documents.from_document(made)  # its faults have the paths of the form
        if places:
            promotions[places[0]] = made
        else:
            promotions.append(made)
        return {**content, "promotions": promotions}

    return change


def _without(content: dict[str, Any], promotion_id: str) -> dict[str, Any]:
    left = [one for one in content.get("promotions", ()) if one["id"] != promotion_id]
    for place, one in enumerate(left):
        if promotion_id in one.get("excludes", ()):
            left[place] = {**one, "excludes": [name for name in one["excludes"] if name != promotion_id]}
    return {**content, "promotions": left}


def _save(request: HttpRequest, draft: RulesetDraft, change: Change) -> bool | CommerceError:
    """Save a change onto the draft as it stands, if the form was made for that; the refusal otherwise."""
    text = request.POST.get("revision", "")
    revision = int(text) if text.isdecimal() and len(text) < 10 else draft.revision
    try:
        with transaction():
            drafts.change(draft.pk, revision=revision, content=change(dict(draft.content)), by=room.person(request))
    except CommerceError as refusal:
        return refusal
    return True


# --- window and stacking ------------------------------------------------------------------------------------------------


def window(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """Show and save a draft's title and window."""
    room.author(request)
    draft = room.draft(draft_id)
    names = ("title", "effective_from", "effective_to", "note")
    form = WindowForm(request.POST or None, initial={name: getattr(draft, name) for name in names})
    return _plain(request, draft, form, _("Window and title"), lambda values: {**values, "sets_window": True})


def stacking(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """Show and save how promotions share a basket."""
    room.author(request)
    draft = room.draft(draft_id)
    form = StackingForm(request.POST or None, stacking=draft.content.get("stacking") or {})
    return _plain(
        request, draft, form, _("How promotions share a basket"),
        lambda _values: {"content": {**draft.content, "stacking": form.document()}}, "admin/pricing/draft_stacking.html",
    )  # fmt: skip


def _plain(
    request: HttpRequest, draft: RulesetDraft, form: Any, title: str, changes: Callable[[dict[str, Any]], dict[str, Any]],
    template: str = "admin/pricing/draft_window.html",
) -> HttpResponse:  # fmt: skip
    notice: dict[str, Any] | None = None
    refusal, status, revision = "", 200, draft.revision
    if request.method == "POST":
        status = 422
        if form.is_valid():
            text = request.POST.get("revision", "")
            seen = int(text) if text.isdecimal() and len(text) < 10 else draft.revision
            try:
                with transaction():
                    drafts.change(draft.pk, revision=seen, by=room.person(request), **changes(form.cleaned_data))
            except CommerceError as error:
                status = error.status
                if error.code == "ruleset_draft_changed":
                    notice, revision = room.changed_by(error), error.detail["revision"]
                elif isinstance(error, InvalidInput):
                    for one in error.errors:
                        name = str(one.get("field", ""))
                        form.add_error(name if name in form.fields else None, faults.said(str(one.get("message", ""))))
                else:
                    refusal = refusals.sentence(error)
            else:
                messages.success(request, _("Saved."))
                return HttpResponseRedirect(reverse("admin:pricing_draft", args=[draft.pk]))
    facts = {
        "draft": draft, "form": form, "notice": notice, "refusal": refusal, "revision": revision,
        "can_edit": draft.state == State.DRAFT, "back": reverse("admin:pricing_draft", args=[draft.pk]),
    }  # fmt: skip
    return room.page(request, template, f"{title}: {draft.title}", facts, status=status)
