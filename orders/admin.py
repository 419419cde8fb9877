"""Admin of orders: all of it to read. Orders are worked on where people stand: on the staff screens."""

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from commerce import clock
from commerce.admin_base import ReadOnlyAdmin, ReadOnlyInline, money
from commerce.roles import Permission
from orders import admin_intake, admin_money, admin_routing, notice_admin
from orders.lifecycle import OPEN, State
from orders.models import Fulfilment, FulfilmentLine, Order, OrderLine, PickScan, RoutingDecision

__all__ = [
    "admin_intake",
    "admin_money",
    "admin_routing",
    "notice_admin",
]  # they register their pages by being imported


class OrderLineInline(ReadOnlyInline):
    """What was bought, as priced."""

    model = OrderLine
    views = Permission.VIEW_ORDERS
    fields = ["line_number", "product", "quantity", "cancelled", "unit_price", "total", "tax"]

    @display(description=gettext_lazy("unit price"))
    def unit_price(self, line: OrderLine) -> str:
        return money(line.unit_price_minor, line.order.currency)

    @display(description=gettext_lazy("Total"))
    def total(self, line: OrderLine) -> str:
        return money(line.total_minor, line.order.currency)

    @display(description=gettext_lazy("VAT"))
    def tax(self, line: OrderLine) -> str:
        return money(line.tax_minor, line.order.currency)


class FulfilmentInline(ReadOnlyInline):
    """Who prepares it where."""

    model = Fulfilment
    views = Permission.VIEW_ORDERS
    fields = ["location", "method", "state", "promised_at", "window_starts_at", "keep_until", "lease_holder"]
    show_change_link = True


class RoutingInline(ReadOnlyInline):
    """Why there."""

    model = RoutingDecision
    views = Permission.VIEW_ORDERS
    fields = ["chosen", "policy_version", "occasion", "decided_at", "outcome"]


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """What was bought through which channel."""

    views = Permission.VIEW_ORDERS
    exclude = ["tracking_token", "total_minor", "tax_minor"]
    readonly_fields = ["total", "tax"]
    list_display = ["number", "channel", "external_reference", "where", "total", "placed_at"]
    list_select_related = ["channel"]
    list_filter = ["channel", "fulfilments__state", "fulfilments__location", ("placed_at", RangeDateTimeFilter)]
    search_fields = ["number__exact", "external_reference__exact", "contact_email__exact"]
    search_help_text = gettext_lazy("Number, the channel's reference or e-mail, exactly")
    ordering = ["-placed_at"]
    inlines = [OrderLineInline, FulfilmentInline, RoutingInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        fulfilments = Fulfilment.objects.select_related("location")
        return super().get_queryset(request).prefetch_related(Prefetch("fulfilments", fulfilments))

    @display(description=gettext_lazy("Where and how far"))
    def where(self, order: Any) -> str:
        return ", ".join(f"{one.location.code}: {one.get_state_display()}" for one in order.fulfilments.all())

    @display(description=gettext_lazy("Total"))
    def total(self, order: Order) -> str:
        return money(order.total_minor, order.currency)

    @display(description=gettext_lazy("VAT"))
    def tax(self, order: Order) -> str:
        return money(order.tax_minor, order.currency)


class QuestionFilter(admin.SimpleListFilter):
    """What needs a person?"""

    title = gettext_lazy("what needs a person")
    parameter_name = "question"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("open", _("not finished")),
            ("overdue", _("promise broken, still not ready")),
            ("waiting", _("customer waits outside")),
            ("shelf", _("must leave the pickup shelf")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Fulfilment]) -> QuerySet[Fulfilment]:
        unready = [State.PLACED.value, State.ACCEPTED.value, State.PICKING.value]
        conditions = {
            "open": Q(state__in=[state.value for state in OPEN]),
            "overdue": Q(state__in=unready, promised_at__lt=clock.now()),
            "waiting": Q(state=State.ARRIVED.value),
            "shelf": Q(is_on_shelf=True, state__in=[State.CANCELLED.value, State.NO_SHOW.value]),
        }
        return queryset.filter(conditions[self.value()]) if self.value() in conditions else queryset


class FulfilmentLineInline(ReadOnlyInline):
    """What it owes of each line."""

    model = FulfilmentLine
    views = Permission.VIEW_ORDERS
    fields = ["order_line", "quantity", "picked", "rejected", "reject_reason"]


class ScanInline(ReadOnlyInline):
    """What was scanned while picking."""

    model = PickScan
    views = Permission.VIEW_ORDERS
    fields = ["scanned_at", "scanned", "outcome", "pieces", "scanned_by"]
    ordering = ["scanned_at"]
    per_page = 50


@admin.register(Fulfilment)
class FulfilmentAdmin(ReadOnlyAdmin):
    """The work of one location for one order."""

    views = Permission.VIEW_ORDERS
    exclude = ["pickup_code"]
    list_display = [
        "order",
        "location",
        "method",
        "state",
        "promised_at",
        "window_starts_at",
        "lease_holder",
        "is_on_shelf",
    ]
    list_select_related = ["order", "location", "lease_holder"]
    list_filter = [QuestionFilter, "state", "method", "location", ("promised_at", RangeDateTimeFilter)]
    search_fields = ["order__number__exact"]
    search_help_text = gettext_lazy("Order number, exactly")
    ordering = ["-created_at"]
    inlines = [FulfilmentLineInline, ScanInline]


@admin.register(RoutingDecision)
class RoutingDecisionAdmin(ReadOnlyAdmin):
    """Why an order is where it is."""

    views = Permission.VIEW_ORDERS
    list_display = ["order", "chosen", "policy_version", "decided_at"]
    list_select_related = ["order", "chosen"]
    list_filter = ["chosen", "policy_version"]
    search_fields = ["order__number__exact"]
    ordering = ["-decided_at"]
