"""A long journal, written set-based, as a house has it after years: hot levels, cold ones, and reports that came late.

Writing ten million entries takes minutes, so such a database is kept in the benchmarks' cluster for the next run.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.benchmarks import goods, house

HOT, COLD = 20, 10_000  # levels; either kind has half of the entries
LONG, SHORT = 10_000_000, 1_000_000  # entries, about
ENOUGH_SECONDS = 120.0  # of measuring time, from which on the long journal is built
SPAN = "interval '730 days'"
KEPT = "kontor_bench_journal"
CHUNKS = 40

# Versions 2, 3, 4, 5 are held, allocated, shipped, received, and so on: each level ends as it began, with nothing promised.
# Of the shipments one in ten was told an hour late.
_CHUNK = f"""
INSERT INTO inventory_stockentry
    (id, level_id, version, kind, on_hand_delta, allocated_delta, held_delta, on_hand_after, allocated_after, held_after,
     counterparty, reason, cause_type, cause_id, actor_kind, actor_id, source, occurred_at, recorded_at)
SELECT uuidv7(), level_id, v,
       CASE WHEN v = 1 THEN 'received' ELSE (ARRAY['held', 'allocated', 'shipped', 'received'])[phase + 1] END,
       CASE WHEN v = 1 THEN 100 WHEN phase = 2 THEN -1 WHEN phase = 3 THEN 1 ELSE 0 END,
       CASE WHEN v = 1 THEN 0 WHEN phase = 1 THEN 1 WHEN phase = 2 THEN -1 ELSE 0 END,
       CASE WHEN v = 1 THEN 0 WHEN phase = 0 THEN 1 WHEN phase = 1 THEN -1 ELSE 0 END,
       CASE WHEN v > 1 AND phase = 2 THEN 99 ELSE 100 END, CASE WHEN v > 1 AND phase = 1 THEN 1 ELSE 0 END,
       CASE WHEN v > 1 AND phase = 0 THEN 1 ELSE 0 END,
       CASE WHEN v = 1 OR phase = 3 THEN 'supplier' WHEN phase = 2 THEN 'customer' ELSE '' END,
       '', CASE WHEN phase IN (0, 1) THEN 'reservation' ELSE 'order_line' END, (level_id * 1000000 + v)::text,
       'channel', 'bench', 'bench', CASE WHEN v %% 40 = 4 THEN recorded_at - interval '1 hour' ELSE recorded_at END, recorded_at
FROM (
    SELECT l.level_id, v, (v - 2) %% 4 AS phase,
           now() - {SPAN} + {SPAN} * (v::float8 / (%(versions)s + 1)) AS recorded_at
    FROM generate_series(%(first)s, %(last)s) AS v CROSS JOIN bench_level l WHERE l.is_hot = %(is_hot)s
    ORDER BY v, level_id
) entry
"""


@dataclass(frozen=True)
class Journal:
    entries: int
    product_ids: list[int]  # the hot ones first
    location_id: int
    built_in: float | None  # seconds; None for one that was kept

    @property
    def note(self) -> str:
        how = "kept from an earlier run" if self.built_in is None else f"written in {self.built_in:.0f} s"
        return f"{self.entries:,} entries of {HOT + COLD:,} levels, half of them of {HOT} hot ones; {how}"


@contextmanager
def ready(seconds: float) -> Iterator[Journal]:
    """Bring a long journal into place, and keep it afterwards: ten million entries where there is time for it, else one."""
    house.prepare()
    kept = _kept()
    wanted = LONG if seconds >= ENOUGH_SECONDS else SHORT
    name = max((one for one in kept if _size(one) >= wanted), key=_size, default=f"{KEPT}_{house.schema()}_{wanted}")
    started = time.perf_counter()
    if name in kept:
        _rename(name, "kontor")
    else:
        _build(wanted)
    try:
        yield _read(None if name in kept else time.perf_counter() - started)
    finally:
        from django.db import connection

        connection.close()
        _rename("kontor", name)
        house.finish()


def _kept() -> list[str]:
    """Return the journals of the schema at hand, and drop those of others."""
    with house.administrator() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{KEPT}%"])
        names = [name for (name,) in cursor.fetchall()]
        mine = [name for name in names if name.startswith(f"{KEPT}_{house.schema()}_")]
        for name in set(names) - set(mine):
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    return mine


def _size(name: str) -> int:
    return int(name.rpartition("_")[2])


def _rename(old: str, new: str) -> None:
    with house.administrator() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{new}" WITH (FORCE)')
        cursor.execute(f'ALTER DATABASE "{old}" RENAME TO "{new}"')


def _build(entries: int) -> None:
    """Write levels and entries with the triggers off and the indexes made last; the proof says whether it is right."""
    shop = goods.shop(products=HOT + COLD, pieces=1)
    versions = {True: entries // 2 // HOT // 4 * 4 + 1, False: entries // 2 // COLD // 4 * 4 + 1}
    with house.database() as cursor:
        cursor.execute(
            "SET session_replication_role = replica; SET work_mem = '256MB'; SET maintenance_work_mem = '1GB'"
        )
        cursor.execute("TRUNCATE inventory_stockentry")
        cursor.execute(
            "CREATE TEMP TABLE bench_level AS SELECT id AS level_id, row_number() OVER (ORDER BY id) <= %s AS is_hot"
            " FROM inventory_stocklevel",
            [HOT],
        )
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'inventory_stockentry' AND indexname NOT IN"
            " (SELECT conname FROM pg_constraint)"
        )
        definitions = [definition for (definition,) in cursor.fetchall()]
        for definition in definitions:
            cursor.execute(f'DROP INDEX "{definition.split()[2 if "UNIQUE" not in definition else 3]}"')
        cursor.execute("ALTER TABLE inventory_stockentry DROP CONSTRAINT stock_entry_version_once")
        for chunk in range(CHUNKS):
            for is_hot, last in versions.items():
                bounds = {"first": last * chunk // CHUNKS + 1, "last": last * (chunk + 1) // CHUNKS}
                cursor.execute(_CHUNK, bounds | {"is_hot": is_hot, "versions": last})
        cursor.execute(
            "ALTER TABLE inventory_stockentry ADD CONSTRAINT stock_entry_version_once UNIQUE (level_id, version)"
        )
        for definition in definitions:
            cursor.execute(definition)
        cursor.execute(
            "UPDATE inventory_stocklevel l SET on_hand = 100, version = CASE WHEN is_hot THEN %s ELSE %s END, changed_at = now()"
            " FROM bench_level b WHERE b.level_id = l.id",
            [versions[True], versions[False]],
        )
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")
    assert len(shop.product_ids) == HOT + COLD


def _read(built_in: float | None) -> Journal:
    with house.database() as cursor:
        cursor.execute("SELECT sum(version)::bigint, min(location_id) FROM inventory_stocklevel")
        entries, location_id = cursor.fetchone()
        cursor.execute("SELECT product_id FROM inventory_stocklevel ORDER BY id")
        return Journal(entries, [product for (product,) in cursor.fetchall()], location_id, built_in)
