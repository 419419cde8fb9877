"""Every payment ends in an order or a refund, and nothing asked of a provider stays unanswered: what time alone brings about."""

from datetime import datetime, timedelta

from django.db.models import F, Q

from commerce.actors import Actor
from commerce.transactions import durable, transaction, transaction_required
from orders.gateways import directory
from orders.models import Order, Payment
from orders.paying import Concern, PaymentVerb
from orders.payments import errands, ledger, requests

DOG = Actor.system("payment watchdog")
MOST_WAITING = 20_000
AT_ONCE = 200  # the rest follows with the next run
SILENT_FOR = timedelta(minutes=15)  # until a person hears that a provider does not answer
WAITS_FOR_ORDER = timedelta(minutes=30)  # a paid order that is not placed by then was given up, or lost
WAITS_FOR_CUSTOMER = timedelta(hours=24)  # to confirm a payment in the browser
# Up to which age in minutes it is asked every how many minutes: by two runs each time, as one of them may be late.
ASKS = ((20, 1), (120, 5), (float("inf"), 30))
ASKS_AFTER = timedelta(minutes=10)  # how a payment stands that the customer should have confirmed
EXTENDS_BEFORE = timedelta(days=2)  # an authorisation ends


@durable
def run_errands(*, at: datetime) -> int:
    """Take every request whose turn it is to its provider; return how many were tried."""
    tried = 0
    for request_id in requests.due(at=at, at_most=AT_ONCE):
        errands.carry_out(request_id)
        tried += 1
    return tried


@durable
def watch(*, at: datetime) -> dict[str, int]:
    """See to payments that nobody else sees to; return how many of each kind."""
    done = {"asked": _ask_about_silent(at=at)}
    with transaction():
        done["unanswered"] = _report_silence(at=at)
    with transaction():
        done["without order"] = _place_or_return(at=at)
    with transaction():
        done["extended"] = _extend(at=at)
    with transaction():
        done["expired"] = _expire(at=at)
    return done


def is_asked_about(age: timedelta) -> bool:
    """Whether a payment of an age is asked about by the run of this minute: at first each time, later each half hour. [pure]"""
    minutes = int(age.total_seconds() // 60)
    return next(minutes % pause < 2 for until, pause in ASKS if minutes < until)


def _ask_about_silent(*, at: datetime) -> int:
    """Ask how payments stand whose customer should have confirmed them; let go of those that were given up.

    The older they are, the less often, and the newest first: many abandoned checkouts keep nobody waiting.
    """
    waiting = Payment.objects.filter(
        authorised_minor=0, has_failed=False, created_at__lt=at - ASKS_AFTER, concern="",
        created_at__gt=at - 2 * WAITS_FOR_CUSTOMER,
    ).exclude(provider_reference="").order_by("-created_at").values_list("pk", "created_at")  # fmt: skip
    due = [(pk, created_at) for pk, created_at in waiting[:MOST_WAITING] if is_asked_about(at - created_at)]
    asked = 0
    for pk, created_at in due[:AT_ONCE]:
        asked += errands.look(pk)
        if created_at < at - WAITS_FOR_CUSTOMER and ledger.get(pk).amounts.authorised == 0:
            with transaction():
                requests.plan(pk, PaymentVerb.VOID, cause=("given_up", pk), by=DOG, at=at)
    return asked


@transaction_required
def _report_silence(*, at: datetime) -> int:
    late = requests.unanswered(since=at - SILENT_FOR, at_most=AT_ONCE)
    for one in late:
        ledger.worry(one.payment_id, Concern.UNANSWERED, by=DOG, at=at)
    heard = Payment.objects.filter(concern=Concern.UNANSWERED.value).exclude(pk__in=[one.payment_id for one in late])
    for row in heard.order_by("pk")[:AT_ONCE]:
        ledger.worry(row.pk, None, by=DOG, at=at)
    return len(late)


@transaction_required
def _place_or_return(*, at: datetime) -> int:
    """Give payments without an order to the order that came meanwhile, or give the money back."""
    rows = Payment.objects.filter(order__isnull=True, created_at__lt=at - WAITS_FOR_ORDER).filter(
        Q(authorised_minor__gt=F("released_minor") + F("captured_minor")) | Q(captured_minor__gt=F("refunded_minor"))
    )
    seen = 0
    for row in rows.order_by("created_at")[:AT_ONCE]:
        order = (
            Order.objects.filter(channel_id=row.channel_id, external_reference=row.external_reference).first()
            if row.channel_id and row.external_reference
            else None
        )
        seen += 1
        if order is not None:
            ledger.attach(row.pk, order.pk, by=DOG, at=at)
            continue
        amounts = ledger.amounts_of(row)
        if amounts.uncaptured > 0:
            requests.plan(row.pk, PaymentVerb.VOID, cause=("no_order", row.pk), by=DOG, at=at)
        if amounts.captured > amounts.refunded:
            requests.plan(
                row.pk, PaymentVerb.REFUND, amounts.captured - amounts.refunded,
                cause=("no_order", f"{row.pk}:{amounts.captured}"), by=DOG, at=at,
            )  # fmt: skip
        if directory.of(row.gateway).is_local:
            ledger.worry(row.pk, Concern.NO_ORDER, by=DOG, at=at)
    return seen


@transaction_required
def _extend(*, at: datetime) -> int:
    """Ask for more time where an authorisation ends before its goods have left."""
    ending = Payment.objects.filter(
        expires_at__lt=at + EXTENDS_BEFORE, expires_at__gt=at, order__isnull=False,
        authorised_minor__gt=F("captured_minor") + F("released_minor"),
    )  # fmt: skip
    asked = 0
    for row in ending.order_by("expires_at")[:AT_ONCE]:
        if row.expires_at is not None and ledger.amounts_of(row).capturable:
            requests.plan(
                row.pk, PaymentVerb.EXTEND, cause=("expiry", row.expires_at.date().isoformat()), by=DOG, at=at
            )
            asked += 1
    return asked


@transaction_required
def _expire(*, at: datetime) -> int:
    """Note that what ran out is gone: an order may stand without money now, which a person has to see."""
    over = Payment.objects.filter(
        expires_at__lt=at, authorised_minor__gt=F("captured_minor") + F("released_minor")
    ).order_by("expires_at")[:AT_ONCE]
    count = 0
    for row in over:
        if not directory.of(row.gateway).is_local or requests.open_of(row.pk):
            continue  # its provider tells, or is asked
        known = ledger.amounts_of(row)
        requests.plan(row.pk, PaymentVerb.VOID, cause=("expired", row.pk), by=DOG, at=at)
        count += 1
        if known.capturable and row.order_id:
            ledger.worry(row.pk, Concern.LOST_AUTHORISATION, by=DOG, at=at)
    return count
