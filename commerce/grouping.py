"""Grouping: single requests that wait in one process at the same time are settled in one transaction.

A hot row is held until its commit reached the disk, so one commit per request can't pass a few thousand a second, and
more writers make it slower. One writer thread per process takes everything that waits, settles it through the same batch
path that serves batches, and hands each caller its own result or refusal.

A refusal belongs to its own request. When a batch as a whole fails, its requests are tried one by one, so a poisoned one
fails alone; but never after a commit whose outcome is unknown.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from django.db import IntegrityError, InterfaceError, OperationalError, close_old_connections, connection

from commerce import logs
from commerce.errors import Busy, CommerceError
from commerce.transactions import transaction

Q = TypeVar("Q")
A = TypeVar("A")

MOST_AT_ONCE = 128  # past this a batch holds its rows longer than it saves
MOST_WAITING = 2_000  # more waiting than a process serves in a second: refuse at once, honestly
LONGEST_WAIT_SECONDS = 10.0
# The callers of a group come back within milliseconds. Closing the next group at the first of them would pay the price of
# many for one or two, so it stays open until as many wait as last time, for a share of the time that the last one took.
# Measured with orders for one pickup window, 16 connections: a quarter more of them a second, each for less work.
GATHERING_SHARE = 0.25
LONGEST_GATHERING_SECONDS = 0.005

log = logs.get(__name__)


class Combiner(Generic[Q, A]):
    """Settles requests in groups through `settle(requests) -> answers` (an answer that is an exception is raised to its caller).

    `settle` runs inside a transaction and gives one answer per request, in order.
    """

    def __init__(self, name: str, settle: Callable[[Sequence[Q]], Sequence[A | Exception]]) -> None:
        self._name = name
        self._settle = settle
        self._waiting: deque[tuple[Q, Future[A]]] = deque()
        self._wake = threading.Condition()
        self._writer: threading.Thread | None = None

    def submit(self, request: Q) -> A:
        """Wait for the group that settles `request` and return its answer. Raises: its refusal, or Busy."""
        future: Future[A] = Future()
        if connection.in_atomic_block:  # who is in a transaction can't wait for another thread's: settle it right here
            self._serve([(request, future)])
            return future.result()
        with self._wake:
            if len(self._waiting) >= MOST_WAITING:
                raise Busy("Too many requests are waiting; please send this one again in a second.")
            self._waiting.append((request, future))
            if self._writer is None or not self._writer.is_alive():
                self._writer = threading.Thread(target=self._write_for_ever, name=f"grouping-{self._name}", daemon=True)
                self._writer.start()
            self._wake.notify()
        try:
            return future.result(timeout=LONGEST_WAIT_SECONDS)
        except TimeoutError:
            if future.cancel():
                raise Busy("The request waited too long and was not begun; please send it again.") from None
            return future.result()  # it runs already: its outcome counts, not our patience

    def _write_for_ever(self) -> None:
        served, took = 1, 0.0
        while True:
            taken = self._gather(served, patience=min(took * GATHERING_SHARE, LONGEST_GATHERING_SECONDS))
            began = time.monotonic()
            group = [(request, future) for request, future in taken if future.set_running_or_notify_cancel()]
            if group:
                try:
                    self._serve(group)
                except Exception:  # a fault of ours; whoever waits must not wait for ever
                    log.exception("group lost", group=self._name, size=len(group))
                    self._give_up(group)
            served, took = len(taken), time.monotonic() - began

    def _gather(self, expected: int, *, patience: float) -> list[tuple[Q, Future[A]]]:
        """Wait for work; then, for at most `patience` seconds, for as much of it as is expected. Who is alone never waits."""
        with self._wake:
            while not self._waiting:
                self._wake.wait()
            until = time.monotonic() + patience
            while len(self._waiting) < expected and (left := until - time.monotonic()) > 0:
                self._wake.wait(left)
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_AT_ONCE))]

    def _serve(self, group: list[tuple[Q, Future[A]]]) -> None:
        answers: Sequence[A | Exception]
        try:
            answers = self._attempt([request for request, _ in group])
        except Exception as error:
            if _is_outcome_unknown(error):
                # The connection or its commit may be gone: nobody knows, so nobody is tried again behind their back.
                log.warning("group failed", group=self._name, size=len(group), error=str(error))
                connection.close()
                self._give_up(group)
                return
            if len(group) > 1:
                for one in group:
                    self._serve([one])
                return
            if not isinstance(error, CommerceError):
                log.exception("request failed", group=self._name)
            answers = [error]
        for (_, future), answer in zip(group, answers, strict=True):
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def _attempt(self, requests: list[Q]) -> Sequence[A | Exception]:
        if connection.connection is not None and connection.connection.closed:
            close_old_connections()
        with transaction():
            answers = self._settle(requests)
            if len(answers) != len(requests):
                raise RuntimeError(f"{len(requests)} requests of {self._name} got {len(answers)} answers.")
            return answers

    @staticmethod
    def _give_up(group: list[tuple[Q, Future[A]]]) -> None:
        """Answer those who have no answer yet: what came of their requests is not known here."""
        for _, future in group:
            if not future.done():
                future.set_exception(
                    Busy("The database did not answer; repeat the request with the same idempotency key.")
                )


def _is_outcome_unknown(error: Exception) -> bool:
    """Whether the connection went away meanwhile: some losses are reported as plain database errors.

    A constraint that said no is known, whatever it says: nothing was committed.
    """
    if connection.connection is None or connection.connection.closed:
        return True
    return isinstance(error, InterfaceError | OperationalError | Busy) and not isinstance(
        error.__cause__, IntegrityError
    )
