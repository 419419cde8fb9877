"""The laws of stock as triggers: the journal can't be changed, has no gaps, and always says what the levels say."""

from django.db import migrations

LAWS = """
CREATE TRIGGER stock_entry_is_immutable BEFORE UPDATE OR DELETE ON inventory_stockentry
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
CREATE TRIGGER stock_entry_is_not_truncated BEFORE TRUNCATE ON inventory_stockentry
    FOR EACH STATEMENT EXECUTE FUNCTION commerce_refuse_change();

-- Every new entry continues the one before it. Once per statement, over all its rows.
-- (Index scans are forced: a plan cached while the table was still empty would read all of it for ever.)
CREATE FUNCTION inventory_check_chain() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    broken record;
BEGIN
    SELECT fresh.level_id, fresh.version INTO broken
    FROM (
        SELECT *, lag(version) OVER w AS version_before, lag(on_hand_after) OVER w AS on_hand_before,
               lag(allocated_after) OVER w AS allocated_before, lag(held_after) OVER w AS held_before
        FROM written WINDOW w AS (PARTITION BY level_id ORDER BY version)
    ) fresh
    LEFT JOIN inventory_stockentry earlier
        ON fresh.version_before IS NULL AND earlier.level_id = fresh.level_id AND earlier.version = fresh.version - 1
    WHERE fresh.version <> coalesce(fresh.version_before, earlier.version, 0) + 1
       OR fresh.on_hand_after <> coalesce(fresh.on_hand_before, earlier.on_hand_after, 0) + fresh.on_hand_delta
       OR fresh.allocated_after <> coalesce(fresh.allocated_before, earlier.allocated_after, 0) + fresh.allocated_delta
       OR fresh.held_after <> coalesce(fresh.held_before, earlier.held_after, 0) + fresh.held_delta
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % of stock level % does not continue the one before it', broken.version, broken.level_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'stock_entry_continues_chain';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stock_entry_continues_chain AFTER INSERT ON inventory_stockentry
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION inventory_check_chain();

-- At commit, a level that was touched says exactly what its latest entry says.
CREATE FUNCTION inventory_check_level() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    level inventory_stocklevel%ROWTYPE;
    entry record;
BEGIN
    SELECT * INTO level FROM inventory_stocklevel WHERE id = NEW.id;
    IF NOT FOUND OR (level.version = 0 AND level.on_hand = 0 AND level.allocated = 0 AND level.held = 0) THEN
        RETURN NULL;
    END IF;
    SELECT on_hand_after, allocated_after, held_after INTO entry
    FROM inventory_stockentry WHERE level_id = level.id AND version = level.version;
    IF NOT FOUND OR entry.on_hand_after <> level.on_hand OR entry.allocated_after <> level.allocated
       OR entry.held_after <> level.held THEN
        RAISE EXCEPTION 'stock level % differs from its journal at version %', level.id, level.version
            USING ERRCODE = 'check_violation', CONSTRAINT = 'stock_level_is_its_journal';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER stock_level_is_its_journal AFTER INSERT OR UPDATE ON inventory_stocklevel
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION inventory_check_level();
"""
LAWLESS = """
DROP TRIGGER stock_level_is_its_journal ON inventory_stocklevel;
DROP FUNCTION inventory_check_level();
DROP TRIGGER stock_entry_continues_chain ON inventory_stockentry;
DROP FUNCTION inventory_check_chain();
DROP TRIGGER stock_entry_is_not_truncated ON inventory_stockentry;
DROP TRIGGER stock_entry_is_immutable ON inventory_stockentry;
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0001_initial"), ("commerce", "0002_laws")]

    operations = [migrations.RunSQL(LAWS, LAWLESS)]
