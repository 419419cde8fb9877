"""What merchandisers type about sharing: rules, dynamic policies, obligations, and what each is about."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.timezone import localtime
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from commerce import catalog, clock, queries
from commerce.errors import CommerceError
from commerce.staff import refusals
from inventory.cascade import MOST_PIECES, RuleKind
from inventory.places import groups as location_groups
from inventory.places import locations
from inventory.sharing import buffer_rules, dynamic_buffers
from inventory.sharing.buffer_rules import Draft
from inventory.sharing.dynamic_buffers import PolicyDraft
from inventory.sharing.obligations import Agreement
from inventory.sharing.scopes import ScopeIds
from inventory.staff import sharing_words

_WHOLE = {"required": _("Enter a number."), "invalid": _("Enter a whole number.")}


def _number(label: Any, *, help_text: Any = "", least: int = 1, most: int = MOST_PIECES) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, help_text=help_text, min_value=least, max_value=most, error_messages=_WHOLE,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )  # fmt: skip


def _moment(label: Any, *, help_text: Any = "", required: bool = False) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label, help_text=help_text, required=required, input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={
            "required": _("Enter a date and time."),
            "invalid": _("Enter a date and time."),
        },
    )  # fmt: skip


class ScopeForm(forms.Form):
    """For whom and what something holds; left open, it holds for all."""

    name = forms.CharField(label=_("Name"), max_length=buffer_rules.LONGEST_NAME)
    channel = forms.ChoiceField(label=_("Channel"), required=False)
    place = forms.ChoiceField(label=_("Place or group"), required=False)
    sku = forms.CharField(
        label=_("Product (SKU or barcode)"),
        max_length=64,
        required=False,
        help_text=_("Or a category, or neither for all."),
    )
    category = forms.ChoiceField(label=_("Category"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        channels = [(str(one.id), one.name) for one in queries.channels() if one.is_active]
        fields["channel"].choices = [("", _("All channels")), *channels]
        groups = [(f"group:{one.id}", one.name) for one in location_groups.listed()]
        places = [(f"place:{one.id}", f"{one.code} {one.name}") for one in locations.active()]
        fields["place"].choices = [("", _("All places")), (_("Groups"), groups), (_("Places"), places)]
        fields["category"].choices = [("", _("All categories")), *((one, one) for one in queries.categories())]

    def clean_sku(self) -> int | None:
        text = self.cleaned_data["sku"].strip()
        if not text:
            return None
        found = catalog.product_by_barcode(text)
        if found is None or not found[0].has_stock:
            raise forms.ValidationError(_now("No product with stock has this SKU or barcode."))
        return found[0].id

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if values.get("sku") and values.get("category"):
            self.add_error("category", _now("Choose a product or a category, not both."))
        starts_at, ends_at = values.get("starts_at"), values.get("ends_at")
        if starts_at and ends_at and ends_at <= starts_at:
            self.add_error("ends_at", _now("The end must come after the start."))
        return values

    @property
    def scope(self) -> ScopeIds:
        values = self.cleaned_data
        kind, _colon, number = values["place"].partition(":")
        return ScopeIds(
            channel_id=int(values["channel"]) if values["channel"] else None,
            location_id=int(number) if kind == "place" else None,
            group_id=int(number) if kind == "group" else None,
            product_id=values["sku"],
            category=values["category"],
        )

    def refuse(self, refusal: CommerceError) -> None:
        """Show a refusal beside its fields."""
        fields = {"product": "sku", "location": "place", "group": "place"}
        for error in refusal.errors:
            name = fields.get(error["field"], error["field"])
            self.add_error(name if name in self.fields else None, error["message"])
        if not refusal.errors:
            self.add_error(None, refusals.sentence(refusal))

    @staticmethod
    def initial_scope(row: Any) -> dict[str, Any]:
        """Return what the fields of the scope show for a stored row."""
        place = f"place:{row.location_id}" if row.location_id else f"group:{row.group_id}" if row.group_id else ""
        return {
            "name": row.name, "channel": str(row.channel_id or ""), "place": place,
            "sku": row.product.sku if row.product_id else "", "category": row.category,
        }  # fmt: skip


class RuleForm(ScopeForm):
    """A rule of a buffer or a holdback."""

    purpose = forms.ChoiceField(label=_("What for"), choices=list(sharing_words.PURPOSES.items()))
    kind = forms.ChoiceField(label=_("How"), choices=list(sharing_words.KINDS.items()))
    amount = _number(_("Pieces, or per cent"), least=0)
    starts_at = _moment(_("Starts"), help_text=_("Left empty, it holds from its activation."))
    ends_at = _moment(_("Ends"), help_text=_("Left empty, it holds until someone retires it."))
    daily_from = forms.TimeField(
        label=_("Daily from"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_("By the clock of each place. An end before the start means over midnight."),
    )  # fmt: skip
    daily_until = forms.TimeField(
        label=_("Daily until"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    priority = forms.IntegerField(
        label=_("Priority"), required=False, min_value=-buffer_rules.HIGHEST_PRIORITY,
        max_value=buffer_rules.HIGHEST_PRIORITY, help_text=_("Of two equally special rules the higher one counts."),
    )  # fmt: skip

    field_order = ["name", "purpose", "kind", "amount", "channel", "place", "sku", "category"]

    @classmethod
    def of(cls, row: Any) -> "RuleForm":
        """Return the form with what a draft says."""
        shown = {
            "purpose": row.purpose, "kind": row.kind, "amount": row.amount, "priority": row.priority or None,
            "starts_at": localtime(row.starts_at) if row.starts_at else None,
            "ends_at": localtime(row.ends_at) if row.ends_at else None,
            "daily_from": row.daily_from, "daily_until": row.daily_until,
        }  # fmt: skip
        return cls(initial=cls.initial_scope(row) | shown)

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        kind, amount = values.get("kind"), values.get("amount")
        if amount is not None and kind == RuleKind.PERCENTAGE.value and not 1 <= amount <= 100:
            self.add_error("amount", _now("A percentage lies between 1 and 100: more than all can’t be kept back."))
        elif amount == 0 and kind in (RuleKind.FIXED.value, RuleKind.CUT_OFF.value):
            self.add_error("amount", _now("Enter a whole number from 1."))
        first, last = values.get("daily_from"), values.get("daily_until")
        if (first is None) != (last is None):
            self.add_error("daily_until", _now("Daily hours need both a start and an end."))
        elif first is not None and first == last:
            self.add_error("daily_until", _now("These hours are empty. Leave both fields empty for the whole day."))
        return values

    @property
    def draft(self) -> Draft:
        values = self.cleaned_data
        return Draft(
            name=values["name"], purpose=values["purpose"], kind=values["kind"], amount=values["amount"],
            scope=self.scope, priority=values["priority"] or 0, starts_at=values["starts_at"], ends_at=values["ends_at"],
            daily_from=values["daily_from"], daily_until=values["daily_until"],
        )  # fmt: skip


class PolicyForm(ScopeForm):
    """A dynamic policy."""

    minimum = _number(_("Keep back at least"), least=0)
    maximum = _number(_("Keep back at most"))
    factor_percent = _number(
        _("Factor in per cent"),
        most=10_000,
        help_text=_("100: as many pieces as are sold while the channel’s news travel."),
    )
    step_limit = _number(_("Pieces per step at most"))
    cool_down_seconds = _number(_("Seconds between two steps"), least=10, most=86_400)

    field_order = ["name", "channel", "place", "sku", "category"]

    @classmethod
    def empty(cls) -> "PolicyForm":
        usual = {"minimum": 0, "maximum": 5, "factor_percent": 100, "step_limit": 1, "cool_down_seconds": 300}
        return cls(initial=usual)

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        least, most = values.get("minimum"), values.get("maximum")
        if least is not None and most is not None and most < least:
            self.add_error("maximum", _now("The most is less than the least."))
        return values

    @property
    def draft(self) -> PolicyDraft:
        names = ("name", "minimum", "maximum", "factor_percent", "step_limit", "cool_down_seconds")
        return PolicyDraft(scope=self.scope, **{name: self.cleaned_data[name] for name in names})


class ObligationForm(ScopeForm):
    """A quantity that a channel is guaranteed."""

    quantity = _number(_("Guaranteed pieces"))
    starts_at = _moment(_("Starts"), required=True)
    ends_at = _moment(_("Ends"), required=True)

    field_order = ["name", "channel", "quantity", "sku", "category", "place"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["channel"].required = True
        fields["channel"].choices = [("", _("Choose a channel")), *fields["channel"].choices[1:]]
        fields["channel"].error_messages["required"] = _("Choose the channel that it is guaranteed to.")
        fields["sku"].help_text = _("Or a category.")

    @classmethod
    def empty(cls) -> "ObligationForm":
        starts_at = localtime(clock.now()).replace(second=0, microsecond=0)
        return cls(initial={"starts_at": starts_at, "ends_at": starts_at + timedelta(days=7)})

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        if "sku" not in self.errors and not values.get("sku") and not values.get("category"):
            self.add_error("sku", _now("Name a product or a category."))
        if values.get("ends_at") and values["ends_at"] <= clock.now():
            self.add_error("ends_at", _now("The end lies in the past."))
        return values

    @property
    def agreement(self) -> Agreement:
        values = self.cleaned_data
        return Agreement(
            name=values["name"], scope=self.scope, quantity=values["quantity"], starts_at=values["starts_at"],
            ends_at=values["ends_at"],
        )  # fmt: skip


class PinForm(forms.Form):
    """How long a buffer stays after a person took its step back."""

    hours = forms.IntegerField(
        min_value=1, max_value=int(dynamic_buffers.LONGEST_PIN.total_seconds() // 3600), required=False
    )

    @property
    def pin_for(self) -> timedelta:
        hours = self.cleaned_data.get("hours")
        return timedelta(hours=hours) if hours else dynamic_buffers.PINNED_FOR
