"""Lists of replenishment for screens and the API: proposals, alerts, rules, promotions. Read only, bounded queries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet

from commerce import catalog
from commerce.product_refs import ProductRef
from inventory.errors import ProposalUnknown, RuleUnknown
from inventory.models import (
    LocationGroup,
    PromotionUplift,
    ReplenishmentAlert,
    ReplenishmentProposal,
    ReplenishmentRule,
)
from inventory.places import locations
from inventory.places.locations import LocationRef
from inventory.replenishing import ProposalState

MOST_SHOWN = 100
MOST_ALERTS = 50


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal with the product and places it is about."""

    id: UUID
    kind: str
    state: str
    rule_id: int
    product: ProductRef
    location: LocationRef
    from_location: LocationRef | None
    supplier_code: str
    quantity: int
    order_on: date
    expected_on: date
    inputs: dict[str, Any]
    made_at: datetime
    decided_at: datetime | None
    decided_by: str
    reason: str
    order_reference: str


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule that deserves a look, with what it is about."""

    kind: str
    rule_id: int
    rule_name: str
    product: ProductRef | None
    location: LocationRef | None
    facts: dict[str, Any]


def proposal_rows(
    *, location_ids: Iterable[int] | None, state: str = ProposalState.PROPOSED.value, kind: str = ""
) -> QuerySet[ReplenishmentProposal]:
    """Return the rows of a list, unordered and unbounded; whoever reads them does both."""
    rows = ReplenishmentProposal.objects.filter(state=state)
    if location_ids is not None:
        rows = rows.filter(location_id__in=list(location_ids))
    return rows.filter(kind=kind) if kind else rows


def proposals(
    *,
    location_ids: Iterable[int] | None,
    state: str = ProposalState.PROPOSED.value,
    kind: str = "",
    at_most: int = MOST_SHOWN,
) -> list[Proposal]:
    """Return proposals, those to order first on top, newest of a day first."""
    rows = proposal_rows(location_ids=location_ids, state=state, kind=kind)
    return presented(rows.order_by("order_on", "supplier_code", "location_id", "-made_at", "id")[:at_most])


def counts(*, location_ids: Iterable[int] | None) -> dict[str, int]:
    """Return how many open proposals there are of each kind."""
    rows = proposal_rows(location_ids=location_ids).values_list("kind").annotate(Count("id"))
    return dict(rows)


def proposal(proposal_id: UUID) -> Proposal:
    """Return one proposal in any state. Raises: ProposalUnknown."""
    found = presented(ReplenishmentProposal.objects.filter(pk=proposal_id))
    if not found:
        raise ProposalUnknown("There is no such proposal.", proposal_id=str(proposal_id))
    return found[0]


def proposal_places(proposal_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return the place that each proposal brings goods to; unknown ones are missing."""
    rows = ReplenishmentProposal.objects.filter(pk__in=list(proposal_ids))
    return dict(rows.values_list("pk", "location_id"))


def presented(rows: Iterable[ReplenishmentProposal]) -> list[Proposal]:
    """Return rows with their products and places, from memory where those are known."""
    found = list(rows)
    products = catalog.products_by_id({row.product_id for row in found})
    return [
        Proposal(
            id=row.pk, kind=row.kind, state=row.state, rule_id=row.rule_id, product=products[row.product_id],
            location=locations.by_id(row.location_id),
            from_location=locations.by_id(row.from_location_id) if row.from_location_id else None,
            supplier_code=row.supplier_code, quantity=row.quantity, order_on=row.order_on, expected_on=row.expected_on,
            inputs=row.inputs, made_at=row.made_at, decided_at=row.decided_at, decided_by=row.decided_by,
            reason=row.reason, order_reference=row.order_reference,
        )
        for row in found
    ]  # fmt: skip


def alerts(*, location_ids: Iterable[int] | None, at_most: int = MOST_ALERTS) -> list[Alert]:
    """Return the rules that misfired last night, the worst first."""
    rows = ReplenishmentAlert.objects.select_related("rule").order_by("id")
    if location_ids is not None:
        rows = rows.filter(location_id__in=list(location_ids))
    found = list(rows[:at_most])
    products = catalog.products_by_id({row.product_id for row in found if row.product_id is not None})
    return [
        Alert(
            row.kind,
            row.rule_id,
            row.rule.name,
            products.get(row.product_id or 0),
            locations.by_id(row.location_id) if row.location_id else None,
            row.facts,
        )
        for row in found
    ]


def rules() -> Sequence[ReplenishmentRule]:
    """Return all rules, active ones first, by name."""
    return list(
        ReplenishmentRule.objects.select_related("location", "group", "product").order_by("-is_active", "name", "id")[
            :500
        ]
    )


def rule(rule_id: int) -> ReplenishmentRule:
    """Return one rule. Raises: RuleUnknown."""
    found = ReplenishmentRule.objects.select_related("location", "group", "product").filter(pk=rule_id).first()
    if found is None:
        raise RuleUnknown(f"There is no replenishment rule {rule_id}.")
    return found


def uplifts() -> Sequence[PromotionUplift]:
    """Return the promotions, newest first."""
    return list(PromotionUplift.objects.select_related("product").order_by("-first_day", "-id")[:200])


def groups() -> dict[int, str]:
    """Return the names of all groups of places by id, by name."""
    return dict(LocationGroup.objects.order_by("name").values_list("pk", "name"))
