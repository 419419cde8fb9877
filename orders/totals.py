"""What an order comes to after some of its pieces were cancelled. [pure]"""

from commerce.money import split_minor


def remaining_minor(amount_minor: int, quantity: int, cancelled: int) -> int:
    """Return the share of a line's amount that belongs to the pieces not cancelled.

    It depends on how many are cancelled in all, not in which steps, so that no cent is lost or made on the way: with
    all pieces cancelled it is 0, with none the whole.
    """
    return split_minor(amount_minor, [quantity - cancelled, cancelled])[0]
