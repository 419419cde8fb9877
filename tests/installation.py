"""A whole Kontor of its own, started by `manage.py up` in a folder of its own, for tests that kill parts of it (Linux)."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from commerce import embedded
from commerce.supervisor import processes_in
from tests import servers


class Installation:
    """A Kontor of its own: data folder, port, `manage.py up` without the demo; `environment` adds settings."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.port = servers.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self.log = folder / "up.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.environment = {
            **{key: value for key, value in os.environ.items() if key != "DATABASE_URL"},
            "KONTOR_DATA_DIR": str(folder / "data"),
            "KONTOR_PORT": str(self.port),
            "KONTOR_DEMO": "0",
            "KONTOR_WEB_WORKERS": "1",
            "KONTOR_WEB_THREADS": "4",
            **environment,
        }

    @property
    def database_url(self) -> str:
        """Where its PostgreSQL listens, whether it runs or not."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("KONTOR_DATA_DIR", self.environment["KONTOR_DATA_DIR"])
            return embedded.url()

    @property
    def cluster(self) -> Path:
        """The folder that its PostgreSQL works in."""
        return (self.folder / "data" / "postgres").resolve()

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the product beside it, on its database: a management command, or `-m` and a module."""
        command = [sys.executable, *(arguments if arguments[0] == "-m" else ("manage.py", *arguments))]
        environment = self.environment | {"DATABASE_URL": self.database_url}
        return subprocess.run(command, cwd=servers.ROOT, env=environment, capture_output=True, text=True, timeout=120)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"], cwd=servers.ROOT, env=self.environment, stdout=log, stderr=log
            )

    def says(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def answers(self) -> bool:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as client:
            try:
                client.request("GET", "/staff/", headers={"Host": "localhost"})
                return client.getresponse().status < 500
            except (OSError, http.client.HTTPException):
                return False

    def children(self) -> dict[str, int]:
        """The supervised processes by what they are."""
        if self.process is None:
            return {}
        found = {}
        for pid in _processes():
            with contextlib.suppress(OSError):
                if _parent(pid) != self.process.pid:
                    continue
                command = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
                for name, mark in {
                    "database": "bin/postgres", "web": "granian", "relay": "relay_outbox", "worker": " worker ", "beat": " beat ",
                }.items():  # fmt: skip
                    if mark in command:
                        found[name] = pid
        return found

    def web_workers(self) -> set[int]:
        """The processes of the web server that answer requests."""
        leader = self.children().get("web")
        return {pid for pid in _processes() if leader and _parent(pid) == leader}

    def is_whole(self) -> bool:
        return set(self.children()) == {"database", "web", "relay", "worker", "beat"} and self.answers()

    def stop(self) -> int:
        """Stop it as Ctrl-C would and return its exit code; whoever hangs is killed, and its children with it."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()  # the kernel tells its children
            self.process.wait()
            raise

    def leftovers(self) -> list[str]:
        """What still runs and mentions our folder, or works in it."""
        mark, left = str(self.folder / "data"), []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                environment = (entry / "environ").read_bytes()
                if f"KONTOR_DATA_DIR={mark}".encode() in environment and is_alive(int(entry.name)):
                    left.append((entry / "cmdline").read_text().replace("\0", " "))
        return left + [str(pid) for pid in processes_in(self.cluster)]


def is_alive(pid: int) -> bool:
    """Whether a process runs (one that only waits to be collected does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]


def _parent(pid: int) -> int:
    """Return the parent of a living process, or 0."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return 0
    return 0 if state == "Z" else int(parent)
