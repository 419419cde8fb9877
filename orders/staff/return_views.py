"""Returns on screen: the desk, the return at the counter, and what happens to a parcel that came back."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commerce import audit, catalog, clock, money, transactions
from commerce.errors import CommerceError, InvalidInput
from commerce.roles import Permission
from commerce.staff import refusals, shell
from inventory.places import locations
from orders import queries
from orders.carriers import directory
from orders.errors import OrderNotFound, ReturnNotFound
from orders.models import Fulfilment, OrderRefund
from orders.queries import OrderView
from orders.return_states import Origin, Reason, ReturnState
from orders.returns import chances, counter, files, labels, lists, refunding
from orders.returns.counter import Brought
from orders.returns.files import Coming, Found
from orders.returns.lists import ReturnView
from orders.returns.refunding import Deduction
from orders.staff import order_page, order_views, return_access, return_page, words
from orders.staff.views import at_store, done, not_here, refused

PAGE_SIZE = 30
RECEIPT_DAYS = 90  # how far back a scanned product looks for the order that it came with


@require_GET
@at_store(Permission.TAKE_RETURNS)
def returns(request: HttpRequest, store: shell.Store) -> HttpResponse:
    """List returns: what came in here, and what is on its way to nobody knows where."""
    show = request.GET.get("show", "open")
    show = show if show in return_page.FILTERS else "open"
    text = shell.typed(request.GET.get("q", ""))
    rows = lists.select(
        location_id=None if text else store.id, text=text, **({} if text else return_page.FILTERS[show][1])
    ).filter(return_access.seen(request, store))
    before = request.GET.get("before", "")
    rows = rows.order_by("-changed_at", "-id")
    if before:
        moment, _slash, identifier = before.partition("/")
        try:
            rows = rows.filter(Q(changed_at__lt=moment) | Q(changed_at=moment, id__lt=UUID(identifier)))
        except ValueError:
            before = ""
    found = lists.views(list(rows[: PAGE_SIZE + 1]))
    last = found[PAGE_SIZE - 1] if len(found) > PAGE_SIZE else None
    facts = {
        "shown": return_page.listed(found[:PAGE_SIZE]),
        "filters": [(key, label) for key, (label, _chosen) in return_page.FILTERS.items()],
        "show": show,
        "text": text,
        "more": f"{last.changed_at.isoformat()}/{last.id}" if last else "",
        "waiting": _waiting(order_views.places(request, Permission.APPROVE_REFUNDS)),
    }
    return render(request, "orders/returns.html", facts)


def _waiting(places: list[int] | None) -> list[dict[str, Any]]:
    """List what waits for a second person, of orders at these places; None means everywhere."""
    rows = OrderRefund.objects.filter(decided_at__isnull=True)
    if places is not None:
        here = Fulfilment.objects.filter(order_id=OuterRef("order_id"), location_id__in=places)
        rows = rows.filter(Exists(here))
    rows = rows.select_related("order").order_by("asked_at")[:PAGE_SIZE]
    return [
        {
            "id": row.pk,
            "order_id": row.order_id,
            "number": row.order.number,
            "amount": order_page.amount(row.amount_minor, row.order.currency),
            "reason": row.reason,
            "asked_by": row.asked_by,
            "asked_at": row.asked_at,
        }
        for row in rows
    ]


@require_http_methods(["GET", "POST"])
@at_store(Permission.TAKE_RETURNS)
def find(request: HttpRequest, store: shell.Store) -> HttpResponse:
    """Find what somebody brings back: by number of order or return, reference, parcel, e-mail, or the product itself."""
    text = shell.typed((request.POST if request.method == "POST" else request.GET).get("q", ""))
    if not text:
        return render(request, "orders/find_return.html", {"text": "", "found": None})
    is_number = text.upper().startswith("R-")
    known = (
        lists.views(list(lists.select(text=text).filter(return_access.seen(request, store))[:1])) if is_number else []
    )
    if known:
        return redirect("orders-staff:return", known[0].id)
    ids = queries.ids_named(text)
    if not ids:
        since = clock.now() - timedelta(days=RECEIPT_DAYS)
        ids = return_page.orders_with(text, since=since, location_id=store.id)
    found = return_page.found(ids)
    if not found and shell.may(request, Permission.VIEW_CUSTOMERS):
        found = order_page.find(
            text, location_ids=None, country=locations.by_id(store.id).country, contacts_at=None, at_most=12
        )
    if len(found) == 1:
        return redirect("orders-staff:take-back", found[0].order.id)
    return render(request, "orders/find_return.html", {"text": text, "found": found}, status=200 if found else 404)


@require_http_methods(["GET", "POST"])
@at_store(Permission.TAKE_RETURNS)
def take_back(request: HttpRequest, store: shell.Store, order_id: UUID) -> HttpResponse:
    """Take goods back at this counter and settle them, exchange them, or announce that they come."""
    try:
        order = queries.order(order_id)
    except OrderNotFound:
        return not_here(request)
    typed = request.POST if request.method == "POST" else QueryDict()
    problem = ""
    if request.method == "POST":
        try:
            return _taken(request, store, order, typed)
        except InvalidInput as invalid:
            problem = invalid.message
        except CommerceError as refusal:
            problem = f"{refusals.sentence(refusal)} ({refusal.message})"
    with transactions.transaction():
        found = chances.of_order(order_id, at=clock.now())
        if request.method == "GET" and all(
            store.id not in (one.location_id, one.store_id) for one in order.fulfilments
        ):
            # Bought online, returned in any store: whoever opens the form sees an order of others, so that stays.
            audit.record(
                "orders.returns.opened_elsewhere", "order", order.id, by=shell.actor(request), after={"at": store.code}
            )
    facts = {
        "order": order,
        "rows": [
            {
                "chance": one,
                "each": order_page.amount(one.each_minor, order.currency),
                "count": typed.get(f"count-{one.line_number}", "0"),
                "condition": typed.get(f"condition-{one.line_number}", "sellable"),
                "reason": typed.get(f"reason-{one.line_number}", "withdrawal"),
            }
            for one in found
        ],
        "has_left": any(one.left for one in found),
        "conditions": words.CONDITIONS.items(),
        "reasons": words.RETURN_REASONS.items(),
        "typed": typed,
        "problem": problem,
        "may_override": shell.may(request, Permission.APPROVE_REFUNDS),
        "may_deduct": shell.may(request, Permission.REFUND_ORDERS),
        "is_late": any((one.is_late or one.is_excluded) and one.left for one in found),
        "earlier": return_page.listed(lists.of_order(order_id), order.currency),
    }
    return render(request, "orders/take_back.html", facts, status=422 if problem else 200)


def _taken(request: HttpRequest, store: shell.Store, order: OrderView, typed: QueryDict) -> HttpResponse:
    """Do what the form of a return asks for. Raises: what the verbs refuse, InvalidInput."""
    by, at = shell.actor(request), clock.now()
    overridden = typed.get("override", "").strip() if shell.may(request, Permission.APPROVE_REFUNDS) else ""
    chosen = []
    for line in order.lines:
        count = _whole(typed.get(f"count-{line.line_number}", "") or "0", line.name)
        if count:
            reason = _of(Reason, typed.get(f"reason-{line.line_number}", ""))
            condition = typed.get(f"condition-{line.line_number}", "sellable")
            chosen.append((line, count, reason, condition if condition in words.CONDITIONS else "sellable"))
    if not chosen:
        raise InvalidInput(_("Enter how many pieces come back."))
    step = typed.get("step", "take")
    if step == "announce":
        with transactions.transaction():
            return_id = files.announce(
                order.id, [Coming(line.id, count, reason) for line, count, reason, _condition in chosen],
                origin=Origin.SERVICE, keeps_goods=bool(typed.get("keeps")), overridden=overridden, by=by, at=at,
            )  # fmt: skip
        done(request, words.RETURN_ANNOUNCED % {"number": lists.one(return_id).number})
        return redirect("orders-staff:return", return_id)
    deduction = _deduction(request, typed, order.currency)
    brought = [
        Brought(line.id, reason, deduction=deduction if place == 0 else None, **{condition: count})
        for place, (line, count, reason, condition) in enumerate(chosen)
    ]
    with transactions.transaction():
        if step == "exchange":
            taken = counter.exchange(order.id, brought, _instead(typed), store.id, by=by, at=at, overridden=overridden)
        else:
            taken = counter.take_back(order.id, brought, store.id, by=by, at=at, overridden=overridden)
    if step == "exchange":
        difference = taken.more_minor - taken.refunded.amount_minor
        done(request, words.EXCHANGED % {"amount": order_page.amount(difference, order.currency)})
        return redirect("orders-staff:order", order.id)
    given = order_page.amount(taken.refunded.amount_minor, order.currency)
    done(request, words.TAKEN_BACK % {"number": lists.one(taken.return_id).number, "amount": given})
    return redirect("orders-staff:return", taken.return_id)


def _instead(typed: QueryDict) -> dict[int, int]:
    code = typed.get("instead", "").strip()
    if not code:
        raise InvalidInput(_("Scan what the customer gets instead."))
    found = catalog.product_by_barcode(code)
    product = found[0] if found else catalog.known([code])[code]
    return {product.id: _whole(typed.get("instead-count", "") or "1", product.name)}


def _deduction(request: HttpRequest, typed: QueryDict, currency: str) -> Deduction | None:
    text = typed.get("deduction", "").strip()
    if not text or not shell.may(request, Permission.REFUND_ORDERS):
        return None
    return Deduction(_minor(text, currency), typed.get("deduction-reason", "").strip())


@require_GET
@at_store(Permission.TAKE_RETURNS)
def one(request: HttpRequest, store: shell.Store, return_id: UUID) -> HttpResponse:
    """Show a return with what can be done with it."""
    try:
        found = lists.one(return_id)
    except ReturnNotFound:
        return not_here(request)
    if not return_access.sees(request, store, found):
        return not_here(request)
    return _show(request, store, found)


def _show(request: HttpRequest, store: shell.Store, found: ReturnView, *, problem: str = "") -> HttpResponse:
    facts = {
        "one": found,
        "shown": return_page.listed([found])[0],
        "lines": return_page.lines(found),
        "actions": found.allowed_actions if return_access.may_step(request, found) else [],
        "may_deduct": shell.may(request, Permission.REFUND_ORDERS),
        "conditions": words.CONDITIONS.items(),
        "store": store,
        "problem": problem,
        "label": labels.of_returns([found.id]).get(found.id),
        "carriers": [{"code": code, "name": one.name} for code, one in directory.all_of_them().items()],
        "needs_label": found.state is ReturnState.ANNOUNCED and not found.keeps_goods,
        "currency": found.currency,
    }
    return render(request, "orders/return.html", facts, status=422 if problem else 200)


@require_POST
@at_store(Permission.TAKE_RETURNS)
def step(request: HttpRequest, store: shell.Store, return_id: UUID, step: str) -> HttpResponse:
    """Take one step with a return."""
    try:
        found = lists.one(return_id)
    except ReturnNotFound:
        return not_here(request)
    if not (return_access.sees(request, store, found) and return_access.may_step(request, found)):
        return not_here(request)
    try:
        act = _step(request, store, found, step)
        if act is None:
            return not_here(request)
        with transactions.transaction():
            act()
    except InvalidInput as invalid:
        return _show(request, store, lists.one(return_id), problem=invalid.message)
    except CommerceError as refusal:
        return _show(request, store, lists.one(return_id), problem=f"{refusals.sentence(refusal)} ({refusal.message})")
    done(request, words.RETURN_STEPPED % {"number": found.number})
    return redirect("orders-staff:return", return_id)


def _step(request: HttpRequest, store: shell.Store, found: ReturnView, step: str) -> Callable[[], object] | None:
    by, at, typed = shell.actor(request), clock.now(), request.POST
    match step:
        case "send":
            return lambda: files.send(found.id, typed.get("label", "").strip(), by=by, at=at)
        case "receive":
            return lambda: files.receive(found.id, store.id, by=by, at=at)
        case "inspect":
            seen = {
                line.id: Found(
                    *(
                        _whole(typed.get(f"{name}-{line.id}", "") or "0", line.name)
                        for name in ("sellable", "quality_control", "damaged", "missing")
                    )
                )
                for line in found.live
            }
            return lambda: files.inspect(found.id, seen, by=by, at=at)
        case "refund":
            deductions = {}
            for line in found.live:
                text = typed.get(f"deduction-{line.id}", "").strip()
                if text and shell.may(request, Permission.REFUND_ORDERS):
                    reason = typed.get(f"deduction-reason-{line.id}", "").strip()
                    deductions[line.id] = Deduction(_minor(text, found.currency), reason)
            return lambda: refunding.refund(found.id, deductions, by=by, at=at)
        case "refuse":
            return lambda: files.refuse(found.id, typed.get("reason", ""), by=by, at=at)
        case "cancel":
            return lambda: files.cancel(found.id, typed.get("reason", ""), by=by, at=at)
    return None


@require_POST
@at_store(Permission.VIEW_ORDERS)
def goodwill(request: HttpRequest, store: shell.Store, order_id: UUID) -> HttpResponse:
    """Give a customer something back although nothing comes back; above one's limit a second person agrees first."""
    way_out = reverse("orders-staff:order", args=[order_id])
    try:
        order = queries.order(order_id)
        can = order_views.granted_for(request, order)
        if Permission.VIEW_ORDERS not in can:
            return not_here(request)
        if Permission.REFUND_ORDERS not in can:
            return shell.refuse(request, Permission.REFUND_ORDERS)
        amount = _minor(request.POST.get("amount", ""), order.currency)
        with transactions.transaction():
            given = refunding.goodwill(
                order_id,
                amount,
                request.POST.get("reason", ""),
                permissions=can,
                by=shell.actor(request),
                at=clock.now(),
            )
    except OrderNotFound:
        return not_here(request)
    except InvalidInput as invalid:
        shell_problem = _("Goodwill needs an amount such as 5.00 and a reason.") if invalid.errors else invalid.message
        return refused(request, InvalidInput(shell_problem), way_out)
    except CommerceError as refusal:
        return refused(request, refusal, way_out)
    sentence = words.GOODWILL_WAITS if given.is_waiting else words.GOODWILL_GIVEN
    done(request, sentence % {"amount": order_page.amount(amount, order.currency)})
    return redirect(way_out)


@require_POST
@at_store(Permission.APPROVE_REFUNDS)
def decide(request: HttpRequest, store: shell.Store, refund_id: UUID) -> HttpResponse:
    """Agree to what somebody else asked for, or not."""
    way_out = reverse("orders-staff:returns")
    order_id = OrderRefund.objects.filter(pk=refund_id).values_list("order_id", flat=True).first()
    can = order_views.granted_for(request, queries.order(order_id)) if order_id else frozenset()
    if Permission.APPROVE_REFUNDS not in can:
        return not_here(request)
    decision = request.POST.get("decision", "")
    if decision not in ("grant", "decline"):
        return refused(request, InvalidInput(_("Choose whether the money is given back or not.")), way_out)
    try:
        with transactions.transaction():
            refunding.decide(refund_id, decision == "grant", permissions=can, by=shell.actor(request), at=clock.now())
    except CommerceError as refusal:
        return refused(request, refusal, way_out)
    done(request, str(words.DECIDED))
    return redirect(way_out)


def _minor(text: str, currency: str) -> int:
    """Read an amount as people type it. Raises: InvalidInput."""
    try:
        value = Decimal(text.strip().replace("€", "").replace(" ", "").replace(",", "."))
        minor = value.scaleb(money.exponent(currency))
        if minor != minor.to_integral_value() or not 0 < minor < 10**12:
            raise InvalidOperation
        return int(minor)
    except InvalidOperation as error:
        raise InvalidInput(
            _("“%(text)s” is not an amount. Write it like 12.50.") % {"text": text[:20]},
            errors=[{"field": "amount", "value": text[:20], "message": "not an amount"}],
        ) from error


def _whole(text: str, name: str) -> int:
    if not text.strip().isascii() or not text.strip().isdigit():
        raise InvalidInput(_("%(name)s: enter a whole number.") % {"name": name})
    return int(text.strip()[:6])


def _of(kind: type[Reason], text: str) -> Reason:
    try:
        return kind(text)
    except ValueError as error:
        raise InvalidInput(_("Choose why the goods come back.")) from error
