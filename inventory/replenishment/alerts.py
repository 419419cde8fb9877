"""Rules that misfire: goods run out although a rule holds, people always say no, stock lies for half a year, rules contradict.

Found anew every night; a rule that was put right is gone from the list the next morning.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from commerce.transactions import transaction_required
from inventory.models import ReplenishmentAlert
from inventory.replenishing import Misfire
from inventory.replenishment import demand
from inventory.replenishment.demand import Good
from inventory.replenishment.planning import Plan
from inventory.replenishment.rules import Book

MOST_ALERTS = 2_000  # the worst first; nobody reads more
LOOKS_BACK = timedelta(days=28)
EMPTY_DAYS = 3  # of those, before running out is the rule's fault
LASTS_WEEKS = 26  # stock that lasts longer is too much …
LEAST_TOO_MUCH = 12  # … when it is so many pieces above the target
DISMISSED_IN_A_ROW = 3
DISMISSED_SINCE = timedelta(days=90)

_DISMISSED = """
SELECT product_id, location_id FROM (
    SELECT product_id, location_id, state,
           row_number() OVER (PARTITION BY product_id, location_id ORDER BY decided_at DESC) AS place
    FROM inventory_replenishmentproposal
    WHERE product_id = ANY(%s) AND state IN ('dismissed', 'approved', 'ordered') AND decided_at > %s
) decided
WHERE place <= %s GROUP BY 1, 2 HAVING count(*) = %s AND bool_and(state = 'dismissed')
"""


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to look at. `weight` sorts: larger is worse."""

    kind: Misfire
    rule_id: int
    product_id: int | None
    location_id: int | None
    weight: float
    facts: dict[str, Any] = field(default_factory=dict)


class Watch:
    """Looks at plans as they are made, and remembers the worst."""

    def __init__(self, *, at: datetime) -> None:
        self.at = at
        self.found: list[Alert] = []

    def look_at(self, plans: Sequence[Plan]) -> None:
        """Note what misfires among the plans of some products; three queries."""
        if not plans:
            return
        self.found += self._ran_out(plans)
        self.found += self._always_dismissed(plans)
        self.found += [alert for plan in plans if (alert := _too_much(plan)) is not None]
        if len(self.found) > MOST_ALERTS * 2:
            self.found = self.alerts()

    def alerts(self) -> list[Alert]:
        return sorted(self.found, key=lambda alert: -alert.weight)[:MOST_ALERTS]

    def _ran_out(self, plans: Sequence[Plan]) -> list[Alert]:
        """Say where nothing was on hand on several of the last days, with a rule that had the time to order before them."""
        until = timezone.localdate(self.at) - timedelta(days=1)
        by_good = {
            (plan.position.product_id, plan.position.location_id): plan for plan in plans if plan.known is not None
        }
        goods = [Good(product_id, place, "") for product_id, place in by_good]
        found = []
        for history in demand.histories(goods, first=until - LOOKS_BACK, until=until):
            plan = by_good[history.good.product_id, history.good.location_id]
            in_force = timezone.localdate(plan.rule.created_at) + timedelta(days=int(plan.levels.cover_days))
            first = max(until - LOOKS_BACK, in_force)
            empty = [
                day for day in demand.days_without_stock(history, first=until - LOOKS_BACK, until=until) if day >= first
            ]
            if len(empty) >= EMPTY_DAYS:
                lost = plan.inputs["per_week"] / 7 * len(empty)
                facts = {"days": len(empty), "last": empty[-1].isoformat(), "lost": round(lost, 1)}
                found.append(_about(plan, Misfire.STOCK_OUT, 1_000 + lost, facts))
        return found

    def _always_dismissed(self, plans: Sequence[Plan]) -> list[Alert]:
        by_good = {(plan.position.product_id, plan.position.location_id): plan for plan in plans}
        with connection.cursor() as cursor:
            cursor.execute(
                _DISMISSED,
                [
                    [product_id for product_id, _place in by_good],
                    self.at - DISMISSED_SINCE,
                    DISMISSED_IN_A_ROW,
                    DISMISSED_IN_A_ROW,
                ],
            )
            rows = cursor.fetchall()
        facts = {"times": DISMISSED_IN_A_ROW}
        return [_about(by_good[row], Misfire.DISMISSED, 500.0, facts) for row in rows if row in by_good]


def contradictions(book: Book) -> list[Alert]:
    """Return an alert for each pair of rules that hold for the same goods at the same place."""
    return [
        Alert(
            Misfire.CONTRADICTION, one.rule.id, one.rule.product_id, one.location_ids[0], 10_000.0,
            {"other": one.other.name, "other_id": one.other.id, "places": len(one.location_ids)},
        )
        for one in book.contradictions()
    ]  # fmt: skip


@transaction_required
def keep(alerts: Iterable[Alert], *, at: datetime) -> None:
    """Replace the list of alerts with this one."""
    ReplenishmentAlert.objects.all().delete()
    ReplenishmentAlert.objects.bulk_create(
        [
            ReplenishmentAlert(
                rule_id=alert.rule_id, kind=alert.kind.value, product_id=alert.product_id, location_id=alert.location_id,
                facts=alert.facts, found_at=at,
            )
            for alert in sorted(alerts, key=lambda alert: -alert.weight)[:MOST_ALERTS]
        ]
    )  # fmt: skip


def _too_much(plan: Plan) -> Alert | None:
    """Say that stock lasts longer than LASTS_WEEKS, and is well above its target."""
    per_week = plan.inputs["per_week"]
    above = plan.position.free - plan.levels.target_level
    if plan.known is None or above < LEAST_TOO_MUCH or plan.position.free <= per_week * LASTS_WEEKS:
        return None
    weeks = round(plan.position.free / per_week) if per_week else None
    facts = {"free": plan.position.free, "target": plan.levels.target_level, "weeks": weeks}
    return _about(plan, Misfire.OVERSTOCK, min(above, 400.0), facts)


def _about(plan: Plan, kind: Misfire, weight: float, facts: dict[str, Any]) -> Alert:
    return Alert(kind, plan.rule.id, plan.position.product_id, plan.position.location_id, weight, facts)
