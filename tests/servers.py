"""Real processes of the product for tests: the web server on a free port, and any other program, ended by process group.

    with servers.serve(servers.database_url()) as base_url:
        requests.get(base_url + "/healthz")

Tests that use it need real transactions (`django_db(transaction=True)`): another process sees only what was committed.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import connection
from django.test import override_settings

from commerce import processes

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 60.0  # importing the product takes two seconds on a quiet machine
STOP_SECONDS = 20.0


@dataclass
class Running:
    """A process that a test started, the leader of a group of its own, with everything it printed."""

    process: subprocess.Popen[bytes]
    log: IO[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def printed(self) -> str:
        self.log.flush()
        return Path(self.log.name).read_text(errors="replace")

    def wait_for(self, text: str, *, within: float = START_SECONDS) -> None:
        """Poll until the process has printed `text`. Raises: AssertionError with what it printed instead."""
        deadline = time.monotonic() + within
        pause = threading.Event()
        while text not in self.printed():
            if not self.is_running or time.monotonic() > deadline:
                raise AssertionError(f"{text!r} was not printed:\n{self.printed()}")
            pause.wait(0.02)

    def kill(self) -> None:
        """Kill the process and its children without warning, and wait until the process is gone."""
        _signal_group(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ask the process to end, wait, and kill whatever of its group is left."""
        if self.is_running:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=STOP_SECONDS)
        self.kill()


@contextmanager
def started(
    command: Sequence[str],
    *,
    database: str | None = None,
    env: Mapping[str, str] | None = None,
    stdin: int = subprocess.DEVNULL,
) -> Iterator[Running]:
    """Run a program of the product on a database (the test's own unless given) while the block runs."""
    environment = os.environ | {
        "DATABASE_URL": database or database_url(),
        "KONTOR_DATA_DIR": str(settings.DATA_DIR),
        "DJANGO_SETTINGS_MODULE": "commerce.settings",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        **(env or {}),
    }
    with tempfile.NamedTemporaryFile(prefix="kontor-test-", suffix=".log") as log:
        process = subprocess.Popen(
            list(command),
            cwd=ROOT,
            env=environment,
            stdin=stdin,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        running = Running(process, log)
        try:
            yield running
        finally:
            running.stop()


@contextmanager
def serve(
    database: str | None = None, workers: int = 2, threads: int = 16, env: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run the product's web server as `manage.py up` would, on a free port; yield its base URL once it answers."""
    with server(database, workers=workers, threads=threads, env=env) as (base_url, _):
        yield base_url


@contextmanager
def server(
    database: str | None = None,
    *,
    workers: int = 2,
    threads: int = 16,
    port: int | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, Running]]:
    """Like `serve`, for tests that also need the process (to kill it) or a port of their own (to start it again)."""
    port = port or free_port()
    with override_settings(HOST="127.0.0.1", PORT=port, WEB_WORKERS=workers, WEB_THREADS=threads):
        command = processes.web().command
    base_url = f"http://127.0.0.1:{port}"
    with started(command, database=database, env={"KONTOR_PORT": str(port), **(env or {})}) as running:
        wait_until_it_listens(port, running)
        yield base_url, running


def manage(*arguments: str) -> list[str]:
    """Return the command line of a management command."""
    return [sys.executable, str(ROOT / "manage.py"), *arguments]


def database_url() -> str:
    """Return the DATABASE_URL of the test database that this process uses."""
    now = connection.settings_dict
    host, port = str(now["HOST"] or ""), str(now["PORT"] or "")
    user = quote(str(now["USER"]), safe="")
    if now["PASSWORD"]:
        user += ":" + quote(str(now["PASSWORD"]), safe="")
    if host.startswith("/"):
        return f"postgresql://{user}@/{now['NAME']}?" + urlencode({"host": host})
    return f"postgresql://{user}@{host}{':' + port if port else ''}/{now['NAME']}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_it_listens(port: int, running: Running, *, within: float = START_SECONDS) -> None:
    """Poll until something accepts connections there. Raises: AssertionError with what the process printed."""
    deadline = time.monotonic() + within
    pause = threading.Event()
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if not running.is_running or time.monotonic() > deadline:
                raise AssertionError(f"nothing listens at port {port}:\n{running.printed()}") from None
            pause.wait(0.05)


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return
