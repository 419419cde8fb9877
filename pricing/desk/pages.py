"""The addresses of the desk, inside the admin; and the thresholds of approvals, as a plain form."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display

from commerce.actors import Actor
from commerce.admin_base import VerbAdmin, granted
from commerce.roles import Permission
from pricing import approvals
from pricing.approving import Measure, Rank
from pricing.desk import campaigns, draft_page, editing, examples, overview, simulating, version_page, words
from pricing.models import ApprovalThreshold, RulesetDraft

VIEWS = frozenset({Permission.MANAGE_PRICES, Permission.APPROVE_PRICES, Permission.ANSWER_FOR_PRICES})


@admin.register(RulesetDraft)
class PromotionDesk(ModelAdmin):
    """Promotions: versions and drafts. All its pages are its own; what they write goes through the verbs."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(VIEWS & granted(request))

    has_module_permission = has_view_permission

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        def own(route: str, view: Any, name: str) -> URLPattern:
            return path(route, self.admin_site.admin_view(view), name=name)

        return [
            own("calendar/", campaigns.show, "pricing_campaigns"),
            own("find/", examples.find, "pricing_find_products"),
            own("drafts/<uuid:draft_id>/", draft_page.show, "pricing_draft"),
            own("drafts/<uuid:draft_id>/answers/", draft_page.answer, "pricing_draft_answers"),
            own("drafts/<uuid:draft_id>/example/", examples.example, "pricing_draft_example"),
            own("drafts/<uuid:draft_id>/window/", editing.window, "pricing_draft_window"),
            own("drafts/<uuid:draft_id>/stacking/", editing.stacking, "pricing_draft_stacking"),
            own("drafts/<uuid:draft_id>/new/<slug:kind>/", editing.promotion, "pricing_draft_new_promotion"),
            own("drafts/<uuid:draft_id>/promotions/<str:promotion_id>/", editing.promotion, "pricing_draft_promotion"),
            own("drafts/<uuid:draft_id>/steps/<slug:name>/", draft_page.step, "pricing_draft_step"),
            own("drafts/<uuid:draft_id>/simulate/", simulating.start, "pricing_draft_simulate"),
            own("simulations/<uuid:simulation_id>/", simulating.watch, "pricing_simulation"),
            own("versions/<int:number>/", version_page.show, "pricing_version"),
            own("versions/<int:number>/roll-back/", version_page.roll_back, "pricing_version_roll_back"),
            own("versions/<int:number>/withdraw/", version_page.withdraw, "pricing_version_withdraw"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return overview.overview(request)


@admin.register(ApprovalThreshold)
class ApprovalThresholdAdmin(VerbAdmin):
    """From when on a draft needs more eyes. Shares in hundredths of a per cent, money in cents."""

    views: ClassVar[Permission] = Permission.MANAGE_PRICES
    writes: ClassVar[Permission] = Permission.ANSWER_FOR_PRICES
    audited_as = "approval_threshold"
    list_display = ["reached", "approvals", "rank", "is_active"]
    fields = ["measure", "limit", "rank", "approvals", "is_active"]

    def get_readonly_fields(self, request: HttpRequest, obj: ApprovalThreshold | None = None) -> list[str]:
        return ["measure", "limit", "rank"] if obj else []

    @display(description=gettext_lazy("When"))
    def reached(self, row: ApprovalThreshold) -> str:
        return words.limit(row.measure, row.limit)

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> object:
        return approvals.set_threshold(
            Measure(values["measure"]), values["limit"], Rank(values["rank"]), approvals=values["approvals"],
            is_active=values["is_active"], by=by,
        ).pk  # fmt: skip

    def change(self, request: HttpRequest, obj: Any, values: dict[str, Any], *, by: Actor) -> None:
        approvals.set_threshold(
            Measure(obj.measure), obj.limit, Rank(obj.rank), approvals=values.get("approvals", obj.approvals),
            is_active=values.get("is_active", obj.is_active), by=by,
        )  # fmt: skip
