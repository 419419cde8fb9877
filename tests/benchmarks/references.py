"""The two references, run on the same machine and cluster in the same run as ours."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks import house
from tests.benchmarks.report import Figures

# The same rows as ours: level, journal entry, hold, outbox message, in one statement and one commit. As ours does, it records
# no earlier than the level's entry before.
RESERVE = """
\\set product random({first}, {last})
WITH level AS (
    UPDATE inventory_stocklevel SET held = held + 1, version = version + 1,
        changed_at = greatest(now(), changed_at)
    WHERE product_id = :product AND location_id = {location} AND condition = 'sellable'
      AND on_hand + backorder_limit - allocated - held >= 1
    RETURNING id, version, on_hand, allocated, held, changed_at
), hold AS (
    INSERT INTO inventory_hold (id, reservation_id, channel_id, level_id, quantity, state, reference, created_at, expires_at)
    SELECT gen_random_uuid(), gen_random_uuid(), {channel}, id, 1, 'active', '', now(), now() + interval '15 minutes' FROM level
    RETURNING reservation_id
), message AS (
    INSERT INTO commerce_outboxmessage (message_id, event_type, aggregate, aggregate_sequence, schema_version, payload,
                                        actor_kind, actor_id, request_id, occurred_at)
    SELECT gen_random_uuid(), 'inventory.stock_changed', 'stock_level:' || id, version, 1,
           jsonb_build_object('level_id', id, 'on_hand', on_hand, 'allocated', allocated, 'held', held), 'channel', 'web', '', now()
    FROM level
)
INSERT INTO inventory_stockentry (id, level_id, version, kind, on_hand_delta, allocated_delta, held_delta, on_hand_after,
    allocated_after, held_after, counterparty, reason, cause_type, cause_id, actor_kind, actor_id, source, occurred_at, recorded_at)
SELECT gen_random_uuid(), level.id, version, 'held', 0, 0, 1, on_hand, allocated, held, '', '', 'reservation',
       hold.reservation_id::text, 'channel', 'web', '', now(), level.changed_at
FROM level, hold;
"""


def pgbench(script: str, *, clients: int, seconds: float) -> Figures:
    """Run a script with prepared statements by `clients` writers; rates per second and latencies in milliseconds."""
    from commerce import embedded

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.sql"
        # One statement is one line for pgbench's parser; its \\set lines stay on their own.
        file.write_text(script)
        done = subprocess.run(
            [
                embedded.program("pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(max(int(seconds), 1)),
                "-f", str(file), "-l", "--log-prefix", f"{folder}/log", "-h", str(embedded.socket_dir()),
                "-U", "postgres", "kontor",
            ],
            capture_output=True, text=True, cwd=folder,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        latencies = sorted(
            int(line.split()[2]) / 1000 for log in Path(folder).glob("log*") for line in log.read_text().splitlines()
        )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if found is None or not latencies:
        raise RuntimeError(done.stdout)
    return {
        "per_second": round(float(found[1]), 1),
        "p50_ms": round(latencies[len(latencies) // 2], 2),
        "p95_ms": round(latencies[int(len(latencies) * 0.95)], 2),
        "p99_ms": round(latencies[int(len(latencies) * 0.99)], 2),
    }


@contextmanager
def plain_django(*, products: int, pieces: int) -> Iterator[int]:
    """Serve the plain Django reference on its own database of the same cluster; yield its port."""
    from commerce import embedded

    with house.administrator() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS plain_django WITH (FORCE)")
        cursor.execute("CREATE DATABASE plain_django")
    environment = {"PLAIN_DJANGO_HOST": str(embedded.socket_dir())}
    subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.plain_django.setup", str(products), str(pieces)],
        cwd=house.ROOT, env=house.os.environ | environment, check=True,
    )  # fmt: skip
    with house.web("tests.benchmarks.plain_django.wsgi:application", environment) as port:
        yield port
