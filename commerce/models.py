"""Tables of the ground: who acts, which channels and products there are, what happened, and what is limited.

Each model says what it is, what can never happen, and who writes it.
"""

import uuid

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, Upper
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from commerce.actors import ActorKind
from commerce.enums import choices, one_of
from commerce.experiment_tables import Experiment as Experiment
from commerce.experiment_tables import ExperimentOutcome as ExperimentOutcome
from commerce.experiment_tables import ExperimentUnit as ExperimentUnit
from commerce.experiment_tables import ExperimentVariant as ExperimentVariant
from commerce.roles import Scope


class User(AbstractUser):
    """A member of staff. Sees and moves only what belongs to the locations of their assignments (law 17).

    Roles are given per location by `inventory.StaffAssignment`; `is_superuser` is for the first sign-in only.
    Written by: commerce.accounts
    """

    language = models.CharField(
        _("language"), max_length=5, default="de", choices=[("de", "Deutsch"), ("en", "English")]
    )

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")


class ChannelKind(models.TextChoices):
    WEB = "web", _("Web shop")
    APP = "app", _("App")
    POS = "pos", _("Store till")
    MARKETPLACE = "marketplace", _("Marketplace")
    CALL_CENTRE = "call_centre", _("Call centre")


class Channel(models.Model):
    """Where customers buy: a web shop, an app, a till, a marketplace, the call centre.

    Written by: commerce.catalog
    """

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=20, choices=ChannelKind.choices)
    country = models.CharField(_("country"), max_length=2)
    currency = models.CharField(_("currency"), max_length=3)
    language = models.CharField(_("language"), max_length=5, default="de")
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("channel")
        verbose_name_plural = _("channels")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(name="channel_kind_known", condition=one_of("kind", ChannelKind)),
            models.CheckConstraint(name="channel_currency_is_iso", condition=Q(currency__regex=r"^[A-Z]{3}$")),
            models.CheckConstraint(name="channel_country_is_iso", condition=Q(country__regex=r"^[A-Z]{2}$")),
        ]

    def __str__(self) -> str:
        return self.name


class ChannelKey(models.Model):
    """A channel's key, stored as a hash. It does what its scopes allow, and what only people do as its person, by their rights,
    until it expires or is revoked. Written by: commerce.channels.keys"""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="keys", verbose_name=_("channel"))
    name = models.CharField(_("name"), max_length=80)
    prefix = models.CharField(_("prefix"), max_length=16, unique=True, editable=False)
    secret_hash = models.BinaryField(max_length=32, editable=False)
    scopes = ArrayField(models.CharField(max_length=40, choices=choices(Scope)), verbose_name=_("scopes"))
    requests_per_minute = models.PositiveIntegerField(_("requests per minute"), default=6000)
    person = models.ForeignKey("User", models.PROTECT, "+", null=True, blank=True, verbose_name=_("acts for"))
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("channel key")
        verbose_name_plural = _("channel keys")
        ordering = ["channel", "name"]

    def __str__(self) -> str:
        return f"{self.channel_id}: {self.name} ({self.prefix}…)"


class RateWindow(models.Model):
    """How many requests a key has taken from one minute, leased by processes in chunks.

    Kept in an UNLOGGED table: losing it in a crash costs nothing. Written by: commerce.api.throttling
    """

    pk = models.CompositePrimaryKey("key_id", "minute")
    key_id = models.UUIDField()
    minute = models.BigIntegerField()
    used = models.PositiveIntegerField()

    class Meta:
        db_table = "commerce_ratewindow"


class WebhookEndpoint(models.Model):
    """An address of a channel that gets signed events. The secret is encrypted at rest; after a rotation the previous
    one keeps signing beside it until `previous_secret_until`.

    Written by: commerce.channels.endpoints (breaker columns: commerce.channels.delivery)
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="webhook_endpoints")
    url = models.URLField(_("address"), max_length=500)
    event_types = ArrayField(models.CharField(max_length=80), verbose_name=_("event types"))
    secret = models.BinaryField(editable=False)
    previous_secret = models.BinaryField(null=True, editable=False)
    previous_secret_until = models.DateTimeField(null=True, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    consecutive_failures = models.PositiveIntegerField(default=0, editable=False)
    open_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.url


class ProductKind(models.TextChoices):
    GOODS = "goods", _("Goods")
    CHARGE = "charge", _("Charge")
    KIT = "kit", _("Kit")


# The ages that the law knows for goods: films and games from 6, 12, 16 or 18 (§ 12 JuSchG), beer and wine from 16, spirits
# from 18 (§ 9), tobacco from 18 (§ 10).
AGES = (6, 12, 16, 18)


class Product(models.Model):
    """The sellable identity. Goods have stock; charges (postage, fees) never do, and kits are what they are made of.

    Written by: commerce.catalog
    """

    sku = models.CharField(_("SKU"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=250)
    brand = models.CharField(_("brand"), max_length=120, blank=True)
    category = models.CharField(_("category"), max_length=120, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=ProductKind.choices, default=ProductKind.GOODS)
    tax_class = models.CharField(_("tax class"), max_length=20, default="standard")
    weight_grams = models.PositiveIntegerField(_("weight in g"), null=True, blank=True)
    length_mm = models.PositiveIntegerField(_("length in mm"), null=True, blank=True)
    width_mm = models.PositiveIntegerField(_("width in mm"), null=True, blank=True)
    height_mm = models.PositiveIntegerField(_("height in mm"), null=True, blank=True)
    minimum_age = models.PositiveSmallIntegerField(
        _("only from the age of"), null=True, blank=True, choices=[(age, str(age)) for age in AGES]
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["sku"]
        indexes = [
            models.Index(name="product_changed_lately", fields=["updated_at"]),
            GinIndex(
                OpClass(Upper("name"), name="gin_trgm_ops"),
                OpClass(Upper("sku"), name="gin_trgm_ops"),
                name="product_by_part_of_name",
            ),
        ]
        constraints = [
            models.CheckConstraint(name="product_kind_known", condition=one_of("kind", ProductKind)),
            models.CheckConstraint(
                name="product_minimum_age_known", condition=Q(minimum_age__isnull=True) | Q(minimum_age__in=AGES)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sku} {self.name}"


class ProductGtin(models.Model):
    """A barcode of a product, normalised to 14 digits with a right check digit; one barcode means one product.

    `pieces` is how many pieces one scan stands for (1, or the content of a case pack). Written by: commerce.catalog
    """

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="gtins")
    gtin = models.CharField(_("GTIN"), max_length=14, unique=True)
    pieces = models.PositiveIntegerField(_("pieces"), default=1)

    class Meta:
        verbose_name = _("GTIN")
        verbose_name_plural = _("GTINs")
        constraints = [
            models.CheckConstraint(name="product_gtin_has_14_digits", condition=Q(gtin__regex=r"^[0-9]{14}$")),
            models.CheckConstraint(name="product_gtin_pieces_positive", condition=Q(pieces__gte=1)),
        ]

    def __str__(self) -> str:
        return self.gtin


class KitComponent(models.Model):
    """How many pieces of one kind of goods are in one kit. Kits have no stock: their components are promised and picked.

    A component is goods, so no kit is in a kit; a kit that is active has components: triggers refuse else.
    Written by: commerce.kits
    """

    kit = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="components", db_index=False)
    component = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="kits", verbose_name=_("component"))
    quantity = models.PositiveIntegerField(_("pieces"), default=1)

    class Meta:
        verbose_name = _("component")
        verbose_name_plural = _("components")
        constraints = [
            models.UniqueConstraint(name="kit_component_once", fields=["kit", "component"]),
            models.CheckConstraint(name="kit_component_quantity_positive", condition=Q(quantity__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.component}"


class Listing(models.Model):
    """A product that a channel offers; it is told every change of what the channel may sell of it.

    Written by: commerce.catalog
    """

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="listings")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="listings")

    class Meta:
        verbose_name = _("listing")
        verbose_name_plural = _("listings")
        constraints = [models.UniqueConstraint(name="listing_once", fields=["channel", "product"])]


class OutboxMessage(models.Model):
    """A fact that happened here, written in the transaction that made it true. Never changed but for its `position`,
    the gapless place in the public stream that the relay gives it when it first sees it committed.

    Per aggregate, `aggregate_sequence` only grows. Payloads hold ids and primitives, no personal values.
    Written by: commerce.outbox (position: commerce.deliveries)
    """

    id = models.BigAutoField(primary_key=True)
    message_id = models.UUIDField(unique=True, default=uuid.uuid4)
    event_type = models.CharField(max_length=80)
    aggregate = models.CharField(max_length=80)  # "order:1f0c…", "stock_level:42"
    aggregate_sequence = models.BigIntegerField()
    schema_version = models.PositiveSmallIntegerField(default=1)
    channel = models.ForeignKey(Channel, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    payload = models.JSONField()
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=64)
    request_id = models.CharField(max_length=64, blank=True)
    occurred_at = models.DateTimeField()
    position = models.BigIntegerField(null=True, unique=True)

    class Meta:
        verbose_name = _("outbox message")
        verbose_name_plural = _("outbox messages")
        indexes = [
            models.Index(name="outbox_unsequenced", fields=["id"], condition=Q(position__isnull=True)),
            models.Index(name="outbox_stream", fields=["channel", "position"], condition=Q(channel__isnull=False)),
        ]


class DeliveryState(models.TextChoices):
    PENDING = "pending", _("Pending")
    DONE = "done", _("Done")
    SUPERSEDED = "superseded", _("Superseded")
    PARKED = "parked", _("Parked")
    DISMISSED = "dismissed", _("Dismissed")


class OutboxDelivery(models.Model):
    """One subscriber's copy of a message: a handler of ours, or `webhook:<endpoint id>`. Done exactly once.

    Within one subscriber and aggregate, a later message is not tried before the earlier one is done, superseded
    (state events, newest wins) or dismissed. Written by: commerce.deliveries (by people's hands: commerce.outbox)
    """

    id = models.BigAutoField(primary_key=True)
    message = models.ForeignKey(OutboxMessage, on_delete=models.CASCADE, related_name="deliveries")
    subscriber = models.CharField(max_length=80)
    aggregate = models.CharField(max_length=80)
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(name="outbox_delivery_once_per_subscriber", fields=["message", "subscriber"]),
            models.CheckConstraint(name="outbox_delivery_state_known", condition=one_of("state", DeliveryState)),
        ]
        indexes = [
            models.Index(
                name="outbox_delivery_open",
                fields=["subscriber", "aggregate", "id"],
                condition=Q(state__in=["pending", "parked"]),
            ),
            models.Index(name="outbox_delivery_due", fields=["subscriber", "id"], condition=Q(state="pending")),
            models.Index(name="outbox_delivery_parked", fields=["id"], condition=Q(state="parked")),
        ]


class InboxMessage(models.Model):
    """What came in from outside, once per source and event id. Written by: commerce.inbox"""

    source = models.CharField(max_length=80)
    event_id = models.CharField(max_length=200)
    payload = models.JSONField()
    received_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="inbox_event_once", fields=["source", "event_id"])]


class AuditEntry(models.Model):
    """Who did what to which object, with the values before and after. Can't be changed or deleted: a trigger refuses.

    Holds no personal values. The timeline on staff screens is this table. Written by: commerce.audit
    """

    id = models.BigAutoField(primary_key=True)
    verb = models.CharField(max_length=80)  # "orders.pickup.accept"
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=64)
    actor_kind = models.CharField(max_length=10, choices=choices(ActorKind))
    actor_id = models.CharField(max_length=64)
    actor_label = models.CharField(max_length=200)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    reason = models.CharField(max_length=200, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        indexes = [models.Index(name="audit_by_object", fields=["object_type", "object_id", "id"])]


class IdempotencyKey(models.Model):
    """The first answer to a request, kept for replays (law 8). Written in the transaction of the effect itself.

    Written by: commerce.idempotency
    """

    id = models.BigAutoField(primary_key=True)
    credential = models.CharField(max_length=64)
    key = models.CharField(max_length=200)
    request_hash = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField()
    body = models.BinaryField()
    content_type = models.CharField(max_length=60)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = [models.UniqueConstraint(name="idempotency_key_once", fields=["credential", "key"])]
        indexes = [models.Index(name="idempotency_key_expiry", fields=["expires_at"])]


class Quota(models.Model):
    """Something limited: a pickup slot, later a coupon, a budget, a node's day. Can't be overbooked (law 10).

    `key` names it ("pickup:BER01:2026-11-21T14:00:00+00:00"). Written by: commerce.quotas
    """

    key = models.CharField(max_length=120, unique=True)
    limit = models.PositiveBigIntegerField()
    held = models.PositiveBigIntegerField(default=0)
    committed = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(name="quota_not_overbooked", condition=Q(limit__gte=F("held") + F("committed"))),
        ]

    def __str__(self) -> str:
        return self.key


class QuotaHoldState(models.TextChoices):
    HELD = "held", _("Held")
    COMMITTED = "committed", _("Committed")
    RELEASED = "released", _("Released")
    EXPIRED = "expired", _("Expired")


class QuotaHold(models.Model):
    """One claim on a quota: held with an expiry, then committed or released, once each. Written by: commerce.quotas"""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    quota = models.ForeignKey(Quota, on_delete=models.PROTECT, related_name="holds")
    quantity = models.PositiveBigIntegerField()
    state = models.CharField(max_length=10, choices=QuotaHoldState.choices)
    expires_at = models.DateTimeField(null=True)
    purpose = models.CharField(max_length=80)  # what it is held for: "order:<id>", "reservation:<id>"
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="quota_hold_state_known", condition=one_of("state", QuotaHoldState)),
            models.CheckConstraint(name="quota_hold_quantity_positive", condition=Q(quantity__gte=1)),
            models.CheckConstraint(
                name="quota_hold_expires_while_held", condition=~Q(state="held") | Q(expires_at__isnull=False)
            ),
        ]
        indexes = [models.Index(name="quota_hold_expiry", fields=["quota", "expires_at"], condition=Q(state="held"))]
