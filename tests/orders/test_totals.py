"""Cancelled pieces take their share of a line's amount along, to the cent."""

from hypothesis import given
from hypothesis import strategies as st

from orders import totals


def test_a_line_of_three_for_ten_euros():
    assert [totals.remaining_minor(1000, 3, cancelled) for cancelled in range(4)] == [1000, 667, 333, 0]


@given(st.integers(0, 10**9), st.integers(1, 1000), st.data())
def test_shares_only_fall_and_end_at_nothing(amount, quantity, data):
    cancelled = sorted(data.draw(st.lists(st.integers(0, quantity), max_size=5)))
    shares = [totals.remaining_minor(amount, quantity, count) for count in [0, *cancelled, quantity]]
    assert shares == sorted(shares, reverse=True)
    assert (shares[0], shares[-1]) == (amount, 0)


def test_the_vat_of_the_rest_is_the_vat_inside_the_rest():
    # 3 × 3.33 with 19 %: 9.99 hold 1.60; what is left of two pieces, 6.66, holds 1.06 and not two thirds of 1.60
    assert [totals.remaining_tax_minor(999, 160, 1900, 3, cancelled) for cancelled in range(4)] == [160, 106, 53, 0]
