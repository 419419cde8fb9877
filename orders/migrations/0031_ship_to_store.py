"""Ship to store: goods under way to the place where their customer fetches them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


_HELD = """
DROP TRIGGER held_order_stands_still ON orders_fulfilment;
CREATE TRIGGER held_order_stands_still BEFORE UPDATE OF state ON orders_fulfilment
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state AND NEW.state IN ({}))
    EXECUTE FUNCTION orders_refuse_while_held();
"""
LAW = _HELD.format("'accepted', 'picking', 'under_way', 'ready', 'handed_over', 'shipped'")
BEFORE = _HELD.format("'accepted', 'picking', 'ready', 'handed_over', 'shipped'")


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0017_transit_and_value_classes'),
        ('orders', '0030_promises_move'),
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
            name='store',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.location'),
        ),
        migrations.AlterField(
            model_name='fulfilment',
            name='state',
            field=models.CharField(choices=[('placed', 'Placed'), ('accepted', 'Accepted'), ('picking', 'Picking'), ('under_way', 'Under way'), ('ready', 'Ready'), ('arrived', 'Arrived'), ('handed_over', 'Handed over'), ('shipped', 'Shipped'), ('rejected', 'Rejected'), ('no_show', 'No show'), ('returned_to_stock', 'Returned to stock'), ('cancelled', 'Cancelled')], default='placed', max_length=20),
        ),
        migrations.AddIndex(
            model_name='fulfilment',
            index=models.Index(condition=models.Q(('state__in', ['placed', 'accepted', 'picking', 'under_way', 'ready', 'arrived', 'no_show']), ('is_on_shelf', True), _connector='OR'), fields=['location', 'promised_at'], name='fulfilment_queue'),
        ),
        migrations.AddConstraint(
            model_name='fulfilment',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['placed', 'accepted', 'picking', 'under_way', 'ready', 'arrived', 'handed_over', 'shipped', 'rejected', 'no_show', 'returned_to_stock', 'cancelled'])), name='fulfilment_state_known'),
        ),
        migrations.AddConstraint(
            model_name='fulfilment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('method', 'ship_to_store'), ('store__isnull', False)), models.Q(models.Q(('method', 'ship_to_store'), _negated=True), ('store__isnull', True)), _connector='OR'), name='fulfilment_to_store_names_it'),
        ),
        migrations.AddConstraint(
            model_name='fulfilment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'under_way'), _negated=True), ('location', models.F('store')), _connector='OR'), name='fulfilment_under_way_is_the_stores'),
        ),
        migrations.AddConstraint(
            model_name='fulfilment',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['placed', 'accepted', 'picking', 'under_way', 'ready', 'arrived', 'no_show']), models.Q(('pickup_code', ''), _negated=True)), fields=('location', 'pickup_code'), name='pickup_code_once_per_location'),
        ),
        migrations.RunSQL(LAW, BEFORE),
    ]
