"""Periodic work of the inventory room. Each is safe to run twice and at the same time."""

from celery import shared_task

from commerce import clock, logs
from commerce.actors import Actor
from commerce.transactions import transaction
from inventory import reservations, seals

log = logs.get(__name__)

SWEEPER = Actor.system("reservation sweeper")
SEALER = Actor.system("journal sealer")
LEVELS_AT_ONCE = 200
MOST_ROUNDS = 50
SEGMENTS_AT_ONCE = 50  # 2.5 million entries, more than come in the time between two runs


@shared_task
def expire_reservations() -> int:
    """Free the goods of reservations whose time is over, so that channels are told; promises never waited for this."""
    swept = 0
    for _ in range(MOST_ROUNDS):
        with transaction():
            done = reservations.expire_due(by=SWEEPER, at=clock.now(), at_most=LEVELS_AT_ONCE)
        swept += done
        if done < LEVELS_AT_ONCE:
            break
    return swept


@shared_task
def seal_journal() -> int:
    """Prove and seal what was written to the journal since the last run; say loudly when something of it is wrong."""
    done = seals.seal_waiting(by=SEALER, most_segments=SEGMENTS_AT_ONCE)
    for finding in done.refused.values():
        log.error(
            "journal_not_sealed", law=finding.check, what=finding.what, expected=finding.expected, found=finding.found
        )
    return done.entries
