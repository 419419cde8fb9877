"""Experiments."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("commerce", "0008_kits")]

    operations: list = []
