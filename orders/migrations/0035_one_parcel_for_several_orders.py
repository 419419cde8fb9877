"""Orders of one customer may travel as one parcel."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

LAW = """
CREATE FUNCTION orders_consignment_of_one_customer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM orders_consignment c
        JOIN orders_fulfilment f ON f.id = NEW.fulfilment_id AND f.location_id = c.location_id
        JOIN orders_order o ON o.id = f.order_id AND o.customer_id = c.customer_id
        WHERE c.id = NEW.consignment_id AND f.method IN ('ship', 'same_day')
    ) THEN
        RAISE EXCEPTION 'only shipments of one customer from one place travel together'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'consignment_of_one_customer';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consignment_of_one_customer BEFORE INSERT OR UPDATE OF consignment_id, fulfilment_id
    ON orders_consignmentpart FOR EACH ROW EXECUTE FUNCTION orders_consignment_of_one_customer();
CREATE FUNCTION orders_parcel_line_of_its_shipment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM orders_parcel p JOIN orders_fulfilmentline l ON l.id = NEW.line_id
        WHERE p.id = NEW.parcel_id AND (p.fulfilment_id = l.fulfilment_id OR EXISTS (
            SELECT FROM orders_consignmentpart one JOIN orders_consignmentpart other USING (consignment_id)
            WHERE one.fulfilment_id = p.fulfilment_id AND other.fulfilment_id = l.fulfilment_id))
    ) THEN
        RAISE EXCEPTION 'a parcel holds goods of its own shipment and of its consignment only'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'parcel_line_of_its_shipment';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER parcel_line_of_its_shipment BEFORE INSERT OR UPDATE OF parcel_id, line_id
    ON orders_parcelline FOR EACH ROW EXECUTE FUNCTION orders_parcel_line_of_its_shipment();
"""
NO_LAW = """
DROP TRIGGER parcel_line_of_its_shipment ON orders_parcelline;
DROP FUNCTION orders_parcel_line_of_its_shipment();
DROP TRIGGER consignment_of_one_customer ON orders_consignmentpart;
DROP FUNCTION orders_consignment_of_one_customer();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0003_where_customers_buy'),
        ('inventory', '0018_claims_of_kits'),
        ('orders', '0034_parcels_to_stores'),
    ]

    operations = [
        migrations.CreateModel(
            name='Consignment',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('made_at', models.DateTimeField()),
                ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.profile')),
                ('location', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.location')),
            ],
            options={'verbose_name': 'consignment', 'verbose_name_plural': 'consignments'},
        ),
        migrations.CreateModel(
            name='ConsignmentPart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('parted_at', models.DateTimeField(null=True)),
                ('parted_because', models.CharField(blank=True, max_length=10)),
                ('consignment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='orders.consignment')),
                ('fulfilment', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='consigned', to='orders.fulfilment')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('parted_at__isnull', True), ('parted_because', '')), models.Q(('parted_at__isnull', False), ('parted_because__in', ['late', 'sent', 'chosen'])), _connector='OR'), name='consignment_part_says_why_it_left')],
            },
        ),
        migrations.RunSQL(LAW, NO_LAW),
    ]
