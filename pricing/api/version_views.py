"""Versions of the rules and simulations of drafts for integrations."""

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce import clock
from commerce.api.views import ApiRequest, ApiView
from commerce.errors import InvalidInput
from commerce.roles import Scope
from pricing import approving, drafts, rulesets, simulations
from pricing.api import promotion_serializers as said
from pricing.api.promotion_views import approver_of, author_of, draft_of, told
from pricing.models import RulesetVersion
from pricing.simulations import SimulationRef

# --- simulations ----------------------------------------------------------------------------------------------------------


def _simulation(one: SimulationRef) -> dict[str, Any]:
    return {
        "id": one.id, "draft": one.draft_id, "revision": one.revision, "since": one.since, "until": one.until,
        "state": one.state.value, "total": one.total, "done": one.done, "result": one.result, "problem": one.problem,
        "created_at": one.created_at, "ended_at": one.ended_at,
    }  # fmt: skip


class DraftSimulationsView(ApiView):
    """Trials of a draft."""

    scopes: ClassVar = {"GET": Scope.PROMOTIONS_READ, "POST": Scope.PROMOTIONS_WRITE}

    @extend_schema(
        operation_id="list_promotion_simulations", summary="Simulations of a draft",
        responses=said.PromotionSimulationsDocument,
    )  # fmt: skip
    def get(self, request: ApiRequest, draft_id: UUID) -> HttpResponse:
        """List the newest trials of a draft."""
        return self.reply({"items": [_simulation(one) for one in simulations.of_draft(draft_of(draft_id).pk)]})

    @extend_schema(
        operation_id="simulate_promotion_draft", summary="Try a draft on what was bought", request=said.SpanOfBaskets,
        responses={202: said.PromotionSimulationDocument},
    )  # fmt: skip
    def post(self, request: ApiRequest, draft_id: UUID) -> HttpResponse:
        """Have a draft tried on past baskets by a worker; `GET /promotion-simulations/{id}` tells how far."""
        body = said.SpanOfBaskets.read(request.data or {})
        by = request.auth.person or request.auth.actor

        def work() -> tuple[int, Any]:
            until = body.get("until") or clock.now()
            since = body.get("since") or until - simulations.USUAL_SPAN
            return 202, _simulation(simulations.ask(draft_id, since=since, until=until, by=by))

        return self.once(request, work)


class PromotionSimulationView(ApiView):
    """One trial."""

    scopes: ClassVar = {"GET": Scope.PROMOTIONS_READ}

    @extend_schema(
        operation_id="read_promotion_simulation", summary="A simulation", responses=said.PromotionSimulationDocument
    )
    def get(self, request: ApiRequest, simulation_id: UUID) -> HttpResponse:
        """Read how far a trial is, or what came of it."""
        return self.reply(_simulation(simulations.get(simulation_id)))


# --- versions -------------------------------------------------------------------------------------------------------------


def _version(row: RulesetVersion, in_force: int, *, with_content: bool = False) -> dict[str, Any]:
    withdrawal = getattr(row, "withdrawal", None)
    withdrawn_at = withdrawal.withdrawn_at if withdrawal else None
    standing = approving.standing(
        row.effective_from, row.effective_to, withdrawn_at, in_force=row.number == in_force, at=clock.now()
    )
    found = {
        "number": row.number, "note": row.note, "of_number": row.of_number, "standing": standing.value,
        "effective_from": row.effective_from, "effective_to": row.effective_to, "withdrawn_at": withdrawn_at,
        "published_by": row.published_by, "published_at": row.published_at,
    }  # fmt: skip
    return {**found, "content": row.content} if with_content else found


def _in_force() -> int:
    found = rulesets.in_force(clock.now())
    return found.number if found else 0


class VersionsView(ApiView):
    """Versions of the rules."""

    scopes: ClassVar = {"GET": Scope.PROMOTIONS_READ}

    @extend_schema(
        operation_id="list_ruleset_versions", summary="Versions, newest first", parameters=[said.VersionParameters],
        responses=said.RulesetVersionsDocument,
    )  # fmt: skip
    def get(self, request: ApiRequest) -> HttpResponse:
        """List versions with where they stand now."""
        asked = said.VersionParameters.of(request)
        rows = RulesetVersion.objects.select_related("withdrawal").defer("content").order_by("-number")
        if "before" in asked:
            rows = rows.filter(number__lt=asked["before"])
        found, now = list(rows[: asked["limit"] + 1]), _in_force()
        shown = found[: asked["limit"]]
        more = shown[-1].number if len(found) > len(shown) else None
        return self.reply({"items": [_version(one, now) for one in shown], "next_before": more})


class VersionView(ApiView):
    """One version."""

    scopes: ClassVar = {"GET": Scope.PROMOTIONS_READ}

    @extend_schema(operation_id="read_ruleset_version", summary="A version", responses=said.RulesetVersionDocument)
    def get(self, request: ApiRequest, number: int) -> HttpResponse:
        """Read what a version says."""
        rulesets.version(number)  # its refusal
        row = RulesetVersion.objects.select_related("withdrawal").get(pk=number)
        return self.reply(_version(row, _in_force(), with_content=True))


class WithdrawVersionView(ApiView):
    """Ending a version."""

    scopes: ClassVar = {"POST": Scope.PROMOTIONS_APPROVE}

    @extend_schema(
        operation_id="withdraw_ruleset_version", summary="Withdraw a version", request=said.DraftStepBody,
        responses=said.RulesetVersionDocument,
    )  # fmt: skip
    def post(self, request: ApiRequest, number: int) -> HttpResponse:
        """End a version now, or call off one that is to come; what held before holds again. A reason is needed."""
        body, (by, _ranks) = said.DraftStepBody.read(request.data), approver_of(request)
        if not body["reason"].strip():
            message = "Say why it is withdrawn."
            raise InvalidInput(message, errors=[{"field": "reason", "value": "", "message": message}])

        def work() -> tuple[int, Any]:
            rulesets.withdraw(number, by=by, reason=body["reason"])
            row = RulesetVersion.objects.select_related("withdrawal").get(pk=number)
            return 200, _version(row, _in_force(), with_content=True)

        return self.once(request, work)


class RollBackVersionView(ApiView):
    """The way back to a version."""

    scopes: ClassVar = {"POST": Scope.PROMOTIONS_WRITE}

    @extend_schema(
        operation_id="roll_back_ruleset_version", summary="Go back to a version", request=said.DraftStepBody,
        responses={201: said.DraftDocument},
    )  # fmt: skip
    def post(self, request: ApiRequest, number: int) -> HttpResponse:
        """Begin a draft that says what an older version says; it goes the way of every draft, in an emergency at once."""
        body, by = said.DraftStepBody.read(request.data or {}), author_of(request)
        title = body["reason"].strip()[: drafts.LONGEST_TITLE] or f"Back to version {number}"
        return self.once(request, lambda: told(drafts.begin(title, of_number=number, by=by), 201))
