"""The exceptions desk: what needs a person."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0016_corrected_once'),
        ('orders', '0011_goods_of_kits'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DeskCase',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=60, verbose_name='kind')),
                ('key', models.CharField(max_length=200)),
                ('severity', models.CharField(choices=[('low', 'Low'), ('normal', 'Normal'), ('high', 'High'), ('critical', 'Critical')], max_length=10, verbose_name='severity')),
                ('state', models.CharField(choices=[('open', 'Open'), ('snoozed', 'Snoozed'), ('settled', 'Settled')], default='open', max_length=10)),
                ('subject_type', models.CharField(max_length=40)),
                ('subject_id', models.CharField(max_length=80)),
                ('role', models.CharField(choices=[('clerk', 'Clerk'), ('store_manager', 'Store manager'), ('service_agent', 'Service agent'), ('merchandiser', 'Merchandiser'), ('administrator', 'Administrator')], max_length=20)),
                ('facts', models.JSONField(default=dict)),
                ('seen', models.PositiveIntegerField(default=1)),
                ('escalations', models.PositiveSmallIntegerField(default=0)),
                ('opened_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('due_at', models.DateTimeField(verbose_name='due')),
                ('snoozed_until', models.DateTimeField(null=True)),
                ('snooze_reason', models.CharField(blank=True, max_length=200)),
                ('outcome', models.CharField(blank=True, max_length=10)),
                ('note', models.CharField(blank=True, max_length=200)),
                ('settled_at', models.DateTimeField(null=True)),
                ('version', models.BigIntegerField(default=1)),
                ('location', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.location')),
                ('order', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.order', verbose_name='order')),
                ('owner', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'exception',
                'verbose_name_plural': 'exceptions',
                'indexes': [models.Index(condition=models.Q(('state', 'settled'), _negated=True), fields=['location', 'due_at'], name='desk_case_waiting'), models.Index(condition=models.Q(('state', 'open')), fields=['due_at'], name='desk_case_due'), models.Index(fields=['-opened_at', '-id'], name='desk_case_lately'), models.Index(fields=['subject_type', 'subject_id'], name='desk_case_subject')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'settled'), _negated=True), fields=('key',), name='desk_case_once_while_unsettled'), models.CheckConstraint(condition=models.Q(('state__in', ['open', 'snoozed', 'settled'])), name='desk_case_state_known'), models.CheckConstraint(condition=models.Q(('severity__in', ['low', 'normal', 'high', 'critical'])), name='desk_case_severity_known'), models.CheckConstraint(condition=models.Q(('role__in', ['clerk', 'store_manager', 'service_agent', 'merchandiser', 'administrator'])), name='desk_case_role_known'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'snoozed'), _negated=True), models.Q(('snoozed_until__isnull', False), models.Q(('snooze_reason', ''), _negated=True)), _connector='OR'), name='desk_case_snoozed_with_reason'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'settled'), ('settled_at__isnull', False), ('outcome__in', ['cleared', 'acted', 'done', 'accepted', 'mistaken'])), models.Q(models.Q(('state', 'settled'), _negated=True), ('settled_at__isnull', True), ('outcome', '')), _connector='OR'), name='desk_case_settled_with_outcome'), models.CheckConstraint(condition=models.Q(('due_at__gte', models.F('opened_at'))), name='desk_case_due_after_it_opened')],
            },
        ),
    ]
