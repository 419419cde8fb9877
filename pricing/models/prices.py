"""Tables of prices and taxes, and of which of them are in force."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from commerce.enums import choices, one_of
from pricing.listing import REFERENCES
from pricing.rounding import NAMED
from pricing.terms import PriceBasis, TierMode


class PriceList(models.Model):
    """Prices in one currency, gross or net, for a channel or for all, in a country or in all.

    The most specific list wins (contract, customer group, channel, then country), then the higher priority. A list may be
    computed from another one; what is priced on it itself comes first. Written by: pricing.pricelists
    """

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    currency = models.CharField(_("currency"), max_length=3)
    basis = models.CharField(_("basis"), max_length=5, choices=choices(PriceBasis), default="gross")
    tier_mode = models.CharField(max_length=10, choices=choices(TierMode), default="all_units")
    channel = models.ForeignKey(
        "commerce.Channel", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("channel")
    )
    country = models.CharField(_("country"), max_length=2, blank=True)
    customer_group = models.CharField(_("customer group"), max_length=40, blank=True)
    contract = models.CharField(_("contract"), max_length=40, blank=True)
    counts_family = models.BooleanField(_("tiers count a family together"), default=False)
    base_list = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("computed from")
    )
    formula_basis_points = models.PositiveIntegerField(_("share of its prices in basis points"), null=True, blank=True)
    formula_add_minor = models.BigIntegerField(_("plus, in minor units"), default=0)
    formula_rounding = models.CharField(_("rounded to"), max_length=10, default="exact")
    priority = models.IntegerField(_("priority"), default=0)
    is_active = models.BooleanField(_("active"), default=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("price list")
        verbose_name_plural = _("price lists")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(name="price_list_basis_known", condition=one_of("basis", PriceBasis)),
            models.CheckConstraint(name="price_list_tier_mode_known", condition=one_of("tier_mode", TierMode)),
            models.CheckConstraint(
                name="price_list_formula_is_whole",
                condition=Q(base_list=None, formula_basis_points=None)
                | Q(base_list__isnull=False, formula_basis_points__range=(1, 1_000_000)),
            ),
            models.CheckConstraint(name="price_list_rounding_known", condition=Q(formula_rounding__in=sorted(NAMED))),
        ]

    def __str__(self) -> str:
        return self.name


class PriceEntry(models.Model):
    """The price of one product from a quantity on, within `[from, to)`. Two of them can't overlap.

    Written by: pricing.pricelists, pricing.price_loading
    """

    price_list = models.ForeignKey(PriceList, on_delete=models.CASCADE, related_name="entries")
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+")
    min_quantity = models.PositiveIntegerField(_("from quantity"), default=1)
    amount_minor = models.BigIntegerField(_("amount in minor units"))
    valid = DateTimeRangeField(_("valid"))

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        constraints = [
            models.CheckConstraint(name="price_entry_not_negative", condition=Q(amount_minor__gte=0)),
            models.CheckConstraint(name="price_entry_min_quantity_positive", condition=Q(min_quantity__gte=1)),
            models.CheckConstraint(
                name="price_entry_valid_from_to",
                condition=Q(valid__isempty=False, valid__lower_inc=True, valid__upper_inc=False),
            ),
            ExclusionConstraint(
                name="price_entry_no_overlap",
                expressions=[
                    ("price_list", RangeOperators.EQUAL),
                    ("product", RangeOperators.EQUAL),
                    ("min_quantity", RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
            ),
        ]


class TaxRate(models.Model):
    """The VAT rate of a tax class in a country within `[from, to)`, in basis points. Written by: pricing.taxes"""

    country = models.CharField(_("country"), max_length=2)
    tax_class = models.CharField(_("tax class"), max_length=20)
    basis_points = models.PositiveIntegerField(_("rate in basis points"))
    valid = DateTimeRangeField(_("valid"))

    class Meta:
        verbose_name = _("tax rate")
        verbose_name_plural = _("tax rates")
        constraints = [
            models.CheckConstraint(name="tax_rate_at_most_100_percent", condition=Q(basis_points__lte=10_000)),
            ExclusionConstraint(
                name="tax_rate_no_overlap",
                expressions=[
                    ("country", RangeOperators.EQUAL),
                    ("tax_class", RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
            ),
        ]


class CurrencyRate(models.Model):
    """What one unit of a currency is in another one within `[from, to)`, in millionths. Written by: pricing.currencies"""

    base = models.CharField(_("currency"), max_length=3)
    quote = models.CharField(_("in"), max_length=3)
    millionths = models.BigIntegerField(_("rate in millionths"))
    valid = DateTimeRangeField(_("valid"))

    class Meta:
        verbose_name = _("currency rate")
        verbose_name_plural = _("currency rates")
        constraints = [
            models.CheckConstraint(name="currency_rate_positive", condition=Q(millionths__gt=0)),
            models.CheckConstraint(name="currency_rate_of_two", condition=~Q(base=models.F("quote"))),
            ExclusionConstraint(
                name="currency_rate_no_overlap",
                expressions=[
                    ("base", RangeOperators.EQUAL),
                    ("quote", RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
            ),
        ]


class ProductTerms(models.Model):
    """What pricing needs to know of a product besides its price: its family, and how much one piece holds.

    Written by: pricing.product_terms
    """

    product = models.OneToOneField("commerce.Product", on_delete=models.PROTECT, primary_key=True, related_name="+")
    family = models.CharField(_("family"), max_length=40, blank=True, db_index=True)
    content_amount = models.PositiveIntegerField(_("content of a piece"), null=True, blank=True)
    content_unit = models.CharField(_("unit of its content"), max_length=5, blank=True)

    class Meta:
        verbose_name = _("pricing of a product")
        verbose_name_plural = _("pricing of products")
        constraints = [
            models.CheckConstraint(
                name="product_terms_content_is_whole",
                condition=Q(content_amount=None, content_unit="")
                | Q(content_amount__gte=1, content_unit__in=sorted(REFERENCES)),
            )
        ]


class RulesetRevision(models.Model):
    """Which prices and rates are in force: one row, renewed in the transaction of every write to them.

    Its number comes from a sequence, so that a number that was rolled back never comes again with other prices behind
    it. `written_in` is the transaction that wrote it. The row is also the lock that lets one writer at a time change
    prices. Written by: pricing.revisions
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField()
    written_in = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(name="ruleset_revision_is_one_row", condition=Q(id=1))]
