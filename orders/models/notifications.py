"""Tables of messages to customers and staff: their texts, the log of what was sent, and the devices that ring."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import choices, one_of
from orders.models.placed import Order
from orders.notices import NoticeChannel, NoticeState


class NoticeTemplate(models.Model):
    """A version of a message's text in one language for one channel. The highest counts; none is ever changed or removed.

    Without a row the text that comes along (version 0) counts. Written by: orders.notifications.templates
    """

    code = models.CharField(_("message"), max_length=60)
    channel = models.CharField(_("channel"), max_length=10, choices=choices(NoticeChannel))
    language = models.CharField(_("language"), max_length=5)
    version = models.PositiveIntegerField(_("version"))
    subject = models.CharField(_("subject"), max_length=120, blank=True)
    body = models.TextField(_("text"))
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    written_at = models.DateTimeField(_("written at"))

    class Meta:
        verbose_name = _("text of a message")
        verbose_name_plural = _("texts of messages")
        constraints = [
            models.UniqueConstraint(
                name="notice_template_version_once", fields=["code", "channel", "language", "version"]
            ),
            models.CheckConstraint(name="notice_template_version_positive", condition=Q(version__gte=1)),
            models.CheckConstraint(name="notice_template_channel_known", condition=one_of("channel", NoticeChannel)),
        ]

    def __str__(self) -> str:
        return f"{self.code} · {self.channel} · {self.language} · {self.version}"


class PushDevice(models.Model):
    """A staff member's browser that rings for a store; gone when its push service says so.

    Written by: orders.notifications.devices
    """

    id = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    location = models.ForeignKey("inventory.Location", on_delete=models.CASCADE, related_name="+")
    endpoint = models.CharField(max_length=1000)
    endpoint_hash = models.CharField(max_length=64)
    p256dh = models.CharField(max_length=120)
    auth = models.CharField(max_length=40)
    language = models.CharField(max_length=5, default="de")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="push_device_once", fields=["endpoint_hash"])]


class Notice(models.Model):
    """One message: planned in the transaction of its cause, sent after it, kept as the log. Once per key, ever.

    It holds no personal values: whom it goes to and what it says is read from the order when it is sent.
    Written by: orders.notifications.notices
    """

    id = models.UUIDField(primary_key=True, editable=False)
    key = models.CharField(max_length=240)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("order"))
    device = models.ForeignKey(PushDevice, on_delete=models.SET_NULL, null=True, related_name="+")
    code = models.CharField(_("message"), max_length=60)
    channel = models.CharField(_("channel"), max_length=10, choices=choices(NoticeChannel))
    event = models.CharField(max_length=120)
    language = models.CharField(max_length=5, default="de")
    template_version = models.PositiveIntegerField(default=0)
    facts = models.JSONField(default=dict)
    state = models.CharField(_("state"), max_length=10, choices=choices(NoticeState), default=NoticeState.PENDING.value)
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    copy = models.PositiveSmallIntegerField(default=0)  # sent again by staff: which time
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True)
    receipt = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(_("created at"))
    sent_at = models.DateTimeField(_("sent at"), null=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(name="notice_once", fields=["key"]),
            models.CheckConstraint(name="notice_state_known", condition=one_of("state", NoticeState)),
            models.CheckConstraint(name="notice_channel_known", condition=one_of("channel", NoticeChannel)),
            models.CheckConstraint(
                name="notice_pending_has_a_time",
                condition=Q(state=NoticeState.PENDING.value, next_attempt_at__isnull=False)
                | ~Q(state=NoticeState.PENDING.value),
            ),
            models.CheckConstraint(
                name="notice_sent_has_a_time",
                condition=Q(state=NoticeState.SENT.value, sent_at__isnull=False) | ~Q(state=NoticeState.SENT.value),
            ),
        ]
        indexes = [
            models.Index(name="notice_due", fields=["next_attempt_at"], condition=Q(state=NoticeState.PENDING.value)),
            models.Index(name="notice_lately", fields=["-created_at", "-id"]),
        ]
