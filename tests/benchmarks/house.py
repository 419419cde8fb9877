"""What every benchmark runs in: a durable embedded PostgreSQL of its own, a fresh database, and real server processes."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
os.environ["KONTOR_DATA_DIR"] = os.environ.get("KONTOR_BENCH_DIR", str(ROOT / ".kontor" / "bench"))
os.environ.pop("DATABASE_URL", None)
os.environ["DJANGO_SETTINGS_MODULE"] = "commerce.settings"

WORKERS = 2
THREADS = 32
TEMPLATE = "kontor_bench_template"


def schema() -> str:
    """Return what names the schema at hand: another one needs other databases."""
    files = [*sorted(ROOT.glob("*/migrations/*.py")), ROOT / "requirements.lock"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def prepare() -> None:
    """Start the cluster and put a freshly migrated database in place (migrations run once per schema)."""
    from commerce import embedded

    embedded.start(durable=True)
    template = f"{TEMPLATE}_{schema()}"
    with administrator() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [template])
        known = cursor.fetchone()
    if not known:
        with administrator() as cursor:
            cursor.execute('DROP DATABASE IF EXISTS "kontor" WITH (FORCE)')
            cursor.execute('CREATE DATABASE "kontor"')
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, check=True)
        with administrator() as cursor:
            cursor.execute(f'ALTER DATABASE "kontor" RENAME TO "{template}"')
    with administrator() as cursor:
        cursor.execute('DROP DATABASE IF EXISTS "kontor" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "kontor" TEMPLATE "{template}"')
    import django

    django.setup()


def finish() -> None:
    """Stop the cluster; its data stays for the next run's template."""
    from django.db import connection

    from commerce import embedded

    connection.close()
    embedded.stop()


@contextmanager
def administrator() -> Iterator[Any]:
    import psycopg2

    from commerce import embedded

    connection = psycopg2.connect(embedded.url("postgres"))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


@contextmanager
def database() -> Iterator[Any]:
    """A cursor on the benchmark's database, each statement its own transaction."""
    import psycopg2

    from commerce import embedded

    connection = psycopg2.connect(embedded.url())
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


@contextmanager
def processes(
    *commands: list[str], environment: dict[str, str] | None = None
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run processes beside the benchmark and end exactly those, with their children, after it."""
    started = [
        subprocess.Popen(
            command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)} | (environment or {}), start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL if not os.environ.get("BENCH_VERBOSE") else None,
        )
        for command in commands
    ]  # fmt: skip
    try:
        yield started
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in started:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def web(application: str = "commerce.wsgi:application", environment: dict[str, str] | None = None) -> Iterator[int]:
    """Serve a WSGI application with the product's own server and settings; yield its port."""
    port = free_port()
    command = [
        str(Path(sys.executable).parent / "granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", str(WORKERS), "--blocking-threads", str(THREADS), "--no-ws", "--log-level", "warning", application,
    ]  # fmt: skip
    with processes(command, environment=environment):
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        yield port


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def ready() -> Iterator[None]:
    """Run a benchmark's body on a fresh database."""
    prepare()
    try:
        yield
    finally:
        finish()
