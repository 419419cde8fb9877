"""`manage.py seal_journal`: prove and seal everything that waits, as the worker does every few minutes."""

from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from commerce.actors import Actor
from inventory import seals

EVERYTHING = 1_000_000  # segments


class Command(BaseCommand):
    help = "Prove and seal all entries of the journal that are not sealed yet, and print the newest seal's hash."
    requires_system_checks: list[str] = []  # those are about web pages

    def handle(self, *, verbosity: int, **options: Any) -> None:
        waiting = seals.unsealed()
        with tqdm(
            total=waiting, desc="Sealing", unit=" entries", unit_scale=True, disable=verbosity == 0 or None
        ) as bar:
            done = seals.seal_waiting(by=Actor.system("seal_journal"), most_segments=EVERYTHING, watch=bar.update)
        newest = seals.newest()
        if newest is None:
            self.stdout.write("There is nothing to seal.")
        else:
            self.stdout.write(f"{done.entries:,} entries sealed. Newest seal: {newest.number}, hash {newest.hash}")
        for finding in done.refused.values():
            self.stdout.write(
                f"Not sealed: {finding.what}. {finding.check}: expected {finding.expected}, found {finding.found}"
            )
        if done.refused:
            raise SystemExit(1)
