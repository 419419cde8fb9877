"""One process that keeps the others running: starts them, shows what they say, revives them, stops them in order.

Single-threaded on purpose: a child is tethered to the thread that started it (on Linux it dies with us even when we are
killed by signal 9), and preparing a child between fork and exec is only safe without other threads.
"""

import ctypes
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

FIRST_PAUSE_SECONDS = 0.5  # before a dead process is started again; doubles with each early death …
LONGEST_PAUSE_SECONDS = 15.0  # … up to this
HEALTHY_AFTER_SECONDS = 20.0  # a process that lived this long has recovered: the pause starts over
TICK_SECONDS = 0.2
READ_BYTES = 64 * 1024
LONGEST_LINE_BYTES = 64 * 1024  # a line without an end is shown in parts rather than kept

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class StopRequested(BaseException):
    """Someone asked us to end (Ctrl-C, SIGTERM, SIGHUP). Not an Exception, so that nobody takes it for a failure."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run and how to end it. `before` clears what an earlier run may have left; it runs before every start."""

    name: str
    command: Sequence[str]
    stop_signal: signal.Signals = signal.SIGTERM
    grace_seconds: float = 15.0
    user: str | None = None
    folder: Path | None = None
    log: Path | None = None  # where its output goes instead of ours
    environment: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], None] | None = None


class _Running:
    """One program with its present process, its unfinished line of output and its history of deaths."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.start_again_at: float | None = None
        self.pause = FIRST_PAUSE_SECONDS
        self.partial = b""
        self.restarts = 0


class Supervisor:
    """Keeps programs running in the order they were started and stops them in the opposite order."""

    def __init__(self, *, out: IO[str] | None = None, coloured: bool | None = None) -> None:
        self._out = out or sys.stdout
        self._coloured = self._out.isatty() if coloured is None else coloured
        self._running: dict[str, _Running] = {}
        self._selector = selectors.DefaultSelector()
        self._is_stopping = False
        self._hurry = False
        self._is_spawning = False
        self._asked_to_stop = ""

    # --- starting -------------------------------------------------------------------------------------------------

    def start(self, program: Program) -> None:
        """Start a program and keep it running from now on."""
        running = _Running(program)
        self._running[program.name] = running
        self._spawn(running)

    def pid(self, name: str) -> int | None:
        """Return the process id of a program, or None while it is down."""
        process = self._running[name].process
        return process.pid if process else None

    def wait_until(self, fact: Callable[[], bool], *, within: float) -> bool:
        """Attend to the programs until `fact()` holds; say whether it did in time (seconds)."""
        deadline = time.monotonic() + within
        while not fact():
            if time.monotonic() > deadline:
                return False
            self.attend(TICK_SECONDS / 2)
        return True

    def deaths(self, name: str) -> int:
        """Return how often a program ended by itself so far."""
        return self._running[name].restarts

    def _spawn(self, running: _Running) -> None:
        program, us = running.program, os.getpid()
        running.start_again_at = None
        self._is_spawning = True  # a signal must not come between a process's birth and our knowing of it
        log: IO[bytes] | None = None
        try:
            if program.before:
                program.before()
            log = program.log.open("ab") if program.log else None
            process = subprocess.Popen(
                list(program.command),
                stdin=subprocess.DEVNULL,
                stdout=log if log is not None else subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, **program.environment},
                cwd=program.folder,
                user=program.user,
                # A group of its own: Ctrl-C reaches us alone, and what a dead leader leaves behind ends with it.
                start_new_session=True,
                preexec_fn=lambda: _tether(us, program.stop_signal),
            )
            running.process, running.started_at, running.partial = process, time.monotonic(), b""
        except OSError as error:
            self.say(program.name, f"could not be started: {error}")
            self._plan_restart(running)
            return
        finally:
            self._is_spawning = False
            if log is not None:
                log.close()
        if process.stdout is not None:
            os.set_blocking(process.stdout.fileno(), False)
            self._selector.register(process.stdout, selectors.EVENT_READ, running)
        if self._asked_to_stop:
            raise StopRequested(self._asked_to_stop)

    # --- attending ------------------------------------------------------------------------------------------------

    def attend(self, seconds: float = TICK_SECONDS) -> None:
        """Pass on what the programs say for up to `seconds`, and start again what has ended and is due."""
        if self._selector.get_map():
            for key, _ in self._selector.select(seconds):
                self._pass_on(key.data)
        else:
            time.sleep(seconds)
        for running in self._running.values():
            self._look_after(running)

    def run(self) -> None:
        """Attend until StopRequested is raised by a signal."""
        while True:
            self.attend()

    def _look_after(self, running: _Running) -> None:
        process = running.process
        if process is not None and process.poll() is not None:
            self._pass_on(running)
            self._close(running)
            lived = time.monotonic() - running.started_at
            _signal_group(process.pid, signal.SIGKILL)  # its own children may have outlived it
            running.process = None
            if self._is_stopping:
                return
            running.restarts += 1
            if lived > HEALTHY_AFTER_SECONDS:
                running.pause = FIRST_PAUSE_SECONDS
            self.say(
                running.program.name,
                f"ended ({_described(process.returncode)}); starting again in {running.pause:g} s",
            )
            self._plan_restart(running)
        elif process is None and running.start_again_at is not None and time.monotonic() >= running.start_again_at:
            self._spawn(running)

    def _plan_restart(self, running: _Running) -> None:
        running.start_again_at = time.monotonic() + running.pause
        running.pause = min(running.pause * 2, LONGEST_PAUSE_SECONDS)

    def _pass_on(self, running: _Running) -> None:
        stream = running.process.stdout if running.process else None
        if stream is None or stream.closed:
            return
        while True:
            try:
                data = os.read(stream.fileno(), READ_BYTES)
            except BlockingIOError:
                return
            if not data:  # the other end is closed; the process is gone or has closed its output
                with suppress(KeyError):
                    self._selector.unregister(stream)
                return
            *lines, running.partial = (running.partial + data).split(b"\n")
            if len(running.partial) > LONGEST_LINE_BYTES:
                lines, running.partial = [*lines, running.partial], b""
            for line in lines:
                self.say(running.program.name, line.decode(errors="replace").rstrip())

    def _close(self, running: _Running) -> None:
        stream = running.process.stdout if running.process else None
        if stream is None or stream.closed:
            return
        if running.partial:
            self.say(running.program.name, running.partial.decode(errors="replace").rstrip())
        with suppress(KeyError):
            self._selector.unregister(stream)
        stream.close()

    def say(self, name: str, text: str) -> None:
        """Print a line under a program's name."""
        if not text:
            return
        prefix = f"{name:<9}│ "
        if self._coloured:
            text = readable(text)
            prefix = f"\033[3{1 + sum(name.encode()) % 6}m{prefix}\033[0m"
        with suppress(OSError, ValueError):  # the reader of our output may be gone; the programs still need us
            self._out.write(f"{prefix}{text}\n")
            self._out.flush()

    # --- stopping -------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop all programs, last started first, each with its grace period, and leave no process behind."""
        self._is_stopping = True
        self._asked_to_stop = self._asked_to_stop or "the end"  # from here on a signal only makes haste
        for running in reversed(list(self._running.values())):
            process = running.process
            if process is None:
                continue
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    process.send_signal(running.program.stop_signal)
            self._wait_for_end(running)
        self._selector.close()

    def asked_to_stop(self, by: str) -> None:
        """React to a signal: the first one raises StopRequested as soon as that is safe, a further one makes haste."""
        if self._asked_to_stop:
            self._hurry = True
            return
        self._asked_to_stop = by
        if not self._is_spawning:
            raise StopRequested(by)

    def _wait_for_end(self, running: _Running) -> None:
        process = running.process
        deadline = time.monotonic() + running.program.grace_seconds
        while process is not None and process.poll() is None:
            if self._hurry or time.monotonic() > deadline:
                _signal_group(process.pid, signal.SIGKILL)
                process.wait()
                break
            if self._selector.get_map():
                for key, _ in self._selector.select(TICK_SECONDS / 2):
                    self._pass_on(key.data)
            else:
                time.sleep(TICK_SECONDS / 2)
        self._look_after(running)


@contextmanager
def signals(supervisor: Supervisor) -> Iterator[None]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into StopRequested and any further one into haste."""

    def handle(number: int, frame: FrameType | None) -> None:
        supervisor.asked_to_stop(signal.Signals(number).name)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _tether(parent: int, death_signal: int) -> None:
    """Have the kernel signal this process when its parent ends, however it ends (Linux; elsewhere nothing happens)."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # it ended before the tether held
            os._exit(1)


def _signal_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _described(returncode: int) -> str:
    if returncode < 0:
        with suppress(ValueError):
            return f"killed by {signal.Signals(-returncode).name}"
    return f"exit code {returncode}"


def readable(line: str) -> str:
    """Return a structured log line as a person at a terminal reads it; any other line as it is."""
    try:
        record = json.loads(line) if line.startswith("{") else None
    except ValueError:
        return line
    if not isinstance(record, dict) or "event" not in record:
        return line
    event = str(record["event"]).partition("\n")[0]
    cause = str(record.get("exception") or record.get("error") or "").strip().rpartition("\n")[2]
    return " ".join(part for part in (str(record.get("level", "")), event, f"({cause})" if cause else "") if part)


def processes_in(folder: Path) -> list[int]:
    """Return the processes whose working directory is `folder` (Linux; elsewhere none are seen)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (entry / "cwd").readlink() == folder:
                found.append(int(entry.name))
    return found
