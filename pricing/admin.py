"""Admin of prices: lists and what is on them, tax rates; quotes to read."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSplitDateTimeWidget, UnfoldAdminTextInputWidget

from commerce import catalog, clock
from commerce.actors import Actor
from commerce.admin_base import ReadOnlyAdmin, VerbAdmin, confirmed, money
from commerce.money import Money
from commerce.roles import Permission
from pricing import (
    admin_costs,
    admin_evidence,
    admin_exemptions,
    admin_files,
    admin_overrides,
    admin_terms,
    pricelists,
    rounding,
    taxes,
)
from pricing.desk import pages
from pricing.models import PriceEntry, PriceList, Quote, TaxRate
from pricing.pricelists import Computed, NewPrice
from pricing.terms import PriceBasis, TierMode

# They register their pages by being imported.
__all__ = [
    "admin_costs",
    "admin_evidence",
    "admin_exemptions",
    "admin_files",
    "admin_overrides",
    "admin_terms",
    "pages",
]


class ValidityFilter(admin.SimpleListFilter):
    """What holds now, what comes, what was?"""

    title = gettext_lazy("validity")
    parameter_name = "validity"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("now", _("in force")), ("coming", _("to come")), ("past", _("past"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        at = clock.now()
        conditions = {
            "now": Q(valid__contains=at),
            "coming": Q(valid__startswith__gt=at),
            "past": Q(valid__endswith__lte=at),
        }
        return queryset.filter(conditions[self.value()]) if self.value() in conditions else queryset


class PriceListForm(admin_costs.StyledForm):
    """A list of prices; its formula is written as people say it: 90 % of another list, plus 1.00, rounded to …,99."""

    share = forms.DecimalField(
        label=gettext_lazy("Per cent of its prices"), required=False, min_value=Decimal("0.01"), max_value=10_000,
        max_digits=7, decimal_places=2,
    )  # fmt: skip
    plus = forms.DecimalField(
        label=gettext_lazy("Plus"), required=False, max_digits=14, decimal_places=3,
        help_text=gettext_lazy("In the currency of this list; less is negative."),
    )  # fmt: skip
    rounding = forms.ChoiceField(label=gettext_lazy("Rounded to"), required=False, widget=UnfoldAdminSelectWidget)

    class Meta:
        model = PriceList
        fields = [
            "code", "name", "currency", "basis", "tier_mode", "channel", "country", "customer_group", "contract",
            "counts_family", "base_list", "priority", "is_active",
        ]  # fmt: skip

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        words = {
            "exact": _("as computed"), "ends_99": "…,99", "ends_95": "…,95", "ends_90": "…,90", "ends_9": "…9",
            "five": "…,05", "ten": "…,10", "whole": "…,00",
        }  # fmt: skip
        if "rounding" in self.fields:
            self.fields["rounding"].choices = [(name, words.get(name, name)) for name in rounding.NAMED]
        row = self.instance
        if row.pk and row.base_list_id and "share" in self.fields:
            self.fields["share"].initial = Decimal(row.formula_basis_points) / 100
            self.fields["plus"].initial = Money(row.formula_add_minor, row.currency).decimal
            self.fields["rounding"].initial = row.formula_rounding

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        base = cleaned.get("base_list")
        cleaned["computed"] = None
        if base is None:
            if cleaned.get("share") or cleaned.get("plus"):
                self.add_error("base_list", _("Choose the list that these prices are computed from."))
            return cleaned
        if not cleaned.get("share"):
            self.add_error("share", _("Say how many per cent of its prices: 100 for the same."))
            return cleaned
        currency = (cleaned.get("currency") or self.instance.currency).upper()
        try:
            add_minor = Money.parse(str(cleaned.get("plus") or 0), currency).minor
        except ValueError:
            self.add_error("plus", _("The currency has fewer decimal places."))
            return cleaned
        cleaned["computed"] = Computed(
            base.code, int(cleaned["share"] * 100), add_minor, cleaned.get("rounding") or "exact"
        )
        return cleaned

    def _post_clean(self) -> None:
        """Nothing: the verb checks the row, and a row half made can't be."""


@admin.register(PriceList)
class PriceListAdmin(VerbAdmin):
    """Lists of prices: what they are for, and whether they count."""

    views = writes = Permission.MANAGE_PRICES
    audited_as = "price_list"
    audited_by = "code"
    list_display = [
        "code",
        "name",
        "currency",
        "basis",
        "channel",
        "country",
        "customer_group",
        "priority",
        "is_active",
    ]
    list_select_related = ["channel"]
    list_filter = ["is_active", "currency", "channel", "country"]
    search_fields = ["code", "name"]
    form = PriceListForm
    fieldsets = [
        (None, {"fields": [("code", "name"), ("currency", "basis"), ("tier_mode", "counts_family")]}),
        (gettext_lazy("For whom"), {"fields": [("channel", "country"), ("customer_group", "contract")]}),
        (gettext_lazy("Computed from another list"), {"fields": ["base_list", "share", "plus", "rounding"]}),
        (None, {"fields": ["priority", "is_active"]}),
    ]
    FIXED = [
        "code", "currency", "basis", "tier_mode", "channel", "country", "customer_group", "contract", "counts_family",
    ]  # fmt: skip
    FORMULA = {"base_list", "share", "plus", "rounding"}

    def get_readonly_fields(self, request: HttpRequest, obj: PriceList | None = None) -> list[str]:
        return self.FIXED if obj else ["is_active"]

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        channel = values.pop("channel")
        computed = values["computed"]
        for name in (*self.FORMULA, "computed"):
            values.pop(name)
        return pricelists.add_list(
            values.pop("code"),
            currency=values.pop("currency").upper(),
            country=values.pop("country").upper(),
            basis=PriceBasis(values.pop("basis")),
            tier_mode=TierMode(values.pop("tier_mode")),
            channel_id=channel.pk if channel else None,
            computed=computed,
            by=by,
            **values,
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Call the verbs; a formula is set as a whole, by one of its own."""
        if change and self.FORMULA & set(form.changed_data):
            pricelists.compute_list(obj.code, form.cleaned_data["computed"], by=Actor.staff(request.user))
        super().save_model(request, obj, form, change)

    def change(self, request: HttpRequest, obj: PriceList, values: dict[str, Any], *, by: Actor) -> None:
        rest = {name: value for name, value in values.items() if name not in self.FORMULA}
        if rest:
            pricelists.change_list(obj.code, by=by, **rest)


class PriceForm(admin_costs.StyledForm):
    """A new price: it takes the place of what held from its start on."""

    sku = forms.CharField(label=gettext_lazy("SKU"), max_length=64)
    amount = forms.DecimalField(label=gettext_lazy("Amount"), min_value=0, max_digits=14, decimal_places=3)
    valid_from = forms.SplitDateTimeField(
        label=gettext_lazy("From"), required=False, widget=UnfoldAdminSplitDateTimeWidget,
        help_text=gettext_lazy("Empty: from now on."),
    )  # fmt: skip
    valid_until = forms.SplitDateTimeField(
        label=gettext_lazy("Until"), required=False, widget=UnfoldAdminSplitDateTimeWidget,
        help_text=gettext_lazy("Empty: until another price takes over."),
    )  # fmt: skip

    class Meta:
        model = PriceEntry
        fields = ["price_list", "min_quantity"]

    def clean_sku(self) -> str:
        sku: str = self.cleaned_data["sku"].strip()
        if sku not in catalog.products_by_sku([sku]):
            raise forms.ValidationError(_("There is no product with this SKU."))
        return sku

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "amount" in cleaned and cleaned.get("price_list"):
            try:
                cleaned["amount_minor"] = Money.parse(str(cleaned["amount"]), cleaned["price_list"].currency).minor
            except ValueError:
                self.add_error("amount", _("The currency has fewer decimal places."))
        return cleaned

    def _post_clean(self) -> None:
        """Nothing: the verb checks the row, and a row half made can't be."""


@admin.register(PriceEntry)
class PriceEntryAdmin(VerbAdmin):
    """Prices. A price is never rewritten: a new one takes over, so that what was asked when stays provable."""

    views = writes = Permission.MANAGE_PRICES
    form = PriceForm
    list_display = ["price_list", "product", "min_quantity", "amount", "valid_from", "valid_until"]
    list_select_related = ["price_list", "product"]
    list_filter = [ValidityFilter, "price_list"]
    search_fields = ["product__sku__exact"]
    search_help_text = gettext_lazy("SKU, exactly")
    ordering = ["-id"]
    actions_detail = ["end"]

    def has_end_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._writes(request)

    @action(description=gettext_lazy("End this price"), icon="event_busy", permissions=["end"])
    def end(self, request: HttpRequest, object_id: str) -> HttpResponse:
        entry = self.wanted(request, object_id)
        back = reverse("admin:pricing_priceentry_change", args=[object_id])

        def verb(values: dict[str, Any]) -> None:
            ending = pricelists.Ending(entry.product_id, entry.min_quantity, values["ends_at"])
            code = entry.price_list.code
            pricelists.end_prices(code, [ending], by=Actor.staff(request.user), reason=values["reason"])

        return confirmed(
            self, request, title=_("End this price"), form=EndingForm(request.POST or None), verb=verb, back=back,
            consequence=_("What was asked until then stays. Without a price on another list it can't be sold from then on."),
        )  # fmt: skip

    def has_change_permission(self, request: HttpRequest, obj: PriceEntry | None = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: PriceEntry | None = None) -> list[Any]:
        if obj:
            return [
                (None, {"fields": ["price_list", "product", "min_quantity", "amount", "valid_from", "valid_until"]})
            ]
        return [(None, {"fields": ["price_list", "sku", ("amount", "min_quantity"), "valid_from", "valid_until"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: PriceEntry | None = None) -> list[str]:
        return ["price_list", "product", "min_quantity", "amount", "valid_from", "valid_until"] if obj else []

    @display(description=gettext_lazy("Amount"))
    def amount(self, entry: PriceEntry) -> str:
        return money(entry.amount_minor, entry.price_list.currency)

    @display(description=gettext_lazy("From"))
    def valid_from(self, entry: PriceEntry) -> str:
        return admin_costs.told_instant(entry.valid.lower)

    @display(description=gettext_lazy("Until"))
    def valid_until(self, entry: PriceEntry) -> str:
        return admin_costs.told_instant(entry.valid.upper)

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        product = catalog.products_by_sku([values["sku"]])[values["sku"]]
        price = NewPrice(
            product.id, values["amount_minor"], values["min_quantity"], values["valid_from"], values["valid_until"]
        )
        pricelists.set_prices(values["price_list"].code, [price], by=by)
        for found in pricelists.inversions(
            values["price_list"].code, [product.id], at=values["valid_from"] or clock.now()
        ):
            messages.warning(
                request,
                _("{from_quantity} to {to_quantity} pieces cost more than {cheaper_quantity}: {total} against {cheaper}.").format(
                    from_quantity=found.from_quantity, to_quantity=found.to_quantity,
                    cheaper_quantity=found.cheaper_quantity,
                    total=money(found.total_minor, values["price_list"].currency),
                    cheaper=money(found.cheaper_total_minor, values["price_list"].currency),
                ),
            )  # fmt: skip
        rows = PriceEntry.objects.filter(
            price_list=values["price_list"], product_id=product.id, min_quantity=price.min_quantity
        )
        return int(rows.latest("id").pk)


class EndingForm(forms.Form):
    """When a price ends, and why."""

    ends_at = forms.SplitDateTimeField(
        label=gettext_lazy("Until"), required=False, widget=UnfoldAdminSplitDateTimeWidget,
        help_text=gettext_lazy("Empty: until now."),
    )  # fmt: skip
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=200, required=False, widget=UnfoldAdminTextInputWidget
    )


class RateForm(admin_costs.StyledForm):
    """A new rate: it takes over from its start on."""

    percent = forms.DecimalField(label=gettext_lazy("Per cent"), min_value=0, max_value=100, decimal_places=2)
    valid_from = forms.SplitDateTimeField(
        label=gettext_lazy("From"), required=False, widget=UnfoldAdminSplitDateTimeWidget,
        help_text=gettext_lazy("Empty: from now on."),
    )  # fmt: skip

    class Meta:
        model = TaxRate
        fields = ["country", "tax_class"]

    def _post_clean(self) -> None:
        """Nothing: the verb checks the row."""


@admin.register(TaxRate)
class TaxRateAdmin(VerbAdmin):
    """VAT rates by country and time."""

    views = writes = Permission.MANAGE_PRICES
    form = RateForm
    list_display = ["country", "tax_class", "percent", "valid_from", "valid_until"]
    list_filter = [ValidityFilter, "country", "tax_class"]
    ordering = ["country", "tax_class", "valid"]

    def has_change_permission(self, request: HttpRequest, obj: TaxRate | None = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: TaxRate | None = None) -> list[Any]:
        if obj:
            return [(None, {"fields": ["country", "tax_class", "percent", "valid_from", "valid_until"]})]
        return [(None, {"fields": [("country", "tax_class"), "percent", "valid_from"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: TaxRate | None = None) -> list[str]:
        return ["country", "tax_class", "percent", "valid_from", "valid_until"] if obj else []

    @display(description=gettext_lazy("Rate"))
    def percent(self, rate: TaxRate) -> str:
        return f"{localize(rate.basis_points / 100, use_l10n=True)} %"

    @display(description=gettext_lazy("From"))
    def valid_from(self, rate: TaxRate) -> str:
        return admin_costs.told_instant(rate.valid.lower)

    @display(description=gettext_lazy("Until"))
    def valid_until(self, rate: TaxRate) -> str:
        return admin_costs.told_instant(rate.valid.upper)

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        country, tax_class = values["country"].upper(), values["tax_class"]
        taxes.set_rate(country, tax_class, int(values["percent"] * 100), valid_from=values["valid_from"], by=by)
        return int(TaxRate.objects.filter(country=country, tax_class=tax_class).latest("id").pk)


@admin.register(Quote)
class QuoteAdmin(ReadOnlyAdmin):
    """Prices that were given, with every step."""

    views = Permission.MANAGE_PRICES
    exclude = ["signature"]
    list_display = ["id", "channel", "ruleset_version", "quoted_at", "expires_at"]
    list_select_related = ["channel"]
    list_filter = ["channel"]
    search_fields = ["id__exact"]
    ordering = ["-expires_at"]
