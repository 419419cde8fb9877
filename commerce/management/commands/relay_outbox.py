"""`manage.py relay_outbox`: delivers what happened to handlers and webhooks, until SIGTERM or Ctrl-C."""

import signal
import threading
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from commerce import outbox, relay

DRAIN_SECONDS = 3600.0


class Command(BaseCommand):
    """Run the relay. Several may run at once, on any machine."""

    help = "Deliver outbox messages to handlers and webhooks until stopped; with --once until nothing is due."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="Deliver everything that is due, then end.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            moved, left = relay.drain(within=DRAIN_SECONDS), outbox.backlog()
            self.stdout.write(f"Moved {moved}; {left.pending} put off, {left.parked} parked.")
            return
        stop = threading.Event()

        def end(signum: int, frame: FrameType | None) -> None:
            stop.set()

        before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            relay.run(stop)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
