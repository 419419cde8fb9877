"""Admin of supply: suppliers with their days and terms to change; purchase orders to read."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline
from unfold.decorators import display

from commerce.actors import Actor
from commerce.admin_base import ReadOnlyAdmin, ReadOnlyInline, VerbAdmin, each, granted
from commerce.roles import Permission
from inventory.models import PurchaseOrder, PurchaseOrderLine, Supplier, SupplierClosure, SupplierTerm
from inventory.procurement import checks, suppliers
from inventory.procurement.suppliers import Term
from inventory.purchasing import OrderTerms

DAYS = [(number + 1, name) for number, name in WEEKDAYS.items()]  # ISO: Monday is 1


class _BoundedForm(forms.ModelForm):
    """A form that says at the field what a constraint could only say by its name."""

    bounds: ClassVar[dict[str, tuple[int, int]]] = {}  # least and most

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, (least, most) in self.bounds.items():
            self.fields[name].validators += [MinValueValidator(least), MaxValueValidator(most)]


class TermForm(_BoundedForm):
    """On which terms a supplier sells a product."""

    bounds: ClassVar[dict[str, tuple[int, int]]] = {
        "unit_cost_minor": (0, checks.LARGEST_AMOUNT),
        **dict.fromkeys(("case_pack", "lot_size", "minimum_order"), (1, suppliers.LARGEST_QUANTITY)),
    }

    class Meta:
        model = SupplierTerm
        fields = "__all__"  # noqa: DJ007 (the admin names them)


class SupplierForm(_BoundedForm):
    """A supplier; its days are ticked, not typed."""

    bounds: ClassVar[dict[str, tuple[int, int]]] = {
        "lead_time_days": (0, suppliers.LONGEST_LEAD_TIME),
        "minimum_order_minor": (0, checks.LARGEST_AMOUNT),
    }

    order_weekdays = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Order days"), choices=DAYS, coerce=int, widget=forms.CheckboxSelectMultiple, required=False,
        help_text=gettext_lazy("None ticked: on any day."),
    )  # fmt: skip
    delivery_weekdays = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Delivery days"), choices=DAYS, coerce=int, widget=forms.CheckboxSelectMultiple, required=False,
        help_text=gettext_lazy("None ticked: on any day."),
    )  # fmt: skip

    class Meta:
        model = Supplier
        fields = "__all__"  # noqa: DJ007 (the fieldsets name them)
        help_texts = {
            "cut_off": gettext_lazy("In the supplier’s own time; a later order counts for the next order day."),
            "minimum_order_minor": gettext_lazy("In cents; 0 for none."),
            "region": gettext_lazy("Such as BE for Berlin, 9 for Vienna, ZH for Zurich."),
        }


class ClosureInline(TabularInline):
    """When the supplier is closed, besides public holidays."""

    model = SupplierClosure
    fields = ["first_day", "last_day", "reason"]
    extra = 1
    hide_title = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return Permission.MANAGE_SUPPLY in granted(request)

    has_add_permission = has_view_permission
    has_change_permission = has_view_permission
    has_delete_permission = has_view_permission


@admin.register(Supplier)
class SupplierAdmin(VerbAdmin):
    """Who delivers, on which days, and how long it takes."""

    views = writes = Permission.MANAGE_SUPPLY
    audited_as = "supplier"
    form = SupplierForm
    list_display = ["code", "name", "country", "lead_time_days", "cut_off", "is_active"]
    list_filter = ["is_active", "country"]
    search_fields = ["code", "name"]
    inlines = [ClosureInline]
    fieldsets = [
        (None, {"fields": [("code", "name"), ("country", "region"), ("time_zone", "currency"), "is_active"]}),
        (
            gettext_lazy("Orders and deliveries"),
            {"fields": ["order_weekdays", "delivery_weekdays", ("cut_off", "lead_time_days"), "minimum_order_minor"]},
        ),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Supplier | None = None) -> list[str]:
        return ["code"] if obj else []

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        return suppliers.add_supplier(by=by, **values).id

    def change(self, request: HttpRequest, obj: Supplier, values: dict[str, Any], *, by: Actor) -> None:
        suppliers.change_supplier(obj.pk, by=by, **values)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)
        touched = {row.pk for row in formset.deleted_objects} | {row.pk for row, _fields in formset.changed_objects}
        kept = [row for row in SupplierClosure.objects.filter(supplier=form.instance) if row.pk not in touched]
        wanted = [*kept, *formset.new_objects, *(row for row, _fields in formset.changed_objects)]
        suppliers.set_closures(
            form.instance.pk,
            [(row.first_day, row.last_day, row.reason) for row in wanted],
            by=Actor.staff(request.user),
        )


@admin.register(SupplierTerm)
class SupplierTermAdmin(VerbAdmin):
    """On which terms suppliers sell products."""

    views = writes = Permission.MANAGE_SUPPLY
    form = TermForm
    list_display = ["supplier", "product", "supplier_sku", "unit_cost_minor", "case_pack", "lot_size", "minimum_order"]
    list_select_related = ["supplier", "product"]
    list_filter = ["supplier"]
    search_fields = ["product__sku", "supplier_sku"]
    autocomplete_fields = ["supplier", "product"]
    fields = [("supplier", "product"), "supplier_sku", "unit_cost_minor", ("case_pack", "lot_size", "minimum_order")]
    actions = ["take_off"]

    def get_readonly_fields(self, request: HttpRequest, obj: SupplierTerm | None = None) -> list[str]:
        return ["supplier", "product"] if obj else []

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        suppliers.set_terms(values["supplier"].pk, [_term(values["product"].pk, values)], by=by)
        return SupplierTerm.objects.get(supplier=values["supplier"], product=values["product"]).pk

    def change(self, request: HttpRequest, obj: SupplierTerm, values: dict[str, Any], *, by: Actor) -> None:
        names = ("supplier_sku", "unit_cost_minor", "case_pack", "lot_size", "minimum_order")
        facts = {name: getattr(obj, name) for name in names} | values
        suppliers.set_terms(obj.supplier_id, [_term(obj.product_id, facts)], by=by)

    @admin.action(description=gettext_lazy("Take off: the supplier no longer sells it"))
    def take_off(self, request: HttpRequest, queryset: QuerySet[SupplierTerm]) -> None:
        by = Actor.staff(request.user)
        each(
            request,
            queryset,
            lambda row: suppliers.remove_terms(row.supplier_id, [row.product_id], by=by),
            done=str(gettext_lazy("{count} terms were taken off.")),
        )


def _term(product_id: int, values: dict[str, Any]) -> Term:
    return Term(
        product_id=product_id, supplier_sku=values["supplier_sku"], unit_cost_minor=values["unit_cost_minor"],
        quantities=OrderTerms(values["case_pack"], values["lot_size"], values["minimum_order"]),
    )  # fmt: skip


class LineInline(ReadOnlyInline):
    """What was ordered and what came of it."""

    model = PurchaseOrderLine
    views = Permission.MANAGE_SUPPLY
    fields = ["number", "product", "quantity", "received", "expected_on", "unit_cost_minor", "received_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PurchaseOrderLine]:
        return super().get_queryset(request).select_related("product")


@admin.register(PurchaseOrder)
class PurchaseOrderAdmin(ReadOnlyAdmin):
    """What was ordered or announced, for all places."""

    views = Permission.MANAGE_SUPPLY
    list_display = [
        "number",
        "supplier",
        "location",
        "state",
        "source",
        "reference",
        "pieces",
        "created_at",
        "closed_at",
    ]
    list_select_related = ["supplier", "location"]
    list_filter = ["state", "source", "supplier", "location"]
    search_fields = ["number", "reference"]
    inlines = [LineInline]
    ordering = ["-created_at", "-id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PurchaseOrder]:
        return super().get_queryset(request).prefetch_related("lines")

    @display(description=gettext_lazy("pieces"))
    def pieces(self, row: PurchaseOrder) -> int:
        return sum(line.quantity for line in row.lines.all())
