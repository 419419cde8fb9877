"""Promises that move are kept for ever, with why; what a method takes at a place is data."""

import django.contrib.postgres.fields
import django.db.models.deletion
import uuid
from django.db import migrations, models


IMMUTABLE = """CREATE TRIGGER promise_revision_is_immutable BEFORE UPDATE OR DELETE ON orders_promiserevision
FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change()"""
# What the journal knows of promises that moved before there was a table for them.
KNOWN = """
INSERT INTO orders_promiserevision (id, order_id, promised_before, promised_after, reason, revised_by, revised_at)
SELECT gen_random_uuid(), o.id, (e.before ->> 'promised_at')::timestamptz, (e.after ->> 'promised_at')::timestamptz,
       CASE e.verb WHEN 'orders.waiting.follow' THEN 'supply_moved' WHEN 'orders.pickup_moves.move' THEN 'moved' ELSE 'routed' END,
       e.actor_label, e.recorded_at
FROM commerce_auditentry e JOIN orders_order o ON o.id::text = e.object_id
WHERE e.object_type = 'order' AND e.verb IN ('orders.waiting.follow', 'orders.pickup_moves.move', 'orders.unrouted.route')
  AND e.before ->> 'promised_at' <> e.after ->> 'promised_at'
"""


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0017_transit_and_value_classes'),
        ('orders', '0029_pieces_called_off_so_far'),
    ]

    operations = [
        migrations.AddField(
            model_name='fulfilment',
            name='day_hold_ids',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), db_default=[], default=list, size=None),
        ),
        migrations.AddField(
            model_name='fulfilment',
            name='deliver_by',
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name='MethodTerms',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('method', models.CharField(choices=[('pickup', 'Pickup'), ('curbside', 'Curbside'), ('ship', 'Ship'), ('same_day', 'Same day'), ('ship_to_store', 'Ship to store')], max_length=16, verbose_name='method')),
                ('cut_off', models.TimeField(blank=True, help_text='Orders after this time, on the wall of the place, are begun on the next day.', null=True, verbose_name='today until')),
                ('minutes', models.PositiveSmallIntegerField(default=0, help_text='Besides the lead time of the place: packing, calling the courier.', verbose_name='minutes an order')),
                ('minutes_per_line', models.PositiveSmallIntegerField(default=0, help_text='For the walk to another shelf, besides picking the pieces.', verbose_name='minutes a line')),
                ('orders_per_day', models.PositiveIntegerField(blank=True, null=True, verbose_name='orders a day')),
                ('location', models.ForeignKey(blank=True, db_index=False, help_text='Empty: every place that says nothing of its own.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inventory.location', verbose_name='place')),
            ],
            options={
                'verbose_name': 'terms of a method',
                'verbose_name_plural': 'terms of methods',
                'ordering': ['method', 'location__code'],
                'constraints': [models.UniqueConstraint(fields=('location', 'method'), name='method_terms_once', nulls_distinct=False), models.CheckConstraint(condition=models.Q(('method__in', ['pickup', 'curbside', 'ship', 'same_day', 'ship_to_store'])), name='method_terms_method_known'), models.CheckConstraint(condition=models.Q(('minutes__lte', 1440), ('minutes_per_line__lte', 240)), name='method_terms_minutes_sane')],
            },
        ),
        migrations.CreateModel(
            name='PromiseRevision',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('promised_before', models.DateTimeField()),
                ('promised_after', models.DateTimeField()),
                ('reason', models.CharField(choices=[('supply_moved', 'Supply moved'), ('moved', 'Moved'), ('load', 'Load'), ('carrier', 'Carrier'), ('rerouted', 'Rerouted'), ('routed', 'Routed')], max_length=16)),
                ('revised_by', models.CharField(max_length=200)),
                ('revised_at', models.DateTimeField()),
                ('fulfilment', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='promise_revisions', to='orders.fulfilment')),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='promise_revisions', to='orders.order')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('reason__in', ['supply_moved', 'moved', 'load', 'carrier', 'rerouted', 'routed'])), name='promise_revision_reason_known'), models.CheckConstraint(condition=models.Q(('promised_after', models.F('promised_before')), _negated=True), name='promise_revision_moves')],
            },
        ),
        migrations.RunSQL(IMMUTABLE, "DROP TRIGGER promise_revision_is_immutable ON orders_promiserevision"),
        migrations.RunSQL(KNOWN, migrations.RunSQL.noop),
    ]
