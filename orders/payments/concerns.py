"""Payments on the desk of exceptions: what each concern means, whose turn it is, by when, and what helps."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.utils.translation import gettext_lazy as _

from commerce.actors import Actor
from commerce.roles import Role
from orders import exceptions
from orders.desk import Severity
from orders.exceptions import Case, Kind, Suggestion
from orders.models import Payment
from orders.paying import Concern
from orders.payments import ledger, requests

STRAY = "payment.stray"


def register() -> None:
    """Make the kinds known to the desk."""
    exceptions.register(
        Kind(
            code=STRAY,
            title=_("A provider tells of money that can’t be ours"),
            sentence=_(
                "%(provider)s tells of %(amount)s (%(reference)s), in a currency or by a method that no channel takes. Nothing was "
                "noted. Look at the provider’s dashboard: give it back there, or set the method up here."
            ),
            severity=Severity.HIGH,
            role=Role.SERVICE_AGENT,
            within=timedelta(hours=24),
            icon="circle-question-mark",
            actions=(Suggestion(code="looked_at", label=_("I have looked at it"), icon="check", perform=_looked_at),),
        )
    )
    retry = Suggestion(code="try_again", label=_("Try again now"), icon="refresh-cw", perform=_try_again, settles=False)
    dealt_with = Suggestion(code="dealt_with", label=_("It is dealt with"), icon="check", perform=_dealt_with)
    kinds: tuple[tuple[Concern, Any, Any, Severity, int, tuple[Suggestion, ...]], ...] = (
        (
            Concern.CAPTURE_REFUSED, _("Money was not taken"),
            _("%(amount)s of a %(method)s payment could not be taken although goods left."),
            Severity.HIGH, 4, (retry, dealt_with),
        ),
        (
            Concern.REFUND_REFUSED, _("A refund was refused"),
            _("The provider refuses to give back %(owed)s of a %(method)s payment."),
            Severity.HIGH, 24, (retry, dealt_with),
        ),
        (
            Concern.BY_HAND, _("Money goes back by hand"),
            _("%(owed)s have to be given back by hand (%(method)s); say so on the order when it is done."),
            Severity.NORMAL, 24, (),
        ),
        (
            Concern.UNANSWERED, _("A provider does not answer"),
            _("The provider has not said for a quarter of an hour what became of a %(method)s payment."),
            Severity.NORMAL, 8, (retry,),
        ),
        (
            Concern.PROVIDER_DISAGREES, _("The provider says something else"),
            _("What the provider says about a %(method)s payment of %(amount)s contradicts our books."),
            Severity.HIGH, 8, (dealt_with,),
        ),
        (
            Concern.CHARGEBACK, _("A customer's bank took money back"),
            _("%(amount)s (%(method)s) were charged back; answer the dispute at the provider."),
            Severity.HIGH, 72, (dealt_with,),
        ),
        (
            Concern.LOST_AUTHORISATION, _("An authorisation ran out"),
            _("The hold on %(amount)s (%(method)s) ends or ended before the goods left; ask for another payment."),
            Severity.HIGH, 12, (dealt_with,),
        ),
        (
            Concern.NO_ORDER, _("A payment without an order"),
            _("%(amount)s (%(method)s) were paid, but no order came; the money goes back."),
            Severity.NORMAL, 24, (dealt_with,),
        ),
    )  # fmt: skip
    for concern, title, sentence, severity, hours, actions in kinds:
        exceptions.register(
            Kind(
                code=ledger.case_of(concern),
                title=title,
                sentence=sentence,
                severity=severity,
                role=Role.SERVICE_AGENT,
                within=timedelta(hours=hours),
                icon="credit-card",
                actions=actions,
                remains=_still(concern),
            )
        )


def _still(concern: Concern) -> Callable[[Sequence[str]], Collection[str]]:
    def remains(subject_ids: Sequence[str]) -> Collection[str]:
        rows = Payment.objects.filter(pk__in=subject_ids, concern=concern.value).values_list("pk", flat=True)
        return {str(payment_id) for payment_id in rows}

    return remains


def _try_again(case: Case, *, user: AbstractUser, by: Actor, at: datetime) -> None:
    requests.again(UUID(case.subject_id), by=by, at=at)
    ledger.worry(UUID(case.subject_id), None, by=by, at=at)


def _dealt_with(case: Case, *, user: AbstractUser, by: Actor, at: datetime) -> None:
    ledger.worry(UUID(case.subject_id), None, by=by, at=at)


def _looked_at(case: Case, *, user: AbstractUser, by: Actor, at: datetime) -> None:
    """Nothing of ours has to move: the money stands at the provider."""
