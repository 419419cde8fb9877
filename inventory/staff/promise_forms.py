"""What merchandisers type about promises: policies of backorders and preorders, and limits per customer."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.timezone import localtime
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from commerce import catalog, clock, queries
from commerce.errors import CommerceError
from commerce.staff import refusals
from inventory.places import locations
from inventory.promise_dates import PolicyKind
from inventory.promising import policies, purchase_limits
from inventory.staff import promise_words

_WHOLE = {"required": _("Enter a number."), "invalid": _("Enter a whole number.")}
_MOMENTS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def _number(label: Any, *, least: int, most: int, required: bool = True, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label, min_value=least, max_value=most, required=required, help_text=help_text, error_messages=_WHOLE,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )  # fmt: skip


def _moment(label: Any, *, required: bool, help_text: Any = "") -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label, required=required, help_text=help_text, input_formats=_MOMENTS,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_MOMENTS[0]),
        error_messages={"required": _("Enter a date and time."), "invalid": _("Enter a date and time.")},
    )  # fmt: skip


class PromiseForm(forms.Form):
    """What a policy or a limit is called, and which product and channels it is about."""

    name = forms.CharField(label=_("Name"), max_length=policies.LONGEST_NAME)
    sku = forms.CharField(label=_("Product (SKU or barcode)"), max_length=64)
    channel = forms.ChoiceField(label=_("Channel"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        channels = [(str(one.id), one.name) for one in queries.channels() if one.is_active]
        fields["channel"].choices = [("", _("All channels")), *channels]

    def clean_sku(self) -> int | None:
        text = self.cleaned_data["sku"].strip()
        if not text:
            return None
        found = catalog.product_by_barcode(text)
        if found is None or not found[0].has_stock:
            raise forms.ValidationError(_now("No product with stock has this SKU or barcode."))
        return found[0].id

    @property
    def channel_ids(self) -> tuple[int, ...]:
        return (int(self.cleaned_data["channel"]),) if self.cleaned_data["channel"] else ()

    def refuse(self, refusal: CommerceError) -> None:
        """Show a refusal beside its fields."""
        names = {"product": "sku", "location": "place", "channels": "channel"}
        for error in refusal.errors:
            name = names.get(error["field"], error["field"])
            self.add_error(name if name in self.fields else None, error["message"])
        if not refusal.errors:
            self.add_error(None, refusals.sentence(refusal))


class PolicyForm(PromiseForm):
    """A policy of backorders or preorders."""

    kind = forms.ChoiceField(label=_("Kind"), choices=list(promise_words.KINDS.items()))
    cap = _number(_("Pieces per product and place"), least=1, most=policies.MOST_PIECES)
    category = forms.ChoiceField(label=_("Category"), required=False)
    place = forms.ChoiceField(label=_("Place"), required=False)
    release_on = forms.DateField(
        label=_("Released on"), required=False, help_text=_("A preorder is handed over from this day on."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )  # fmt: skip
    lead_days = _number(
        _("Days to wait when no delivery is known"), least=0, most=policies.LONGEST_LEAD_DAYS, required=False,
        help_text=_("Left empty, only deliveries that are on their way are promised."),
    )  # fmt: skip
    safety = _number(_("Pieces of a delivery not promised"), least=0, most=policies.MOST_PIECES, required=False)
    until = _moment(_("Ends"), required=False, help_text=_("Left empty, it holds until someone ends it."))

    field_order = ["name", "kind", "sku", "category", "place", "channel", "cap"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["sku"].required = False
        fields["sku"].help_text = _("Or a category.")
        fields["place"].choices = [("", _("All places")), *((str(one.id), one.name) for one in locations.active())]
        fields["category"].choices = [("", "–"), *((one, one) for one in queries.categories())]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if bool(values.get("sku")) == bool(values.get("category")) and "sku" not in self.errors:
            self.add_error("sku", _now("Name a product or choose a category, one of the two."))
        if (
            values.get("kind") == PolicyKind.PREORDER
            and not values.get("release_on")
            and "release_on" not in self.errors
        ):
            self.add_error("release_on", _now("A preorder needs the day of its release."))
        return values

    @property
    def draft(self) -> policies.Draft:
        values = self.cleaned_data
        return policies.Draft(
            name=values["name"], kind=values["kind"], cap=values["cap"], product_id=values["sku"],
            category=values["category"], location_id=int(values["place"]) if values["place"] else None,
            channel_ids=self.channel_ids, safety=values["safety"] or 0, release_on=values["release_on"],
            lead_days=values["lead_days"], until=values["until"],
        )  # fmt: skip


class LimitForm(PromiseForm):
    """A limit per customer."""

    quantity = _number(_("Pieces per customer"), least=1, most=purchase_limits.MOST_PIECES)
    starts_at = _moment(_("Starts"), required=True)
    ends_at = _moment(_("Ends"), required=True)

    field_order = ["name", "sku", "quantity", "channel", "starts_at", "ends_at"]

    @classmethod
    def empty(cls) -> "LimitForm":
        """Return the form for a drop that begins now and lasts for a day."""
        now = localtime(clock.now()).replace(second=0, microsecond=0)
        return cls(initial={"starts_at": now, "ends_at": now + timedelta(days=1)})

    @property
    def draft(self) -> purchase_limits.Draft:
        values = self.cleaned_data
        return purchase_limits.Draft(
            name=values["name"], product_id=values["sku"], quantity=values["quantity"], channel_ids=self.channel_ids,
            starts_at=values["starts_at"], ends_at=values["ends_at"],
        )  # fmt: skip
