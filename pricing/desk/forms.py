"""The forms of a draft: one promotion, how promotions share a basket, window and title. Documents in, documents out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pricing.desk import benefits, faults, words
from pricing.desk.benefits import BenefitForm
from pricing.desk.fields import Amount, Count, LocalInstant, Names, Percentage, Ticks, TimeOfDay
from pricing.promotions.terms import Base, Grant, Mode

COUNTRIES = [("DE", gettext_lazy("Germany")), ("AT", gettext_lazy("Austria")), ("CH", gettext_lazy("Switzerland"))]
FIRST_ORDER = [
    ("", gettext_lazy("every order")),
    ("first", gettext_lazy("only the first order")),
    ("later", gettext_lazy("only from the second order on")),
]
# Which field a fault at a path of a promotion's document belongs to.
FAULTS = {
    "id": "id", "name": "name", "goods.products": "products", "goods.categories": "categories",
    "conditions.valid_from": "valid_from", "conditions.valid_until": "valid_until", "conditions.hours": "weekdays",
    "conditions.minimum": "least_amount", "conditions.coupon.codes": "codes", "conditions.coupon.prefixes": "prefixes",
    "conditions.coupon": "codes", "conditions.countries": "countries", "conditions.stock": "least_available",
    "announced_at": "announced_at",
    "priority": "priority", "phase": "phase", "group": "group", "cap_minor": "cap_minor", "excludes": "excludes",
    "limits.budget_minor": "budget_minor", "limits.uses": "uses",
}  # fmt: skip
LISTS = (
    "customer_groups", "segments", "except_segments", "loyalty_tiers", "payment_methods", "locations", "currencies",
)  # fmt: skip
Section = tuple[str, str, list[str], bool]


class PromotionForm(forms.Form):
    """A promotion without its benefit."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=120, help_text=gettext_lazy("Stands on receipts and in quotes.")
    )
    id = forms.RegexField(
        r"^[A-Za-z0-9._-]{1,40}$", label=gettext_lazy("Code"),
        help_text=gettext_lazy("Letters, digits, dots and hyphens; stays the same for good, so that budgets count on."),
        error_messages={"invalid": gettext_lazy("A code has 1 to 40 letters, digits, dots, hyphens or underscores.")},
    )  # fmt: skip
    products = Names(
        rows=3,
        label=gettext_lazy("Products"),
        help_text=gettext_lazy("SKUs; empty together with categories: all goods."),
    )
    categories = Ticks(label=gettext_lazy("Categories"))
    except_products = Names(label=gettext_lazy("Not these products"))
    except_categories = Ticks(label=gettext_lazy("Not these categories"))
    valid_from = LocalInstant(
        label=gettext_lazy("Begins"), help_text=gettext_lazy("Empty: as long as the version holds.")
    )
    valid_until = LocalInstant(
        label=gettext_lazy("Ends"), help_text=gettext_lazy("From this moment on it holds no more.")
    )
    announced_at = LocalInstant(
        label=gettext_lazy("First announced"),
        help_text=gettext_lazy("Only where it is announced before it begins: the prior price is that of this moment."),
    )
    weekdays = Ticks([(str(day + 1), name) for day, name in WEEKDAYS.items()], label=gettext_lazy("Weekdays"))
    starts = TimeOfDay(label=gettext_lazy("Daily from"))
    ends = TimeOfDay(
        label=gettext_lazy("Daily to"), help_text=gettext_lazy("Earlier than its beginning: past midnight.")
    )
    channels = Ticks(label=gettext_lazy("Channels"), help_text=gettext_lazy("None ticked: all."))
    countries = Ticks(COUNTRIES, label=gettext_lazy("Countries"))
    first_order = forms.ChoiceField(label=gettext_lazy("Counts for"), choices=FIRST_ORDER, required=False)
    customer_groups = Names(label=gettext_lazy("Customer groups"))
    segments = Names(label=gettext_lazy("Segments"))
    except_segments = Names(label=gettext_lazy("Not these segments"))
    loyalty_tiers = Names(label=gettext_lazy("Loyalty tiers"))
    payment_methods = Names(label=gettext_lazy("Ways to pay"))
    locations = Names(label=gettext_lazy("Places"))
    currencies = Names(label=gettext_lazy("Currencies"))
    least_amount = Amount(label=gettext_lazy("From this amount on"))
    least_quantity = Count(label=gettext_lazy("From so many pieces on"), max_value=1_000_000)
    counted = forms.ChoiceField(label=gettext_lazy("Looked at"), choices=benefits.COUNTED, required=False)
    codes = Names(rows=2, label=gettext_lazy("Codes"), help_text=gettext_lazy("Case and blanks make no difference."))
    prefixes = Names(label=gettext_lazy("All codes that begin with"))
    batches = Names(label=gettext_lazy("Batches of single codes"))
    least_available = Count(label=gettext_lazy("Only while so many pieces are there"))
    least_cover_days = Count(label=gettext_lazy("Only while stock lasts for so many days"), max_value=10_000)
    most_cover_days = Count(label=gettext_lazy("Only while stock lasts no longer than"), max_value=10_000, min_value=0)
    budget_minor = Amount(label=gettext_lazy("Budget"), help_text=gettext_lazy("Over all orders."))
    grant = forms.ChoiceField(
        label=gettext_lazy("When the budget ends"), required=False,
        choices=[(Grant.PARTIAL.value, gettext_lazy("give what is left")),
                 (Grant.ALL_OR_NOTHING.value, gettext_lazy("all or nothing"))],
    )  # fmt: skip
    uses = Count(label=gettext_lazy("Uses in all"))
    uses_per_customer = Count(label=gettext_lazy("Uses per customer"), max_value=1_000_000)
    uses_per_code = Count(label=gettext_lazy("Uses per code"), max_value=1_000_000)
    cap_minor = Amount(label=gettext_lazy("At most in one basket"))
    group = forms.ChoiceField(label=gettext_lazy("Group"), required=False)
    priority = forms.IntegerField(
        label=gettext_lazy("Priority"), min_value=-1_000_000, max_value=1_000_000, initial=0,
        help_text=gettext_lazy("The higher is applied first."),
    )  # fmt: skip
    phase = Count(label=gettext_lazy("Phase"), max_value=9, initial=1, help_text=gettext_lazy("1 comes before 2."))
    base = forms.ChoiceField(
        label=gettext_lazy("Percentages count from"), required=False,
        choices=[(Base.RUNNING.value, gettext_lazy("what is left after earlier discounts")),
                 (Base.ORIGINAL.value, gettext_lazy("the list price"))],
    )  # fmt: skip
    excludes = Ticks(label=gettext_lazy("Never together with"))

    def __init__(
        self, *args: Any, channels: Sequence[tuple[str, str]], categories: Sequence[str], groups: Sequence[tuple[str, str]],
        others: Sequence[tuple[str, str]], before: Mapping[str, Any] | None = None, **options: Any,
    ) -> None:  # fmt: skip
        """`before` is the promotion's document as it was; what no field shows is kept."""
        self.before: dict[str, Any] = dict(before or {})
        super().__init__(*args, **options)
        named = set(_list(self.before, "goods", "categories")) | set(_list(self.before, "goods", "except_categories"))
        tree = [(name, name) for name in sorted({*categories, *named})]
        self.fields["categories"].choices = self.fields["except_categories"].choices = tree
        self.fields["channels"].choices = _with(channels, _list(self.before, "conditions", "channels"))
        self.fields["countries"].choices = _with(COUNTRIES, _list(self.before, "conditions", "countries"))
        self.fields["group"].choices = [("", gettext_lazy("on its own")), *groups]
        self.fields["excludes"].choices = _with(others, self.before.get("excludes", ()))
        if self.before:
            self.fields["id"].disabled = True
        self.has_many_hours = len(_list(self.before, "conditions", "hours")) > 1
        if self.has_many_hours:
            for name in ("weekdays", "starts", "ends"):
                del self.fields[name]

    def sections(self, *, needs_goods: bool = True) -> list[dict[str, Any]]:
        """Return the fields in the order in which people think of them; what is not used is folded."""
        wanted: list[Section] = [
            (_("On which goods"), "category", ["categories", "products", "except_categories", "except_products"], True),
            (_("When"), "event", ["valid_from", "valid_until", "announced_at", "weekdays", "starts", "ends"], True),
            (_("Where and for whom"), "group", ["channels", "countries", "first_order", *LISTS], False),
            (_("From when on"), "shopping_basket", ["least_amount", "least_quantity", "counted"], False),
            (_("Coupon"), "confirmation_number", ["codes", "prefixes", "batches"], False),
            (_("Limits"), "production_quantity_limits",
             ["budget_minor", "grant", "uses", "uses_per_customer", "uses_per_code", "cap_minor"], False),
            (_("Stock"), "inventory_2", ["least_available", "least_cover_days", "most_cover_days"], False),
            (_("Together with others"), "stacks", ["group", "excludes", "priority", "phase", "base"], False),
        ]  # fmt: skip
        shown = []
        for title, icon, names, is_open in wanted:
            if icon == "category" and not needs_goods:
                continue
            fields = [self[name] for name in names if name in self.fields]
            usual: tuple[Any, ...] = ("", None, [], "0", 0, "1", 1, Grant.PARTIAL.value, Base.RUNNING.value)
            is_used = any(field.value() not in usual for field in fields)
            has_errors = any(field.errors for field in fields)
            shown.append({"title": title, "icon": icon, "fields": fields, "is_open": is_open or is_used or has_errors})
        return shown

    def document(self, benefit: dict[str, Any]) -> dict[str, Any]:
        """Return the promotion as its document says it, with a benefit."""
        given = self.cleaned_data
        conditions = {
            **_known(self.before, "conditions"),
            "valid_from": given["valid_from"].isoformat() if given["valid_from"] else None,
            "valid_until": given["valid_until"].isoformat() if given["valid_until"] else None,
            "channels": given["channels"], "countries": given["countries"],
            **{name: given[name] for name in LISTS},
            "is_first_order": {"first": True, "later": False}.get(given["first_order"]),
            "minimum": self._minimum(), "coupon": self._coupon(), "stock": self._stock(),
        }  # fmt: skip
        if not self.has_many_hours:
            conditions["hours"] = self._hours()
        return {
            **self.before,
            "id": given["id"], "name": given["name"], "benefit": benefit,
            "goods": {name: given[name] for name in ("products", "categories", "except_products", "except_categories")},
            "conditions": conditions,
            "limits": {
                **{name: given[name] for name in ("budget_minor", "uses", "uses_per_customer", "uses_per_code")},
                "grant": given["grant"] or Grant.PARTIAL.value,
            },
            "announced_at": given["announced_at"].isoformat() if given["announced_at"] else None,
            "cap_minor": given["cap_minor"], "group": given["group"], "priority": given["priority"] or 0,
            "phase": given["phase"] or 1, "base": given["base"] or Base.RUNNING.value, "excludes": given["excludes"],
        }  # fmt: skip

    def _minimum(self) -> dict[str, Any] | None:
        given, before = self.cleaned_data, _known(self.before, "conditions", "minimum")
        if not given["least_amount"] and not given["least_quantity"]:
            return None
        return {
            **before, "amount_minor": given["least_amount"] or 0, "quantity": given["least_quantity"] or 0,
            "counted": given["counted"] or Base.RUNNING.value,
        }  # fmt: skip

    def _coupon(self) -> dict[str, Any] | None:
        coupon = {name: self.cleaned_data[name] for name in ("codes", "prefixes", "batches")}
        return coupon if any(coupon.values()) else None

    def _stock(self) -> dict[str, Any] | None:
        names = ("least_available", "least_cover_days", "most_cover_days")
        stock = {name: self.cleaned_data[name] for name in names}
        return stock if any(value is not None for value in stock.values()) else None

    def _hours(self) -> list[dict[str, Any]]:
        given = self.cleaned_data
        if not given["weekdays"] and not given["starts"] and not given["ends"]:
            return []
        hours: dict[str, Any] = {"weekdays": [int(day) for day in given["weekdays"]] or list(range(1, 8))}
        for name in ("starts", "ends"):
            if given[name]:
                hours[name] = given[name].strftime("%H:%M")
        return [hours]

    @staticmethod
    def initial_of(document: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the form begins with."""
        conditions, goods = _known(document, "conditions"), _known(document, "goods")
        minimum, limits = conditions.get("minimum") or {}, document.get("limits") or {}
        found: dict[str, Any] = {
            **{name: document[name] for name in ("id", "name", "priority", "phase", "group", "base", "cap_minor", "excludes")
               if name in document},
            **goods, **{name: conditions.get(name, []) for name in ("channels", "countries", *LISTS)},
            **limits, **(conditions.get("coupon") or {}), **(conditions.get("stock") or {}),
            "least_amount": minimum.get("amount_minor"), "least_quantity": minimum.get("quantity"),
            "counted": minimum.get("counted", Base.RUNNING.value),
            "first_order": {True: "first", False: "later"}.get(conditions.get("is_first_order"), ""),  # type: ignore[arg-type]
        }  # fmt: skip
        for name in ("valid_from", "valid_until"):
            if conditions.get(name):
                found[name] = _instant(conditions[name])
        if document.get("announced_at"):
            found["announced_at"] = _instant(document["announced_at"])
        if len(conditions.get("hours", ())) == 1:
            (hours,) = conditions["hours"]
            days = hours.get("weekdays", list(range(1, 8)))
            found["weekdays"] = [str(day) for day in days] if len(days) < 7 else []
            found |= {name: hours[name] for name in ("starts", "ends") if name in hours}
        return found


def _instant(text: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(text)


def _known(document: Mapping[str, Any], *names: str) -> dict[str, Any]:
    found: Any = document
    for name in names:
        found = (found or {}).get(name)
    return dict(found or {})


def _list(document: Mapping[str, Any], *names: str) -> list[Any]:
    return list(_known(document, *names[:-1]).get(names[-1]) or ())


def _with(choices: Sequence[tuple[str, Any]], named: Iterable[str]) -> list[tuple[str, Any]]:
    known = {value for value, _label in choices}
    return [*choices, *((name, name) for name in named if name not in known)]


def blame(form: PromotionForm, benefit: BenefitForm, errors: Sequence[Mapping[str, Any]]) -> None:
    """Put faults of a document beside the fields that they belong to; what has no field stands above the form."""
    for error in errors:
        where, message = str(error.get("field", "")), faults.said(str(error.get("message", "")))
        for paths, target in ((benefit.faults, benefit), (FAULTS, form)):
            found = max((one for one in paths if where.startswith(one)), key=len, default="")
            if found and paths[found] in target.fields:
                target.add_error(paths[found], message)
                break
        else:
            form.add_error(None, f"{words.path(where)}: {message}")


# --- the draft as a whole -------------------------------------------------------------------------------------------------


class BeginForm(forms.Form):
    """A draft is begun."""

    title = forms.CharField(label=gettext_lazy("What is it about"), max_length=120)
    of_number = forms.IntegerField(required=False, widget=forms.HiddenInput)


class WindowForm(forms.Form):
    """What a draft is called and when it shall hold."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=120)
    effective_from = LocalInstant(
        label=gettext_lazy("In force from"), help_text=gettext_lazy("Empty: as soon as it is published.")
    )
    effective_to = LocalInstant(
        label=gettext_lazy("In force until"),
        help_text=gettext_lazy("Empty: until the next version. When it ends, what held before holds again."),
    )
    note = forms.CharField(label=gettext_lazy("Note"), max_length=200, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        begins, ends = cleaned.get("effective_from"), cleaned.get("effective_to")
        if begins and ends and ends <= begins:
            self.add_error("effective_to", gettext_lazy("The end comes before the beginning; choose a later end."))
        return cleaned


class StackingForm(forms.Form):
    """How promotions get on with each other: groups, caps and guards."""

    basket_cap_basis_points = Percentage(
        label=gettext_lazy("At most off one basket (per cent)"), help_text=gettext_lazy("All promotions together.")
    )
    basket_cap_minor = Amount(label=gettext_lazy("At most off one basket (amount)"))
    minimum_margin_basis_points = Percentage(
        label=gettext_lazy("Margin floor (per cent of net)"),
        help_text=gettext_lazy("No promotion goes below; the rest is shown as forfeited."),
    )
    channel_fee_basis_points = Percentage(label=gettext_lazy("Fee of the channel (per cent)"))
    override_basis_points = Percentage(
        label=gettext_lazy("Prices by hand (per cent below the list)"),
        help_text=gettext_lazy("How far tills and the call centre may go."),
    )

    def __init__(self, *args: Any, stacking: Mapping[str, Any], **options: Any) -> None:
        """`stacking` is how it stands in the document."""
        self.stacking = dict(stacking)
        initial = {**self.stacking}
        self.groups = [dict(one) for one in self.stacking.get("groups", ())]
        for number, group in enumerate(self.groups):
            initial |= {
                f"{name}_{number}": group[name] for name in ("code", "mode", "phase", "priority") if name in group
            }
        super().__init__(*args, initial=initial, **options)
        modes = [(mode.value, label) for mode, label in words.MODES.items()]
        for number in range(len(self.groups) + 1):
            self.fields[f"code_{number}"] = forms.RegexField(
                r"^[A-Za-z0-9._-]{1,40}$", label=gettext_lazy("Group"), required=False
            )
            self.fields[f"mode_{number}"] = forms.ChoiceField(
                label=gettext_lazy("applied are"), choices=modes, required=False, initial=Mode.BEST.value
            )
            self.fields[f"phase_{number}"] = Count(label=gettext_lazy("Phase"), max_value=9, initial=1)
            self.fields[f"priority_{number}"] = forms.IntegerField(
                label=gettext_lazy("Priority"), initial=0, required=False, min_value=-1_000_000, max_value=1_000_000
            )

    def rows(self) -> list[list[Any]]:
        """Return the fields of each group, and of one that may be added."""
        return [
            [self[f"{name}_{number}"] for name in ("code", "mode", "phase", "priority")]
            for number in range(len(self.groups) + 1)
        ]

    def guards(self) -> list[Any]:
        """Return the fields that hold for all promotions."""
        return [self[name] for name in self.base_fields]

    def document(self) -> dict[str, Any]:
        """Return the stacking as its document says it; a group whose name is emptied goes."""
        given = self.cleaned_data
        groups = [
            {
                "code": given[f"code_{number}"], "mode": given[f"mode_{number}"] or Mode.BEST.value,
                "phase": given[f"phase_{number}"] or 1, "priority": given[f"priority_{number}"] or 0,
            }
            for number in range(len(self.groups) + 1)
            if given.get(f"code_{number}")
        ]  # fmt: skip
        return {
            "groups": groups,
            **{name: given[name] for name in self.base_fields if given[name] is not None},
        }  # fmt: skip


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=400, widget=forms.Textarea(attrs={"rows": 3}))


class MaybeReasonForm(forms.Form):
    """Why, if there is something to say."""

    reason = forms.CharField(
        label=gettext_lazy("Note"), max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
