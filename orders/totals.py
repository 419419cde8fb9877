"""What an order comes to after some of its pieces were cancelled. [pure]"""

from commerce.money import split_minor
from pricing import vat


def remaining_minor(amount_minor: int, quantity: int, cancelled: int) -> int:
    """Return the share of a line's amount that belongs to the pieces not cancelled.

    It depends on how many are cancelled in all, not in which steps, so that no cent is lost or made on the way: with
    all pieces cancelled it is 0, with none the whole.
    """
    return split_minor(amount_minor, [quantity - cancelled, cancelled])[0]


def remaining_tax_minor(total_minor: int, tax_minor: int, basis_points: int, quantity: int, cancelled: int) -> int:
    """Return the VAT inside what is still owed of a line: as priced while it is whole, else worked out from the rest."""
    if cancelled == 0:
        return tax_minor
    return vat.inside_gross(remaining_minor(total_minor, quantity, cancelled), basis_points)
