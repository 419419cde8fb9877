"""What an order comes to after some of its pieces were cancelled. [pure]"""

from commerce.money import split_minor
from pricing import vat


def remaining_minor(amount_minor: int, quantity: int, cancelled: int) -> int:
    """Return the share of a line's amount that belongs to the pieces not cancelled.

    It depends on how many are cancelled in all, not in which steps, so that no cent is lost or made on the way: with
    all pieces cancelled it is 0, with none the whole. What is cancelled are the last units; what comes back are the first.
    """
    return first_units_minor(amount_minor, quantity, quantity - cancelled)


def unit_shares(amount_minor: int, quantity: int) -> list[int]:
    """Return what each unit of a line costs (PRICING.md P15): discounts go to the first units first, so they are the cheaper.

    3 for 40.00 are 13.33, 13.33 and 13.34; the shares always sum to the amount.
    """
    return split_minor(amount_minor, [1] * quantity)[::-1]


def first_units_minor(amount_minor: int, quantity: int, units: int) -> int:
    """Return what the first `units` of a line cost together, without listing the shares of a long line."""
    each, dearer = divmod(amount_minor, quantity)
    return each * units + max(units - (quantity - dearer), 0)


def of_units_minor(amount_minor: int, quantity: int, first: int, units: int) -> int:
    """Return what `units` units of a line cost from the unit numbered `first` (counted from 0) on."""
    return first_units_minor(amount_minor, quantity, first + units) - first_units_minor(amount_minor, quantity, first)


def remaining_tax_minor(total_minor: int, tax_minor: int, basis_points: int, quantity: int, cancelled: int) -> int:
    """Return the VAT inside what is still owed of a line: as priced while it is whole, else worked out from the rest."""
    if cancelled == 0:
        return tax_minor
    return vat.inside_gross(remaining_minor(total_minor, quantity, cancelled), basis_points)
