"""An order of a profile knows the location that serves it, so that a store sees its own customers only (law 17)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("customers", "0002_finding_people")]

    operations = [
        migrations.AddField(
            model_name="orderhistory",
            name="location",
            field=models.CharField(blank=True, default="", max_length=20),
        ),
    ]
