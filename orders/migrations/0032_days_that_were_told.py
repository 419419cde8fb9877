"""What was accepted without a place knows the day that its customer was told."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0031_ship_to_store'),
    ]

    operations = [
        migrations.AddField(
            model_name='unroutedportion',
            name='deliver_by',
            field=models.DateField(null=True),
        ),
    ]
