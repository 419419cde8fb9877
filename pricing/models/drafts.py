"""Tables of the way to a ruleset version: drafts, who wrote on them, who approved them, and how many that takes."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import choices, one_of
from pricing.approving import Measure, Rank, State
from pricing.models.rulesets import RulesetVersion


class RulesetDraft(models.Model):
    """Promotions that somebody wants to be in force. What it says changes as a draft only; a version is made of it once.

    `submission` counts how often it was submitted: approvals are given to one submission. `assessment` says how many
    approvals that one needs and why, `answers` why warnings are all right. `revision` grows with every change, so that
    two people who write at once notice. Written by: pricing.drafts
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    title = models.CharField(_("title"), max_length=120)
    state = models.CharField(_("state"), max_length=12, choices=choices(State), default=State.DRAFT.value)
    revision = models.PositiveIntegerField(_("revision"), default=1)
    submission = models.PositiveIntegerField(_("submission"), default=0)
    content = models.JSONField(_("content"))
    base_number = models.BigIntegerField(_("begun from version"), null=True)  # what was in force when it was begun
    of_number = models.BigIntegerField(_("content of version"), null=True)  # a rollback says where it goes back to
    effective_from = models.DateTimeField(_("effective from"), null=True)  # None: as soon as it is published
    effective_to = models.DateTimeField(_("effective until"), null=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    answers = models.JSONField(_("reasons for warnings"), default=dict)
    assessment = models.JSONField(_("assessment"), null=True)
    emergency_number = models.BigIntegerField(
        _("in force meanwhile"), null=True
    )  # the time-boxed version of an emergency
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("author")
    )
    version = models.OneToOneField(
        RulesetVersion, on_delete=models.PROTECT, null=True, related_name="draft", verbose_name=_("version")
    )
    created_at = models.DateTimeField(_("created at"))
    changed_at = models.DateTimeField(_("changed at"))
    submitted_at = models.DateTimeField(_("submitted at"), null=True)

    class Meta:
        verbose_name = _("ruleset draft")
        verbose_name_plural = _("ruleset drafts")
        ordering = ["-changed_at"]
        constraints = [
            models.CheckConstraint(name="ruleset_draft_state_known", condition=one_of("state", State)),
            models.CheckConstraint(
                name="ruleset_draft_ends_after_it_begins",
                condition=Q(effective_to=None) | Q(effective_from=None) | Q(effective_to__gt=F("effective_from")),
            ),
            models.CheckConstraint(
                name="ruleset_draft_version_is_published",
                condition=Q(state=State.PUBLISHED.value, version__isnull=False)
                | (~Q(state=State.PUBLISHED.value) & Q(version__isnull=True)),
            ),
            models.CheckConstraint(
                name="ruleset_draft_submitted_is_assessed",
                condition=Q(state__in=[State.DRAFT.value, State.DISCARDED.value])
                | Q(assessment__isnull=False, submitted_at__isnull=False, submission__gte=1),
            ),
            models.UniqueConstraint(name="ruleset_draft_and_author", fields=["id", "author"]),
        ]
        indexes = [models.Index(name="ruleset_draft_by_state", fields=["state", "-changed_at"])]

    def __str__(self) -> str:
        return self.title


class RulesetContribution(models.Model):
    """Somebody who wrote on a draft; none of them approves it. Never changed. Written by: pricing.drafts"""

    draft = models.ForeignKey(RulesetDraft, on_delete=models.PROTECT, related_name="contributions", db_index=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    since = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="ruleset_contribution_once", fields=["draft", "person"])]


class RulesetApproval(models.Model):
    """A second person's word on one submission of a draft: yes, or no with a reason. Never changed.

    The author's key is part of the row, so that "author ≠ approver" is a CHECK; who else wrote on the draft is refused by
    a trigger. Written by: pricing.approvals
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    draft = models.ForeignKey(RulesetDraft, on_delete=models.PROTECT, related_name="approvals", db_index=False)
    submission = models.PositiveIntegerField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    approver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    rank = models.CharField(max_length=12, choices=choices(Rank))
    is_approved = models.BooleanField()
    reason = models.CharField(max_length=400, blank=True)
    decided_at = models.DateTimeField()

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        ordering = ["decided_at"]
        constraints = [
            models.CheckConstraint(name="approver_is_not_author", condition=~Q(author=F("approver"))),
            models.CheckConstraint(name="approval_rank_known", condition=one_of("rank", Rank)),
            models.CheckConstraint(name="rejection_has_a_reason", condition=Q(is_approved=True) | ~Q(reason="")),
            models.UniqueConstraint(name="approval_once_per_person", fields=["draft", "submission", "approver"]),
        ]


class ApprovalThreshold(models.Model):
    """From when on a draft needs more eyes. Written by: pricing.approvals"""

    measure = models.CharField(_("measure"), max_length=12, choices=choices(Measure))
    limit = models.BigIntegerField(_("from"))
    rank = models.CharField(_("rank"), max_length=12, choices=choices(Rank))
    approvals = models.PositiveSmallIntegerField(_("approvals"), default=1)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("approval threshold")
        verbose_name_plural = _("approval thresholds")
        ordering = ["measure", "limit"]
        constraints = [
            models.CheckConstraint(name="approval_threshold_measure_known", condition=one_of("measure", Measure)),
            models.CheckConstraint(name="approval_threshold_rank_known", condition=one_of("rank", Rank)),
            models.CheckConstraint(
                name="approval_threshold_asks_for_some", condition=Q(approvals__gte=1, approvals__lte=5)
            ),
            models.UniqueConstraint(name="approval_threshold_once", fields=["measure", "limit", "rank"]),
        ]
