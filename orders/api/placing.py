"""Orders that arrive in one process at the same time are placed in one transaction, each with its own answer.

A pickup window or a product that everybody wants is held until its commit reached the disk; one commit for many orders is
what lets a store take hundreds a second.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpResponse

from commerce import clock, context, idempotency
from commerce.api import problems, rendering
from commerce.api.views import ApiView
from commerce.errors import CommerceError
from commerce.grouping import Combiner
from orders import placement
from orders.api import documents
from orders.placement import Wish

PATH = "/api/v1/orders"
# Which field of the body a refusal is about, by its code.
BROUGHT = {
    "hold_elsewhere": "reservation",
    "hold_ended": "reservation",
    "hold_expired": "reservation",
    "hold_not_found": "reservation",
    "quote_expired": "quote",
    "quote_forged": "quote",
    "quote_mismatch": "quote",
    "quote_not_found": "quote",
    "quote_used": "quote",
}


@dataclass(frozen=True, slots=True)
class _Waiting:
    """One waiting POST, and what makes it safe to repeat."""

    wish: Wish
    attempt: idempotency.Attempt | None


def submit(wish: Wish, attempt: idempotency.Attempt | None) -> HttpResponse:
    """Place an order with those that wait beside it, at most once for an idempotency key; return its answer.

    Raises: Busy, RequestInProgress, IdempotencyKeyReused.
    """
    return _group.submit(_Waiting(wish, attempt))


def _settle(waiting: Sequence[_Waiting]) -> list[HttpResponse | Exception]:
    begun = iter(idempotency.begin_all([one.attempt for one in waiting if one.attempt]))
    verdicts = [next(begun) if one.attempt else None for one in waiting]
    fresh = [one for one, verdict in zip(waiting, verdicts, strict=True) if verdict is None]
    placed = iter(placement.place_many([one.wish for one in fresh], at=clock.now()) if fresh else [])
    answers: list[HttpResponse | Exception] = []
    kept: list[idempotency.Answer] = []
    for one, verdict in zip(waiting, verdicts, strict=True):
        if verdict is not None:
            answers.append(ApiView.replay(verdict) if isinstance(verdict, idempotency.Replay) else verdict)
            continue
        outcome = next(placed)
        with context.bound(one.wish.request_id):
            response = _answer(outcome, one.wish)
        answers.append(response)
        if one.attempt and not (isinstance(outcome, CommerceError) and not idempotency.is_kept(outcome)):
            kept.append(
                idempotency.Answer(
                    one.attempt, response.status_code, response.content, response.headers["Content-Type"]
                )
            )
    idempotency.store_all(kept)
    return answers


def _answer(outcome: placement.Verdict, wish: Wish) -> HttpResponse:
    if isinstance(outcome, CommerceError):
        _name_field(outcome, wish)
        return problems.respond(outcome, instance=PATH)
    address = f"{PATH}/{outcome.order.id}"
    document = (
        documents.orders([outcome.order])[0] if outcome.is_known else documents.order(outcome.order, outcome.waits)
    )
    return rendering.reply(document, 200 if outcome.is_known else 201, {"Location": address})


def _name_field(refusal: CommerceError, wish: Wish) -> None:
    """Let a refusal of what the order brings along name the field that brings it; rooms below know no fields of ours."""
    brought = {"reservation": wish.order.reservation_id, "quote": wish.order.quote_id}
    field = BROUGHT.get(refusal.code)
    if field is not None and brought[field] is not None and not refusal.errors:
        refusal.errors = [{"field": field, "value": str(brought[field]), "message": refusal.message}]


_group: Combiner[_Waiting, HttpResponse] = Combiner("orders", _settle)
