"""Prices that a channel brings with its order: whether they add up, and the document that keeps them. [pure]

Every sum is worked out again; one that differs by more than the tolerance agreed with the channel is refused with its
field. Within the tolerance the channel's total stands: a difference to the sum of its lines goes to the dearest of them, as a
step of its own, so that the lines always sum to what the customer paid.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from commerce.channels.contracts import ChannelPricing, IncomingLine, LinePrice
from commerce.errors import InvalidInput
from pricing import vat
from pricing.quoted import Quote, QuotedLine, Step
from pricing.terms import PriceBasis, StepKind, TaxRounding
from pricing.vat import Taxable

HIGHEST_RATE = 10_000  # basis points


class PriceSource(StrEnum):
    """Whose prices an order was sold at."""

    QUOTE = "quote"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Priced:
    """A line as the channel priced it, with the product it stands for and the field that its faults are named by."""

    product_id: int
    sku: str
    quantity: int
    price: LinePrice
    field: str


def quote(
    lines: Sequence[IncomingLine],
    pricing: ChannelPricing,
    *,
    skus: Mapping[int, str],
    shipping_id: int | None,
    channel_id: int,
    channel_code: str,
    currency: str,
    country: str,
    tolerance_minor: int,
    at: datetime,
) -> Quote:
    """Return the channel's prices as the document of the order, lines of one product summed, numbered by SKU.

    `shipping_id` is the charge that stands for shipping costs. Raises: InvalidInput naming each field that doesn't add up.
    """
    priced, faults = _priced(lines, pricing, skus, shipping_id)
    if pricing.currency != currency:
        faults.append(_fault("pricing.currency", pricing.currency, f"This channel sells in {currency}."))
    if not faults:
        for one in priced:
            faults += _faults(one, is_gross=pricing.is_gross, tolerance=tolerance_minor)
    if not faults:
        faults = _faults_of_sums(priced, pricing, tolerance_minor)
    if faults:
        first = faults[0]
        raise InvalidInput(
            f"The prices of this order don't add up: {first['field']}. {first['message']}", errors=faults
        )
    finished = _settled([_line(group, is_gross=pricing.is_gross) for group in _by_sku(priced)], pricing.total_minor)
    taxables = [Taxable(line.total_minor, PriceBasis.GROSS, line.tax_basis_points) for line in finished]
    return Quote(
        channel_id=channel_id, currency=currency, country=country, at=at, ruleset_version=f"channel:{channel_code}",
        lines=finished, steps=(), total_minor=pricing.total_minor, tax_minor=sum(line.tax_minor for line in finished),
        taxes=vat.summary(taxables, [line.tax_minor for line in finished]), rounding="channel",
        tax_rounding=TaxRounding.PER_LINE.value,
    )  # fmt: skip


def _priced(
    lines: Sequence[IncomingLine], pricing: ChannelPricing, skus: Mapping[int, str], shipping_id: int | None
) -> tuple[list[Priced], list[dict[str, object]]]:
    priced, faults = [], []
    for number, line in enumerate(lines):
        field = f"lines[{number}].price"
        if line.price is None:
            faults.append(_fault(field, None, "Where a channel names prices, every line has one."))
        else:
            priced.append(Priced(line.product_id, skus[line.product_id], line.quantity, line.price, field))
    shipping = pricing.shipping
    if shipping is not None and shipping.amount_minor:
        if shipping_id is None:
            message = "No charge stands for this channel's shipping costs; name one in its intake terms."
            faults.append(_fault("pricing.shipping", shipping.amount_minor, message))
        else:
            price = LinePrice(
                unit_price_minor=shipping.amount_minor, total_minor=shipping.amount_minor,
                tax_minor=shipping.tax_minor, tax_basis_points=shipping.tax_basis_points,
            )  # fmt: skip
            priced.append(Priced(shipping_id, skus[shipping_id], 1, price, "pricing.shipping"))
    return priced, faults


def _faults(one: Priced, *, is_gross: bool, tolerance: int) -> list[dict[str, object]]:
    price, found = one.price, []
    for name, value in (("unit_price_minor", price.unit_price_minor), ("total_minor", price.total_minor)):
        if value < 0:
            found.append(_fault(f"{one.field}.{name}", value, "An amount is not below zero."))
    if not 0 <= price.tax_basis_points <= HIGHEST_RATE:
        found.append(_fault(f"{one.field}.tax_basis_points", price.tax_basis_points, "A rate is from 0 to 10000."))
    for number, discount in enumerate(price.discounts):
        if discount.amount_minor < 1:
            field = f"{one.field}.discounts[{number}].amount_minor"
            found.append(_fault(field, discount.amount_minor, "What is taken off is above zero."))
    if found:
        return found
    total = one.quantity * price.unit_price_minor - sum(discount.amount_minor for discount in price.discounts)
    if abs(total - price.total_minor) > tolerance:
        message = f"{one.quantity} × {price.unit_price_minor} less the discounts is {total}."
        found.append(_fault(f"{one.field}.total_minor", price.total_minor, message))
    tax = vat.of(Taxable(price.total_minor, _basis(is_gross), price.tax_basis_points))
    if abs(tax - price.tax_minor) > tolerance:
        message = f"{price.tax_basis_points / 100:g} % of it is {tax}."
        found.append(_fault(f"{one.field}.tax_minor", price.tax_minor, message))
    return found


def _faults_of_sums(priced: Sequence[Priced], pricing: ChannelPricing, tolerance: int) -> list[dict[str, object]]:
    found = []
    total = sum(_gross(one, is_gross=pricing.is_gross) for one in priced)
    if pricing.total_minor < 0 or abs(total - pricing.total_minor) > tolerance:
        found.append(_fault("pricing.total_minor", pricing.total_minor, f"The lines and shipping come to {total}."))
    tax = sum(one.price.tax_minor for one in priced)
    if abs(tax - pricing.tax_minor) > tolerance:
        found.append(_fault("pricing.tax_minor", pricing.tax_minor, f"The VAT of lines and shipping is {tax}."))
    for group in _by_sku(priced):
        rates = {one.price.tax_basis_points for one in group}
        if len(rates) > 1:
            message = f"{group[0].sku} has another rate in another line; one product has one."
            found.append(_fault(f"{group[-1].field}.tax_basis_points", group[-1].price.tax_basis_points, message))
    return found


def _by_sku(priced: Sequence[Priced]) -> list[list[Priced]]:
    groups: dict[str, list[Priced]] = {}
    for one in sorted(priced, key=lambda one: one.sku):
        groups.setdefault(one.sku, []).append(one)
    return list(groups.values())


def _line(group: Sequence[Priced], *, is_gross: bool) -> QuotedLine:
    first = group[0]
    quantity = sum(one.quantity for one in group)
    listed = sum(one.quantity * one.price.unit_price_minor for one in group)
    steps = [
        _step(StepKind.PRICE, one.quantity * one.price.unit_price_minor, f"{one.quantity} × channel") for one in group
    ]
    for one in group:
        steps += [
            _step(
                StepKind.DISCOUNT,
                -each.amount_minor,
                each.name,
                f"channel:{each.code}" if each.code else "channel",
            )
            for each in one.price.discounts
        ]
        off = one.price.total_minor - one.quantity * one.price.unit_price_minor
        off += sum(each.amount_minor for each in one.price.discounts)
        if off:  # within the tolerance
            steps.append(_rounded(off))
    if not is_gross:
        steps.append(_step(StepKind.TAX, sum(one.price.tax_minor for one in group), "VAT on the net price"))
    return QuotedLine(
        product_id=first.product_id, sku=first.sku, quantity=quantity, basis=_basis(is_gross).value,
        unit_price_minor=(listed + quantity // 2) // quantity,
        total_minor=sum(_gross(one, is_gross=is_gross) for one in group),
        tax_minor=sum(one.price.tax_minor for one in group), tax_basis_points=first.price.tax_basis_points,
        steps=tuple(steps), candidates=(),
    )  # fmt: skip


def _settled(lines: Sequence[QuotedLine], total_minor: int) -> tuple[QuotedLine, ...]:
    """Return the lines with what they differ from the total by on the dearest of them, and each piece's share."""
    off = total_minor - sum(line.total_minor for line in lines)
    dearest = max(range(len(lines)), key=lambda number: lines[number].total_minor)
    settled = list(lines)
    if off:
        line = settled[dearest]
        settled[dearest] = replace(line, total_minor=line.total_minor + off, steps=(*line.steps, _rounded(off)))
    return tuple(replace(line, pieces=_pieces(line.total_minor, line.quantity)) for line in settled)


def _pieces(total_minor: int, quantity: int) -> tuple[tuple[int, int], ...]:
    each, more = divmod(total_minor, quantity)
    runs = ((more, each + 1), (quantity - more, each))
    return tuple(run for run in runs if run[0])


def _rounded(amount_minor: int) -> Step:
    return _step(StepKind.ROUNDING, amount_minor, "as the channel rounded")


def _step(kind: StepKind, amount_minor: int, reason: str, reference: str = "channel") -> Step:
    return Step(kind=kind.value, amount_minor=amount_minor, reason=reason, reference=reference)


def _gross(one: Priced, *, is_gross: bool) -> int:
    return one.price.total_minor if is_gross else one.price.total_minor + one.price.tax_minor


def _basis(is_gross: bool) -> PriceBasis:
    return PriceBasis.GROSS if is_gross else PriceBasis.NET


def _fault(field: str, value: object, message: str) -> dict[str, object]:
    return {"field": field, "value": value, "message": message}
