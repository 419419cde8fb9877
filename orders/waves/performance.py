"""How picking goes: how much, how fast, how right. For a team by default; by person only where the house has agreed to that.

What people do at work may be recorded and shown by person in Germany only as agreed with the works council (§ 87 (1) no. 6
BetrVG) and as far as needed (art. 5, 6 GDPR, § 26 BDSG). So figures are those of the team, of people only when
`KONTOR_PICKER_FIGURES` says so, never of fewer than `FEWEST` people as a team, and never older than `DAYS`.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncHour

from orders import shortages
from orders.models import PickScan
from orders.picking import COUNTED, Outcome

DAYS = 14
FEWEST = 3  # of fewer people the figures of a team are those of a person


@dataclass(frozen=True, slots=True)
class Figures:
    """What was picked: `hours` are those in which somebody picked; shares are from 0 to 1, None where there is nothing to share.

    `found_later` are shortages that a later count contradicted: the goods were there.
    """

    name: str
    pickers: int
    lines: int
    pieces: int
    hours: int
    scans: int
    wrong: int
    by_hand: int
    shortages: int
    found_later: int

    @property
    def lines_per_hour(self) -> float | None:
        return round(self.lines / self.hours, 1) if self.hours else None

    @property
    def wrong_share(self) -> float | None:
        return round(self.wrong / self.scans, 4) if self.scans else None

    @property
    def by_hand_share(self) -> float | None:
        return round(self.by_hand / self.pieces, 4) if self.pieces else None


def is_by_person() -> bool:
    """Say whether the house shows figures of people."""
    return bool(settings.PICKER_FIGURES == "named")


def figures(location_id: int, *, at: datetime) -> tuple[Figures | None, list[Figures]]:
    """Return the figures of a place's team over the last days, and of its people where that was agreed. A few queries.

    The team's are withheld (None) when fewer than FEWEST people picked and people's figures are not shown.
    """
    since = at - timedelta(days=DAYS)
    rows = list(
        PickScan.objects.filter(fulfilment__location_id=location_id, recorded_at__gte=since)
        .values(
            "scanned_by_id",
            "scanned_by__first_name",
            "scanned_by__last_name",
            "scanned_by__username",
            hour=TruncHour("scanned_at"),
        )
        .annotate(
            lines=Count("line_id", filter=Q(pieces__gt=0), distinct=True),
            taken=Sum("pieces"),
            scans=Count("id", filter=~Q(outcome=COUNTED)),
            wrong=Count("id", filter=Q(outcome__in=[Outcome.WRONG_ITEM.value, Outcome.UNKNOWN_BARCODE.value])),
            by_hand=Sum("pieces", filter=Q(outcome=COUNTED)),
        )
    )
    people: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        one = people[row["scanned_by_id"]]
        one["hours"] += 1
        for key in ("lines", "taken", "scans", "wrong", "by_hand"):
            one[key] += row[key] or 0
    reported = shortages.reported(location_id=location_id, since=since)
    found = shortages.found_later(location_id=location_id, since=since)
    named = {
        row["scanned_by_id"]: f"{row['scanned_by__first_name']} {row['scanned_by__last_name']}".strip()
        or row["scanned_by__username"]
        for row in rows
    }
    by_person = [
        _figures(named.get(person, ""), 1, one, reported.get(person, 0), found.get(person, 0))
        for person, one in sorted(people.items(), key=lambda pair: named.get(pair[0], ""))
    ]
    total: dict[str, int] = defaultdict(int)
    for one in people.values():
        for key, value in one.items():
            total[key] += value
    is_shown = is_by_person() or len(people) >= FEWEST
    ours = set(people)
    team = _figures(
        "", len(people), total, sum(count for person, count in reported.items() if person in ours),
        sum(count for person, count in found.items() if person in ours),
    )  # fmt: skip
    return (team if is_shown and people else None), (by_person if is_by_person() else [])


def _figures(name: str, pickers: int, one: dict[str, int], reported: int, found_later: int) -> Figures:
    return Figures(
        name, pickers, one["lines"], one["taken"], one["hours"], one["scans"], one["wrong"], one["by_hand"], reported,
        found_later,
    )  # fmt: skip
