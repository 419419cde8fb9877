"""The port to payment providers: what is asked of them, how they answer, and how they tell us by themselves. [pure]

Every request carries our request's id as its idempotency key; asked again, a provider does nothing twice. An answer is a
picture of the payment's totals. No answer at all is `Unreachable`: then nobody knows, and the watchdog asks what became of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from orders.paying import Amounts, PaymentVerb, PayMethod, Picture

BURNED_AFTER = 8  # tries with one key; a provider that stored its own fault as the answer gets a fresh one after a look


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request to a provider: for which payment, what, how much, and what is known of it so far."""

    request_id: UUID
    payment_id: UUID
    verb: PaymentVerb
    amount_minor: int
    currency: str
    method: PayMethod
    is_final: bool = False
    attempt: int = 1
    provider_reference: str = ""
    order_number: str = ""
    gift_card_id: UUID | None = None
    known: Amounts = field(default_factory=Amounts)
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The idempotency key. It changes only after a look has shown that the old one led to nothing."""
        generation = (self.attempt - 1) // BURNED_AFTER
        return f"{self.request_id}" + (f"/{generation}" if generation else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a provider said: the totals after it, and whether it did what was asked.

    `refused` is its reason for a no; `by_hand` says that a person has to move the money; `next_step` is what the customer
    has to do (a client secret, an address to go to), never stored.
    """

    picture: Picture = field(default_factory=Picture)
    refused: str = ""
    by_hand: bool = False
    next_step: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a provider told by itself. Without a picture it has to be asked for one.

    `currency` and `methods` say in what and by which of our methods it may have been paid; no method: by none of ours.
    """

    event_id: str
    kind: str
    provider_reference: str
    payment_id: UUID | None = None
    picture: Picture | None = None
    failure: str = ""
    currency: str = ""
    methods: frozenset[PayMethod] | None = None


class Unreachable(Exception):
    """No answer, or one that says nothing: what was asked may have happened."""


class NotNow(Exception):
    """The provider did nothing and wants to be asked later."""

    def __init__(self, message: str, retry_after_seconds: float = 2.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Forged(ValueError):
    """A webhook without the provider's signature, or with an old one."""


class Gateway(Protocol):
    """What a provider's module offers. `is_local` ones move nothing outside and run inside the transaction."""

    name: str
    methods: frozenset[PayMethod]
    is_local: bool

    def authorise(self, asked: Asked) -> Answer:
        """Hold an amount. Raises: Unreachable, NotNow."""

    def capture(self, asked: Asked) -> Answer:
        """Take a part of what is held; a final capture lets go of the rest. Raises: Unreachable, NotNow."""

    def void(self, asked: Asked) -> Answer:
        """Let go of what is held and not captured. Raises: Unreachable, NotNow."""

    def refund(self, asked: Asked) -> Answer:
        """Give back a part of what was captured. Raises: Unreachable, NotNow."""

    def extend(self, asked: Asked) -> Answer:
        """Hold it longer. Raises: Unreachable, NotNow."""

    def look(self, asked: Asked) -> Answer | None:
        """Return how the payment stands there, or None when it can't be named yet. Raises: Unreachable, NotNow."""

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> Notice | None:
        """Return what a webhook tells about a payment; None when it tells nothing of use. Raises: Forged."""
