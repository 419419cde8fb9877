"""Which processes make up a running Kontor, how each is started, and what must be cleared before it starts again."""

import os
import shelve
import sys
from pathlib import Path
from signal import SIGINT, SIGKILL

import psycopg2
from django.conf import settings

from commerce import embedded
from commerce.supervisor import Program, processes_in

WORKER_THREADS = 4  # tasks are short sweeps; two cores need no more
WEB_GRACE_SECONDS = 20.0
WEB_BACKPRESSURE = 4  # requests that a worker takes on per thread before it lets others wait in the kernel's queue
DATABASE_GRACE_SECONDS = 60.0  # a fast shutdown writes all dirty pages first
QUIET_LOG_LEVEL = "warning"


def database() -> Program:
    """The embedded PostgreSQL in the foreground; SIGINT ends sessions and stops it cleanly."""
    return Program(
        name="database",
        command=embedded.server_command(),
        stop_signal=SIGINT,
        grace_seconds=DATABASE_GRACE_SECONDS,
        user=embedded.server_user(),
        folder=Path("/"),
        log=embedded.data_dir() / "database.log",
        before=clear_database_remains,
    )


def web() -> Program:
    """The web server: WSGI in threads, a few worker processes that share one listening socket."""
    return Program(
        name="web",
        command=[
            sys.executable, "-m", "granian", "commerce.wsgi:application", "--interface", "wsgi",
            "--host", settings.HOST, "--port", str(settings.PORT), "--http", "1", "--no-ws",
            "--workers", str(settings.WEB_WORKERS), "--blocking-threads", str(settings.WEB_THREADS),
            "--backpressure", str(WEB_BACKPRESSURE * settings.WEB_THREADS),
            "--respawn-failed-workers", "--respawn-interval", "0.5", "--workers-kill-timeout", "10",
            "--log-level", "error",  # it would warn of 32 threads on few cores; they wait for the database
        ],
        grace_seconds=WEB_GRACE_SECONDS,
        folder=settings.BASE_DIR,
        environment=_environment(),
    )  # fmt: skip


def relay() -> Program:
    """The outbox relay: sequences what was committed and delivers it."""
    return Program(
        name="relay",
        command=[sys.executable, "manage.py", "relay_outbox"],
        folder=settings.BASE_DIR,
        environment=_environment(),
    )


def worker() -> Program:
    """The Celery worker, with threads: its tasks wait for the database, not for the processor."""
    return Program(
        name="worker",
        command=[
            sys.executable, "-m", "celery", "-A", "commerce.celery", "--quiet", "--no-color", "worker",
            "--pool", "threads", "--concurrency", str(WORKER_THREADS), "--loglevel", QUIET_LOG_LEVEL,
            "--without-gossip", "--without-mingle", "--without-heartbeat",
        ],
        folder=settings.BASE_DIR,
        # As root it says so at every start; tasks are JSON here, so the danger it warns of (pickle) isn't there.
        environment={**_environment(), "PYTHONWARNINGS": "ignore:You're running the worker"},
    )  # fmt: skip


def beat() -> Program:
    """The clock that puts periodic tasks into the broker."""
    return Program(
        name="beat",
        command=[
            sys.executable, "-m", "celery", "-A", "commerce.celery", "--quiet", "--no-color", "beat",
            "--loglevel", QUIET_LOG_LEVEL, "--pidfile", str(_beat_pid_file()),
        ],
        folder=settings.BASE_DIR,
        environment=_environment(),
        before=clear_beat_remains,
    )  # fmt: skip


def clear_database_remains() -> None:
    """End what a killed server left behind in its data folder: its orphaned backends, then its lock file.

    Where the system can't say who works in the folder (no /proc), PostgreSQL's own checks decide.
    """
    cluster = embedded.cluster().resolve()
    for pid in processes_in(cluster):
        try:
            os.kill(pid, SIGKILL)  # the server is gone: what they were doing is lost, and recovery will undo it
        except ProcessLookupError:
            continue
    lock = cluster / "postmaster.pid"
    if Path("/proc/self/cwd").exists() and lock.exists() and not processes_in(cluster):
        lock.unlink()  # its number may belong to someone else by now, which PostgreSQL would mistake for itself


def clear_beat_remains() -> None:
    """Remove what a killed clock left behind: its number, and its memory of last runs if that can't be read any more.

    Only one supervisor runs here, so the number is stale. Without its memory the clock starts anew; with one that broke off
    while it was written it would end at every start.
    """
    _beat_pid_file().unlink(missing_ok=True)
    memory = Path(settings.CELERY_BEAT_SCHEDULE_FILENAME)
    remains = list(memory.parent.glob(f"{memory.name}*"))
    if not remains:
        return
    try:
        with shelve.open(str(memory), flag="r") as known:  # noqa: S301 (our own file)
            dict(known)
    except Exception:
        for one in remains:
            one.unlink(missing_ok=True)


def database_answers() -> bool:
    """Whether the embedded server accepts connections."""
    try:
        psycopg2.connect(embedded.url("postgres"), connect_timeout=2).close()
    except psycopg2.OperationalError:
        return False
    return True


def _beat_pid_file() -> Path:
    return Path(settings.DATA_DIR) / "beat.pid"


def _environment() -> dict[str, str]:
    """Tell our children where the database is, so that none of them starts one of its own while ours recovers."""
    return {"DATABASE_URL": os.environ.get("DATABASE_URL") or embedded.url(), "PYTHONUNBUFFERED": "1"}
