"""One scan from a screen to its verb and back: picking, waves and the packing table take it the same way."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from commerce import transactions
from commerce.errors import CommerceError
from commerce.staff import refusals, shell
from orders.picking import Outcome
from orders.staff import forms

REPLAYED = "X-Kontor-Replay"  # the header of scans that were kept while the device was offline


@dataclass(frozen=True, slots=True)
class Scanned:
    """What came of a scan: the verb's answer, or why it was stopped. `stop` is a sentence, `status` that of the page."""

    outcome: Any
    stop: str
    status: int

    @property
    def is_right(self) -> bool:
        """Whether what was scanned is what was wanted."""
        return self.outcome is not None and self.outcome.outcome is Outcome.PICKED


def count(request: HttpRequest, verb: Callable[..., Any], subject_id: UUID) -> Scanned:
    """Call the verb with what was scanned, in one transaction.

    A scan that was kept while offline is answered 422 when it turns out wrong, so that the device tells so.
    """
    form = forms.ScanForm(request.POST)
    if not form.is_valid():
        return Scanned(None, forms.first_error(form), 422)
    given = form.cleaned_data
    try:
        with transactions.transaction():
            outcome = verb(
                subject_id, given["scan_id"], given["text"], user=request.user, by=shell.actor(request),
                at=given["scanned_at"],
            )  # fmt: skip
    except CommerceError as error:
        return Scanned(None, refusals.sentence(error), error.status)
    done = Scanned(outcome, "", 200)
    return Scanned(outcome, "", 422) if REPLAYED in request.headers and not done.is_right else done
