"""What staff type about transfers: where to, when, what arrived by hand, why something is missing."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from commerce.staff import shell
from inventory import moving
from inventory.moving import DifferenceReason
from inventory.places.locations import LocationRef
from inventory.staff import words
from inventory.stock import Condition
from inventory.transport import transfers
from inventory.transport.records import LineRef

LYING = [
    (condition.value, words.CONDITIONS[condition]) for condition in Condition if condition is not Condition.IN_TRANSIT
]

DIFFERENCES: dict[DifferenceReason, Any] = {
    DifferenceReason.LOST: _("Lost on the way"),
    DifferenceReason.STOLEN: _("Stolen on the way"),
    DifferenceReason.DESTROYED: _("Destroyed on the way"),
    DifferenceReason.LEFT_BEHIND: _("Never left; still at the sending store"),
}

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class NewTransferForm(forms.Form):
    """A transfer to begin. Its id is minted with the empty form, so that sending it twice begins one."""

    transfer_id = forms.UUIDField(widget=forms.HiddenInput)
    destination = forms.ChoiceField(label=_("To"), error_messages={"required": _("Choose where the goods go.")})
    condition = forms.ChoiceField(label=_("Goods"), choices=LYING, initial=Condition.SELLABLE.value)
    note = forms.CharField(
        label=_("Note"),
        max_length=120,
        required=False,
        help_text=_("Stands on the transfer note, such as why or for whom."),
    )

    def __init__(self, data: Any = None, *, places: Sequence[LocationRef]) -> None:
        super().__init__(data, initial={"transfer_id": uuid4()})
        names = [(place.code, f"{place.name} ({place.code})") for place in places]
        self.fields["destination"].choices = [("", _now("Choose a store")), *names]
        self.fields["note"].widget.attrs["autocomplete"] = "off"

    def clean_note(self) -> str:
        return shell.typed(self.cleaned_data["note"])


class SendForm(forms.Form):
    """When the goods will be there."""

    expected_on = forms.DateField(
        label=_("Expected there on"),
        widget=_DAY,
        error_messages={"required": _("Say on which day the goods will be there."), "invalid": _("Enter a day.")},
    )

    def clean_expected_on(self) -> Any:
        day = self.cleaned_data["expected_on"]
        if day < timezone.localdate():
            raise forms.ValidationError(_now("This day has passed. Choose today or later."))
        return day


class ScanForm(forms.Form):
    """One scan: the device's own id makes a replay harmless."""

    scan_id = forms.UUIDField()
    text = forms.CharField(
        max_length=200, error_messages={"required": _("Nothing was read. Scan again, or type the number.")}
    )


class ArrivalForm(forms.Form):
    """Pieces of one line that are booked by hand: many at once, damaged ones, or without a readable label."""

    arrival_id = forms.UUIDField()
    sku = forms.CharField(max_length=64)
    quantity = forms.IntegerField(
        label=_("Pieces"),
        min_value=1,
        max_value=transfers.MOST_PIECES,
        error_messages={
            "required": _("Enter how many pieces."),
            "invalid": _("Enter a whole number."),
            "min_value": _("Enter a whole number from 1."),
            "max_value": _("That is too many: check the number."),
        },
    )
    condition = forms.ChoiceField(choices=LYING)


class ReasonForm(forms.Form):
    """Why a transfer is cancelled."""

    reason = forms.CharField(
        label=_("Why?"), max_length=120, error_messages={"required": _("Say why; the other store reads it.")}
    )


class ExpectForm(SendForm):
    """On which other day goods on the way come, and why."""

    reason = forms.CharField(
        label=_("Why?"), max_length=120, error_messages={"required": _("Say why; the other store reads it.")}
    )


def differences(data: Any, short: Sequence[tuple[LineRef, str]]) -> dict[int, DifferenceReason]:
    """Return the reasons that were chosen for lines (with their SKUs) that are short; those without one are missing."""
    chosen = {line.product_id: data.get(f"reason-{sku}", "") for line, sku in short}
    return {
        product_id: DifferenceReason(reason) for product_id, reason in chosen.items() if reason in set(DifferenceReason)
    }


def quantities(data: Any) -> list[tuple[str, int]] | None:
    """Return (SKU, pieces) of a draft's lines as the form sends them, 0 for those to take out; None if one can't be read."""
    texts = [text.strip() for text in data.getlist("quantity")]
    if any(not (text.isascii() and text.isdigit() and len(text) <= 7) for text in texts):
        return None
    gone = data.get("remove", "")
    skus = [shell.typed(sku) for sku in data.getlist("sku")]
    return [(sku, 0 if sku == gone else int(text)) for sku, text in zip(skus, texts, strict=False)]


def packed(pieces: int, pack: int) -> str:
    """Return a quantity as it is packed; nothing when it goes in single pieces."""
    return moving.in_packs(pieces, pack) if pack > 1 else ""
