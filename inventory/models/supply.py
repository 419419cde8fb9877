"""Supply: who delivers what on which terms, what was ordered, and how much of it came."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from commerce.enums import one_of
from inventory.models.places import Location
from inventory.purchasing import PurchaseOrderSource, PurchaseOrderState


class Supplier(models.Model):
    """Who goods come from, with the calendar of its orders and deliveries. Written by: inventory.procurement.suppliers"""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    country = models.CharField(_("country"), max_length=2)
    region = models.CharField(_("region (ISO 3166-2 part)"), max_length=4, blank=True)  # for public holidays
    time_zone = models.CharField(_("time zone"), max_length=40, default="Europe/Berlin")
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    # ISO weekdays, 1 is Monday; none means any.
    order_weekdays = ArrayField(
        models.PositiveSmallIntegerField(), verbose_name=_("order days"), default=list, blank=True
    )
    delivery_weekdays = ArrayField(
        models.PositiveSmallIntegerField(), verbose_name=_("delivery days"), default=list, blank=True
    )
    cut_off = models.TimeField(_("orders of the day until"), null=True, blank=True)  # in the supplier's time
    lead_time_days = models.IntegerField(_("agreed lead time in days"), default=7)
    minimum_order_minor = models.BigIntegerField(_("minimum order value"), default=0)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("supplier")
        verbose_name_plural = _("suppliers")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                name="supplier_weekdays_known",
                condition=Q(order_weekdays__contained_by=[1, 2, 3, 4, 5, 6, 7])
                & Q(delivery_weekdays__contained_by=[1, 2, 3, 4, 5, 6, 7]),
            ),
            models.CheckConstraint(name="supplier_lead_time_sane", condition=Q(lead_time_days__range=(0, 365))),
            models.CheckConstraint(name="supplier_minimum_not_negative", condition=Q(minimum_order_minor__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class SupplierClosure(models.Model):
    """Days on which a supplier neither takes orders nor delivers. Written by: inventory.procurement.suppliers"""

    supplier = models.ForeignKey(Supplier, on_delete=models.CASCADE, related_name="closures")
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    reason = models.CharField(_("reason"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("closed days of a supplier")
        verbose_name_plural = _("closed days of suppliers")
        ordering = ["first_day", "id"]
        constraints = [
            models.UniqueConstraint(name="supplier_closure_once", fields=["supplier", "first_day", "last_day"]),
            models.CheckConstraint(
                name="supplier_closure_ends_after_it_begins", condition=Q(last_day__gte=F("first_day"))
            ),
        ]


class SupplierTerm(models.Model):
    """On which terms a supplier sells a product; quantities in pieces, the cost of one piece in the supplier's currency.

    Written by: inventory.procurement.suppliers
    """

    supplier = models.ForeignKey(Supplier, on_delete=models.CASCADE, related_name="terms")
    product = models.ForeignKey(
        "commerce.Product", on_delete=models.PROTECT, related_name="+", verbose_name=_("product")
    )
    supplier_sku = models.CharField(_("number at the supplier"), max_length=64, blank=True)
    unit_cost_minor = models.BigIntegerField(_("cost of a piece"), null=True, blank=True)
    case_pack = models.IntegerField(_("pieces per case"), default=1)
    lot_size = models.IntegerField(_("lot size"), default=1)
    minimum_order = models.IntegerField(_("minimum order"), default=1)

    class Meta:
        verbose_name = _("terms of a supplier")
        verbose_name_plural = _("terms of suppliers")
        constraints = [
            models.UniqueConstraint(name="supplier_term_once", fields=["supplier", "product"]),
            models.CheckConstraint(
                name="supplier_term_quantities_positive",
                condition=Q(case_pack__gte=1, lot_size__gte=1, minimum_order__gte=1),
            ),
            models.CheckConstraint(
                name="supplier_term_cost_not_negative",
                condition=Q(unit_cost_minor__isnull=True) | Q(unit_cost_minor__gte=0),
            ),
        ]


class PurchaseOrder(models.Model):
    """Goods ordered from a supplier for one place, or announced by it. Its place and supplier never change.

    `reference` is the supplier's or ERP's own name for it, once per supplier; `announced_as_of` says how new the last word
    about it is, so that an older one can't undo it. `version` grows with every change.
    Written by: inventory.procurement.purchase_orders
    """

    id = models.UUIDField(primary_key=True)  # minted by the caller
    number = models.CharField(_("number"), max_length=24, unique=True)  # what people say: "PO-10042"
    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, related_name="+")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=16, default=PurchaseOrderState.DRAFT.value)
    source = models.CharField(max_length=10)
    reference = models.CharField(_("reference"), max_length=64, blank=True)
    currency = models.CharField(max_length=3)
    note = models.CharField(max_length=200, blank=True)
    version = models.IntegerField(default=1)
    author = models.CharField(max_length=200)
    approver = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=200, blank=True)  # why it was closed short or cancelled
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    announced_as_of = models.DateTimeField(null=True)
    approved_at = models.DateTimeField(null=True)
    ordered_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("purchase order")
        verbose_name_plural = _("purchase orders")
        constraints = [
            models.CheckConstraint(name="purchase_order_state_known", condition=one_of("state", PurchaseOrderState)),
            models.CheckConstraint(name="purchase_order_source_known", condition=one_of("source", PurchaseOrderSource)),
            models.UniqueConstraint(
                name="purchase_order_reference_once", fields=["supplier", "reference"], condition=~Q(reference="")
            ),
            models.CheckConstraint(
                name="purchase_order_closed_when_over",
                condition=Q(state__in=["received", "closed_short", "cancelled"], closed_at__isnull=False)
                | (~Q(state__in=["received", "closed_short", "cancelled"]) & Q(closed_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="purchase_order_announced_has_a_reference",
                condition=~Q(source="announced") | ~Q(reference=""),
            ),
            models.CheckConstraint(
                name="purchase_order_closed_short_has_a_reason",
                condition=~Q(state="closed_short") | ~Q(reason=""),
            ),
        ]
        indexes = [
            models.Index(
                name="purchase_order_coming",
                fields=["location"],
                condition=Q(state__in=["ordered", "partly_received"]),
            ),
            models.Index(name="purchase_order_newest", fields=["created_at", "id"]),
        ]

    def __str__(self) -> str:
        return self.number


class PurchaseOrderLine(models.Model):
    """Pieces of a product that an order brings on a day. `received` equals what the journal booked for it, damaged included.

    A quantity of 0 was not ordered and came all the same. `received_at` is when the last of the ordered pieces came, which
    lead times are learned from. Written by: inventory.procurement.purchase_orders, inventory.procurement.goods_in
    """

    order = models.ForeignKey(PurchaseOrder, on_delete=models.CASCADE, related_name="lines", db_index=False)
    number = models.PositiveSmallIntegerField()
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    quantity = models.BigIntegerField()
    received = models.BigIntegerField(default=0)
    unit_cost_minor = models.BigIntegerField(null=True)
    expected_on = models.DateField()
    received_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("purchase order line")
        verbose_name_plural = _("purchase order lines")
        ordering = ["order", "number"]
        constraints = [
            models.UniqueConstraint(name="purchase_order_line_number_once", fields=["order", "number"]),
            models.CheckConstraint(
                name="purchase_order_line_not_negative", condition=Q(quantity__gte=0, received__gte=0)
            ),
            models.CheckConstraint(
                name="purchase_order_line_says_something", condition=Q(quantity__gte=1) | Q(received__gte=1)
            ),
            models.CheckConstraint(
                name="purchase_order_line_cost_not_negative",
                condition=Q(unit_cost_minor__isnull=True) | Q(unit_cost_minor__gte=0),
            ),
        ]
        indexes = [
            models.Index(
                name="purchase_order_line_awaited", fields=["product"], condition=Q(received__lt=F("quantity"))
            ),
            models.Index(name="purchase_order_line_of_product", fields=["product", "received_at"]),
        ]
