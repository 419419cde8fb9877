"""The API of reconciliation: hand in files of providers and banks, decide about proposals, see what is open and how old it is."""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from commerce import clock
from commerce.actors import Actor
from commerce.api.bodies import StrictSerializer, Text
from commerce.api.views import ApiRequest, ApiView
from commerce.errors import InvalidInput
from commerce.roles import Scope
from orders.models import SettlementLine
from orders.settlement_formats import FORMATS, LineKind
from orders.settlement_states import AGES
from orders.settlements import decisions, files, lists, matching

MOST_CHARACTERS = files.LARGEST_FILE * 4 // 3 + 4  # of a file in base64
LONGEST_NAME = 200
KINDS = [kind.value for kind in LineKind]


class SettlementFileBody(StrictSerializer):
    source = serializers.ChoiceField(sorted(FORMATS), help_text="Whose file it is: a provider, or bank.")
    name = Text(max_length=LONGEST_NAME)
    content = serializers.CharField(max_length=MOST_CHARACTERS, help_text="The CSV file in base64.")
    currency = Text(max_length=3, required=False, default="EUR", help_text="Of lines that name none.")


class RejectDocument(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    reason = serializers.CharField()


class SettlementFileDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    is_new = serializers.BooleanField(help_text="False: the same content was read before, and nothing changed.")
    lines = serializers.IntegerField()
    rejected = serializers.IntegerField()
    rejects = RejectDocument(many=True)
    found = serializers.IntegerField(help_text="Matches that were newly found, settled or proposed.")


class SettlementLineDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    source = serializers.CharField()
    kind = serializers.ChoiceField(KINDS)
    amount_minor = serializers.IntegerField()
    fee_minor = serializers.IntegerField()
    currency = serializers.CharField()
    dated_on = serializers.DateField()
    text = serializers.CharField(allow_blank=True)
    reference = serializers.CharField(allow_blank=True)
    age_days = serializers.IntegerField()
    note = serializers.CharField(allow_blank=True)


class SettlementProposalDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    line = SettlementLineDocument()
    order = serializers.CharField(allow_blank=True)
    payout = SettlementLineDocument(allow_null=True)
    wanted_minor = serializers.IntegerField()
    difference_minor = serializers.IntegerField()
    certainty_percent = serializers.IntegerField()
    rule = serializers.CharField()


class SettlementProposalsDocument(serializers.Serializer[Any]):
    items = SettlementProposalDocument(many=True)
    waiting = serializers.IntegerField(help_text="All that wait; at most 100 are listed, the surest first.")


class AgeDocument(serializers.Serializer[Any]):
    age = serializers.ChoiceField([name for _most, name in AGES], help_text="In days.")
    currency = serializers.CharField()
    lines = serializers.IntegerField()
    amount_minor = serializers.IntegerField(help_text="The sum of amounts without their signs.")


class OwingDocument(serializers.Serializer[Any]):
    payment = serializers.UUIDField()
    order = serializers.CharField(allow_blank=True)
    provider = serializers.CharField()
    missing_minor = serializers.IntegerField()
    currency = serializers.CharField()
    days = serializers.IntegerField()


class OpenLinesDocument(serializers.Serializer[Any]):
    items = SettlementLineDocument(many=True, help_text="The oldest first, at most 100.")
    open = serializers.IntegerField()
    ageing = AgeDocument(many=True)
    owing = OwingDocument(many=True, help_text="Taken payments that no settlement covers after three days.")


class SetAsideBody(StrictSerializer):
    note = Text(max_length=decisions.LONGEST_NOTE, help_text="What the line is.")


class DecidedDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    outcome = serializers.CharField()


class SettlementFilesView(ApiView):
    """Files of providers and banks."""

    scopes = {"POST": Scope.SETTLEMENTS_WRITE}

    @extend_schema(
        operation_id="hand_in_settlement_file",
        summary="Hand in a settlement file or an account statement",
        description=(
            "Each file is read once by its content. Lines that can't be read are told with their number and the reason, the "
            "others are kept and matched at once: what is certain settles itself, the rest is proposed."
        ),
        request=SettlementFileBody,
        responses={201: SettlementFileDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        body = SettlementFileBody.read(request.data)
        try:
            content = base64.b64decode(body["content"], validate=True)
        except (binascii.Error, ValueError):
            message = "Send the file in base64."
            raise InvalidInput(message, errors=[{"field": "content", "value": None, "message": message}]) from None

        def work() -> tuple[int, Any]:
            reading, found = matching.take_in(
                content, source=body["source"], name=body["name"], currency=body["currency"],
                by=request.auth.actor, at=clock.now(),
            )  # fmt: skip
            return 201, {
                "id": reading.file_id,
                "is_new": reading.is_new,
                "lines": reading.lines,
                "rejected": reading.rejected,
                "rejects": [{"line": number, "reason": why} for number, why in reading.rejects],
                "found": found,
            }

        return self.once(request, work)


class SettlementProposalsView(ApiView):
    """What waits for a decision."""

    scopes = {"GET": Scope.SETTLEMENTS_WRITE}

    @extend_schema(
        operation_id="list_settlement_proposals",
        summary="Lines and what they may belong to, the surest first",
        responses={200: SettlementProposalsDocument},
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        items = [
            {
                "id": one.id,
                "line": _line(one.line),
                "order": one.order_number,
                "payout": _line(one.payout) if one.payout else None,
                "wanted_minor": one.wanted_minor,
                "difference_minor": one.difference_minor,
                "certainty_percent": one.certainty,
                "rule": one.rule,
            }
            for one in lists.proposals()
        ]
        return self.reply({"items": items, "waiting": lists.counts()["proposals"]})


class _DecisionView(ApiView):
    scopes = {"POST": Scope.SETTLEMENTS_WRITE}

    def decide(self, request: ApiRequest, subject: UUID, verb: Callable[..., None], outcome: str) -> HttpResponse:
        """Decide once and say how."""

        def work() -> tuple[int, Any]:
            by: Actor = request.auth.actor
            at: datetime = clock.now()
            verb(subject, by=by, at=at)
            return 200, {"id": subject, "outcome": outcome}

        return self.once(request, work)


class ConfirmProposalView(_DecisionView):
    """They belong together."""

    @extend_schema(
        operation_id="confirm_settlement_proposal",
        summary="Settle a line with what was proposed",
        request=None,
        responses={200: DecidedDocument},
    )
    def post(self, request: ApiRequest, match_id: UUID) -> HttpResponse:
        return self.decide(request, match_id, decisions.confirm, "confirmed")


class RejectProposalView(_DecisionView):
    """They have nothing to do with each other."""

    @extend_schema(
        operation_id="reject_settlement_proposal",
        summary="Reject a proposal for good",
        request=None,
        responses={200: DecidedDocument},
    )
    def post(self, request: ApiRequest, match_id: UUID) -> HttpResponse:
        return self.decide(request, match_id, decisions.reject, "rejected")


class OpenSettlementLinesView(ApiView):
    """What belongs to nothing yet."""

    scopes = {"GET": Scope.SETTLEMENTS_WRITE}

    @extend_schema(
        operation_id="list_open_settlement_lines",
        summary="Open lines, their ageing by currency, and who still owes us",
        responses={200: OpenLinesDocument},
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        at = clock.now()
        ageing = [
            {"age": age, "currency": currency, "lines": count, "amount_minor": total}
            for age, sums in lists.ageing(on=timezone.localdate(at)).items()
            for currency, (count, total) in sums.items()
        ]
        owing = [
            {
                "payment": one.payment_id,
                "order": one.order_number,
                "provider": one.gateway,
                "missing_minor": one.missing_minor,
                "currency": one.currency,
                "days": one.days,
            }
            for one in lists.owing(at=at)
        ]
        items = [_line(one) for one in lists.open_lines()]
        return self.reply({"items": items, "open": lists.counts()["open"], "ageing": ageing, "owing": owing})


class SetAsideLineView(_DecisionView):
    """A line that is no payment of ours."""

    @extend_schema(
        operation_id="set_settlement_line_aside",
        summary="Close a line that belongs to no payment, with the reason",
        request=SetAsideBody,
        responses={200: DecidedDocument},
    )
    def post(self, request: ApiRequest, line_id: UUID) -> HttpResponse:
        note = SetAsideBody.read(request.data)["note"]
        return self.decide(
            request, line_id, lambda subject, **signed: decisions.set_aside(subject, note=note, **signed), "set_aside"
        )


def _line(row: SettlementLine) -> dict[str, Any]:
    return {
        "id": row.pk,
        "source": row.source,
        "kind": row.kind,
        "amount_minor": row.amount_minor,
        "fee_minor": row.fee_minor,
        "currency": row.currency,
        "dated_on": row.dated_on,
        "text": row.text,
        "reference": row.reference,
        "age_days": (timezone.localdate(clock.now()) - row.dated_on).days,
        "note": row.note,
    }
