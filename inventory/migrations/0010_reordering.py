"""Replenishment."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inventory", "0009_scarcity")]

    operations: list = []
