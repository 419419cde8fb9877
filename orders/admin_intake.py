"""Admin of how orders come in: what is agreed with each channel."""

from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from commerce.actors import Actor
from commerce.admin_base import VerbAdmin
from commerce.roles import Permission
from orders import intake_terms
from orders.intake_terms import Terms
from orders.models import IntakeTerms


class IntakeTermsForm(forms.ModelForm):
    """What holds for a channel's orders from the moment that it is saved."""

    class Meta:
        model = IntakeTerms
        fields = ["channel", "may_price", "tolerance_minor", "shipping_product", "may_choose_place", "routes_later"]


@admin.register(IntakeTerms)
class IntakeTermsAdmin(VerbAdmin):
    """Whose prices hold, who chooses the place, and when it is chosen."""

    views = writes = Permission.MANAGE_CHANNELS
    audited_as = "channel"
    audited_by = "channel_id"
    form = IntakeTermsForm
    list_display = ["channel", "may_price", "tolerance_minor", "may_choose_place", "routes_later"]
    raw_id_fields = ["shipping_product"]
    list_select_related = ["channel"]

    def get_readonly_fields(self, request: HttpRequest, obj: IntakeTerms | None = None) -> list[str]:
        return ["channel"] if obj else []

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        charge = values["shipping_product"]
        terms = Terms(
            values["may_price"], values["tolerance_minor"], values["may_choose_place"], values["routes_later"],
            charge.pk if charge else None,
        )  # fmt: skip
        return intake_terms.agree(values["channel"].pk, terms, by=by)

    def change(self, request: HttpRequest, obj: IntakeTerms, values: dict[str, Any], *, by: Actor) -> None:
        known = IntakeTerms.objects.get(pk=obj.pk)
        before = Terms(**{name: getattr(known, name) for name in Terms.__dataclass_fields__})
        if "shipping_product" in values:
            charge = values.pop("shipping_product")
            values["shipping_product_id"] = charge.pk if charge else None
        intake_terms.agree(known.channel_id, replace(before, **values), by=by)
