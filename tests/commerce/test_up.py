"""`manage.py up`: the supervisor revives, stops and leaves nobody behind; the whole thing starts on an empty machine."""

import io
import os
import shelve
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from commerce import processes
from commerce.management.commands import up
from commerce.supervisor import Program, Supervisor, readable
from tests.installation import Installation, is_alive

BASE_DIR = Path(__file__).resolve().parents[2]
Eventually = Callable[..., object]

SLEEPER = "import time; print('awake', flush=True); time.sleep(600)"
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1], "w").write(str(child.pid))
time.sleep(600)
"""
SUPERVISING = """
import sys
from commerce.supervisor import Program, Supervisor, signals
supervisor = Supervisor()
with signals(supervisor):
    supervisor.start(Program("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"]))
    print(supervisor.pid("sleeper"), flush=True)
    supervisor.run()
"""


def _python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def supervisor(out: io.StringIO) -> Iterator[Supervisor]:
    one = Supervisor(out=out, coloured=False)
    yield one
    one.stop()


class TestSupervisor:
    def test_shows_what_programs_say_under_their_names(self, supervisor: Supervisor, out: io.StringIO) -> None:
        supervisor.start(Program("sleeper", _python(SLEEPER)))
        assert supervisor.wait_until(lambda: "awake" in out.getvalue(), within=10)
        assert out.getvalue() == "sleeper  │ awake\n"

    def test_starts_a_killed_program_again(self, supervisor: Supervisor, out: io.StringIO) -> None:
        supervisor.start(Program("sleeper", _python(SLEEPER)))
        first = supervisor.pid("sleeper")
        assert first
        os.kill(first, signal.SIGKILL)
        assert supervisor.wait_until(lambda: supervisor.pid("sleeper") not in (None, first), within=10)
        assert "killed by SIGKILL" in out.getvalue()

    def test_waits_longer_each_time_a_program_dies_early(self, supervisor: Supervisor, out: io.StringIO) -> None:
        supervisor.start(Program("broken", _python("raise SystemExit(3)")))
        assert supervisor.wait_until(lambda: supervisor.deaths("broken") >= 3, within=20)
        said = out.getvalue()
        assert [f"(exit code 3); starting again in {pause} s" in said for pause in ("0.5", "1", "2")] == [True] * 3

    def test_says_so_when_a_program_is_not_there(self, supervisor: Supervisor, out: io.StringIO) -> None:
        supervisor.start(Program("ghost", ["/nowhere/ghost"]))
        assert "could not be started" in out.getvalue()
        assert supervisor.pid("ghost") is None

    def test_stops_in_the_opposite_order(self, out: io.StringIO) -> None:
        farewell = "import signal, sys, time\nsignal.signal(15, lambda *_: (print('bye', flush=True), sys.exit()))\nprint('up', flush=True)\ntime.sleep(600)"  # noqa: E501
        supervisor = Supervisor(out=out, coloured=False)
        for name in ("first", "second"):
            supervisor.start(Program(name, _python(farewell)))
        assert supervisor.wait_until(lambda: out.getvalue().count("up") == 2, within=10)
        supervisor.stop()
        byes = [line.split()[0] for line in out.getvalue().splitlines() if line.endswith("bye")]
        assert byes == ["second", "first"]

    def test_kills_what_does_not_listen(self, out: io.StringIO) -> None:
        deaf = "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(600)"
        supervisor = Supervisor(out=out, coloured=False)
        supervisor.start(Program("deaf", _python(deaf), grace_seconds=0.2))
        pid = supervisor.pid("deaf")
        assert supervisor.wait_until(lambda: "up" in out.getvalue(), within=10)
        supervisor.stop()
        assert pid
        assert not is_alive(pid)

    def test_ends_the_children_of_a_killed_program(
        self, supervisor: Supervisor, tmp_path: Path, eventually: Eventually
    ) -> None:
        note = tmp_path / "child"
        supervisor.start(Program("parent", _python(PARENT, str(note))))
        assert supervisor.wait_until(lambda: note.exists() and note.read_text() != "", within=10)
        child, parent = int(note.read_text()), supervisor.pid("parent")
        assert parent
        os.kill(parent, signal.SIGKILL)
        assert supervisor.wait_until(lambda: not is_alive(child), within=10)

    @pytest.mark.skipif(sys.platform != "linux", reason="the kernel's tether is Linux's")
    def test_children_end_with_a_supervisor_that_is_killed(self, eventually: Eventually) -> None:
        process = subprocess.Popen(_python(SUPERVISING), cwd=BASE_DIR, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        child = int(process.stdout.readline())
        process.kill()
        process.wait()
        eventually(lambda: not is_alive(child), within=10)


def test_structured_lines_are_readable_at_a_terminal() -> None:
    line = '{"event": "Internal Server Error: /healthz", "level": "error", "exception": "Traceback …\\nOSError: gone"}'
    assert readable(line) == "error Internal Server Error: /healthz (OSError: gone)"
    assert [readable(text) for text in ("plain", "{half", '{"a": 1}')] == ["plain", "{half", '{"a": 1}']


class TestRefusals:
    def test_a_busy_port_names_the_way_out(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(CommandError, match=f"KONTOR_PORT={port + 1} make run"):
                up.refuse_busy_port("127.0.0.1", port)
        up.refuse_busy_port("127.0.0.1", port)

    def test_a_second_one_on_the_same_data_says_so(self, tmp_path: Path) -> None:
        with (
            up.only_one(tmp_path / "up.lock"),
            pytest.raises(CommandError, match=rf"running .* already \(process {os.getpid()}\)"),
            up.only_one(tmp_path / "up.lock"),
        ):
            pass
        with up.only_one(tmp_path / "up.lock"):
            pass


# --- the whole thing --------------------------------------------------------------------------------------------------


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    one = Installation(tmp_path)
    try:
        yield one
    finally:
        if one.process and one.process.poll() is None:
            one.stop()


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")
def test_up_heals_what_is_killed_and_leaves_nothing_behind(installation: Installation, eventually: Eventually) -> None:
    installation.start()
    eventually(lambda: "Kontor is up" in installation.says(), within=240)
    eventually(installation.is_whole, within=60)

    for name in ("web", "relay", "worker", "database"):
        before = installation.children()[name]
        os.kill(before, signal.SIGKILL)
        eventually(lambda name=name, before=before: installation.children().get(name) not in (None, before), within=30)
        eventually(installation.is_whole, within=60)

    second = subprocess.run(
        [sys.executable, "manage.py", "up"], cwd=BASE_DIR, env=installation.environment, capture_output=True, text=True
    )
    assert second.returncode == 1
    assert "already" in second.stderr

    assert installation.stop() == 0
    assert installation.leftovers() == []

    began = time.monotonic()
    installation.start()
    eventually(lambda: installation.says().count("Kontor is up") == 2, within=120)
    assert time.monotonic() - began < 30
    assert installation.process
    installation.process.kill()  # even so nobody stays behind
    installation.process.wait()
    eventually(lambda: installation.leftovers() == [], within=90)


def test_every_process_is_told_where_the_database_is() -> None:
    for program in (processes.web(), processes.relay(), processes.worker(), processes.beat()):
        assert program.environment["DATABASE_URL"].startswith("postgresql://")


@pytest.mark.parametrize("broken", [b"", b"half a file"])
def test_a_clock_whose_memory_broke_off_starts_anew(tmp_path: Path, settings: Any, broken: bytes) -> None:
    settings.DATA_DIR, settings.CELERY_BEAT_SCHEDULE_FILENAME = tmp_path, str(tmp_path / "beat-schedule")
    processes.clear_beat_remains()  # of a first start: there is nothing
    with shelve.open(str(tmp_path / "beat-schedule")) as memory:
        memory["entries"] = {"sweep": 1}
    whole = sorted(path.name for path in tmp_path.iterdir())
    (tmp_path / "beat.pid").write_text("1")
    processes.clear_beat_remains()
    assert sorted(path.name for path in tmp_path.iterdir()) == whole, "what can be read is kept"
    for path in tmp_path.iterdir():
        if path.suffix not in (".dir", ".bak"):  # an index that names what isn't there
            path.write_bytes(broken)
    processes.clear_beat_remains()
    assert list(tmp_path.iterdir()) == []
