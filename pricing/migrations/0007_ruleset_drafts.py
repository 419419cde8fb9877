"""Drafts of ruleset versions, who wrote on them and who approved them: never the same person (law 15)."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


LAWS = """
ALTER TABLE pricing_rulesetapproval ADD CONSTRAINT approval_names_the_author
    FOREIGN KEY (draft_id, author_id) REFERENCES pricing_rulesetdraft (id, author_id);

CREATE FUNCTION pricing_draft_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state IN ('published', 'discarded') THEN
        RAISE EXCEPTION 'a draft that was published or discarded stays as it is'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ruleset_draft_stays';
    END IF;
    IF NEW.author_id <> OLD.author_id OR NEW.submission < OLD.submission OR NEW.revision < OLD.revision
        OR (OLD.state <> 'draft' AND (NEW.content, NEW.title, NEW.effective_from, NEW.effective_to, NEW.note, NEW.answers,
            NEW.of_number) IS DISTINCT FROM (OLD.content, OLD.title, OLD.effective_from,
            OLD.effective_to, OLD.note, OLD.answers, OLD.of_number)) THEN
        RAISE EXCEPTION 'what was submitted is not changed: take it back first'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ruleset_draft_stays';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ruleset_draft_stays BEFORE UPDATE OR DELETE ON pricing_rulesetdraft
    FOR EACH ROW EXECUTE FUNCTION pricing_draft_stays();

CREATE FUNCTION pricing_approver_wrote_nothing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM pricing_rulesetdraft WHERE id = NEW.draft_id FOR UPDATE;
    IF EXISTS (SELECT 1 FROM pricing_rulesetcontribution WHERE draft_id = NEW.draft_id AND person_id = NEW.approver_id) THEN
        RAISE EXCEPTION 'whoever wrote on a draft does not approve it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approver_wrote_nothing';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM pricing_rulesetdraft
                   WHERE id = NEW.draft_id AND submission = NEW.submission AND state = 'submitted') THEN
        RAISE EXCEPTION 'only what is submitted is approved or rejected'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_of_what_is_submitted';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approver_wrote_nothing BEFORE INSERT ON pricing_rulesetapproval
    FOR EACH ROW EXECUTE FUNCTION pricing_approver_wrote_nothing();
CREATE TRIGGER ruleset_approval_is_immutable BEFORE UPDATE OR DELETE ON pricing_rulesetapproval
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
CREATE TRIGGER ruleset_contribution_is_immutable BEFORE UPDATE OR DELETE ON pricing_rulesetcontribution
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
"""
NO_LAWS = """
DROP TRIGGER ruleset_contribution_is_immutable ON pricing_rulesetcontribution;
DROP TRIGGER ruleset_approval_is_immutable ON pricing_rulesetapproval;
DROP TRIGGER approver_wrote_nothing ON pricing_rulesetapproval;
DROP FUNCTION pricing_approver_wrote_nothing();
DROP TRIGGER ruleset_draft_stays ON pricing_rulesetdraft;
DROP FUNCTION pricing_draft_stays();
ALTER TABLE pricing_rulesetapproval DROP CONSTRAINT approval_names_the_author;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('pricing', '0006_limits_and_coupons'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ApprovalThreshold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('measure', models.CharField(choices=[('any_change', 'Any change'), ('depth', 'Depth'), ('products', 'Products'), ('revenue', 'Revenue'), ('margin', 'Margin')], max_length=12, verbose_name='measure')),
                ('limit', models.BigIntegerField(verbose_name='from')),
                ('rank', models.CharField(choices=[('colleague', 'Colleague'), ('lead', 'Lead')], max_length=12, verbose_name='rank')),
                ('approvals', models.PositiveSmallIntegerField(default=1, verbose_name='approvals')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
            ],
            options={
                'verbose_name': 'approval threshold',
                'verbose_name_plural': 'approval thresholds',
                'ordering': ['measure', 'limit'],
                'constraints': [models.CheckConstraint(condition=models.Q(('measure__in', ['any_change', 'depth', 'products', 'revenue', 'margin'])), name='approval_threshold_measure_known'), models.CheckConstraint(condition=models.Q(('rank__in', ['colleague', 'lead'])), name='approval_threshold_rank_known'), models.CheckConstraint(condition=models.Q(('approvals__gte', 1), ('approvals__lte', 5)), name='approval_threshold_asks_for_some'), models.UniqueConstraint(fields=('measure', 'limit', 'rank'), name='approval_threshold_once')],
            },
        ),
        migrations.CreateModel(
            name='RulesetDraft',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('title', models.CharField(max_length=120, verbose_name='title')),
                ('state', models.CharField(choices=[('draft', 'Draft'), ('submitted', 'Submitted'), ('approved', 'Approved'), ('published', 'Published'), ('discarded', 'Discarded')], default='draft', max_length=12, verbose_name='state')),
                ('revision', models.PositiveIntegerField(default=1, verbose_name='revision')),
                ('submission', models.PositiveIntegerField(default=0, verbose_name='submission')),
                ('content', models.JSONField(verbose_name='content')),
                ('base_number', models.BigIntegerField(null=True, verbose_name='begun from version')),
                ('of_number', models.BigIntegerField(null=True, verbose_name='content of version')),
                ('effective_from', models.DateTimeField(null=True, verbose_name='effective from')),
                ('effective_to', models.DateTimeField(null=True, verbose_name='effective until')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='note')),
                ('answers', models.JSONField(default=dict, verbose_name='reasons for warnings')),
                ('assessment', models.JSONField(null=True, verbose_name='assessment')),
                ('emergency_number', models.BigIntegerField(null=True, verbose_name='in force meanwhile')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('changed_at', models.DateTimeField(verbose_name='changed at')),
                ('submitted_at', models.DateTimeField(null=True, verbose_name='submitted at')),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='author')),
                ('version', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='draft', to='pricing.rulesetversion', verbose_name='version')),
            ],
            options={
                'verbose_name': 'ruleset draft',
                'verbose_name_plural': 'ruleset drafts',
                'ordering': ['-changed_at'],
            },
        ),
        migrations.CreateModel(
            name='RulesetContribution',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('since', models.DateTimeField()),
                ('person', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('draft', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='contributions', to='pricing.rulesetdraft')),
            ],
        ),
        migrations.CreateModel(
            name='RulesetApproval',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('submission', models.PositiveIntegerField()),
                ('rank', models.CharField(choices=[('colleague', 'Colleague'), ('lead', 'Lead')], max_length=12)),
                ('is_approved', models.BooleanField()),
                ('reason', models.CharField(blank=True, max_length=400)),
                ('decided_at', models.DateTimeField()),
                ('approver', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('author', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('draft', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='approvals', to='pricing.rulesetdraft')),
            ],
            options={
                'verbose_name': 'approval',
                'verbose_name_plural': 'approvals',
                'ordering': ['decided_at'],
            },
        ),
        migrations.AddIndex(
            model_name='rulesetdraft',
            index=models.Index(fields=['state', '-changed_at'], name='ruleset_draft_by_state'),
        ),
        migrations.AddConstraint(
            model_name='rulesetdraft',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['draft', 'submitted', 'approved', 'published', 'discarded'])), name='ruleset_draft_state_known'),
        ),
        migrations.AddConstraint(
            model_name='rulesetdraft',
            constraint=models.CheckConstraint(condition=models.Q(('effective_to', None), ('effective_from', None), ('effective_to__gt', models.F('effective_from')), _connector='OR'), name='ruleset_draft_ends_after_it_begins'),
        ),
        migrations.AddConstraint(
            model_name='rulesetdraft',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'published'), ('version__isnull', False)), models.Q(models.Q(('state', 'published'), _negated=True), ('version__isnull', True)), _connector='OR'), name='ruleset_draft_version_is_published'),
        ),
        migrations.AddConstraint(
            model_name='rulesetdraft',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['draft', 'discarded']), models.Q(('assessment__isnull', False), ('submission__gte', 1), ('submitted_at__isnull', False)), _connector='OR'), name='ruleset_draft_submitted_is_assessed'),
        ),
        migrations.AddConstraint(
            model_name='rulesetdraft',
            constraint=models.UniqueConstraint(fields=('id', 'author'), name='ruleset_draft_and_author'),
        ),
        migrations.AddConstraint(
            model_name='rulesetcontribution',
            constraint=models.UniqueConstraint(fields=('draft', 'person'), name='ruleset_contribution_once'),
        ),
        migrations.AddConstraint(
            model_name='rulesetapproval',
            constraint=models.CheckConstraint(condition=models.Q(('author', models.F('approver')), _negated=True), name='approver_is_not_author'),
        ),
        migrations.AddConstraint(
            model_name='rulesetapproval',
            constraint=models.CheckConstraint(condition=models.Q(('rank__in', ['colleague', 'lead'])), name='approval_rank_known'),
        ),
        migrations.AddConstraint(
            model_name='rulesetapproval',
            constraint=models.CheckConstraint(condition=models.Q(('is_approved', True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='rejection_has_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='rulesetapproval',
            constraint=models.UniqueConstraint(fields=('draft', 'submission', 'approver'), name='approval_once_per_person'),
        ),
        migrations.RunSQL(LAWS, NO_LAWS),
    ]
