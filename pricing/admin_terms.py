"""Admin of what prices are computed with: currency rates, families and contents of products."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSplitDateTimeWidget

from commerce import catalog
from commerce.actors import Actor
from commerce.admin_base import VerbAdmin
from commerce.roles import Permission
from pricing import currencies, product_terms
from pricing.admin_costs import FROM_NOW, SkuForm, StyledForm, told_instant
from pricing.formulas import MILLION
from pricing.listing import REFERENCES, Content
from pricing.models import CurrencyRate, ProductTerms

# What one piece holds, as people say it: the unit they choose, the unit that is kept, and how many of it that is.
UNITS = {
    "g": ("g", 1), "kg": ("g", 1_000), "ml": ("ml", 1), "cl": ("ml", 10), "l": ("ml", 1_000), "cm": ("cm", 1),
    "m": ("cm", 100), "cm²": ("cm2", 1), "m²": ("cm2", 10_000), "cm³": ("cm3", 1), "m³": ("cm3", 1_000_000),
    "piece": ("piece", 1),
}  # fmt: skip


class CurrencyRateForm(StyledForm):
    """What one unit of a currency is in another one, from an instant on."""

    rate = forms.DecimalField(
        label=gettext_lazy("Rate"), min_value=Decimal("0.000001"), max_value=1_000_000, max_digits=13, decimal_places=6,
        help_text=gettext_lazy("What one unit of the first currency is in the second: 0.9345."),
    )  # fmt: skip
    valid_from = forms.SplitDateTimeField(
        label=gettext_lazy("From"), required=False, widget=UnfoldAdminSplitDateTimeWidget, help_text=FROM_NOW
    )

    class Meta:
        model = CurrencyRate
        fields = ["base", "quote"]

    def _post_clean(self) -> None:
        """Nothing: the verb checks the row."""


@admin.register(CurrencyRate)
class CurrencyRateAdmin(VerbAdmin):
    """Rates between currencies, dated; lists in one currency are computed from lists in another with them."""

    views = writes = Permission.MANAGE_PRICES
    form = CurrencyRateForm
    list_display = ["base", "quote", "told_rate", "valid_from", "valid_until"]
    list_filter = ["base", "quote"]
    ordering = ["base", "quote", "-id"]

    def has_change_permission(self, request: HttpRequest, obj: CurrencyRate | None = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: CurrencyRate | None = None) -> list[Any]:
        if obj:
            return [(None, {"fields": ["base", "quote", "told_rate", "valid_from", "valid_until"]})]
        return [(None, {"fields": [("base", "quote"), "rate", "valid_from"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: CurrencyRate | None = None) -> list[str]:
        return ["base", "quote", "told_rate", "valid_from", "valid_until"] if obj else []

    @display(description=gettext_lazy("Rate"))
    def told_rate(self, row: CurrencyRate) -> str:
        return str(localize(Decimal(row.millionths) / MILLION, use_l10n=True))

    @display(description=gettext_lazy("From"))
    def valid_from(self, row: CurrencyRate) -> str:
        return told_instant(row.valid.lower)

    @display(description=gettext_lazy("Until"))
    def valid_until(self, row: CurrencyRate) -> str:
        return told_instant(row.valid.upper)

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        base, quote = values["base"].upper(), values["quote"].upper()
        currencies.set_rate(base, quote, int(values["rate"] * MILLION), valid_from=values["valid_from"], by=by)
        return int(CurrencyRate.objects.filter(base=base, quote=quote).latest("id").pk)


class TermsForm(SkuForm):
    """Family and content of a product."""

    amount_of = forms.DecimalField(
        label=gettext_lazy("Content of a piece"), required=False, min_value=0, max_digits=12, decimal_places=3,
        help_text=gettext_lazy("Net quantity, such as 0.75 l: its unit price (§ 4 PAngV) stands beside every price."),
    )  # fmt: skip
    unit = forms.ChoiceField(
        label=gettext_lazy("Unit"), required=False, widget=UnfoldAdminSelectWidget,
        choices=[("", "–"), *((one, one) for one in UNITS)],
    )  # fmt: skip

    class Meta:
        model = ProductTerms
        fields = ["family"]
        help_texts = {"family": gettext_lazy("Products of one family reach tiers of prices together.")}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        row = self.instance
        if row.pk and row.content_amount:
            self.fields["amount_of"].initial, self.fields["unit"].initial = row.content_amount, _told(row.content_unit)
        if row.pk:
            self.fields["sku"].required = False

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        amount, unit = cleaned.get("amount_of"), cleaned.get("unit")
        cleaned["content"] = None
        if bool(amount) != bool(unit):
            self.add_error("unit" if amount else "amount_of", _("A content has an amount and a unit, or neither."))
        elif amount and unit:
            kept, each = UNITS[unit]
            whole = amount * each
            if whole != int(whole):
                self.add_error("amount_of", _("That is finer than we keep; take a smaller unit."))
            else:
                cleaned["content"] = Content(int(whole), kept)
        return cleaned


@admin.register(ProductTerms)
class ProductTermsAdmin(VerbAdmin):
    """Families whose tiers count together, and contents for unit prices."""

    views = writes = Permission.MANAGE_PRICES
    form = TermsForm
    audited_as = "product"
    list_display = ["product", "family", "content", "reference"]
    list_select_related = ["product"]
    list_filter = ["content_unit"]
    search_fields = ["product__sku__exact", "family__exact"]
    search_help_text = gettext_lazy("SKU or family, exactly")
    ordering = ["product"]

    def get_fieldsets(self, request: HttpRequest, obj: ProductTerms | None = None) -> list[Any]:
        return [(None, {"fields": ["product" if obj else "sku", "family", ("amount_of", "unit")]})]

    def get_readonly_fields(self, request: HttpRequest, obj: ProductTerms | None = None) -> list[str]:
        return ["product"] if obj else []

    @display(description=gettext_lazy("Content of a piece"))
    def content(self, row: ProductTerms) -> str:
        return f"{localize(row.content_amount, use_l10n=True)} {_told(row.content_unit)}" if row.content_amount else "-"

    @display(description=gettext_lazy("Unit price per"))
    def reference(self, row: ProductTerms) -> str:
        return REFERENCES[row.content_unit][1] if row.content_unit else "-"

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        product = catalog.products_by_sku([values["sku"]])[values["sku"]]
        product_terms.set_terms([product_terms.Terms(product.id, values["family"], values["content"])], by=by)
        return product.id

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Call the verb with all terms: it sets a product's family and content together."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        values = form.cleaned_data
        by = Actor.staff(request.user)
        product_terms.set_terms([product_terms.Terms(obj.pk, values["family"], values["content"])], by=by)


def _told(unit: str) -> str:
    return next((name for name, (kept, each) in UNITS.items() if kept == unit and each == 1), unit)
