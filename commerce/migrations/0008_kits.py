"""Kits."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("commerce", "0007_scopes")]

    operations: list = []
