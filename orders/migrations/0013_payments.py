"""Payments: what happened is never changed, amounts follow from it, nothing is asked for twice or beyond what there is (law 12)."""

import django.db.models.deletion
import django.db.models.expressions
import uuid
from django.db import migrations, models

# The amounts of a payment move with its events and in no other way; numbers of events have no gap.
EVENTS = """
CREATE FUNCTION orders_payment_event_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE orders_payment SET
        authorised_minor = authorised_minor + CASE WHEN NEW.kind = 'authorised' THEN NEW.amount_minor ELSE 0 END,
        captured_minor = captured_minor + CASE WHEN NEW.kind = 'captured' THEN NEW.amount_minor ELSE 0 END,
        released_minor = released_minor + CASE WHEN NEW.kind IN ('voided', 'expired') THEN NEW.amount_minor ELSE 0 END,
        refunded_minor = refunded_minor + CASE WHEN NEW.kind = 'refunded' THEN NEW.amount_minor ELSE 0 END,
        charged_back_minor = charged_back_minor + CASE WHEN NEW.kind = 'charged_back' THEN NEW.amount_minor ELSE 0 END,
        chargeback_won_minor = chargeback_won_minor + CASE WHEN NEW.kind = 'chargeback_won' THEN NEW.amount_minor ELSE 0 END,
        fee_minor = fee_minor + CASE WHEN NEW.kind = 'fee_charged' THEN NEW.amount_minor ELSE 0 END,
        has_failed = has_failed OR NEW.kind = 'failed',
        decline_reason = CASE WHEN NEW.kind = 'failed' THEN left(NEW.detail, 60) ELSE decline_reason END,
        version = version + 1, changed_at = greatest(changed_at, NEW.recorded_at)
    WHERE id = NEW.payment_id RETURNING version INTO NEW.number;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_event_counts BEFORE INSERT ON orders_paymentevent
    FOR EACH ROW EXECUTE FUNCTION orders_payment_event_counts();
CREATE TRIGGER payment_event_is_immutable BEFORE UPDATE OR DELETE ON orders_paymentevent
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
CREATE TRIGGER payment_event_is_not_truncated BEFORE TRUNCATE ON orders_paymentevent
    FOR EACH STATEMENT EXECUTE FUNCTION commerce_refuse_change();
"""
NO_EVENTS = """
DROP TRIGGER payment_event_is_not_truncated ON orders_paymentevent;
DROP TRIGGER payment_event_is_immutable ON orders_paymentevent;
DROP TRIGGER payment_event_counts ON orders_paymentevent;
DROP FUNCTION orders_payment_event_counts();
"""

# What moves an amount is a trigger, so a statement of ours (depth 1) never may.
PAYMENTS = """
CREATE FUNCTION orders_payment_amounts_are_derived() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a payment stays' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'payment_amounts_are_derived';
    END IF;
    IF TG_OP = 'INSERT' AND NEW.authorised_minor + NEW.captured_minor + NEW.released_minor + NEW.withheld_minor
        + NEW.refunded_minor + NEW.charged_back_minor + NEW.chargeback_won_minor + NEW.fee_minor + NEW.owed_minor
        + NEW.version <> 0 THEN
        RAISE EXCEPTION 'a payment begins with nothing: write its events' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'payment_amounts_are_derived';
    END IF;
    IF TG_OP = 'UPDATE' AND pg_trigger_depth() < 2 AND
        (NEW.authorised_minor, NEW.captured_minor, NEW.released_minor, NEW.withheld_minor, NEW.refunded_minor,
         NEW.charged_back_minor, NEW.chargeback_won_minor, NEW.fee_minor, NEW.owed_minor, NEW.has_failed, NEW.version,
         NEW.currency, NEW.gateway)
        IS DISTINCT FROM
        (OLD.authorised_minor, OLD.captured_minor, OLD.released_minor, OLD.withheld_minor, OLD.refunded_minor,
         OLD.charged_back_minor, OLD.chargeback_won_minor, OLD.fee_minor, OLD.owed_minor, OLD.has_failed, OLD.version,
         OLD.currency, OLD.gateway) THEN
        RAISE EXCEPTION 'amounts of a payment follow from its events: write one' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'payment_amounts_are_derived';
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.order_id IS NOT NULL AND NEW.order_id IS DISTINCT FROM OLD.order_id THEN
        RAISE EXCEPTION 'a payment stays with its order' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'payment_amounts_are_derived';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_amounts_are_derived BEFORE INSERT OR UPDATE OR DELETE ON orders_payment
    FOR EACH ROW EXECUTE FUNCTION orders_payment_amounts_are_derived();
"""
NO_PAYMENTS = """
DROP TRIGGER payment_amounts_are_derived ON orders_payment;
DROP FUNCTION orders_payment_amounts_are_derived();
"""

OWED = """
CREATE FUNCTION orders_owed_part_fits_payment() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE fits boolean;
BEGIN
    IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND ((NEW.owed_id, NEW.payment_id, NEW.way, NEW.amount_minor)
        IS DISTINCT FROM (OLD.owed_id, OLD.payment_id, OLD.way, OLD.amount_minor) OR OLD.settled_at IS NOT NULL)) THEN
        RAISE EXCEPTION 'what is owed stays as it was written and is settled once' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'owed_part_fits_payment';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        UPDATE orders_payment SET owed_minor = owed_minor - NEW.amount_minor WHERE id = NEW.payment_id AND NEW.way = 'refund';
        RETURN NEW;
    END IF;
    UPDATE orders_payment SET
        withheld_minor = withheld_minor + CASE WHEN NEW.way = 'release' THEN NEW.amount_minor ELSE 0 END,
        owed_minor = owed_minor + CASE WHEN NEW.way = 'refund' THEN NEW.amount_minor ELSE 0 END
    WHERE id = NEW.payment_id
    RETURNING CASE WHEN NEW.way = 'release' THEN captured_minor + withheld_minor <= authorised_minor
                   ELSE refunded_minor + owed_minor <= captured_minor END INTO fits;
    IF fits IS NOT TRUE THEN
        RAISE EXCEPTION 'more is owed than this payment has' USING ERRCODE = 'check_violation', CONSTRAINT = 'owed_part_fits_payment';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER owed_part_fits_payment BEFORE INSERT OR UPDATE OR DELETE ON orders_owedrefundpart
    FOR EACH ROW EXECUTE FUNCTION orders_owed_part_fits_payment();
CREATE TRIGGER owed_refund_is_immutable BEFORE UPDATE OR DELETE ON orders_owedrefund
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
"""
NOT_OWED = """
DROP TRIGGER owed_refund_is_immutable ON orders_owedrefund;
DROP TRIGGER owed_part_fits_payment ON orders_owedrefundpart;
DROP FUNCTION orders_owed_part_fits_payment();
"""

# Two-phase: what is asked for counts before it has happened, so that two requests together never take or give too much.
REQUESTS = """
CREATE FUNCTION orders_payment_request_fits_payment() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    paid orders_payment%ROWTYPE;
    asked bigint;
BEGIN
    SELECT * INTO paid FROM orders_payment WHERE id = NEW.payment_id FOR UPDATE;
    SELECT coalesce(sum(amount_minor), 0) INTO asked FROM orders_paymentrequest
        WHERE payment_id = NEW.payment_id AND verb = NEW.verb AND state IN ('planned', 'sent');
    IF (NEW.verb = 'capture' AND paid.captured_minor + asked + NEW.amount_minor
            > paid.authorised_minor - greatest(paid.released_minor, paid.withheld_minor))
        OR (NEW.verb = 'refund' AND paid.refunded_minor + asked + NEW.amount_minor > paid.captured_minor) THEN
        RAISE EXCEPTION 'more is asked for than this payment has' USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_request_fits_payment';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_request_fits_payment BEFORE INSERT ON orders_paymentrequest
    FOR EACH ROW EXECUTE FUNCTION orders_payment_request_fits_payment();
CREATE FUNCTION orders_payment_request_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state IN ('done', 'refused', 'dropped') OR (OLD.state = 'sent' AND NEW.state = 'dropped')
        OR (NEW.payment_id, NEW.verb, NEW.amount_minor, NEW.cause_type, NEW.cause_id)
           IS DISTINCT FROM (OLD.payment_id, OLD.verb, OLD.amount_minor, OLD.cause_type, OLD.cause_id) THEN
        RAISE EXCEPTION 'a request to a provider stays as it was written and ends once' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'payment_request_goes_on';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_request_goes_on BEFORE UPDATE OR DELETE ON orders_paymentrequest
    FOR EACH ROW EXECUTE FUNCTION orders_payment_request_goes_on();
"""
NO_REQUESTS = """
DROP TRIGGER payment_request_goes_on ON orders_paymentrequest;
DROP FUNCTION orders_payment_request_goes_on();
DROP TRIGGER payment_request_fits_payment ON orders_paymentrequest;
DROP FUNCTION orders_payment_request_fits_payment();
"""

GIFT_CARDS = """
CREATE FUNCTION orders_gift_card_entry_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE orders_giftcard SET
        balance_minor = balance_minor + CASE WHEN NEW.kind IN ('issued', 'released', 'returned') THEN NEW.amount_minor
                                             WHEN NEW.kind IN ('held', 'ended') THEN -NEW.amount_minor ELSE 0 END,
        held_minor = held_minor + CASE WHEN NEW.kind = 'held' THEN NEW.amount_minor
                                       WHEN NEW.kind IN ('released', 'redeemed') THEN -NEW.amount_minor ELSE 0 END
    WHERE id = NEW.gift_card_id;
    RETURN NEW;
END $$;
CREATE TRIGGER gift_card_entry_counts BEFORE INSERT ON orders_giftcardentry
    FOR EACH ROW EXECUTE FUNCTION orders_gift_card_entry_counts();
CREATE TRIGGER gift_card_entry_is_immutable BEFORE UPDATE OR DELETE ON orders_giftcardentry
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
CREATE FUNCTION orders_gift_card_balance_is_derived() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (TG_OP = 'INSERT' AND NEW.balance_minor + NEW.held_minor <> 0) OR (TG_OP = 'UPDATE' AND pg_trigger_depth() < 2 AND
        (NEW.balance_minor, NEW.held_minor, NEW.currency) IS DISTINCT FROM (OLD.balance_minor, OLD.held_minor, OLD.currency)) THEN
        RAISE EXCEPTION 'the balance of a gift card follows from its entries' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'gift_card_balance_is_derived';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER gift_card_balance_is_derived BEFORE INSERT OR UPDATE ON orders_giftcard
    FOR EACH ROW EXECUTE FUNCTION orders_gift_card_balance_is_derived();
"""
NO_GIFT_CARDS = """
DROP TRIGGER gift_card_balance_is_derived ON orders_giftcard;
DROP FUNCTION orders_gift_card_balance_is_derived();
DROP TRIGGER gift_card_entry_is_immutable ON orders_giftcardentry;
DROP TRIGGER gift_card_entry_counts ON orders_giftcardentry;
DROP FUNCTION orders_gift_card_entry_counts();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0009_experiments'),
        ("orders", "0012_exceptions_desk"),
    ]

    operations = [
        migrations.CreateModel(
            name='GiftCard',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('code_hash', models.CharField(max_length=64)),
                ('last_four', models.CharField(max_length=4, verbose_name='ends in')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('balance_minor', models.BigIntegerField(default=0, verbose_name='balance')),
                ('held_minor', models.BigIntegerField(default=0, verbose_name='held')),
                ('valid_until', models.DateTimeField(verbose_name='valid until')),
                ('issued_at', models.DateTimeField(verbose_name='issued at')),
            ],
            options={
                'verbose_name': 'gift card',
                'verbose_name_plural': 'gift cards',
                'constraints': [models.UniqueConstraint(fields=('code_hash',), name='gift_card_code_once'), models.CheckConstraint(condition=models.Q(('balance_minor__gte', 0), ('held_minor__gte', 0)), name='gift_card_not_overdrawn')],
            },
        ),
        migrations.CreateModel(
            name='OwedRefund',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('cause_type', models.CharField(max_length=40)),
                ('cause_id', models.CharField(max_length=80)),
                ('amount_minor', models.BigIntegerField()),
                ('uncovered_minor', models.BigIntegerField(default=0)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField()),
                ('order', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.order')),
            ],
            options={
                'verbose_name': 'owed refund',
                'verbose_name_plural': 'owed refunds',
            },
        ),
        migrations.CreateModel(
            name='Payment',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('external_reference', models.CharField(blank=True, max_length=120)),
                ('gateway', models.CharField(max_length=24, verbose_name='provider')),
                ('method', models.CharField(choices=[('card', 'Card'), ('wallet', 'Wallet'), ('gift_card', 'Gift card'), ('cash', 'Cash'), ('bank_transfer', 'Bank transfer'), ('pay_later', 'Pay later'), ('channel', 'Channel')], max_length=16, verbose_name='method')),
                ('label', models.CharField(blank=True, max_length=80)),
                ('currency', models.CharField(max_length=3)),
                ('amount_minor', models.BigIntegerField(verbose_name='asked for')),
                ('provider_reference', models.CharField(blank=True, max_length=120)),
                ('authorised_minor', models.BigIntegerField(default=0)),
                ('captured_minor', models.BigIntegerField(default=0)),
                ('released_minor', models.BigIntegerField(default=0)),
                ('withheld_minor', models.BigIntegerField(default=0)),
                ('refunded_minor', models.BigIntegerField(default=0)),
                ('charged_back_minor', models.BigIntegerField(default=0)),
                ('chargeback_won_minor', models.BigIntegerField(default=0)),
                ('fee_minor', models.BigIntegerField(default=0)),
                ('owed_minor', models.BigIntegerField(default=0)),
                ('has_failed', models.BooleanField(default=False)),
                ('decline_reason', models.CharField(blank=True, max_length=60)),
                ('expires_at', models.DateTimeField(null=True)),
                ('concern', models.CharField(blank=True, choices=[('capture_refused', 'Capture refused'), ('refund_refused', 'Refund refused'), ('by_hand', 'By hand'), ('unanswered', 'Unanswered'), ('provider_disagrees', 'Provider disagrees'), ('chargeback', 'Chargeback'), ('lost_authorisation', 'Lost authorisation'), ('no_order', 'No order')], max_length=24)),
                ('concern_since', models.DateTimeField(null=True)),
                ('version', models.BigIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
                ('changed_at', models.DateTimeField()),
                ('channel', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='commerce.channel')),
                ('gift_card', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.giftcard')),
                ('order', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='orders.order')),
            ],
            options={
                'verbose_name': 'payment',
                'verbose_name_plural': 'payments',
            },
        ),
        migrations.CreateModel(
            name='OwedRefundPart',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('way', models.CharField(choices=[('release', 'Release'), ('refund', 'Refund')], max_length=8)),
                ('amount_minor', models.BigIntegerField()),
                ('settled_at', models.DateTimeField(null=True)),
                ('owed', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='orders.owedrefund')),
                ('payment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='owed_parts', to='orders.payment')),
            ],
        ),
        migrations.CreateModel(
            name='PaymentEvent',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField(default=0)),
                ('kind', models.CharField(choices=[('authorised', 'Authorised'), ('captured', 'Captured'), ('voided', 'Voided'), ('expired', 'Expired'), ('refunded', 'Refunded'), ('charged_back', 'Charged back'), ('chargeback_won', 'Chargeback won'), ('fee_charged', 'Fee charged'), ('extended', 'Extended'), ('failed', 'Failed')], max_length=16)),
                ('amount_minor', models.BigIntegerField()),
                ('gateway', models.CharField(max_length=24)),
                ('provider_event', models.CharField(blank=True, max_length=120)),
                ('request_id', models.UUIDField(null=True)),
                ('detail', models.CharField(blank=True, max_length=120)),
                ('occurred_at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField()),
                ('payment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='orders.payment')),
            ],
            options={
                'verbose_name': 'payment event',
                'verbose_name_plural': 'payment events',
            },
        ),
        migrations.CreateModel(
            name='PaymentRequest',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('verb', models.CharField(choices=[('authorise', 'Authorise'), ('capture', 'Capture'), ('void', 'Void'), ('refund', 'Refund'), ('extend', 'Extend')], max_length=12)),
                ('amount_minor', models.BigIntegerField(default=0)),
                ('is_final', models.BooleanField(default=False)),
                ('state', models.CharField(choices=[('planned', 'Planned'), ('sent', 'Sent'), ('done', 'Done'), ('refused', 'Refused'), ('dropped', 'Dropped')], default='planned', max_length=10)),
                ('cause_type', models.CharField(max_length=40)),
                ('cause_id', models.CharField(max_length=80)),
                ('known_minor', models.BigIntegerField(default=0)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('answer', models.CharField(blank=True, max_length=200)),
                ('not_before', models.DateTimeField()),
                ('sent_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField()),
                ('payment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='requests', to='orders.payment')),
            ],
            options={
                'verbose_name': 'request to a provider',
                'verbose_name_plural': 'requests to providers',
            },
        ),
        migrations.CreateModel(
            name='GiftCardEntry',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('issued', 'Issued'), ('held', 'Held'), ('released', 'Released'), ('redeemed', 'Redeemed'), ('returned', 'Returned'), ('ended', 'Ended')], max_length=10)),
                ('amount_minor', models.BigIntegerField()),
                ('cause_type', models.CharField(max_length=40)),
                ('cause_id', models.CharField(max_length=80)),
                ('recorded_at', models.DateTimeField()),
                ('gift_card', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='orders.giftcard')),
            ],
            options={
                'verbose_name': 'movement of a gift card',
                'verbose_name_plural': 'movements of gift cards',
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['issued', 'held', 'released', 'redeemed', 'returned', 'ended'])), name='gift_card_entry_kind_known'), models.CheckConstraint(condition=models.Q(('amount_minor__gte', 1)), name='gift_card_entry_amount_positive'), models.UniqueConstraint(fields=('kind', 'cause_type', 'cause_id'), name='gift_card_entry_once')],
            },
        ),
        migrations.AddIndex(
            model_name='owedrefund',
            index=models.Index(fields=['order'], name='owed_refund_of_order'),
        ),
        migrations.AddConstraint(
            model_name='owedrefund',
            constraint=models.UniqueConstraint(fields=('cause_type', 'cause_id'), name='owed_refund_once_per_cause'),
        ),
        migrations.AddConstraint(
            model_name='owedrefund',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gte', 1), ('uncovered_minor__gte', 0), ('amount_minor__gte', models.F('uncovered_minor'))), name='owed_refund_amount_positive'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['order', 'created_at'], name='payment_of_order'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(condition=models.Q(('order__isnull', True)), fields=['channel', 'external_reference'], name='payment_without_order'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(condition=models.Q(('expires_at__isnull', False)), fields=['expires_at'], name='payment_running_out'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(condition=models.Q(('concern', ''), _negated=True), fields=['concern_since'], name='payment_needs_a_person'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['-created_at', '-id'], name='payment_by_time'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('method__in', ['card', 'wallet', 'gift_card', 'cash', 'bank_transfer', 'pay_later', 'channel'])), name='payment_method_known'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gte', 1)), name='payment_amount_positive'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('authorised_minor__gte', django.db.models.expressions.CombinedExpression(models.F('captured_minor'), '+', models.F('released_minor')))), name='payment_captured_at_most_authorised'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('captured_minor__gte', models.F('refunded_minor'))), name='payment_refunded_at_most_captured'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('authorised_minor__gte', 0), ('captured_minor__gte', 0), ('charged_back_minor__gte', 0), ('fee_minor__gte', 0), ('owed_minor__gte', 0), ('refunded_minor__gte', 0), ('released_minor__gte', 0), ('withheld_minor__gte', 0)), name='payment_amounts_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('order__isnull', False), models.Q(('external_reference', ''), _negated=True), models.Q(('provider_reference', ''), _negated=True), _connector='OR'), name='payment_belongs_somewhere'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('concern', ''), ('concern_since__isnull', True)), models.Q(models.Q(('concern', ''), _negated=True), ('concern_since__isnull', False)), _connector='OR'), name='payment_concern_is_whole'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.UniqueConstraint(condition=models.Q(('provider_reference', ''), _negated=True), fields=('gateway', 'provider_reference'), name='payment_provider_reference_once'),
        ),
        migrations.AddIndex(
            model_name='owedrefundpart',
            index=models.Index(condition=models.Q(('settled_at__isnull', True)), fields=['payment'], name='owed_part_open'),
        ),
        migrations.AddIndex(
            model_name='owedrefundpart',
            index=models.Index(fields=['payment', 'way'], name='owed_part_of_payment'),
        ),
        migrations.AddConstraint(
            model_name='owedrefundpart',
            constraint=models.CheckConstraint(condition=models.Q(('way__in', ['release', 'refund'])), name='owed_part_way_known'),
        ),
        migrations.AddConstraint(
            model_name='owedrefundpart',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gte', 1)), name='owed_part_amount_positive'),
        ),
        migrations.AddConstraint(
            model_name='owedrefundpart',
            constraint=models.UniqueConstraint(fields=('owed', 'payment', 'way'), name='owed_part_once_per_payment'),
        ),
        migrations.AddIndex(
            model_name='paymentevent',
            index=models.Index(fields=['recorded_at'], name='payment_event_by_time'),
        ),
        migrations.AddConstraint(
            model_name='paymentevent',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['authorised', 'captured', 'voided', 'expired', 'refunded', 'charged_back', 'chargeback_won', 'fee_charged', 'extended', 'failed'])), name='payment_event_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='paymentevent',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gte', 1), models.Q(('amount_minor', 0), ('kind__in', ['extended', 'failed'])), _connector='OR'), name='payment_event_moves_forward'),
        ),
        migrations.AddConstraint(
            model_name='paymentevent',
            constraint=models.UniqueConstraint(fields=('payment', 'number'), name='payment_event_number_once'),
        ),
        migrations.AddConstraint(
            model_name='paymentevent',
            constraint=models.UniqueConstraint(condition=models.Q(('provider_event', ''), _negated=True), fields=('gateway', 'provider_event', 'kind'), name='payment_provider_event_once'),
        ),
        migrations.AddIndex(
            model_name='paymentrequest',
            index=models.Index(condition=models.Q(('state__in', ['planned', 'sent'])), fields=['not_before'], name='payment_request_due'),
        ),
        migrations.AddIndex(
            model_name='paymentrequest',
            index=models.Index(fields=['payment', 'created_at'], name='payment_request_of_payment'),
        ),
        migrations.AddConstraint(
            model_name='paymentrequest',
            constraint=models.CheckConstraint(condition=models.Q(('verb__in', ['authorise', 'capture', 'void', 'refund', 'extend'])), name='payment_request_verb_known'),
        ),
        migrations.AddConstraint(
            model_name='paymentrequest',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['planned', 'sent', 'done', 'refused', 'dropped'])), name='payment_request_state_known'),
        ),
        migrations.AddConstraint(
            model_name='paymentrequest',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gte', 1), models.Q(('amount_minor', 0), ('verb__in', ['void', 'extend'])), _connector='OR'), name='payment_request_amount_fits_verb'),
        ),
        migrations.AddConstraint(
            model_name='paymentrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('state__in', ['planned', 'sent'])), models.Q(('ended_at__isnull', False), ('state__in', ['done', 'refused', 'dropped'])), _connector='OR'), name='payment_request_ends_once'),
        ),
        migrations.AddConstraint(
            model_name='paymentrequest',
            constraint=models.UniqueConstraint(fields=('payment', 'verb', 'cause_type', 'cause_id'), name='payment_request_once_per_cause'),
        ),
        migrations.AddConstraint(
            model_name='paymentrequest',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'sent')), fields=('payment',), name='payment_request_one_on_its_way'),
        ),
        migrations.RunSQL(EVENTS, NO_EVENTS),
        migrations.RunSQL(PAYMENTS, NO_PAYMENTS),
        migrations.RunSQL(OWED, NOT_OWED),
        migrations.RunSQL(REQUESTS, NO_REQUESTS),
        migrations.RunSQL(GIFT_CARDS, NO_GIFT_CARDS),
    ]
