"""The pickup counter: the queue of the current store, its steps, and the hand-over against a code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commerce import clock, transactions
from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.staff import refusals, shell
from inventory.places import locations
from orders import age_checks, arrivals, pickup, promises, shipping, to_store, visits
from orders.lifecycle import FETCHED, SENT, Action, Method, State, after
from orders.notifications import gateways
from orders.staff import board, forms, pick_list, words

PAGE = "base.html"
FRAGMENT = "orders/fragment.html"  # the same template, only its middle
WINDOWS_AHEAD = 4
DAYS_AHEAD = 3

View = Callable[..., HttpResponse]


def at_store(permission: Permission) -> Callable[[View], View]:
    """Guard a view and give it the current store."""

    def guarded(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            store = shell.current_store(request)
            if store is None:
                return shell.refuse(request, permission)
            return view(request, store, *args, **kwargs)

        return shell.require(permission)(answer)

    return guarded


def not_here(request: HttpRequest, *, base: str = PAGE) -> HttpResponse:
    """Say that there is no such order at this store, without saying whether it exists elsewhere."""
    return render(request, "orders/not_here.html", {"base": base}, status=404)


def refused(request: HttpRequest, error: CommerceError, way_out: str) -> HttpResponse:
    """Say the refusal on the page where the person can go on."""
    messages.error(request, refusals.sentence(error))
    return redirect(way_out)


def done(request: HttpRequest, sentence: str) -> None:
    messages.success(request, sentence)


# --- the queue ------------------------------------------------------------------------------------------------------


_NOBODY = str(UUID(int=0))


@cache
def _pattern(name: str) -> str:
    return reverse(f"orders-staff:{name}", args=[_NOBODY])


def address(name: str, one: UUID) -> str:
    """Return the address of a pickup or an order; a long queue asks for hundreds, so only the ids are put in anew."""
    return _pattern(name).replace(_NOBODY, str(one))


@dataclass(frozen=True, slots=True)
class Button:
    """What can be done with a card: a page to open, or a step to take (`posts`)."""

    label: str
    icon: str
    url: str
    posts: bool = False
    is_primary: bool = True


@dataclass(frozen=True, slots=True)
class Task:
    """A card with its one next action, and at most one other."""

    card: board.Card
    next: Button | None
    other: Button | None

    @property
    def order_url(self) -> str:
        return address("order", self.card.order_id)


@require_GET
@at_store(Permission.WORK_PICKUPS)
def queue(request: HttpRequest, store: shell.Store) -> HttpResponse:
    """Show the queue of the current store."""
    return render(request, "orders/queue.html", {"base": PAGE, **_queue_facts(request, store)})


@require_GET
@at_store(Permission.WORK_PICKUPS)
def queue_board(request: HttpRequest, store: shell.Store) -> HttpResponse:
    """Show only the board, or nothing when it still looks as the page knows it (304)."""
    etag = _etag(request, store)
    if request.headers.get("If-None-Match") == etag:
        response: HttpResponse = HttpResponseNotModified()
    else:
        response = render(request, "orders/queue.html", {"base": FRAGMENT, **_queue_facts(request, store, etag=etag)})
    response["ETag"] = etag
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _etag(request: HttpRequest, store: shell.Store) -> str:
    seen_by = f"{request.user.pk}.{get_language()}.{urlencode(sorted(_shown(request).items()))}"
    return f'"{board.version(store.id, at=clock.now())}.{store.id}.{seen_by}"'


def _shown(request: HttpRequest) -> dict[str, int]:
    keys = [*board.COLUMNS, board.PUT_BACK]
    return {
        key: int(request.GET[key])
        for key in keys
        if request.GET.get(key, "").isascii() and request.GET.get(key, "").isdigit()
    }


def _queue_facts(request: HttpRequest, store: shell.Store, *, etag: str | None = None) -> dict[str, Any]:
    at = clock.now()
    shown = _shown(request)
    etag = etag or _etag(
        request, store
    )  # before the cards: if it is too old then, the next poll just brings them again
    read = board.read(store.id, at=at, shown=shown)
    may_take_over = shell.may(request, Permission.TAKE_OVER_PICKUPS)
    columns = [
        {
            "column": column,
            "tasks": [_task(card, request.user.pk, may_take_over=may_take_over) for card in column.cards],
            "more_url": "?" + urlencode({**shown, column.key: column.next_shown}) if column.can_grow else "",
        }
        for column in (*read.columns, read.put_back)
    ]
    return {
        "board": read,
        "columns": columns[:-1],
        "put_back": columns[-1],
        "etag": etag,
        "clock_words": board.CLOCK_WORDS,
        "board_url": f"{reverse('orders-staff:board')}?{urlencode(shown)}",
        "windows": _next_windows(store) if not read.waiting else [],
        "may_view_orders": shell.may(request, Permission.VIEW_ORDERS),
        "push_key": gateways.push_key(),
    }


def _next_windows(store: shell.Store) -> list[dict[str, Any]]:
    """Return the next pickup windows with their load, for the quiet moment."""
    place = locations.by_id(store.id)
    windows = promises.windows(place, Method.PICKUP, at=clock.now(), days=DAYS_AHEAD)[:WINDOWS_AHEAD]
    return [{"window": window, "booked": window.capacity - window.left} for window in windows]


def _task(card: board.Card, user_id: int | None, *, may_take_over: bool) -> Task:
    def url(name: str) -> str:
        return address(name, card.id)

    if card.is_on_hold and card.column != board.PUT_BACK:
        return Task(card, None, None)  # its order page says why, and lets it go on
    hand_over = Button(_("Hand over"), "hand-helping", url("hand-over"))
    match card.column:
        case "new":
            return Task(card, Button(_("Accept and pick"), "user-check", url("accept"), posts=True), None)
        case "picking" if card.holder_id == user_id or not card.is_held:
            return Task(card, Button(_("Pick on"), "scan-barcode", url("pick")), None)
        case "picking" if may_take_over:
            return Task(card, None, Button(_("Take over"), "users", url("take-over"), posts=True, is_primary=False))
        case "picking":
            return Task(card, None, None)
        case "ready" if card.state == State.UNDER_WAY.value:
            return Task(card, Button(_("Take in"), "package-check", reverse("orders-staff:arrivals")), None)
        case "ready" if card.state == State.PICKED.value:
            give = Button(_("Send as it is"), "truck", url("send-to-store"), posts=True, is_primary=False)
            return Task(card, Button(_("Pack"), "package", url("pack")), give)
        case "ready" if card.method not in FETCHED:
            give = Button(_("Give to the carrier"), "truck", url("ship"), is_primary=False)
            return Task(card, Button(_("Pack"), "package", url("pack")), give)
        case "ready" if card.method == Method.CURBSIDE.value:
            return Task(card, hand_over, Button(_("Is outside"), "car", url("arrive"), is_primary=False))
        case "ready" | "outside":
            return Task(card, hand_over, None)
        case _ if after(card.state, Action.HAND_OVER):
            back = Button(_("Back on the shelf"), "undo-2", url("return-to-stock"), posts=True)
            return Task(card, back, replace(hand_over, is_primary=False))
        case _ if card.was_sent:  # called off on the way: its parcels are taken in first
            return Task(card, Button(_("Take in"), "package-check", reverse("orders-staff:arrivals")), None)
        case _:
            return Task(card, Button(_("Back on the shelf"), "undo-2", url("put-back"), posts=True), None)


# --- steps ----------------------------------------------------------------------------------------------------------


def take(request: HttpRequest, verb: Callable[..., Any], *args: Any, **more: Any) -> Any:
    """Call one verb of the floor in one transaction, signed by the person. Raises what the verb raises."""
    with transactions.transaction():
        return verb(*args, user=request.user, by=shell.actor(request), at=clock.now(), **more)


def _back(request: HttpRequest, card: board.Card) -> str:
    """Return the page that a step was taken from."""
    if request.POST.get("from") == "order":
        return reverse("orders-staff:order", args=[card.order_id])
    if request.POST.get("from") == "arrivals":
        return reverse("orders-staff:arrivals")
    return reverse("orders-staff:queue")


@require_POST
@at_store(Permission.WORK_PICKUPS)
def step(request: HttpRequest, store: shell.Store, fulfilment_id: UUID, *, name: str) -> HttpResponse:
    """Take one step of the lifecycle that needs no more input."""
    card = board.card(fulfilment_id, store.id, at=clock.now())
    if card is None:
        return not_here(request)
    verb, sentence, goes_on = STEPS[name]
    try:
        take(request, verb, fulfilment_id)
    except CommerceError as error:
        return refused(request, error, _back(request, card))
    if sentence is words.IS_READY and card.method in SENT:
        sentence = words.IS_PICKED  # nobody fetches it: it is packed and sent
    if sentence:
        done(request, str(sentence) % {"number": card.number})
    return redirect("orders-staff:pick", fulfilment_id) if goes_on else redirect(_back(request, card))


def _mark_no_show(fulfilment_id: UUID, *, user: object, by: Actor, at: datetime) -> None:
    pickup.mark_no_show(fulfilment_id, by=by, at=at)


# name: verb, what it is answered with, whether picking goes on from there
STEPS: Mapping[str, tuple[Callable[..., Any], words.Text, bool]] = {
    "accept": (pickup.accept, "", True),
    "take-over": (pickup.take_over, "", True),
    "release": (pickup.release, words.RELEASED, False),
    "ready": (pickup.mark_ready, words.IS_READY, False),
    "finish-picking": (to_store.finish, words.PICKED_FOR_STORE, False),
    "send-to-store": (to_store.send, words.SENT_TO_STORE, False),
    "receive": (arrivals.receive, words.IS_READY, False),
    "give-out": (arrivals.give_out, words.GIVEN_OUT, False),
    "no-show": (_mark_no_show, words.NOT_COLLECTED, False),
    "return-to-stock": (pickup.return_to_stock, words.RETURNED, False),
    "put-back": (pickup.put_back, words.PUT_BACK, False),
}


@require_http_methods(["GET", "POST"])
@at_store(Permission.WORK_PICKUPS)
def note(request: HttpRequest, store: shell.Store, fulfilment_id: UUID, *, name: str) -> HttpResponse:
    """Take one step of the lifecycle that is noted with one more fact: where somebody waits, what the carrier calls it."""
    card = board.card(fulfilment_id, store.id, at=clock.now())
    if card is None:
        return not_here(request)
    verb, form_class, title, icon, sentence = NOTES[name]
    form = form_class(request.POST or None, initial={"bay": card.bay})
    if request.method == "POST" and form.is_valid():
        try:
            take(request, verb, fulfilment_id, **form.cleaned_data)
        except CommerceError as error:
            return refused(request, error, _back(request, card))
        done(request, str(sentence) % {"number": card.number})
        return redirect(_back(request, card))
    facts = {"card": card, "form": form, "title": title, "icon": icon}
    return render(request, "orders/note.html", facts, status=422 if form.errors else 200)


def _arrive(fulfilment_id: UUID, *, user: object, by: Actor, at: datetime, bay: str) -> None:
    visits.seen_outside(fulfilment_id, bay=bay, by=by, at=at)


# name: verb, form, title, icon, what it is answered with
NOTES: Mapping[str, tuple[Callable[..., Any], type[Form], words.Text, str, words.Text]] = {
    "arrive": (_arrive, forms.ArriveForm, words.IS_OUTSIDE, "car", words.OUTSIDE),
    "ship": (shipping.ship, forms.ShipForm, words.TO_CARRIER, "truck", words.SHIPPED),
}


# --- hand-over ------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@at_store(Permission.WORK_PICKUPS)
def find_by_code(request: HttpRequest, store: shell.Store) -> HttpResponse:
    """Open the hand-over of the order that a customer's code belongs to."""
    form = forms.CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"]
        fulfilment_id = board.by_code(code, store.id)
        if fulfilment_id is not None:
            return redirect(f"{reverse('orders-staff:hand-over', args=[fulfilment_id])}?{urlencode({'code': code})}")
        form.add_error("code", _("No order at this store waits for this code. Check the code and the store."))
    status = 422 if form.errors else 200
    return render(request, "orders/hand_over.html", {"form": form, "may_hand_over": True}, status=status)


@require_http_methods(["GET", "POST"])
@at_store(Permission.WORK_PICKUPS)
def hand_over(request: HttpRequest, store: shell.Store, fulfilment_id: UUID) -> HttpResponse:
    """Give the goods to whoever shows the code; afterwards say that it worked and what is next."""
    picked = pick_list.read(fulfilment_id, store.id, at=clock.now())
    if picked is None:
        return not_here(request)
    card = picked.card
    facts: dict[str, Any] = {"card": card, "lines": [line for line in picked.lines if line.picked]}
    if card.state == State.HANDED_OVER.value:
        facts["columns"] = [column for column in board.read(store.id, at=clock.now()).columns if column.total]
        return render(request, "orders/hand_over.html", {**facts, "is_done": True})
    facts["minimum_age"] = age_checks.required(line.product_id for line in picked.lines if line.wanted_now)
    is_of_age = "is_of_age" in request.POST
    is_checked = "checked" in request.POST  # a manager looked at who collects, instead of at the code
    code = forms.CodeForm(
        request.POST if request.method == "POST" and not is_checked else None,
        initial={"code": forms.code_in(request.GET.get("code", ""))},
    )
    checked = forms.CheckedForm(request.POST if is_checked else None)
    form = checked if is_checked else code
    if request.method == "POST" and form.is_valid():
        try:
            if is_checked:
                reason = checked.cleaned_data["reason"]
                take(request, pickup.hand_over_checked, fulfilment_id, reason=reason, is_of_age=is_of_age)
                return redirect("orders-staff:hand-over", fulfilment_id)
            given = take(request, pickup.hand_over, fulfilment_id, code.cleaned_data["code"], is_of_age=is_of_age)
            if given.is_done:
                return redirect("orders-staff:hand-over", fulfilment_id)
            code.add_error("code", words.wrong_code(given.attempts_left))
        except CommerceError as error:
            form.add_error(None, refusals.sentence(error))
    facts.update(
        form=code,
        checked=checked,
        may_hand_over=after(card.state, Action.HAND_OVER) is not None and not card.is_on_hold,
        may_check=shell.may(request, Permission.TAKE_OVER_PICKUPS),
    )
    return render(request, "orders/hand_over.html", facts, status=422 if form.errors else 200)
