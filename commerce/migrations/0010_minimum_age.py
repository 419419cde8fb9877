"""Goods that the law lets people have from an age on."""

from django.db import migrations, models

AGES = (6, 12, 16, 18)


def _field():
    return models.PositiveSmallIntegerField(
        blank=True, choices=[(age, str(age)) for age in AGES], null=True, verbose_name="only from the age of"
    )


class Migration(migrations.Migration):
    dependencies = [("commerce", "0009_experiments")]

    operations = [
        migrations.AddField(model_name="historicalproduct", name="minimum_age", field=_field()),
        migrations.AddField(model_name="product", name="minimum_age", field=_field()),
        migrations.AddConstraint(
            model_name="product",
            constraint=models.CheckConstraint(
                condition=models.Q(("minimum_age__isnull", True), ("minimum_age__in", AGES), _connector="OR"),
                name="product_minimum_age_known",
            ),
        ),
    ]
