"""Messages to customers and staff: the versions of their texts, the log of what was sent, the devices that ring."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0016_corrected_once'),
        ('orders', '0018_waves'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='PushDevice',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('endpoint', models.CharField(max_length=1000)),
                ('endpoint_hash', models.CharField(max_length=64)),
                ('p256dh', models.CharField(max_length=120)),
                ('auth', models.CharField(max_length=40)),
                ('language', models.CharField(default='de', max_length=5)),
                ('created_at', models.DateTimeField()),
                ('location', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inventory.location')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=240)),
                ('code', models.CharField(max_length=60, verbose_name='message')),
                ('channel', models.CharField(choices=[('email', 'Email'), ('sms', 'Sms'), ('push', 'Push'), ('webhook', 'Webhook')], max_length=10, verbose_name='channel')),
                ('event', models.CharField(max_length=120)),
                ('language', models.CharField(default='de', max_length=5)),
                ('template_version', models.PositiveIntegerField(default=0)),
                ('facts', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('sent', 'Sent'), ('parked', 'Parked'), ('silenced', 'Silenced')], default='pending', max_length=10, verbose_name='state')),
                ('reason', models.CharField(blank=True, max_length=40, verbose_name='reason')),
                ('copy', models.PositiveSmallIntegerField(default=0)),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                ('next_attempt_at', models.DateTimeField(null=True)),
                ('leased_until', models.DateTimeField(null=True)),
                ('last_error', models.CharField(blank=True, max_length=200)),
                ('receipt', models.CharField(blank=True, max_length=120)),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('sent_at', models.DateTimeField(null=True, verbose_name='sent at')),
                ('order', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.order', verbose_name='order')),
                ('device', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='orders.pushdevice')),
            ],
            options={
                'verbose_name': 'message',
                'verbose_name_plural': 'messages',
            },
        ),
        migrations.CreateModel(
            name='NoticeTemplate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=60, verbose_name='message')),
                ('channel', models.CharField(choices=[('email', 'Email'), ('sms', 'Sms'), ('push', 'Push'), ('webhook', 'Webhook')], max_length=10, verbose_name='channel')),
                ('language', models.CharField(max_length=5, verbose_name='language')),
                ('version', models.PositiveIntegerField(verbose_name='version')),
                ('subject', models.CharField(blank=True, max_length=120, verbose_name='subject')),
                ('body', models.TextField(verbose_name='text')),
                ('written_at', models.DateTimeField(verbose_name='written at')),
                ('written_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'text of a message',
                'verbose_name_plural': 'texts of messages',
                'constraints': [models.UniqueConstraint(fields=('code', 'channel', 'language', 'version'), name='notice_template_version_once'), models.CheckConstraint(condition=models.Q(('version__gte', 1)), name='notice_template_version_positive'), models.CheckConstraint(condition=models.Q(('channel__in', ['email', 'sms', 'push', 'webhook'])), name='notice_template_channel_known')],
            },
        ),
        migrations.AddConstraint(
            model_name='pushdevice',
            constraint=models.UniqueConstraint(fields=('endpoint_hash',), name='push_device_once'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(condition=models.Q(('state', 'pending')), fields=['next_attempt_at'], name='notice_due'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(fields=['-created_at', '-id'], name='notice_lately'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.UniqueConstraint(fields=('key',), name='notice_once'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['pending', 'sent', 'parked', 'silenced'])), name='notice_state_known'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.CheckConstraint(condition=models.Q(('channel__in', ['email', 'sms', 'push', 'webhook'])), name='notice_channel_known'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('next_attempt_at__isnull', False), ('state', 'pending')), models.Q(('state', 'pending'), _negated=True), _connector='OR'), name='notice_pending_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('sent_at__isnull', False), ('state', 'sent')), models.Q(('state', 'sent'), _negated=True), _connector='OR'), name='notice_sent_has_a_time'),
        ),
        migrations.RunSQL(
            "CREATE TRIGGER notice_template_is_immutable BEFORE UPDATE OR DELETE ON orders_noticetemplate"
            " FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change()",
            "DROP TRIGGER notice_template_is_immutable ON orders_noticetemplate",
        ),
    ]
