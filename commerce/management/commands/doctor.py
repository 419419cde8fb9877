"""`manage.py doctor`: is this installation sound? A line per check, with the way out; the exit code is the verdict."""

import re
import shutil
import sys
import uuid
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.db.migrations import RunSQL
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from commerce import clock, embedded, outbox

OLDEST_PYTHON = (3, 11)
DJANGO = (5, 2)
OLDEST_POSTGRESQL = 150000
MOST_SKEW = timedelta(seconds=2)  # more, and expiries and promises differ between application and database
LAG_TO_NOTICE = timedelta(seconds=10)
LAG_TO_ACT_ON = timedelta(minutes=2)
FREE_TO_NOTICE = 5 * 1024**3  # bytes
FREE_TO_ACT_ON = 1024**3
MOST_QUEUED_FILES = 500  # tasks in the file broker; its worker takes five a second at least

_MADE = re.compile(r"CREATE (?:OR REPLACE )?(?:CONSTRAINT )?TRIGGER (\w+)")
_GONE = re.compile(r"DROP TRIGGER (?:IF EXISTS )?(\w+)")


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, and what to do about it."""

    verdict: Verdict
    what: str
    says: str
    way_out: str = ""


class Command(BaseCommand):
    """Check versions, database, laws, broker, relay, clock and disk. Changes nothing."""

    help = (
        "Check this installation: versions, database, triggers, broker, relay, clock, disk. Exit code 1 on a failure."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--strict", action="store_true", help="Let warnings fail, too.")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = []
        for finding in examine():
            findings.append(finding)
            self.stdout.write(self._line(finding))
        failed = sum(finding.verdict is Verdict.FAIL for finding in findings)
        warned = sum(finding.verdict is Verdict.WARN for finding in findings)
        self.stdout.write(f"{len(findings)} checks, {failed} failures, {warned} warnings")
        if failed or (warned and options["strict"]):
            raise CommandError("This installation needs attention: see the lines above.", returncode=1)

    def _line(self, finding: Finding) -> str:
        style: Callable[[str], str] = {
            Verdict.OK: self.style.SUCCESS,
            Verdict.WARN: self.style.WARNING,
            Verdict.FAIL: self.style.ERROR,
        }[finding.verdict]
        line = f"{style(f'{finding.verdict.value:<5}')} {finding.what:<22} {finding.says}"
        return f"{line}\n{'':<29}→ {finding.way_out}" if finding.way_out else line


def examine() -> Iterator[Finding]:
    """Yield all findings; what needs the database is left out when it can't be reached."""
    yield _python()
    yield _django()
    yield from _production()
    reachable = _database()
    yield reachable
    if reachable.verdict is not Verdict.FAIL:
        yield _durability()
        yield _letters()
        migrations = _migrations()
        yield migrations
        yield _clocks()
        if migrations.verdict is Verdict.OK:
            yield _triggers()
            yield _relay()
            yield _parked()
    yield _broker()
    yield _disk()


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < OLDEST_PYTHON:
        return Finding(Verdict.FAIL, "Python", version, "Install Python 3.11 or newer and run `make clean run`.")
    return Finding(Verdict.OK, "Python", version)


def _django() -> Finding:
    version = django.get_version()
    if django.VERSION[:2] != DJANGO:
        return Finding(Verdict.FAIL, "Django", version, "Install what requirements.lock says: `make clean run`.")
    return Finding(Verdict.OK, "Django", version)


def _production() -> Iterator[Finding]:
    if not settings.PRODUCTION:
        yield Finding(Verdict.OK, "environment", settings.ENVIRONMENT)
        return
    if embedded.is_used():
        yield Finding(
            Verdict.WARN, "environment", "production on the embedded database",
            "Set DATABASE_URL to a server with backups and a replica.",
        )  # fmt: skip
    if not settings.ALLOWED_HOSTS:
        yield Finding(
            Verdict.FAIL, "host names", "none is allowed, so every request is refused", "Set KONTOR_ALLOWED_HOSTS."
        )
    if not settings.METRICS_TOKEN:
        yield Finding(Verdict.WARN, "metrics", "no token is set", "Set KONTOR_METRICS_TOKEN.")


def _database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version_num')::int, current_setting('server_version')")
            number, version = cursor.fetchone()
    except DatabaseError as error:
        return Finding(
            Verdict.FAIL, "PostgreSQL", str(error).strip().splitlines()[0],
            "Start it with `make run`, or correct DATABASE_URL.",
        )  # fmt: skip
    if number < OLDEST_POSTGRESQL:
        return Finding(Verdict.FAIL, "PostgreSQL", version, "Kontor needs PostgreSQL 15 or newer.")
    return Finding(Verdict.OK, "PostgreSQL", f"{version}{' (embedded)' if embedded.is_used() else ''}")


def _durability() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes')"
        )
        off = sorted(name for name, setting in cursor.fetchall() if setting == "off")
    if off:
        return Finding(
            Verdict.FAIL, "durability", f"{', '.join(off)} off: a crash loses orders that were confirmed",
            "Switch them on in postgresql.conf and restart the server.",
        )  # fmt: skip
    return Finding(Verdict.OK, "durability", "fsync, synchronous_commit and full_page_writes are on")


def _letters() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SELECT upper('ü') = 'Ü'")
        if cursor.fetchone()[0]:
            return Finding(Verdict.OK, "letters", "a search for ü finds Ü")
    return Finding(
        Verdict.WARN, "letters", "the database knows capitals of ASCII only: a search for ü misses Ü",
        "Make the database anew with a locale such as C.UTF-8, and restore the data into it.",
    )  # fmt: skip


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        return Finding(Verdict.FAIL, "tables", f"{len(plan)} migrations are not applied", "Run `manage.py migrate`.")
    return Finding(Verdict.OK, "tables", "all migrations are applied")


def laws() -> set[str]:
    """Return the triggers that our migrations make and keep: they hold the books right even against buggy code."""
    loader, names = MigrationLoader(None), set[str]()
    rooms = {config.label for config in apps.get_app_configs() if Path(config.path).parent == Path(settings.BASE_DIR)}
    for key in sorted(node for node in loader.graph.nodes if node[0] in rooms):
        for operation in loader.graph.nodes[key].operations:
            if isinstance(operation, RunSQL) and isinstance(operation.sql, str):
                names = (names - set(_GONE.findall(operation.sql))) | set(_MADE.findall(operation.sql))
    return names


def _triggers() -> Finding:
    wanted = laws()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgname = ANY(%s) AND tgenabled IN ('O', 'A') AND NOT tgisinternal",
            [sorted(wanted)],
        )
        missing = wanted - {name for (name,) in cursor.fetchall()}
    if missing:
        return Finding(
            Verdict.FAIL, "laws", f"triggers missing or switched off: {', '.join(sorted(missing))}",
            "Someone changed the tables by hand: restore them (`manage.py migrate`) and run `manage.py verify_ledger`.",
        )  # fmt: skip
    return Finding(Verdict.OK, "laws", f"{len(wanted)} triggers guard the journals")


def _clocks() -> Finding:
    before = clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        there = cursor.fetchone()[0]
    skew = max(timedelta(0), before - there, there - clock.now())
    if skew > MOST_SKEW:
        return Finding(
            Verdict.WARN, "clocks", f"application and database differ by {skew.total_seconds():.1f} s",
            "Let both keep time by NTP.",
        )  # fmt: skip
    return Finding(Verdict.OK, "clocks", "application and database agree")


def _relay() -> Finding:
    backlog = outbox.backlog()
    waits = clock.now() - backlog.oldest_at if backlog.oldest_at else timedelta(0)
    says = f"{backlog.unsequenced + backlog.pending} messages wait"
    if waits > LAG_TO_NOTICE:
        verdict = Verdict.FAIL if waits > LAG_TO_ACT_ON else Verdict.WARN
        return Finding(
            verdict, "relay", f"{says}, the oldest for {int(waits.total_seconds())} s",
            "Is `manage.py relay_outbox` running? `make run` starts it.",
        )  # fmt: skip
    return Finding(Verdict.OK, "relay", says)


def _parked() -> Finding:
    count = outbox.parked_count()
    if count:
        return Finding(
            Verdict.WARN, "parked messages", f"{count} wait for a person",
            "See them in the staff UI under parked messages: try again, or give up with a reason.",
        )  # fmt: skip
    return Finding(Verdict.OK, "parked messages", "none")


def _broker() -> Finding:
    if not settings.CELERY_BROKER_URL.startswith("filesystem://"):
        return _remote_broker()
    folder = Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_in"])
    probe = folder / f"{uuid.uuid4()}.probe"
    try:
        probe.touch()
        probe.unlink()
        queued = sum(1 for _ in folder.glob("*.msg"))
    except OSError as error:
        return Finding(Verdict.FAIL, "broker", f"{folder}: {error.strerror}", "Make this folder writable.")
    if queued > MOST_QUEUED_FILES:
        return Finding(
            Verdict.WARN, "broker", f"{queued} tasks wait", "Is the Celery worker running? `make run` starts it."
        )
    return Finding(Verdict.OK, "broker", f"files, {queued} tasks wait")


def _remote_broker() -> Finding:
    from commerce.celery import app

    try:
        with app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=3)
    except Exception as error:  # each transport has exceptions of its own
        return Finding(Verdict.FAIL, "broker", f"can't be reached: {error}", "Start it, or correct CELERY_BROKER_URL.")
    return Finding(Verdict.OK, "broker", "answers")


def _disk() -> Finding:
    free = shutil.disk_usage(settings.DATA_DIR).free
    says = f"{free / 1024**3:.1f} GiB free at {settings.DATA_DIR}"
    if free < FREE_TO_NOTICE:
        verdict = Verdict.FAIL if free < FREE_TO_ACT_ON else Verdict.WARN
        return Finding(verdict, "disk", says, "Make room: a database without disk stops.")
    return Finding(Verdict.OK, "disk", says)
