"""Fields as merchandisers type them: amounts, percentages, lists of names, instants by the clock of the trade."""

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy

TRADE = ZoneInfo("Europe/Berlin")
MOST_NAMES = 5_000
HUNDREDTHS = Decimal(100)


class _Hundredths(forms.DecimalField):
    """A number with two decimal places, kept as a whole number of hundredths. "12,50" and "12.50" are the same."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("min_value", 0)
        options.setdefault("required", False)
        super().__init__(max_digits=14, decimal_places=2, widget=_plain("decimal"), **options)

    def to_python(self, value: Any) -> Any:
        text = str(value).strip().removesuffix("%").removesuffix("€").strip() if value is not None else ""
        if "," in text and "." in text:  # 1.234,50 or 1,234.50: the last sign is the decimal one
            text = text.replace("." if text.rfind(".") < text.rfind(",") else ",", "")
        return super().to_python(text.replace(",", ".").replace(" ", ""))

    def clean(self, value: Any) -> int | None:
        found = super().clean(value)
        return None if found is None else int((found * HUNDREDTHS).to_integral_value(ROUND_HALF_UP))

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            return f"{value / 100:.2f}".removesuffix(".00") if value % 100 == 0 else f"{value / 100:.2f}"
        return value


class Amount(_Hundredths):
    """Money in the currency of the basket; kept in minor units."""


class Percentage(_Hundredths):
    """A percentage; kept in basis points."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_value=100, **options)


def _plain(mode: str) -> forms.TextInput:
    return forms.TextInput(attrs={"inputmode": mode, "autocomplete": "off", "size": 10})


class Count(forms.IntegerField):
    """A number of things."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("min_value", 1)
        options.setdefault("required", False)
        super().__init__(widget=_plain("numeric"), **options)


class Names(forms.CharField):
    """Names apart by commas, semicolons or lines. What stands twice counts once."""

    def __init__(self, *, rows: int = 0, **options: Any) -> None:
        options.setdefault("required", False)
        widget = forms.Textarea(attrs={"rows": rows, "spellcheck": "false"}) if rows else forms.TextInput(
            attrs={"spellcheck": "false", "autocomplete": "off"}
        )  # fmt: skip
        super().__init__(max_length=200_000, widget=widget, **options)

    def clean(self, value: Any) -> list[str]:
        text = super().clean(value)
        names = list(dict.fromkeys(part.strip() for part in re.split(r"[,;\n\r]+", text or "") if part.strip()))
        if len(names) > MOST_NAMES:
            raise ValidationError(gettext_lazy("At most %(most)s names.") % {"most": MOST_NAMES})
        return names

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return ("\n" if isinstance(self.widget, forms.Textarea) else ", ").join(value)
        return value


class Ticks(forms.MultipleChoiceField):
    """Some of a list, ticked."""

    def __init__(self, choices: Sequence[tuple[str, Any]] = (), **options: Any) -> None:
        options.setdefault("required", False)
        super().__init__(choices=choices, widget=forms.CheckboxSelectMultiple, **options)


class LocalInstant(forms.CharField):
    """A day and a time by the clock of the trade (Europe/Berlin), as browsers send them."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("required", False)
        super().__init__(widget=forms.DateTimeInput(attrs={"type": "datetime-local"}), **options)

    def clean(self, value: Any) -> datetime | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            found = datetime.fromisoformat(text)
        except ValueError as error:
            raise ValidationError(gettext_lazy("Enter a day and a time, such as 2026-11-27 00:00.")) from error
        local = found.replace(tzinfo=TRADE) if found.tzinfo is None else found
        if local.astimezone(timezone.get_fixed_timezone(0)).astimezone(TRADE).replace(tzinfo=None) != local.replace(
            tzinfo=None
        ):
            raise ValidationError(gettext_lazy("The clock skips this hour (summer time begins); choose another one."))
        return local

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(TRADE).strftime("%Y-%m-%dT%H:%M")
        return value


class TimeOfDay(forms.TimeField):
    """A time of the day."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("required", False)
        super().__init__(widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"), **options)
