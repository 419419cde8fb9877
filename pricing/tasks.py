"""Periodic work of pricing. Each task is safe to run twice and at the same time."""

from datetime import timedelta

from celery import shared_task

from commerce import clock, queries, quotas
from commerce.transactions import transaction
from pricing import applied_prices, limits, quote_store, simulations
from pricing.exchange import files

QUOTES_AT_ONCE = 2_000  # deleted per transaction: a document of some kilobytes each
MOST_ROUNDS = 50
FILES_AT_ONCE = 50  # forgotten in one transaction; each may hold some megabytes
MOST_FILES = 20  # in one run; the next one follows in seconds
# A part of a simulation is not begun later in a run of the task, whose time is limited; the next run is seconds away.
SIMULATES_FOR = timedelta(seconds=30)


@shared_task
def prune_quotes() -> int:
    """Forget quotes that have been over for long."""
    forgotten = 0
    for _ in range(MOST_ROUNDS):
        with transaction():
            done = quote_store.prune(at=clock.now(), at_most=QUOTES_AT_ONCE)
            limits.prune(before=clock.now() - quote_store.KEPT, at_most=QUOTES_AT_ONCE)
            quotas.forget(limits.PREFIX, before=clock.now() - quote_store.KEPT, at_most=QUOTES_AT_ONCE)
            files.prune(at=clock.now(), at_most=FILES_AT_ONCE)
        forgotten += done
        if done < QUOTES_AT_ONCE:
            break
    return forgotten


@shared_task
def log_applied_prices() -> int:
    """Write down which prices were applied on each channel since the last run."""
    with transaction():
        until = applied_prices.settled()
    written = 0
    for channel in queries.channels():
        if channel.is_active:
            with transaction():
                written += applied_prices.catch_up(channel, until=until)
    return written


@shared_task
def work_on_files() -> int:
    """Look at files of prices that wait, or write them; return how many."""
    done = 0
    while done < MOST_FILES and files.work():
        done += 1
    return done


@shared_task
def simulate_drafts() -> int:
    """Run parts of the simulations of drafts that wait, beside other workers; return how many."""
    done, begun_at = 0, clock.now()
    while clock.now() - begun_at < SIMULATES_FOR and simulations.run_next(at=clock.now()):
        done += 1
    return done
