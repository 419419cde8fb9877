"""Sends what is due: leases messages, sends them outside of any transaction, records what came of each.

A crash between sending and recording sends a message again once its lease is over, under the same reference: at least once, and a
mail program that knows the Message-ID shows it once.
"""

import json
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from typing import Any

from django.utils import translation

from commerce import clock, logs
from commerce.transactions import durable, transaction
from orders import queries
from orders.models import Notice
from orders.notices import NoticeChannel, Silence, next_attempt
from orders.notifications import alerts, catalogue, devices, gateways, letters, notices
from orders.notifications.gateways import Outcome
from orders.notifications.letters import Letter

AT_ONCE = 20  # with every gateway at its slowest a batch ends within its lease
MOST_BATCHES = 25  # of one run; the next goes on
PUSH_IS_NEWS_FOR = timedelta(minutes=15)

log = logs.get(__name__)


class Ways:
    """The gateways of one run, opened when first needed."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._open: dict[str, Any] = {}

    def get(self, name: str, make: Any) -> Any:
        """Return the gateway of this name."""
        if name not in self._open:
            self._open[name] = self._stack.enter_context(closing(make()))
        return self._open[name]


@durable
def send_due(*, at: datetime | None = None, batches: int = MOST_BATCHES) -> int:
    """Send what is due; return how many attempts were made. Two who run at once share the work."""
    done = 0
    with ExitStack() as stack:
        ways = Ways(stack)
        for _ in range(batches):
            now = at or clock.now()
            with transaction():
                claimed = notices.claim(at=now, at_most=AT_ONCE)
            for notice in claimed:
                _send(notice, ways, at=now)
            done += len(claimed)
            if len(claimed) < AT_ONCE:
                break
    return done


def _send(notice: Notice, ways: Ways, *, at: datetime) -> None:
    try:
        version, outcome = _attempt(notice, ways, at=at)
    except Exception as fault:
        log.exception("a message can't be composed", code=notice.code, notice=str(notice.id))
        version, outcome = 0, Outcome(error=f"{type(fault).__name__} while composing")
    with transaction():
        if isinstance(outcome, Silence):
            notices.silence(notice, outcome, at=at)
        elif outcome.is_sent:
            notices.sent(notice, receipt=outcome.receipt, version=version, at=at)
        else:
            again = None if outcome.is_final else next_attempt(notice.attempts, at=at, asked=outcome.retry_after)
            notices.failed(notice, outcome.error, next_attempt_at=again, at=at)


def _attempt(notice: Notice, ways: Ways, *, at: datetime) -> tuple[int, Outcome | Silence]:
    if notice.channel == NoticeChannel.PUSH:
        return 0, _push(notice, ways, at=at)
    message = catalogue.get(notice.code)
    if message is None or notice.order_id is None:
        return 0, Silence.NO_TEXT
    order = queries.order(notice.order_id)
    if notice.copy == 0 and not message.still_true(order, notice.facts):
        return 0, Silence.NO_LONGER_TRUE
    channel = NoticeChannel(notice.channel)
    composed = letters.compose(message, order, channel=channel, facts=notice.facts, reference=str(notice.id))
    if composed is None:
        return 0, Silence.NO_TEXT
    letter, version = composed
    if not letter.to:  # erased meanwhile, or never known
        return version, Silence.NO_ADDRESS
    return version, send_letter(letter, ways)


def send_letter(letter: Letter, ways: Ways) -> Outcome:
    """Make one attempt by the letter's channel."""
    if letter.channel is NoticeChannel.SMS:
        return ways.get("sms", gateways.sms).send(letter)
    return ways.get("email", gateways.EmailGateway).send(letter)


def _push(notice: Notice, ways: Ways, *, at: datetime) -> Outcome | Silence:
    device = notice.device
    if device is None:
        return Silence.NO_ADDRESS
    if notice.created_at < at - PUSH_IS_NEWS_FOR:
        return Silence.TOO_LATE
    with translation.override(notice.language):
        payload = alerts.payload(notice.code, notice.facts)
    if payload is None:
        return Silence.NO_LONGER_TRUE
    outcome: Outcome = ways.get("push", gateways.PushGateway).push(
        device.endpoint, device.p256dh, device.auth, json.dumps(payload, ensure_ascii=False)
    )
    if outcome.error in {f"push {status}" for status in gateways.GONE}:
        with transaction():
            devices.forget(device.id)
    return outcome


@durable
def send_test(
    code: str, *, language: str, channel: NoticeChannel, to: str, subject: str, body: str, html: str
) -> Outcome:
    """Send a preview to somebody of the house, so that they see it in their own mail program. Nothing is logged."""
    with ExitStack() as stack:
        letter = Letter(
            channel=channel, to=to, subject=f"[{code}] {subject}" if subject else "", body=body, html=html,
            language=language, reference=f"test-{clock.now():%Y%m%d%H%M%S%f}",
        )  # fmt: skip
        return send_letter(letter, Ways(stack))
