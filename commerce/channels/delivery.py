"""Sends signed webhooks: leases deliveries, sends them outside of any transaction, records what came of it.

The message id is the `webhook-id`, the same at every attempt, so that a receiver can tell a repetition: delivery is at
least once and in order per aggregate. An endpoint that keeps failing is left alone for a while (the breaker), so that
it takes neither time nor attempts from others.
"""

import socket
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit
from uuid import UUID
from weakref import WeakSet

import orjson
import requests
from cryptography.fernet import InvalidToken
from django.db import connection
from urllib3.exceptions import HTTPError

from commerce import clock, deliveries, events, logs, transactions
from commerce.actors import Actor
from commerce.channels import addresses, endpoints, signing

log = logs.get(__name__)

SENDERS = 32  # threads that wait for answers
AT_ONCE_PER_ENDPOINT = 8  # so that one slow receiver can't take all of them
CONNECT_SECONDS, READ_SECONDS = 5.0, 15.0
LONGEST_WAIT = 1.0  # seconds between two looks at exchanges that take too long
LONGEST_ATTEMPT_SECONDS = CONNECT_SECONDS + READ_SECONDS  # in all: who drips an answer, each drop in time, is cut off
# Longer than any attempt takes, with time to be cut off and written down; a crash delays a message by no more.
LEASE = timedelta(seconds=30)
# The pauses that the Standard Webhooks specification recommends: ten attempts within 75 hours.
RETRY_SECONDS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
LONGEST_RETRY_AFTER = timedelta(hours=24)
LONGEST_PAUSE_OF_ENDPOINT = timedelta(hours=1)
BREAKER_FAILURES = 5  # in a row, then the endpoint rests and is probed with one message at a time
BREAKER_SECONDS, LONGEST_BREAKER_SECONDS = 30.0, 900.0
GIVES_UP_AFTER = 300  # failures in a row: about three days of probes
LONGEST_ANSWER = 16 * 1024  # bytes read to keep the connection; a longer answer closes it
QUOTED_OF_ANSWER = 300  # characters of an answer that stand in the error
BACKING_OFF = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
SENDER = Actor.system("webhook delivery")

_READY = """
SELECT endpoint.id, endpoint.url, endpoint.secret,
       CASE WHEN endpoint.previous_secret_until > %(at)s THEN endpoint.previous_secret END,
       endpoint.consecutive_failures >= %(failures)s
FROM commerce_webhookendpoint endpoint
CROSS JOIN LATERAL (
    SELECT FROM commerce_outboxdelivery
    WHERE subscriber = 'webhook:' || endpoint.id AND state = 'pending' AND next_attempt_at <= %(at)s
      AND (leased_until IS NULL OR leased_until <= %(at)s) ORDER BY id LIMIT 1
) AS due
WHERE endpoint.is_active AND (endpoint.open_until IS NULL OR endpoint.open_until <= %(at)s)
"""
_PROBE = "UPDATE commerce_webhookendpoint SET open_until = %s WHERE id = ANY(%s::uuid[])"
_RECOVER = """
UPDATE commerce_webhookendpoint SET consecutive_failures = 0, open_until = NULL
WHERE id = ANY(%s::uuid[]) AND (consecutive_failures > 0 OR open_until IS NOT NULL)
"""
_FAIL = """
UPDATE commerce_webhookendpoint endpoint SET consecutive_failures = consecutive_failures + failed.times,
    open_until = greatest(failed.until, CASE WHEN consecutive_failures + failed.times >= %s THEN
        %s + least(%s, %s * 2 ^ least(consecutive_failures + failed.times - %s, 20)) * interval '1 second' END)
FROM unnest(%s::uuid[], %s::int[], %s::timestamptz[]) AS failed (id, times, until)
WHERE endpoint.id = failed.id RETURNING endpoint.id, consecutive_failures
"""


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint that is ready to be sent to; while it is being probed, one message at a time."""

    endpoint_id: UUID
    url: str
    secrets: tuple[str, ...] = field(repr=False)  # nothing that prints a target tells them
    is_probed: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said: its status, or None and an error when it said nothing, and the pause it asked for."""

    status: int | None
    error: str = ""
    retry_after: timedelta | None = None

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def body_of(message: events.Received) -> bytes:
    """Return the JSON that a receiver gets: the same bytes at every attempt."""
    return orjson.dumps(
        {
            "id": message.message_id,
            "type": message.type,
            "occurred_at": message.occurred_at.astimezone(UTC),
            "timestamp": message.occurred_at.astimezone(UTC),
            "data": message.payload,
            "position": message.position,
            "aggregate": message.aggregate,
            "aggregate_sequence": message.aggregate_sequence,
            "schema_version": message.schema_version,
        },
        option=orjson.OPT_UTC_Z | orjson.OPT_SORT_KEYS,
    )


def send(session: requests.Session, target: Target, message: events.Received) -> Answer:
    """Send one message, signed; follow no redirect. Never raises for what the network or the receiver does."""
    body, at = body_of(message), clock.now()
    if not target.secrets:
        return Answer(None, "Its secret can't be read: SECRET_KEY has changed without a fallback. Rotate the secret.")
    headers = {"Content-Type": "application/json", "User-Agent": "Kontor-Webhooks/1", "Accept-Encoding": "identity"}
    headers |= signing.headers(str(message.message_id), at, body, using=list(target.secrets))
    try:
        with session.post(
            target.url, data=body, headers=headers, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, stream=True
        ) as response:  # fmt: skip
            text = _rest_of(response)
            if 200 <= response.status_code < 300:
                return Answer(response.status_code)
            said = text[: QUOTED_OF_ANSWER * 4].decode(errors="replace")[:QUOTED_OF_ANSWER]
            error = f"HTTP {response.status_code} {response.reason or ''}: {said}".replace("\x00", "").strip(": ")
            asked = response.headers.get("Retry-After") if response.status_code in BACKING_OFF else None
            return Answer(response.status_code, error, _retry_after(asked, at))
    except Exception as error:  # whatever a foreign server can provoke in the client: the message is put off
        query = urlsplit(target.url).query  # may hold a password of the receiver's; the error goes into the log
        why = deliveries.error_text(error)
        return Answer(None, why.replace(query, "…") if query else why)


def _rest_of(response: requests.Response) -> bytes:
    """Return what an answer says after its status, as far as it came: the status holds, however the connection ends."""
    text = b""
    with suppress(HTTPError, OSError):
        text = response.raw.read(LONGEST_ANSWER)
        if len(text) < LONGEST_ANSWER:
            response.raw.read(1)  # sees the end, so that the connection can be used again
    return text


class Pump:
    """Keeps several messages under way to several endpoints, over connections that stay open.

    Belongs to one thread, which does all the database work; the senders only wait for answers.
    """

    def __init__(self) -> None:
        self._senders = ThreadPoolExecutor(SENDERS, thread_name_prefix="webhook")
        self._sessions = threading.local()
        self._under_way: dict[Future[Answer], tuple[Target, deliveries.Claimed]] = {}
        self._exchanges: dict[int, tuple[float, WeakSet[socket.socket]]] = {}  # of each sender: since when, over what
        self._resting_until = 0.0

    def step(self) -> int:
        """Record the answers that have come, send what is due; return how many deliveries were settled or begun."""
        self._cut_off()
        settled = self._record([future for future in self._under_way if future.done()])
        return settled + self._begin()

    def wait(self, seconds: float) -> None:
        """Wait for an answer, at most so long."""
        self._cut_off()
        if self._under_way:
            wait(self._under_way, timeout=min(seconds, LONGEST_WAIT), return_when=FIRST_COMPLETED)

    def finish(self, *, within: float) -> int:
        """Begin nothing new, wait for the answers under way and record them; return how many came."""
        if self._under_way:
            wait(self._under_way, timeout=within)
        return self._record([future for future in self._under_way if future.done()])

    def close(self) -> None:
        """Let the senders go. What is still under way is cut off and will be sent again when its lease ends."""
        self._senders.shutdown(wait=False, cancel_futures=True)
        self._cut_off(after=0.0)

    @property
    def is_idle(self) -> bool:
        return not self._under_way

    @transactions.durable
    def _begin(self) -> int:
        free = SENDERS - len(self._under_way)
        if free <= 0 or time.monotonic() < self._resting_until:
            return 0
        began = time.monotonic()
        targets = self._ready()
        if not targets:
            return 0
        busy = Counter(target.endpoint_id for target, _ in self._under_way.values())
        limits: dict[str, int] = {}
        for target in targets:
            most = (1 if target.is_probed else AT_ONCE_PER_ENDPOINT) - busy[target.endpoint_id]
            if most > 0 and free > 0:
                limits[_subscriber(target)] = min(most, free)
                free -= limits[_subscriber(target)]
        leased = self._lease(targets, limits) if limits else []
        by_subscriber = {_subscriber(target): target for target in targets}
        for claimed in leased:
            target = by_subscriber[claimed.subscriber]
            self._under_way[self._senders.submit(self._send, target, claimed.message)] = (target, claimed)
        if not leased and not self._under_way:  # all due ones wait behind others: look again, but not all the time
            self._resting_until = time.monotonic() + min(2.0, 9 * (time.monotonic() - began))
        return len(leased)

    def _ready(self) -> list[Target]:
        with connection.cursor() as cursor:
            cursor.execute(_READY, {"at": clock.now(), "failures": BREAKER_FAILURES})
            rows = cursor.fetchall()
        targets = []
        for endpoint_id, url, secret, previous, is_probed in rows:
            targets.append(Target(endpoint_id, url, _opened(secret, previous), is_probed))
        # Whoever has the most under way comes last, so that everyone gets a turn.
        busy = Counter(target.endpoint_id for target, _ in self._under_way.values())
        return sorted(targets, key=lambda target: busy[target.endpoint_id])

    def _lease(self, targets: Sequence[Target], limits: dict[str, int]) -> list[deliveries.Claimed]:
        until = clock.now() + LEASE
        with transactions.transaction():
            leased = deliveries.lease(limits, until=until)
            got = {claimed.subscriber for claimed in leased}
            probed = [str(target.endpoint_id) for target in targets if target.is_probed and _subscriber(target) in got]
            if probed:
                with connection.cursor() as cursor:
                    cursor.execute(_PROBE, [until, probed])
        return leased

    def _send(self, target: Target, message: events.Received) -> Answer:
        if not hasattr(self._sessions, "session"):
            self._sessions.session = addresses.session()
        sender = threading.get_ident()
        self._exchanges[sender] = (time.monotonic(), addresses.sockets_here())
        try:
            return send(self._sessions.session, target, message)
        finally:
            del self._exchanges[sender]

    def _cut_off(self, *, after: float | None = None) -> None:
        """End the exchanges that take too long in all; their messages are put off as after any failure."""
        longest = LONGEST_ATTEMPT_SECONDS if after is None else after
        for began, sockets in list(self._exchanges.values()):
            if time.monotonic() - began > longest:
                addresses.cut(sockets)

    def _record(self, futures: Sequence[Future[Answer]]) -> int:
        if not futures:
            return 0
        answered = [(*self._under_way[future], future.result()) for future in futures]
        record(answered)
        for future in futures:
            del self._under_way[future]
        return len(futures)


@transactions.durable
def record(answered: Sequence[tuple[Target, deliveries.Claimed, Answer]]) -> None:
    """Write what came of attempts in one transaction: deliveries, breakers, and endpoints that are gone."""
    at = clock.now()
    verdicts = [_verdict(claimed, answer, at=at) for _, claimed, answer in answered]
    with transactions.transaction():
        settled = deliveries.settle(verdicts)
        ours = [(target, answer) for target, claimed, answer in answered if claimed.id in settled]
        succeeded = {target.endpoint_id for target, answer in ours if answer.is_success}
        _recover(sorted(succeeded))
        tired = _fail([(target.endpoint_id, answer) for target, answer in ours if not answer.is_success], at=at)
        for endpoint_id in tired:
            endpoints.deactivate(endpoint_id, by=SENDER, reason=f"It failed {GIVES_UP_AFTER} times in a row.")
        for endpoint_id in sorted({target.endpoint_id for target, answer in ours if answer.status == HTTPStatus.GONE}):
            endpoints.deactivate(endpoint_id, by=SENDER, reason="It answered 410 Gone.")


def deliver_due(*, within: float) -> int:
    """Send everything due and wait for the answers, for at most so many seconds; return how many were answered."""
    pump, answered, deadline = Pump(), 0, time.monotonic() + within
    try:
        while True:
            began = pump._begin() if time.monotonic() < deadline else 0
            if not began and pump.is_idle:
                return answered
            pump.wait(max(0.0, deadline - time.monotonic()))
            answered += pump.finish(within=0)
            if time.monotonic() >= deadline:
                return answered + pump.finish(within=CONNECT_SECONDS + READ_SECONDS)
    finally:
        pump.close()


def _opened(secret: memoryview, previous: memoryview | None) -> tuple[str, ...]:
    """Return the secrets that sign now, or none when our keys don't fit them."""
    try:
        return tuple(signing.unseal(sealed) for sealed in (secret, previous) if sealed is not None)
    except InvalidToken:
        return ()


def _subscriber(target: Target) -> str:
    return f"{events.WEBHOOK}{target.endpoint_id}"


def _verdict(claimed: deliveries.Claimed, answer: Answer, *, at: datetime) -> deliveries.Verdict:
    if answer.is_success:
        return deliveries.Verdict(claimed, deliveries.DONE, at)
    verdict = deliveries.put_off(claimed, answer.error, RETRY_SECONDS, at=at)
    if answer.retry_after is not None and verdict.state == deliveries.PENDING:
        return deliveries.Verdict(claimed, deliveries.PENDING, at + answer.retry_after, answer.error)
    return verdict


def _recover(endpoint_ids: Sequence[UUID]) -> None:
    if endpoint_ids:
        with connection.cursor() as cursor:
            cursor.execute(_RECOVER, [[str(endpoint_id) for endpoint_id in endpoint_ids]])


def _fail(failures: Sequence[tuple[UUID, Answer]], *, at: datetime) -> list[UUID]:
    """Count failures and open breakers; return the endpoints that have failed too often to go on."""
    if not failures:
        return []
    times = Counter(endpoint_id for endpoint_id, _ in failures)
    until: dict[UUID, datetime] = {}
    for endpoint_id, answer in failures:
        if answer.retry_after is not None:  # it asked us to slow down, not only with this message
            pause = at + min(answer.retry_after, LONGEST_PAUSE_OF_ENDPOINT)
            until[endpoint_id] = max(pause, until.get(endpoint_id, pause))
    failed = sorted(times)
    with connection.cursor() as cursor:
        cursor.execute(
            _FAIL,
            [
                BREAKER_FAILURES, at, LONGEST_BREAKER_SECONDS, BREAKER_SECONDS, BREAKER_FAILURES,
                [str(endpoint_id) for endpoint_id in failed], [times[endpoint_id] for endpoint_id in failed],
                [until.get(endpoint_id) for endpoint_id in failed],
            ],
        )  # fmt: skip
        counted = cursor.fetchall()
    for endpoint_id, in_a_row in counted:
        if in_a_row == BREAKER_FAILURES:
            log.warning("webhook endpoint rests", endpoint=str(endpoint_id), failures=in_a_row)
    return [endpoint_id for endpoint_id, in_a_row in counted if in_a_row >= GIVES_UP_AFTER]


def _retry_after(value: str | None, at: datetime) -> timedelta | None:
    """Read a Retry-After header, in seconds or as a date; None when it is missing or makes no sense."""
    if not value:
        return None
    try:
        pause = timedelta(seconds=int(value)) if value.strip().isdigit() else parsedate_to_datetime(value) - at
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(pause, timedelta(0)), LONGEST_RETRY_AFTER)
