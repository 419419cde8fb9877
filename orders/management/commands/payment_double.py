"""`manage.py payment_double`: a double of Stripe on this machine, to try checkout, capture and refund by hand."""

import threading
import urllib.error
import urllib.request
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders.gateways.stripe_double import StripeDouble

PORT = 8117
SECRET = "whsec_double"  # noqa: S105  (of the double, known to everybody)
LOOKS_EVERY_SECONDS = 0.3
MOST_TRIES = 20
SECONDS = 10.0


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # those are about web pages
    help = "Serve a double of Stripe on the loopback address and deliver its signed webhooks to a Kontor. Never in production."

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stop = threading.Event()
        self.is_up = threading.Event()
        self.double: StripeDouble | None = None

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=PORT, help="where it listens; 0 takes a free one")
        parser.add_argument(
            "--deliver-to", default="http://127.0.0.1:8000", metavar="URL", help="the Kontor that is told (%(default)s)"
        )
        parser.add_argument(
            "--misbehave", action="append", default=[], metavar="FAULT",
            help="what goes wrong with the next calls, in turn: 429, 500, 500_done, lost, cut, slow",
        )  # fmt: skip

    def handle(self, *, port: int, deliver_to: str, misbehave: list[str], **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("A double moves no money; in production it would pretend to.")
        with StripeDouble(SECRET, port) as double:
            self.double = double
            double.misbehave(*misbehave)
            self.stdout.write(
                f"A double of Stripe listens at {double.url}. Start Kontor with\n"
                f"  KONTOR_STRIPE_SECRET_KEY=sk_test_double KONTOR_STRIPE_WEBHOOK_SECRET={SECRET} KONTOR_STRIPE_URL={double.url}\n"
                "and pay with the tokens pm_card_visa, pm_card_visa_chargeDeclined, pm_card_riskLevelHighest. Ctrl-C ends it."
            )
            self.is_up.set()
            try:
                self._deliver(double, deliver_to.rstrip("/") + "/api/v1/payment-webhooks/stripe")
            except KeyboardInterrupt:
                self.stdout.write("")

    def _deliver(self, double: StripeDouble, address: str) -> None:
        """Tell every event in turn, each again until it is taken, a few times at most."""
        told = tries = 0
        while not self.stop.wait(LOOKS_EVERY_SECONDS):
            for event in list(double.events)[told:]:
                said = self._told(double, event, address)
                tries += 1
                if not said and tries < MOST_TRIES:
                    break
                self.stdout.write(f"{event['type']}: {said or 'given up'}")
                told, tries = told + 1, 0

    def _told(self, double: StripeDouble, event: dict[str, Any], address: str) -> str:
        body, headers = double.signed(event)
        asked = urllib.request.Request(address, body, {**headers, "Content-Type": "application/json"}, method="POST")  # noqa: S310
        try:
            with urllib.request.urlopen(asked, timeout=SECONDS) as answer:  # noqa: S310
                return f"{answer.status}"
        except urllib.error.HTTPError as error:
            return "" if error.code >= 500 else f"{error.code}"
        except OSError:
            return ""
