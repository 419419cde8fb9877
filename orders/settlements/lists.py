"""What screens show of reconciliation: proposals, open lines by age and owner, and money that providers still owe us."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Count, F, OuterRef, Subquery, Sum
from django.db.models.functions import Abs, Coalesce

from orders.models import Payment, SettlementFile, SettlementLine, SettlementMatch
from orders.settlement_states import AGES, MatchState, age_of

MOST_LISTED = 100
NEWEST_FILES = 12


@dataclass(frozen=True, slots=True)
class Proposal:
    """A line, what it may belong to, and how sure that is (percent)."""

    id: UUID
    line: SettlementLine
    order_id: UUID | None
    order_number: str
    wanted_minor: int
    payout: SettlementLine | None
    certainty: int
    difference_minor: int
    rule: str


@dataclass(frozen=True, slots=True)
class Owing:
    """A payment that its provider has not settled as our books say."""

    payment_id: UUID
    order_id: UUID | None
    order_number: str
    gateway: str
    missing_minor: int
    currency: str
    since: datetime
    days: int


def proposals(*, at_most: int = MOST_LISTED) -> list[Proposal]:
    """Return what waits for a person, the surest first."""
    rows = (
        SettlementMatch.objects.filter(state=MatchState.PROPOSED.value, line__settled_at__isnull=True)
        .select_related("line", "line__file", "payment", "payment__order", "payout")
        .order_by("-certainty", "line__dated_on", "id")[:at_most]
    )
    return [
        Proposal(
            id=row.id,
            line=row.line,
            order_id=row.payment.order_id if row.payment else None,
            order_number=row.payment.order.number if row.payment and row.payment.order else "",
            wanted_minor=row.payment.amount_minor if row.payment else abs(row.payout.amount_minor) if row.payout else 0,
            payout=row.payout,
            certainty=row.certainty // 10,
            difference_minor=row.difference_minor,
            rule=row.rule,
        )
        for row in rows
    ]


def open_lines(*, owner_id: int | None = None, at_most: int = MOST_LISTED) -> list[SettlementLine]:
    """Return lines that belong to nothing yet, the oldest first; with an owner only theirs."""
    rows = SettlementLine.objects.filter(settled_at__isnull=True).select_related("owner", "file")
    if owner_id is not None:
        rows = rows.filter(owner_id=owner_id)
    return list(rows.order_by("dated_on", "id")[:at_most])


def ageing(*, on: date) -> dict[str, dict[str, tuple[int, int]]]:
    """Return by age and currency how many lines are open and what they come to (absolute)."""
    counts: Counter[tuple[str, str]] = Counter()
    sums: Counter[tuple[str, str]] = Counter()
    rows = SettlementLine.objects.filter(settled_at__isnull=True).values("dated_on", "currency")
    for row in rows.annotate(lines=Count("id"), sum=Sum(Abs("amount_minor"))):
        key = age_of(max((on - row["dated_on"]).days, 0)), row["currency"]
        counts[key] += row["lines"]
        sums[key] += row["sum"]
    return {
        name: {
            currency: (counts[age, currency], sums[age, currency]) for age, currency in sorted(counts) if age == name
        }
        for _most, name in AGES
    }


def owing(*, at: datetime, after_days: int = 3, at_most: int = MOST_LISTED) -> list[Owing]:
    """Return payments captured more than `after_days` ago that no settlement line covers: the provider owes us."""
    covered = (
        SettlementMatch.objects.filter(payment_id=OuterRef("pk"), state__in=["automatic", "confirmed"])
        .order_by()
        .values("payment_id")
        .annotate(sum=Sum("line__amount_minor"))
        .values("sum")
    )
    rows = (
        Payment.objects.filter(captured_minor__gt=F("refunded_minor"))
        .exclude(gateway__in=["till", "bank", "gift_card", "channel"])
        .annotate(covered=Coalesce(Subquery(covered), 0))
        .exclude(covered__gte=F("captured_minor") - F("refunded_minor"))
        .select_related("order")
        .order_by("changed_at")[:at_most]
    )
    return [
        Owing(
            payment_id=row.pk,
            order_id=row.order_id,
            order_number=row.order.number if row.order else "",
            gateway=row.gateway,
            missing_minor=row.captured_minor - row.refunded_minor - row.covered,
            currency=row.currency,
            since=row.changed_at,
            days=(at - row.changed_at).days,
        )
        for row in rows
        if (at - row.changed_at).days >= after_days
    ]


def files() -> list[SettlementFile]:
    """Return the files that were read last."""
    return list(SettlementFile.objects.order_by("-imported_at")[:NEWEST_FILES])


def counts() -> dict[str, int]:
    """Return how many proposals and open lines there are."""
    return {
        "proposals": SettlementMatch.objects.filter(
            state=MatchState.PROPOSED.value, line__settled_at__isnull=True
        ).count(),
        "open": SettlementLine.objects.filter(settled_at__isnull=True).count(),
    }
