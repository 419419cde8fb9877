"""Tables of ruleset versions: which promotions hold from when to when."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class RulesetVersion(models.Model):
    """Promotions and how they get on with each other, numbered for good and never changed.

    Of the versions whose window `[effective_from, effective_to)` holds an instant, the one that took effect last is in
    force, and of those that took effect together the one with the higher number. Written by: pricing.rulesets
    """

    number = models.BigIntegerField(_("number"), primary_key=True)
    content = models.JSONField(_("content"))
    note = models.CharField(_("note"), max_length=200, blank=True)
    of_number = models.BigIntegerField(
        _("content of version"), null=True, blank=True
    )  # a rollback says where it goes back to
    effective_from = models.DateTimeField(_("effective from"), db_index=True)
    effective_to = models.DateTimeField(_("effective until"), null=True, blank=True)
    published_by = models.CharField(_("published by"), max_length=200)
    published_at = models.DateTimeField(_("published at"))

    class Meta:
        verbose_name = _("ruleset version")
        verbose_name_plural = _("ruleset versions")
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(name="ruleset_version_number_positive", condition=Q(number__gte=1)),
            models.CheckConstraint(
                name="ruleset_version_not_in_the_past", condition=Q(effective_from__gte=F("published_at"))
            ),
            models.CheckConstraint(
                name="ruleset_version_ends_after_it_begins",
                condition=Q(effective_to=None) | Q(effective_to__gt=F("effective_from")),
            ),
            models.CheckConstraint(
                name="ruleset_version_goes_back",
                condition=Q(of_number=None) | Q(of_number__lt=F("number")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}"


class RulesetWithdrawal(models.Model):
    """From when on a version is no longer in force, before its window ends. Never changed. Written by: pricing.rulesets"""

    version = models.OneToOneField(
        RulesetVersion, on_delete=models.PROTECT, primary_key=True, related_name="withdrawal", verbose_name=_("version")
    )
    withdrawn_at = models.DateTimeField(_("withdrawn at"))
    withdrawn_by = models.CharField(_("withdrawn by"), max_length=200)
    reason = models.CharField(_("reason"), max_length=200)

    class Meta:
        verbose_name = _("withdrawal")
        verbose_name_plural = _("withdrawals")
