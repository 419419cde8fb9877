"""Products are found by a part of their name or the beginning of their SKU without reading all of them."""

import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.db import migrations

# Left in place when undone: other rooms have indexes of the same kind.
TRIGRAMS = "CREATE EXTENSION IF NOT EXISTS pg_trgm"


class Migration(migrations.Migration):
    dependencies = [("commerce", "0005_names_for_people")]

    operations = [
        migrations.RunSQL(TRIGRAMS, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="product",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("name"), name="gin_trgm_ops"
                ),
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("sku"), name="gin_trgm_ops"
                ),
                name="product_by_part_of_name",
            ),
        ),
    ]
