"""What was said of kits rests on the levels of what is in them."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inventory", "0017_transit_and_value_classes")]

    operations = [
        migrations.AddField(
            model_name="scarcityclaim",
            name="pieces",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), null=True, size=None
            ),
        ),
    ]
