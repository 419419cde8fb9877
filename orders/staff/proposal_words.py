"""What a clerk is told about goods that they proposed instead of missing ones: what to do with them, and what it costs."""

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from commerce.errors import CommerceError
from commerce.staff import refusals
from orders.errors import CannotSubstitute
from orders.floor import Consent, ProposalState
from orders.proposals import Proposed
from orders.staff.order_page import amount

WITHDRAWN = gettext_lazy(
    "The proposal is taken back. Put the goods back on the shelf; the missing pieces go their usual way."
)


# Why goods can't come instead, by the reason of the refusal, with a way out.
WHY_NOT = {
    "part_of_kit": gettext_lazy("This belongs to a kit, which is sold as it is. Report it missing without a proposal."),
    "is_kit": gettext_lazy("A kit can’t come instead of single goods. Propose something else."),
    "not_sold": gettext_lazy("This isn’t sold any more. Propose something else."),
    "for_older_people": gettext_lazy("This is only for older people than what was ordered. Propose something else."),
    "not_there": gettext_lazy(
        "The books know of no free pieces of this here. Count it first, or propose something else."
    ),
}


def refusal(error: CommerceError) -> str:
    """Return why something can't be proposed, or what any other refusal says."""
    known = WHY_NOT.get(str(error.detail.get("reason", ""))) if isinstance(error, CannotSubstitute) else None
    return str(known) if known else refusals.sentence(error)


def sentence(one: Proposed) -> str:
    """Return what became of a proposal and what the clerk does now, as one sentence or two."""
    difference = one.amount_minor - one.instead_of_minor
    values = {
        "units": one.units,
        "name": one.name,
        "missing": one.missing,
        "amount": amount(one.amount_minor, one.currency),
        "difference": amount(abs(difference), one.currency),
        "time": f"{timezone.localtime(one.answer_by):%H:%M}" if one.answer_by else "",
    }
    if one.state is ProposalState.OPEN:
        told = _(
            "The customer is asked whether they take %(units)s × %(name)s instead of %(missing)s, for %(amount)s. "
            "Keep it aside until %(time)s."
        )
    elif one.state is ProposalState.ACCEPTED:
        told = (
            _("The customer agreed when ordering: pick %(units)s × %(name)s instead of %(missing)s, for %(amount)s.")
            if one.consent is Consent.BEFORE
            else _("The customer says yes: pick %(units)s × %(name)s instead of %(missing)s, for %(amount)s.")
        )
        if difference < 0:
            told += " " + _("%(difference)s less than ordered; what was paid for it goes back by itself.")
        elif difference > 0:
            told += " " + _("%(difference)s more than ordered are still to be paid.")
    elif one.state is ProposalState.REFUSED:
        told = _("The customer says no to %(units)s × %(name)s: put it back on the shelf.")
    elif one.state is ProposalState.LAPSED:
        told = _("No answer in time about %(units)s × %(name)s: put it back on the shelf.")
    else:
        told = _("%(units)s × %(name)s is not proposed any more: it belongs on the shelf.")
    return str(told % values)
