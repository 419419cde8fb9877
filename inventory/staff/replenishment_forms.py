"""What staff type on the replenishment pages: a rule."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from commerce import catalog
from commerce.errors import CommerceError
from commerce.staff import refusals, shell
from inventory import locations, replenishment_lists
from inventory.models import ReplenishmentRule

WEEKDAYS = [
    (1, _("Monday")), (2, _("Tuesday")), (3, _("Wednesday")), (4, _("Thursday")), (5, _("Friday")), (6, _("Saturday")),
    (7, _("Sunday")),
]  # fmt: skip
EVERYWHERE = ""


def _whole(label: Any, least: int, *, initial: int | None = None, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        initial=initial,
        help_text=help_text,
        required=initial is not None,
        min_value=least,
        max_value=1_000_000,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


def _days(label: Any, initial: float, *, help_text: Any = "") -> forms.FloatField:
    return forms.FloatField(
        label=label, initial=initial, help_text=help_text, min_value=0, max_value=730,
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "autocomplete": "off", "step": "any"}),
    )  # fmt: skip


class RuleForm(forms.Form):
    """A replenishment rule. What stays empty is worked out from the forecast."""

    name = forms.CharField(label=_("Name"), max_length=120)
    sku = forms.CharField(
        label=_("Product"),
        max_length=64,
        required=False,
        help_text=_("SKU or barcode; empty for a category or all goods."),
    )
    category = forms.CharField(label=_("Category"), max_length=120, required=False)
    place = forms.ChoiceField(label=_("Where"), required=False)
    service_level_percent = forms.FloatField(
        label=_("Service level in percent"), initial=95, min_value=50, max_value=99.9,
        help_text=_("How often the goods last until the next delivery: 50 to 99.9."),
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "step": "any"}),
    )  # fmt: skip
    review_days = _whole(_("Review period in days"), 1, initial=7)
    lead_time_days = _days(_("Lead time in days"), 7, help_text=_("Counts until enough deliveries are known."))
    lead_time_deviation_days = _days(_("Its usual deviation in days"), 0)
    reorder_point = _whole(_("Reorder point"), 0, help_text=_("Empty: from the forecast."))
    target_level = _whole(_("Target level"), 0, help_text=_("Empty: from the forecast."))
    safety_stock = _whole(_("Least safety stock"), 0, initial=0)
    case_pack = _whole(_("Pieces per case"), 1, initial=1)
    lot_size = _whole(_("Lot size"), 1, initial=1)
    minimum_order = _whole(_("Minimum order"), 1, initial=1)
    supplier_code = forms.CharField(label=_("Supplier"), max_length=40, required=False)
    order_weekdays = forms.TypedMultipleChoiceField(
        label=_("Order days"), choices=WEEKDAYS, coerce=int, required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: any day."),
    )  # fmt: skip
    closed_from = forms.DateField(
        label=_("Supplier closed from"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    closed_until = forms.DateField(
        label=_("Supplier closed until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    transfer_radius_km = _whole(
        _("Transfers from up to km away"), 0, initial=0, help_text=_("0: only from the supplier.")
    )
    is_active = forms.BooleanField(label=_("Active"), required=False, initial=True)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        groups = [(f"group:{key}", name) for key, name in replenishment_lists.groups().items()]
        places = [(f"place:{place.id}", f"{place.code} {place.name}") for place in locations.active()]
        self.fields["place"].choices = [
            (EVERYWHERE, _("Everywhere")), (_("Groups"), groups), (_("Places"), places),
        ]  # fmt: skip

    @classmethod
    def of(cls, row: ReplenishmentRule | None) -> "RuleForm":
        """Return the form as a rule stands, or an empty one."""
        if row is None:
            return cls()
        place = (
            f"place:{row.location_id}" if row.location_id else f"group:{row.group_id}" if row.group_id else EVERYWHERE
        )
        names = set(cls.base_fields) - {"sku", "place"}
        values = {name: getattr(row, name) for name in names}
        return cls(initial=values | {"sku": row.product.sku if row.product else "", "place": place})

    def clean_sku(self) -> int | None:
        text = shell.typed(self.cleaned_data["sku"])
        if not text:
            return None
        found = catalog.product_by_barcode(text)
        if found is None:
            raise forms.ValidationError(
                _now("No product is called “%(text)s”. Scan it, or check the number.") % {"text": text}
            )
        return found[0].id

    @property
    def values(self) -> dict[str, Any]:
        """Return the fields as the verb takes them."""
        values = dict(self.cleaned_data)
        kind, _colon, number = values.pop("place").partition(":")
        values["product_id"] = values.pop("sku")
        values["location_id"] = int(number) if kind == "place" else None
        values["group_id"] = int(number) if kind == "group" else None
        return values

    def refuse(self, refusal: CommerceError) -> None:
        """Put a refusal beside the field that it is about, or on top."""
        field = str(refusal.errors[0]["field"]) if refusal.errors else ""
        self.add_error(field if field in self.fields else None, refusals.sentence(refusal))
