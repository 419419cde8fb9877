"""What staff type on the replenishment pages: a rule with the priorities of channels, and a promotion."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from commerce import catalog, queries
from commerce.errors import CommerceError
from commerce.staff import refusals, shell
from inventory.models import ReplenishmentRule
from inventory.places import locations
from inventory.replenishment import lists
from inventory.sharing.channel_priorities import FIRST, LAST

WEEKDAYS = [
    (1, _("Monday")), (2, _("Tuesday")), (3, _("Wednesday")), (4, _("Thursday")), (5, _("Friday")), (6, _("Saturday")),
    (7, _("Sunday")),
]  # fmt: skip
EVERYWHERE = ""
PRIORITIES = [
    (LAST, _("like all others")), *((rank, str(rank)) for rank in range(FIRST, LAST)),
]  # fmt: skip


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
    lead_time_days = _days(
        _("Lead time in days"),
        7,
        help_text=_("Counts until enough deliveries are known. The calendar of a supplier that we know replaces it."),
    )
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
        groups = [(f"group:{key}", name) for key, name in lists.groups().items()]
        places = [(f"place:{place.id}", f"{place.code} {place.name}") for place in locations.active()]
        self.fields["place"].choices = [
            (EVERYWHERE, _("Everywhere")), (_("Groups"), groups), (_("Places"), places),
        ]  # fmt: skip
        self.channels = {f"priority_{channel.id}": channel for channel in queries.channels() if channel.is_active}
        for number, (name, channel) in enumerate(self.channels.items()):
            self.fields[name] = forms.TypedChoiceField(
                label=_now("Priority of %(channel)s when goods are scarce") % {"channel": channel.name},
                choices=PRIORITIES, coerce=int, required=False, empty_value=LAST, initial=LAST,
                help_text=_("Whose number is lower is served first: when backorders are filled, on the waiting list, "
                            "and among stores that want the same goods.") if number == 0 else "",
            )  # fmt: skip
        self.order_fields([name for name in self.fields if name != "is_active"])

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
        ranks = {
            f"priority_{channel.id}": row.channel_priorities.get(channel.code, LAST) for channel in queries.channels()
        }
        return cls(initial=values | ranks | {"sku": row.product.sku if row.product else "", "place": place})

    def clean_sku(self) -> int | None:
        return _product(self.cleaned_data["sku"])

    @property
    def values(self) -> dict[str, Any]:
        """Return the fields as the verb takes them."""
        values = dict(self.cleaned_data)
        kind, _colon, number = values.pop("place").partition(":")
        values["product_id"] = values.pop("sku")
        values["location_id"] = int(number) if kind == "place" else None
        values["group_id"] = int(number) if kind == "group" else None
        ranks = {channel.code: values.pop(name) for name, channel in self.channels.items()}
        values["channel_priorities"] = {code: rank for code, rank in ranks.items() if rank < LAST}
        return values

    def refuse(self, refusal: CommerceError) -> None:
        """Put a refusal beside the field that it is about, or on top."""
        field = str(refusal.errors[0]["field"]) if refusal.errors else ""
        self.add_error(field if field in self.fields else None, refusals.sentence(refusal))


class PromotionForm(forms.Form):
    """A promotion that sells more, ahead or past: forecasts expect it, and don't take its sales for the usual."""

    name = forms.CharField(label=_("Name"), max_length=120)
    sku = forms.CharField(
        label=_("Product"), max_length=64, required=False, help_text=_("SKU or barcode; empty for a category.")
    )
    category = forms.CharField(label=_("Category"), max_length=120, required=False)
    first_day = forms.DateField(label=_("First day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    last_day = forms.DateField(label=_("Last day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    factor = forms.FloatField(
        label=_("Sells so many times as much"), initial=2, min_value=0.01, max_value=50,
        help_text=_("2 means twice as much; 1 is as usual."),
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "autocomplete": "off", "step": "any"}),
    )  # fmt: skip

    def clean_sku(self) -> int | None:
        return _product(self.cleaned_data["sku"])

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if "sku" in values and (values["sku"] is None) == (not values.get("category")):
            self.add_error("sku", _("Name either a product or a category."))
        first, last = values.get("first_day"), values.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", _("The last day is not before the first."))
        return values

    @property
    def values(self) -> dict[str, Any]:
        """Return the fields as the verb takes them."""
        values = dict(self.cleaned_data)
        product_id = values.pop("sku")
        return values | {"product_id": product_id}


def _product(text: str) -> int | None:
    """Return the product that was typed or scanned; none for an empty field."""
    text = shell.typed(text)
    if not text:
        return None
    found = catalog.product_by_barcode(text)
    if found is None:
        raise forms.ValidationError(
            _now("No product is called “%(text)s”. Scan it, or check the number.") % {"text": text}
        )
    return found[0].id
