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

from commerce.actors import Actor
from commerce.admin_base import ReadOnlyAdmin, ReadOnlyInline, VerbAdmin, each, in_words, money
from commerce.roles import Permission
from customers import standings
from customers.models import Identifier, OrderHistory, Profile, Standing
from customers.standings import USUAL, Stands


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


class StandingForm(forms.ModelForm):
    """What is agreed with a customer."""

    class Meta:
        model = Standing
        fields = ["profile", "tier", "priority", "reason"]
        widgets = {"profile": forms.TextInput}


@admin.register(Standing)
class StandingAdmin(VerbAdmin):
    """Customers with whom more is agreed: loyalty tier, and how much sooner their orders come."""

    views = Permission.VIEW_CUSTOMERS
    writes = Permission.CHANGE_ORDERS
    audited_as = "customer"
    form = StandingForm
    list_display = ["profile_id", "tier", "priority", "reason", "changed_at"]
    list_filter = ["tier", "priority"]
    search_fields = ["profile__identifiers__value__exact", "tier"]
    ordering = ["-changed_at"]
    actions = ["end_them"]

    def get_readonly_fields(self, request: HttpRequest, obj: Standing | None = None) -> list[str]:
        return ["profile"] if obj else []

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> UUID:
        profile_id: UUID = values.pop("profile").pk
        standings.say(profile_id, Stands(**values), by=by)
        return profile_id

    def change(self, request: HttpRequest, obj: Standing, values: dict[str, Any], *, by: Actor) -> None:
        known = standings.of(obj.pk)
        said = {name: values.get(name, getattr(known, name)) for name in Stands.__dataclass_fields__}
        standings.say(obj.pk, Stands(**said), by=by)

    @admin.action(description=gettext_lazy("End: as everybody again"))
    def end_them(self, request: HttpRequest, queryset: QuerySet[Standing]) -> None:
        by = Actor.staff(request.user)
        each(request, queryset, lambda row: standings.say(row.pk, USUAL, by=by), done=_("{count} lines were removed."))


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
