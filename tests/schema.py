"""The schema of this checkout as a template, so that a test database is a copy instead of all migrations once more."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import psycopg2

from commerce import embedded

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "kontor_schema_"


def template() -> str:
    """Return the name of the template of these migrations."""
    files = [*sorted(ROOT.glob("*/migrations/*.py")), ROOT / "requirements.lock"]
    return PREFIX + hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def prepare() -> None:
    """Make the template when it is missing, in the running embedded cluster, and drop those of other migrations."""
    name = template()
    connection = psycopg2.connect(embedded.url("postgres"))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtext('kontor test schema'))")  # until this connection closes
            cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
            known = {row[0] for row in cursor.fetchall()}
            if name in known:
                return
            for other in known:
                cursor.execute(f'DROP DATABASE "{other}" WITH (FORCE)')
            draft = f"{PREFIX}draft"
            cursor.execute(f'CREATE DATABASE "{draft}"')
            subprocess.run(
                [sys.executable, "manage.py", "migrate", "-v0"],
                cwd=ROOT,
                env=os.environ | {"DATABASE_URL": embedded.url(draft)},
                check=True,
            )
            cursor.execute(f'ALTER DATABASE "{draft}" RENAME TO "{name}"')
    finally:
        connection.close()
