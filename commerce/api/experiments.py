"""Experiments through the API: channels report what came of what they showed."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from commerce import clock
from commerce.api import bodies
from commerce.api.views import ApiRequest, ApiView
from commerce.operations import experiments
from commerce.operations.experiments import Metric
from commerce.roles import Scope


class OutcomeItem(bodies.StrictSerializer):
    unit = bodies.Text(max_length=120, help_text="The reference under which the reader met the experiment.")
    metric = serializers.ChoiceField([metric.value for metric in Metric])
    occurred_at = bodies.Instant()


class OutcomesBody(bodies.StrictSerializer):
    outcomes = OutcomeItem(many=True, min_length=1, max_length=experiments.MOST_OUTCOMES)


class OutcomesDocument(serializers.Serializer):
    new = serializers.IntegerField(min_value=0, help_text="Known ones, and those of nobody who met it, aren't counted.")


class OutcomesView(ApiView):
    scopes = {"POST": Scope.EXPERIMENTS_WRITE}

    @extend_schema(
        summary="Report what came of an experiment",
        request=OutcomesBody,
        responses={200: OutcomesDocument},
    )
    def post(self, request: ApiRequest, key: str) -> HttpResponse:
        """Say who ordered, cancelled, returned or complained. The first of a kind counts for each reader; repeats are harmless."""
        outcomes = [
            experiments.Outcome(one["unit"], Metric(one["metric"]), one["occurred_at"])
            for one in OutcomesBody.read(request.data)["outcomes"]
        ]

        def work() -> tuple[int, Any]:
            return 200, {"new": experiments.report(key, outcomes, by=request.auth.actor, at=clock.now())}

        return self.once(request, work)
