"""An order's row says what its fulfilments come to, so that a list by status is read from an index."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0005_orders_of_a_location'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='status',
            field=models.CharField(choices=[('open', 'Open'), ('in_progress', 'In progress'), ('ready', 'Ready'), ('not_collected', 'Not collected'), ('completed', 'Completed'), ('returned', 'Returned'), ('rejected', 'Rejected'), ('cancelled', 'Cancelled')], default='open', max_length=20),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['open', 'in_progress', 'ready', 'not_collected', 'completed', 'returned', 'rejected', 'cancelled'])), name='order_status_known'),
        ),
    ]
