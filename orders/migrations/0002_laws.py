"""A routing decision is a record of what was known then: it can't be changed. Order numbers count up."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial"), ("commerce", "0002_laws")]

    operations = [
        migrations.RunSQL(
            "CREATE TRIGGER routing_decision_is_immutable BEFORE UPDATE OR DELETE ON orders_routingdecision"
            " FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change()",
            "DROP TRIGGER routing_decision_is_immutable ON orders_routingdecision",
        ),
        migrations.RunSQL(
            "CREATE SEQUENCE orders_order_number START 100001 CACHE 1", "DROP SEQUENCE orders_order_number"
        ),
    ]
