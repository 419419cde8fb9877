"""Tables of where orders go, and why there."""

import uuid

from django.db import models

from orders.models.placed import Order


class RoutingDecision(models.Model):
    """Why a fulfilment is where it is: candidates, inputs, scores, losers and the policy's version. Can't be changed.

    Written by: orders.routing
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="routing_decisions")
    policy_version = models.CharField(max_length=40)
    chosen = models.ForeignKey(
        "inventory.Location", on_delete=models.PROTECT, related_name="+", null=True, db_index=False
    )
    inputs = models.JSONField()
    candidates = models.JSONField()  # [{location, able, reasons, distance_km, rank}]
    decided_at = models.DateTimeField()
