"""What the order screen shows: the order, its parts and what may be done with them, and its story."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from babel.numbers import format_currency
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from commerce import money
from commerce.roles import Permission
from customers import queries as customers
from inventory.places import locations
from orders import pickup_moves, queries
from orders.hold_kinds import RELEASED_WITH, may_release
from orders.holds import Hold
from orders.lifecycle import COLLECTED, SENT, UNDELIVERED, Action, State
from orders.models import Fulfilment
from orders.packing import consignments
from orders.packing.consignments import Companion
from orders.pickup import normalised
from orders.queries import FulfilmentLineView, FulfilmentView, LineView, OrderView
from orders.staff import words
from pricing.terms import StepKind

PAGE_SIZE = 25
LONGEST_CODE = 12
SHORTEST_PHONE = 6

# Which actions have a button on the order screen, what leads on first, with the name of their address.
BUTTONS: dict[Action, tuple[words.Text, str, str]] = {
    Action.ACCEPT: (gettext_lazy("Accept and pick"), "user-check", "accept"),
    Action.PICK: (gettext_lazy("Pick"), "scan-barcode", "pick"),
    Action.RECEIVE: (gettext_lazy("It is here"), "package-check", "receive"),
    Action.HAND_OVER: (gettext_lazy("Hand over"), "hand-helping", "hand-over"),
    Action.SHIP: (gettext_lazy("Give to the carrier"), "truck", "ship"),
    Action.ARRIVE: (gettext_lazy("Is outside"), "car", "arrive"),
    Action.RETURN_TO_STOCK: (gettext_lazy("Put back on sale"), "undo-2", "return-to-stock"),
    Action.MARK_NO_SHOW: (gettext_lazy("Nobody came"), "user-x", "no-show"),
    Action.RELEASE: (gettext_lazy("Give back to the queue"), "undo-2", "release"),
}
PAGES = {"pick", "arrive", "hand-over", "ship"}  # these open a page; the others are steps


def amount(minor: int, currency: str) -> str:
    """Write an amount as the reader's language does."""
    value = Decimal(minor).scaleb(-money.exponent(currency))
    return format_currency(value, currency, locale=get_language() or "de")


@dataclass(frozen=True, slots=True)
class Part:
    """A line of the order within one fulfilment: what it is, how far it is, what it costs."""

    sku: str
    name: str
    quantity: int
    unit_price: str
    total: str
    state: words.Word
    note: str
    is_gone: bool
    kit: str = ""  # the kits that it goes into, if it was not ordered by itself


@dataclass(frozen=True, slots=True)
class Move:
    """A button for an allowed action; `address` is the name of its address."""

    label: words.Text
    icon: str
    address: str
    is_page: bool


@dataclass(frozen=True, slots=True)
class Section:
    """One fulfilment on the order screen."""

    view: FulfilmentView
    state: words.Word
    method: words.Word
    place: locations.LocationRef
    parts: list[Part]
    moves: list[Move]
    is_here: bool
    company: list[Companion]  # other orders that travel in the same parcel


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the story: what happened, who did it, when, and why."""

    word: words.Word
    kind: str  # step, picking
    facts: str
    actor: words.Word
    who: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """A hold on the order screen, and whether the reader may end it."""

    hold: Hold
    word: words.Word
    may_release: bool

    @property
    def is_risk(self) -> bool:
        """Whether ending it takes somebody who answers for the risk."""
        return RELEASED_WITH[self.hold.kind] is Permission.RELEASE_RISK_HOLDS


def held(found: Iterable[Hold], can: frozenset[Permission]) -> list[Held]:
    """Return the open holds with what the reader may do about them."""
    return [Held(one, words.word(words.HOLDS, one.kind.value), may_release(one.kind, can)) for one in found]


PICKING_STEPS = frozenset({"scan", "set_picked", "reject_line"})


def sections(
    order: OrderView, *, store_id: int, can: frozenset[Permission], user_id: int | None, at: datetime
) -> list[Section]:
    """Return the parts of an order; a part has buttons only where the reader works now and may do the work."""
    lines = {line.id: line for line in order.lines}
    shares = _shares(order)
    sent = [view.id for view in order.fulfilments if view.method in SENT and State(view.state) in consignments.ALONG]
    company = consignments.companions(sent) if sent else {}
    return [
        Section(
            view=view,
            state=words.word(words.STATES, view.state),
            method=words.word(words.METHODS, view.method),
            place=view.location,
            parts=[
                _part(
                    order,
                    lines[line.order_line_id],
                    line,
                    view.state,
                    is_first=not number or view.lines[number - 1].order_line_id != line.order_line_id,
                    owed_minor=shares.get((view.id, line.order_line_id), 0),
                )
                for number, line in enumerate(view.lines)
            ],
            moves=_moves(view, user_id=user_id, at=at)
            if view.location_id == store_id and Permission.WORK_PICKUPS in can
            else [],
            is_here=view.location_id == store_id,
            company=company.get(view.id, []),
        )
        for view in order.fulfilments
    ]


def _moves(view: FulfilmentView, *, user_id: int | None, at: datetime) -> list[Move]:
    is_held = view.lease_expires_at is not None and view.lease_expires_at > at and view.lease_holder_id != user_id
    moves = []
    for action, (label, icon, name) in BUTTONS.items():
        if action not in view.allowed_actions:
            continue
        if action in (Action.PICK, Action.RELEASE) and is_held:
            continue  # a colleague picks it; the picking page says who, and lets a manager take over
        if action is Action.MARK_NO_SHOW and (view.keep_until is None or view.keep_until > at):
            continue
        moves.append(Move(label, icon, f"orders-staff:{name}", name in PAGES))
    if view.method in COLLECTED and view.state in pickup_moves.TO_OTHER_WINDOWS:
        moves.append(Move(_("Move the pickup"), "calendar-sync", "orders-staff:move-pickup", True))
    if view.state == State.CANCELLED.value and view.is_on_shelf:
        moves.append(Move(_("Off the pickup shelf"), "undo-2", "orders-staff:put-back", False))
    return moves


def _shares(order: OrderView) -> dict[tuple[UUID, UUID], int]:
    """Return what each fulfilment's pieces of each line come to: together exactly what the line still does."""
    units: dict[UUID, dict[UUID, int]] = {}
    for view in order.fulfilments:
        is_off = State(view.state) in UNDELIVERED
        for one in view.lines:
            count = 0 if is_off else (one.quantity - one.rejected) // one.per_unit
            units.setdefault(one.order_line_id, {})[view.id] = count
    shares: dict[tuple[UUID, UUID], int] = {}
    for line in order.lines:
        parts = units.get(line.id, {})
        if sum(parts.values()):
            split = money.split_minor(line.remaining_minor, list(parts.values()))
            shares |= {(view_id, line.id): minor for view_id, minor in zip(parts, split, strict=True)}
    return shares


def _part(
    order: OrderView, line: LineView, part: FulfilmentLineView, state: str, *, is_first: bool, owed_minor: int
) -> Part:
    """Return a part as the page shows it; what a kit costs stands at the first of its goods."""
    kept = part.quantity - part.rejected
    note = ""
    reason = str(words.REASONS.get(part.reject_reason, part.reject_reason))
    if part.short:
        note = _("%(pieces)s missing: %(reason)s") % {"pieces": part.short, "reason": reason}
    elif part.called_off:
        note = _("%(pieces)s less: %(reason)s") % {"pieces": part.called_off, "reason": reason}
    if not kept:
        shown = words.word(words.STATES, (State.REJECTED if part.short else State.CANCELLED).value)
    elif state in (State.ACCEPTED.value, State.PICKING.value):
        text = _("%(picked)s of %(wanted)s picked") % {"picked": part.picked, "wanted": kept}
        shown = words.Word(
            text, "check" if part.picked == kept else "scan-barcode", "ok" if part.picked == kept else "busy"
        )
    else:
        shown = words.word(words.STATES, state)
    is_of_kit = part.product_id != line.product_id
    return Part(
        sku=part.sku,
        name=part.name,
        quantity=part.quantity,
        unit_price="" if is_of_kit else amount(line.unit_price_minor, order.currency),
        total="" if is_of_kit and not is_first else amount(owed_minor, order.currency),
        kit=f"{part.quantity // part.per_unit} × {line.name}" if is_of_kit else "",
        state=shown,
        note=note,
        is_gone=not kept or state == State.CANCELLED.value,
    )


@dataclass(frozen=True, slots=True)
class Price:
    """One step of how the total came about."""

    sku: str
    text: str
    amount: str


def prices(order: OrderView) -> list[Price]:
    """Return the steps that the total is made of, as they were when the order was placed."""
    told = [(line.get("sku", ""), step) for line in order.pricing.get("lines", []) for step in line.get("steps", [])]
    told += [("", step) for step in order.pricing.get("steps", [])]
    return [
        Price(sku, _price_step(step, order.currency), amount(step.get("amount_minor", 0), order.currency))
        for sku, step in told
    ]


def _price_step(step: Mapping[str, Any], currency: str) -> str:
    """Say a step in the reader's language; what merchandisers named themselves is said as they named it."""
    reason = str(step.get("reason", ""))
    quantity, times, _listed = reason.partition(" × ")
    if step.get("kind") == StepKind.PRICE and times and quantity.isdecimal() and int(quantity):
        return f"{quantity} × {amount(step.get('amount_minor', 0) // int(quantity), currency)}"
    return str(words.PRICE_STEPS.get(step.get("kind", ""), reason))


# --- the story ------------------------------------------------------------------------------------------------------


def story(entries: Iterable[Any], *, show: str = "") -> list[Entry]:
    """Return what happened, newest first; `show` keeps one kind."""
    told = [_entry(entry) for entry in entries]
    return [entry for entry in reversed(told) if not show or entry.kind == show]


def _entry(entry: Any) -> Entry:
    name = entry.verb.rsplit(".", 1)[-1]
    after: Mapping[str, Any] = entry.after or {}
    actor = words.word(words.ACTORS, entry.actor_kind)
    return Entry(
        word=words.step(entry.verb, after),
        kind="picking" if name in PICKING_STEPS else "step",
        facts=_facts(after),
        actor=actor,
        who=entry.actor_label if entry.actor_kind in ("staff", "channel") else str(actor.text),
        at=entry.recorded_at,
        reason=words.reason(entry.reason),
    )


def _facts(after: Mapping[str, Any]) -> str:
    """Say what a step is about, as far as the journal's facts are meant for people."""
    said = [str(after[key]) for key in ("sku", "tracking_number") if after.get(key)]
    for key, text in words.COUNTED.items():
        if isinstance(after.get(key), int) and not isinstance(after.get(key), bool) and after[key]:
            said.append(str(text) % {"count": after[key]})
    if not after.get("sku") and after.get("scanned"):
        said.append(str(after["scanned"]))
    return " · ".join(said)


# --- finding --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """One order in the list."""

    order: OrderView
    status: words.Word
    total: str
    places: str
    due_at: datetime | None


def find(
    text: str,
    *,
    location_ids: list[int] | None,
    country: str = "",
    contacts_at: Sequence[int] | None = (),
    with_unrouted: bool = False,
    before: tuple[datetime, UUID] | None = None,
    at_most: int = PAGE_SIZE,
) -> list[Found]:
    """Return orders newest first: by number, the channel's reference or the pickup code; without text, the latest.

    `location_ids` are where the reader may look (None: everywhere); `contacts_at` where they may see customers, so that
    e-mail and phone find orders too. `with_unrouted` finds those as well that are nowhere yet.
    """
    chosen = queries.select(location_ids=location_ids, with_unrouted=with_unrouted).order_by("-placed_at", "-id")
    if text:
        named = Q(pk__in=[*queries.ids_named(text), *_by_code(text, location_ids)])
        chosen = chosen.filter(named | _of_contact(text, country, contacts_at))
    if before is not None:
        chosen = chosen.filter(Q(placed_at__lt=before[0]) | Q(placed_at=before[0], id__lt=before[1]))
    return [found(order) for order in queries.views(list(chosen[:at_most]))]


def _of_contact(text: str, country: str, location_ids: Sequence[int] | None) -> Q:
    """Return the condition that an order belongs to whom this e-mail or phone points to, however it is written."""
    digits = sum(character.isdigit() for character in text)
    if location_ids is not None and not location_ids:
        return Q(pk__in=[])
    if "@" not in text and digits < SHORTEST_PHONE:
        return Q(pk__in=[])
    theirs = Q(customer_id__in=[one.id for one in customers.search(text, country=country)])
    if location_ids is None:
        return theirs
    return theirs & Q(Exists(Fulfilment.objects.filter(order_id=OuterRef("pk"), location_id__in=location_ids)))


def _by_code(text: str, location_ids: list[int] | None) -> list[UUID]:
    code = normalised(text)
    if not 4 <= len(code) <= LONGEST_CODE:
        return []
    kept = Q(state__in=["placed", "accepted", "picking", "picked", "under_way", "ready", "arrived", "no_show"]) | Q(
        is_on_shelf=True
    )
    chosen = Fulfilment.objects.filter(kept, pickup_code=code)
    if location_ids is not None:
        chosen = chosen.filter(location_id__in=location_ids)
    return list(chosen.values_list("order_id", flat=True)[:PAGE_SIZE])


def found(order: OrderView) -> Found:
    return Found(
        order=order,
        status=words.word(words.STATUSES, order.status.value),
        total=amount(order.total_minor, order.currency),
        places=", ".join(sorted({view.location.name for view in order.fulfilments})),
        due_at=min((view.promised_at for view in order.fulfilments), default=None),
    )
