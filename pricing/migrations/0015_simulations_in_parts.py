"""Simulations are run in parts, each kept by itself."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pricing', '0014_exemptions_from_prior_prices'),
    ]

    operations = [
        migrations.AddField(
            model_name='rulesetsimulation',
            name='is_in_order',
            field=models.BooleanField(default=True),
        ),
        migrations.CreateModel(
            name='RulesetSimulationPart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField()),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='waiting', max_length=10)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('done', models.PositiveIntegerField(default=0)),
                ('left_out', models.PositiveIntegerField(default=0)),
                ('told_at', models.DateTimeField(null=True)),
                ('kept', models.JSONField(null=True)),
                ('simulation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='pricing.rulesetsimulation')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('simulation', 'number'), name='ruleset_simulation_part_once'), models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'running', 'done'])), name='ruleset_simulation_part_state_known'), models.CheckConstraint(condition=models.Q(('until__gt', models.F('since'))), name='ruleset_simulation_part_forward'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'done'), _negated=True), ('kept__isnull', False), _connector='OR'), name='ruleset_simulation_part_done_is_kept')],
            },
        ),
    ]
