"""Pickup windows are named like every other instant outside: with a Z at the end. Their quotas keep what was booked."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0005_names_for_people'),
        ('orders', '0009_fewer_indexes_say_the_same'),
    ]

    operations = [
        migrations.RunSQL(
            "UPDATE commerce_quota SET key = replace(key, '+00:00', 'Z') WHERE key LIKE 'pickup:%'",
            "UPDATE commerce_quota SET key = regexp_replace(key, 'Z$', '+00:00') WHERE key LIKE 'pickup:%'",
        ),
    ]
