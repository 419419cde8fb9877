"""Facts that happened, and who wants to hear of them.

A room declares its events as frozen dataclasses in the past tense and registers them; anyone who wants to react
subscribes by name in `apps.ready()`. Publishing and delivering is `commerce.outbox`'s work.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from commerce import clock
from commerce.actors import Actor

ENVELOPE = frozenset({"aggregate_sequence", "channel_id", "occurred_at"})
LONGEST_NAME = 80  # of an event type, an aggregate and a subscriber: what the tables hold
WEBHOOK = "webhook:"  # subscribers of this form are endpoints of channels, never handlers


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(ABC):
    """A fact about one aggregate, told in the transaction that made it true.

    Subclasses are frozen dataclasses whose own fields are the payload: ids and primitives, no personal values.
    `is_public` lets the channel `channel_id` have it; `is_state` says that only the newest value of an aggregate
    matters, so that older ones which nobody has fetched yet are dropped.
    """

    type: ClassVar[str]
    schema_version: ClassVar[int] = 1
    is_public: ClassVar[bool] = False
    is_state: ClassVar[bool] = False

    aggregate_sequence: int
    occurred_at: datetime
    channel_id: int | None = None

    @property
    @abstractmethod
    def aggregate(self) -> str:
        """What the fact is about: "order:1f0c…". Order of delivery is promised within it only."""

    def payload(self) -> dict[str, Any]:
        """Return the fields of the fact itself as JSON values; instants end in "Z"."""
        return {name: _json_value(getattr(self, name)) for name in _payload_fields(self.__class__)}


@dataclass(frozen=True, slots=True)
class Received:
    """A message as its subscriber gets it. `position` is its gapless place in the stream of all messages."""

    message_id: UUID
    position: int
    type: str
    aggregate: str
    aggregate_sequence: int
    schema_version: int
    channel_id: int | None
    payload: dict[str, Any]
    occurred_at: datetime
    actor: Actor


Handler = Callable[[Any], object]  # takes Received, or list[Received] when it asked for batches
E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One handler's wish for one event type. Several types may share a name: then their order is kept among them."""

    event_type: str
    name: str
    handler: Handler
    batch: bool


_types: dict[str, type[Event]] = {}
_subscriptions: dict[tuple[str, str], Subscription] = {}


def register(cls: type[E]) -> type[E]:
    """Make an event type known (a class decorator). Raises: ValueError when another class has taken the name."""
    known = _types.get(cls.type)
    if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
        raise ValueError(f"Event type {cls.type!r} is {known.__qualname__} already.")
    if len(cls.type) > LONGEST_NAME:
        raise ValueError(f"Event type {cls.type!r} is longer than {LONGEST_NAME} characters.")
    _types[cls.type] = cls
    return cls


def subscribe(event_type: str | type[Event], *, name: str, handler: Handler, batch: bool = False) -> None:
    """Have `handler` called for every message of a type published from now on, exactly once as far as the database sees.

    The handler runs in the transaction that marks its delivery done: it writes through verbs, opens no transaction and
    makes no network call. With `batch` it gets a list of messages, oldest first; else one at a time. `name` is stored
    with every delivery and is for ever: "customers.activity".

    Raises: ValueError when the name is taken by another handler of that type, or is not a handler's name.
    """
    wanted = event_type if isinstance(event_type, str) else event_type.type
    if not name or len(name) > LONGEST_NAME or name.startswith(WEBHOOK):
        raise ValueError(f"{name!r} can't be a subscriber's name.")
    made = Subscription(wanted, name, handler, batch)
    known = _subscriptions.setdefault((wanted, name), made)
    if known != made:
        raise ValueError(f"{name!r} has subscribed to {wanted!r} already.")


def types() -> Mapping[str, type[Event]]:
    """Return every registered event type by its name."""
    return _types


def public_types() -> list[str]:
    """Return the names of the types that a channel may be told, sorted."""
    return sorted(name for name, cls in _types.items() if cls.is_public)


def state_types() -> list[str]:
    """Return the names of the types of which only the newest per aggregate matters, sorted."""
    return sorted(name for name, cls in _types.items() if cls.is_state)


def subscriptions() -> Sequence[Subscription]:
    """Return every subscription of a handler."""
    return list(_subscriptions.values())


def subscription(event_type: str, name: str) -> Subscription | None:
    """Return what `name` wants with messages of a type, if it wants them at all."""
    return _subscriptions.get((event_type, name))


@contextmanager
def isolated() -> Iterator[None]:
    """Forget what is registered within the block when it ends, so that a test can declare events of its own."""
    before_types, before_subscriptions = dict(_types), dict(_subscriptions)
    try:
        yield
    finally:
        for registry, before in ((_types, before_types), (_subscriptions, before_subscriptions)):
            registry.clear()
            registry.update(before)  # type: ignore[arg-type]


@cache
def _payload_fields(cls: type[Event]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls) if field.name not in ENVELOPE)


def _json_value(value: Any) -> Any:
    if value is None or value.__class__ in (int, str, bool, float):
        return value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return clock.utc_text(value)
    if isinstance(value, Mapping):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_json_value(item) for item in value]
    if isinstance(value, int | str):  # an enum member stands for its value
        return getattr(value, "value", value)
    return str(value)


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class ProductsListed(Event):
    """A channel offers products that it did not offer before: it has to hear what it may sell of them."""

    type: ClassVar[str] = "catalog.products_listed"

    product_ids: list[int]

    @property
    def aggregate(self) -> str:
        return f"channel:{self.channel_id}"


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class KitChanged(Event):
    """A kit is made of something else than before."""

    type: ClassVar[str] = "catalog.kit_changed"

    product_id: int
    sku: str

    @property
    def aggregate(self) -> str:
        return f"product:{self.product_id}"
