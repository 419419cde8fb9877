"""Drafts and versions of the rules for integrations. What only people do, a key of a person does as that person."""

import re
from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth import get_user_model
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema

from commerce import clock
from commerce.actors import Actor
from commerce.api.paging import CursorPaging
from commerce.api.views import ApiRequest, ApiView
from commerce.errors import InvalidInput
from commerce.roles import Permission, Scope
from commerce.staff import shell
from pricing import approvals, approving, differences, drafts, rulesets
from pricing.api import promotion_serializers as said
from pricing.approving import Rank
from pricing.errors import DraftNotFound, NotApprover, NotAuthor, PreconditionMissing
from pricing.models import RulesetDraft
from pricing.promotions import documents
from pricing.promotions.terms import Content

IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, required=True, description="The ETag of the draft as it was read."
)
_TAG = re.compile(r'(?:W/)?"(\d{1,9})"')
Verb = Callable[..., RulesetDraft]


def _permissions(request: ApiRequest) -> tuple[Actor | None, frozenset[Permission]]:
    person = request.auth.person
    if person is None:
        return None, frozenset()
    return person, shell.permissions_of(get_user_model().objects.get(pk=int(person.id)))


def author_of(request: ApiRequest) -> Actor:
    """Return the person that a key acts for, who may draft. Raises: NotAuthor."""
    person, permissions = _permissions(request)
    if person is None or Permission.MANAGE_PRICES not in permissions:
        raise NotAuthor("Drafts are written by people who keep prices: use a key that acts for one of them.")
    return person


def approver_of(request: ApiRequest) -> tuple[Actor, frozenset[Rank]]:
    """Return the person that a key acts for, and what they approve as. Raises: NotApprover."""
    person, permissions = _permissions(request)
    wanted = ((Permission.APPROVE_PRICES, Rank.COLLEAGUE), (Permission.ANSWER_FOR_PRICES, Rank.LEAD))
    ranks = frozenset(rank for permission, rank in wanted if permission in permissions)
    if person is None or not ranks:
        raise NotApprover("Drafts are approved by people who may: use a key that acts for one of them.")
    return person, ranks


def revision_of(request: ApiRequest) -> int:
    """Return the revision that a change was made for. Raises: PreconditionMissing."""
    given = request.META.get("HTTP_IF_MATCH", "")
    found = _TAG.fullmatch(given.strip())
    if found is None:
        raise PreconditionMissing(
            'Send If-Match with the ETag of the draft as you read it, such as "3"; without it you might undo somebody\'s work.',
            given=given[:80],
        )
    return int(found[1])


def draft_of(draft_id: UUID) -> RulesetDraft:
    """Return a draft as it stands. Raises: DraftNotFound."""
    found = RulesetDraft.objects.select_related("author").filter(pk=draft_id).first()
    if found is None:
        raise DraftNotFound(f"There is no draft {draft_id}.", draft=str(draft_id))
    return found


def _row(one: RulesetDraft) -> dict[str, Any]:
    return {
        "id": one.pk, "title": one.title, "state": one.state, "revision": one.revision, "submission": one.submission,
        "effective_from": one.effective_from, "effective_to": one.effective_to,
        "author": one.author.get_full_name() or one.author.get_username(), "changed_at": one.changed_at,
    }  # fmt: skip


def _document(one: RulesetDraft) -> dict[str, Any]:
    return {
        **_row(one), "content": one.content, "note": one.note, "answers": one.answers, "base_number": one.base_number,
        "of_number": one.of_number, "version": one.version_id, "emergency_number": one.emergency_number,
        "missing": {rank.value: count for rank, count in approvals.missing(one).items()} if one.state == "submitted" else {},
        "allowed_actions": [action.value for action in approving.allowed_actions(one.state)],
    }  # fmt: skip


def told(one: RulesetDraft, status: int = 200) -> tuple[int, Any, dict[str, str]]:
    """Return the answer about a draft, with its tag."""
    return status, _document(draft_of(one.pk)), {"ETag": f'"{one.revision}"'}


class DraftsView(ApiView):
    """Drafts of the rules."""

    scopes: ClassVar = {"GET": Scope.PROMOTIONS_READ, "POST": Scope.PROMOTIONS_WRITE}
    paging: ClassVar = CursorPaging("-changed_at", "-id")

    @extend_schema(
        operation_id="list_promotion_drafts", summary="Drafts, latest change first", parameters=[said.DraftParameters],
        responses=said.DraftsDocument,
    )  # fmt: skip
    def get(self, request: ApiRequest) -> HttpResponse:
        """List drafts, those in one state or all."""
        asked = said.DraftParameters.of(request)
        rows = RulesetDraft.objects.select_related("author").defer("content")
        if "state" in asked:
            rows = rows.filter(state=asked["state"])
        page = self.paging.page(
            request, rows, limit=asked["limit"], cursor=asked.get("cursor"),
            present=lambda found: [_row(one) for one in found],
        )  # fmt: skip
        return self.reply(page)

    @extend_schema(
        operation_id="begin_promotion_draft", summary="Begin a draft", request=said.PromotionDraftBody,
        responses={201: said.DraftDocument},
    )  # fmt: skip
    def post(self, request: ApiRequest) -> HttpResponse:
        """Begin a draft with what is in force, or with what an older version says. Needs a key that acts for a person."""
        body, by = said.PromotionDraftBody.read(request.data), author_of(request)
        return self.once(
            request, lambda: told(drafts.begin(body["title"], of_number=body.get("of_number"), by=by), 201)
        )


class DraftView(ApiView):
    """One draft."""

    scopes: ClassVar = {"GET": Scope.PROMOTIONS_READ, "PATCH": Scope.PROMOTIONS_WRITE}

    @extend_schema(operation_id="read_promotion_draft", summary="A draft", responses=said.DraftDocument)
    def get(self, request: ApiRequest, draft_id: UUID) -> HttpResponse:
        """Read a draft; its ETag is what a change has to name."""
        one = draft_of(draft_id)
        return self.reply(_document(one), headers={"ETag": f'"{one.revision}"', "Cache-Control": "private, no-cache"})

    @extend_schema(
        operation_id="change_promotion_draft", summary="Change a draft", parameters=[IF_MATCH], request=said.DraftChanges,
        responses=said.DraftDocument,
    )  # fmt: skip
    def patch(self, request: ApiRequest, draft_id: UUID) -> HttpResponse:
        """Change what is named, if nobody else changed the draft since it was read (`If-Match`); else 409 says who and what."""
        body, by, revision = said.DraftChanges.read(request.data), author_of(request), revision_of(request)
        for name in ("content", "answers"):
            if name in body and not isinstance(body[name], dict):
                message = "An object is expected."
                raise InvalidInput(f"{name}: {message}", errors=[{"field": name, "value": None, "message": message}])
        answers = {str(key): str(text) for key, text in body["answers"].items()} if "answers" in body else None

        def work() -> tuple[int, Any, dict[str, str]]:
            window: dict[str, Any] = {}
            if "effective_from" in body or "effective_to" in body:
                now = draft_of(draft_id)
                window = {name: body.get(name, getattr(now, name)) for name in ("effective_from", "effective_to")}
                window["sets_window"] = True
            return told(
                drafts.change(
                    draft_id, revision=revision, by=by, title=body.get("title"), content=body.get("content"),
                    note=body.get("note"), answers=answers, **window,
                )
            )  # fmt: skip

        return self.once(request, work)


class _StepView(ApiView):
    """A step of a draft's way that its author takes."""

    scopes: ClassVar = {"POST": Scope.PROMOTIONS_WRITE}
    verb: ClassVar[Verb]
    takes_reason: ClassVar[bool] = False

    def step(self, request: ApiRequest, draft_id: UUID) -> HttpResponse:
        """Take the step for the draft as it was read."""
        body, by = said.DraftStepBody.read(request.data or {}), author_of(request)
        revision = revision_of(request)
        more = {"reason": body["reason"]} if self.takes_reason else {}
        return self.once(request, lambda: told(type(self).verb(draft_id, revision=revision, by=by, **more)))


class SubmitDraftView(_StepView):
    """Asking for approval."""

    verb: ClassVar[Verb] = staticmethod(drafts.submit)

    @extend_schema(
        operation_id="submit_promotion_draft", summary="Submit a draft", parameters=[IF_MATCH], request=said.DraftStepBody,
        responses=said.DraftDocument,
    )  # fmt: skip
    def post(self, request: ApiRequest, draft_id: UUID) -> HttpResponse:
        """Ask for approval; nothing that blocks may be left, and every warning has its reason."""
        return self.step(request, draft_id)


class TakeBackDraftView(_StepView):
    """Making a draft of it again."""

    verb: ClassVar[Verb] = staticmethod(drafts.take_back)
    takes_reason: ClassVar[bool] = True

    @extend_schema(
        operation_id="take_back_promotion_draft", summary="Take a draft back", parameters=[IF_MATCH],
        request=said.DraftStepBody, responses=said.DraftDocument,
    )  # fmt: skip
    def post(self, request: ApiRequest, draft_id: UUID) -> HttpResponse:
        """Let it be written on again; approvals that were given don't count any more, an emergency ends."""
        return self.step(request, draft_id)


class DiscardDraftView(_StepView):
    """Putting it away."""

    verb: ClassVar[Verb] = staticmethod(drafts.discard)
    takes_reason: ClassVar[bool] = True

    @extend_schema(
        operation_id="discard_promotion_draft", summary="Discard a draft", parameters=[IF_MATCH], request=said.DraftStepBody,
        responses=said.DraftDocument,
    )  # fmt: skip
    def post(self, request: ApiRequest, draft_id: UUID) -> HttpResponse:
        """Put a draft away for good."""
        return self.step(request, draft_id)


class PublishDraftView(_StepView):
    """Making a version of it."""

    verb: ClassVar[Verb] = staticmethod(drafts.publish)

    @extend_schema(
        operation_id="publish_promotion_draft", summary="Publish or schedule a draft", parameters=[IF_MATCH],
        request=said.DraftStepBody, responses=said.DraftDocument,
    )  # fmt: skip
    def post(self, request: ApiRequest, draft_id: UUID) -> HttpResponse:
        """Make a version of an approved draft: scheduled where `effective_from` is to come, else in force at once."""
        return self.step(request, draft_id)


class EmergencyDraftView(_StepView):
    """Letting it hold at once."""

    verb: ClassVar[Verb] = staticmethod(drafts.publish_in_emergency)
    takes_reason: ClassVar[bool] = True

    @extend_schema(
        operation_id="publish_promotion_draft_in_emergency", summary="Publish in an emergency", parameters=[IF_MATCH],
        request=said.DraftStepBody, responses=said.DraftDocument,
    )  # fmt: skip
    def post(self, request: ApiRequest, draft_id: UUID) -> HttpResponse:
        """Let a draft hold at once, for 24 hours at most, and ask for approval meanwhile; a reason is needed."""
        return self.step(request, draft_id)


class ApproveDraftView(ApiView):
    """A second person's yes."""

    scopes: ClassVar = {"POST": Scope.PROMOTIONS_APPROVE}

    @extend_schema(
        operation_id="approve_promotion_draft", summary="Approve a draft", request=said.DraftDecisionBody,
        responses=said.DraftDocument,
    )  # fmt: skip
    def post(self, request: ApiRequest, draft_id: UUID) -> HttpResponse:
        """Say yes to a submission, as the person that the key acts for, who wrote nothing of it."""
        body, (by, ranks) = said.DraftDecisionBody.read(request.data), approver_of(request)
        return self.once(
            request,
            lambda: told(
                approvals.approve(draft_id, submission=body["submission"], ranks=ranks, reason=body["reason"], by=by)
            ),
        )


class RejectDraftView(ApiView):
    """A second person's no."""

    scopes: ClassVar = {"POST": Scope.PROMOTIONS_APPROVE}

    @extend_schema(
        operation_id="reject_promotion_draft", summary="Reject a draft", request=said.DraftDecisionBody,
        responses=said.DraftDocument,
    )  # fmt: skip
    def post(self, request: ApiRequest, draft_id: UUID) -> HttpResponse:
        """Say no with a reason: it is a draft again."""
        body, (by, ranks) = said.DraftDecisionBody.read(request.data), approver_of(request)
        return self.once(
            request,
            lambda: told(
                approvals.reject(draft_id, submission=body["submission"], ranks=ranks, reason=body["reason"], by=by)
            ),
        )


class DraftFindingsView(ApiView):
    """What is wrong with a draft."""

    scopes: ClassVar = {"GET": Scope.PROMOTIONS_READ}

    @extend_schema(
        operation_id="read_promotion_draft_findings",
        summary="Conflicts of a draft",
        responses=said.PromotionFindingsDocument,
    )
    def get(self, request: ApiRequest, draft_id: UUID) -> HttpResponse:
        """Check a draft as it stands: errors block, warnings need a reason under their `key` in `answers`."""
        one = draft_of(draft_id)
        found, looked = drafts.examined(one)
        return self.reply({
            "findings": [
                {"key": row.key, "code": row.code, "severity": row.severity, "promotions": row.promotions,
                 "facts": dict(row.facts), "answer": one.answers.get(row.key, "")}
                for row in found
            ],
            "is_submittable": not drafts.unanswered(one, found),
            "claims": {
                "channels": looked.channels, "products": looked.products, "pasts": looked.pasts,
                "left_out": looked.left_out,
            },
        })  # fmt: skip


class DraftDifferencesView(ApiView):
    """What a draft changes."""

    scopes: ClassVar = {"GET": Scope.PROMOTIONS_READ}

    @extend_schema(
        operation_id="read_promotion_draft_differences",
        summary="What a draft changes",
        responses=said.DifferencesDocument,
    )
    def get(self, request: ApiRequest, draft_id: UUID) -> HttpResponse:
        """Compare a draft with the version in force, field by field."""
        one, base = draft_of(draft_id), rulesets.in_force(clock.now())
        before = documents.content_from(base.content) if base else Content()
        found = differences.between(before, documents.content_from(one.content))
        return self.reply({
            "beside": base.number if base else None,
            "changes": [
                {"kind": row.kind, "promotion": row.promotion_id, "name": row.name, "fields": row.fields}
                for row in found.changes
            ],
            "settings": found.settings,
        })  # fmt: skip
