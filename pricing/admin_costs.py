"""Admin of what goods cost, what channels keep and what must be left: landed costs, fees, minimum margins, shown minima."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.formats import date_format, localize
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSplitDateTimeWidget, UnfoldAdminTextInputWidget

from commerce import catalog
from commerce.actors import Actor
from commerce.admin_base import VerbAdmin, each, money
from commerce.money import Money
from commerce.roles import Permission
from pricing import costs, floors
from pricing.models import AdvertisedMinimum, ChannelFee, LandedCost, MarginRule

FROM_NOW = gettext_lazy("Empty: from now on.")


def told_instant(at: datetime | None) -> str:
    """Return an instant by the clock on the wall, as the reader's language writes it."""
    return date_format(localtime(at), "SHORT_DATETIME_FORMAT") if at else "-"


def percent(basis_points: int) -> str:
    """Return a share as the reader's language writes it."""
    return f"{localize(basis_points / 100, use_l10n=True)} %"


class StyledForm(forms.ModelForm):
    """A form whose own fields look like those that Django makes of models."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in self.fields.values():
            if type(field.widget) is forms.NumberInput:
                field.widget = UnfoldAdminDecimalFieldWidget(attrs=field.widget.attrs)
            elif type(field.widget) is forms.TextInput:
                field.widget = UnfoldAdminTextInputWidget(attrs=field.widget.attrs)


class SkuForm(StyledForm):
    """A form that asks for a product by its SKU, and for an amount as people write it."""

    sku = forms.CharField(label=gettext_lazy("SKU"), max_length=64)

    def clean_sku(self) -> str:
        sku: str = self.cleaned_data["sku"].strip()
        if sku and sku not in catalog.products_by_sku([sku]):
            raise forms.ValidationError(_("There is no product with this SKU."))
        return sku

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("amount") is not None and cleaned.get("currency"):
            cleaned["currency"] = cleaned["currency"].upper()
            try:
                cleaned["amount_minor"] = Money.parse(str(cleaned["amount"]), cleaned["currency"]).minor
            except ValueError:
                self.add_error("amount", _("The currency has fewer decimal places."))
        return cleaned

    def _post_clean(self) -> None:
        """Nothing: the verb checks the row, and a row half made can't be."""


class CostForm(SkuForm):
    """A cost: it takes over from its start on."""

    amount = forms.DecimalField(label=gettext_lazy("Amount"), min_value=0, max_digits=14, decimal_places=3)
    valid_from = forms.SplitDateTimeField(
        label=gettext_lazy("From"), required=False, widget=UnfoldAdminSplitDateTimeWidget, help_text=FROM_NOW
    )

    class Meta:
        model = LandedCost
        fields = ["currency"]


class _DatedAdmin(VerbAdmin):
    """Rows with a validity: a new one takes over, none is rewritten here."""

    views = writes = Permission.MANAGE_PRICES

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description=gettext_lazy("From"))
    def valid_from(self, row: Any) -> str:
        return told_instant(row.valid.lower)

    @display(description=gettext_lazy("Until"))
    def valid_until(self, row: Any) -> str:
        return told_instant(row.valid.upper)


@admin.register(LandedCost)
class LandedCostAdmin(_DatedAdmin):
    """What a piece costs us, net, with freight and duty."""

    form = CostForm
    list_display = ["product", "amount", "valid_from", "valid_until"]
    list_select_related = ["product"]
    search_fields = ["product__sku__exact"]
    search_help_text = gettext_lazy("SKU, exactly")
    ordering = ["-id"]

    def get_fieldsets(self, request: HttpRequest, obj: LandedCost | None = None) -> list[Any]:
        if obj:
            return [(None, {"fields": ["product", "amount", "valid_from", "valid_until"]})]
        return [(None, {"fields": ["sku", ("amount", "currency"), "valid_from"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: LandedCost | None = None) -> list[str]:
        return ["product", "amount", "valid_from", "valid_until"] if obj else []

    @display(description=gettext_lazy("Amount"))
    def amount(self, row: LandedCost) -> str:
        return money(row.amount_minor, row.currency)

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        product = catalog.products_by_sku([values["sku"]])[values["sku"]]
        new = costs.NewCost(product.id, values["amount_minor"], values["currency"], values["valid_from"])
        costs.set_costs([new], by=by)
        return int(LandedCost.objects.filter(product_id=product.id, currency=new.currency).latest("id").pk)


class FeeForm(StyledForm):
    """What a channel keeps of a gross price."""

    percent = forms.DecimalField(label=gettext_lazy("Per cent"), min_value=0, max_value=100, decimal_places=2)
    valid_from = forms.SplitDateTimeField(
        label=gettext_lazy("From"), required=False, widget=UnfoldAdminSplitDateTimeWidget, help_text=FROM_NOW
    )

    class Meta:
        model = ChannelFee
        fields = ["channel"]

    def _post_clean(self) -> None:
        """Nothing: the verb checks the row."""


@admin.register(ChannelFee)
class ChannelFeeAdmin(_DatedAdmin):
    """Fees of channels: what a marketplace or a payment keeps of what the customer pays."""

    form = FeeForm
    list_display = ["channel", "share", "valid_from", "valid_until"]
    list_select_related = ["channel"]
    list_filter = ["channel"]
    ordering = ["channel", "-id"]

    def get_fieldsets(self, request: HttpRequest, obj: ChannelFee | None = None) -> list[Any]:
        if obj:
            return [(None, {"fields": ["channel", "share", "valid_from", "valid_until"]})]
        return [(None, {"fields": ["channel", "percent", "valid_from"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: ChannelFee | None = None) -> list[str]:
        return ["channel", "share", "valid_from", "valid_until"] if obj else []

    @display(description=gettext_lazy("Share"))
    def share(self, row: ChannelFee) -> str:
        return percent(row.basis_points)

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        channel = values["channel"]
        costs.set_fee(channel.pk, int(values["percent"] * 100), valid_from=values["valid_from"], by=by)
        return int(ChannelFee.objects.filter(channel=channel).latest("id").pk)


class MarginForm(SkuForm):
    """What must be left, and of which goods."""

    sku = forms.CharField(
        label=gettext_lazy("SKU"), max_length=64, required=False,
        help_text=gettext_lazy("For one product; leave product and category empty for all goods."),
    )  # fmt: skip
    percent = forms.DecimalField(
        label=gettext_lazy("Per cent"), min_value=0, max_value=99, decimal_places=2,
        help_text=gettext_lazy("Of the net price, after landed cost and the channel’s fee. No promotion goes below it."),
    )  # fmt: skip

    class Meta:
        model = MarginRule
        fields = ["category", "channel"]


@admin.register(MarginRule)
class MarginRuleAdmin(VerbAdmin):
    """Minimum margins: the most specific one counts."""

    views = writes = Permission.MANAGE_PRICES
    form = MarginForm
    list_display = ["goods", "channel", "share"]
    list_select_related = ["product", "channel"]
    list_filter = ["channel"]
    ordering = ["category", "id"]
    actions = ["take_away"]

    def has_change_permission(self, request: HttpRequest, obj: MarginRule | None = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: MarginRule | None = None) -> list[Any]:
        if obj:
            return [(None, {"fields": ["goods", "channel", "share"]})]
        return [(None, {"fields": ["sku", "category", "channel", "percent"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: MarginRule | None = None) -> list[str]:
        return ["goods", "channel", "share"] if obj else []

    @display(description=gettext_lazy("Goods"))
    def goods(self, row: MarginRule) -> str:
        return str(row.product) if row.product_id else row.category or _("all goods")

    @display(description=gettext_lazy("Minimum margin"))
    def share(self, row: MarginRule) -> str:
        return percent(row.basis_points)

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        product = catalog.products_by_sku([values["sku"]])[values["sku"]] if values["sku"] else None
        named = {
            "product_id": product.id if product else None,
            "category": values["category"],
            "channel_id": values["channel"].pk if values["channel"] else None,
        }
        floors.set_margin(int(values["percent"] * 100), by=by, **named)
        return int(MarginRule.objects.get(**named).pk)

    @admin.action(description=gettext_lazy("Take away"))
    def take_away(self, request: HttpRequest, queryset: Any) -> None:
        by = Actor.staff(request.user)
        each(
            request, queryset,
            lambda row: floors.set_margin(
                None, by=by, product_id=row.product_id, category=row.category, channel_id=row.channel_id
            ),
            done=_("{count} minimum margins taken away."),
        )  # fmt: skip


class AdvertisedForm(SkuForm):
    """The least that is shown outside the basket."""

    amount = forms.DecimalField(label=gettext_lazy("Amount"), min_value=0, max_digits=14, decimal_places=3)

    class Meta:
        model = AdvertisedMinimum
        fields = ["currency", "reason"]
        help_texts = {
            "reason": gettext_lazy(
                "Who decided it and why. A minimum that a supplier imposes is not allowed in the EU."
            )
        }


@admin.register(AdvertisedMinimum)
class AdvertisedMinimumAdmin(VerbAdmin):
    """Minimum advertised prices; they count where the installation switched them on."""

    views = writes = Permission.MANAGE_PRICES
    form = AdvertisedForm
    list_display = ["product", "amount", "reason"]
    list_select_related = ["product"]
    search_fields = ["product__sku__exact"]
    ordering = ["product"]

    def has_change_permission(self, request: HttpRequest, obj: AdvertisedMinimum | None = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: AdvertisedMinimum | None = None) -> list[Any]:
        if obj:
            return [(None, {"fields": ["product", "amount", "reason"]})]
        return [(None, {"fields": ["sku", ("amount", "currency"), "reason"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: AdvertisedMinimum | None = None) -> list[str]:
        return ["product", "amount", "reason"] if obj else []

    @display(description=gettext_lazy("Amount"))
    def amount(self, row: AdvertisedMinimum) -> str:
        return money(row.amount_minor, row.currency)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Show the list, with the law on top."""
        messages.info(
            request,
            _("In the EU a supplier may recommend prices, not fix them: a minimum that a supplier imposes is as a rule a "
              "restriction by object (art. 101 TFEU, art. 4 of regulation (EU) 2022/720). These count only where "
              "KONTOR_ADVERTISED_MINIMUMS is 1."),
        )  # fmt: skip
        return super().changelist_view(request, extra_context)

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        product = catalog.products_by_sku([values["sku"]])[values["sku"]]
        floors.set_advertised(
            product.id, values["amount_minor"], currency=values["currency"], reason=values["reason"], by=by
        )
        return product.id
