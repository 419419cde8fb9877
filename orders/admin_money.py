"""Admin of money: payments to read as a controller asks for them, and until when goods may come back."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.validators import MaxValueValidator
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from commerce.actors import Actor
from commerce.admin_base import ReadOnlyAdmin, ReadOnlyInline, VerbAdmin, money
from commerce.roles import Permission
from orders.models import GoodwillLimit, Payment, PaymentEvent, PaymentRequest, ReturnPolicy
from orders.returns import goodwill_limits, policies


class PaymentQuestionFilter(admin.SimpleListFilter):
    """What a controller wants to see."""

    title = gettext_lazy("what a controller asks")
    parameter_name = "question"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("person", _("needs a person")),
            ("held", _("held and not taken")),
            ("owed", _("owed back and not given yet")),
            ("lost", _("charged back")),
            ("orphan", _("without an order")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        conditions = {
            "person": ~Q(concern=""),
            "held": Q(authorised_minor__gt=F("captured_minor") + F("released_minor")),
            "owed": Q(owed_minor__gt=0),
            "lost": Q(charged_back_minor__gt=F("chargeback_won_minor")),
            "orphan": Q(order__isnull=True),
        }
        return queryset.filter(conditions[self.value()]) if self.value() in conditions else queryset


class PaymentEventInline(ReadOnlyInline):
    """What happened to it."""

    model = PaymentEvent
    views = Permission.RECONCILE_MONEY
    fields = ["number", "kind", "amount", "detail", "provider_event", "occurred_at", "recorded_at"]
    ordering = ["number"]

    @display(description=gettext_lazy("Amount"))
    def amount(self, event: PaymentEvent) -> str:
        return money(event.amount_minor, event.payment.currency)


class PaymentRequestInline(ReadOnlyInline):
    """What its provider was asked."""

    model = PaymentRequest
    views = Permission.RECONCILE_MONEY
    fields = ["verb", "amount", "state", "answer", "attempts", "created_at", "ended_at"]
    ordering = ["created_at", "id"]

    @display(description=gettext_lazy("Amount"))
    def amount(self, request: PaymentRequest) -> str:
        return money(request.amount_minor, request.payment.currency)


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    """Every payment with its sums, its events and what its provider was asked. Moved on the order's page, never here."""

    views = Permission.RECONCILE_MONEY
    fields = [
        "order", "channel", "external_reference", "gateway", "method", "label", "asked_for", "taken", "given_back", "fee",
        "provider_reference", "decline_reason", "expires_at", "concern", "concern_since", "created_at", "changed_at",
    ]  # fmt: skip
    readonly_fields = ["asked_for", "taken", "given_back", "fee"]
    list_display = ["created_at", "order", "gateway", "method", "asked_for", "taken", "given_back", "fee", "concern"]
    list_select_related = ["order"]
    list_filter = [PaymentQuestionFilter, "gateway", "method", "currency", ("created_at", RangeDateTimeFilter)]
    search_fields = ["order__number__exact", "provider_reference__exact", "external_reference__exact"]
    search_help_text = gettext_lazy("Order number or the provider's or channel's reference, exactly")
    ordering = ["-created_at"]
    inlines = [PaymentEventInline, PaymentRequestInline]

    @display(description=gettext_lazy("Asked for"))
    def asked_for(self, row: Payment) -> str:
        return money(row.amount_minor, row.currency)

    @display(description=gettext_lazy("Taken"))
    def taken(self, row: Payment) -> str:
        return money(row.captured_minor, row.currency)

    @display(description=gettext_lazy("Given back"))
    def given_back(self, row: Payment) -> str:
        return money(row.refunded_minor, row.currency)

    @display(description=gettext_lazy("Fee"))
    def fee(self, row: Payment) -> str:
        return money(row.fee_minor, row.currency)


class ReturnPolicyForm(forms.ModelForm):
    """For which goods, and how many days."""

    class Meta:
        model = ReturnPolicy
        fields = ["channel", "country", "category", "product", "days", "reason"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["days"].validators.append(MaxValueValidator(policies.LONGEST_DAYS))


@admin.register(ReturnPolicy)
class ReturnPolicyAdmin(VerbAdmin):
    """How many days goods may come back; the most special one counts, and the law's 14 days where there is none."""

    views = writes = Permission.MANAGE_CHANNELS
    audited_as = "return_policy"
    form = ReturnPolicyForm
    list_display = ["channel", "country", "category", "product", "days", "reason", "is_active"]
    list_select_related = ["channel", "product"]
    list_filter = ["is_active", "channel", "country"]
    raw_id_fields = ["product"]
    ordering = ["-is_active", "-id"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What has ended stays as it was."""
        return (obj is None or obj.is_active) and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: ReturnPolicy | None = None) -> list[str]:
        return ["channel", "country", "category", "product"] if obj else []

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        channel, product = values["channel"], values["product"]
        return policies.set_policy(
            days=values["days"], channel_id=channel.pk if channel else None, country=values["country"].upper(),
            category=values["category"], product_id=product.pk if product else None, reason=values["reason"], by=by,
        )  # fmt: skip

    def change(self, request: HttpRequest, obj: ReturnPolicy, values: dict[str, Any], *, by: Actor) -> None:
        """A policy never changes: the one for the same goods ends, and a new one begins."""
        known = ReturnPolicy.objects.get(pk=obj.pk)
        policies.set_policy(
            days=values.get("days", known.days), channel_id=known.channel_id, country=known.country,
            category=known.category, product_id=known.product_id, reason=values.get("reason", known.reason), by=by,
        )  # fmt: skip


RIGHTS = {
    Permission.REFUND_ORDERS: gettext_lazy("May refund orders"),
    Permission.APPROVE_REFUNDS: gettext_lazy("May approve what others refund"),
}


class GoodwillLimitForm(forms.ModelForm):
    """How much of a currency people with a right may give away on their own."""

    permission = forms.ChoiceField(
        label=capfirst(gettext_lazy("right")), choices=[(one.value, RIGHTS[one]) for one in goodwill_limits.USUAL]
    )

    class Meta:
        model = GoodwillLimit
        fields = ["permission", "currency", "amount_minor"]


@admin.register(GoodwillLimit)
class GoodwillLimitAdmin(VerbAdmin):
    """How much one person may give away on their own; what is more waits for a second one. Without a row: 25 and 100 of it."""

    views = writes = Permission.MANAGE_CHANNELS
    audited_as = "goodwill_limit"
    form = GoodwillLimitForm
    list_display = ["right", "currency", "limit"]
    ordering = ["permission", "currency"]

    @admin.display(description=gettext_lazy("right"), ordering="permission")
    def right(self, obj: GoodwillLimit) -> str:
        return str(RIGHTS.get(Permission(obj.permission), obj.permission))

    @admin.display(description=gettext_lazy("limit"), ordering="amount_minor")
    def limit(self, obj: GoodwillLimit) -> str:
        return money(obj.amount_minor, obj.currency)

    def get_readonly_fields(self, request: HttpRequest, obj: GoodwillLimit | None = None) -> list[str]:
        return []

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        return goodwill_limits.set_limit(values["permission"], values["currency"], values["amount_minor"], by=by)

    def change(self, request: HttpRequest, obj: GoodwillLimit, values: dict[str, Any], *, by: Actor) -> None:
        known = GoodwillLimit.objects.get(pk=obj.pk)
        goodwill_limits.set_limit(
            known.permission, known.currency, values.get("amount_minor", known.amount_minor), by=by
        )
