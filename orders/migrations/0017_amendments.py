"""Changes of orders as they were confirmed; what was confirmed is never changed."""

import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("orders", "0016_what_a_provider_needs_again"),
    ]

    operations = [
        migrations.CreateModel(
            name='OrderAmendment',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('from_version', models.BigIntegerField()),
                ('difference_minor', models.BigIntegerField()),
                ('document', models.JSONField()),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('made_by', models.CharField(max_length=200)),
                ('made_at', models.DateTimeField()),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='amendments', to='orders.order')),
            ],
            options={
                'verbose_name': 'change of an order',
                'verbose_name_plural': 'changes of orders',
                'constraints': [models.UniqueConstraint(fields=('order', 'from_version'), name='order_amendment_once_per_version')],
            },
        ),
        migrations.RunSQL(
            "CREATE TRIGGER order_amendment_is_immutable BEFORE UPDATE OR DELETE ON orders_orderamendment"
            " FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change()",
            "DROP TRIGGER order_amendment_is_immutable ON orders_orderamendment",
        ),
    ]
