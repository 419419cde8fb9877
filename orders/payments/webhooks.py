"""What providers tell us by themselves: signature checked, taken in once, noted as a picture; safe in any order."""

from collections.abc import Mapping

from commerce import clock, ids, inbox
from commerce import queries as ground
from commerce.actors import Actor
from commerce.errors import Busy
from commerce.money import Money
from commerce.transactions import durable, transaction
from orders import exceptions
from orders.gateways import directory
from orders.gateways.base import Answer, Forged, Notice
from orders.paying import Concern, PayMethod
from orders.payments import concerns, errands, errors, ledger
from orders.payments.ledger import PaymentView


@durable
def receive(provider: str, body: bytes, headers: Mapping[str, str]) -> str:
    """Take in a webhook and note what it tells; return noted, known, ignored or refused. Sent again it changes nothing.

    One about another currency or method than its payment's, or about a payment that can't be ours, moves nothing: it is refused
    and stands on the desk of exceptions.

    Raises: WebhookForged, GatewayUnknown; Busy when the provider has to be asked and does not answer: it will send again.
    """
    gateway = directory.of(provider)
    try:
        notice = gateway.parse_webhook(body, headers)
    except Forged as error:
        raise errors.WebhookForged(
            "The signature of this webhook does not fit; check the secret on both sides."
        ) from error
    if notice is None:
        return "ignored"
    by = Actor.system(f"webhook of {provider}")
    source = f"payments:{provider}"
    paid = ledger.by_reference(provider, notice.provider_reference)
    if paid is None and notice.payment_id is not None:
        paid = ledger.find(notice.payment_id)
    if notice.picture is None:
        if paid is None:
            return "ignored"
        if not errands.look(paid.id, by=by):
            raise Busy("The provider has to be asked and does not answer; send this again later.")
    with transaction():
        if not inbox.receive(source, notice.event_id, {"kind": notice.kind, "reference": notice.provider_reference}):
            return "known"
        if _is_strange(notice, paid):
            _refuse(provider, notice, paid, by=by)
            inbox.settle(source, notice.event_id)
            return "refused"
        if notice.picture is not None:
            paid = paid or _found(provider, notice, by)
            if paid is not None:
                errands.see(paid.id, Answer(picture=notice.picture), by=by, at=clock.now())
        if notice.failure and paid is not None:
            ledger.worry(paid.id, Concern.REFUND_REFUSED, by=by, at=clock.now())
        inbox.settle(source, notice.event_id)
    return "noted"


def _is_strange(notice: Notice, paid: PaymentView | None) -> bool:
    """Whether money of this kind can't belong to the payment, or, where we know of none, to any of ours."""
    if paid is not None:
        is_other = bool(notice.currency) and notice.currency != paid.currency
        return is_other or (notice.methods is not None and paid.method not in notice.methods)
    if notice.picture is None or notice.picture.authorised == 0:
        return False
    currencies = {channel.currency for channel in ground.channels()}
    return notice.currency not in currencies or (notice.methods is not None and not notice.methods)


def _refuse(provider: str, notice: Notice, paid: PaymentView | None, *, by: Actor) -> None:
    at = clock.now()
    if paid is not None:
        ledger.worry(paid.id, Concern.PROVIDER_DISAGREES, by=by, at=at)
        return
    amount = notice.picture.authorised if notice.picture else 0
    exceptions.open(
        concerns.STRAY, subject=("provider payment", f"{provider}:{notice.provider_reference}"[:120]),
        facts={"provider": provider, "reference": notice.provider_reference[:80], "amount": _amount(amount, notice.currency)},
        by=by, at=at,
    )  # fmt: skip


def _amount(minor: int, currency: str) -> str:
    try:
        return str(Money(minor, currency))
    except ValueError:
        return f"{minor} {currency[:3]}"


def _found(provider: str, notice: Notice, by: Actor) -> PaymentView | None:
    """Write down a payment that we never heard of: it gets its order, or its money goes back (the watchdog sees to that)."""
    picture = notice.picture
    if picture is None or picture.authorised == 0:
        return None
    method = min(notice.methods or {PayMethod.CARD})
    return ledger.add(
        ids.new(), order_id=None, gateway=provider, method=method, currency=notice.currency,
        amount_minor=picture.authorised, provider_reference=notice.provider_reference, by=by, at=clock.now(),
    )  # fmt: skip
