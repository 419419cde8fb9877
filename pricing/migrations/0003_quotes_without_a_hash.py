"""A quote knows its basket by its lines; a hash of it served nobody."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pricing", "0002_ruleset_revision")]

    operations = [
        # With a value for the rows there are, so that the next step can be undone.
        migrations.AlterField(
            model_name="quote", name="basket_hash", field=models.BinaryField(max_length=32, default=b"", db_default=b"")
        ),
        migrations.RemoveField(model_name="quote", name="basket_hash"),
    ]
