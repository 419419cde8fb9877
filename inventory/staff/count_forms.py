"""What staff type on the pages of counts."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from commerce import clock
from commerce.staff import shell
from inventory.counting import CountKind, CountMode
from inventory.places import locations
from inventory.staff import count_words, words
from inventory.stock import Condition
from inventory.stocktaking import counts, rules
from inventory.stocktaking.figures import LONGEST_TEXT, MOST_PIECES, Figure
from inventory.stocktaking.rules import Policy

LARGEST_OFFSET = timedelta(days=3_650)  # a clock that is further off is no clock


def figure(data: QueryDict) -> Figure | None:
    """Read a scan as the page sends it, also one that was kept on the device; None when nothing was read."""
    text = shell.typed(data.get("text", ""))[:LONGEST_TEXT]
    if not text:
        return None
    sent_at = _instant(data.get("sent_at"))
    return Figure(
        id=_uuid(data.get("scan_id")),
        text=text,
        quantity=_whole(data.get("quantity"), 1),
        mode=CountMode.REPLACE if data.get("mode") == CountMode.REPLACE.value else CountMode.ADD,
        counted_at=_instant(data.get("scanned_at")) or sent_at or clock.now(),
        sent_at=sent_at,
        known_offset=_offset(data.get("offset_ms")),
    )


def _uuid(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError:
        return uuid4()


def _instant(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo and found.year > 1970 else None


def _whole(text: str | None, default: int) -> int:
    """Return the number; one that is none is out of bounds, so that the verb refuses it with a sentence."""
    text = (text or "").strip()
    if not text:
        return default
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else -1


def _offset(text: str | None) -> timedelta | None:
    try:
        found = timedelta(milliseconds=float(text or ""))
    except (ValueError, OverflowError):
        return None
    return found if abs(found) <= LARGEST_OFFSET else None


class BeginForm(forms.Form):
    """What is to be counted."""

    count_id = forms.UUIDField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(choices=[(kind.value, kind.value) for kind in CountKind])
    shelf = forms.CharField(
        label=_("Shelf"), required=False, max_length=20, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    category = forms.ChoiceField(label=_("Category"), required=False)
    condition = forms.ChoiceField(
        label=_("Goods that are"),
        choices=[(one.value, label) for one, label in words.CONDITIONS.items() if one is not Condition.IN_TRANSIT],
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=counts.LONGEST_NOTE,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: QueryDict | None, *, location_id: int) -> None:
        super().__init__(
            data, initial={"count_id": uuid4(), "kind": CountKind.DIRECTED.value, "condition": Condition.SELLABLE.value}
        )
        self.categories = counts.categories(location_id)
        choices = [("", _("Choose a category"))] + [(name, f"{name} ({n})") for name, n in self.categories]
        self.fields["category"].choices = choices

    @property
    def kinds(self) -> list[tuple[str, Any, Any, str, bool]]:
        chosen = self["kind"].value()
        return [
            (kind.value, label, help_text, icon, kind.value == chosen)
            for kind, (label, help_text, icon) in count_words.KINDS.items()
        ]


class RulesForm(forms.Form):
    """How often a place counts what, and what one person may decide alone. Values in whole units of money."""

    a_days = forms.IntegerField(label=_("Class A every … days"), min_value=1, max_value=3650)
    b_days = forms.IntegerField(label=_("Class B every … days"), min_value=1, max_value=3650)
    c_days = forms.IntegerField(label=_("Class C every … days"), min_value=1, max_value=3650)
    items_at_once = forms.IntegerField(label=_("Products of one count"), min_value=1, max_value=rules.MOST_AT_ONCE)
    approve_above_pieces = forms.IntegerField(
        label=_("A second person decides above … pieces"), min_value=0, max_value=MOST_PIECES
    )
    approve_above_value = forms.IntegerField(
        label=_("… or above a value of"),
        min_value=0,
        max_value=20_000_000,
        help_text=_("In the currency of the goods."),
    )
    opens_at_night = forms.BooleanField(
        label=_("Begin a count every night when something is due"),
        required=False,
        help_text=_("One at a time: nothing begins while another one is open."),
    )

    @classmethod
    def of(cls, policy: Policy) -> "RulesForm":
        values = {
            field: getattr(policy, field) for field in Policy.__dataclass_fields__ if field != "approve_above_minor"
        }
        return cls(initial=values | {"approve_above_value": policy.approve_above_minor // 100})

    @property
    def policy(self) -> Policy:
        values = dict(self.cleaned_data)
        return Policy(approve_above_minor=values.pop("approve_above_value") * 100, **values)


def place(code: str) -> locations.LocationRef | None:
    """Return the place that rules are about; none is all places. Raises: LocationUnknown."""
    return locations.ref(code) if code else None
