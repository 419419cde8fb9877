"""The sealed journal: segments that nobody changed, and how far each level is sealed."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from inventory.models.stock import StockLevel


class JournalSeal(models.Model):
    """One sealed segment of the journal: per level the entries of versions (from, to], their digests, and one hash of it all.

    The hash covers everything in the row and the hash before it, so no entry and no seal can be changed, lost or put between
    others unnoticed. Two seals never follow the same one. Never changed or deleted: triggers refuse.
    Written by: inventory.seals
    """

    number = models.BigIntegerField(primary_key=True)
    previous = models.CharField(max_length=64)  # hex of the hash before; zeros before the first
    hash = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()
    entries = models.BigIntegerField()
    level_ids = ArrayField(models.BigIntegerField())
    from_versions = ArrayField(models.BigIntegerField())  # exclusive: what was sealed before
    to_versions = ArrayField(models.BigIntegerField())  # inclusive
    digests = ArrayField(
        models.CharField(max_length=64)
    )  # of each level's entries, so that a breach is found to the level

    class Meta:
        verbose_name = _("journal seal")
        verbose_name_plural = _("journal seals")
        constraints = [
            models.CheckConstraint(name="journal_seal_number_positive", condition=Q(number__gte=1)),
            models.CheckConstraint(name="journal_seal_not_empty", condition=Q(entries__gte=1)),
            models.UniqueConstraint(name="journal_seal_hash_once", fields=["hash"]),
            models.UniqueConstraint(name="journal_seal_follows_once", fields=["previous"]),
        ]


class SealedLevel(models.Model):
    """How far a level's entries are proven and sealed: all versions up to `version`. Only grows. Written by: inventory.seals"""

    level = models.OneToOneField(StockLevel, on_delete=models.PROTECT, primary_key=True, related_name="+")
    version = models.BigIntegerField()

    class Meta:
        verbose_name = _("sealed level")
        verbose_name_plural = _("sealed levels")
        constraints = [models.CheckConstraint(name="sealed_level_version_positive", condition=Q(version__gte=1))]
