"""Value added tax: inside a gross amount, on top of a net one, per rate; rounded per line or per document. [pure]

The tax is computed after all discounts. Rounded per document, each rate's tax is computed once on the sum and shared
over the lines, so that the lines still add up to the document.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from commerce import money
from pricing import rounding
from pricing.terms import PriceBasis, TaxRounding


@dataclass(frozen=True, slots=True)
class Taxable:
    """The amount of one line after discounts, in its own basis, and the rate in basis points (19 % = 1900)."""

    amount_minor: int
    basis: PriceBasis
    basis_points: int


@dataclass(frozen=True, kw_only=True)
class TaxShare:
    """What one rate contributes to a document: net + tax = gross. Told with a quote: see `quoted` for its order."""

    basis_points: int
    gross_minor: int
    net_minor: int
    tax_minor: int


def inside_gross(gross_minor: int, basis_points: int) -> int:
    """Return the tax contained in a gross amount: gross × rate / (100 % + rate), rounded once."""
    return rounding.half_up(gross_minor * basis_points, rounding.BASIS_POINTS + basis_points)


def on_net(net_minor: int, basis_points: int) -> int:
    """Return the tax that comes on top of a net amount, rounded once."""
    return rounding.percentage(net_minor, basis_points)


def of(taxable: Taxable) -> int:
    """Return the tax of one amount in its own basis."""
    compute = inside_gross if taxable.basis is PriceBasis.GROSS else on_net
    return compute(taxable.amount_minor, taxable.basis_points)


def per_line(lines: Sequence[Taxable], mode: TaxRounding = TaxRounding.PER_LINE) -> list[int]:
    """Return the tax of each line. Rounded per document, each basis and rate is rounded once and shared (largest
    remainder on the line amounts); what is given back apart from what is sold."""
    if mode is TaxRounding.PER_LINE:
        return [
            inside_gross(line.amount_minor, line.basis_points)
            if line.basis is PriceBasis.GROSS
            else on_net(line.amount_minor, line.basis_points)
            for line in lines
        ]
    groups: dict[tuple[PriceBasis, int, bool], list[int]] = defaultdict(list)
    for position, line in enumerate(lines):
        groups[line.basis, line.basis_points, line.amount_minor < 0].append(position)
    taxes = [0] * len(lines)
    for (basis, basis_points, _is_return), positions in groups.items():
        amounts = [lines[position].amount_minor for position in positions]
        whole = of(Taxable(sum(amounts), basis, basis_points))
        for position, tax in zip(positions, money.split_minor(whole, [abs(amount) for amount in amounts]), strict=True):
            taxes[position] = tax
    return taxes


def summary(lines: Sequence[Taxable], taxes: Sequence[int]) -> tuple[TaxShare, ...]:
    """Return net, tax and gross per rate, highest rate first."""
    shares: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for line, tax in zip(lines, taxes, strict=True):
        share = shares[line.basis_points]
        share[0] += line.amount_minor - tax if line.basis is PriceBasis.GROSS else line.amount_minor
        share[1] += tax
    return tuple(
        TaxShare(basis_points=basis_points, gross_minor=net + tax, net_minor=net, tax_minor=tax)
        for basis_points, (net, tax) in sorted(shares.items(), reverse=True)
    )
