"""What customers hear when something is missing, comes back or is paid back: they are asked, and told what we do about it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from babel.numbers import format_currency
from django.utils.translation import get_language, gettext, gettext_lazy

from commerce import clock
from commerce.money import Money
from orders import events, proposals, shortage_choices
from orders.floor import ProposalState
from orders.notifications import aftercare_texts as texts
from orders.notifications import letters
from orders.notifications.catalogue import Message, kept, register
from orders.payments import news, refunds
from orders.queries import OrderView
from orders.return_states import ReturnState
from orders.returns import lists


def _is_asked(order: OrderView, facts: Mapping[str, Any]) -> bool:
    """Whether there is still something to choose: who has answered is not asked again."""
    return bool(shortage_choices.asked(order.id, at=clock.now()))


def _missing_words(order: OrderView, facts: Mapping[str, Any]) -> dict[str, str]:
    name = next((line.name for line in order.lines if line.sku == facts.get("sku")), str(facts.get("sku") or ""))
    return {"missing": f"{facts.get('units')} × {name}"}


_missing = kept("fulfilment_id", "sku", "units")
_proposal = kept(
    "fulfilment_id", "sku", "units", "proposal_id", "instead_sku", "amount_minor", "instead_of_minor", "answer_by"
)


def _is_put_to_customer(order: OrderView, payload: Mapping[str, Any]) -> bool:
    return payload.get("outcome") == ProposalState.OPEN.value


def _was_agreed_before(order: OrderView, payload: Mapping[str, Any]) -> bool:
    return payload.get("outcome") == ProposalState.ACCEPTED.value


def _is_still_proposed(order: OrderView, facts: Mapping[str, Any]) -> bool:
    found = proposals.get(UUID(str(facts.get("proposal_id"))))
    return found is not None and found.state is ProposalState.OPEN


def _proposal_words(order: OrderView, facts: Mapping[str, Any]) -> dict[str, str]:
    found = proposals.get(UUID(str(facts.get("proposal_id"))))
    amount, before = int(facts.get("amount_minor") or 0), int(facts.get("instead_of_minor") or 0)
    answer_by = letters.instant(facts.get("answer_by"))
    said = {"difference": _money(abs(amount - before), order.currency)}
    comparison = ""
    if amount < before:
        comparison = " " + gettext("(%(difference)s less than what you ordered)") % said
    elif amount > before:
        comparison = " " + gettext("(%(difference)s more than what you ordered)") % said
    return {
        **_missing_words(order, facts),
        "instead": f"{facts.get('units')} × {found.name if found else facts.get('instead_sku')}",
        "amount": _money(amount, order.currency),
        "comparison": comparison,
        "answer_by": letters.moment(answer_by) if answer_by else "",
    }


def _money(minor: int, currency: str) -> str:
    return str(format_currency(Money(minor, currency).decimal, currency, locale=get_language() or "en"))


def _goes_back(order: OrderView, payload: Mapping[str, Any]) -> bool:
    """Whether money goes back for goods or as goodwill; what was only held is let go without a word."""
    return payload.get("cause_type") in refunds.DELIVERED_CAUSES and payload.get("amount_minor", 0) > 0


def _refund_words(order: OrderView, facts: Mapping[str, Any]) -> dict[str, str]:
    return {"amount": _money(int(facts.get("amount_minor") or 0), str(facts.get("currency") or order.currency))}


def _return(order: OrderView, payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"return_id": payload.get("return_id"), "return_number": payload.get("number")}


def _return_words(order: OrderView, facts: Mapping[str, Any]) -> dict[str, str]:
    return {"return_number": str(facts.get("return_number") or "")}


def _came_by_parcel(order: OrderView, payload: Mapping[str, Any]) -> bool:
    """Whether the goods of a return have just come in; who stood at the counter saw that."""
    if payload.get("state") != ReturnState.RECEIVED.value:
        return False
    found = next((one for one in lists.of_order(order.id) if one.id == UUID(str(payload["return_id"]))), None)
    return found is not None and found.state == ReturnState.RECEIVED.value


def _is_refused(order: OrderView, payload: Mapping[str, Any]) -> bool:
    return payload.get("state") == ReturnState.REFUSED.value


def register_all() -> None:
    """Make the messages known. Called once when the application is ready."""
    for message in (
        Message(
            code="pieces.asked",
            title=gettext_lazy("Pieces are missing: please choose"),
            event=events.ShortageAsked.type,
            texts=texts.ASKED,
            is_urgent=True,
            facts=_missing,
            words=_missing_words,
            still_true=_is_asked,
        ),
        Message(
            code="pieces.proposed",
            title=gettext_lazy("Other goods proposed: please answer"),
            event=events.SubstituteProposed.type,
            texts=texts.PROPOSED,
            variables=("instead", "amount", "comparison", "answer_by"),
            is_urgent=True,
            applies=_is_put_to_customer,
            facts=_proposal,
            words=_proposal_words,
            still_true=_is_still_proposed,
        ),
        Message(
            code="pieces.substituted",
            title=gettext_lazy("Other goods come, as agreed when ordering"),
            event=events.SubstituteProposed.type,
            texts=texts.SUBSTITUTED,
            variables=("instead", "amount", "comparison"),
            applies=_was_agreed_before,
            facts=_proposal,
            words=_proposal_words,
        ),
        Message(
            code="money.goes_back",
            title=gettext_lazy("Money goes back"),
            event=news.RefundOwed.type,
            texts=texts.GOES_BACK,
            variables=("amount",),
            applies=_goes_back,
            facts=kept("amount_minor", "currency"),
            words=_refund_words,
        ),
        Message(
            code="return.received",
            title=gettext_lazy("Return received"),
            event=events.ReturnChanged.type,
            texts=texts.CAME_BACK,
            variables=("return_number",),
            applies=_came_by_parcel,
            facts=_return,
            words=_return_words,
        ),
        Message(
            code="return.refused",
            title=gettext_lazy("Return not accepted"),
            event=events.ReturnChanged.type,
            texts=texts.NOT_TAKEN_BACK,
            variables=("return_number",),
            applies=_is_refused,
            facts=_return,
            words=_return_words,
        ),
    ):
        register(message)
