"""Admin of customers: profiles to read."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from commerce.actors import Actor
from commerce.admin_base import ReadOnlyAdmin, ReadOnlyInline, VerbAdmin, each, in_words, money
from commerce.roles import Permission
from customers import standings
from customers.models import Identifier, OrderHistory, Profile, Standing
from customers.standings import UNKNOWN, USUAL, Groups, Stands


class IdentifierInline(ReadOnlyInline):
    """What points to this person."""

    model = Identifier
    views = Permission.VIEW_CUSTOMERS
    fields = ["kind", "scope", "value", "is_verified", "source", "created_at"]


class OrderHistoryInline(ReadOnlyInline):
    """What this person bought."""

    model = OrderHistory
    views = Permission.VIEW_CUSTOMERS
    fields = ["number", "channel", "progress", "total", "pieces", "placed_at"]
    ordering = ["-placed_at"]
    per_page = 50

    @display(description=gettext_lazy("state"))
    def progress(self, order: OrderHistory) -> str:
        return in_words(order.status)

    @display(description=gettext_lazy("Total"))
    def total(self, order: OrderHistory) -> str:
        return money(order.total_minor, order.currency)


class Segments(forms.CharField):
    """Names of segments, with commas between them; nothing at all is not kept here."""

    widget = UnfoldAdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return [one.strip() for one in text.split(",") if one.strip()] if text.strip() else None

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(self.prepare_value(initial) or "") != self.to_python(data or ""))


class StandingForm(forms.ModelForm):
    """What is agreed with a customer."""

    segments = Segments(
        label=gettext_lazy("Segments"), required=False,
        help_text=gettext_lazy(
            "Agreed memberships, with commas between them: Club, Staff. Nothing here: what the channel says counts. Segments "
            "from profiling don’t belong here."
        ),
    )  # fmt: skip

    class Meta:
        model = Standing
        fields = ["profile", "tier", "customer_group", "segments", "priority", "reason"]
        widgets = {"profile": forms.TextInput}


@admin.register(Standing)
class StandingAdmin(VerbAdmin):
    """Customers with whom more is agreed: loyalty tier, group, segments, and how much sooner their orders come."""

    views = Permission.VIEW_CUSTOMERS
    writes = Permission.CHANGE_ORDERS
    audited_as = "customer"
    form = StandingForm
    list_display = ["profile_id", "tier", "customer_group", "segments_said", "priority", "reason", "changed_at"]
    list_filter = ["tier", "customer_group", "priority"]
    search_fields = ["profile__identifiers__value__exact", "tier"]
    ordering = ["-changed_at"]
    actions = ["end_them"]

    def get_readonly_fields(self, request: HttpRequest, obj: Standing | None = None) -> list[str]:
        return ["profile"] if obj else []

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> UUID:
        profile_id: UUID = values.pop("profile").pk
        self._say(profile_id, values, by=by)
        return profile_id

    def change(self, request: HttpRequest, obj: Standing, values: dict[str, Any], *, by: Actor) -> None:
        self._say(obj.pk, values, by=by)

    def _say(self, profile_id: UUID, values: dict[str, Any], *, by: Actor) -> None:
        stands, groups = standings.of(profile_id), standings.groups_of(profile_id)
        said = {name: values.get(name, getattr(stands, name)) for name in Stands.__dataclass_fields__}
        standings.say(profile_id, Stands(**said), by=by)
        segments = values.get("segments", groups.segments)
        standings.assign(
            profile_id,
            Groups(
                values.get("customer_group", groups.customer_group), tuple(segments) if segments is not None else None
            ),
            by=by,
        )

    @display(description=gettext_lazy("Segments"))
    def segments_said(self, row: Standing) -> str:
        return ", ".join(row.segments) if row.segments is not None else "–"

    @admin.action(description=gettext_lazy("End: as everybody again"))
    def end_them(self, request: HttpRequest, queryset: QuerySet[Standing]) -> None:
        by = Actor.staff(request.user)

        def end(row: Standing) -> None:
            standings.say(row.pk, USUAL, by=by)
            standings.assign(row.pk, UNKNOWN, by=by)

        each(request, queryset, end, done=_("{count} lines were removed."))


@admin.register(Profile)
class ProfileAdmin(ReadOnlyAdmin):
    """Customers, each with what points to them and what they bought."""

    views = Permission.VIEW_CUSTOMERS
    list_display = ["id", "name", "language", "country", "created_at", "updated_at"]
    list_filter = ["country", "language"]
    search_fields = ["identifiers__value__exact"]
    search_help_text = gettext_lazy("E-mail, phone (+49…) or customer number, exactly")
    ordering = ["-created_at"]
    inlines = [IdentifierInline, OrderHistoryInline]
