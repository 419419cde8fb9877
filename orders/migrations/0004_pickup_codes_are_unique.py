"""A pickup code opens one order of a store at a time."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0002_laws'),
        ('orders', '0003_past_sales'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='fulfilment',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['placed', 'accepted', 'picking', 'ready', 'arrived', 'no_show']), models.Q(('pickup_code', ''), _negated=True)), fields=('location', 'pickup_code'), name='pickup_code_once_per_location'),
        ),
    ]
