"""Admin of goods whose reductions need name no prior price: which, why by law, since when, and who said so."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSplitDateTimeWidget

from commerce import catalog, clock
from commerce.actors import Actor
from commerce.admin_base import VerbAdmin
from commerce.roles import Permission
from pricing import exemptions
from pricing.admin_costs import FROM_NOW, SkuForm, told_instant
from pricing.claims import ExemptionKind
from pricing.desk.findings import KINDS
from pricing.exemptions import Named
from pricing.models import PriorPriceExemption


class ExemptionForm(SkuForm):
    """What is exempt and why; of one that there is, when it ends and why."""

    sku = forms.CharField(
        label=gettext_lazy("SKU"), max_length=64, required=False,
        help_text=gettext_lazy("For one product; leave it empty and name a category for all goods below it."),
    )  # fmt: skip
    kind = forms.ChoiceField(
        label=gettext_lazy("Exempt because"), widget=UnfoldAdminSelectWidget,
        choices=[(kind.value, said) for kind, said in KINDS.items()],
        help_text=gettext_lazy(
            "§ 11 (4) PAngV: goods that are about to spoil or expire, if that is said at the goods, or reductions for one "
            "customer at a time. Coupons, member prices and prices by hand are none that anyone gets, and need nothing here."
        ),
    )  # fmt: skip
    valid_from = forms.SplitDateTimeField(
        label=gettext_lazy("From"), required=False, widget=UnfoldAdminSplitDateTimeWidget, help_text=FROM_NOW
    )
    valid_until = forms.SplitDateTimeField(
        label=gettext_lazy("Until"), required=False, widget=UnfoldAdminSplitDateTimeWidget,
        help_text=gettext_lazy("Empty: without an end."),
    )  # fmt: skip
    ends_at = forms.SplitDateTimeField(
        label=gettext_lazy("Ends"), required=False, widget=UnfoldAdminSplitDateTimeWidget,
        help_text=gettext_lazy("Empty: now. What was exempt until then stays on record."),
    )  # fmt: skip
    end_reason = forms.CharField(label=gettext_lazy("Why it ends"), max_length=200, required=False)

    class Meta:
        model = PriorPriceExemption
        fields = ["category", "reason"]
        help_texts = {
            "reason": gettext_lazy(
                "What makes the law hold for these goods, as an inspector would ask: “best before 3 days”."
            )
        }

    def clean(self) -> dict[str, Any]:
        """Say what is missing in the reader's language; the verb checks the same."""
        cleaned = super().clean()
        at = clock.now()
        if self.instance.pk:
            if not (cleaned.get("end_reason") or "").strip():
                self.add_error("end_reason", _("Say why it ends; it stays on record."))
            if cleaned.get("ends_at") is not None and cleaned["ends_at"] < at:
                self.add_error("ends_at", _("What was exempt until now stays so: choose an end to come, or none."))
            return cleaned
        sku, category = cleaned.get("sku", ""), cleaned.get("category", "")
        if "sku" in cleaned and bool(sku) == bool(category):
            self.add_error("category", _("Name a product or a category: one of the two."))
        begins, ends = cleaned.get("valid_from") or at, cleaned.get("valid_until")
        if begins < at:
            self.add_error(
                "valid_from", _("What was announced before can’t be exempt afterwards: choose a beginning to come.")
            )
        if ends is not None and ends <= begins:
            self.add_error("valid_until", _("It ends after it begins: choose a later end, or none."))
        if not self.errors and exemptions.is_taken(self.named(sku, category), begins, ends):
            self.add_error(None, _("These goods are exempt already within that time: end that exemption first."))
        return cleaned

    @staticmethod
    def named(sku: str, category: str) -> Named:
        return Named(catalog.products_by_sku([sku])[sku].id if sku else None, category)


@admin.register(PriorPriceExemption)
class ExemptionAdmin(VerbAdmin):
    """Exemptions from prior prices, those that are over included: they are evidence."""

    views = writes = Permission.MANAGE_PRICES
    form = ExemptionForm
    audited_as = "prior_price_exemption"
    list_display = ["goods", "because", "reason", "valid_from", "valid_until", "set_by"]
    list_select_related = ["product"]
    search_fields = ["product__sku__exact", "category__startswith"]
    search_help_text = gettext_lazy("SKU or the beginning of a category")
    ordering = ["-id"]

    def get_fieldsets(self, request: HttpRequest, obj: PriorPriceExemption | None = None) -> list[Any]:
        if obj is None:
            return [(None, {"fields": ["sku", "category", "kind", "reason", "valid_from", "valid_until"]})]
        shown = ["goods", "because", "reason", "since", "until", "set_by", "set_at"]
        return [(None, {"fields": shown}), (_("End it"), {"fields": ["ends_at", "end_reason"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: PriorPriceExemption | None = None) -> list[str]:
        return ["goods", "because", "reason", "since", "until", "set_by", "set_at"] if obj else []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made = super().get_form(request, obj, change=change, **kwargs)
        for name in ("kind",) if obj else ():
            made.base_fields[name].required = False
        return made

    @display(description=gettext_lazy("Goods"))
    def goods(self, row: PriorPriceExemption) -> str:
        return str(row.product) if row.product_id else row.category

    @display(description=gettext_lazy("Exempt because"))
    def because(self, row: PriorPriceExemption) -> str:
        return str(KINDS[ExemptionKind(row.kind)])

    @display(description=gettext_lazy("From"))
    def since(self, row: PriorPriceExemption) -> str:
        return self.valid_from(row)

    @display(description=gettext_lazy("Until"))
    def until(self, row: PriorPriceExemption) -> str:
        return self.valid_until(row)

    @display(description=gettext_lazy("From"))
    def valid_from(self, row: PriorPriceExemption) -> str:
        return _("called off") if row.valid.isempty else told_instant(row.valid.lower)

    @display(description=gettext_lazy("Until"))
    def valid_until(self, row: PriorPriceExemption) -> str:
        return told_instant(None if row.valid.isempty else row.valid.upper)

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        row = exemptions.exempt(
            ExemptionForm.named(values["sku"], values["category"]), ExemptionKind(values["kind"]), reason=values["reason"],
            valid_from=values["valid_from"], valid_until=values["valid_until"], by=by,
        )  # fmt: skip
        return int(row.pk)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Exempt goods, or end an exemption that there is: also without an instant, which is now."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        values = form.cleaned_data
        exemptions.end(
            obj.pk, reason=values.get("end_reason", ""), ends_at=values.get("ends_at"), by=Actor.staff(request.user)
        )
