"""What buying is made of, without a database: quantities that fit, and how goods count against lines."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from inventory.purchasing import (
    MOVES,
    Awaited,
    OrderTerms,
    PurchaseOrderState,
    allowed_actions,
    counted_against,
)

pieces = st.integers(1, 500)
awaited = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 20), st.integers(0, 20), st.dates(date(2026, 1, 1), date(2026, 3, 1))),
    max_size=8,
).map(lambda rows: [Awaited(number, *row) for number, row in enumerate(rows, 1)])


@given(pieces, st.integers(1, 24), st.integers(1, 24), st.integers(1, 200))
def test_what_fits_is_the_least_that_is_enough(wanted: int, pack: int, lot: int, least: int) -> None:
    terms = OrderTerms(pack, lot, least)
    fitting = terms.fitting(wanted)
    assert fitting >= max(wanted, least)
    assert fitting % pack == fitting % lot == 0
    assert terms.fitting(fitting) == fitting
    assert fitting - terms.step < max(wanted, least)


@given(awaited, st.integers(1, 3), pieces)
def test_goods_count_once_and_no_line_is_overfilled_while_another_waits(
    lines: list[Awaited], product: int, came: int
) -> None:
    taken = counted_against(lines, product, came)
    own = [line for line in lines if line.product_id == product]
    assert sum(taken.values()) == (came if own else 0)
    assert set(taken) <= {line.number for line in own}
    waiting = [line for line in own if taken.get(line.number, 0) < line.left]
    if waiting:  # something is still missing, so nothing is over
        assert all(taken.get(line.number, 0) <= line.left for line in own)
        first = min((line.expected_on, line.number) for line in waiting)
        assert all(taken.get(line.number, 0) == 0 for line in own if (line.expected_on, line.number) > first)


def test_an_order_that_is_over_stays_over() -> None:
    for state in (PurchaseOrderState.CLOSED_SHORT, PurchaseOrderState.CANCELLED):
        assert allowed_actions(state) == []
    assert allowed_actions(PurchaseOrderState.RECEIVED) == ["receive"]
    assert set(MOVES.values()) | {PurchaseOrderState.DRAFT, PurchaseOrderState.RECEIVED} == set(PurchaseOrderState)
