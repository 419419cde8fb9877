"""Orders that shop platforms tell by webhook: signature checked, read by the platform's table, taken in at the door, once.

What a platform tells is refused here if it is not genuine or can't be read; from then on it goes the way of every order that is
handed in (`orders.received`): kept, placed by the relay exactly once, a refusal put on the desk.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from django.conf import settings

from commerce import clock, queries
from commerce.actors import Actor
from commerce.errors import InvalidInput, NotFound
from commerce.transactions import transaction
from orders import drafts, received
from orders.payments.errors import WebhookForged
from orders.platforms import PLATFORMS, Unreadable, translate

Read = Callable[[dict[str, Any]], dict[str, Any]]
USUAL_LANGUAGE = "de"


def receive(platform: str, channel_code: str, body: bytes, headers: Mapping[str, str], *, read: Read) -> str:
    """Take in what a platform tells of a channel; return taken, known, or ignored for what is no new order.

    `read` checks a document of our API. Raises: NotFound, WebhookForged, InvalidInput naming the path in the platform's document.
    """
    spoken = PLATFORMS.get(platform)
    channel = next((one for one in queries.channels() if one.code == channel_code and one.is_active), None)
    if spoken is None or channel is None:
        raise NotFound(
            f"There is no platform {platform!r} with a channel {channel_code!r}.", platforms=sorted(PLATFORMS)
        )
    lower = {name.lower(): value for name, value in headers.items()}
    if not spoken.is_genuine(body, lower, secret=settings.PLATFORM_SECRETS.get(channel_code, "")):
        raise WebhookForged("The signature of this webhook does not fit; check the secret on both sides.")
    if lower.get(spoken.topic_header, "") not in spoken.topics:
        return "ignored"
    event_id = lower.get(spoken.event_header, "")[: received.LONGEST_EVENT_ID]
    if not event_id:
        raise _invalid(spoken.event_header, "", "The platform sends an id of the event in this header.")
    try:
        document = orjson.loads(body)
        order = read(translate(spoken, document))
    except orjson.JSONDecodeError as error:
        raise _invalid("", "", "The body is no JSON.") from error
    except Unreadable as error:
        raise _invalid(error.path, "", error.message) from error
    terms = drafts.Channel(channel.id, channel.code, channel.country, channel.currency, USUAL_LANGUAGE)
    by = Actor.system(f"webhook of {platform}")
    with transaction():
        fresh = received.take_in({event_id: order}, channel=terms, by=by, at=clock.now())
    return "taken" if fresh[event_id] else "known"


def _invalid(field: str, value: object, message: str) -> InvalidInput:
    return InvalidInput(
        "This is not the order that the platform publishes.",
        errors=[{"field": field, "value": value, "message": message}],
    )
