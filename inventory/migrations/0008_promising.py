"""Backorders, purchase limits, demand that waits."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inventory", "0007_sharing")]

    operations: list = []
