"""Reconciling through the API: statements of stock from outside, and what they left open."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce import clock, transactions
from commerce.api.views import ApiRequest, ApiView
from commerce.errors import CommerceError, UnknownProduct
from commerce.roles import Scope
from inventory.api import statement_serializers as serializers
from inventory.places import locations
from inventory.reconciliation import discrepancy_lists, refused, sources, statements
from inventory.reconciliation import lines as statement_lines
from inventory.reconciliation.lines import GTIN, SKU, Named, Rejected
from inventory.reconciling import Meaning
from inventory.stock import Condition


class StatementsView(ApiView):
    scopes = {"POST": Scope.STATEMENTS_WRITE}

    @extend_schema(
        summary="State what you have",
        request=serializers.StatementBody,
        responses={201: serializers.StatementDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Compare your absolute figures with our books, as of when they were true. Nothing is overwritten by it.

        What differs becomes a discrepancy; who is right was agreed on. The same `id` again gets the same answer.
        """
        body = serializers.StatementBody.read(request.data)
        place = locations.ref(body["location"]) if "location" in body else None
        lines = [
            Named(SKU if "sku" in line else GTIN, line.get("sku") or line["gtin"], line["quantity"])
            for line in body["lines"]
        ]
        pieces, rejected = statement_lines.resolved(lines)
        errors = _errors(rejected)
        if not pieces:
            raise UnknownProduct("None of the lines names goods that we know.", errors=errors[:100])
        statement = statements.Statement(
            source=body["source"], reference=body["id"], location_id=place.id if place else None,
            meaning=Meaning(body["meaning"]), condition=Condition(body["condition"]), as_of=body["as_of"],
            sequence=body.get("sequence"), is_last=body["is_last"], lines=tuple(pieces.items()),
        )  # fmt: skip

        refusals: list[CommerceError] = []

        def work() -> tuple[int, Any]:
            try:
                answer = statements.take(
                    statement, by=request.auth.actor, at=clock.now(), channel_id=request.auth.channel_id
                )
            except CommerceError as refusal:
                refusals.append(refusal)
                raise
            return 201, answer | {"rejected": errors}

        try:
            return self.once(request, work)
        finally:
            for refusal in refusals:  # undone with its transaction, so that it is kept in one of its own
                with transactions.transaction():
                    refused.note(
                        statement, refusal, by=request.auth.actor, at=clock.now(), channel_id=request.auth.channel_id
                    )


def _errors(rejected: Sequence[Rejected]) -> list[dict[str, Any]]:
    return [{"field": f"lines[{one.place}].{one.by}", "value": one.name, "message": one.message} for one in rejected]


class DiscrepanciesView(ApiView):
    scopes = {"GET": Scope.STATEMENTS_WRITE}

    @extend_schema(
        summary="What differs from your statements",
        parameters=[serializers.DiscrepancyParameters],
        responses=serializers.DiscrepanciesDocument,
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """List the discrepancies of the sources that your channel speaks for, in the order they were found, by page."""
        asked = serializers.DiscrepancyParameters.of(request)
        filters = discrepancy_lists.Filters(
            sources=[source.code for source in sources.of_channel(request.auth.channel_id)],
            location_ids=[locations.ref(asked["location"]).id] if asked.get("location") else None,
            source=asked.get("source", ""), sku=asked.get("sku", ""), kind=asked.get("kind", ""), state=asked["state"],
        )  # fmt: skip
        rows = discrepancy_lists.listed(filters, order="id", after=asked.get("after"), at_most=asked["limit"] + 1)
        shown = rows[: asked["limit"]]
        return self.reply(
            {
                "items": [_document(row) for row in shown],
                "next_after": shown[-1].id if len(rows) > asked["limit"] else None,
            }
        )


def _document(row: discrepancy_lists.Listed) -> dict[str, Any]:
    document = {name: getattr(row, name) for name in serializers.DiscrepancyDocument().fields if name != "location"}
    return document | {
        "location": locations.by_id(row.location_id).code if row.location_id is not None else None,
        "suggested_cause": row.suggested_cause or None,
    }
