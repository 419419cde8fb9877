"""Admin of the ground: products, channels, keys, endpoints; audit, outbox and quotas to read."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from commerce import admin_journals, catalog, clock, gtin, kits
from commerce.actors import Actor
from commerce.admin_base import (
    ReadOnlyAdmin,
    ReadOnlyInline,
    ReasonForm,
    VerbAdmin,
    confirmed,
    each,
    granted,
    shown_once,
)
from commerce.channels import endpoints, keys
from commerce.models import (
    Channel,
    ChannelKey,
    KitComponent,
    Listing,
    Product,
    ProductGtin,
    ProductKind,
    WebhookEndpoint,
)
from commerce.roles import Permission, Scope

__all__ = ["admin_journals"]  # registers its pages by being imported

admin.site.unregister(Group)  # rights come from roles at locations, not from groups


class GtinForm(forms.ModelForm):
    """A barcode as people type it; it is checked and kept with 14 digits."""

    gtin = forms.CharField(label=gettext_lazy("GTIN"), max_length=20)

    class Meta:
        model = ProductGtin
        fields = ["gtin", "pieces"]

    def clean_gtin(self) -> str:
        try:
            return gtin.normalise(self.cleaned_data["gtin"])
        except ValueError as error:
            raise forms.ValidationError(_("Not a barcode: %(why)s.") % {"why": error}) from error


class GtinInline(TabularInline):
    """A product's barcodes: can be added and taken off, not rewritten."""

    model = ProductGtin
    form = GtinForm
    extra = 1

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return Permission.MANAGE_CATALOG in granted(request)

    has_change_permission = has_add_permission
    has_delete_permission = has_add_permission


class ComponentForm(forms.ModelForm):
    """A component by its SKU, as people know it."""

    sku = forms.CharField(label=gettext_lazy("SKU"), max_length=64)

    class Meta:
        model = KitComponent
        fields = ["sku", "quantity"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["sku"] = self.instance.component.sku

    def clean_sku(self) -> str:
        sku = self.cleaned_data["sku"].strip()
        if sku not in catalog.products_by_sku([sku]):
            raise forms.ValidationError(_("There is no product %(sku)s.") % {"sku": sku})
        return sku


class ComponentInline(TabularInline):
    """What is in a kit."""

    model = KitComponent
    fk_name = "kit"
    form = ComponentForm
    extra = 1

    def get_queryset(self, request: HttpRequest) -> QuerySet[KitComponent]:
        return super().get_queryset(request).select_related("component").order_by("component__sku")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return Permission.MANAGE_CATALOG in granted(request)

    has_change_permission = has_add_permission
    has_delete_permission = has_add_permission


class ListingInline(ReadOnlyInline):
    """The channels that offer a product."""

    model = Listing
    views = Permission.MANAGE_CATALOG
    fields = ["channel"]


@admin.register(Product)
class ProductAdmin(VerbAdmin):
    """Products, their barcodes, and what is in a kit. The SKU is for ever."""

    views = Permission.VIEW_STOCK
    writes = Permission.MANAGE_CATALOG
    audited_as = "product"
    list_display = ["sku", "name", "brand", "category", "kind", "tax_class", "is_active"]
    list_filter = ["is_active", "kind", "tax_class", ("created_at", RangeDateTimeFilter)]
    search_fields = ["sku", "name", "gtins__gtin"]
    search_help_text = gettext_lazy("SKU, name or barcode")
    inlines = [GtinInline, ComponentInline, ListingInline]
    fieldsets = [
        (None, {"fields": ["sku", "name", ("brand", "category"), ("kind", "tax_class"), ("minimum_age", "is_active")]}),
        (gettext_lazy("Measures"), {"fields": [("weight_grams", "length_mm"), ("width_mm", "height_mm")]}),
    ]
    actions = ["list_on_all_channels"]

    def get_readonly_fields(self, request: HttpRequest, obj: Product | None = None) -> list[str]:
        return ["sku"] if obj else ["is_active"]

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        return catalog.add_product(by=by, **values).id

    def change(self, request: HttpRequest, obj: Product, values: dict[str, Any], *, by: Actor) -> None:
        catalog.change_product(obj.pk, by=by, **values)

    def get_inlines(self, request: HttpRequest, obj: Product | None) -> list[Any]:
        """Components are of kits; of a product that is yet to be added nobody knows what it will be."""
        is_else = obj is not None and obj.kind != ProductKind.KIT
        return [one for one in self.inlines if one is not ComponentInline or not is_else]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        if formset.model is KitComponent:
            rows = [row.cleaned_data for row in formset.forms if row.cleaned_data and not row.cleaned_data["DELETE"]]
            formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
            if formset.has_changed():
                kits.set_components(
                    form.instance.pk, [(row["sku"], row["quantity"]) for row in rows], by=Actor.staff(request.user)
                )
            return
        formset.save(commit=False)
        if formset.model is not ProductGtin:
            return
        by = Actor.staff(request.user)
        for gone in formset.deleted_objects:
            catalog.remove_gtin(form.instance.pk, gone.gtin, by=by)
        for row, _changed in formset.changed_objects:
            catalog.remove_gtin(form.instance.pk, ProductGtin.objects.get(pk=row.pk).gtin, by=by)
            catalog.add_gtin(form.instance.pk, row.gtin, pieces=row.pieces, by=by)
        for row in formset.new_objects:
            catalog.add_gtin(form.instance.pk, row.gtin, pieces=row.pieces, by=by)

    @admin.action(description=gettext_lazy("Offer on all active channels"), permissions=["change"])
    def list_on_all_channels(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        by, ids = Actor.staff(request.user), list(queryset.values_list("pk", flat=True)[:500])
        each(
            request,
            Channel.objects.filter(is_active=True),
            lambda channel: catalog.list_products(channel, ids, by=by),
            done=_("Offered on {count} channels."),
        )


class KeyInline(ReadOnlyInline):
    """A channel's keys, without their secrets."""

    model = ChannelKey
    views = Permission.MANAGE_CHANNELS
    fields = ["name", "prefix", "scopes", "requests_per_minute", "expires_at", "revoked_at"]
    show_change_link = True


class EndpointInline(ReadOnlyInline):
    """Where a channel gets its events."""

    model = WebhookEndpoint
    views = Permission.MANAGE_CHANNELS
    fields = ["url", "event_types", "is_active", "consecutive_failures"]
    show_change_link = True


@admin.register(Channel)
class ChannelAdmin(VerbAdmin):
    """Where customers buy."""

    views = writes = Permission.MANAGE_CHANNELS
    audited_as = "channel"
    list_display = ["code", "name", "kind", "country", "currency", "language", "is_active", "listed"]
    list_filter = ["is_active", "kind", "country"]
    search_fields = ["code", "name"]
    fields = ["code", "name", "kind", ("country", "currency", "language"), "is_active"]
    inlines = [KeyInline, EndpointInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Channel]:
        return super().get_queryset(request).annotate(listed_count=Count("listings"))

    @display(description=gettext_lazy("Products offered"))
    def listed(self, channel: Any) -> int:
        return int(channel.listed_count)

    def get_readonly_fields(self, request: HttpRequest, obj: Channel | None = None) -> list[str]:
        return ["code"] if obj else ["is_active"]

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        return int(catalog.add_channel(by=by, **values).pk)

    def change(self, request: HttpRequest, obj: Channel, values: dict[str, Any], *, by: Actor) -> None:
        catalog.change_channel(obj.pk, by=by, **values)


class KeyForm(forms.ModelForm):
    """What a new key may do."""

    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Scopes"),
        choices=[(scope.value, scope.value) for scope in Scope],
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = ChannelKey
        fields = ["channel", "name", "scopes", "person", "requests_per_minute", "expires_at"]


class OverlapForm(forms.Form):
    """How long the old key still works beside the new one."""

    hours = forms.IntegerField(
        label=gettext_lazy("Hours in which the old key still works"),
        min_value=0,
        max_value=int(keys.LONGEST_OVERLAP.total_seconds() // 3600),
        initial=24,
        widget=UnfoldAdminIntegerFieldWidget,
    )


@admin.register(ChannelKey)
class ChannelKeyAdmin(VerbAdmin):
    """Credentials of channels. A key is shown once, when it is issued or rotated; afterwards only its prefix is."""

    views = writes = Permission.MANAGE_CHANNELS
    audited_as = "channel_key"
    form = KeyForm
    list_display = ["channel", "name", "prefix", "person", "works", "requests_per_minute", "expires_at", "revoked_at"]
    list_select_related = ["channel", "person"]
    list_filter = ["channel", ("expires_at", admin.EmptyFieldListFilter), ("revoked_at", admin.EmptyFieldListFilter)]
    search_fields = ["prefix", "name"]
    actions_detail = ["rotate", "revoke"]

    @display(description=gettext_lazy("Works"), boolean=True)
    def works(self, key: ChannelKey) -> bool:
        return keys.is_active(key, at=clock.now())

    def has_change_permission(self, request: HttpRequest, obj: ChannelKey | None = None) -> bool:
        return False  # a key's rights never change: issue another one

    def has_rotate_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._writes(request)

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> UUID:
        key, plain = keys.issue(by=by, **values)
        request._plain_key = plain
        return key.pk

    def response_add(self, request: HttpRequest, obj: ChannelKey, post_url_continue: str | None = None) -> HttpResponse:
        return shown_once(
            self, request, title=_("The new key"), secret=request._plain_key, back=reverse("admin:commerce_channelkey_changelist")
        )  # fmt: skip

    @action(description=gettext_lazy("Rotate"), icon="autorenew", permissions=["rotate"])
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        key, back = self.wanted(request, object_id), reverse("admin:commerce_channelkey_change", args=[object_id])

        def verb(values: dict[str, Any]) -> HttpResponse:
            fresh, plain = keys.rotate(key, overlap=timedelta(hours=values["hours"]), by=Actor.staff(request.user))
            after = reverse("admin:commerce_channelkey_change", args=[fresh.pk])
            return shown_once(self, request, title=_("The new key"), secret=plain, back=after)

        return confirmed(
            self, request, title=_("Rotate key"), form=OverlapForm(request.POST or None), verb=verb, back=back,
            consequence=_("A new key with the same rights is issued. The old one stops working after the overlap."),
        )  # fmt: skip

    @action(description=gettext_lazy("Revoke"), icon="block", permissions=["rotate"], variant=ActionVariant.DANGER)
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        key, back = self.wanted(request, object_id), reverse("admin:commerce_channelkey_change", args=[object_id])

        def verb(values: dict[str, Any]) -> None:
            keys.revoke(key, by=Actor.staff(request.user), reason=values["reason"])

        return confirmed(
            self, request, title=_("Revoke key"), form=ReasonForm(request.POST or None), verb=verb, back=back,
            consequence=_("Whoever uses this key is refused within 15 seconds, for good."),
        )  # fmt: skip


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    """Where channels get their events. Channels manage these by API; here they can be read and switched off."""

    views = Permission.MANAGE_CHANNELS
    exclude = ["secret", "previous_secret"]
    list_display = ["channel", "url", "is_active", "consecutive_failures", "open_until", "created_at"]
    list_select_related = ["channel"]
    list_filter = ["channel", "is_active"]
    search_fields = ["url"]
    actions_detail = ["deactivate"]

    def has_deactivate_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self.has_view_permission(request)

    @action(
        description=gettext_lazy("Switch off"), icon="block", permissions=["deactivate"], variant=ActionVariant.DANGER
    )
    def deactivate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        endpoint = self.wanted(request, object_id)

        def verb(values: dict[str, Any]) -> None:
            endpoints.deactivate(endpoint.pk, by=Actor.staff(request.user), reason=values["reason"])

        return confirmed(
            self, request, title=_("Switch off endpoint"), form=ReasonForm(request.POST or None), verb=verb,
            back=reverse("admin:commerce_webhookendpoint_change", args=[object_id]),
            consequence=_("Nothing is sent there any more; what is open waits until the channel switches it on again."),
        )  # fmt: skip


@admin.register(Listing)
class ListingAdmin(ReadOnlyAdmin):
    """Which channel offers which product."""

    views = Permission.MANAGE_CATALOG
    list_display = ["channel", "product"]
    list_select_related = ["channel", "product"]
    list_filter = ["channel"]
    search_fields = ["product__sku"]
