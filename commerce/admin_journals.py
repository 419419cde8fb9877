"""Admin of what is limited and of what happened: quotas, audit, outbox, inbox and kept answers, to read."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from commerce import admin_words, outbox
from commerce.actors import Actor
from commerce.admin_base import ReadOnlyAdmin, ReadOnlyInline, ReasonForm, confirmed, each, in_words
from commerce.models import (
    AuditEntry,
    DeliveryState,
    IdempotencyKey,
    InboxMessage,
    OutboxDelivery,
    OutboxMessage,
    Quota,
    QuotaHold,
)
from commerce.roles import Permission
from commerce.staff import attempts


class QuotaHoldInline(ReadOnlyInline):
    """Who has a place in it."""

    model = QuotaHold
    views = Permission.MANAGE_CHANNELS
    fields = ["purpose", "quantity", "state", "expires_at", "created_at"]
    ordering = ["-created_at"]
    per_page = 50


class KindFilter(admin.SimpleListFilter):
    """Counted sign-ins are many and rarely wanted: the list begins with everything else, pickup windows above all."""

    title = gettext_lazy("what is limited")
    parameter_name = "what"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("sign-in", _("attempts to sign in")), ("all", _("everything"))]

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        first, *others = super().choices(changelist)
        yield {**first, "display": _("pickup windows and the like")}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Quota]) -> QuerySet[Quota]:
        if self.value() == "all":
            return queryset
        sign_ins = Q(key__startswith=attempts.KEYS)
        return queryset.filter(sign_ins if self.value() == "sign-in" else ~sign_ins)


class LoadFilter(admin.SimpleListFilter):
    """Where is it full, where is room?"""

    title = gettext_lazy("load")
    parameter_name = "load"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("full", _("full")), ("used", _("in use")), ("empty", _("empty"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Quota]) -> QuerySet[Quota]:
        if self.value() == "full":
            return queryset.filter(limit__lte=F("held") + F("committed"))
        if self.value() == "used":
            return queryset.filter(Q(held__gt=0) | Q(committed__gt=0))
        return queryset.filter(held=0, committed=0) if self.value() == "empty" else queryset


@admin.register(Quota)
class QuotaAdmin(ReadOnlyAdmin):
    """Pickup windows and whatever else is limited, with its load."""

    views = Permission.MANAGE_CHANNELS
    list_display = ["key", "limit", "committed", "held", "load"]
    list_filter = [KindFilter, LoadFilter]
    search_fields = ["key__startswith"]
    search_help_text = gettext_lazy("Beginning of the key, such as pickup:BER01:2026-11-23")
    ordering = ["-key"]
    inlines = [QuotaHoldInline]

    @display(description=gettext_lazy("Load"))
    def load(self, quota: Quota) -> str:
        return f"{100 * (quota.held + quota.committed) // quota.limit if quota.limit else 100} %"


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what to which object, when and why."""

    views = Permission.MANAGE_USERS
    list_display = ["recorded_at", "what", "object_type", "object_id", "actor_label", "reason"]
    readonly_fields = ["what"]
    search_fields = ["object_id__exact"]
    search_help_text = gettext_lazy("Id of the object, exactly")
    ordering = ["-id"]

    @display(description=gettext_lazy("what happened"))
    def what(self, entry: AuditEntry) -> str:
        return in_words(entry.verb)

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        # A distinct over millions of rows for a list of types would be slow: the address may carry the type all the same.
        return ["actor_kind", ObjectTypeFilter, ("recorded_at", RangeDateTimeFilter)]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup in {"object_type", "object_id"} or super().lookup_allowed(lookup, value, request)


class ObjectTypeFilter(admin.SimpleListFilter):
    """What kind of thing was changed?"""

    title = gettext_lazy("object type")
    parameter_name = "object_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return sorted(((name, in_words(name)) for name in admin_words.OBJECTS), key=lambda choice: choice[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset.filter(object_type=self.value()) if self.value() else queryset


class DeliveryInline(ReadOnlyInline):
    """Who was told, and how that went."""

    model = OutboxDelivery
    views = Permission.MANAGE_MESSAGES
    fields = ["subscriber", "state", "attempts", "next_attempt_at", "done_at", "last_error"]


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    """What happened here, as others are told."""

    views = Permission.MANAGE_MESSAGES
    list_display = ["id", "position", "event_type", "aggregate", "aggregate_sequence", "channel", "occurred_at"]
    list_select_related = ["channel"]
    list_filter = [("position", admin.EmptyFieldListFilter), "channel", ("occurred_at", RangeDateTimeFilter)]
    search_fields = ["aggregate__exact", "message_id__exact"]
    search_help_text = gettext_lazy("Aggregate such as order:…, or the message id, exactly")
    ordering = ["-id"]
    inlines = [DeliveryInline]


@admin.register(OutboxDelivery)
class OutboxDeliveryAdmin(ReadOnlyAdmin):
    """Every subscriber's copy; parked ones wait for a person."""

    views = Permission.MANAGE_MESSAGES
    list_display = ["id", "subscriber", "event", "aggregate", "state", "attempts", "next_attempt_at", "error"]
    list_select_related = ["message"]
    list_filter = ["state"]
    search_fields = ["aggregate__exact", "subscriber__exact"]
    search_help_text = gettext_lazy("Aggregate or subscriber, exactly")
    ordering = ["-id"]
    raw_id_fields = ["message"]
    actions = ["retry"]
    actions_detail = ["dismiss"]

    def has_retry_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self.has_view_permission(request)

    @display(description=gettext_lazy("Event"))
    def event(self, delivery: OutboxDelivery) -> str:
        return delivery.message.event_type

    @display(description=gettext_lazy("Last error"))
    def error(self, delivery: OutboxDelivery) -> str:
        return delivery.last_error[:80]

    @admin.action(description=gettext_lazy("Try parked ones again"), permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[OutboxDelivery]) -> None:
        by = Actor.staff(request.user)
        each(request, queryset, lambda row: outbox.retry(row.pk, by=by), done=_("{count} messages are tried again."))

    def has_dismiss_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Only what is parked waits for a person."""
        if not self.has_view_permission(request):
            return False
        return object_id is None or self.wanted(request, str(object_id)).state == DeliveryState.PARKED

    @action(description=gettext_lazy("Give up"), icon="delete", permissions=["dismiss"], variant=ActionVariant.DANGER)
    def dismiss(self, request: HttpRequest, object_id: str) -> HttpResponse:
        delivery = self.wanted(request, object_id)

        def verb(values: dict[str, Any]) -> None:
            outbox.dismiss(delivery.pk, by=Actor.staff(request.user), reason=values["reason"])

        return confirmed(
            self, request, title=_("Give up message"), form=ReasonForm(request.POST or None), verb=verb,
            back=reverse("admin:commerce_outboxdelivery_change", args=[object_id]),
            consequence=_("This subscriber never gets this message; what waits behind it goes on."),
        )  # fmt: skip


@admin.register(InboxMessage)
class InboxMessageAdmin(ReadOnlyAdmin):
    """What came in from outside."""

    views = Permission.MANAGE_MESSAGES
    list_display = ["id", "source", "event_id", "received_at", "done_at"]
    list_filter = [("done_at", admin.EmptyFieldListFilter), ("received_at", RangeDateTimeFilter)]
    search_fields = ["event_id__exact"]
    ordering = ["-id"]


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    """First answers that are kept for replays."""

    views = Permission.MANAGE_MESSAGES
    exclude = ["request_hash", "body"]
    list_display = ["id", "credential", "key", "status", "created_at", "expires_at"]
    list_filter = ["status"]
    search_fields = ["key__exact"]
    ordering = ["-id"]
