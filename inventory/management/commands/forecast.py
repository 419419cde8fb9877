"""`manage.py forecast`: count demand, forecast every good, and work out what to reorder. What the night does, at once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from tqdm import tqdm

from commerce import clock
from commerce.actors import Actor
from inventory.replenishment import demand, forecasts, proposals, rules

ACTOR = Actor.system("forecast")


class Command(BaseCommand):
    help = "Count demand from the journal, forecast every product at every place, and propose what to reorder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--quiet", action="store_true", help="no progress bars")
        parser.add_argument("--without-proposals", action="store_true", help="count and forecast only")

    def handle(self, *, quiet: bool, without_proposals: bool, **options: Any) -> None:
        at = clock.now()
        with tqdm(total=demand.behind(), desc="counting demand", unit="level", disable=quiet) as bar:
            for levels in demand.count_all():
                bar.update(levels)
        book = rules.Book()
        with tqdm(total=forecasts.how_many(), desc="forecasting", unit="good", disable=quiet) as bar:
            made = forecasts.run(at=at, uplifts=book.uplifts, progress=bar.update)
        self.stdout.write(f"{made} products at places were forecast as of yesterday.")
        if without_proposals:
            return
        with tqdm(desc="reordering", unit="product", disable=quiet) as bar:
            outcome = proposals.run(by=ACTOR, at=at, progress=bar.update)
        self.stdout.write(
            f"{outcome.proposed} new proposals, {outcome.kept} as before, {outcome.superseded} superseded."
            if book.rules
            else "There are no replenishment rules yet, so nothing is proposed: add one under Reorder."
        )
