"""The table of the exceptions desk: what needs a person."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import choices, one_of
from commerce.roles import Role
from orders.desk import CaseState, Outcome, Severity
from orders.models.placed import Order


class DeskCase(models.Model):
    """Something that goes wrong and needs a person, until its cause is gone or somebody says how it ended.

    One case per key while it is not settled. It always has a role whose turn it is and a deadline, so none waits unseen.
    `facts` are ids and primitives, no personal values. Written by: orders.exceptions.casework
    """

    id = models.UUIDField(primary_key=True, editable=False)
    kind = models.CharField(_("kind"), max_length=60)
    key = models.CharField(max_length=200)
    severity = models.CharField(_("severity"), max_length=10, choices=choices(Severity))
    state = models.CharField(max_length=10, choices=choices(CaseState), default=CaseState.OPEN.value)
    subject_type = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=80)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("order"))
    location = models.ForeignKey(
        "inventory.Location", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    role = models.CharField(max_length=20, choices=choices(Role))
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    facts = models.JSONField(default=dict)
    seen = models.PositiveIntegerField(default=1)  # how often its cause was reported while it was unsettled
    escalations = models.PositiveSmallIntegerField(default=0)
    opened_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    due_at = models.DateTimeField(_("due"))
    snoozed_until = models.DateTimeField(null=True)
    snooze_reason = models.CharField(max_length=200, blank=True)
    outcome = models.CharField(max_length=10, blank=True)
    note = models.CharField(max_length=200, blank=True)
    settled_at = models.DateTimeField(null=True)
    version = models.BigIntegerField(default=1)

    class Meta:
        verbose_name = _("exception")
        verbose_name_plural = _("exceptions")
        constraints = [
            models.UniqueConstraint(
                name="desk_case_once_while_unsettled", fields=["key"], condition=~Q(state=CaseState.SETTLED.value)
            ),
            models.CheckConstraint(name="desk_case_state_known", condition=one_of("state", CaseState)),
            models.CheckConstraint(name="desk_case_severity_known", condition=one_of("severity", Severity)),
            models.CheckConstraint(name="desk_case_role_known", condition=one_of("role", Role)),
            models.CheckConstraint(
                name="desk_case_snoozed_with_reason",
                condition=~Q(state=CaseState.SNOOZED.value) | Q(snoozed_until__isnull=False) & ~Q(snooze_reason=""),
            ),
            models.CheckConstraint(
                name="desk_case_settled_with_outcome",
                condition=(Q(state=CaseState.SETTLED.value) & Q(settled_at__isnull=False) & one_of("outcome", Outcome))
                | (~Q(state=CaseState.SETTLED.value) & Q(settled_at__isnull=True) & Q(outcome="")),
            ),
            models.CheckConstraint(name="desk_case_due_after_it_opened", condition=Q(due_at__gte=F("opened_at"))),
        ]
        indexes = [
            models.Index(
                name="desk_case_waiting", fields=["location", "due_at"], condition=~Q(state=CaseState.SETTLED.value)
            ),
            models.Index(name="desk_case_due", fields=["due_at"], condition=Q(state=CaseState.OPEN.value)),
            models.Index(name="desk_case_lately", fields=["-opened_at", "-id"]),
            models.Index(name="desk_case_subject", fields=["subject_type", "subject_id"]),
        ]
