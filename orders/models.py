"""Tables of orders: what was bought, who prepares it where, and why there."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from commerce.enums import choices, one_of
from orders.lifecycle import OPEN, Method, OrderStatus, State
from orders.sales_mapping import LineKind

OPEN_STATES = [state.value for state in State if state in OPEN]


class Order(models.Model):
    """What a customer bought through one channel. Arrives once: channel and external reference are unique.

    `status` is what its fulfilments come to (`lifecycle.order_status`), written with every change of theirs so that lists
    find it by index, and proved by `verify_ledger`.
    Written by: orders.placement (status, totals and version as work goes on: orders.fulfilment)
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.CharField(_("number"), max_length=24, unique=True)  # what people say: "K-100042"
    channel = models.ForeignKey(
        "commerce.Channel", on_delete=models.PROTECT, related_name="+", db_index=False, verbose_name=_("channel")
    )
    external_reference = models.CharField(_("the channel's reference"), max_length=120)
    customer = models.ForeignKey("customers.Profile", on_delete=models.PROTECT, related_name="+", null=True)
    contact_name = models.CharField(_("name"), max_length=160, blank=True)
    contact_email = models.CharField(_("e-mail"), max_length=254, blank=True)
    contact_phone = models.CharField(_("phone"), max_length=40, blank=True)
    ship_to = models.JSONField(null=True, blank=True)  # street, postal_code, city, country
    language = models.CharField(max_length=5, default="de")
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField(_("total"))
    tax_minor = models.BigIntegerField(_("VAT"))
    quote_id = models.UUIDField(null=True)
    pricing = models.JSONField()  # the quote's document: lines, steps, taxes, ruleset version
    tracking_token = models.CharField(max_length=43, unique=True)
    status = models.CharField(max_length=20, choices=choices(OrderStatus), default=OrderStatus.OPEN.value)
    version = models.BigIntegerField(default=1)
    placed_at = models.DateTimeField(_("placed at"))
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            models.UniqueConstraint(name="order_arrives_once", fields=["channel", "external_reference"]),
            models.CheckConstraint(name="order_total_not_negative", condition=Q(total_minor__gte=0)),
            models.CheckConstraint(name="order_status_known", condition=one_of("status", OrderStatus)),
        ]
        indexes = [
            models.Index(name="order_by_time", fields=["channel", "-placed_at", "-id"]),
            models.Index(name="order_by_status", fields=["channel", "status", "-placed_at", "-id"]),
            models.Index(name="order_lately", fields=["-placed_at", "-id"]),
        ]

    def __str__(self) -> str:
        return self.number


class OrderLine(models.Model):
    """One product of an order, as priced. Written by: orders.placement (cancelled: orders.cancellation)"""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines", db_index=False)
    line_number = models.PositiveSmallIntegerField()
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    quantity = models.PositiveIntegerField()
    cancelled = models.PositiveIntegerField(default=0)  # pieces that won't be delivered: cancelled or rejected
    unit_price_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    tax_basis_points = models.PositiveIntegerField()

    class Meta:
        ordering = ["order", "line_number"]
        constraints = [
            models.UniqueConstraint(name="order_line_number_once", fields=["order", "line_number"]),
            models.CheckConstraint(name="order_line_quantity_positive", condition=Q(quantity__gte=1)),
            models.CheckConstraint(name="order_line_cancelled_at_most_all", condition=Q(cancelled__lte=F("quantity"))),
            models.CheckConstraint(name="order_line_total_not_negative", condition=Q(total_minor__gte=0)),
        ]


class Fulfilment(models.Model):
    """The work one location does for one order by one method. Its state moves only as `orders.lifecycle` says.

    A lease says who works on it until when; a pickup has a code from the start. Written by: orders.fulfilment
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fulfilments")
    location = models.ForeignKey("inventory.Location", on_delete=models.PROTECT, related_name="+", db_index=False)
    method = models.CharField(max_length=16, choices=choices(Method))
    state = models.CharField(max_length=20, choices=choices(State), default=State.PLACED.value)
    window_starts_at = models.DateTimeField(null=True)
    window_ends_at = models.DateTimeField(null=True)
    slot_hold_id = models.UUIDField(null=True)  # the quota hold of the pickup window
    promised_at = models.DateTimeField()  # ready by (pickup) or shipped by: what the customer was told
    keep_until = models.DateTimeField(null=True)
    pickup_code = models.CharField(max_length=12, blank=True)
    failed_code_attempts = models.PositiveSmallIntegerField(default=0)
    is_on_shelf = models.BooleanField(default=False)  # picked goods lie on the pickup shelf and must go somewhere
    lease_holder = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    lease_expires_at = models.DateTimeField(null=True)
    arrived_at = models.DateTimeField(null=True)
    bay = models.CharField(max_length=40, blank=True)
    version = models.BigIntegerField(default=1)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("fulfilment")
        verbose_name_plural = _("fulfilments")
        constraints = [
            models.CheckConstraint(name="fulfilment_state_known", condition=one_of("state", State)),
            models.CheckConstraint(name="fulfilment_method_known", condition=one_of("method", Method)),
            models.CheckConstraint(
                name="fulfilment_lease_is_whole",
                condition=Q(lease_holder__isnull=True, lease_expires_at__isnull=True)
                | Q(lease_holder__isnull=False, lease_expires_at__isnull=False),
            ),
            models.CheckConstraint(
                name="fulfilment_window_is_whole",
                condition=Q(window_starts_at__isnull=True, window_ends_at__isnull=True)
                | Q(window_ends_at__gt=F("window_starts_at")),
            ),
            # Two customers of one store never hold the same code at once.
            models.UniqueConstraint(
                name="pickup_code_once_per_location",
                fields=["location", "pickup_code"],
                condition=Q(state__in=OPEN_STATES) & ~Q(pickup_code=""),
            ),
        ]
        indexes = [
            models.Index(name="fulfilment_by_location", fields=["location", "-created_at"]),
            models.Index(
                name="fulfilment_queue",
                fields=["location", "promised_at"],
                condition=Q(state__in=OPEN_STATES) | Q(is_on_shelf=True),
            ),
        ]


class FulfilmentLine(models.Model):
    """What a fulfilment owes of one order line: wanted = picked + rejected + still to do.

    A line of a kit is owed in the goods that were in the kit when it was ordered: one row each, `per_unit` pieces of it in
    one kit. What is rejected are whole kits, so all rows of one kit lack the same number of them.
    Written by: orders.fulfilment
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    fulfilment = models.ForeignKey(Fulfilment, on_delete=models.PROTECT, related_name="lines")
    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="+")
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    allocation_id = models.UUIDField()
    quantity = models.PositiveIntegerField()
    per_unit = models.PositiveIntegerField(default=1)
    picked = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    reject_reason = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="fulfilment_line_quantity_positive", condition=Q(quantity__gte=1)),
            models.CheckConstraint(
                name="fulfilment_line_not_overpicked", condition=Q(quantity__gte=F("picked") + F("rejected"))
            ),
            models.CheckConstraint(
                name="fulfilment_line_of_whole_units",
                condition=Q(per_unit__gte=1)
                & Q(Exact(F("quantity") % F("per_unit"), 0), Exact(F("rejected") % F("per_unit"), 0)),
            ),
        ]

    @property
    def missing(self) -> int:
        """Pieces still to pick."""
        return self.quantity - self.picked - self.rejected

    @property
    def units(self) -> int:
        """How many of the order line's product are still owed: pieces, or kits."""
        return (self.quantity - self.rejected) // self.per_unit

    @property
    def is_of_kit(self) -> bool:
        return self.product_id != self.order_line.product_id


class PickScan(models.Model):
    """One accepted or refused scan while picking, once per the scanner's own id, so that a replay changes nothing.

    Written by: orders.picking
    """

    id = models.UUIDField(primary_key=True)  # minted by the scanning device
    fulfilment = models.ForeignKey(Fulfilment, on_delete=models.PROTECT, related_name="scans")
    line = models.ForeignKey(FulfilmentLine, on_delete=models.PROTECT, null=True, related_name="+")
    scanned = models.CharField(max_length=80)
    pieces = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=20)  # picked, wrong_item, already_complete, unknown_barcode
    scanned_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    scanned_at = models.DateTimeField()
    recorded_at = models.DateTimeField()


class RoutingDecision(models.Model):
    """Why a fulfilment is where it is: candidates, inputs, scores, losers and the policy's version. Can't be changed.

    Written by: orders.routing
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="routing_decisions")
    policy_version = models.CharField(max_length=40)
    chosen = models.ForeignKey(
        "inventory.Location", on_delete=models.PROTECT, related_name="+", null=True, db_index=False
    )
    inputs = models.JSONField()
    candidates = models.JSONField()  # [{location, able, reasons, distance_km, rank}]
    decided_at = models.DateTimeField()


class PastSalesFile(models.Model):
    """A file of invoices from before Kontor, read once per content. Written by: orders.sales_import"""

    source = models.CharField(max_length=40)  # the mapping's name
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    mapping_sha256 = models.CharField(max_length=64)
    figures = models.JSONField(default=dict)  # what the file says: rows, invoices, value …
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("file of past sales")
        verbose_name_plural = _("files of past sales")
        constraints = [models.UniqueConstraint(name="past_sales_file_once", fields=["source", "sha256"])]

    def __str__(self) -> str:
        return self.name


class PastSale(models.Model):
    """One invoice line from before Kontor, as its file says it. Only `customer` may ever change: a trigger refuses the rest.

    `id` follows from the line's content and its how-manieth equal occurrence in a file, so the same line in two files is
    one row; the movement of goods in the stock journal has the same id. Written by: orders.sales_import
    """

    id = models.UUIDField(primary_key=True)
    file = models.ForeignKey(PastSalesFile, on_delete=models.PROTECT, related_name="+", db_index=False)
    line_number = models.BigIntegerField()
    kind = models.CharField(max_length=10)
    invoice = models.CharField(max_length=64)
    stock_code = models.CharField(max_length=64)  # as in the file, blanks and letter case included
    description = models.CharField(max_length=250, blank=True)
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    customer = models.ForeignKey(
        "customers.Profile", on_delete=models.PROTECT, related_name="+", null=True, db_index=False
    )
    customer_reference = models.CharField(max_length=64, blank=True)
    country = models.CharField(max_length=60, blank=True)  # as in the file
    quantity = models.IntegerField()  # pieces, signed as in the file
    unit_price = models.DecimalField(max_digits=18, decimal_places=6)  # major units of the channel's currency, exact
    occurred_at = models.DateTimeField()

    class Meta:
        verbose_name = _("past sale")
        verbose_name_plural = _("past sales")
        constraints = [
            models.CheckConstraint(name="past_sale_kind_known", condition=one_of("kind", LineKind)),
            models.CheckConstraint(name="past_sale_quantity_not_zero", condition=~Q(quantity=0)),
        ]
        indexes = [
            models.Index(name="past_sale_by_product", fields=["product", "occurred_at"]),
            models.Index(
                name="past_sale_by_customer", fields=["customer", "occurred_at"], condition=Q(customer__isnull=False)
            ),
            models.Index(name="past_sale_by_invoice", fields=["invoice"]),
        ]
