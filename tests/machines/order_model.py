"""An order as plain values, with the rules of its life written a second time: every verb says its refusal or changes them."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from orders.lifecycle import MOVES, TERMINAL, Action, State
from orders.picking import RejectReason
from tests.machines.stock_model import Key, Stock

LEASE = timedelta(minutes=15)
MOST_CODE_ATTEMPTS = 5
IN_WORK = (State.ACCEPTED, State.PICKING)


@dataclass
class Line:
    """What an order wants of one product, and what became of it."""

    id: UUID  # of the fulfilment's line
    quantity: int
    picked: int = 0
    rejected: int = 0
    cancelled: int = 0

    @property
    def missing(self) -> int:
        return self.quantity - self.picked - self.rejected


@dataclass
class Kept:
    """An order with its one fulfilment. Methods return the code of a refusal, or nothing when they did it."""

    id: UUID
    fulfilment_id: UUID
    location_id: int
    is_pickup: bool
    window: tuple[datetime, datetime] | None
    code: str
    lines: dict[int, Line]  # by product
    has_slot: bool
    keep_days: int
    state: State = State.PLACED
    holder: int | None = None
    lease_until: datetime | None = None
    keep_until: datetime | None = None
    wrong_codes: int = 0
    is_on_shelf: bool = False
    version: int = 1
    told: list[str] = field(default_factory=lambda: ["order.placed"])

    # --- the lifecycle --------------------------------------------------------------------------------------------------

    def can(self, action: Action) -> bool:
        return (self.state, action) in MOVES

    def is_taken_from(self, user: int, at: datetime) -> bool:
        return self.holder not in (None, user) and self.lease_until is not None and self.lease_until > at

    def _go(self, action: Action) -> None:
        self.state = MOVES[self.state, action]
        if self.state in TERMINAL or self.state in (State.PLACED, State.READY, State.NO_SHOW):
            self.holder = self.lease_until = None

    def _conclude(self, event: str = "") -> str:
        self.version += 1
        if event:
            self.told.append(event)
        return ""

    def _lease(self, user: int, at: datetime) -> None:
        self.holder, self.lease_until = user, at + LEASE

    def _owed(self) -> Counter[Key]:
        return Counter(
            {(product, self.location_id): line.quantity - line.rejected for product, line in self.lines.items()}
        )

    def _cancel_all(self) -> None:
        for line in self.lines.values():
            line.cancelled = line.quantity

    # --- the counter ------------------------------------------------------------------------------------------------------

    def accept(self, user: int, at: datetime) -> str:
        if self.state in IN_WORK:
            if self.is_taken_from(user, at):
                return "already_taken"
            self._lease(user, at)
            return self._conclude()
        if not self.can(Action.ACCEPT):
            return "move_not_allowed"
        self._go(Action.ACCEPT)
        if any(line.picked or line.rejected for line in self.lines.values()):
            self._go(Action.PICK)
        self._lease(user, at)
        return self._conclude("fulfilment.accepted")

    def release(self, user: int, at: datetime) -> str:
        if self.is_taken_from(user, at):
            return "already_taken"
        if not self.can(Action.RELEASE):
            return "move_not_allowed"
        self._go(Action.RELEASE)
        return self._conclude("fulfilment.released")

    def take_over(self, user: int, at: datetime, *, may: bool) -> str:
        if not may:
            return "not_allowed"
        if self.state not in IN_WORK:
            return "move_not_allowed"
        self._lease(user, at)
        return self._conclude()

    def mark_ready(self, user: int, at: datetime) -> str:
        if self.is_taken_from(user, at):
            return "already_taken"
        if not self.can(Action.MARK_READY):
            return "move_not_allowed"
        if any(line.missing for line in self.lines.values()):
            return "lines_still_open"
        self._go(Action.MARK_READY)
        if self.window is not None:
            local = max(self.window[1], at).astimezone(ZoneInfo("Europe/Berlin"))
            self.keep_until = local + timedelta(days=self.keep_days)
        return self._conclude("fulfilment.ready")

    def arrive(self) -> str:
        if self.state is State.ARRIVED:
            return self._conclude()
        if not self.is_pickup or not self.can(Action.ARRIVE):
            return "move_not_allowed"
        self._go(Action.ARRIVE)
        return self._conclude("fulfilment.arrived")

    def hand_over(self, is_right: bool, stock: Stock) -> str:
        """A wrong code is no refusal: it counts."""
        if not self.is_pickup or not self.can(Action.HAND_OVER):
            return "move_not_allowed"
        if self.wrong_codes >= MOST_CODE_ATTEMPTS:
            return "too_many_code_attempts"
        if not is_right:
            self.wrong_codes += 1
            return self._conclude()
        return self._leave(Action.HAND_OVER, "fulfilment.handed_over", stock)

    def hand_over_checked(self, stock: Stock, *, may: bool) -> str:
        if not may:
            return "not_allowed"
        if not self.is_pickup or not self.can(Action.HAND_OVER):
            return "move_not_allowed"
        return self._leave(Action.HAND_OVER, "fulfilment.handed_over", stock)

    def ship(self, stock: Stock) -> str:
        if self.is_pickup or not self.can(Action.SHIP):
            return "move_not_allowed"
        return self._leave(Action.SHIP, "fulfilment.shipped", stock)

    def _leave(self, action: Action, event: str, stock: Stock) -> str:
        stock.leave(self._owed())
        self._go(action)
        self.is_on_shelf = False
        return self._conclude(event)

    def mark_no_show(self, at: datetime) -> str:
        if not self.can(Action.MARK_NO_SHOW):
            return "move_not_allowed"
        if self.keep_until is None or self.keep_until > at:
            return "still_kept"
        self._go(Action.MARK_NO_SHOW)
        return self._conclude("fulfilment.no_show")

    def return_to_stock(self, stock: Stock) -> str:
        if not self.can(Action.RETURN_TO_STOCK):
            return "move_not_allowed"
        stock.allocated.subtract(self._owed())
        self._cancel_all()
        self._go(Action.RETURN_TO_STOCK)
        self.is_on_shelf = False
        return self._conclude("fulfilment.returned_to_stock")

    def put_back(self) -> str:
        if self.state is not State.CANCELLED or not self.is_on_shelf:
            return "move_not_allowed"
        self.is_on_shelf = False
        return self._conclude()

    def cancel(self, stock: Stock) -> str:
        if self.state is State.CANCELLED:
            return ""
        if not self.can(Action.CANCEL):
            return "cannot_cancel"
        stock.allocated.subtract(self._owed())
        self._cancel_all()
        self.has_slot = False
        self._go(Action.CANCEL)
        return self._conclude("order.cancelled")

    def release_stale(self, at: datetime) -> bool:
        """What the periodic task does; say whether there was anything to do."""
        if self.state not in IN_WORK or self.lease_until is None or self.lease_until > at:
            return False
        if self.state is State.ACCEPTED:
            self._go(Action.RELEASE)
            self._conclude("fulfilment.released")
        else:
            self.holder = self.lease_until = None
            self._conclude()
        return True

    # --- the shelves ------------------------------------------------------------------------------------------------------

    def refusal_to_pick(self, user: int, at: datetime) -> str:
        if not self.can(Action.PICK):
            return "move_not_allowed"
        return "already_taken" if self.is_taken_from(user, at) else ""

    def _picked(self, user: int, at: datetime, event: str = "") -> str:
        begins = self.state is State.ACCEPTED
        self._go(Action.PICK)
        self._lease(user, at)
        self.is_on_shelf = any(line.picked for line in self.lines.values())
        return self._conclude(event or ("fulfilment.picking" if begins else ""))

    def scan(self, product: int | None, pieces: int, user: int, at: datetime) -> tuple[str, int]:
        """Return the outcome of a scan and how many pieces it counted; `refusal_to_pick` was asked before."""
        line = self.lines.get(product) if product is not None else None
        if product is None:
            seen = ("unknown_barcode", 0)
        elif line is None:
            seen = ("wrong_item", 0)
        elif not line.missing:
            seen = ("already_complete", 0)
        else:
            seen = ("picked", min(pieces, line.missing))
            line.picked += seen[1]
        self._picked(user, at)
        return seen

    def set_picked(self, product: int, picked: int, user: int, at: datetime) -> str:
        if code := self.refusal_to_pick(user, at):
            return code
        line = self.lines[product]
        if picked > line.quantity - line.rejected:
            return "more_than_wanted"
        line.picked = picked
        return self._picked(user, at)

    def reject_line(
        self, product: int, quantity: int, reason: RejectReason, user: int, at: datetime, stock: Stock
    ) -> str:
        if code := self.refusal_to_pick(user, at):
            return code
        line = self.lines[product]
        if not 1 <= quantity <= line.missing:
            return "more_than_wanted"
        going = Counter({(product, self.location_id): quantity})
        if reason is RejectReason.NOT_FOUND:
            stock.not_found(going, at=at)
        elif reason is RejectReason.DAMAGED:
            stock.leave(going)
        else:
            stock.allocated.subtract(going)
        line.rejected += quantity
        line.cancelled += quantity
        self._picked(user, at, "fulfilment.line_rejected")
        if all(one.rejected == one.quantity for one in self.lines.values()):
            self._go(Action.REJECT)
            self.has_slot = self.is_on_shelf = False
            self._conclude("fulfilment.rejected")
        return ""
