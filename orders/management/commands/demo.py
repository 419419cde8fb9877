"""`manage.py demo`: fill an empty installation with an invented retailer, or show how to sign in to it."""

from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.core.management.base import BaseCommand
from django.db import connection
from kombu.exceptions import KombuError
from tqdm import tqdm

from commerce import audit, celery, clock, locks, logs, queries
from commerce.transactions import transaction
from orders.demo import (
    by_hand,
    collecting,
    coming_back,
    costing,
    counting,
    floor,
    learning,
    moving,
    past,
    past_prices,
    paying,
    people,
    planning,
    promising,
    promoting,
    reconciling,
    reordering,
    retailer,
    routing,
    scarcity,
    sharing,
    supply,
    trade,
    ways,
)

log = logs.get(__name__)

VERB = "orders.demo.load"
RETAILER = "ackerblau"
FIRST_NIGHT = ("inventory.tasks.seal_journal", "inventory.tasks.reorder")
# What is shown besides trade, in the order in which it happens.
TOPICS: list[Callable[..., None]] = [
    sharing.withhold, supply.stock_up, moving.move, promising.promise, reordering.rule, counting.count,
    reconciling.reconcile, scarcity.announce, paying.pay, coming_back.come_back, routing.consider,
    promoting.promote, past_prices.remember, costing.reckon, by_hand.decide, planning.plan, floor.work, collecting.collect,
    ways.show,
]  # fmt: skip


class Command(BaseCommand):
    """Load the demo into empty tables: all of it in one transaction, or nothing."""

    help = "Load an invented retailer with stores, products, stock, prices and open orders into an empty installation."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="Do nothing when there are data already.")
        parser.add_argument("--show", action="store_true", help="Only show how to sign in, and a first request.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["show"]:
            self._show()
            return
        if settings.PRODUCTION:
            raise CommandError("Demo data has public passwords and keys, so it is never loaded in production.")
        if not queries.is_empty():
            if options["if_empty"]:
                return
            raise CommandError(
                "There are data already; the demo needs empty tables. Start a second installation for it:"
                " KONTOR_DATA_DIR=.kontor-demo make run"
            )
        load(now=clock.now(), is_quiet=options["verbosity"] == 0)
        _plan_first_night()

    def _show(self) -> None:
        if not audit.timeline("demo", RETAILER, at_most=1):
            return
        base = settings.PUBLIC_URL
        width = max(len(name) for name in people.SHOWN)
        lines = [f"  Sign in with the password {people.PASSWORD} as"]
        lines += [
            f"    {member.username:<{width}}  {member.does}"
            for member in people.STAFF
            if member.username in people.SHOWN
        ]
        lines += [
            f"  API key    {retailer.API_KEY}",
            "  Try it     "
            f"curl -H 'Authorization: Bearer {retailer.API_KEY}' '{base}/api/v1/availability"
            "?sku=GSCH-01,TASS-02&country=DE&postal_code=10115'",
        ]
        self.stdout.write("\n".join(lines))


def _plan_first_night() -> None:
    """Let a worker seal the journal, forecast and propose what to reorder as soon as one runs: too slow for a first start."""
    for task in FIRST_NIGHT:
        try:
            celery.app.send_task(task, retry=False)
        except KombuError:
            log.warning("demo_without_first_night", task=task)  # what it does comes with the next night


def load(*, now: datetime, is_quiet: bool = False) -> retailer.Retailer:
    """Write the whole demo as of the minute of `now`, in one transaction of its own, and let the planner know it.

    Sales from before Kontor come after it, through their importer, which owns its transactions.

    Statistics are taken after the data is in: plans made for empty tables would read all of them for ever.
    """
    now = now.replace(second=0, microsecond=0)
    with tqdm(total=retailer.steps(), desc="Demo", unit=" steps", disable=is_quiet or None) as bar:
        with transaction():
            locks.hold(locks.Purpose.DEMO)
            shop = retailer.found(now=now, progress=bar.update)
            past.sell(shop, now=now)
            routing.equip(shop, now=now)
            learning.announce(shop, now=now)
            written = trade.stories(shop, now=now)
            bar.total += trade.count(written) + len(TOPICS)
            trade.play(shop, written, now=now, progress=bar.update)
            for show in TOPICS:
                show(shop, now=now)
                bar.update(1)
            audit.record(VERB, "demo", RETAILER, by=retailer.ACTOR, after={"orders": len(written)})
        learning.remember(shop, now=now)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        bar.refresh()
    return shop
