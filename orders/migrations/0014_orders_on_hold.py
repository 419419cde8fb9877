"""Orders on hold: why, from when to when; and the law that nothing of them moves towards its customer meanwhile."""

import django.contrib.postgres.fields
import django.db.models.deletion
import uuid
from django.db import migrations, models


LAW = """
CREATE FUNCTION orders_refuse_while_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM orders_orderhold h WHERE h.order_id = NEW.order_id AND h.released_at IS NULL) THEN
        RAISE EXCEPTION 'order % is on hold, so its fulfilment can''t become %', NEW.order_id, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'held_order_stands_still';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER held_order_stands_still BEFORE UPDATE OF state ON orders_fulfilment
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state
        AND NEW.state IN ('accepted', 'picking', 'ready', 'handed_over', 'shipped'))
    EXECUTE FUNCTION orders_refuse_while_held();
"""
NO_LAW = """
DROP TRIGGER held_order_stands_still ON orders_fulfilment;
DROP FUNCTION orders_refuse_while_held();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0013_payments'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='held_for',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), blank=True, db_default=[], default=list, size=None),
        ),
        migrations.CreateModel(
            name='OrderHold',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('fraud', 'Fraud'), ('payment', 'Payment'), ('address', 'Address'), ('customer_asked', 'Customer asked'), ('goods', 'Goods'), ('other', 'Other')], max_length=20, verbose_name='kind')),
                ('reason', models.CharField(blank=True, max_length=200, verbose_name='reason')),
                ('placed_by_kind', models.CharField(max_length=10)),
                ('placed_by_id', models.CharField(max_length=64)),
                ('placed_by', models.CharField(max_length=200)),
                ('placed_at', models.DateTimeField()),
                ('released_by', models.CharField(blank=True, max_length=200)),
                ('release_reason', models.CharField(blank=True, max_length=200)),
                ('released_at', models.DateTimeField(null=True)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='holds', to='orders.order')),
            ],
            options={
                'verbose_name': 'hold of an order',
                'verbose_name_plural': 'holds of orders',
                'indexes': [models.Index(condition=models.Q(('released_at__isnull', True)), fields=['placed_at', 'id'], name='order_hold_open')],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['fraud', 'payment', 'address', 'customer_asked', 'goods', 'other'])), name='order_hold_kind_known'), models.UniqueConstraint(condition=models.Q(('released_at__isnull', True)), fields=('order', 'kind'), name='order_hold_once_per_kind'), models.CheckConstraint(condition=models.Q(('released_at__isnull', True), ('released_at__gte', models.F('placed_at')), _connector='OR'), name='order_hold_ends_after_it_began')],
            },
        ),
        migrations.RunSQL(LAW, NO_LAW),
    ]
