"""Quotes that are asked for in one process at the same time are given in one transaction, each with its own answer.

A quote is durable before it is answered; one commit for many is what lets a small machine give hundreds a second.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpResponse

from commerce import clock, context, idempotency
from commerce.api import problems, rendering
from commerce.api.views import ApiView
from commerce.errors import CommerceError
from commerce.grouping import Combiner
from pricing import quoting
from pricing.api import documents
from pricing.quoting import Wish

PATH = "/api/v1/quotes"


@dataclass(frozen=True, slots=True)
class _Waiting:
    """One waiting POST, and what makes it safe to repeat."""

    wish: Wish
    attempt: idempotency.Attempt | None


def submit(wish: Wish, attempt: idempotency.Attempt | None) -> HttpResponse:
    """Give a quote with those that wait beside it, at most once for an idempotency key; return its answer.

    Raises: Busy, RequestInProgress, IdempotencyKeyReused.
    """
    return _group.submit(_Waiting(wish, attempt))


def _settle(waiting: Sequence[_Waiting]) -> list[HttpResponse | Exception]:
    begun = iter(idempotency.begin_all([one.attempt for one in waiting if one.attempt]))
    verdicts = [next(begun) if one.attempt else None for one in waiting]
    fresh = [one for one, verdict in zip(waiting, verdicts, strict=True) if verdict is None]
    given = iter(quoting.give_each([one.wish for one in fresh], at=clock.now()) if fresh else [])
    answers: list[HttpResponse | Exception] = []
    kept: list[idempotency.Answer] = []
    for one, verdict in zip(waiting, verdicts, strict=True):
        if verdict is not None:
            answers.append(ApiView.replay(verdict) if isinstance(verdict, idempotency.Replay) else verdict)
            continue
        outcome = next(given)
        if isinstance(outcome, CommerceError):
            with context.bound(one.wish.request_id):
                response = problems.respond(outcome, instance=PATH)
        else:
            response = rendering.reply(documents.given(outcome), 201)
        answers.append(response)
        if one.attempt and not (isinstance(outcome, CommerceError) and not idempotency.is_kept(outcome)):
            kept.append(
                idempotency.Answer(
                    one.attempt, response.status_code, response.content, response.headers["Content-Type"]
                )
            )
    idempotency.store_all(kept)
    return answers


_group: Combiner[_Waiting, HttpResponse] = Combiner("quotes", _settle)
