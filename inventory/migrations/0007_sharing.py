"""Buffers and obligations."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inventory", "0006_counts")]

    operations: list = []
