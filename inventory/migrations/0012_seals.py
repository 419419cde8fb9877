"""Sealed segments of the journal, and the values of a level at any moment."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

# What was there at a moment in the world. Versions of a level have no gap and are recorded in order of time, so the last
# entry recorded by then is found by halving, through the unique index; the hot journal needs no further one. Reports that
# came late count where they belong, and what was recorded ahead of its time does not count yet. Of the late ones, a moment
# shortly ago has few entries after it and a moment long ago few reports before it: the shorter way is taken.
LOOK_BACK = """
CREATE FUNCTION inventory_level_at(
    wanted_level bigint, newest_version bigint, moment timestamptz,
    OUT on_hand bigint, OUT allocated bigint, OUT held bigint, OUT version bigint
) LANGUAGE plpgsql STABLE PARALLEL SAFE SET enable_seqscan = off AS $$
DECLARE
    lowest bigint := 0;
    highest bigint := newest_version;
    middle bigint;
    recorded timestamptz;
    late record;
    early record;
BEGIN
    WHILE lowest < highest LOOP
        middle := (lowest + highest + 1) / 2;
        SELECT e.recorded_at INTO recorded FROM inventory_stockentry e
        WHERE e.level_id = wanted_level AND e.version = middle;
        IF recorded <= moment THEN
            lowest := middle;
        ELSE
            highest := middle - 1;
        END IF;
    END LOOP;
    SELECT e.on_hand_after, e.allocated_after, e.held_after INTO on_hand, allocated, held FROM inventory_stockentry e
    WHERE e.level_id = wanted_level AND e.version = lowest;
    IF newest_version - lowest <= 1000 THEN
        SELECT sum(e.on_hand_delta) AS on_hand, sum(e.allocated_delta) AS allocated, sum(e.held_delta) AS held INTO late
        FROM inventory_stockentry e
        WHERE e.level_id = wanted_level AND e.version > lowest AND e.version <= newest_version AND e.occurred_at <= moment;
    ELSE
        SELECT sum(e.on_hand_delta) AS on_hand, sum(e.allocated_delta) AS allocated, sum(e.held_delta) AS held INTO late
        FROM inventory_stockentry e
        WHERE e.level_id = wanted_level AND e.occurred_at < e.recorded_at AND e.occurred_at <= moment AND e.version > lowest;
    END IF;
    SELECT sum(e.on_hand_delta) AS on_hand, sum(e.allocated_delta) AS allocated, sum(e.held_delta) AS held INTO early
    FROM inventory_stockentry e
    WHERE e.level_id = wanted_level AND e.occurred_at > e.recorded_at AND e.occurred_at > moment AND e.version <= lowest;
    on_hand := coalesce(on_hand, 0) + coalesce(late.on_hand, 0) - coalesce(early.on_hand, 0);
    allocated := coalesce(allocated, 0) + coalesce(late.allocated, 0) - coalesce(early.allocated, 0);
    held := coalesce(held, 0) + coalesce(late.held, 0) - coalesce(early.held, 0);
    version := lowest;
END $$;
"""
NO_LOOK_BACK = "DROP FUNCTION inventory_level_at(bigint, bigint, timestamptz);"

LAWS = """
CREATE TRIGGER journal_seal_is_immutable BEFORE UPDATE OR DELETE ON inventory_journalseal
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
CREATE TRIGGER journal_seal_is_not_truncated BEFORE TRUNCATE ON inventory_journalseal
    FOR EACH STATEMENT EXECUTE FUNCTION commerce_refuse_change();

CREATE FUNCTION inventory_refuse_unsealing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what is sealed of a stock level stays sealed'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'sealed_level_only_grows';
END $$;
CREATE TRIGGER sealed_level_only_grows BEFORE UPDATE ON inventory_sealedlevel
    FOR EACH ROW WHEN (NEW.version <= OLD.version OR NEW.level_id <> OLD.level_id)
    EXECUTE FUNCTION inventory_refuse_unsealing();
CREATE TRIGGER sealed_level_stays BEFORE DELETE ON inventory_sealedlevel
    FOR EACH ROW EXECUTE FUNCTION inventory_refuse_unsealing();

-- All columns of the entries of versions (from, to] of each level, as text that no setting of a session changes: PostgreSQL's
-- way to write a record tells an empty text from none and quotes whatever could be taken for a border between values.
CREATE FUNCTION inventory_seal_digests(
    levels bigint[], froms bigint[], tos bigint[], OUT place bigint, OUT entries bigint, OUT digest text
) RETURNS SETOF record LANGUAGE sql STABLE PARALLEL SAFE
SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET enable_seqscan = off AS $$
    SELECT s.place, d.entries, d.digest
    FROM unnest(levels, froms, tos) WITH ORDINALITY AS s (level_id, from_version, to_version, place)
    CROSS JOIN LATERAL (
        SELECT count(*) AS entries,
               encode(sha256(convert_to(coalesce(string_agg(line, '' ORDER BY version), ''), 'UTF8')), 'hex') AS digest
        FROM (
            SELECT e.version, ROW(
                e.id, e.level_id, e.version, e.kind, e.on_hand_delta, e.allocated_delta, e.held_delta, e.on_hand_after,
                e.allocated_after, e.held_after, e.counterparty, e.transfer_id, e.corrects, e.reason, e.cause_type, e.cause_id,
                e.actor_kind, e.actor_id, e.source, e.occurred_at, e.recorded_at
            )::text AS line
            FROM inventory_stockentry e
            WHERE e.level_id = s.level_id AND e.version > s.from_version AND e.version <= s.to_version
        ) lines
    ) d
    ORDER BY s.place
$$;
"""
LAWLESS = """
DROP FUNCTION inventory_seal_digests(bigint[], bigint[], bigint[]);
DROP TRIGGER sealed_level_stays ON inventory_sealedlevel;
DROP TRIGGER sealed_level_only_grows ON inventory_sealedlevel;
DROP FUNCTION inventory_refuse_unsealing();
DROP TRIGGER journal_seal_is_not_truncated ON inventory_journalseal;
DROP TRIGGER journal_seal_is_immutable ON inventory_journalseal;
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0011_reconciling")]

    operations = [
        migrations.RunSQL(LOOK_BACK, NO_LOOK_BACK),
        migrations.CreateModel(
            name="JournalSeal",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("previous", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
                ("sealed_at", models.DateTimeField()),
                ("entries", models.BigIntegerField()),
                (
                    "level_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                (
                    "from_versions",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                (
                    "to_versions",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                (
                    "digests",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), size=None),
                ),
            ],
            options={
                "verbose_name": "journal seal",
                "verbose_name_plural": "journal seals",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("number__gte", 1)), name="journal_seal_number_positive"),
                    models.CheckConstraint(condition=models.Q(("entries__gte", 1)), name="journal_seal_not_empty"),
                    models.UniqueConstraint(fields=("hash",), name="journal_seal_hash_once"),
                    models.UniqueConstraint(fields=("previous",), name="journal_seal_follows_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SealedLevel",
            fields=[
                (
                    "level",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="inventory.stocklevel",
                    ),
                ),
                ("version", models.BigIntegerField()),
            ],
            options={
                "verbose_name": "sealed level",
                "verbose_name_plural": "sealed levels",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("version__gte", 1)), name="sealed_level_version_positive"
                    ),
                ],
            },
        ),
        migrations.RunSQL(LAWS, LAWLESS),
    ]
