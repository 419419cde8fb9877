"""One form per kind of benefit: what a promotion gives, as a merchandiser would say it, to and from its document."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy

from pricing.desk import words
from pricing.desk.fields import Amount, Count, Names, Percentage
from pricing.promotions.terms import Base, Level, Measure, Policy

USUAL_PARTS, MOST_PARTS = 4, 10
USUAL_TIERS, MOST_TIERS = 6, 20
REWARDS = [
    ("free", gettext_lazy("are free")),
    ("percent", gettext_lazy("get a percentage off")),
    ("amount", gettext_lazy("get money off")),
    ("price", gettext_lazy("cost this")),
]
COUNTED = [
    (Base.RUNNING.value, gettext_lazy("after other discounts")),
    (Base.ORIGINAL.value, gettext_lazy("before discounts")),
]


def _levels(*levels: Level) -> list[tuple[str, Any]]:
    return [(level.value, words.LEVELS[level]) for level in levels]


def _rows(form: forms.Form, prefix: str, usual: int, most: int) -> int:
    """Return how many rows a form has: the usual number, or as many as what was sent or stands there."""
    names = [name for name in (*form.data, *form.initial) if name.startswith(prefix)]
    wanted = [int(name.removeprefix(prefix)) for name in names if name.removeprefix(prefix).isdecimal()]
    return min(max([usual, *wanted]), most)


def _exceptions(goods: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (goods or {}).items() if name.startswith("except_")}


class BenefitForm(forms.Form):
    """What a promotion gives. `document` is its benefit; `initial_of` fills the form from one."""

    kind: ClassVar[str] = ""
    needs_goods: ClassVar[bool] = True
    # Which field a fault at a path of the document belongs to.
    faults: ClassVar[dict[str, str]] = {}
    categories: frozenset[str] = frozenset()  # what of the names is a category; the desk knows
    before: Mapping[str, Any] = {}  # the benefit as it was: what no field shows is kept

    def document(self) -> dict[str, Any]:
        """Return the benefit as its document says it."""
        return {"kind": self.kind, **self.cleaned_data}

    @staticmethod
    def initial_of(benefit: dict[str, Any]) -> dict[str, Any]:
        """Return what the form begins with."""
        return dict(benefit)


class PercentOffForm(BenefitForm):
    kind = "percent_off"
    faults: ClassVar = {"benefit.basis_points": "basis_points"}

    basis_points = Percentage(label=gettext_lazy("Per cent off"), required=True)
    level = forms.ChoiceField(label=gettext_lazy("Rounded"), choices=_levels(Level.LINE, Level.ORDER, Level.UNIT))


class AmountOffForm(BenefitForm):
    kind = "amount_off"
    faults: ClassVar = {"benefit.amount_minor": "amount_minor"}

    amount_minor = Amount(label=gettext_lazy("Money off"), required=True)
    level = forms.ChoiceField(label=gettext_lazy("How often"), choices=_levels(Level.ORDER, Level.LINE, Level.UNIT))


class FixedPriceForm(BenefitForm):
    kind = "fixed_price"
    faults: ClassVar = {"benefit.amount_minor": "amount_minor"}

    amount_minor = Amount(
        label=gettext_lazy("Price of each piece"), required=True,
        help_text=gettext_lazy("What is cheaper already stays as it is."),
    )  # fmt: skip


class _Rewarding(BenefitForm):
    """A benefit that rewards pieces."""

    reward_kind = forms.ChoiceField(label=gettext_lazy("These pieces"), choices=REWARDS)
    reward_value = Amount(
        label=gettext_lazy("How much"), help_text=gettext_lazy("Per cent or amount; not needed where they are free.")
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("reward_kind") != "free" and cleaned.get("reward_value") is None and "reward_value" in cleaned:
            self.add_error("reward_value", gettext_lazy("Say how much."))
        if cleaned.get("reward_kind") == "percent" and (cleaned.get("reward_value") or 0) > 10_000:
            self.add_error("reward_value", gettext_lazy("A percentage is 100 at most."))
        return cleaned

    def reward(self) -> dict[str, int]:
        """Return the reward as its document says it."""
        given = self.cleaned_data["reward_value"]
        key = {"free": "basis_points", "percent": "basis_points", "amount": "amount_minor", "price": "price_minor"}
        kind = self.cleaned_data["reward_kind"]
        return {key[kind]: 10_000 if kind == "free" else given}

    @staticmethod
    def reward_of(reward: dict[str, int]) -> dict[str, Any]:
        """Return the fields of a reward."""
        if reward.get("basis_points", 10_000) == 10_000 and not reward.keys() & {"amount_minor", "price_minor"}:
            return {"reward_kind": "free"}
        for name, kind in (("basis_points", "percent"), ("amount_minor", "amount"), ("price_minor", "price")):
            if name in reward:
                return {"reward_kind": kind, "reward_value": reward[name]}
        return {}


class BuyGetForm(_Rewarding):
    kind = "buy_get"
    faults: ClassVar = {"benefit.buy": "buy", "benefit.get": "get", "benefit.reward": "reward_value"}

    buy = Count(label=gettext_lazy("Pieces bought"), required=True, max_value=10_000, initial=2)
    get = Count(label=gettext_lazy("Pieces rewarded"), required=True, max_value=10_000, initial=1)
    policy = forms.ChoiceField(
        label=gettext_lazy("Which pieces"),
        choices=[
            (Policy.PER_SET.value, gettext_lazy("the cheapest of each set")),
            (Policy.CHEAPEST_OVERALL.value, gettext_lazy("the cheapest of all")),
        ],
    )
    rewarded_products = Names(
        label=gettext_lazy("Rewarded products"),
        help_text=gettext_lazy("SKUs, only where other goods are rewarded than those that are bought."),
    )
    rewarded_categories = Names(label=gettext_lazy("Rewarded categories"))
    most_sets = Count(label=gettext_lazy("At most so many times"), max_value=10_000)
    field_order = ["buy", "get", "reward_kind", "reward_value"]

    def document(self) -> dict[str, Any]:
        given = self.cleaned_data
        found = {"kind": self.kind, "buy": given["buy"], "get": given["get"], "reward": self.reward()}
        rewarded = {"products": given["rewarded_products"], "categories": given["rewarded_categories"]}
        if any(rewarded.values()):
            found["rewarded"] = {**_exceptions(self.before.get("rewarded")), **rewarded}
        return {**found, "policy": given["policy"], "most_sets": given["most_sets"]}

    @staticmethod
    def initial_of(benefit: dict[str, Any]) -> dict[str, Any]:
        rewarded = benefit.get("rewarded") or {}
        return {
            **benefit, **_Rewarding.reward_of(benefit.get("reward") or {}),
            "rewarded_products": rewarded.get("products", []), "rewarded_categories": rewarded.get("categories", []),
        }  # fmt: skip


class BundleForm(_Rewarding):
    """Up to four parts; each names products or a category, and how many pieces."""

    kind = "bundle"
    needs_goods = False
    faults: ClassVar = {"benefit.parts": "part_1", "benefit.reward": "reward_value"}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.rows = _rows(self, "part_", USUAL_PARTS, MOST_PARTS)
        for number in range(1, self.rows + 1):
            self.fields[f"pieces_{number}"] = Count(
                label=gettext_lazy("Pieces"), initial=1 if number < 3 else None, max_value=10_000
            )
            self.fields[f"part_{number}"] = Names(
                label=gettext_lazy("of these products or categories"), required=number == 1,
                help_text=gettext_lazy("SKUs, or categories such as Garden/Pots.") if number == 1 else "",
            )  # fmt: skip
        self.fields["reward_kind"].choices = REWARDS[1:]
        self.fields["reward_kind"].label = gettext_lazy("Together they")
        self.fields["reward_kind"].initial = "price"
        self.fields["most_sets"] = Count(label=gettext_lazy("At most so many times"), max_value=10_000)
        self.order_fields([name for name in self.fields if not name.startswith("reward_") and name != "most_sets"])

    def document(self) -> dict[str, Any]:
        given, parts, before = self.cleaned_data, [], self.before.get("parts", ())
        for number in range(1, self.rows + 1):
            if given[f"part_{number}"]:
                names = given[f"part_{number}"]
                known = {name for name in names if name in self.categories}
                terms = {
                    **_exceptions(before[number - 1].get("goods") if number <= len(before) else None),
                    "products": [name for name in names if name not in known],
                    "categories": [name for name in names if name in known],
                }
                parts.append({"goods": terms, "quantity": given[f"pieces_{number}"] or 1})
        return {"kind": self.kind, "parts": parts, "reward": self.reward(), "most_sets": given["most_sets"]}

    @staticmethod
    def initial_of(benefit: dict[str, Any]) -> dict[str, Any]:
        found = {**benefit, **_Rewarding.reward_of(benefit.get("reward") or {})}
        for number, part in enumerate(benefit.get("parts", ())[:MOST_PARTS], start=1):
            terms = part.get("goods") or {}
            found[f"pieces_{number}"] = part.get("quantity", 1)
            found[f"part_{number}"] = [*terms.get("categories", []), *terms.get("products", [])]
        return found


class TieredForm(BenefitForm):
    """Up to six tiers, each from an amount or a number of pieces on."""

    kind = "tiered"
    faults: ClassVar = {"benefit.tiers": "from_1"}
    measure = forms.ChoiceField(
        label=gettext_lazy("What counts"),
        choices=[
            (Measure.AMOUNT.value, gettext_lazy("what the goods cost")),
            (Measure.QUANTITY.value, gettext_lazy("pieces")),
        ],
    )
    counted = forms.ChoiceField(label=gettext_lazy("Looked at"), choices=COUNTED)
    gives = forms.ChoiceField(
        label=gettext_lazy("What it gives"),
        choices=[("percent", gettext_lazy("a percentage off")), ("amount", gettext_lazy("money off"))],
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.rows = _rows(self, "from_", USUAL_TIERS, MOST_TIERS)
        for number in range(1, self.rows + 1):
            self.fields[f"from_{number}"] = Amount(label=gettext_lazy("From"), required=number == 1)
            self.fields[f"gain_{number}"] = Amount(label=gettext_lazy("off"), required=number == 1)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for number in range(1, self.rows + 1):
            begins, gain = cleaned.get(f"from_{number}"), cleaned.get(f"gain_{number}")
            if (begins is None) != (gain is None) and not self.errors:
                self.add_error(f"gain_{number}", gettext_lazy("A tier has a beginning and what it gives."))
            if begins is not None and cleaned.get("measure") == Measure.QUANTITY.value and begins % 100:
                self.add_error(f"from_{number}", gettext_lazy("Pieces are whole."))
        return cleaned

    def document(self) -> dict[str, Any]:
        given, tiers = self.cleaned_data, []
        key = "basis_points" if given["gives"] == "percent" else "amount_minor"
        for number in range(1, self.rows + 1):
            begins = given[f"from_{number}"]
            if begins is not None:
                is_pieces = given["measure"] == Measure.QUANTITY.value
                tiers.append({"at_least": begins // 100 if is_pieces else begins, key: given[f"gain_{number}"]})
        return {"kind": self.kind, "tiers": tiers, "measure": given["measure"], "counted": given["counted"]}

    @staticmethod
    def initial_of(benefit: dict[str, Any]) -> dict[str, Any]:
        found, tiers = dict(benefit), benefit.get("tiers", ())
        found["gives"] = "amount" if tiers and "amount_minor" in tiers[0] else "percent"
        is_pieces = benefit.get("measure") == Measure.QUANTITY.value
        for number, tier in enumerate(tiers[:MOST_TIERS], start=1):
            found[f"from_{number}"] = tier["at_least"] * (100 if is_pieces else 1)
            found[f"gain_{number}"] = tier.get("basis_points", tier.get("amount_minor"))
        return found


class GiftForm(BenefitForm):
    kind = "gift"
    faults: ClassVar = {"benefit.sku": "sku", "benefit.quantity": "quantity"}

    sku = forms.CharField(label=gettext_lazy("Gift (SKU)"), max_length=64)
    quantity = Count(label=gettext_lazy("Pieces"), required=True, max_value=100, initial=1)


class FreeShippingForm(BenefitForm):
    kind = "free_shipping"
    needs_goods = False
    faults: ClassVar = {"benefit.at_most_minor": "at_most_minor"}

    at_most_minor = Amount(label=gettext_lazy("Up to"), help_text=gettext_lazy("Empty: whatever delivery costs."))
    categories = Names(label=gettext_lazy("Only these charges (categories)"))


FORMS: dict[str, type[BenefitForm]] = {
    form.kind: form
    for form in (
        PercentOffForm, AmountOffForm, FixedPriceForm, BuyGetForm, BundleForm, TieredForm, GiftForm, FreeShippingForm,
    )
}  # fmt: skip
