"""Scarcity: who waits for goods, what channels may be told, and what was claimed with its proof."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

LAWS = """
CREATE TRIGGER scarcity_claim_is_immutable BEFORE UPDATE OR DELETE ON inventory_scarcityclaim
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
CREATE TRIGGER scarcity_claim_is_not_truncated BEFORE TRUNCATE ON inventory_scarcityclaim
    FOR EACH STATEMENT EXECUTE FUNCTION commerce_refuse_change();
"""
LAWLESS = """
DROP TRIGGER scarcity_claim_is_not_truncated ON inventory_scarcityclaim;
DROP TRIGGER scarcity_claim_is_immutable ON inventory_scarcityclaim;
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0008_promising"), ("commerce", "0002_laws")]

    operations = [
        migrations.CreateModel(
            name="WaitingEntry",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="commerce.channel",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="commerce.product",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.location",
                    ),
                ),
                ("quantity", models.PositiveIntegerField()),
                ("subscriber", models.CharField(blank=True, max_length=120)),
                ("state", models.CharField(max_length=10)),
                ("joined_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "waiting-list entry",
                "verbose_name_plural": "waiting-list entries",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["waiting", "offered"])),
                        fields=["product", "joined_at", "id"],
                        name="waiting_entry_line",
                    ),
                    models.Index(
                        condition=models.Q(("subscriber", ""), _negated=True),
                        fields=["channel", "subscriber"],
                        name="waiting_entry_subscriber",
                    ),
                    models.Index(
                        condition=models.Q(models.Q(("subscriber", ""), _negated=True), ("ended_at__isnull", False)),
                        fields=["ended_at"],
                        name="waiting_entry_ended",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["waiting", "offered", "taken", "missed", "declined", "left"])
                        ),
                        name="waiting_entry_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("quantity__gte", 1)), name="waiting_entry_quantity_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("state__in", ["waiting", "offered"])),
                            models.Q(
                                models.Q(("state__in", ["waiting", "offered"]), _negated=True),
                                ("ended_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="waiting_entry_ended_when_over",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["waiting", "offered"])),
                        fields=("channel", "subscriber", "product", "location"),
                        name="waiting_entry_once",
                        nulls_distinct=False,
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WaitingOffer",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "entry",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="offers",
                        to="inventory.waitingentry",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.location",
                    ),
                ),
                ("offered_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("outcome", models.CharField(default="offered", max_length=10)),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "waiting-list offer",
                "verbose_name_plural": "waiting-list offers",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("outcome", "offered")),
                            models.Q(("ended_at__isnull", False), ("outcome__in", ["taken", "missed", "declined"])),
                            _connector="OR",
                        ),
                        name="waiting_offer_ended_when_over",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("outcome", "offered")), fields=("entry",), name="waiting_offer_open_once"
                    ),
                    models.UniqueConstraint(fields=("entry", "id"), name="waiting_offer_made_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScarcityPolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "channel",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="commerce.channel"
                    ),
                ),
                ("few", models.PositiveIntegerField(verbose_name="few means up to")),
                ("fresh_seconds", models.PositiveIntegerField(verbose_name="a number may be this old, in seconds")),
                ("soft_seconds", models.PositiveIntegerField(verbose_name="anything may be this old, in seconds")),
                ("shown_seconds", models.PositiveIntegerField(verbose_name="the shop shows a message for, in seconds")),
                ("experiment", models.CharField(blank=True, max_length=60, verbose_name="experiment")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("changed_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "scarcity policy",
                "verbose_name_plural": "scarcity policies",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("few__range", (1, 100)),
                            ("shown_seconds__gte", 1),
                            ("fresh_seconds__gte", models.F("shown_seconds")),
                            ("soft_seconds__gte", models.F("fresh_seconds")),
                            ("soft_seconds__lte", 86400),
                        ),
                        name="scarcity_policy_sane",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ScarcityWording",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=20)),
                ("tone", models.CharField(max_length=6)),
                ("locale", models.CharField(max_length=5)),
                ("variant", models.SlugField(blank=True, max_length=40)),
                ("one", models.CharField(max_length=200)),
                ("other", models.CharField(max_length=200)),
                ("changed_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "scarcity wording",
                "verbose_name_plural": "scarcity wordings",
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "tone", "locale", "variant"), name="scarcity_wording_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "few_left",
                                    "few_orderable",
                                    "in_baskets",
                                    "sold_out",
                                    "sold_out_elsewhere",
                                    "sold_out_delivered",
                                    "elsewhere",
                                    "elsewhere_delivered",
                                ],
                            )
                        ),
                        name="scarcity_wording_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("tone__in", ["firm", "soft"])), name="scarcity_wording_tone_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScarcityClaim",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("said_on", models.DateField()),
                ("channel_id", models.BigIntegerField()),
                ("product_id", models.BigIntegerField()),
                ("place", models.CharField(max_length=60)),
                ("kind", models.CharField(max_length=20)),
                ("tone", models.CharField(max_length=6)),
                ("locale", models.CharField(max_length=5)),
                ("text", models.CharField(max_length=300)),
                ("experiment", models.CharField(blank=True, max_length=60)),
                ("variant", models.CharField(blank=True, max_length=40)),
                ("count", models.BigIntegerField()),
                ("elsewhere", models.CharField(blank=True, max_length=60)),
                ("elsewhere_count", models.BigIntegerField(default=0)),
                ("arrives_on", models.DateField(null=True)),
                ("here_levels", models.PositiveIntegerField()),
                (
                    "level_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                ("versions", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                (
                    "available",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                ("held", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("withheld", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("waiting", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                (
                    "most_in_all",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(null=True), size=None),
                ),
                ("age_seconds", models.PositiveIntegerField()),
                ("as_of", models.DateTimeField()),
                ("valid_until", models.DateTimeField()),
            ],
            options={
                "verbose_name": "scarcity claim",
                "verbose_name_plural": "scarcity claims",
                "indexes": [
                    django.contrib.postgres.indexes.BrinIndex(
                        autosummarize=True, fields=["as_of"], name="scarcity_claim_by_time"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "few_left",
                                    "few_orderable",
                                    "in_baskets",
                                    "sold_out",
                                    "sold_out_elsewhere",
                                    "sold_out_delivered",
                                    "elsewhere",
                                    "elsewhere_delivered",
                                ],
                            )
                        ),
                        name="scarcity_claim_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("tone__in", ["firm", "soft"])), name="scarcity_claim_tone_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("valid_until__gt", models.F("as_of"))),
                        name="scarcity_claim_valid_after_fact",
                    ),
                ],
            },
        ),
        migrations.RunSQL(LAWS, LAWLESS),
    ]
