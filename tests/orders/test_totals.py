"""Cancelled pieces take their share of a line's amount along, to the cent."""

from hypothesis import given
from hypothesis import strategies as st

from orders import totals


def test_a_line_of_three_for_ten_euros():
    assert [totals.remaining_minor(1000, 3, cancelled) for cancelled in range(4)] == [1000, 666, 333, 0]


def test_p15_units_cost_what_they_were_priced_at_whichever_goes_first():
    assert totals.unit_shares(4000, 3) == [1333, 1333, 1334]
    for steps in ([1, 1, 1], [2, 1], [1, 2], [3]):
        first, paid_back = 0, 0
        for units in steps:
            paid_back += totals.of_units_minor(4000, 3, first, units)
            first += units
        assert paid_back == 4000


@given(st.integers(0, 10**9), st.integers(1, 300), st.data())
def test_units_that_come_back_and_units_that_never_went_share_a_line_without_a_cent_left(amount, quantity, data):
    cancelled = data.draw(st.integers(0, quantity))
    returned = data.draw(st.integers(0, quantity - cancelled))
    shares = totals.unit_shares(amount, quantity)
    assert sum(shares) == amount
    assert max(shares) - min(shares) <= 1
    kept = totals.remaining_minor(amount, quantity, cancelled) - totals.first_units_minor(amount, quantity, returned)
    assert kept == sum(shares[returned : quantity - cancelled])


@given(st.integers(0, 10**9), st.integers(1, 1000), st.data())
def test_shares_only_fall_and_end_at_nothing(amount, quantity, data):
    cancelled = sorted(data.draw(st.lists(st.integers(0, quantity), max_size=5)))
    shares = [totals.remaining_minor(amount, quantity, count) for count in [0, *cancelled, quantity]]
    assert shares == sorted(shares, reverse=True)
    assert (shares[0], shares[-1]) == (amount, 0)


def test_the_vat_of_the_rest_is_the_vat_inside_the_rest():
    # 3 × 3.33 with 19 %: 9.99 hold 1.60; what is left of two pieces, 6.66, holds 1.06 and not two thirds of 1.60
    assert [totals.remaining_tax_minor(999, 160, 1900, 3, cancelled) for cancelled in range(4)] == [160, 106, 53, 0]
