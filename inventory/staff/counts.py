"""Counting at the shelf: the store's counts, a new one, scanning blindly with a phone or a hand scanner, handing in."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from commerce import clock, transactions
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import refusals, shell
from inventory.counting import CountAction, CountKind, CountReason, CountState, Missing
from inventory.errors import CountNotFound
from inventory.staff import count_forms, count_words
from inventory.staff.count_forms import BeginForm
from inventory.staff.views import SOURCE
from inventory.stock import Condition
from inventory.stocktaking import counts as verbs
from inventory.stocktaking import figures, lists, rules
from inventory.stocktaking.lists import CountRef
from inventory.stocktaking.settlement import Settled

counting = shell.require(Permission.COUNT_STOCK)


def here(request: HttpRequest, count_id: UUID) -> CountRef:
    """Return a count of the current store; a count of another store does not exist here (law 17)."""
    try:
        return lists.get(count_id, location_id=shelf_of(request))
    except CountNotFound as unknown:
        raise Http404(unknown.message) from unknown


def shelf_of(request: HttpRequest) -> int:
    """Return the id of the store that the person works at."""
    return shell.here(request).id


@require_GET
@counting
def listed(request: HttpRequest) -> HttpResponse:
    """The store's counts: those that wait first, then those that are over."""
    found = lists.listed(location_id=shelf_of(request))
    progress = lists.progress(one.id for one in found)
    rows = [
        {
            "count": one,
            "title": count_words.title(one),
            "state": count_words.STATES[one.state],
            "progress": progress[one.id],
        }
        for one in found
    ]
    facts = {
        "waiting": [row for row in rows if row["count"].actions],  # type: ignore[attr-defined]
        "over": [row for row in rows if not row["count"].actions],  # type: ignore[attr-defined]
        "may_decide": shell.may(request, Permission.APPROVE_COUNTS),
        "may_set_rules": Permission.APPROVE_COUNTS in shell.permissions_everywhere(request),
    }
    return render(request, "inventory/counts.html", facts)


@require_http_methods(["GET", "POST"])
@counting
def begin(request: HttpRequest) -> HttpResponse:
    """Choose what is to be counted, and begin."""
    store = shell.here(request)
    form = BeginForm(request.POST if request.method == "POST" else None, location_id=store.id)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            values = form.cleaned_data
            try:
                with transactions.transaction():
                    made = verbs.begin(
                        values["count_id"], location_id=store.id, kind=CountKind(values["kind"]), shelf=values["shelf"],
                        condition=Condition(values["condition"]), category=values["category"], note=values["note"],
                        source=SOURCE, by=shell.actor(request), at=clock.now(),
                    )  # fmt: skip
                return redirect("inventory-staff:count", made.id)
            except CommerceError as refusal:
                status = refusal.status
                form.add_error(None, _why_not(refusal, values["kind"]))
    due = rules.due(store.id, at=clock.now())
    if not due:
        form.initial["kind"] = CountKind.FREE.value
    why = [(label, sum(one.reason is reason for one in due)) for reason, label in count_words.REASONS.items()]
    facts = {"form": form, "due": len(due), "why": [one for one in why if one[1]], "urgent": _urgent(due)}
    return render(request, "inventory/count_new.html", facts, status=status)


def _urgent(due: list[rules.Due]) -> bool:
    return any(one.reason is not CountReason.DUE for one in due)


def _why_not(refusal: CommerceError, kind: str) -> str:
    if refusal.code != "invalid_input" or not refusal.errors:
        return refusals.sentence(refusal)
    field = refusal.errors[0]["field"]
    if field == "category":
        return _("Choose which category is to be counted.")
    if field == "shelf":
        return _("This can’t be the code of a shelf. Use letters and digits as they stand on it.")
    return {
        CountKind.DIRECTED.value: _("Nothing is due by the rules. Scan freely, or count a shelf."),
        CountKind.SHELF.value: _("No product is noted on this shelf. Check its code, or scan freely."),
    }.get(
        kind, _("The books have nothing of this here, or more than fits into one count. Scan freely, or choose less.")
    )


# --- counting ---------------------------------------------------------------------------------------------------------


@require_GET
@counting
def count(request: HttpRequest, count_id: UUID) -> HttpResponse:
    """One count: to be counted while that is possible, else what came of it."""
    ref = here(request, count_id)
    if ref.state is not CountState.OPEN:
        return render(request, "inventory/count_done.html", _outcome(request, ref))
    return render(request, "inventory/count.html", _panel(request, ref))


@require_POST
@counting
def scan(request: HttpRequest, count_id: UUID) -> HttpResponse:
    """Take one figure, as it happens or from a device that kept it, and answer with the count as its counter sees it now."""
    ref = here(request, count_id)
    figure = count_forms.figure(request.POST)
    if figure is None:
        sentence = _("Nothing was read. Scan again, or type the number.")
        return _answer(request, ref, error=sentence, sound="stop", status=422)
    try:
        with transactions.transaction():
            [taken] = figures.record(ref.id, [figure], by=shell.actor(request), at=clock.now())
    except CommerceError as refusal:
        sentence = refusals.sentence(refusal) if refusal.code != "invalid_input" else _(
            "That can’t be a number of pieces. Enter a whole number up to a million."
        )  # fmt: skip
        return _answer(request, ref, error=sentence, sound="stop", status=refusal.status)
    sentence, sound = count_words.answer(taken, taken.product.name if taken.product else figure.text)
    item = taken.product.id if taken.product and not sentence else None
    return _answer(request, ref, notice=sentence, sound=sound, now=item)


def _answer(request: HttpRequest, ref: CountRef, *, status: int = 200, **facts: Any) -> HttpResponse:
    if not request.headers.get("HX-Request"):
        for kind, send in (("error", messages.error), ("notice", messages.warning)):
            if facts.get(kind):
                send(request, facts[kind])
        return redirect("inventory-staff:count", ref.id)
    return render(request, "inventory/count_panel.html", _panel(request, ref, **facts), status=status)


def _panel(request: HttpRequest, ref: CountRef, *, now: int | None = None, **facts: Any) -> dict[str, Any]:
    sheet = lists.sheet(ref, by=shell.actor(request))
    progress = lists.progress([ref.id])[ref.id]
    return {
        "count": ref,
        "title": count_words.title(ref),
        "sheet": sheet,
        "progress": progress,
        "uncounted": progress.wanted - progress.done,
        "now": next((one for one in sheet.own if one.product_id == now), None),
        "server_time": clock.utc_text(clock.now()),
        "may_cancel": shell.may(request, Permission.APPROVE_COUNTS),
        "most_pieces": figures.MOST_PIECES,
        **facts,
    }


# --- the end ----------------------------------------------------------------------------------------------------------


@require_POST
@counting
def hand_in(request: HttpRequest, count_id: UUID) -> HttpResponse:
    """Hand a count in: what one person may decide is booked, the rest waits for a second."""
    ref = here(request, count_id)
    missing = Missing.NONE if request.POST.get("missing") == Missing.NONE.value else Missing.LEAVE
    try:
        with transactions.transaction():
            _ref, settled = verbs.hand_in(ref.id, missing=missing, by=shell.actor(request), at=clock.now())
        _say(request, settled)
    except CommerceError as refusal:
        sentence = refusals.sentence(refusal)
        if refusal.code == "invalid_input":
            sentence = _("Nothing was counted yet. Scan something first, or cancel the count.")
        messages.error(request, sentence)
    return _go(request, ref)


def _say(request: HttpRequest, settled: Settled) -> None:
    if settled.posted:
        booked = ngettext("%(n)s difference was booked.", "%(n)s differences were booked.", settled.posted)
        messages.success(request, booked % {"n": settled.posted})
    if settled.in_review:
        large = ngettext(
            "%(n)s product differs by more than one person decides; the manager looks at it.",
            "%(n)s products differ by more than one person decides; the manager looks at them.",
            settled.in_review,
        )
        messages.warning(request, large % {"n": settled.in_review})
    if settled.right and not settled.posted and not settled.in_review:
        messages.success(request, _("Everything that was counted is right."))


@require_POST
@shell.require(Permission.APPROVE_COUNTS)
def cancel(request: HttpRequest, count_id: UUID) -> HttpResponse:
    """End a count without booking what was not booked yet."""
    ref = here(request, count_id)
    try:
        with transactions.transaction():
            verbs.cancel(
                ref.id, reason=shell.typed(request.POST.get("reason", "")), by=shell.actor(request), at=clock.now()
            )
        messages.success(request, _("The count was cancelled; nothing more of it is booked."))
    except CommerceError as refusal:
        messages.error(request, refusals.sentence(refusal))
    return redirect("inventory-staff:counts")


def _go(request: HttpRequest, ref: CountRef) -> HttpResponse:
    address = reverse("inventory-staff:count", args=[ref.id])
    return HttpResponseClientRedirect(address) if request.headers.get("HX-Request") else redirect(address)


def _outcome(request: HttpRequest, ref: CountRef) -> dict[str, Any]:
    return {
        "count": ref,
        "title": count_words.title(ref),
        "state": count_words.STATES[ref.state],
        "progress": lists.progress([ref.id])[ref.id],
        "outcomes": [(count_words.ITEM_STATES[state], many) for state, many in lists.outcomes(ref.id).items() if many],
        "may_decide": shell.may(request, Permission.APPROVE_COUNTS),
        "is_to_decide": CountAction.REVIEW in ref.actions,
    }


@require_GET
@counting
def blind_list(request: HttpRequest, count_id: UUID) -> HttpResponse:
    """The list of a count on paper: what and where, and room to write. No figure of the books."""
    ref = here(request, count_id)
    sheet = lists.sheet(ref, by=shell.actor(request), at_most=verbs.MOST_ITEMS)
    facts = {
        "count": ref,
        "title": count_words.title(ref),
        "sheet": sheet,
        "blank": range(8),
        "printed_at": clock.now(),
    }
    return render(request, "inventory/count_list.html", facts)
