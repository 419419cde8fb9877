"""Tables of sales from before Kontor."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import one_of
from orders.sales_mapping import LineKind


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
