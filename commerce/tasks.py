"""Periodic work of the kernel. Each task is safe to run twice and at the same time."""

from importlib import import_module

from celery import shared_task
from django.conf import settings

from commerce import clock, idempotency, inbox, outbox, quotas, relay
from commerce.actors import Actor
from commerce.api import throttling
from commerce.operations import experiments
from commerce.staff import attempts
from commerce.transactions import transaction

REDRIVE_SECONDS = 4.0  # less than the time between two of its runs
HOLDS_AT_ONCE = 500
ROWS_AT_ONCE = 5000  # deleted per transaction, so that nobody waits for a clean-up
MOST_ROUNDS = 50
GUARD = Actor.system("experiments")


@shared_task
def redrive_outbox() -> int:
    """Deliver what is due, as the relay does: the safety net for the time in which no relay runs."""
    return relay.drain(within=REDRIVE_SECONDS)


@shared_task
def expire_quota_holds() -> int:
    """Sweep quota holds whose time is over; they stopped to count by themselves."""
    swept = 0
    for _ in range(MOST_ROUNDS):
        with transaction():
            done = quotas.expire_due(at=clock.now(), at_most=HOLDS_AT_ONCE)
        swept += done
        if done < HOLDS_AT_ONCE:
            break
    return swept


@shared_task
def prune() -> dict[str, int]:
    """Delete what has served its time: answers, rate windows, sessions, counted sign-ins, messages and deliveries."""
    at = clock.now()
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    with transaction():
        windows = throttling.prune(at=at)
    pruned = {"rate windows": windows, "outbox messages": outbox.prune(at=at)}
    for name, verb in (("answers", idempotency.prune), ("inbox messages", inbox.prune), ("sign-ins", attempts.prune)):
        pruned[name] = 0
        for _ in range(MOST_ROUNDS):
            with transaction():
                done = verb(at=at, at_most=ROWS_AT_ONCE)
            pruned[name] += done
            if done < ROWS_AT_ONCE:
                break
    return pruned


@shared_task
def guard_experiments() -> list[str]:
    """Stop the experiments of which a variant breaks a guardrail."""
    with transaction():
        return experiments.guard(by=GUARD, at=clock.now())
