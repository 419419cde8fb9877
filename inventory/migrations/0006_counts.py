"""Stock counts."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inventory", "0005_supply")]

    operations: list = []
