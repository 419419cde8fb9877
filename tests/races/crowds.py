"""Many at once: threads with connections of their own, and processes, that all start at the same moment.

`run_at_once` is for threads; `in_processes` runs a function of `tests.races.jobs` in fresh interpreters, each of which says
that it is ready and then waits for the word.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.db import connection

from commerce.errors import CommerceError
from commerce.transactions import transaction
from tests import servers

READY_SECONDS = 60.0
DONE_SECONDS = 120.0


def run_at_once(number: int, work: Callable[[int], Any]) -> list[Any]:
    """Call `work(0)` … `work(number - 1)` in threads that start together; return what each returned or raised."""
    outcomes: list[Any] = [None] * number
    start = threading.Barrier(number)

    def run(place: int) -> None:
        try:
            connection.ensure_connection()  # so that nobody is late for having to connect first
            start.wait(READY_SECONDS)
            outcomes[place] = work(place)
        except Exception as error:
            outcomes[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,), daemon=True) for place in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DONE_SECONDS)
    assert not any(thread.is_alive() for thread in threads), "someone waits for ever"
    return outcomes


def in_transactions(verb: Callable[[int], Any]) -> Callable[[int], Any]:
    """Wrap a verb so that each call is a transaction, as interfaces do it; a refusal is returned, not raised."""

    def call(place: int) -> Any:
        try:
            with transaction():
                return verb(place)
        except CommerceError as refusal:
            return refusal

    return call


def in_processes(number: int, job: str, **arguments: Any) -> list[Any]:
    """Run a job in processes of their own, all at the same moment; return what each of them returned."""
    command = [sys.executable, "-m", "tests.races.jobs", job, json.dumps(arguments)]
    with ExitStack() as stack:
        crowd = [stack.enter_context(servers.started(command, stdin=subprocess.PIPE)) for _ in range(number)]
        for one in crowd:
            one.wait_for("ready", within=READY_SECONDS)
        for one in crowd:
            assert one.process.stdin is not None
            one.process.stdin.write(b"go\n")
            one.process.stdin.flush()
        for one in crowd:
            assert one.process.wait(DONE_SECONDS) == 0, one.printed()
        return [json.loads(one.printed().splitlines()[-1]) for one in crowd]


def summary(outcomes: list[Any]) -> dict[str, int]:
    """Count outcomes: refusals by their code, other errors by their class, everything else as "done"."""
    counted: dict[str, int] = {}
    for one in outcomes:
        name = "done"
        if isinstance(one, CommerceError):
            name = one.code
        elif isinstance(one, BaseException):
            name = type(one).__name__
        counted[name] = counted.get(name, 0) + 1
    return counted
