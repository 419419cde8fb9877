"""Parcels that come to this store to be fetched here: taken in by scan, given out in part, reported lost."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from commerce import clock, transactions
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import refusals, shell
from orders import arrivals
from orders.arrivals import Arrived, Came
from orders.packing import coming
from orders.staff import words
from orders.staff.views import at_store, done, not_here, refused, take


@require_GET
@at_store(Permission.WORK_PICKUPS)
def page(request: HttpRequest, store: shell.Store) -> HttpResponse:
    """Show what is on its way here, and what this place sent to other stores."""
    at = clock.now()
    facts = {"here": coming.to(store.id, at=at), "elsewhere": coming.sent_from(store.id, at=at), "at": at}
    return render(request, "orders/arrivals.html", facts)


@require_POST
@at_store(Permission.WORK_PICKUPS)
def scan(request: HttpRequest, store: shell.Store) -> HttpResponse:
    """Take in the parcel whose label was scanned, and say what that means for its order."""
    try:
        with transactions.transaction():
            came = arrivals.scan(
                store.id, request.POST.get("text", "")[:200], user=request.user, by=shell.actor(request), at=clock.now()
            )
    except CommerceError as error:
        messages.error(request, refusals.sentence(error))
        return redirect("orders-staff:arrivals")
    _say(request, came)
    return redirect("orders-staff:arrivals")


@require_POST
@at_store(Permission.WORK_PICKUPS)
def lost(request: HttpRequest, store: shell.Store, parcel_id: UUID) -> HttpResponse:
    """Give up a parcel that never came."""
    if not any(parcel.id == parcel_id for one in coming.to(store.id, at=clock.now()) for parcel in one.parcels):
        return not_here(request)
    try:
        take(request, arrivals.lose, parcel_id, reason=request.POST.get("reason", "")[:400])
    except CommerceError as error:
        return refused(request, error, "orders-staff:arrivals")
    done(request, _("The parcel is written off. Its order gets the goods from elsewhere, or its customer is asked."))
    return redirect("orders-staff:arrivals")


def _say(request: HttpRequest, came: Arrived) -> None:
    sentence = str(words.ARRIVED[came.outcome]) % {"number": came.number, "here": came.here, "parcels": came.parcels}
    if came.outcome in (Came.READY, Came.PARTLY):
        done(request, sentence)
    else:
        messages.warning(request, sentence)
