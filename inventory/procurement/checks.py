"""What a purchase order must be like before anything is written: each refusal names the line and the way out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from commerce import catalog
from commerce.errors import InvalidInput
from inventory import kits
from inventory.errors import NotGoods, OrderTermsMissed, ReceivedAlready
from inventory.procurement import suppliers
from inventory.procurement.suppliers import SupplierRef

MOST_LINES = 500
MOST_PIECES = 1_000_000
FARTHEST = timedelta(days=730)  # no supplier promises further ahead; a year mistyped does
LONGEST_LATE = timedelta(days=90)
CLOCK_SKEW = timedelta(minutes=5)
LARGEST_AMOUNT = 10**12  # minor units of one piece's cost
MOST_NAMED = 3  # lines in one sentence; the others are in the facts


class Line(Protocol):
    """A line as it is wanted."""

    @property
    def product_id(self) -> int: ...
    @property
    def quantity(self) -> int: ...
    @property
    def expected_on(self) -> date | None: ...
    @property
    def unit_cost_minor(self) -> int | None: ...


def lines(wanted: Sequence[Line], at: datetime) -> None:
    """Refuse lines that can't be ordered from anybody. Raises: InvalidInput, NotGoods."""
    if not 1 <= len(wanted) <= MOST_LINES:
        raise invalid("lines", len(wanted), f"An order has 1 to {MOST_LINES} lines.")
    earliest, latest = (at - LONGEST_LATE).date(), (at + FARTHEST).date()
    faults: list[tuple[str, Any, str]] = []
    for number, line in enumerate(wanted):
        if not 1 <= line.quantity <= MOST_PIECES:
            faults.append(
                (f"lines[{number}].quantity", line.quantity, f"1 to {MOST_PIECES} pieces are ordered at once.")
            )
        if line.expected_on is not None and not earliest <= line.expected_on <= latest:
            sentence = f"The day lies outside {earliest} to {latest}; check the year."
            faults.append((f"lines[{number}].expected_on", line.expected_on.isoformat(), sentence))
        if line.unit_cost_minor is not None and not 0 <= line.unit_cost_minor <= LARGEST_AMOUNT:
            faults.append((f"lines[{number}].unit_cost_minor", line.unit_cost_minor, "A cost is not negative."))
    if faults:
        raise InvalidInput(
            faults[0][2], errors=[{"field": field, "value": value, "message": text} for field, value, text in faults]
        )
    goods([line.product_id for line in wanted])


def goods(product_ids: Sequence[int]) -> None:
    """Refuse products that have no stock of their own. Raises: NotGoods."""
    products = catalog.products_by_id(set(product_ids))
    wrong = [
        (number, products[product_id])
        for number, product_id in enumerate(product_ids)
        if product_id in products and not products[product_id].has_stock
    ]
    if wrong:
        raise NotGoods(
            kits.no_stock(wrong[0][1]),
            errors=[
                {"field": f"lines[{number}]", "value": product.sku, "message": kits.no_stock(product)}
                for number, product in wrong
            ],
        )


def quantities(supplier: SupplierRef, wanted: Sequence[Line]) -> None:
    """Refuse quantities that the supplier doesn't sell: whole lots of whole cases, a minimum. Raises: OrderTermsMissed."""
    terms = suppliers.terms(supplier.id, {line.product_id for line in wanted})
    totals = Counter[int]()
    for line in wanted:
        totals[line.product_id] += line.quantity
    misses = [
        (product_id, pieces, fitting)
        for product_id, pieces in totals.items()
        if product_id in terms and (fitting := terms[product_id].quantities.fitting(pieces)) != pieces
    ]
    if misses:
        products = catalog.products_by_id({product_id for product_id, _pieces, _fitting in misses})
        named = [(products[product_id].sku, pieces, fitting) for product_id, pieces, fitting in misses]
        first = ", ".join(f"{fitting} of {sku} instead of {pieces}" for sku, pieces, fitting in named[:MOST_NAMED])
        raise OrderTermsMissed(
            f"{supplier.name} sells whole lots and cases only: order {first}.",
            errors=[
                {"field": "lines", "value": sku, "message": f"{pieces} wanted, {fitting} would fit"}
                for sku, pieces, fitting in named
            ],
            lines=[{"sku": sku, "quantity": pieces, "fitting": fitting} for sku, pieces, fitting in named],
        )


def value(supplier: SupplierRef, wanted: Sequence[Line]) -> None:
    """Refuse an order below the supplier's least value, where all costs are known. Raises: OrderTermsMissed."""
    costs = [line.unit_cost_minor for line in wanted]
    if not supplier.minimum_order_minor or None in costs:
        return
    total = sum(line.quantity * (line.unit_cost_minor or 0) for line in wanted)
    if total < supplier.minimum_order_minor:
        raise OrderTermsMissed(
            f"{supplier.name} takes orders from {supplier.minimum_order_minor / 100:.2f} {supplier.currency}; this one comes to "
            f"{total / 100:.2f}. Add goods, or wait for more.",
            lines=[], minimum_minor=supplier.minimum_order_minor, total_minor=total, currency=supplier.currency,
        )  # fmt: skip


def instants(as_of: datetime | None, ordered_at: datetime | None, at: datetime) -> None:
    """Refuse words from the future: the sender's clock is wrong. Raises: InvalidInput."""
    for field, instant in (("as_of", as_of), ("ordered_at", ordered_at)):
        if instant is not None and instant > at + CLOCK_SKEW:
            raise invalid(field, instant.isoformat(), f"{field} lies in the future; check the sender's clock.")


def not_fewer_than_received(wanted: Sequence[Line], received: Mapping[int, int]) -> None:
    """Refuse lines that leave less of a product than has come already. Raises: ReceivedAlready."""
    totals = Counter[int]()
    for line in wanted:
        totals[line.product_id] += line.quantity
    ordered = {line.product_id for line in wanted if line.quantity}
    asked = {line.product_id for line in wanted}
    for product_id, pieces in received.items():
        if not pieces or (product_id in asked and product_id not in ordered):  # came without having been ordered
            continue
        if totals[product_id] < pieces:
            sku = catalog.products_by_id([product_id])[product_id].sku
            raise ReceivedAlready(
                f"{pieces} of {sku} have come already, so the order can't say {totals[product_id]}; say at least {pieces}.",
                sku=sku, wanted=totals[product_id], received=pieces,
            )  # fmt: skip


def invalid(field: str, given: Any, sentence: str) -> InvalidInput:
    """Return the refusal of one field."""
    return InvalidInput(sentence, errors=[{"field": field, "value": given, "message": sentence}])
