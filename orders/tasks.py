"""What happens to orders when time passes. Safe to run twice, and at once: every order is one transaction of its own."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.conf import settings

from commerce import clock, logs
from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.transactions import transaction
from orders import leases, pickup, promise_watch, proposals, queries, received, shortages, unrouted
from orders.exceptions import escalation
from orders.notifications import sending
from orders.packing import journeys, labels
from orders.payments import watchdog
from orders.pickup_tasks import forget_visits, look_after_pickups, remind_of_pickups
from orders.returns import labels as return_labels
from orders.routing import simulations

MOST_SIMULATIONS = 20  # in one run of the task
MOST_AT_ONCE = 500  # the rest follows with the next run

__all__ = ["forget_visits", "look_after_pickups", "remind_of_pickups"]  # tasks of pickup, found here by their names

log = logs.get(__name__)


@shared_task(name="orders.tasks.release_stale_leases")
def release_stale_leases() -> int:
    """End leases that ran out: accepted orders go back to the queue, begun ones wait for anyone with their progress."""
    at, by = clock.now(), Actor.system("pick leases")
    return _each(
        queries.stale_leases(at=at, at_most=MOST_AT_ONCE),
        lambda fulfilment_id: leases.release_stale(fulfilment_id, by=by, at=at),
    )


@shared_task(name="orders.tasks.mark_no_shows")
def mark_no_shows() -> int:
    """Call ready orders a no-show when the time that they are kept is over."""
    at, by = clock.now(), Actor.system("no-shows")
    return _each(
        queries.no_longer_kept(at=at, at_most=MOST_AT_ONCE),
        lambda fulfilment_id: pickup.mark_no_show(fulfilment_id, by=by, at=at),
    )


@shared_task(name="orders.tasks.watch_exceptions")
def watch_exceptions() -> dict[str, int]:
    """Open cases again whose time to wait is over, settle those whose cause is gone, hand overdue ones up."""
    at, by = clock.now(), Actor.system("exceptions desk")
    done = {}
    for name, verb in (
        ("woken", escalation.wake),
        ("cleared", escalation.clear_gone),
        ("escalated", escalation.escalate),
    ):
        with transaction():
            done[name] = verb(by=by, at=at)
    return done


@shared_task(name="orders.tasks.follow_shortages")
def follow_shortages() -> int:
    """Look again for pieces that customers wait for, and end what nobody chose about in time."""
    at, by = clock.now(), Actor.system("shortages")
    return _each(
        shortages.due(at=at, at_most=MOST_AT_ONCE), lambda shortage_id: proposals.follow(shortage_id, by=by, at=at)
    )


@shared_task(name="orders.tasks.erase_refused_orders")
def erase_refused_orders() -> int:
    """Erase the people that orders named which were refused and never placed."""
    with transaction():
        days = timedelta(days=settings.REFUSED_ORDERS_DAYS)
        return received.erase(older_than=days, by=Actor.system("order intake"), at=clock.now())


@shared_task(name="orders.tasks.revise_promises")
def revise_promises() -> int:
    """Tell customers a new time whose promise was not kept."""
    at, by = clock.now(), Actor.system("promises")
    return _each(
        promise_watch.due(at=at, at_most=MOST_AT_ONCE),
        lambda fulfilment_id: promise_watch.revise(fulfilment_id, by=by, at=at),
    )


@shared_task(name="orders.tasks.run_payment_errands")
def run_payment_errands() -> int:
    """Take to payment providers what was planned, and look after what they did not answer."""
    return watchdog.run_errands(at=clock.now())


@shared_task(name="orders.tasks.watch_payments")
def watch_payments() -> dict[str, int]:
    """See to payments without an order, without an answer, or about to run out."""
    return watchdog.watch(at=clock.now())


@shared_task(name="orders.tasks.send_notices")
def send_notices() -> int:
    """Send the messages that are due, to customers and to the devices of staff."""
    return sending.send_due()


@shared_task(name="orders.tasks.try_routing_policies")
def try_routing_policies() -> int:
    """Run the simulations of routing policies that wait, one after the other; return how many."""
    done = 0
    while done < MOST_SIMULATIONS and simulations.run_next(at=clock.now()):
        done += 1
    return done


@shared_task(name="orders.tasks.settle_labels")
def settle_labels() -> int:
    """Settle shipping labels whose asker is gone."""
    by = Actor.system("shipping labels")
    return labels.watch(by=by) + return_labels.watch(by=by)


@shared_task(name="orders.tasks.look_where_parcels_are")
def look_where_parcels_are() -> int:
    """Ask carriers where parcels are."""
    return journeys.look() + return_labels.look(by=Actor.system("parcels"))


def _each(fulfilment_ids: list[UUID], verb: Callable[[UUID], object]) -> int:
    """Do it to each in a transaction of its own; one that has moved on meanwhile is left alone. Return how many were done."""
    done = 0
    for fulfilment_id in fulfilment_ids:
        try:
            with transaction():
                verb(fulfilment_id)
            done += 1
        except CommerceError as refusal:
            log.info("left alone", fulfilment=str(fulfilment_id), code=refusal.code)
    return done


@shared_task(name="orders.tasks.route_accepted")
def route_accepted() -> int:
    """Give places to shipments that were accepted without one, many together, express first."""
    return unrouted.route_due(at=clock.now())
