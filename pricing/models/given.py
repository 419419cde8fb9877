"""Tables of the quotes that were given."""

import uuid

from django.db import models


class Quote(models.Model):
    """A price that was given to a channel and is honoured until it expires. Never changed; forgotten when long over.

    Written by: pricing.quote_store
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    channel = models.ForeignKey("commerce.Channel", on_delete=models.PROTECT, related_name="+", db_index=False)
    ruleset_version = models.CharField(max_length=40)
    document = models.JSONField()
    signature = models.CharField(max_length=90)
    quoted_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
