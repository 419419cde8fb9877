"""Reconciliation on screen: read a file, decide about proposals, look after what is left, and see who still owes us."""

import csv
import re
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from commerce import clock, transactions
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import refusals, shell
from orders.settlement_formats import FORMATS
from orders.settlements import decisions, files, lists, matching
from orders.staff.order_page import amount
from orders.staff.words import Text

SOURCES: dict[str, Text] = {
    "bank": gettext_lazy("Account statement (CSV)"),
    "stripe": gettext_lazy("Stripe: itemised balance report (CSV)"),
    "demo": gettext_lazy("Demo cards (CSV)"),
}
RULES: dict[str, Text] = {
    "reference_differs": gettext_lazy("Same reference, another amount"),
    "payout_named": gettext_lazy("Amount and name of a payout"),
    "payout_amount": gettext_lazy("Amount of a payout"),
    "named_differs": gettext_lazy("The order is named, the amount differs"),
    "exact_alone": gettext_lazy("The amount fits only this order"),
    "exact_several": gettext_lazy("The amount fits several orders"),
    "looks": gettext_lazy("Amount, day and text are alike"),
}
KINDS: dict[str, Text] = {
    "charge": gettext_lazy("Payment"),
    "refund": gettext_lazy("Refund"),
    "dispute": gettext_lazy("Dispute"),
    "payout": gettext_lazy("Payout"),
    "bank": gettext_lazy("Account"),
    "fee": gettext_lazy("Fee"),
}
AGES: dict[str, Text] = {
    "0-2": gettext_lazy("up to 2 days"),
    "3-7": gettext_lazy("3 to 7 days"),
    "8-30": gettext_lazy("8 to 30 days"),
    "31+": gettext_lazy("older"),
}
MOST_REJECTS_SHOWN = 5


class FileForm(forms.Form):
    """A file of a provider or bank."""

    source = forms.ChoiceField(
        label=gettext_lazy("What kind of file?"), choices=[(name, SOURCES[name]) for name in SOURCES]
    )
    file = forms.FileField(
        label=gettext_lazy("File"), error_messages={"required": gettext_lazy("Choose the file to read.")}
    )


@require_GET
@shell.require(Permission.RECONCILE_MONEY, at_all_stores=True)
def page(request: HttpRequest) -> HttpResponse:
    """Show what waits for a person."""
    return _show(request, FileForm())


@require_POST
@shell.require(Permission.RECONCILE_MONEY, at_all_stores=True)
def read(request: HttpRequest) -> HttpResponse:
    """Read a file and match what it brings."""
    form = FileForm(request.POST, request.FILES)
    if not form.is_valid():
        return _show(request, form, status=422)
    upload = form.cleaned_data["file"]
    if upload.size > files.LARGEST_FILE:
        form.add_error("file", _("The file is too large. Split it by day."))
        return _show(request, form, status=422)
    try:
        with transactions.transaction():
            reading = files.read(
                upload.read(),
                source=form.cleaned_data["source"],
                name=upload.name or "",
                by=shell.actor(request),
                at=clock.now(),
            )
        with transactions.transaction():
            found = matching.run(by=shell.actor(request), at=clock.now())
    except CommerceError as error:
        form.add_error("file", refusals.sentence(error))
        return _show(request, form, status=422)
    if not reading.is_new:
        messages.info(request, _("This file was read before; nothing has changed."))
    else:
        said = ngettext(
            "%(lines)s line read, %(found)s matches found.",
            "%(lines)s lines read, %(found)s matches found.",
            reading.lines,
        )
        messages.success(request, said % {"lines": reading.lines, "found": sum(found.values())})
    for number, why in reading.rejects[:MOST_REJECTS_SHOWN]:
        messages.warning(request, _("Line %(number)s was not read: %(why)s") % {"number": number, "why": why})
    return redirect("orders-staff:settlements")


@require_POST
@shell.require(Permission.RECONCILE_MONEY, at_all_stores=True)
def confirm(request: HttpRequest, match_id: UUID) -> HttpResponse:
    """Settle a line with what was proposed."""
    return _decide(request, lambda by, at: decisions.confirm(match_id, by=by, at=at), _("Settled."))


@require_POST
@shell.require(Permission.RECONCILE_MONEY, at_all_stores=True)
def reject(request: HttpRequest, match_id: UUID) -> HttpResponse:
    """Say that they have nothing to do with each other."""
    return _decide(request, lambda by, at: decisions.reject(match_id, by=by, at=at), _("It won’t be proposed again."))


@require_POST
@shell.require(Permission.RECONCILE_MONEY, at_all_stores=True)
def own(request: HttpRequest, line_id: UUID) -> HttpResponse:
    """Take an open line on oneself."""
    user: Any = request.user
    return _decide(
        request, lambda by, at: decisions.own(line_id, user=user, by=by, at=at), _("You look after this line now.")
    )


@require_POST
@shell.require(Permission.RECONCILE_MONEY, at_all_stores=True)
def set_aside(request: HttpRequest, line_id: UUID) -> HttpResponse:
    """Close a line that belongs to no payment."""
    note = request.POST.get("note", "")[: decisions.LONGEST_NOTE]
    return _decide(
        request, lambda by, at: decisions.set_aside(line_id, note=note, by=by, at=at), _("The line is closed.")
    )


@require_GET
@shell.require(Permission.RECONCILE_MONEY, at_all_stores=True)
def rejects(request: HttpRequest, file_id: UUID) -> HttpResponse:
    """Hand out what could not be read of a file, line by line with the reason, as CSV."""
    found = next((one for one in lists.files() if one.pk == file_id), None)
    rows = [["line", "reason"], *(found.rejects if found else [])]
    return csv_file(rows, f"{found.name if found else 'file'}.rejects.csv")


def csv_file(rows: Iterable[Iterable[object]], name: str) -> HttpResponse:
    """Return rows as a CSV file; a cell that a spreadsheet would take for a formula is quoted as text."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{re.sub(r"[^A-Za-z0-9._-]", "_", name)}"'
    writer = csv.writer(answer)
    for row in rows:
        writer.writerow([f"'{cell}" if str(cell)[:1] in "=+@" else cell for cell in row])
    return answer


def _decide(request: HttpRequest, verb: Callable[..., None], said: str) -> HttpResponse:
    try:
        with transactions.transaction():
            verb(shell.actor(request), clock.now())
        messages.success(request, said)
    except CommerceError as error:
        messages.error(request, refusals.sentence(error))
    return redirect("orders-staff:settlements")


def _show(request: HttpRequest, form: FileForm, *, status: int = 200) -> HttpResponse:
    at = clock.now()
    is_mine = request.GET.get("mine") == "1"
    lines = lists.open_lines(owner_id=request.user.pk if is_mine else None)
    facts = {
        "form": form,
        "counts": lists.counts(),
        "proposals": [
            {
                "row": one,
                "line": _line(one.line),
                "rule": RULES.get(one.rule, one.rule),
                "wanted": amount(one.wanted_minor, one.line.currency),
                "difference": amount(abs(one.difference_minor), one.line.currency) if one.difference_minor else "",
                "payout": _line(one.payout) if one.payout else None,
            }
            for one in lists.proposals()
        ],
        "lines": [_line(one) for one in lines],
        "is_mine": is_mine,
        "ageing": [
            {
                "label": AGES[name],
                "count": sum(count for count, _total in sums.values()),
                "sums": [amount(total, currency) for currency, (_count, total) in sums.items()],
                "is_old": name in ("8-30", "31+") and bool(sums),
            }
            for name, sums in lists.ageing(on=timezone.localdate(at)).items()
        ],
        "owing": [{"row": one, "missing": amount(one.missing_minor, one.currency)} for one in lists.owing(at=at)],
        "files": lists.files(),
        "sources": FORMATS,
    }
    return render(request, "orders/settlements.html", facts, status=status)


def _line(row: Any) -> dict[str, Any]:
    return {
        "row": row,
        "kind": KINDS.get(row.kind, row.kind),
        "amount": amount(row.amount_minor, row.currency),
        "days": (timezone.localdate(clock.now()) - row.dated_on).days,
    }
