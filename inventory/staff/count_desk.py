"""The manager's side of counting: differences by value, finds to be named, and the rules."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commerce import catalog, clock, transactions
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import people, refusals, shell
from inventory.counting import CountAction, CountReason, ItemState
from inventory.errors import CountNotFound, LocationUnknown
from inventory.places import locations
from inventory.staff import count_forms, count_words, discrepancy_words
from inventory.staff.count_forms import RulesForm
from inventory.staff.counts import here
from inventory.staff.views import what_is_wrong
from inventory.stocktaking import lists, value_classes
from inventory.stocktaking import review as count_review
from inventory.stocktaking import rules as count_rules
from inventory.stocktaking.lists import CountRef, ReviewItem
from inventory.stocktaking.settlement import Settled

deciding = shell.require(Permission.APPROVE_COUNTS)


@require_GET
@deciding
def review(request: HttpRequest, count_id: UUID) -> HttpResponse:
    """What a count found: differences to decide about, the largest value first, and what was settled already."""
    ref = here(request, count_id)
    rows = lists.review(ref.id)
    who = people.names({one for row in rows for one in row.counters})
    me = shell.actor(request)
    shown = [_shown(row, who, (me.kind.value, me.id)) for row in rows]
    waiting = [one for one in shown if one["item"].state == ItemState.REVIEW]
    finds = lists.findings(ref.id)
    facts = {
        "count": ref, "title": count_words.title(ref), "state": count_words.STATES[ref.state], "waiting": waiting,
        "settled": [one for one in shown if one["item"].state not in (ItemState.REVIEW, ItemState.OPEN)],
        "finds": [(row, count_words.FINDINGS[row.kind]) for row in finds],
        "finders": people.names({(row.finding.counter_kind, row.finding.counter_id) for row in finds}),
        "is_to_decide": CountAction.REVIEW in ref.actions, "values": _values(waiting),
        "progress": lists.progress([ref.id])[ref.id],
    }  # fmt: skip
    return render(request, "inventory/count_review.html", facts)


def _shown(row: ReviewItem, who: dict[tuple[str, str], str], me: tuple[str, str]) -> dict[str, Any]:
    item = row.item
    return {
        "item": item, "sku": row.sku, "name": row.name, "pieces": row.pieces, "value_minor": row.value_minor,
        "value": _amount(row.value_minor, item.currency),
        "counters": ", ".join(who[one] for one in row.counters), "is_own": me in row.counters,
        "state": count_words.ITEM_STATES[ItemState(item.state)],
        "reason": count_words.REASONS[CountReason(item.reason)] if item.reason else "",
    }  # fmt: skip


def _amount(minor: int | None, currency: str) -> str:
    return "" if minor is None else discrepancy_words.amount(minor, currency)


def _values(rows: list[dict[str, Any]]) -> list[str]:
    """Sum what is to be decided, per currency."""
    sums: dict[str, int] = {}
    for row in rows:
        if row["value_minor"] is not None:
            sums[row["item"].currency] = sums.get(row["item"].currency, 0) + row["value_minor"]
    return [discrepancy_words.amount(minor, currency) for currency, minor in sorted(sums.items())]


@require_POST
@deciding
def decide(request: HttpRequest, count_id: UUID) -> HttpResponse:
    """Book the chosen differences as they were seen, have them counted anew, or leave the books as they are."""
    ref = here(request, count_id)
    seen = _seen(request.POST)
    note = shell.typed(request.POST.get("note", ""))
    if not seen:
        messages.error(request, _("Choose at least one product first."))
        return _back(ref)
    by, at, do = shell.actor(request), clock.now(), request.POST.get("do")
    try:
        if do == "recount":
            with transactions.transaction():
                many = count_review.recount(ref.id, list(seen), note=note, by=by, at=at)
            sentence = ngettext("%(n)s product is to be counted anew.", "%(n)s products are to be counted anew.", many)
            messages.success(request, sentence % {"n": many})
        elif do == "leave":
            with transactions.transaction():
                many = count_review.leave(ref.id, list(seen), note=note, by=by, at=at)
            sentence = ngettext("The books stand for %(n)s product.", "The books stand for %(n)s products.", many)
            messages.success(request, sentence % {"n": many})
        else:
            with transactions.transaction():
                settled = count_review.approve(ref.id, seen, note=note, by=by, at=at)
            _say(request, settled)
    except CommerceError as refusal:
        is_note = refusal.code == "invalid_input"
        messages.error(
            request, _("Say why the books stand as they are; the reason stays with the count.") if is_note else
            refusals.sentence(refusal),
        )  # fmt: skip
    return _back(ref)


def _seen(data: QueryDict) -> dict[int, int]:
    """Return the differences of the chosen products as the page showed them."""
    seen = {}
    for text in data.getlist("item")[: lists.MOST_ON_A_PAGE]:
        product, _colon, pieces = text.partition(":")
        if product.isascii() and product.isdigit() and pieces.lstrip("-").isdigit() and len(text) < 40:
            seen[int(product)] = int(pieces)
    return seen


def _say(request: HttpRequest, settled: Settled) -> None:
    done = settled.posted + settled.right + settled.overtaken
    if done:
        sentence = ngettext("%(n)s product was decided.", "%(n)s products were decided.", done)
        messages.success(request, sentence % {"n": done})
    if settled.overtaken:
        messages.info(request, _("Where a newer count or correction stands, nothing was booked."))
    if settled.changed:
        sentence = ngettext(
            "%(n)s difference is another one by now. Look at it again.",
            "%(n)s differences are other ones by now. Look at them again.",
            len(settled.changed),
        )
        messages.warning(request, sentence % {"n": len(settled.changed)})
    elif settled.in_review:
        messages.warning(
            request, _("More goods left since than were counted, so that can’t be booked. Have it counted anew.")
        )


def _back(ref: CountRef) -> HttpResponse:
    return redirect("inventory-staff:count-review", ref.id)


# --- finds ------------------------------------------------------------------------------------------------------------


@require_POST
@deciding
def settle_finding(request: HttpRequest, count_id: UUID, finding_id: UUID) -> HttpResponse:
    """Say what product a find is, or that it is nothing to be counted."""
    ref = here(request, count_id)
    if all(row.finding.pk != finding_id for row in lists.findings(ref.id)):
        messages.info(request, _("Somebody else decided about this find already."))
        return _back(ref)
    text = shell.typed(request.POST.get("sku", ""))
    try:
        if request.POST.get("do") == "dismiss":
            with transactions.transaction():
                count_review.dismiss_finding(finding_id, by=shell.actor(request), at=clock.now())
            messages.success(request, _("The find was put aside."))
            return _back(ref)
        found = catalog.product_by_barcode(text) if text else None
        if found is None:
            messages.error(request, what_is_wrong(text) if text else _("Scan or type which product it is."))
            return _back(ref)
        with transactions.transaction():
            count_review.take_finding(finding_id, found[0].id, by=shell.actor(request), at=clock.now())
        messages.success(request, _("It counts as %(name)s from now on.") % {"name": found[0].name})
    except CountNotFound as unknown:
        raise Http404(unknown.message) from unknown
    except CommerceError as refusal:
        messages.error(request, refusals.sentence(refusal))
    return _back(ref)


# --- rules ------------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@shell.require(Permission.APPROVE_COUNTS, at_all_stores=True)
def rules(request: HttpRequest) -> HttpResponse:
    """How often what is counted, and what one person may decide alone, at all places or one of them."""
    code = shell.typed((request.POST if request.method == "POST" else request.GET).get("at", ""))
    try:
        place = count_forms.place(code)
    except LocationUnknown as unknown:
        raise Http404(unknown.message) from unknown
    location_id = place.id if place else None
    form = RulesForm(request.POST) if request.method == "POST" else RulesForm.of(count_rules.policy(location_id))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                with transactions.transaction():
                    count_rules.set_policy(location_id, form.policy, by=shell.actor(request), at=clock.now())
                messages.success(request, _("The rules hold from now on."))
                return redirect(f"{reverse('inventory-staff:count-rules')}?{urlencode({'at': code})}")
            except CommerceError as refusal:
                _refuse(form, refusal)
    facts = {"form": form, "places": locations.active(), "at": code, "shares": value_classes.shares(location_id)}
    return render(request, "inventory/count_rules.html", facts, status=status)


def _refuse(form: RulesForm, refusal: CommerceError) -> None:
    sentence = _("Class A is counted at least as often as B, and B at least as often as C.")
    for error in refusal.errors:
        field = error["field"] if error["field"] in form.fields else None
        form.add_error(field, sentence if field in ("b_days", "c_days") else error["message"])
    if not refusal.errors:
        form.add_error(None, refusals.sentence(refusal))
