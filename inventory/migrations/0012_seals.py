"""Sealed segments of the journal."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inventory", "0011_reconciling")]

    operations: list = []
