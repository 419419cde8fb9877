"""Policies of routing as versions, their switches and simulations; carriers, places in routing, restrictions."""

import django.contrib.postgres.fields
import django.db.models.deletion
import uuid
from django.db import migrations, models


IMMUTABLE = """
CREATE TRIGGER routing_policy_is_immutable BEFORE UPDATE OR DELETE ON orders_routingpolicy
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
CREATE TRIGGER routing_switch_is_immutable BEFORE UPDATE OR DELETE ON orders_routingswitch
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
"""
UNDO = """
DROP TRIGGER routing_policy_is_immutable ON orders_routingpolicy;
DROP TRIGGER routing_switch_is_immutable ON orders_routingswitch;
"""
OVER = """CREATE TRIGGER routing_simulation_result_stands BEFORE UPDATE OR DELETE ON orders_routingsimulation
FOR EACH ROW WHEN (OLD.state IN ('done', 'failed')) EXECUTE FUNCTION commerce_refuse_change()"""


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0010_minimum_age'),
        ('inventory', '0016_corrected_once'),
        ('orders', '0019_messages_to_customers'),
    ]

    operations = [
        migrations.CreateModel(
            name='RoutingNode',
            fields=[
                ('location', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='inventory.location')),
                ('is_paused', models.BooleanField(default=False, verbose_name='takes no orders for now')),
                ('orders_per_day', models.PositiveIntegerField(blank=True, null=True, verbose_name='orders a day')),
                ('people', models.PositiveSmallIntegerField(default=1, verbose_name='people who pick')),
                ('pieces_per_hour', models.PositiveSmallIntegerField(default=60, verbose_name='pieces one person picks in an hour')),
                ('handling_minor', models.PositiveIntegerField(default=0, verbose_name='handling of a parcel')),
                ('handling_piece_minor', models.PositiveIntegerField(default=0, verbose_name='handling of a piece')),
                ('partner_basis_points', models.PositiveIntegerField(default=0, verbose_name="partner's share in 1/100 %")),
                ('takes_returns', models.BooleanField(default=True, verbose_name='takes returns')),
                ('takes_hazardous', models.BooleanField(default=True, verbose_name='handles hazardous goods')),
            ],
            options={
                'verbose_name': 'place in routing',
                'verbose_name_plural': 'places in routing',
            },
        ),
        migrations.CreateModel(
            name='RoutingPolicy',
            fields=[
                ('number', models.PositiveIntegerField(primary_key=True, serialize=False, verbose_name='version')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('content', models.JSONField()),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='why')),
                ('author', models.CharField(max_length=200, verbose_name='author')),
                ('created_at', models.DateTimeField(verbose_name='written at')),
            ],
            options={
                'verbose_name': 'routing policy',
                'verbose_name_plural': 'routing policies',
                'ordering': ['-number'],
            },
        ),
        migrations.CreateModel(
            name='RoutingRestriction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('embargo', 'Embargo'), ('hazardous', 'Hazardous')], max_length=12, verbose_name='kind')),
                ('category', models.CharField(blank=True, max_length=120, verbose_name='category')),
                ('country', models.CharField(blank=True, max_length=2, verbose_name='to country')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='why')),
            ],
            options={
                'verbose_name': 'restriction of shipping',
                'verbose_name_plural': 'restrictions of shipping',
            },
        ),
        migrations.CreateModel(
            name='RoutingSimulation',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField()),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='waiting', max_length=10)),
                ('total', models.PositiveIntegerField(default=0)),
                ('done', models.PositiveIntegerField(default=0)),
                ('result', models.JSONField(null=True)),
                ('problem', models.CharField(blank=True, max_length=200)),
                ('asked_by', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'routing simulation',
                'verbose_name_plural': 'routing simulations',
                'ordering': ['-created_at'],
            },
        ),
        migrations.CreateModel(
            name='RoutingSwitch',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('role', models.CharField(choices=[('live', 'Live'), ('shadow', 'Shadow')], max_length=10)),
                ('goes_back', models.BooleanField(default=False)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('switched_by', models.CharField(max_length=200)),
                ('switched_at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'switch of routing policies',
                'verbose_name_plural': 'switches of routing policies',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='ShippingRate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('up_to_grams', models.PositiveIntegerField(verbose_name='up to g')),
                ('cost_minor', models.PositiveIntegerField(verbose_name='cost')),
            ],
            options={
                'verbose_name': 'shipping rate',
                'verbose_name_plural': 'shipping rates',
                'ordering': ['zone', 'up_to_grams'],
            },
        ),
        migrations.CreateModel(
            name='ShippingService',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=40, unique=True, verbose_name='code')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('carrier', models.CharField(max_length=80, verbose_name='carrier')),
                ('origin', models.CharField(max_length=2, verbose_name='from country')),
                ('methods', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=16), size=None, verbose_name='methods')),
                ('cut_off', models.TimeField(verbose_name='parcels ready by')),
                ('collects_on', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(), size=None, verbose_name='collects on')),
                ('delivers_on', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(), size=None, verbose_name='delivers on')),
                ('takes_hazardous', models.BooleanField(default=False, verbose_name='takes hazardous goods')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
            ],
            options={
                'verbose_name': 'shipping service',
                'verbose_name_plural': 'shipping services',
                'ordering': ['code'],
            },
        ),
        migrations.CreateModel(
            name='ShippingZone',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=20, verbose_name='code')),
                ('countries', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=2), size=None, verbose_name='to countries')),
                ('up_to_km', models.PositiveIntegerField(blank=True, null=True, verbose_name='up to km')),
                ('days', models.PositiveSmallIntegerField(verbose_name='days on the way')),
            ],
            options={
                'verbose_name': 'shipping zone',
                'verbose_name_plural': 'shipping zones',
                'ordering': ['service', 'code'],
            },
        ),
        migrations.AddField(
            model_name='routingdecision',
            name='attempt',
            field=models.PositiveSmallIntegerField(db_default=1),
        ),
        migrations.AddField(
            model_name='routingdecision',
            name='occasion',
            field=models.CharField(choices=[('placed', 'Placed'), ('batched', 'Batched'), ('rerouted', 'Rerouted')], db_default='placed', max_length=12),
        ),
        migrations.AddField(
            model_name='routingdecision',
            name='outcome',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='routingdecision',
            name='shadow',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='routingdecision',
            name='shadow_differs',
            field=models.BooleanField(db_default=False),
        ),
        migrations.AlterField(
            model_name='routingdecision',
            name='candidates',
            field=models.JSONField(default=list),
        ),
        migrations.AddConstraint(
            model_name='routingdecision',
            constraint=models.CheckConstraint(condition=models.Q(('occasion__in', ['placed', 'batched', 'rerouted'])), name='routing_decision_occasion_known'),
        ),
        migrations.AddConstraint(
            model_name='routingdecision',
            constraint=models.CheckConstraint(condition=models.Q(('attempt__range', (1, 10))), name='routing_decision_attempts_bounded'),
        ),
        migrations.AddConstraint(
            model_name='routingnode',
            constraint=models.CheckConstraint(condition=models.Q(('people__gte', 1), ('pieces_per_hour__gte', 1)), name='routing_node_people_work'),
        ),
        migrations.AddConstraint(
            model_name='routingnode',
            constraint=models.CheckConstraint(condition=models.Q(('partner_basis_points__lte', 10000)), name='routing_node_share_of_whole'),
        ),
        migrations.AddField(
            model_name='routingpolicy',
            name='based_on',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.routingpolicy'),
        ),
        migrations.AddField(
            model_name='routingpolicy',
            name='restores',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.routingpolicy'),
        ),
        migrations.AddField(
            model_name='routingrestriction',
            name='location',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inventory.location', verbose_name='from place'),
        ),
        migrations.AddField(
            model_name='routingrestriction',
            name='product',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='commerce.product', verbose_name='product'),
        ),
        migrations.AddField(
            model_name='routingsimulation',
            name='beside',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.routingpolicy'),
        ),
        migrations.AddField(
            model_name='routingsimulation',
            name='policy',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='simulations', to='orders.routingpolicy'),
        ),
        migrations.AddField(
            model_name='routingswitch',
            name='policy',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='switches', to='orders.routingpolicy'),
        ),
        migrations.AddField(
            model_name='routingswitch',
            name='simulation',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.routingsimulation'),
        ),
        migrations.AddConstraint(
            model_name='shippingservice',
            constraint=models.CheckConstraint(condition=models.Q(('collects_on__contained_by', [1, 2, 3, 4, 5, 6, 7]), ('delivers_on__contained_by', [1, 2, 3, 4, 5, 6, 7])), name='shipping_service_weekdays_known'),
        ),
        migrations.AddConstraint(
            model_name='shippingservice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('collects_on', []), _negated=True), models.Q(('delivers_on', []), _negated=True)), name='shipping_service_works_some_day'),
        ),
        migrations.AddConstraint(
            model_name='shippingservice',
            constraint=models.CheckConstraint(condition=models.Q(('methods__contained_by', ['pickup', 'curbside', 'ship', 'same_day', 'ship_to_store'])), name='shipping_service_methods_known'),
        ),
        migrations.AddField(
            model_name='shippingzone',
            name='service',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='zones', to='orders.shippingservice'),
        ),
        migrations.AddField(
            model_name='shippingrate',
            name='zone',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='rates', to='orders.shippingzone'),
        ),
        migrations.AddConstraint(
            model_name='routingpolicy',
            constraint=models.CheckConstraint(condition=models.Q(('number__gte', 1)), name='routing_policy_has_a_number'),
        ),
        migrations.AddConstraint(
            model_name='routingpolicy',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('based_on__isnull', True), ('based_on__lt', models.F('number')), _connector='OR'), models.Q(('restores__isnull', True), ('restores__lt', models.F('number')), _connector='OR')), name='routing_policy_builds_on_earlier'),
        ),
        migrations.AddConstraint(
            model_name='routingrestriction',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['embargo', 'hazardous'])), name='routing_restriction_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='routingrestriction',
            constraint=models.CheckConstraint(condition=models.Q(('product__isnull', False), models.Q(('category', ''), _negated=True), models.Q(('country', ''), _negated=True), ('location__isnull', False), _connector='OR'), name='routing_restriction_says_what'),
        ),
        migrations.AddConstraint(
            model_name='routingrestriction',
            constraint=models.CheckConstraint(condition=models.Q(('product__isnull', True), ('category', ''), _connector='OR'), name='routing_restriction_one_scope'),
        ),
        migrations.AddConstraint(
            model_name='routingrestriction',
            constraint=models.UniqueConstraint(fields=('kind', 'product', 'category', 'country', 'location'), name='routing_restriction_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='routingsimulation',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'running', 'done', 'failed'])), name='routing_simulation_state_known'),
        ),
        migrations.AddConstraint(
            model_name='routingsimulation',
            constraint=models.CheckConstraint(condition=models.Q(('until__gt', models.F('since'))), name='routing_simulation_span_forward'),
        ),
        migrations.AddConstraint(
            model_name='routingsimulation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'done'), _negated=True), ('result__isnull', False), _connector='OR'), name='routing_simulation_done_has_a_result'),
        ),
        migrations.AddConstraint(
            model_name='routingsimulation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', False), ('state__in', ['done', 'failed'])), models.Q(models.Q(('state__in', ['done', 'failed']), _negated=True), ('ended_at__isnull', True)), _connector='OR'), name='routing_simulation_ended_when_over'),
        ),
        migrations.AddIndex(
            model_name='routingswitch',
            index=models.Index(fields=['role', '-id'], name='routing_switch_newest'),
        ),
        migrations.AddConstraint(
            model_name='routingswitch',
            constraint=models.CheckConstraint(condition=models.Q(('role__in', ['live', 'shadow'])), name='routing_switch_role_known'),
        ),
        migrations.AddConstraint(
            model_name='routingswitch',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('role', 'live'), _negated=True), models.Q(('policy__isnull', False), models.Q(('simulation__isnull', False), ('goes_back', True), _connector='OR')), _connector='OR'), name='routing_policy_live_was_tried'),
        ),
        migrations.AddConstraint(
            model_name='shippingzone',
            constraint=models.UniqueConstraint(fields=('service', 'code'), name='shipping_zone_once'),
        ),
        migrations.AddConstraint(
            model_name='shippingzone',
            constraint=models.CheckConstraint(condition=models.Q(('days__lte', 30)), name='shipping_zone_days_sane'),
        ),
        migrations.AddConstraint(
            model_name='shippingrate',
            constraint=models.UniqueConstraint(fields=('zone', 'up_to_grams'), name='shipping_rate_once'),
        ),
        migrations.AddConstraint(
            model_name='shippingrate',
            constraint=models.CheckConstraint(condition=models.Q(('up_to_grams__gte', 1)), name='shipping_rate_has_weight'),
        ),
        migrations.RunSQL(IMMUTABLE, UNDO),
        migrations.RunSQL(OVER, "DROP TRIGGER routing_simulation_result_stands ON orders_routingsimulation"),
    ]
