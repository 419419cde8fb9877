"""Pieces that a part of an order doesn't owe any more are told apart: missing, or called off."""

from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0027_portions_without_a_place'),
    ]

    operations = [
        migrations.AddField(
            model_name='fulfilmentline',
            name='called_off',
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddConstraint(
            model_name='fulfilmentline',
            constraint=models.CheckConstraint(condition=Q(('rejected__gte', F('called_off'))), name='fulfilment_line_called_off_of_rejected'),
        ),
    ]
