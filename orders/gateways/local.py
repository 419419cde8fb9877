"""Money that no provider moves for us: the till, the bank account, gift cards, what a channel collected, demo cards.

They answer at once and inside the transaction; what only a person can do is answered with `by_hand`.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from commerce import clock
from orders.gateways.base import Answer, Asked, Forged, Notice
from orders.paying import Amounts, GiftCardEntryKind, PayMethod, Picture
from orders.payments import gift_cards

GIFT_CARD_HOLD = timedelta(days=30)
DEMO_HOLD = timedelta(days=7)
DECLINED_CENTS = 13  # demo cards decline amounts that end so


def standing(known: Amounts) -> Picture:
    """Return the picture of what is known already."""
    return Picture(
        authorised=known.authorised, captured=known.captured, released=known.released, refunded=known.refunded
    )


class LocalGateway:
    """What all of them have in common: the books are ours, so the picture follows from what was asked."""

    name = ""
    methods: frozenset[PayMethod] = frozenset()
    is_local = True

    def authorise(self, asked: Asked) -> Answer:
        """Note nothing yet: the money has to come."""
        return Answer(picture=standing(asked.known))

    def capture(self, asked: Asked) -> Answer:
        """Take a part of what is held."""
        known = asked.known
        picture = replace(standing(known), captured=known.captured + asked.amount_minor)
        if asked.is_final:
            picture = replace(picture, released=known.authorised - picture.captured)
        return Answer(picture=picture)

    def void(self, asked: Asked) -> Answer:
        """Let go of what is held."""
        return Answer(picture=replace(standing(asked.known), released=asked.known.authorised - asked.known.captured))

    def refund(self, asked: Asked) -> Answer:
        """Ask a person to give the money back."""
        return Answer(by_hand=True)

    def extend(self, asked: Asked) -> Answer:
        """Refuse: nothing here runs out."""
        return Answer(refused="not_offered")

    def look(self, asked: Asked) -> Answer | None:
        """Return what is known: nobody else knows more."""
        return Answer(picture=standing(asked.known))

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> Notice | None:
        """Refuse: nobody outside tells anything about these."""
        raise Forged("Nobody sends webhooks for this.")


class Till(LocalGateway):
    """Cash, and cards at a terminal that is not connected: the cashier says that it was paid."""

    name = "till"
    methods = frozenset({PayMethod.CASH, PayMethod.CARD})

    def authorise(self, asked: Asked) -> Answer:
        """Take it: the cashier has the money."""
        return Answer(
            picture=replace(standing(asked.known), authorised=asked.amount_minor, captured=asked.amount_minor)
        )


class Bank(LocalGateway):
    """Bank transfers and prepayment: authorised and captured by the line on the account; refunds by hand."""

    name = "bank"
    methods = frozenset({PayMethod.BANK_TRANSFER})


class OfChannel(LocalGateway):
    """What the channel collected. It gives back what `refund.owed` tells it, so a refund is done when it is told."""

    name = "channel"
    methods = frozenset({PayMethod.CHANNEL})

    def refund(self, asked: Asked) -> Answer:
        """Count it as given back: the channel was told in the transaction that owed it."""
        known = asked.known
        return Answer(picture=replace(standing(known), refunded=known.refunded + asked.amount_minor))


class GiftCards(LocalGateway):
    """Our own gift cards: the balance is held, redeemed, released and filled again."""

    name = "gift_card"
    methods = frozenset({PayMethod.GIFT_CARD})

    def authorise(self, asked: Asked) -> Answer:
        """Hold a part of the balance. Raises: GiftCardTooLow."""
        now = clock.now()
        gift_cards.hold(_card(asked), asked.amount_minor, cause=("payment", asked.payment_id), at=now)
        picture = replace(standing(asked.known), authorised=asked.amount_minor, expires_at=now + GIFT_CARD_HOLD)
        return Answer(picture=picture)

    def capture(self, asked: Asked) -> Answer:
        """Redeem a part of what is held."""
        answer = super().capture(asked)
        self._move(asked, GiftCardEntryKind.REDEEMED, asked.amount_minor)
        self._move(asked, GiftCardEntryKind.RELEASED, answer.picture.released - asked.known.released)
        return answer

    def void(self, asked: Asked) -> Answer:
        """Give what is held back to the balance."""
        answer = super().void(asked)
        self._move(asked, GiftCardEntryKind.RELEASED, answer.picture.released - asked.known.released)
        return answer

    def refund(self, asked: Asked) -> Answer:
        """Fill the card again."""
        self._move(asked, GiftCardEntryKind.RETURNED, asked.amount_minor)
        known = asked.known
        return Answer(picture=replace(standing(known), refunded=known.refunded + asked.amount_minor))

    def extend(self, asked: Asked) -> Answer:
        """Hold it for another while."""
        return Answer(picture=replace(standing(asked.known), expires_at=clock.now() + GIFT_CARD_HOLD))

    @staticmethod
    def _move(asked: Asked, kind: GiftCardEntryKind, amount_minor: int) -> None:
        if amount_minor > 0:
            gift_cards.move(_card(asked), kind, amount_minor, cause=("request", asked.request_id), at=clock.now())


class DemoCards(LocalGateway):
    """A card provider for demonstrations: it holds, captures and refunds at once, and declines amounts that end in .13."""

    name = "demo"
    methods = frozenset({PayMethod.CARD, PayMethod.WALLET, PayMethod.PAY_LATER})

    def authorise(self, asked: Asked) -> Answer:
        """Hold it, or decline it."""
        if asked.amount_minor % 100 == DECLINED_CENTS:
            return Answer(picture=Picture(failure="insufficient_funds"), refused="insufficient_funds")
        picture = replace(standing(asked.known), authorised=asked.amount_minor, expires_at=clock.now() + DEMO_HOLD)
        return Answer(picture=picture)

    def refund(self, asked: Asked) -> Answer:
        """Give it back."""
        known = asked.known
        return Answer(picture=replace(standing(known), refunded=known.refunded + asked.amount_minor))

    def extend(self, asked: Asked) -> Answer:
        """Hold it for another while."""
        return Answer(picture=replace(standing(asked.known), expires_at=clock.now() + DEMO_HOLD))


def _card(asked: Asked):  # type: ignore[no-untyped-def]
    if asked.gift_card_id is None:
        raise LookupError("This payment names no gift card.")
    return asked.gift_card_id
