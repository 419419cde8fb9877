"""The label of a return on screen: have a carrier make it, note one by hand, print it, cancel it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from commerce.errors import CommerceError, InvalidInput
from commerce.roles import Permission
from commerce.staff import refusals, shell
from orders import printing
from orders.errors import ReturnNotFound
from orders.floor import LabelState
from orders.returns import labels, lists
from orders.staff import return_access
from orders.staff.views import at_store, done, not_here


@require_http_methods(["GET", "POST"])
@at_store(Permission.TAKE_RETURNS)
def label(request: HttpRequest, store: shell.Store, return_id: UUID) -> HttpResponse:
    """Show the label to print, or do with it what the form says."""
    try:
        found = lists.one(return_id)
    except ReturnNotFound:
        return not_here(request)
    if not return_access.sees(request, store, found):
        return not_here(request)
    if request.method == "GET":
        document = labels.document(return_id)
        return printing.answer(document, f"{found.number}.pdf") if document else not_here(request)
    if not return_access.may_step(request, found):
        return not_here(request)
    try:
        _do(request, return_id)
    except InvalidInput as invalid:
        messages.error(request, invalid.message)
    except CommerceError as refusal:
        messages.error(request, f"{refusals.sentence(refusal)} ({refusal.message})")
    return redirect("orders-staff:return", return_id)


def _do(request: HttpRequest, return_id: UUID) -> None:
    given, by = request.POST, shell.actor(request)
    if given.get("do") == "cancel":
        labels.cancel(return_id, by=by)
        done(request, _("The label is cancelled. Goods may come without one, or with another."))
        return
    if given.get("do") == "note":
        made = labels.note(return_id, given.get("carrier", "")[:80], given.get("number", "")[:100], by=by)
    else:
        made = labels.ask(return_id, given.get("carrier", "")[:40], by=by)
    if made.state is LabelState.MADE:
        done(request, _("The label is there: %(number)s.") % {"number": made.tracking_number})
    elif made.state is LabelState.UNCLEAR:
        said = _("The carrier did not answer. Ask again; should the first label exist after all, it is never used.")
        messages.warning(request, said)
    else:
        messages.error(request, _("The carrier says: %(text)s") % {"text": made.said})
