"""Tables of money: payments, what happened to them, what is asked of providers, what is owed back, and gift cards."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import choices, one_of
from orders.models.placed import Order
from orders.paying import (
    Concern,
    GiftCardEntryKind,
    PaymentEventKind,
    PaymentVerb,
    PayMethod,
    RequestState,
    Way,
)


class GiftCard(models.Model):
    """Money that a customer paid in before. Its balance and what is held of it are the sums of its entries.

    The code itself is not kept, only its keyed hash and its last four characters. Written by: orders.payments.gift_cards
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code_hash = models.CharField(max_length=64)
    last_four = models.CharField(_("ends in"), max_length=4)
    currency = models.CharField(_("currency"), max_length=3)
    balance_minor = models.BigIntegerField(_("balance"), default=0)
    held_minor = models.BigIntegerField(_("held"), default=0)
    valid_until = models.DateTimeField(_("valid until"))
    issued_at = models.DateTimeField(_("issued at"))

    class Meta:
        verbose_name = _("gift card")
        verbose_name_plural = _("gift cards")
        constraints = [
            models.UniqueConstraint(name="gift_card_code_once", fields=["code_hash"]),
            models.CheckConstraint(
                name="gift_card_not_overdrawn", condition=Q(balance_minor__gte=0) & Q(held_minor__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"•••• {self.last_four}"


class Payment(models.Model):
    """One means by which an order is paid. Its amounts are the sums of its events; nobody else writes them.

    It may come before its order (then `channel` and `external_reference` say which one it waits for) and ends in an order
    or a refund. `version` counts its events. Written by: orders.payments.ledger
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, null=True, related_name="payments", db_index=False)
    channel = models.ForeignKey(
        "commerce.Channel", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    external_reference = models.CharField(max_length=120, blank=True)
    gateway = models.CharField(_("provider"), max_length=24)
    method = models.CharField(_("method"), max_length=16, choices=choices(PayMethod))
    label = models.CharField(max_length=80, blank=True)  # what people recognise it by: "Visa •••• 4242"
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField(_("asked for"))
    provider_reference = models.CharField(max_length=120, blank=True)
    gift_card = models.ForeignKey(GiftCard, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    authorised_minor = models.BigIntegerField(default=0)
    captured_minor = models.BigIntegerField(default=0)
    released_minor = models.BigIntegerField(default=0)
    withheld_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    charged_back_minor = models.BigIntegerField(default=0)
    chargeback_won_minor = models.BigIntegerField(default=0)
    fee_minor = models.BigIntegerField(default=0)
    owed_minor = models.BigIntegerField(default=0)
    has_failed = models.BooleanField(default=False)
    decline_reason = models.CharField(max_length=60, blank=True)
    expires_at = models.DateTimeField(null=True)  # when an authorisation ends by itself
    concern = models.CharField(max_length=24, choices=choices(Concern), blank=True)
    concern_since = models.DateTimeField(null=True)
    version = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints = [
            models.CheckConstraint(name="payment_method_known", condition=one_of("method", PayMethod)),
            models.CheckConstraint(name="payment_amount_positive", condition=Q(amount_minor__gte=1)),
            models.CheckConstraint(
                name="payment_captured_at_most_authorised",
                condition=Q(authorised_minor__gte=F("captured_minor") + F("released_minor")),
            ),
            models.CheckConstraint(
                name="payment_refunded_at_most_captured",
                condition=Q(captured_minor__gte=F("refunded_minor")),
            ),
            models.CheckConstraint(
                name="payment_amounts_not_negative",
                condition=Q(
                    authorised_minor__gte=0,
                    captured_minor__gte=0,
                    released_minor__gte=0,
                    withheld_minor__gte=0,
                    refunded_minor__gte=0,
                    charged_back_minor__gte=0,
                    owed_minor__gte=0,
                    fee_minor__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="payment_belongs_somewhere",
                condition=Q(order__isnull=False) | ~Q(external_reference="") | ~Q(provider_reference=""),
            ),
            models.CheckConstraint(
                name="payment_concern_is_whole",
                condition=Q(concern="", concern_since__isnull=True) | (~Q(concern="") & Q(concern_since__isnull=False)),
            ),
            models.UniqueConstraint(
                name="payment_provider_reference_once",
                fields=["gateway", "provider_reference"],
                condition=~Q(provider_reference=""),
            ),
        ]
        indexes = [
            models.Index(name="payment_of_order", fields=["order", "created_at"]),
            models.Index(
                name="payment_without_order",
                fields=["channel", "external_reference"],
                condition=Q(order__isnull=True),
            ),
            models.Index(
                name="payment_running_out",
                fields=["expires_at"],
                condition=Q(expires_at__isnull=False),
            ),
            models.Index(name="payment_needs_a_person", fields=["concern_since"], condition=~Q(concern="")),
            models.Index(name="payment_by_time", fields=["-created_at", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.amount_minor} {self.currency}"


class PaymentEvent(models.Model):
    """One thing that happened to a payment. Never changed or deleted; writing it moves the payment's amounts.

    `number` counts the events of a payment without a gap. What a provider told is noted once. Written by: orders.payments.ledger
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="events", db_index=False)
    number = models.PositiveIntegerField(default=0)  # given by the trigger
    kind = models.CharField(max_length=16, choices=choices(PaymentEventKind))
    amount_minor = models.BigIntegerField()
    gateway = models.CharField(max_length=24)
    provider_event = models.CharField(max_length=120, blank=True)
    request_id = models.UUIDField(null=True)  # the request of ours that it answers
    detail = models.CharField(max_length=120, blank=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name = _("payment event")
        verbose_name_plural = _("payment events")
        constraints = [
            models.CheckConstraint(name="payment_event_kind_known", condition=one_of("kind", PaymentEventKind)),
            models.CheckConstraint(
                name="payment_event_moves_forward",
                condition=Q(amount_minor__gte=1)
                | Q(kind__in=[PaymentEventKind.EXTENDED.value, PaymentEventKind.FAILED.value], amount_minor=0),
            ),
            models.UniqueConstraint(name="payment_event_number_once", fields=["payment", "number"]),
            models.UniqueConstraint(
                name="payment_provider_event_once",
                fields=["gateway", "provider_event", "kind"],
                condition=~Q(provider_event=""),
            ),
        ]
        indexes = [models.Index(name="payment_event_by_time", fields=["recorded_at"])]


class OwedRefund(models.Model):
    """Money that a customer is owed, for one cause, once. How it is split never changes. Written by: orders.payments.refunds"""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+", db_index=False)
    cause_type = models.CharField(max_length=40)
    cause_id = models.CharField(max_length=80)
    amount_minor = models.BigIntegerField()  # what was asked for
    uncovered_minor = models.BigIntegerField(default=0)  # what no payment could give back: it was never paid
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("owed refund")
        verbose_name_plural = _("owed refunds")
        constraints = [
            models.UniqueConstraint(name="owed_refund_once_per_cause", fields=["cause_type", "cause_id"]),
            models.CheckConstraint(
                name="owed_refund_amount_positive",
                condition=Q(amount_minor__gte=1, uncovered_minor__gte=0) & Q(amount_minor__gte=F("uncovered_minor")),
            ),
        ]
        indexes = [models.Index(name="owed_refund_of_order", fields=["order"])]


class OwedRefundPart(models.Model):
    """The share of an owed refund that falls to one payment. A release is never taken, a refund is returned, each once.

    Written by: orders.payments.refunds
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owed = models.ForeignKey(OwedRefund, on_delete=models.PROTECT, related_name="parts")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="owed_parts", db_index=False)
    way = models.CharField(max_length=8, choices=choices(Way))
    amount_minor = models.BigIntegerField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="owed_part_way_known", condition=one_of("way", Way)),
            models.CheckConstraint(name="owed_part_amount_positive", condition=Q(amount_minor__gte=1)),
            models.UniqueConstraint(name="owed_part_once_per_payment", fields=["owed", "payment", "way"]),
        ]
        indexes = [
            models.Index(name="owed_part_open", fields=["payment"], condition=Q(settled_at__isnull=True)),
            models.Index(name="owed_part_of_payment", fields=["payment", "way"]),
        ]


class PaymentRequest(models.Model):
    """What we ask a provider to do, written down before it is asked. Its id is the key by which the provider knows it again.

    One cause asks once; of one payment only one request is on its way at a time; all that was asked for together fits what
    may be captured or refunded. Written by: orders.payments.requests
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="requests", db_index=False)
    verb = models.CharField(max_length=12, choices=choices(PaymentVerb))
    amount_minor = models.BigIntegerField(default=0)
    is_final = models.BooleanField(default=False)  # a capture after which the rest is let go
    state = models.CharField(max_length=10, choices=choices(RequestState), default=RequestState.PLANNED.value)
    cause_type = models.CharField(max_length=40)
    cause_id = models.CharField(max_length=80)
    known_minor = models.BigIntegerField(default=0)  # the provider's total of this verb before it was sent
    attempts = models.PositiveSmallIntegerField(default=0)
    answer = models.CharField(max_length=200, blank=True)
    details = models.JSONField(
        default=dict
    )  # what the provider needs to do it again as before: a token, a return address
    not_before = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("request to a provider")
        verbose_name_plural = _("requests to providers")
        constraints = [
            models.CheckConstraint(name="payment_request_verb_known", condition=one_of("verb", PaymentVerb)),
            models.CheckConstraint(name="payment_request_state_known", condition=one_of("state", RequestState)),
            models.CheckConstraint(
                name="payment_request_amount_fits_verb",
                condition=Q(amount_minor__gte=1)
                | Q(verb__in=[PaymentVerb.VOID.value, PaymentVerb.EXTEND.value], amount_minor=0),
            ),
            models.CheckConstraint(
                name="payment_request_ends_once",
                condition=Q(state__in=["planned", "sent"], ended_at__isnull=True)
                | Q(state__in=["done", "refused", "dropped"], ended_at__isnull=False),
            ),
            models.UniqueConstraint(
                name="payment_request_once_per_cause", fields=["payment", "verb", "cause_type", "cause_id"]
            ),
            models.UniqueConstraint(
                name="payment_request_one_on_its_way",
                fields=["payment"],
                condition=Q(state=RequestState.SENT.value),
            ),
        ]
        indexes = [
            models.Index(name="payment_request_due", fields=["not_before"], condition=Q(state__in=["planned", "sent"])),
            models.Index(name="payment_request_of_payment", fields=["payment", "created_at"]),
        ]


class GiftCardEntry(models.Model):
    """One movement on a gift card. Never changed or deleted; writing it moves the balance.

    Written by: orders.payments.gift_cards
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    gift_card = models.ForeignKey(GiftCard, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=10, choices=choices(GiftCardEntryKind))
    amount_minor = models.BigIntegerField()
    cause_type = models.CharField(max_length=40)
    cause_id = models.CharField(max_length=80)
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name = _("movement of a gift card")
        verbose_name_plural = _("movements of gift cards")
        constraints = [
            models.CheckConstraint(name="gift_card_entry_kind_known", condition=one_of("kind", GiftCardEntryKind)),
            models.CheckConstraint(name="gift_card_entry_amount_positive", condition=Q(amount_minor__gte=1)),
            models.UniqueConstraint(name="gift_card_entry_once", fields=["kind", "cause_type", "cause_id"]),
        ]
