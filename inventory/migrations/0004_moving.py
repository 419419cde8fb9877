"""Transfers and shelves."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inventory", "0003_location_groups")]

    operations: list = []
