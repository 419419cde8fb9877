"""Admin of days on the road between places and to customers, and of what nightly ranking found."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.validators import MaxValueValidator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from commerce.actors import Actor
from commerce.admin_base import ReadOnlyAdmin, VerbAdmin, each
from commerce.roles import Permission
from inventory.models import TransitTime, ValueClassing
from inventory.places import transit


class TransitTimeForm(forms.ModelForm):
    """A way and its days."""

    class Meta:
        model = TransitTime
        fields = ["origin", "destination", "up_to_km", "country", "days"]
        help_texts = {
            "origin": gettext_lazy("Empty: from everywhere."),
            "destination": gettext_lazy("Fill in one of these three: a place, a distance, or a country."),
            "up_to_km": gettext_lazy(
                "Without any line goods take 1 day to places up to 200 km away, and 2 days to those further off."
            ),
            "country": gettext_lazy(
                "Two letters. Without any line a parcel takes 2 days within a country and 5 within the customs area."
            ),
            "days": gettext_lazy("Promises, transfers and proposals to reorder go by it."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["days"].validators.append(MaxValueValidator(transit.LONGEST_DAYS))

    def clean(self) -> dict[str, Any]:
        """Say what makes no way in the verb's words, before a constraint says it by its name."""
        values = super().clean() or {}
        if not self.errors:
            for fault in transit.faults_of(**_named(values)):
                self.add_error(fault["field"], fault["message"])
        return values


@admin.register(TransitTime)
class TransitTimeAdmin(VerbAdmin):
    """How long goods are on the road."""

    views = writes = Permission.MANAGE_SUPPLY
    audited_as = "transit_time"
    form = TransitTimeForm
    list_display = ["way", "days"]
    list_select_related = ["origin", "destination"]
    list_filter = ["country", "origin"]
    fields = ["origin", "destination", "up_to_km", "country", "days"]
    actions = ["take_off"]

    @display(description=gettext_lazy("way"))
    def way(self, row: TransitTime) -> str:
        origin = row.origin.name if row.origin else _("everywhere")
        if row.destination:
            return f"{origin} → {row.destination.name}"
        if row.country:
            return f"{origin} → {row.country}"
        return _("%(origin)s → up to %(km)s km") % {"origin": origin, "km": row.up_to_km}

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        return transit.add(by=by, **_named(values))

    def change(self, request: HttpRequest, obj: TransitTime, values: dict[str, Any], *, by: Actor) -> None:
        transit.change(obj.pk, by=by, **_named(values))

    @admin.action(description=gettext_lazy("Remove: the next wider line counts"))
    def take_off(self, request: HttpRequest, queryset: QuerySet[TransitTime]) -> None:
        by = Actor.staff(request.user)
        each(request, queryset, lambda row: transit.remove(row.pk, by=by), done=_("{count} lines were removed."))


def _named(values: dict[str, Any]) -> dict[str, Any]:
    """Return the form's places by their ids."""
    found = dict(values)
    for name in ("origin", "destination"):
        if name in found:
            place = found.pop(name)
            found[f"{name}_id"] = place.pk if place else None
    return found


@admin.register(ValueClassing)
class ValueClassingAdmin(ReadOnlyAdmin):
    """What makes how much of each place's turnover; worked out every night."""

    views = Permission.VIEW_STOCK
    list_display = ["product", "location", "value_class", "pieces", "value_minor", "currency", "made_at"]
    list_select_related = ["product", "location"]
    list_filter = ["value_class", "location"]
    search_fields = ["product__sku"]
    ordering = ["location", "value_class", "-value_minor"]
