"""Coupon codes that were made, and what quotes and orders took of promotions' limits."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("pricing", "0005_prices_of_many_kinds")]

    operations = [
        migrations.CreateModel(
            name="CouponCode",
            fields=[
                ("code", models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name="code")),
                ("batch", models.SlugField(max_length=40, verbose_name="batch")),
                ("customer", models.CharField(blank=True, max_length=40)),
                ("made_at", models.DateTimeField(verbose_name="made at")),
                ("valid_until", models.DateTimeField(blank=True, null=True, verbose_name="valid until")),
            ],
            options={
                "verbose_name": "coupon code",
                "verbose_name_plural": "coupon codes",
                "indexes": [models.Index(fields=["batch", "code"], name="coupon_code_by_batch")],
            },
        ),
        migrations.CreateModel(
            name="PromotionUse",
            fields=[
                ("hold_id", models.UUIDField(primary_key=True, serialize=False)),
                ("promotion", models.CharField(max_length=40, verbose_name="promotion")),
                ("key", models.CharField(max_length=160)),
                ("quantity", models.BigIntegerField(verbose_name="quantity")),
                ("quote_id", models.UUIDField(db_index=True)),
                ("order_id", models.UUIDField(blank=True, db_index=True, null=True)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "use of a promotion",
                "verbose_name_plural": "uses of promotions",
                "constraints": [
                    models.CheckConstraint(condition=Q(("quantity__gte", 1)), name="promotion_use_positive")
                ],
            },
        ),
    ]
