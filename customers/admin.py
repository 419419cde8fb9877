"""Admin of customers: profiles to read."""

from django.contrib import admin
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from commerce.admin_base import ReadOnlyAdmin, ReadOnlyInline, in_words, money
from commerce.roles import Permission
from customers.models import Identifier, OrderHistory, Profile


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
