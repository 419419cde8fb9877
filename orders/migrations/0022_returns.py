"""Returns: what comes back, unit by unit, what is refunded for it, and until when it may; each once."""

import django.contrib.postgres.constraints
import django.db.models.deletion
import django.db.models.expressions
import django.contrib.postgres.fields
import uuid
from django.db import migrations, models


LAWS = """
-- Nobody returns what they don't have: units are counted from 0, and only so many were delivered.
CREATE FUNCTION orders_check_returned_units() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    there bigint;
BEGIN
    SELECT CASE WHEN EXISTS (SELECT FROM orders_fulfilmentline owed WHERE owed.order_line_id = line.id) THEN (
        SELECT coalesce(sum(part.units), 0) FROM (
            SELECT max((owed.quantity - owed.rejected) / owed.per_unit) AS units
            FROM orders_fulfilmentline owed JOIN orders_fulfilment f ON f.id = owed.fulfilment_id
            WHERE owed.order_line_id = line.id AND f.state IN ('handed_over', 'shipped') GROUP BY owed.fulfilment_id
        ) part)
        ELSE line.quantity - line.cancelled END
    INTO there FROM orders_orderline line WHERE line.id = NEW.order_line_id;
    IF NEW.first_unit + NEW.quantity > there THEN
        RAISE EXCEPTION '% units of line % were delivered, so unit % can''t come back', there, NEW.order_line_id,
            NEW.first_unit + NEW.quantity USING ERRCODE = 'check_violation', CONSTRAINT = 'return_line_was_delivered';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER return_line_was_delivered BEFORE INSERT ON orders_returnline
    FOR EACH ROW EXECUTE FUNCTION orders_check_returned_units();

-- Restocked once, refunded once, each for itself; units that were either are never void again.
CREATE FUNCTION orders_check_return_facts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.restocked_at IS NOT NULL AND (NEW.restocked_at, NEW.sellable, NEW.quality_control, NEW.damaged)
        IS DISTINCT FROM (OLD.restocked_at, OLD.sellable, OLD.quality_control, OLD.damaged) THEN
        RAISE EXCEPTION 'return line % was booked back already', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'return_line_facts_stay';
    END IF;
    IF OLD.refund_id IS NOT NULL AND (NEW.refund_id, NEW.refund_minor, NEW.deduction_minor, NEW.is_void, NEW.quantity)
        IS DISTINCT FROM (OLD.refund_id, OLD.refund_minor, OLD.deduction_minor, OLD.is_void, OLD.quantity) THEN
        RAISE EXCEPTION 'return line % was refunded already', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'return_line_facts_stay';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER return_line_facts_stay BEFORE UPDATE ON orders_returnline
    FOR EACH ROW EXECUTE FUNCTION orders_check_return_facts();
CREATE SEQUENCE orders_return_number START 10001 CACHE 1;
"""
NO_LAWS = """
DROP SEQUENCE orders_return_number;
DROP TRIGGER return_line_facts_stay ON orders_returnline;
DROP FUNCTION orders_check_return_facts();
DROP TRIGGER return_line_was_delivered ON orders_returnline;
DROP FUNCTION orders_check_returned_units();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0010_minimum_age'),
        ('inventory', '0017_transit_and_value_classes'),
        ("orders", "0021_decisions_that_differ"),
    ]

    operations = [
        migrations.CreateModel(
            name='Return',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('number', models.CharField(max_length=24, unique=True, verbose_name='number')),
                ('state', models.CharField(choices=[('announced', 'Announced'), ('in_transit', 'In transit'), ('received', 'Received'), ('inspected', 'Inspected'), ('settled', 'Settled'), ('refused', 'Refused'), ('cancelled', 'Cancelled')], default='announced', max_length=12)),
                ('origin', models.CharField(choices=[('customer', 'Customer'), ('channel', 'Channel'), ('service', 'Service'), ('counter', 'Counter')], max_length=10)),
                ('label', models.CharField(blank=True, max_length=80)),
                ('keeps_goods', models.BooleanField(default=False)),
                ('overridden', models.CharField(blank=True, max_length=200)),
                ('note', models.CharField(blank=True, max_length=200)),
                ('version', models.BigIntegerField(default=1)),
                ('announced_at', models.DateTimeField()),
                ('received_at', models.DateTimeField(null=True)),
                ('changed_at', models.DateTimeField()),
                ('location', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.location')),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='returns', to='orders.order')),
            ],
            options={
                'verbose_name': 'return',
                'verbose_name_plural': 'returns',
            },
        ),
        migrations.CreateModel(
            name='OrderRefund',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('return', 'Return'), ('claim', 'Claim'), ('goodwill', 'Goodwill')], max_length=10)),
                ('amount_minor', models.BigIntegerField()),
                ('uncovered_minor', models.BigIntegerField(default=0)),
                ('reason', models.CharField(max_length=200)),
                ('asked_by_id', models.CharField(max_length=64)),
                ('asked_by', models.CharField(max_length=200)),
                ('asked_at', models.DateTimeField()),
                ('decided_by_id', models.CharField(blank=True, max_length=64)),
                ('decided_by', models.CharField(blank=True, max_length=200)),
                ('decided_at', models.DateTimeField(null=True)),
                ('is_granted', models.BooleanField(null=True)),
                ('needs_second', models.BooleanField(default=False)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='order_refunds', to='orders.order')),
                ('of_return', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='orders.return')),
            ],
            options={
                'verbose_name': 'refund of an order',
                'verbose_name_plural': 'refunds of orders',
            },
        ),
        migrations.CreateModel(
            name='ReturnLine',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('first_unit', models.PositiveIntegerField()),
                ('quantity', models.PositiveIntegerField()),
                ('reason', models.CharField(choices=[('withdrawal', 'Withdrawal'), ('does_not_fit', 'Does not fit'), ('not_as_described', 'Not as described'), ('damaged', 'Damaged'), ('wrong_item', 'Wrong item'), ('defect', 'Defect'), ('other', 'Other')], max_length=16)),
                ('sellable', models.PositiveIntegerField(default=0)),
                ('quality_control', models.PositiveIntegerField(default=0)),
                ('damaged', models.PositiveIntegerField(default=0)),
                ('missing', models.PositiveIntegerField(default=0)),
                ('restocked_at', models.DateTimeField(null=True)),
                ('deduction_minor', models.BigIntegerField(default=0)),
                ('deduction_reason', models.CharField(blank=True, max_length=200)),
                ('refund_minor', models.BigIntegerField(null=True)),
                ('is_exchanged', models.BooleanField(default=False)),
                ('is_void', models.BooleanField(default=False)),
                ('of_return', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='orders.return')),
                ('order_line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.orderline')),
                ('refund', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='orders.orderrefund')),
            ],
        ),
        migrations.CreateModel(
            name='ReturnPolicy',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('country', models.CharField(blank=True, max_length=2, verbose_name='country')),
                ('category', models.CharField(blank=True, max_length=120, verbose_name='category')),
                ('days', models.PositiveIntegerField(verbose_name='days')),
                ('reason', models.CharField(blank=True, max_length=120, verbose_name='reason')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('channel', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='commerce.channel')),
                ('product', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='commerce.product')),
            ],
            options={
                'verbose_name': 'return policy',
                'verbose_name_plural': 'return policies',
            },
        ),
        migrations.AddIndex(
            model_name='return',
            index=models.Index(fields=['state', '-changed_at'], name='return_by_state'),
        ),
        migrations.AddIndex(
            model_name='return',
            index=models.Index(fields=['location', 'state', '-changed_at'], name='return_by_place'),
        ),
        migrations.AddIndex(
            model_name='return',
            index=models.Index(fields=['-changed_at', '-id'], name='return_lately'),
        ),
        migrations.AddConstraint(
            model_name='return',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['announced', 'in_transit', 'received', 'inspected', 'settled', 'refused', 'cancelled'])), name='return_state_known'),
        ),
        migrations.AddConstraint(
            model_name='return',
            constraint=models.CheckConstraint(condition=models.Q(('origin__in', ['customer', 'channel', 'service', 'counter'])), name='return_origin_known'),
        ),
        migrations.AddConstraint(
            model_name='return',
            constraint=models.CheckConstraint(condition=models.Q(('received_at__isnull', True), ('location__isnull', False), _connector='OR'), name='return_received_somewhere'),
        ),
        migrations.AddIndex(
            model_name='orderrefund',
            index=models.Index(condition=models.Q(('decided_at__isnull', True)), fields=['asked_at'], name='order_refund_undecided'),
        ),
        migrations.AddConstraint(
            model_name='orderrefund',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['return', 'claim', 'goodwill'])), name='order_refund_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='orderrefund',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gte', 1)), name='order_refund_amount_positive'),
        ),
        migrations.AddConstraint(
            model_name='orderrefund',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('is_granted__isnull', True)), models.Q(('decided_at__isnull', False), ('is_granted__isnull', False)), _connector='OR'), name='order_refund_decided_whole'),
        ),
        migrations.AddConstraint(
            model_name='orderrefund',
            constraint=models.CheckConstraint(condition=models.Q(('needs_second', False), ('decided_at__isnull', True), models.Q(('decided_by_id', models.F('asked_by_id')), _negated=True), _connector='OR'), name='order_refund_second_person'),
        ),
        migrations.AddConstraint(
            model_name='returnline',
            constraint=models.CheckConstraint(condition=models.Q(('quantity__gte', 1)), name='return_line_quantity_positive'),
        ),
        migrations.AddConstraint(
            model_name='returnline',
            constraint=models.CheckConstraint(condition=models.Q(('reason__in', ['withdrawal', 'does_not_fit', 'not_as_described', 'damaged', 'wrong_item', 'defect', 'other'])), name='return_line_reason_known'),
        ),
        migrations.AddConstraint(
            model_name='returnline',
            constraint=models.CheckConstraint(condition=models.Q(('quantity__gte', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('sellable'), '+', models.F('quality_control')), '+', models.F('damaged')), '+', models.F('missing')))), name='return_line_inspected_at_most_all'),
        ),
        migrations.AddConstraint(
            model_name='returnline',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('refund__isnull', True), ('refund_minor__isnull', True)), models.Q(('is_exchanged', False), ('is_void', False), ('refund__isnull', False), ('refund_minor__gte', 0)), _connector='OR'), name='return_line_refund_is_whole'),
        ),
        migrations.AddConstraint(
            model_name='returnline',
            constraint=models.CheckConstraint(condition=models.Q(('deduction_minor', 0), models.Q(('deduction_minor__gt', 0), models.Q(('deduction_reason', ''), _negated=True)), _connector='OR'), name='return_line_deduction_has_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='returnline',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('is_void', False)), expressions=[('order_line', '='), (models.Func(models.F('first_unit'), django.db.models.expressions.CombinedExpression(models.F('first_unit'), '+', models.F('quantity')), function='int4range', output_field=django.contrib.postgres.fields.IntegerRangeField()), '&&')], name='returned_unit_once'),
        ),
        migrations.AddConstraint(
            model_name='returnpolicy',
            constraint=models.CheckConstraint(condition=models.Q(('days__lte', 1100)), name='return_policy_days_sane'),
        ),
        migrations.AddConstraint(
            model_name='returnpolicy',
            constraint=models.UniqueConstraint(condition=models.Q(('is_active', True)), fields=('channel', 'country', 'category', 'product'), name='return_policy_once', nulls_distinct=False),
        ),
        migrations.RunSQL(LAWS, NO_LAWS),
    ]
