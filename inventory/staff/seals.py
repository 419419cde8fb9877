"""The pages of the sealed journal: its segments, whether they are as they were sealed, and what to do when one is not."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from commerce.roles import Permission
from commerce.staff import people, shell
from inventory import seal_proofs, seals
from inventory.staff import words
from inventory.stock import Condition

PROVEN_AT_ONCE = 500_000  # entries; about two seconds. More is proven at night, or by the command
LONGEST_NUMBER = 18  # digits
desk = shell.require(Permission.MANAGE_DISCREPANCIES, at_all_stores=True)


@require_GET
@desk
def page(request: HttpRequest) -> HttpResponse:
    """Show the segments, newest first, the last proof, and whether a hash that was written down is in the chain."""
    text = request.GET.get("before", "")
    before = int(text) if text.isdecimal() and len(text) <= LONGEST_NUMBER else None
    wanted = shell.typed(request.GET.get("hash", ""))
    segments = seal_proofs.segments(before=before)
    proof, newest = seal_proofs.last(), seals.newest()
    entries = seals.sealed(up_to=newest.number) if newest else 0
    facts = {
        "segments": segments,
        "newest": newest,
        "entries": entries,
        "waiting": seals.unsealed(),
        "proof": proof,
        "prover": people.names([(proof.actor_kind, proof.actor_id)])[proof.actor_kind, proof.actor_id] if proof else "",
        "may_prove": 0 < entries <= PROVEN_AT_ONCE,
        "older": segments[-1].number if segments and segments[-1].number > 1 else None,
        "is_newest": before is None,
        "wanted": wanted,
        "is_at": seals.number_of(wanted) if wanted else None,
    }
    return render(request, "inventory/seals.html", facts)


@require_GET
@desk
def segment(request: HttpRequest, number: int) -> HttpResponse:
    """Show one segment, worked out again just now: which entries of which goods, and what of it differs."""
    found = seal_proofs.segment(number) if len(str(number)) <= LONGEST_NUMBER else None
    if found is None:
        raise Http404
    spans = [(one, words.CONDITIONS[Condition(one.condition)]) for one in seal_proofs.spans(number)]
    facts = {
        "segment": found,
        "spans": spans,
        "left_out": found.levels - len(spans),
        "findings": seals.differences(number),
    }
    return render(request, "inventory/seal.html", facts)


@require_POST
@desk
def prove(request: HttpRequest) -> HttpResponse:
    """Work out every seal again now, and keep who did it and what it said."""
    newest = seals.newest()
    if newest is None or seals.sealed(up_to=newest.number) > PROVEN_AT_ONCE:
        messages.error(request, _("There is nothing to prove here, or too much for a page. It is proven every night."))
    elif found := len(seal_proofs.prove(by=shell.actor(request))):
        messages.error(
            request, ngettext("%(n)s finding does not match.", "%(n)s findings do not match.", found) % {"n": found}
        )
    else:
        messages.success(request, _("Everything is as it was sealed."))
    return redirect("inventory-staff:seals")
