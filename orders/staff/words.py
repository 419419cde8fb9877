"""What the screens call things: states, methods, steps and reasons, in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from orders.hold_kinds import HoldKind
from orders.lifecycle import Method, OrderStatus, State
from orders.return_states import Reason as ReturnReason
from orders.return_states import ReturnState
from pricing.terms import StepKind

Text: TypeAlias = "str | Promise"


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its icon and the tone of its badge: state is never told by colour alone."""

    text: Text
    icon: str
    tone: str = "info"


STATES: dict[str, Word] = {
    State.PLACED.value: Word(_("New"), "inbox", "new"),
    State.ACCEPTED.value: Word(_("Accepted"), "user-check", "busy"),
    State.PICKING.value: Word(_("Picking"), "scan-barcode", "busy"),
    State.PICKED.value: Word(_("Picked for another store"), "package", "info"),
    State.UNDER_WAY.value: Word(_("On the way to the store"), "truck", "busy"),
    State.READY.value: Word(_("Ready"), "package-check", "ok"),
    State.ARRIVED.value: Word(_("Waiting outside"), "car", "warn"),
    State.HANDED_OVER.value: Word(_("Handed over"), "check-check", "done"),
    State.SHIPPED.value: Word(_("Shipped"), "truck", "done"),
    State.REJECTED.value: Word(_("Not deliverable"), "ban", "bad"),
    State.NO_SHOW.value: Word(_("Not collected"), "user-x", "warn"),
    State.RETURNED_TO_STOCK.value: Word(_("Back in stock"), "undo-2", "done"),
    State.CANCELLED.value: Word(_("Cancelled"), "circle-x", "bad"),
}

METHODS: dict[str, Word] = {
    Method.PICKUP.value: Word(_("Counter"), "store"),
    Method.CURBSIDE.value: Word(_("Kerbside"), "car"),
    Method.SHIP.value: Word(_("Parcel"), "truck"),
    Method.SAME_DAY.value: Word(_("Same day"), "bike"),
    Method.SHIP_TO_STORE.value: Word(_("To the store"), "package"),
}

# What the whole order is called; computed by orders.lifecycle from its fulfilments.
STATUSES: dict[str, Word] = {
    OrderStatus.OPEN.value: Word(_("Open"), "inbox", "new"),
    OrderStatus.IN_PROGRESS.value: Word(_("In progress"), "scan-barcode", "busy"),
    OrderStatus.READY.value: Word(_("Ready"), "package-check", "ok"),
    OrderStatus.NOT_COLLECTED.value: Word(_("Not collected"), "user-x", "warn"),
    OrderStatus.COMPLETED.value: Word(_("Completed"), "check-check", "done"),
    OrderStatus.RETURNED.value: Word(_("Back in stock"), "undo-2", "done"),
    OrderStatus.REJECTED.value: Word(_("Not deliverable"), "ban", "bad"),
    OrderStatus.CANCELLED.value: Word(_("Cancelled"), "circle-x", "bad"),
}

# Why an order may have to stand still.
HOLDS: dict[str, Word] = {
    HoldKind.FRAUD.value: Word(_("Suspicion of fraud"), "shield-alert", "bad"),
    HoldKind.PAYMENT.value: Word(_("Payment unclear"), "credit-card", "warn"),
    HoldKind.ADDRESS.value: Word(_("Address unclear"), "map-pin-off", "warn"),
    HoldKind.CUSTOMER_ASKED.value: Word(_("The customer asked to wait"), "hand", "warn"),
    HoldKind.GOODS.value: Word(_("Goods unclear"), "package-search", "warn"),
    HoldKind.OTHER.value: Word(_("Other reason"), "pause", "warn"),
}

# What a change of an order means for people; %(back)s and %(more)s are amounts.
CONSEQUENCES: dict[str, Text] = {
    "customer_told": _("The shop is told, and the customer hears of it."),
    "picker_sees_it": _("Somebody is picking it right now and sees the change at the next scan."),
    "put_back": _("What is picked already has to go back on the shelf."),
    "part_cancelled": _("A part of the order is called off altogether."),
    "window_freed": _("Its pickup window is free for somebody else."),
    "new_part": _("A new part comes up in the queue."),
    "order_cancelled": _("Nothing is left: the order is cancelled."),
    "money_back": _("The customer pays %(back)s less; what is paid already goes back the way it came."),
    "money_more": _("The customer has to pay %(more)s more."),
    "address_changed": _("The parcel goes to the new address."),
    "method_changed": _("It reaches the customer another way; what it was promised for is told anew."),
}

# What is written about a return.
RETURN_STATES: dict[str, Word] = {
    ReturnState.ANNOUNCED.value: Word(_("Announced"), "inbox", "new"),
    ReturnState.IN_TRANSIT.value: Word(_("On its way back"), "truck", "busy"),
    ReturnState.RECEIVED.value: Word(_("To be looked at"), "package-search", "warn"),
    ReturnState.INSPECTED.value: Word(_("To be refunded"), "banknote", "warn"),
    ReturnState.SETTLED.value: Word(_("Settled"), "check-check", "done"),
    ReturnState.REFUSED.value: Word(_("Refused"), "ban", "bad"),
    ReturnState.CANCELLED.value: Word(_("Called off"), "circle-x", "done"),
}
RETURN_FILTERS: dict[str, Text] = {"open": _("Not settled")}
RETURN_REASONS: dict[str, Text] = {
    ReturnReason.WITHDRAWAL.value: _("changed their mind"),
    ReturnReason.DOES_NOT_FIT.value: _("doesn’t fit"),
    ReturnReason.NOT_AS_DESCRIBED.value: _("not as described"),
    ReturnReason.DAMAGED.value: _("arrived damaged"),
    ReturnReason.WRONG_ITEM.value: _("wrong item"),
    ReturnReason.DEFECT.value: _("defective"),
    ReturnReason.OTHER.value: _("other reason"),
}
ORIGINS: dict[str, Text] = {
    "customer": _("by the customer"),
    "channel": _("by the shop"),
    "service": _("by customer service"),
    "counter": _("at the counter"),
}
REFUND_KINDS: dict[str, Text] = {
    "return": _("Return"),
    "claim": _("Claim"),
    "goodwill": _("Goodwill"),
}
CONDITIONS: dict[str, Text] = {
    "sellable": _("as new"),
    "quality_control": _("to be checked"),
    "damaged": _("damaged"),
}

# What a step is answered with; %(number)s is the order's number.
RELEASED = _("%(number)s is back in the queue.")
IS_READY = _("%(number)s is ready. Put it on the pickup shelf; the customer gets the message.")
SENT_TO_STORE = _("%(number)s is on its way to its store.")
IS_PICKED = _("%(number)s is picked. Take it to the packing table.")
PICKED_FOR_STORE = _("%(number)s is picked. Pack it for its store.")
GIVEN_OUT = _("What is here of %(number)s is ready; the rest follows as a part of its own.")
ARRIVED: dict[str, Text] = {
    "ready": _("%(number)s is all here and ready. The customer is told."),
    "partly": _("%(number)s: %(here)s of %(parcels)s parcels are here."),
    "waits": _("%(number)s is all here, but on hold. Once it is released, mark it ready."),
    "put_back": _("%(number)s was called off on the way: all of it is here and goes back on the shelf."),
    "found": _("This parcel of %(number)s had been given up. Its goods are on sale here now: put them on the shelf."),
    "again": _("This parcel of %(number)s is here already."),
}
NOT_COLLECTED = _("%(number)s is noted as not collected. Put the goods back on the shelf.")
RETURNED = _("%(number)s is back on the shelf and on sale again.")
PUT_BACK = _("%(number)s is off the pickup shelf.")
OUTSIDE = _("%(number)s: the customer waits outside.")
IS_OUTSIDE = _("Customer is outside")
TO_CARRIER = _("Give to the carrier")

ON_HOLD = _("%(number)s is on hold. Nothing of it goes to its customer until somebody releases it.")
HOLD_RELEASED = _("%(number)s goes on.")
STILL_HELD = _("%(number)s is still on hold for: %(kinds)s.")
TAKEN_BACK = _("%(number)s is settled: %(amount)s go back to the customer.")
EXCHANGED = _("Exchanged. The new goods wait in the queue; the difference is %(amount)s.")
RETURN_ANNOUNCED = _("%(number)s is announced.")
RETURN_STEPPED = _("%(number)s: noted.")
GOODWILL_GIVEN = _("%(amount)s go back to the customer.")
GOODWILL_WAITS = _("%(amount)s wait for a second person to agree.")
DECIDED = _("Decided. Whoever asked for it sees it on the order.")
ORDER_CHANGED = _("%(number)s is changed. The channel has been told.")
ORDER_CANCELLED = _("%(number)s is cancelled. The goods are free again and the channel has been told.")
SHIPPED = _("%(number)s is with the carrier.")

# A step in the timeline, by the verb's own name in the audit (what follows the last dot, or its whole).
MONEY_STEPS: dict[str, Word] = {
    "authorised": Word(_("Money held"), "lock"),
    "captured": Word(_("Money taken"), "coins"),
    "voided": Word(_("Money let go"), "lock-open"),
    "expired": Word(_("Hold on money ran out"), "clock-alert"),
    "refunded": Word(_("Money given back"), "undo-2"),
    "charged_back": Word(_("Money charged back"), "gavel"),
    "chargeback_won": Word(_("Chargeback won"), "gavel"),
    "fee_charged": Word(_("Provider’s fee known"), "receipt"),
    "extended": Word(_("Money held longer"), "calendar-plus"),
    "failed": Word(_("Payment declined"), "circle-x"),
}

STEPS: dict[str, Word] = {
    "payments.add": Word(_("Payment begun"), "credit-card"),
    "payments.worry": Word(_("A payment needs a look"), "circle-alert"),
    "payments.attach": Word(_("Payment found its order"), "link"),
    "payments.refunds.owe": Word(_("Money owed back"), "undo-2"),
    "place": Word(_("Order placed"), "shopping-bag"),
    "accept": Word(_("Accepted for picking"), "user-check"),
    "release": Word(_("Given back to the queue"), "undo-2"),
    "release_stale": Word(_("Given back to the queue: nobody picked"), "undo-2"),
    "take_over": Word(_("Taken over"), "users"),
    "scan": Word(_("Scanned"), "scan-barcode"),
    "set_picked": Word(_("Counted by hand"), "hand"),
    "reject_line": Word(_("Pieces missing"), "ban"),
    "reject": Word(_("Nothing left to hand over"), "ban"),
    "serve": Word(_("Another place serves what was missing"), "route"),
    "ask": Word(_("The customer is asked what they prefer"), "message-circle-question-mark"),
    "proposals.propose": Word(_("Other goods proposed instead"), "arrow-right-left"),
    "proposals.settle": Word(_("Other goods not taken"), "undo-2"),
    "substitutions.take": Word(_("Other goods come instead"), "arrow-right-left"),
    "wait": Word(_("The customer waits for the missing pieces"), "clock"),
    "settle": Word(_("The missing pieces are settled"), "check"),
    "open_parcel": Word(_("Parcel opened"), "package-open"),
    "close_parcel": Word(_("Parcel weighed and closed"), "package"),
    "empty_parcel": Word(_("Parcel unpacked"), "package-open"),
    "pack_rest": Word(_("Packed without scanning"), "hand"),
    "mark_ready": Word(_("Ready for pickup"), "package-check"),
    "arrive": Word(IS_OUTSIDE, "car"),
    "hand_over": Word(_("Handed over"), "check-check"),
    "hand_over_checked": Word(_("Handed over without the code"), "check-check"),
    "wrong_code": Word(_("Wrong pickup code"), "key-round"),
    "ship": Word(_("Shipped"), "truck"),
    "mark_no_show": Word(_("Not collected in time"), "user-x"),
    "return_to_stock": Word(_("Put back on sale"), "undo-2"),
    "move": Word(_("Pickup moved"), "calendar-sync"),
    "on_my_way": Word(_("Customer on the way"), "navigation"),
    "name_helper": Word(_("Substitute named"), "user-round-check"),
    "erase": Word(_("Visit forgotten"), "eraser"),
    "resend": Word(_("Message sent again"), "send"),
    "packing.delays.follow": Word(_("The carrier needs a day more"), "calendar-clock"),
    "put_back": Word(_("Taken off the pickup shelf"), "undo-2"),
    "cancel": Word(_("Cancelled"), "circle-x"),
    "cancel_order": Word(_("Order cancelled"), "circle-x"),
    "route": Word(_("Store chosen"), "route"),
    "returns.files.announce": Word(_("Return announced"), "undo-2"),
    "returns.files.label": Word(_("Parcel of the return known"), "tag"),
    "returns.files.send": Word(_("Return on its way"), "truck"),
    "returns.files.receive": Word(_("Return received"), "package"),
    "returns.files.inspect": Word(_("Return looked at and booked"), "package-search"),
    "returns.files.refund": Word(_("Return refunded"), "banknote"),
    "returns.files.settle": Word(_("Return settled"), "check-check"),
    "returns.files.refuse": Word(_("Return refused"), "ban"),
    "returns.files.cancel": Word(_("Return called off"), "circle-x"),
    "returns.counter.exchange": Word(_("Exchanged"), "repeat"),
    "returns.refunding.goodwill": Word(_("Goodwill"), "heart-handshake"),
    "returns.refunding.decide": Word(_("Goodwill decided"), "scale"),
    "amendments.changing.confirm": Word(_("Order changed"), "pencil"),
    "holds.place": Word(_("On hold"), "pause", "warn"),
    "holds.release": Word(_("Hold released"), "play"),
}

ACTORS: dict[str, Word] = {
    "staff": Word(_("Staff"), "user"),
    "channel": Word(_("Sales channel"), "globe"),
    "customer": Word(_("Customer"), "smile"),
    "system": Word(_("System"), "cog"),
}

# Why pieces are missing, and why an order was cancelled, by the code in the journal.
REASONS: dict[str, Text] = {
    "not_found": _("not found"),
    "lost": _("lost on the way"),
    "damaged": _("damaged"),
    "other": _("other reason"),
    "cancelled": _("called off"),
    "moved_to_other_part": _("in another part now"),
    "kit_incomplete": _("its kit is incomplete"),
    "customer_asked": _("the customer asked for it"),
    "not_available": _("the goods can’t be had"),
    "duplicate": _("ordered twice by mistake"),
    "fraud_suspected": _("suspicion of fraud"),
    "no_barcode": _("no barcode on it"),
    "unreadable": _("barcode unreadable"),
    "scanner_broken": _("scanner doesn’t work"),
    "lease ran out": _("nobody went on picking in time"),
    "not collected": _("not collected"),
}

# What moved a price, by the kind of the step; the others are told by what they say themselves.
PRICE_STEPS: dict[str, Text] = {
    StepKind.TAX.value: _("VAT on the net price"),
    StepKind.ROUNDING.value: _("rounded to the nearest coin"),
}

# Facts of a step that are counts, in the order of a sentence.
COUNTED: dict[str, Text] = {
    "pieces": _("%(count)s pcs"),
    "picked": _("%(count)s picked"),
    "rejected": _("%(count)s missing"),
    "attempts": _("attempt %(count)s"),
}

SCANS: dict[str, Word] = {
    "picked": Word(_("Scanned"), "scan-barcode"),
    "wrong_item": Word(_("Scanned a wrong item"), "octagon-x"),
    "already_complete": Word(_("Scanned one too many"), "octagon-x"),
    "unknown_barcode": Word(_("Scanned an unknown barcode"), "octagon-x"),
}


# What became of a shipping label, by its state.
LABEL_STEPS: dict[str, Word] = {
    "asked": Word(_("Shipping label asked for"), "tag"),
    "made": Word(_("Shipping label made"), "tag"),
    "refused": Word(_("The carrier refused the label"), "ban"),
    "unclear": Word(_("The carrier did not answer"), "circle-question-mark"),
    "cancelled": Word(_("Shipping label cancelled"), "circle-x"),
}


def step(verb: str, after: Mapping[str, Any]) -> Word:
    """Return what a timeline calls a step: `verb` is the journal's ("orders.pickup.accept"), `after` its facts."""
    name = verb.rsplit(".", 1)[-1]
    if verb.startswith(("orders.packing.labels.", "orders.returns.labels.")):
        return LABEL_STEPS.get(after.get("label", "asked"), LABEL_STEPS["asked"])
    if verb == "orders.payments.observe" and after.get("kinds"):
        return MONEY_STEPS.get(after["kinds"][-1], MONEY_STEPS["captured"])
    if name == "scan" and after.get("outcome") in SCANS:
        return SCANS[after["outcome"]]
    return (
        STEPS.get(verb.partition(".")[2]) or STEPS.get(name) or Word(name.replace("_", " ").capitalize(), "circle-dot")
    )


def reason(given: str) -> str:
    """Say a reason of the journal: a code alone, a code with a note after it, or what somebody wrote."""
    code, colon, note = given.partition(": ")
    if code not in REASONS:
        return given
    return f"{REASONS[code]}: {note}" if colon else str(REASONS[code])


def word(words: dict[str, Word], key: str) -> Word:
    """Return the word for `key`, or the key itself said plainly."""
    return words.get(key) or Word(key.replace("_", " ").capitalize(), "circle")


def wrong_code(attempts_left: int) -> str:
    """Say that a pickup code is wrong, and how many tries are left before a manager has to check."""
    if attempts_left < 1:
        return gettext("This code doesn’t belong to the order. Let a store manager check who is collecting it.")
    return ngettext(
        "This code doesn’t belong to the order. Ask for it again; one try is left.",
        "This code doesn’t belong to the order. Ask for it again; %(left)s tries are left.",
        attempts_left,
    ) % {"left": attempts_left}
