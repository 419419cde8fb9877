"""Periodic work of the inventory room. Each is safe to run twice and at the same time."""

from celery import shared_task

from commerce import clock
from commerce.actors import Actor
from commerce.transactions import transaction
from inventory import reservations

SWEEPER = Actor.system("reservation sweeper")
LEVELS_AT_ONCE = 200
MOST_ROUNDS = 50


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
