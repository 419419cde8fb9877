"""Suppliers, purchase orders and expected deliveries."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inventory", "0004_moving")]

    operations: list = []
