"""Keeps decisions for ever, each with its inputs, its losers, and what a policy in the shadow would have done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from commerce import ids
from commerce.transactions import transaction_required
from orders.sourcing.decision import Decision
from orders.sourcing.standing import Occasion

# The part of the placement's one statement that this module owns. Rows travel as JSON.
RECORDING_SQL = """
recorded AS (
    INSERT INTO orders_routingdecision (id, order_id, policy_version, chosen_id, occasion, attempt, inputs, candidates, outcome,
        shadow, shadow_differs, decided_at)
    SELECT id, order_id, policy_version, chosen_id, occasion, attempt, inputs, '[]', outcome, shadow, shadow_differs,
        %(at)s::timestamptz
    FROM json_to_recordset(%(decisions)s::json) AS decision (id uuid, order_id uuid, policy_version text, chosen_id bigint,
        occasion text, attempt int, inputs jsonb, outcome jsonb, shadow jsonb, shadow_differs boolean)
)
"""


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """A decision with all that is kept of it: by which policy, why now, from which inputs, and what the shadow said."""

    decision: Decision
    policy_version: str
    inputs: Mapping[str, Any]
    occasion: Occasion = Occasion.PLACED
    attempt: int = 1
    shadow: Mapping[str, Any] | None = None
    shadow_differs: bool = False
    chosen_id: int | None = None  # where it is not the first of the decision's places
    id: UUID = field(default_factory=ids.new)


def compared(live: Decision, other: Decision, version: str) -> tuple[dict[str, Any], bool]:
    """Return what a policy in the shadow decided, as it is kept, and whether the goods would have come from elsewhere."""
    differs = sent(live) != sent(other)
    told: dict[str, Any] = {
        "policy_version": version,
        "cost_minor": other.cost_minor,
        "parts": len(other.shares),
        "refusal": other.refusal.value if other.refusal else None,
        "live": {"cost_minor": live.cost_minor, "parts": len(live.shares)},
    }
    if differs:
        told["shares"] = [
            {
                "location": share.place.code,
                "name": share.place.name,
                "goods": {str(product): pieces for product, pieces in share.goods.items()},
                "winner": share.winner.document(),
            }
            for share in other.shares
        ]
    return told, differs


def sent(decision: Decision) -> dict[str, dict[int, int]]:
    """Return which pieces come from where."""
    return {share.place.code: share.goods for share in decision.shares}


def rows(verdicts: Sequence[tuple[UUID, Verdict]]) -> str:
    """Return the parameter of RECORDING_SQL that is this module's, for verdicts, each with its order."""
    return orjson.dumps(
        [
            {
                "id": verdict.id,
                "order_id": order_id,
                "policy_version": verdict.policy_version,
                "chosen_id": verdict.chosen_id
                or (verdict.decision.shares[0].place.id if verdict.decision.shares else None),
                "occasion": verdict.occasion.value,
                "attempt": verdict.attempt,
                "inputs": verdict.inputs,
                "outcome": verdict.decision.document(),
                "shadow": verdict.shadow,
                "shadow_differs": verdict.shadow_differs,
            }
            for order_id, verdict in verdicts
        ]
    ).decode()


@transaction_required
def keep(verdicts: Sequence[tuple[UUID, Verdict]], *, at: datetime) -> None:
    """Keep verdicts of orders that stand already."""
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {RECORDING_SQL} SELECT 1", {"at": at, "decisions": rows(verdicts)})
