"""Admin of goods: locations and who works there to change; levels, journal, holds and allocations to read."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.db import connection
from django.db.models import BooleanField, F, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget

from commerce import accounts, catalog, clock
from commerce.actors import Actor
from commerce.admin_base import ReadOnlyAdmin, ReadOnlyInline, VerbAdmin, granted
from commerce.roles import Permission, Role
from inventory import admin_groups, admin_supply, admin_times
from inventory.models import (
    Allocation,
    FeedFigure,
    Hold,
    Location,
    PostalPlace,
    StaffAssignment,
    StockEntry,
    StockLevel,
)
from inventory.places import locations
from inventory.stock import Capability

__all__ = ["admin_groups", "admin_supply", "admin_times"]  # they register their pages by being imported

if TYPE_CHECKING:
    from commerce.models import User
else:
    User = get_user_model()


LATEST_BLOCKS = 512  # of the journal's file: more entries than its list turns pages for


class LocationForm(forms.ModelForm):
    """A location; what it can do is ticked, not typed."""

    capabilities = forms.MultipleChoiceField(
        label=gettext_lazy("Capabilities"),
        choices=[(one.value, gettext_lazy(one.value.replace("_", " ").capitalize())) for one in Capability],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    class Meta:
        model = Location
        fields = "__all__"  # noqa: DJ007 (the fieldsets name them)
        help_texts = {
            "opening_hours": gettext_lazy(
                "Such as Mo-Sa 09:00-20:00; PH off. Public holidays follow country and region."
            ),
            "region": gettext_lazy("Such as BE for Berlin, 9 for Vienna, ZH for Zurich."),
        }


class AssignmentInline(ReadOnlyInline):
    """Who works here."""

    model = StaffAssignment
    views = Permission.MANAGE_CHANNELS
    fields = ["user", "role"]


@admin.register(Location)
class LocationAdmin(VerbAdmin):
    """Stores, warehouses and partners, with their opening hours and pickup windows."""

    views = writes = Permission.MANAGE_CHANNELS
    audited_as = "location"
    form = LocationForm
    list_display = ["code", "name", "kind", "city", "country", "opening_hours", "pickup_slot_capacity", "is_active"]
    list_filter = ["is_active", "kind", "country"]
    search_fields = ["code", "name", "city", "postal_code"]
    inlines = [AssignmentInline]
    fieldsets = [
        (None, {"fields": [("code", "name"), "kind", "capabilities", "is_active"]}),
        (
            gettext_lazy("Address"),
            {"fields": ["street", ("postal_code", "city"), ("country", "region"), ("latitude", "longitude")]},
        ),
        (gettext_lazy("Opening hours"), {"fields": ["opening_hours", "time_zone"]}),
        (
            gettext_lazy("Pickup windows"),
            {
                "fields": [
                    ("pickup_slot_minutes", "pickup_slot_capacity"),
                    ("pickup_lead_minutes", "pickup_horizon_days", "pickup_keep_days"),
                ]
            },
        ),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Location | None = None) -> list[str]:
        return ["code"] if obj else []

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        return locations.add_location(by=by, **values).id

    def change(self, request: HttpRequest, obj: Location, values: dict[str, Any], *, by: Actor) -> None:
        locations.change_location(obj.pk, by=by, **values)


class RoleInline(TabularInline):
    """Where someone works, and as what. A role without a location holds everywhere."""

    model = StaffAssignment
    fields = ["role", "location"]
    extra = 1
    hide_title = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return Permission.MANAGE_USERS in granted(request)

    has_add_permission = has_view_permission
    has_delete_permission = has_view_permission

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # take one away, give another: each is a line of the audit


class UserForm(forms.ModelForm):
    """A person. A new one needs a password; left empty later, the one there is stays."""

    password = forms.CharField(
        label=gettext_lazy("Password"),
        widget=UnfoldAdminPasswordWidget,
        required=False,
        help_text=gettext_lazy("At least 10 characters. Left empty, the present one stays."),
    )

    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "language", "is_active"]

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if password or not self.instance.pk:
            validate_password(password, self.instance)
        return password


@admin.register(User)
class UserAdmin(VerbAdmin):
    """Staff: who may sign in, where they work, and as what."""

    views = writes = Permission.MANAGE_USERS
    audited_as = "user"
    form = UserForm
    list_display = ["username", "first_name", "last_name", "language", "roles", "is_active", "last_login"]
    list_filter = ["is_active", "assignments__role", "assignments__location", "language"]
    search_fields = ["username", "first_name", "last_name"]
    inlines = [RoleInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("assignments__location")

    @display(description=gettext_lazy("Roles"))
    def roles(self, user: Any) -> str:
        return ", ".join(
            f"{one.get_role_display()} ({one.location.code if one.location else _('everywhere')})"
            for one in user.assignments.all()
        )

    def get_fields(self, request: HttpRequest, obj: User | None = None) -> list[Any]:
        fields: list[Any] = ["username", ("first_name", "last_name"), "language"]
        return [*fields, "password", "is_active"] if obj else [*fields, "password"]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        return ["username"] if obj else []

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        name = f"{values['first_name']} {values['last_name']}".strip()
        return accounts.add_user(values["username"], values["password"], name, values["language"], by=by).pk

    def change(self, request: HttpRequest, obj: User, values: dict[str, Any], *, by: Actor) -> None:
        if "first_name" in values or "last_name" in values:
            names = {"first_name": obj.first_name, "last_name": obj.last_name} | values
            accounts.rename(obj.pk, str(names["first_name"]), str(names["last_name"]), by=by)
        if values.get("password"):
            accounts.set_password(obj.pk, values["password"], by=by)
        if "language" in values:
            accounts.set_language(obj.pk, values["language"], by=by)
        if "is_active" in values:
            accounts.set_active(obj.pk, values["is_active"], by=by)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        by = Actor.staff(request.user)
        formset.save(commit=False)
        for gone in formset.deleted_objects:
            locations.unassign(gone.user, Role(gone.role), gone.location_id, by=by)
        for row in formset.new_objects:
            locations.assign(form.instance, Role(row.role), row.location_id, by=by)


class StateFilter(admin.SimpleListFilter):
    """Which levels need a look?"""

    title = gettext_lazy("what is there")
    parameter_name = "there"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("none", _("nothing on hand")),
            ("last", _("last piece available")),
            ("promised", _("all promised or held")),
            ("free", _("something available")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[StockLevel]) -> QuerySet[StockLevel]:
        taken = F("allocated") + F("held")
        if self.value() == "none":
            return queryset.filter(on_hand=0)
        if self.value() == "last":
            return queryset.filter(on_hand=taken + 1)
        if self.value() == "promised":
            return queryset.filter(on_hand__gt=0, on_hand__lte=taken)
        return queryset.filter(on_hand__gt=taken) if self.value() == "free" else queryset


def _levels_of(text: str) -> Q:
    """Find levels by SKU or barcode, exactly: the way that an index answers among millions."""
    product = catalog.product_by_barcode(text)
    found = catalog.products_by_sku([text])
    ids = {ref.id for ref in found.values()} | ({product[0].id} if product else set())
    return Q(product_id__in=ids)


@admin.register(StockLevel)
class StockLevelAdmin(ReadOnlyAdmin):
    """How much of what is where."""

    views = Permission.VIEW_STOCK
    list_display = ["product", "location", "condition", "on_hand", "allocated", "held", "available", "changed_at"]
    list_select_related = ["product", "location"]
    list_filter = [StateFilter, "location", "condition"]
    search_fields = ["product__sku"]
    search_help_text = gettext_lazy("SKU or barcode, exactly")
    ordering = ["-id"]

    @display(description=gettext_lazy("available"))
    def available(self, level: StockLevel) -> int:
        return level.on_hand - level.allocated - level.held

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return (queryset.filter(_levels_of(search_term.strip())) if search_term.strip() else queryset), False


class EntryKindFilter(admin.SimpleListFilter):
    """What happened?"""

    title = gettext_lazy("what happened")
    parameter_name = "kind"
    QUESTIONS = {
        "in": (gettext_lazy("goods came in"), Q(on_hand_delta__gt=0)),
        "out": (gettext_lazy("goods left"), Q(on_hand_delta__lt=0)),
        "lost": (gettext_lazy("lost or found"), Q(counterparty__in=["shrinkage", "found"])),
        "promised": (gettext_lazy("promised or freed"), ~Q(allocated_delta=0)),
        "held": (gettext_lazy("held or let go"), ~Q(held_delta=0)),
        "corrections": (gettext_lazy("corrections"), Q(corrects__isnull=False)),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(key, label) for key, (label, _condition) in self.QUESTIONS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[StockEntry]) -> QuerySet[StockEntry]:
        question = self.QUESTIONS.get(self.value() or "")
        if question:
            return queryset.filter(question[1])
        is_narrowed = bool(set(request.GET) - {PAGE_VAR, ORDER_VAR})
        return queryset if is_narrowed else _latest(queryset)


def _latest(entries: QuerySet[StockEntry]) -> QuerySet[StockEntry]:
    """Return the entries at the end of the journal's file: it only grows there, so no index in time is needed."""
    table = StockEntry._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size(%s) / current_setting('block_size')::int", [table])
        first = max(0, cursor.fetchone()[0] - LATEST_BLOCKS)
    at_the_end = RawSQL(f'"{table}".ctid >= %s::tid', [f"({first},0)"], output_field=BooleanField())  # noqa: S611
    return entries.filter(at_the_end)


class _OfLevel:
    """Columns of rows that belong to a stock level."""

    @display(description=gettext_lazy("Product"))
    def product(self, row: Any) -> str:
        return f"{row.level.product.sku} {row.level.product.name}"

    @display(description=gettext_lazy("Location"))
    def place(self, row: Any) -> str:
        return str(row.level.location.code)


@admin.register(StockEntry)
class StockEntryAdmin(_OfLevel, ReadOnlyAdmin):
    """The journal of goods: every change, for ever."""

    views = Permission.VIEW_STOCK
    list_display = [
        "occurred_at", "product", "place", "version", "kind", "on_hand_delta", "allocated_delta", "held_delta",
        "on_hand_after", "counterparty", "reason", "actor_kind",
    ]  # fmt: skip
    list_select_related = ["level__product", "level__location"]
    list_filter = [EntryKindFilter, ("recorded_at", RangeDateTimeFilter)]
    search_fields = ["level__product__sku"]
    search_help_text = gettext_lazy("SKU or barcode, exactly")
    ordering = ["-recorded_at", "-occurred_at", "-version"]  # others than Kontor mint ids, too: these tell no time

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        if not search_term.strip():
            return queryset, False
        levels = StockLevel.objects.filter(_levels_of(search_term.strip())).values_list("pk", flat=True)
        return queryset.filter(level_id__in=list(levels)), False


class HoldFilter(admin.SimpleListFilter):
    """Which holds still count?"""

    title = gettext_lazy("counts")
    parameter_name = "counts"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("counts now")), ("unswept", _("expired, not swept yet")), ("ended", _("ended"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Hold]) -> QuerySet[Hold]:
        if self.value() == "yes":
            return queryset.filter(state="active", expires_at__gt=clock.now())
        if self.value() == "unswept":
            return queryset.filter(state="active", expires_at__lte=clock.now())
        return queryset.exclude(state="active") if self.value() == "ended" else queryset


@admin.register(Hold)
class HoldAdmin(_OfLevel, ReadOnlyAdmin):
    """What checkouts have reserved."""

    views = Permission.VIEW_STOCK
    list_display = [
        "reservation_id",
        "channel",
        "product",
        "place",
        "quantity",
        "state",
        "created_at",
        "expires_at",
        "reference",
    ]
    list_select_related = ["channel", "level__product", "level__location"]
    list_filter = [HoldFilter]
    search_fields = ["reservation_id__exact"]
    search_help_text = gettext_lazy("Reservation id, exactly")
    ordering = ["-id"]


@admin.register(Allocation)
class AllocationAdmin(_OfLevel, ReadOnlyAdmin):
    """What is promised to orders."""

    views = Permission.VIEW_STOCK
    list_display = ["demand_id", "product", "place", "quantity", "shipped", "released", "created_at"]
    list_select_related = ["level__product", "level__location"]
    search_fields = ["demand_id__exact"]
    search_help_text = gettext_lazy("Id of the order line, exactly")
    ordering = ["-created_at"]


@admin.register(FeedFigure)
class FeedFigureAdmin(ReadOnlyAdmin):
    """What each channel was last told."""

    views = Permission.VIEW_STOCK
    list_display = ["channel", "product", "available", "version", "told_at"]
    list_select_related = ["channel", "product"]
    list_filter = ["channel"]
    search_fields = ["product__sku__exact"]
    ordering = ["-id"]


@admin.register(PostalPlace)
class PostalPlaceAdmin(ReadOnlyAdmin):
    """Where postal codes lie."""

    views = Permission.MANAGE_CHANNELS
    list_display = ["country", "postal_code", "place", "latitude", "longitude"]
    list_filter = ["country"]
    search_fields = ["postal_code__startswith"]
