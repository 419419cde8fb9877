"""Admin of prices that were set by hand: who, how much, why."""

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from commerce import clock
from commerce.admin_base import ReadOnlyAdmin, money
from commerce.roles import Permission
from pricing import overrides
from pricing.models import PriceOverride

DAYS = {"1": 1, "7": 7, "30": 30, "365": 365}


class AgeFilter(admin.SimpleListFilter):
    """Since when?"""

    title = gettext_lazy("time")
    parameter_name = "days"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", _("last day")), ("7", _("last 7 days")), ("30", _("last 30 days")), ("365", _("last year"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = DAYS.get(self.value() or "")
        return queryset.filter(set_at__gte=clock.now() - timedelta(days=days)) if days else queryset


@admin.register(PriceOverride)
class PriceOverrideAdmin(ReadOnlyAdmin):
    """Prices set at a till or in the call centre, with their sums by person on top."""

    views = Permission.MANAGE_PRICES
    list_display: ClassVar[list[str]] = ["set_at", "who", "channel", "sku", "quantity", "difference", "reason"]
    list_select_related: ClassVar[list[str]] = ["channel"]
    list_filter: ClassVar[list[Any]] = [AgeFilter, "channel"]
    search_fields: ClassVar[list[str]] = ["sku__exact", "set_by__icontains"]
    ordering: ClassVar[list[str]] = ["-id"]
    change_list_template = "admin/pricing/overrides.html"

    @display(description=gettext_lazy("Set by"))
    def who(self, row: PriceOverride) -> str:
        return row.set_by

    @display(description=gettext_lazy("Difference"))
    def difference(self, row: PriceOverride) -> str:
        return money(row.difference_minor, row.currency)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Show the list under what each person changed in the chosen time."""
        days = DAYS.get(request.GET.get("days", ""), 30)
        found = [
            {"set_by": one.set_by, "count": one.count, "difference": money(one.difference_minor, one.currency)}
            for one in overrides.sums(since=clock.now() - timedelta(days=days))
        ]
        return super().changelist_view(request, {**(extra_context or {}), "sums": found, "days": days})
