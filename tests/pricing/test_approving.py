"""How many approvals a draft needs, and whose count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing import approving
from pricing.approving import MOVES, Action, Facts, Measure, Rank, State, Threshold

HALF = Threshold(Measure.DEPTH, 5_000, Rank.LEAD)
MANY = Threshold(Measure.PRODUCTS, 1_000, Rank.COLLEAGUE, 2)
LOSS = Threshold(Measure.MARGIN, 0, Rank.LEAD, 2)
MONEY = Threshold(Measure.REVENUE, 5_000_000, Rank.LEAD)
ALL = [HALF, MANY, LOSS, MONEY]


def facts(*, deepest: int = 1_000, products: int = 5, revenue: int | None = 0, margin: int | None = 3_000) -> Facts:
    return Facts(1, deepest, products, revenue, margin)


@pytest.mark.parametrize(
    ("known", "needed"),
    [
        (facts(), {Rank.COLLEAGUE: 1}),
        (facts(deepest=4_999), {Rank.COLLEAGUE: 1}),
        (facts(deepest=5_000), {Rank.LEAD: 1}),
        (facts(products=1_000), {Rank.COLLEAGUE: 2}),
        (facts(products=1_000, deepest=6_000), {Rank.COLLEAGUE: 2, Rank.LEAD: 1}),
        (facts(margin=-1), {Rank.LEAD: 2}),
        (facts(margin=0), {Rank.COLLEAGUE: 1}),
        (facts(revenue=None), {Rank.LEAD: 1}),  # what nobody knows is looked at as if it were much
    ],
)
def test_thresholds_ask_for_eyes(known, needed):
    assert approving.assess(known, ALL).approvals == needed


def test_reasons_name_what_was_reached_and_by_what():
    found = approving.assess(facts(deepest=6_000, margin=-200), ALL)
    assert [(one.threshold, one.value) for one in found.reasons] == [(HALF, 6_000), (LOSS, -200)]


LEAD, COLLEAGUE = frozenset({Rank.LEAD}), frozenset({Rank.COLLEAGUE})


@pytest.mark.parametrize(
    ("needed", "given_by", "left"),
    [
        ({Rank.COLLEAGUE: 1}, [], {Rank.COLLEAGUE: 1}),
        ({Rank.COLLEAGUE: 1}, [LEAD], {}),
        ({Rank.LEAD: 1}, [COLLEAGUE, COLLEAGUE], {Rank.LEAD: 1}),
        ({Rank.COLLEAGUE: 2, Rank.LEAD: 1}, [LEAD, COLLEAGUE], {Rank.COLLEAGUE: 1}),
        ({Rank.COLLEAGUE: 2, Rank.LEAD: 1}, [LEAD, LEAD, COLLEAGUE], {}),
    ],
)
def test_a_lead_counts_for_leads_first_and_then_for_colleagues(needed, given_by, left):
    assert approving.missing(needed, given_by) == left


@given(
    st.dictionaries(st.sampled_from(list(Rank)), st.integers(0, 3)),
    st.lists(st.sampled_from([LEAD, COLLEAGUE]), max_size=6),
)
def test_another_approval_never_makes_more_missing(needed, given_by):
    before = approving.missing(needed, given_by)
    for one in (LEAD, COLLEAGUE):
        after = approving.missing(needed, [*given_by, one])
        assert all(after.get(rank, 0) <= before.get(rank, 0) for rank in Rank)


def test_every_state_but_the_last_ones_has_a_way_out():
    last = {State.PUBLISHED, State.DISCARDED}
    assert {state for state in State if not approving.allowed_actions(state)} == last
    assert not any(begin in last for begin, _ in MOVES)


def test_nothing_is_published_without_approval_but_in_an_emergency_which_is_submitted_by_that():
    assert [begin for (begin, action) in MOVES if action is Action.PUBLISH] == [State.APPROVED]
    assert MOVES[State.DRAFT, Action.PUBLISH_IN_EMERGENCY] is State.SUBMITTED
    assert [begin for (begin, _), end in MOVES.items() if end is State.APPROVED] == [State.SUBMITTED]
