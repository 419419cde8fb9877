"""Routing: from where orders are served, decided by a policy and kept for ever with all losers.

`survey` reads the world once for a group of orders, `route` decides on one portion, `route_together` on many that compete,
`recording_rows` hands the decisions to the placement's one statement. Policies, carriers and places have modules of their own;
what decides is pure (`orders.sourcing`).
"""

from collections.abc import Sequence
from uuid import UUID

from orders.routing import recording
from orders.routing.deciding import Ask, Route, route, route_together
from orders.routing.recording import RECORDING_SQL, Verdict
from orders.routing.surveying import OrderingChannel, Survey, survey

__all__ = [
    "RECORDING_SQL",
    "Ask",
    "OrderingChannel",
    "Route",
    "Survey",
    "Verdict",
    "recording_rows",
    "route",
    "route_together",
    "survey",
]


def recording_rows(routes: Sequence[tuple[UUID, Route]]) -> str:
    """Return the parameter of RECORDING_SQL that is this module's, for routes, each with its order; one decision stands once."""
    kept: dict[UUID, tuple[UUID, Verdict]] = {}
    for order_id, one in routes:
        kept.setdefault(one.verdict.id, (order_id, one.verdict))
    return recording.rows(list(kept.values()))
