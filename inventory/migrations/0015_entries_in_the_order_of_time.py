"""The chain of a level also runs in one direction of time: an entry is never recorded before the one before it."""

from django.db import migrations

IN_ORDER = """
CREATE OR REPLACE FUNCTION inventory_check_chain() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    broken record;
BEGIN
    SELECT fresh.level_id, fresh.version INTO broken
    FROM (
        SELECT level_id, version, recorded_at,
               on_hand_after - on_hand_delta AS on_hand, allocated_after - allocated_delta AS allocated,
               held_after - held_delta AS held, lag(version) OVER w AS version_before, lag(on_hand_after) OVER w AS on_hand_before,
               lag(allocated_after) OVER w AS allocated_before, lag(held_after) OVER w AS held_before,
               lag(recorded_at) OVER w AS recorded_before
        FROM written WINDOW w AS (PARTITION BY level_id ORDER BY version)
    ) fresh
    WHERE CASE
        WHEN version_before IS NOT NULL THEN
            version <> version_before + 1 OR on_hand <> on_hand_before OR allocated <> allocated_before OR held <> held_before
            OR recorded_at < recorded_before
        WHEN version = 1 THEN on_hand <> 0 OR allocated <> 0 OR held <> 0
        ELSE (
            SELECT earlier.on_hand_after = fresh.on_hand AND earlier.allocated_after = fresh.allocated
               AND earlier.held_after = fresh.held AND earlier.recorded_at <= fresh.recorded_at
            FROM inventory_stockentry earlier
            WHERE earlier.level_id = fresh.level_id AND earlier.version = fresh.version - 1) IS NOT TRUE
    END
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % of stock level % does not continue the one before it', broken.version, broken.level_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'stock_entry_continues_chain';
    END IF;
    SELECT newest.level_id, newest.version INTO broken
    FROM (SELECT level_id, max(version) AS version FROM written GROUP BY level_id) newest
    WHERE (SELECT l.version FROM inventory_stocklevel l WHERE l.id = newest.level_id) IS DISTINCT FROM newest.version
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % was written without its stock level %', broken.version, broken.level_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'stock_entry_moves_its_level';
    END IF;
    RETURN NULL;
END $$;
"""
AS_BEFORE = """
CREATE OR REPLACE FUNCTION inventory_check_chain() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    broken record;
BEGIN
    SELECT fresh.level_id, fresh.version INTO broken
    FROM (
        SELECT level_id, version, on_hand_after - on_hand_delta AS on_hand, allocated_after - allocated_delta AS allocated,
               held_after - held_delta AS held, lag(version) OVER w AS version_before, lag(on_hand_after) OVER w AS on_hand_before,
               lag(allocated_after) OVER w AS allocated_before, lag(held_after) OVER w AS held_before
        FROM written WINDOW w AS (PARTITION BY level_id ORDER BY version)
    ) fresh
    WHERE CASE
        WHEN version_before IS NOT NULL THEN
            version <> version_before + 1 OR on_hand <> on_hand_before OR allocated <> allocated_before OR held <> held_before
        WHEN version = 1 THEN on_hand <> 0 OR allocated <> 0 OR held <> 0
        ELSE (
            SELECT earlier.on_hand_after = fresh.on_hand AND earlier.allocated_after = fresh.allocated
               AND earlier.held_after = fresh.held
            FROM inventory_stockentry earlier
            WHERE earlier.level_id = fresh.level_id AND earlier.version = fresh.version - 1) IS NOT TRUE
    END
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % of stock level % does not continue the one before it', broken.version, broken.level_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'stock_entry_continues_chain';
    END IF;
    SELECT newest.level_id, newest.version INTO broken
    FROM (SELECT level_id, max(version) AS version FROM written GROUP BY level_id) newest
    WHERE (SELECT l.version FROM inventory_stocklevel l WHERE l.id = newest.level_id) IS DISTINCT FROM newest.version
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % was written without its stock level %', broken.version, broken.level_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'stock_entry_moves_its_level';
    END IF;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0014_entries_by_time")]

    operations = [migrations.RunSQL(IN_ORDER, AS_BEFORE)]
