"""Scarcity messages and their proof."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inventory", "0008_promising")]

    operations: list = []
