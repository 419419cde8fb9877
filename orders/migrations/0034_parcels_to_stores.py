"""Parcels to stores: what is picked for another store waits to be packed, comes there parcel by parcel, or is lost."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

_HELD = """
DROP TRIGGER held_order_stands_still ON orders_fulfilment;
CREATE TRIGGER held_order_stands_still BEFORE UPDATE OF state ON orders_fulfilment
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state AND NEW.state IN ({}))
    EXECUTE FUNCTION orders_refuse_while_held();
"""
LAW = _HELD.format("'accepted', 'picking', 'picked', 'under_way', 'ready', 'handed_over', 'shipped'")
BEFORE = _HELD.format("'accepted', 'picking', 'under_way', 'ready', 'handed_over', 'shipped'")


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0018_claims_of_kits'),
        ('orders', '0033_goods_instead'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='fulfilment',
            name='fulfilment_state_known',
        ),
        migrations.RemoveConstraint(
            model_name='fulfilment',
            name='pickup_code_once_per_location',
        ),
        migrations.RemoveIndex(
            model_name='fulfilment',
            name='fulfilment_queue',
        ),
        migrations.AddField(
            model_name='fulfilment',
            name='origin',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.location'),
        ),
        migrations.AddField(
            model_name='parcel',
            name='arrived_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='parcel',
            name='code',
            field=models.CharField(blank=True, db_default='', default='', max_length=40),
        ),
        migrations.AddField(
            model_name='parcel',
            name='lost_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name='fulfilment',
            name='state',
            field=models.CharField(choices=[('placed', 'Placed'), ('accepted', 'Accepted'), ('picking', 'Picking'), ('picked', 'Picked'), ('under_way', 'Under way'), ('ready', 'Ready'), ('arrived', 'Arrived'), ('handed_over', 'Handed over'), ('shipped', 'Shipped'), ('rejected', 'Rejected'), ('no_show', 'No show'), ('returned_to_stock', 'Returned to stock'), ('cancelled', 'Cancelled')], default='placed', max_length=20),
        ),
        migrations.AddIndex(
            model_name='fulfilment',
            index=models.Index(condition=models.Q(('state__in', ['placed', 'accepted', 'picking', 'picked', 'under_way', 'ready', 'arrived', 'no_show']), ('is_on_shelf', True), _connector='OR'), fields=['location', 'promised_at'], name='fulfilment_queue'),
        ),
        migrations.AddConstraint(
            model_name='fulfilment',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['placed', 'accepted', 'picking', 'picked', 'under_way', 'ready', 'arrived', 'handed_over', 'shipped', 'rejected', 'no_show', 'returned_to_stock', 'cancelled'])), name='fulfilment_state_known'),
        ),
        migrations.AddConstraint(
            model_name='fulfilment',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['placed', 'accepted', 'picking', 'picked', 'under_way', 'ready', 'arrived', 'no_show']), models.Q(('pickup_code', ''), _negated=True)), fields=('location', 'pickup_code'), name='pickup_code_once_per_location'),
        ),
        migrations.AddConstraint(
            model_name='parcel',
            constraint=models.UniqueConstraint(condition=models.Q(('code', ''), _negated=True), fields=('code',), name='parcel_code_once'),
        ),
        migrations.AddConstraint(
            model_name='parcel',
            constraint=models.CheckConstraint(condition=models.Q(('left_at__isnull', False), models.Q(('arrived_at__isnull', True), ('lost_at__isnull', True)), _connector='OR'), name='parcel_left_before_it_arrived'),
        ),
        migrations.RunSQL(LAW, BEFORE),
    ]
