"""What people type about routing: a version of the policy, and over which days to try it."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from commerce import money
from commerce.errors import CommerceError
from commerce.staff import refusals
from orders.routing.policies import LONGEST_NOTE
from orders.sourcing import policy as policies
from orders.sourcing.criteria import Criterion
from orders.sourcing.policy import Mode, Policy
from orders.staff import routing_words as words

_WHOLE = {"required": _("Enter a number."), "invalid": _("Enter a whole number.")}
_AMOUNT = {"required": _("Enter an amount."), "invalid": _("Enter an amount.")}
SPANS = (7, 28, 90)  # days


def _number(label: Any, least: int, most: int, **more: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, min_value=least, max_value=most, error_messages=_WHOLE,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}), **more,
    )  # fmt: skip


def _amount(label: Any, **more: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, min_value=0, localize=True, error_messages=_AMOUNT,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}), **more,
    )  # fmt: skip


class PolicyForm(forms.Form):
    """A new version: what counts (an order, or a price for each), and what is allowed."""

    name = forms.CharField(label=_("Name"), max_length=policies.LONGEST_NAME)
    note = forms.CharField(
        label=_("Why"), max_length=LONGEST_NOTE, required=False, help_text=_("Colleagues read it beside the version.")
    )
    most_parts = _number(words.SETTINGS["most_parts"], 1, policies.MOST_PARTS)
    split_from = _amount(
        words.SETTINGS["split_from_minor"],
        help_text=_("Orders worth less are never split, not even if nobody has all."),
    )
    split_saves = _amount(
        words.SETTINGS["split_saves_minor"], help_text=_("Unless it takes more parcels to deliver at all.")
    )
    may_divide_lines = forms.BooleanField(label=words.SETTINGS["may_divide_lines"], required=False)
    keep_at_stores = _number(words.SETTINGS["keep_at_stores"], 0, policies.MOST_KEPT)
    demand_days = _number(words.SETTINGS["demand_days"], 0, policies.MOST_DAYS)
    overstock_days = _number(words.SETTINGS["overstock_days"], 1, 365)

    def __init__(self, *args: Any, mode: Mode, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.mode, self._currency, self._digits = mode, currency, money.exponent(currency)
        fields: Any = self.fields
        for criterion in Criterion:
            label, help_text = words.CRITERIA[criterion], words.HELP[criterion]
            if mode is Mode.WEIGHED:
                field: forms.Field = _amount(label, required=False, help_text=help_text)
            else:
                field = _number(label, 1, len(Criterion), required=False, help_text=help_text)
            fields[f"term_{criterion.value}"] = field

    @classmethod
    def of(cls, policy: Policy, *, name: str, mode: Mode, currency: str) -> "PolicyForm":
        """Return a form that begins with a version, or with what is usual where it compares otherwise."""
        shown = policy if policy.mode is mode else policies.BALANCED if mode is Mode.WEIGHED else policies.FIRST
        digits = money.exponent(currency)
        initial: dict[str, Any] = {
            "name": name,
            "most_parts": policy.most_parts,
            "split_from": Decimal(policy.split_from_minor).scaleb(-digits),
            "split_saves": Decimal(policy.split_saves_minor).scaleb(-digits),
            "may_divide_lines": policy.may_divide_lines,
            "keep_at_stores": policy.keep_at_stores,
            "demand_days": policy.demand_days,
            "overstock_days": policy.overstock_days,
        }
        for place, term in enumerate(shown.terms, start=1):
            rate = Decimal(term.rate).scaleb(-words.rate_digits(term.criterion, currency))
            plain = rate.quantize(Decimal(1).scaleb(-digits)) if rate == round(rate, digits) else rate.normalize()
            initial[f"term_{term.criterion.value}"] = plain if mode is Mode.WEIGHED else place
        return cls(initial=initial, mode=mode, currency=currency)

    @property
    def terms(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("term_")]

    @property
    def settings(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if not name.startswith("term_") and name not in ("name", "note")]

    def document(self, base: Policy) -> dict[str, Any]:
        """Return the document of the new version; what the form does not ask stays as it was."""
        values = self.cleaned_data
        given = {
            criterion: values[f"term_{criterion.value}"]
            for criterion in Criterion
            if values.get(f"term_{criterion.value}") is not None
        }
        if self.mode is Mode.WEIGHED:
            terms = [{"criterion": one.value, "rate": self._rate(one, value)} for one, value in given.items()]
        else:
            steps = {term.criterion: term.step for term in base.terms}
            ordered = sorted(given, key=lambda one: (given[one], list(Criterion).index(one)))
            terms = [{"criterion": one.value, "step": steps.get(one, 1)} for one in ordered]
        kept = base.document()
        return kept | {
            "mode": self.mode.value, "terms": terms, "most_parts": values["most_parts"],
            "split_from_minor": self._minor(values["split_from"]), "split_saves_minor": self._minor(values["split_saves"]),
            "may_divide_lines": values["may_divide_lines"], "keep_at_stores": values["keep_at_stores"],
            "demand_days": values["demand_days"], "overstock_days": values["overstock_days"],
        }  # fmt: skip

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        names = [f"term_{criterion.value}" for criterion in Criterion]
        if not self.errors and all(values.get(name) is None for name in names):
            raise forms.ValidationError(_now("Something has to count: give at least one criterion a value."))
        for criterion, name in zip(Criterion, names, strict=True):
            value = values.get(name)
            if self.mode is Mode.WEIGHED and value is not None and self._rate(criterion, value) > policies.MOST_RATE:
                self.add_error(
                    name,
                    _now("At most %(most)s.")
                    % {"most": policies.MOST_RATE // 10 ** words.rate_digits(criterion, self._currency)},
                )
        return values

    def refuse(self, refusal: CommerceError) -> None:
        """Show why the version could not be kept."""
        self.add_error(None, refusals.sentence(refusal))

    def _minor(self, value: Decimal) -> int:
        return int(value.scaleb(self._digits).to_integral_value())

    def _rate(self, criterion: Criterion, value: Decimal) -> int:
        return int(value.scaleb(words.rate_digits(criterion, self._currency)).to_integral_value())


class SpanForm(forms.Form):
    """How many days back a policy is tried."""

    days = forms.TypedChoiceField(label=_("Orders of the last"), coerce=int, initial=28)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["days"].choices = [(days, _now("%(days)s days") % {"days": days}) for days in SPANS]

    @property
    def span(self) -> timedelta:
        return timedelta(days=self.cleaned_data["days"])


class ReasonForm(forms.Form):
    """Why something is switched."""

    reason = forms.CharField(label=_("Why"), max_length=LONGEST_NOTE)


def first_error(form: forms.Form) -> str:
    """Return the first thing that is wrong with a form, in a sentence."""
    errors: Mapping[str, Any] = form.errors
    return str(next(iter(errors.values()))[0]) if errors else ""
