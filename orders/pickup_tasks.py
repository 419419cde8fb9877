"""What time does to pickups: reminders, exceptions, and forgetting who came in which car. Safe to run twice and at once."""

from celery import shared_task

from commerce import clock, logs
from commerce.actors import Actor
from commerce.transactions import transaction
from orders import pickup_watch, reminders, visits

MOST_ROUNDS = 50

log = logs.get(__name__)


@shared_task(name="orders.tasks.remind_of_pickups")
def remind_of_pickups() -> int:
    """Plan the reminders whose time has come."""
    at, done, after = clock.now(), 0, None
    for _ in range(MOST_ROUNDS):
        with transaction():
            planned, after = reminders.plan_due(at=at, after=after)
        done += planned
        if after is None:
            break
    return done


@shared_task(name="orders.tasks.look_after_pickups")
def look_after_pickups() -> int:
    """Put on the exceptions desk what is late, who waits too long and what nobody fetched."""
    with transaction():
        return pickup_watch.look(by=Actor.system("pickups"), at=clock.now())


@shared_task(name="orders.tasks.forget_visits")
def forget_visits() -> dict[str, int]:
    """Erase cars, plates, places and substitutes of pickups that are over, and say what is left: nothing."""
    at, by, done = clock.now(), Actor.system("visits"), 0
    for _ in range(MOST_ROUNDS):
        with transaction():
            erased = visits.erase_due(by=by, at=at)
        done += erased
        if erased < visits.ERASED_AT_ONCE:
            break
    left = visits.left_over(at=at)
    if done or left:
        log.info("visits forgotten", erased=done, left=left)
    return {"erased": done, "left": left}
