"""What staff types or scans: parsed and bounded here, judged by the verbs."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from commerce import clock
from orders import pickup
from orders.staff import words

LONGEST_SCAN = 80  # what a scan may hold at most; the column is as long
LONGEST_NOTE = 200
MOST_PIECES = 9_999
OLDEST_SCAN = timedelta(hours=24)  # a phone that was offline longer than a shift has the wrong clock

REASONS = [("not_found", _("Not found")), ("damaged", _("Damaged")), ("other", _("Other reason"))]
COUNT_REASONS = [
    ("no_barcode", _("No barcode on it")),
    ("unreadable", _("Barcode unreadable")),
    ("scanner_broken", _("Scanner doesn’t work")),
    ("put_back", _("Put back or miscounted")),
]
CANCEL_REASONS = [
    ("customer_asked", _("The customer asked for it")),
    ("not_available", _("The goods can’t be had")),
    ("duplicate", _("Ordered twice by mistake")),
    ("fraud_suspected", _("Suspicion of fraud")),
    ("other", _("Other reason")),
]


class ScanForm(forms.Form):
    """One scan: the device's own id makes a replay harmless; `scanned_at` is when it was scanned, by the device's clock."""

    scan_id = forms.UUIDField()
    text = forms.CharField(max_length=LONGEST_SCAN)
    scanned_at = forms.CharField(max_length=40, required=False)

    def clean_scanned_at(self) -> datetime:
        """Return when it was scanned: never later than now, never before the oldest that a queue keeps."""
        now = clock.now()
        try:
            given = datetime.fromisoformat(self.cleaned_data["scanned_at"])
        except ValueError:
            return now
        if given.tzinfo is None:
            return now
        return min(max(given, now - OLDEST_SCAN), now)


class CountForm(forms.Form):
    """Pieces counted by hand because the barcode can't be read."""

    quantity = forms.IntegerField(
        label=_("Pieces picked"),
        min_value=0,
        max_value=MOST_PIECES,
        error_messages={"required": _("Enter how many pieces you picked."), "invalid": _("Enter a whole number.")},
    )
    reason = forms.ChoiceField(
        label=_("Why not by scan?"),
        choices=COUNT_REASONS,
        error_messages={"required": _("Choose why it isn’t scanned.")},
    )


class RejectForm(forms.Form):
    """Pieces that can't be picked, and why."""

    quantity = forms.IntegerField(
        label=_("Missing pieces"),
        min_value=1,
        max_value=MOST_PIECES,
        error_messages={
            "required": _("Enter how many pieces are missing."),
            "invalid": _("Enter a whole number."),
            "min_value": _("At least one piece must be missing."),
        },
    )
    is_shelf_empty = forms.BooleanField(label=_("The shelf is empty"), required=False)
    instead = forms.CharField(label=_("Barcode or SKU of what you propose"), max_length=LONGEST_SCAN, required=False)
    at_own_price = forms.BooleanField(label=_("At its own price"), required=False)
    reason = forms.ChoiceField(
        label=_("Why?"), choices=REASONS, error_messages={"required": _("Choose why the pieces are missing.")}
    )


class WaveForm(forms.Form):
    """The orders of a wave to begin, as the page suggested them."""

    wave_id = forms.UUIDField()
    orders = forms.CharField(max_length=1_000)

    def clean_orders(self) -> list[UUID]:
        try:
            return [UUID(one) for one in self.cleaned_data["orders"].split()]
        except ValueError as error:
            raise forms.ValidationError(_("These orders can’t be read. Open the page of waves again.")) from error


class TakeOverForm(forms.Form):
    """Why a colleague's wave is taken over."""

    reason = forms.CharField(
        label=_("Why do you take it over?"),
        max_length=LONGEST_NOTE,
        error_messages={"required": _("Say why you take this wave over.")},
    )


class Wrong(Exception):
    """What was entered can't be taken; the text says what and the way out."""


class WeightForm(forms.Form):
    """How heavy a parcel is, in kilograms, as a scale shows it."""

    parcel = forms.UUIDField()
    weight = forms.DecimalField(
        label=_("Weight in kg"),
        min_value=Decimal("0.001"),
        max_value=Decimal("31.5"),
        decimal_places=3,
        localize=True,
        error_messages={
            "required": _("Weigh the parcel and enter its weight."),
            "invalid": _("Enter the weight in kilograms, such as 2.35."),
            "max_value": _("Carriers take up to 31.5 kg. Pack a second parcel."),
            "min_value": _("Weigh the parcel and enter its weight."),
            "max_decimal_places": _("Enter the weight in kilograms, such as 2.35."),
        },
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "weight" in given:
            given["grams"] = int(given["weight"] * 1000)
        return given


class NumberForm(forms.Form):
    """The number of a label that was made elsewhere."""

    parcel = forms.UUIDField()
    carrier = forms.CharField(
        label=_("Carrier"), max_length=40, error_messages={"required": _("Enter the carrier’s name.")}
    )
    number = forms.CharField(
        label=_("Tracking number"),
        max_length=80,
        error_messages={"required": _("Scan or type the number of the label.")},
    )


class CodeForm(forms.Form):
    """A pickup code, typed or scanned."""

    code = forms.CharField(
        label=_("Pickup code"),
        max_length=500,  # a scanned QR code may hold an address around it
        error_messages={"required": _("Enter the code that the customer shows or says.")},
    )

    def clean_code(self) -> str:
        return code_in(self.cleaned_data["code"])


def code_in(text: str) -> str:
    """Return the pickup code in what was typed or scanned: as it is stored, and out of an address if it is in one."""
    found = re.search(r"[?&#]code=([A-Za-z0-9]+)", text)
    return pickup.normalised(found.group(1) if found else text)


class CheckedForm(forms.Form):
    """How a manager made sure who collects, instead of the code."""

    reason = forms.CharField(
        label=_("How did you check who is collecting?"),
        max_length=LONGEST_NOTE,
        error_messages={"required": _("Say how you made sure that this is the customer.")},
    )


class ArriveForm(forms.Form):
    """A customer waits outside: where."""

    bay = forms.CharField(label=_("Parking bay or number plate"), max_length=40, required=False)


class ShipForm(forms.Form):
    """A parcel goes with the carrier."""

    tracking_number = forms.CharField(label=_("Tracking number"), max_length=80, required=False)


class CancelForm(forms.Form):
    """Why an order is cancelled."""

    reason = forms.ChoiceField(
        label=_("Why is it cancelled?"),
        choices=CANCEL_REASONS,
        error_messages={"required": _("Choose why the order is cancelled.")},
    )
    note = forms.CharField(label=_("Note for colleagues"), max_length=LONGEST_NOTE, required=False)

    def reason_text(self) -> str:
        """Return the reason as the journal keeps it: the code, and the note after it."""
        note = self.cleaned_data["note"]
        return f"{self.cleaned_data['reason']}: {note}"[:LONGEST_NOTE] if note else self.cleaned_data["reason"]


class HoldForm(forms.Form):
    """Why an order has to stand still."""

    prefix = "hold"

    kind = forms.ChoiceField(
        label=_("Why must it wait?"),
        choices=[(kind, word.text) for kind, word in words.HOLDS.items()],
        error_messages={"required": _("Choose why the order has to wait.")},
    )
    reason = forms.CharField(
        label=_("Note for colleagues"),
        max_length=LONGEST_NOTE,
        required=False,
        help_text=_("What has to be settled before it goes on. No names or card numbers."),
    )


class ReleaseHoldForm(forms.Form):
    """What was settled, so that an order goes on."""

    prefix = "release"

    kind = forms.ChoiceField(choices=[(kind, word.text) for kind, word in words.HOLDS.items()])
    reason = forms.CharField(label=_("What was settled?"), max_length=LONGEST_NOTE, required=False)


def first_error(form: forms.Form) -> str:
    """Return the first thing that is wrong with a form, as a sentence."""
    errors: dict[str, Any] = form.errors
    return str(next(iter(errors.values()))[0]) if errors else ""
