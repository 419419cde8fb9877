"""What all pages of the desk share: who may do what, the frame of the admin, and refusals in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from commerce.actors import Actor
from commerce.admin_base import granted
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import refusals
from pricing.approving import Rank
from pricing.desk import file_faults, verb_faults, words
from pricing.models import RulesetDraft

for _code, _sentence in {
    "ruleset_draft_not_found": gettext_lazy("There is no such draft; it may have been put away."),
    "ruleset_draft_changed": gettext_lazy("Somebody else changed this draft meanwhile. Below it says what; then save again."),
    "ruleset_draft_move_not_allowed": gettext_lazy("The draft has moved on meanwhile. The page now shows how it stands."),
    "ruleset_draft_conflicts": gettext_lazy("Some findings stand in the way. Mend what is wrong, give a reason for the rest."),
    "not_an_author": gettext_lazy("Drafts are written by people: sign in with an account of your own."),
    "not_an_approver": gettext_lazy("Whoever wrote on a draft doesn't approve it. Ask a colleague."),
    "approval_out_of_date": gettext_lazy("You decided already, or it was submitted anew. Look at it as it stands now."),
    "ruleset_not_found": gettext_lazy("There is no such version."),
    "ruleset_withdrawn": gettext_lazy("This version is over already."),
    "ruleset_in_the_past": gettext_lazy("The past keeps its rules: choose a beginning that lies ahead, or none."),
    "too_many_promotion_simulations": gettext_lazy("Simulations of this draft are under way; wait for their results."),
}.items():  # fmt: skip
    refusals.register(_code, _sentence)
for _code, _sentence in verb_faults.CODES.items():
    refusals.register(_code, _sentence)
refusals.register_messages(verb_faults.SENTENCES | file_faults.SENTENCES)


@dataclass(frozen=True, slots=True)
class Rights:
    """What the signed-in person may do here."""

    may_draft: bool
    ranks: frozenset[Rank]

    @property
    def may_approve(self) -> bool:
        return bool(self.ranks)


def ranks_of(permissions: frozenset[Permission]) -> frozenset[Rank]:
    """Return what somebody with some permissions approves as."""
    found = set()
    if Permission.APPROVE_PRICES in permissions:
        found.add(Rank.COLLEAGUE)
    if Permission.ANSWER_FOR_PRICES in permissions:
        found |= {Rank.LEAD}
    return frozenset(found)


def rights(request: HttpRequest) -> Rights:
    """Return what the signed-in person may do at the desk."""
    permissions = granted(request)
    return Rights(Permission.MANAGE_PRICES in permissions, ranks_of(permissions))


def enter(request: HttpRequest) -> Rights:
    """Let people in who draft or approve. Raises: PermissionDenied."""
    found = rights(request)
    if not (found.may_draft or found.may_approve):
        raise PermissionDenied
    return found


def author(request: HttpRequest) -> Rights:
    """Let people in who draft. Raises: PermissionDenied."""
    found = rights(request)
    if not found.may_draft:
        raise PermissionDenied
    return found


def person(request: HttpRequest) -> Actor:
    """Return the signed-in person as the one who does it."""
    return Actor.staff(request.user)


def draft(draft_id: UUID) -> RulesetDraft:
    """Return a draft as it stands. Raises: Http404."""
    found = RulesetDraft.objects.select_related("author", "version").filter(pk=draft_id).first()
    if found is None:
        raise Http404
    return found


def changed_by(refusal: CommerceError) -> dict[str, Any]:
    """Return who changed a draft meanwhile, and what, for the notice above a form that came too late."""
    changes = refusal.detail.get("changes") or {}
    return {
        "who": refusal.detail.get("changed_by", ""),
        "what": [words.noted(str(one)) for one in changes.get("changes", ())]
        or sorted(changes.keys() - {"state", "revision"}),
        "revision": refusal.detail.get("revision"),
    }


def page(
    request: HttpRequest, template: str, title: str, facts: Mapping[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """Return a page of the desk in the admin's frame."""
    shown = {
        **admin.site.each_context(request), "opts": RulesetDraft._meta, "title": title, "rights": rights(request),
        "area": _("Promotions"), **(facts or {}),
    }  # fmt: skip
    return render(request, template, shown, status=status)
