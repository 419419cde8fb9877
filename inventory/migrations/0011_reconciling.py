"""Outside statements of stock, and discrepancies."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inventory", "0010_reordering")]

    operations: list = []
