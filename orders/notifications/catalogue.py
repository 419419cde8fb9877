"""Which messages there are: what they follow, whom they go to, which variables their texts may use.

A topic registers its messages in `apps.ready`; that subscribes to their events, too.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from commerce import events
from commerce.events import Received
from orders.notices import NoticeChannel, Text
from orders.queries import OrderView

SUBSCRIBER = "orders.notifications"
LONGEST_CODE = 60

# What every message about an order may say.
COMMON = frozenset(
    {"greeting", "name", "number", "shop", "tracking_url", "total", "goods", "place", "place_address", "placed_on"}
)
# What messages about one part of an order may say besides: `window` and `code` are empty for what is sent.
OF_A_PART = frozenset({"window", "code", "keep_until", "promised", "missing", "parcel"})


def _always(order: OrderView, payload: Mapping[str, Any]) -> bool:
    return True


def kept(*names: str) -> Callable[[OrderView, Mapping[str, Any]], dict[str, Any]]:
    """Return what keeps these facts of an event for its message."""
    return lambda order, payload: {name: payload.get(name) for name in names}


_THE_PART = kept("fulfilment_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message to a customer. `texts` come along by (language, channel); people may write newer versions of them.

    `event` is the type of event that it follows ("" for messages that a task plans); `applies` says whether this event is one
    for it. `facts` are what the event says and the order does not: ids and primitives only, kept with the log. `words` turns
    them into the message's own variables when it is sent. `still_true` is asked right before sending.
    """

    code: str
    title: Any
    event: str = ""
    texts: Mapping[tuple[str, NoticeChannel], Text]
    variables: Collection[str] = ()
    needed: Collection[str] = ("tracking_url",)
    is_marketing: bool = False
    is_urgent: bool = False  # goes by SMS besides the e-mail, where a number is known
    applies: Callable[[OrderView, Mapping[str, Any]], bool] = _always
    facts: Callable[[OrderView, Mapping[str, Any]], dict[str, Any]] = _THE_PART
    words: Callable[[OrderView, Mapping[str, Any]], dict[str, str]] = field(default=lambda order, facts: {})
    still_true: Callable[[OrderView, Mapping[str, Any]], bool] = _always

    @property
    def all_variables(self) -> frozenset[str]:
        """Every variable that its texts may use."""
        return COMMON | OF_A_PART | frozenset(self.variables)

    def text(self, language: str, channel: NoticeChannel) -> Text | None:
        """Return the text that comes along, in English when there is none in the language."""
        return self.texts.get((language, channel)) or self.texts.get(("en", channel))


_messages: dict[str, Message] = {}
_follow: list[Callable[[Received], object]] = []


def register(message: Message) -> Message:
    """Make a message known, and follow its event. Raises: ValueError for a code that is taken or out of bounds."""
    known = _messages.get(message.code)
    if (known is not None and known.title != message.title) or not 0 < len(message.code) <= LONGEST_CODE:
        raise ValueError(f"{message.code!r} can't be a message.")
    _messages[message.code] = message
    if message.event:
        events.subscribe(message.event, name=SUBSCRIBER, handler=_received)
    return message


def _received(received: Received) -> None:
    for follow in _follow:
        follow(received)


def followed_by(follow: Callable[[Received], object]) -> None:
    """Let `follow` plan what an event asks for. The log does this once."""
    if follow not in _follow:
        _follow.append(follow)


def get(code: str) -> Message | None:
    """Return a message, or None when its topic is not there any more."""
    return _messages.get(code)


def every() -> list[Message]:
    """Return all messages by their code."""
    return [_messages[code] for code in sorted(_messages)]


def of_event(event_type: str) -> list[Message]:
    """Return the messages that follow a type of event."""
    return [message for message in every() if message.event == event_type]
