"""`manage.py up`: everything that makes up a running Kontor, under one supervisor, until Ctrl-C."""

import contextlib
import fcntl
import http.client
import os
import socket
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import psycopg2
from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.core.management.commands.migrate import Command as Migrate
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from tqdm import tqdm

from commerce import embedded, processes
from commerce.supervisor import StopRequested, Supervisor, signals

DATABASE_SECONDS = 120  # crash recovery of a busy journal may take a while
WEB_SECONDS = 60


class Command(BaseCommand):
    """Start database, web server, relay, worker and beat; revive them; stop them in order."""

    help = "Start everything: database, migrations, demo on first start, web server, relay, worker and beat."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="Start with empty tables (also: KONTOR_DEMO=0).")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        with only_one(Path(settings.DATA_DIR) / "up.lock"):
            refuse_busy_port(settings.HOST, settings.PORT)
            supervisor = Supervisor(out=sys.stdout)
            with signals(supervisor):
                try:
                    self._bring_up(supervisor, with_demo=settings.DEMO and not options["no_demo"], began=began)
                    supervisor.run()
                except StopRequested:
                    self.stdout.write("\nStopping …")
                finally:
                    connection.close()
                    supervisor.stop()
            self.stdout.write("Stopped. The data stays in " + str(settings.DATA_DIR))

    def _bring_up(self, supervisor: Supervisor, *, with_demo: bool, began: float) -> None:
        if embedded.is_used():
            self._start_database(supervisor)
        self._migrate()
        if with_demo:
            call_command("demo", if_empty=True, stdout=self.stdout)
        connection.close()
        Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
        if settings.PRODUCTION:
            call_command("collectstatic", interactive=False, verbosity=0)
        for program in (processes.relay(), processes.worker(), processes.beat(), processes.web()):
            supervisor.start(program)
        if not supervisor.wait_until(_web_answers, within=WEB_SECONDS):
            raise CommandError(
                f"The web server did not answer within {WEB_SECONDS} s; its messages above say why."
                " `manage.py doctor` checks the installation."
            )
        self._say_where(with_demo=with_demo, seconds=time.monotonic() - began)

    def _start_database(self, supervisor: Supervisor) -> None:
        if embedded.is_running():
            _take_over_database()
        if not (embedded.cluster() / "PG_VERSION").exists():
            self.stdout.write("Setting up the database …")
        embedded.prepare()
        program = processes.database()
        supervisor.start(program)
        if not supervisor.wait_until(processes.database_answers, within=DATABASE_SECONDS):
            said = program.log.read_text(errors="replace").splitlines()[-10:] if program.log else []
            raise CommandError("PostgreSQL did not start. Its last messages:\n" + "\n".join(said))
        embedded.create_database()

    def _migrate(self) -> None:
        try:
            executor = MigrationExecutor(connection)
        except OperationalError as error:
            raise CommandError(f"The database of DATABASE_URL can't be reached: {error}") from error
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if not plan:
            return
        with tqdm(total=len(plan), desc="Tables", unit=" migrations") as bar:
            call_command(_CountedMigrate(bar), interactive=False, verbosity=0)

    def _say_where(self, *, with_demo: bool, seconds: float) -> None:
        base = f"http://{'localhost' if settings.HOST in _LOCAL else settings.HOST}:{settings.PORT}"
        lines = [
            "",
            self.style.SUCCESS(f"Kontor is up after {seconds:.1f} s. Ctrl-C stops it."),
            f"  Staff      {base}/staff/",
            f"  Admin      {base}/admin/",
            f"  API docs   {base}/api/docs/",
        ]
        self.stdout.write("\n".join(lines))
        if with_demo:
            call_command("demo", show=True, stdout=self.stdout)
            connection.close()
        else:
            self.stdout.write("  First sign-in: manage.py createsuperuser")
        self.stdout.write("")


_LOCAL = {"127.0.0.1", "0.0.0.0", "::", "::1", "localhost"}  # noqa: S104 (what to print, not what to bind)


class _CountedMigrate(Migrate):
    """The migrate command, telling a progress bar of each migration it has applied."""

    def __init__(self, bar: tqdm) -> None:
        super().__init__()
        self._bar = bar

    def migration_progress_callback(self, action: str, migration: Any = None, fake: bool = False) -> None:
        if action == "apply_success":
            self._bar.update()


@contextlib.contextmanager
def only_one(file: Path) -> Iterator[None]:
    """Hold the installation's lock: one supervisor per data folder."""
    handle: IO[str] = file.open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.seek(0)
        pid = handle.read().strip()
        handle.close()
        raise CommandError(
            f"Kontor is running on {settings.DATA_DIR} already (process {pid or 'unknown'})."
            " Stop it with Ctrl-C there, or give this one a folder and port of its own:"
            " KONTOR_DATA_DIR=.kontor-2 KONTOR_PORT=8001 make run"
        ) from None
    with handle:
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def refuse_busy_port(host: str, port: int) -> None:
    """Refuse with the way out when someone else listens where the web server would. Raises: CommandError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"{host}:{port} can't be used: {error.strerror}. Choose another port: KONTOR_PORT={port + 1} make run"
            ) from error


def _take_over_database() -> None:
    """Stop a server that a killed command left running. Raises: CommandError when another command works with it."""
    with contextlib.closing(psycopg2.connect(embedded.url("postgres"))) as session, session.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        row = cursor.fetchone()
    if row and row[0]:
        raise CommandError(
            f"Another command works with the database in {settings.DATA_DIR} ({row[0]} connections)."
            " Wait until it is done, then start again."
        )
    embedded.stop()


def _web_answers() -> bool:
    host = "127.0.0.1" if settings.HOST in _LOCAL else settings.HOST
    with contextlib.closing(http.client.HTTPConnection(host, settings.PORT, timeout=5)) as client:
        try:
            client.request("GET", "/healthz", headers={"Host": "localhost"})
            return client.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
        except (OSError, http.client.HTTPException):
            return False
