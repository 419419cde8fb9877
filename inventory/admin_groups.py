"""Admin of groups of places: which places rules name together."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from commerce.actors import Actor
from commerce.admin_base import VerbAdmin
from commerce.roles import Permission
from inventory.models import Location, LocationGroup
from inventory.places import groups


class LocationGroupForm(forms.ModelForm):
    """A group of places; who is in it is ticked."""

    places = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Places"),
        queryset=Location.objects.order_by("code"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=gettext_lazy("Rules that name the group hold at these places, from the moment that you save."),
    )

    class Meta:
        model = LocationGroup
        fields = ["code", "name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["places"] = list(self.instance.members.values_list("location_id", flat=True))


@admin.register(LocationGroup)
class LocationGroupAdmin(VerbAdmin):
    """Places that rules name together: a region, a format."""

    views = writes = Permission.MANAGE_SHARING
    audited_as = "location_group"
    form = LocationGroupForm
    list_display = ["code", "name", "places"]
    search_fields = ["code", "name"]
    fields = ["code", "name", "places"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LocationGroup]:
        return super().get_queryset(request).prefetch_related("members__location")

    @display(description=gettext_lazy("Places"))
    def places(self, group: Any) -> str:
        return ", ".join(sorted(member.location.code for member in group.members.all()))

    def get_readonly_fields(self, request: HttpRequest, obj: LocationGroup | None = None) -> list[str]:
        return ["code"] if obj else []

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        chosen = [place.pk for place in values["places"]]
        return groups.set_group(values["code"], values["name"], chosen, by=by)

    def change(self, request: HttpRequest, obj: LocationGroup, values: dict[str, Any], *, by: Actor) -> None:
        had = obj.members.values_list("location_id", flat=True)
        chosen = [place.pk for place in values["places"]] if "places" in values else list(had)
        groups.set_group(obj.code, values.get("name", obj.name), chosen, by=by)
