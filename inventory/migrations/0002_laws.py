"""The laws of stock as triggers: the journal can't be changed, has no gaps, and always says what the levels say."""

from django.db import migrations

LAWS = """
CREATE TRIGGER stock_entry_is_immutable BEFORE UPDATE OR DELETE ON inventory_stockentry
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
CREATE TRIGGER stock_entry_is_not_truncated BEFORE TRUNCATE ON inventory_stockentry
    FOR EACH STATEMENT EXECUTE FUNCTION commerce_refuse_change();

-- Every new entry continues the one before it. Once per statement, over all its rows; only the first row of each level
-- looks into the table, by a scalar subquery (EXISTS may be planned as a hash over all of it), and never sequentially (a plan
-- that was cached while the table was empty would read all of it for ever).
CREATE FUNCTION inventory_check_chain() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
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
CREATE TRIGGER stock_entry_continues_chain AFTER INSERT ON inventory_stockentry
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION inventory_check_chain();

CREATE FUNCTION inventory_refuse_level_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a stock level with a journal is never deleted or renamed'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'stock_level_stays';
END $$;
CREATE TRIGGER stock_level_stays BEFORE DELETE ON inventory_stocklevel
    FOR EACH ROW WHEN (OLD.version > 0) EXECUTE FUNCTION inventory_refuse_level_change();
CREATE TRIGGER stock_level_keeps_its_key BEFORE UPDATE OF id, product_id, location_id, condition ON inventory_stocklevel
    FOR EACH ROW EXECUTE FUNCTION inventory_refuse_level_change();

-- A level that was touched says exactly what its latest entry says: both are written by one statement.
CREATE FUNCTION inventory_check_levels() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    broken record;
BEGIN
    SELECT touched.id, touched.version INTO broken FROM touched
    WHERE NOT (touched.version = 0 AND touched.on_hand = 0 AND touched.allocated = 0 AND touched.held = 0)
      AND (SELECT e.on_hand_after = touched.on_hand AND e.allocated_after = touched.allocated AND e.held_after = touched.held
           FROM inventory_stockentry e WHERE e.level_id = touched.id AND e.version = touched.version) IS NOT TRUE
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'stock level % differs from its journal at version %', broken.id, broken.version
            USING ERRCODE = 'check_violation', CONSTRAINT = 'stock_level_is_its_journal';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stock_level_is_its_journal AFTER UPDATE ON inventory_stocklevel
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION inventory_check_levels();
CREATE TRIGGER stock_level_starts_empty AFTER INSERT ON inventory_stocklevel
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION inventory_check_levels();
"""
LAWLESS = """
DROP TRIGGER stock_level_keeps_its_key ON inventory_stocklevel;
DROP TRIGGER stock_level_stays ON inventory_stocklevel;
DROP FUNCTION inventory_refuse_level_change();
DROP TRIGGER stock_level_starts_empty ON inventory_stocklevel;
DROP TRIGGER stock_level_is_its_journal ON inventory_stocklevel;
DROP FUNCTION inventory_check_levels();
DROP TRIGGER stock_entry_continues_chain ON inventory_stockentry;
DROP FUNCTION inventory_check_chain();
DROP TRIGGER stock_entry_is_not_truncated ON inventory_stockentry;
DROP TRIGGER stock_entry_is_immutable ON inventory_stockentry;
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0001_initial"), ("commerce", "0002_laws")]

    operations = [migrations.RunSQL(LAWS, LAWLESS)]
