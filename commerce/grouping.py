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
from typing import Any, Generic, TypeVar

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
# many for one or two, so it stays open until those are back whom the last one answered, beside those who came meanwhile,
# for a share of the time that the last one took. Expecting fewer, callers fall into two halves that take turns for ever:
# orders for one pickup window, 16 connections, two processes, then came in fours at 4.9 ms of work each; in sevens at 3.4.
GATHERING_SHARE = 0.25
LONGEST_GATHERING_SECONDS = 0.005

_PENDING: Any = object()

log = logs.get(__name__)


class _Ticket(Generic[Q, A]):
    """A waiting request and what became of it. A bare lock wakes its caller: a Future costs as much as a database row."""

    __slots__ = ("outcome", "request", "settled")

    def __init__(self, request: Q) -> None:
        self.request = request
        self.outcome: A | Exception = _PENDING
        self.settled = threading.Lock()
        self.settled.acquire()

    def settle(self, outcome: A | Exception) -> None:
        self.outcome = outcome
        self.settled.release()

    def answer(self) -> A:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class Combiner(Generic[Q, A]):
    """Settles requests in groups through `settle(requests) -> answers` (an answer that is an exception is raised to its caller).

    `settle` runs inside a transaction and gives one answer per request, in order. One thread does it for all, so that one
    connection keeps the plans and stays warm.
    """

    def __init__(
        self, name: str, settle: Callable[[Sequence[Q]], Sequence[A | Exception]], *, most_at_once: int = MOST_AT_ONCE
    ) -> None:
        self._name = name
        self._settle = settle
        self._most_at_once = most_at_once
        self._waiting: deque[_Ticket[Q, A]] = deque()
        self._wake = threading.Condition(threading.Lock())
        self._wanted = 1  # how many must wait for the writer to be woken
        self._beside = 0  # how many waited already when the last group was about to be answered
        self._writer: threading.Thread | None = None

    def submit(self, request: Q) -> A:
        """Wait for the group that settles `request` and return its answer. Raises: its refusal, or Busy."""
        ticket: _Ticket[Q, A] = _Ticket(request)
        if connection.in_atomic_block:  # who is in a transaction can't wait for another thread's: settle it right here
            self._serve([ticket])
            return ticket.answer()
        with self._wake:
            if len(self._waiting) >= MOST_WAITING:
                raise Busy("Too many requests are waiting; please send this one again in a second.")
            self._waiting.append(ticket)
            if self._writer is None or not self._writer.is_alive():
                self._writer = threading.Thread(target=self._write_for_ever, name=f"grouping-{self._name}", daemon=True)
                self._writer.start()
            if len(self._waiting) >= self._wanted:
                self._wake.notify()
        if not ticket.settled.acquire(timeout=LONGEST_WAIT_SECONDS):
            with self._wake:
                if ticket in self._waiting:
                    self._waiting.remove(ticket)
                    raise Busy("The request waited too long and was not begun; please send it again.")
            ticket.settled.acquire()  # it runs already: its outcome counts, not our patience
        return ticket.answer()

    def _write_for_ever(self) -> None:
        served, took = 0, 0.0
        while True:
            group = self._gather(served, patience=min(took * GATHERING_SHARE, LONGEST_GATHERING_SECONDS))
            began = time.monotonic()
            try:
                self._serve(group)
            except Exception:  # a fault of ours; whoever waits must not wait for ever
                log.exception("group lost", group=self._name, size=len(group))
                self._give_up(group)
            served, took = len(group), time.monotonic() - began

    def _gather(self, answered: int, *, patience: float) -> list[_Ticket[Q, A]]:
        """Wait for work; then, for at most `patience` seconds, for those just `answered` to be back. Who is alone never waits."""
        with self._wake:
            expected = min(answered + self._beside, self._most_at_once)
            self._wanted = 1
            while not self._waiting:
                self._wake.wait()
            self._wanted = expected
            until = time.monotonic() + patience
            while len(self._waiting) < expected and (left := until - time.monotonic()) > 0:
                self._wake.wait(left)
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most_at_once))]

    def _serve(self, group: list[_Ticket[Q, A]]) -> None:
        answers: Sequence[A | Exception]
        try:
            answers = self._attempt([ticket.request for ticket in group])
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
        self._beside = len(self._waiting)  # before the first of those answered can be back, who would count twice
        for ticket, answer in zip(group, answers, strict=True):
            ticket.settle(answer)

    def _attempt(self, requests: list[Q]) -> Sequence[A | Exception]:
        if connection.connection is not None and connection.connection.closed:
            close_old_connections()
        with transaction():
            answers = self._settle(requests)
            if len(answers) != len(requests):
                raise RuntimeError(f"{len(requests)} requests of {self._name} got {len(answers)} answers.")
            return answers

    @staticmethod
    def _give_up(group: list[_Ticket[Q, A]]) -> None:
        """Answer those who have no answer yet: what came of their requests is not known here."""
        for ticket in group:
            if ticket.outcome is _PENDING:
                ticket.settle(Busy("The database did not answer; repeat the request with the same idempotency key."))


def _is_outcome_unknown(error: Exception) -> bool:
    """Whether the connection went away meanwhile: some losses are reported as plain database errors.

    A constraint that said no is known, whatever it says: nothing was committed.
    """
    if connection.connection is None or connection.connection.closed:
        return True
    return isinstance(error, InterfaceError | OperationalError | Busy) and not isinstance(
        error.__cause__, IntegrityError
    )
