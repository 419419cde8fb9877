"""The cascade: bounded, monotone, blind to the order of its rules, and explaining every piece it takes."""

from datetime import UTC, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import cascade
from inventory.cascade import NOTHING, Purpose, Rule, RuleKind, Scope, Window
from inventory.sharing.plan import Plan

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
PRODUCTS = {1: "lamps", 2: "lamps", 3: "cups"}
PLACES = (10, 11, 12)
CHANNELS = (100, 101)

scopes = st.builds(
    lambda channel, places, product, category: Scope(
        channel, places, places is not None and len(places) > 1, product, "" if product else category
    ),
    st.sampled_from([None, *CHANNELS]),
    st.sampled_from([None, frozenset({10}), frozenset({11}), frozenset({10, 11}), frozenset({11, 12})]),
    st.sampled_from([None, None, 1, 2, 3]),
    st.sampled_from(["", "lamps", "cups"]),
)
windows = st.builds(
    lambda start, length, daily: Window(
        None if start is None else NOON + timedelta(hours=start),
        None if start is None or length is None else NOON + timedelta(hours=start + length),
        *(daily or (None, None)),
    ),
    st.sampled_from([None, -2, 0, 1]),
    st.sampled_from([None, 1, 2, 3]),
    st.sampled_from([None, None, (time(9), time(18)), (time(22), time(14)), (time(20), time(21))]),
)


@st.composite
def rules(draw: st.DrawFn) -> list[Rule]:
    made = []
    for number in range(1, draw(st.integers(0, 8)) + 1):
        kind = draw(st.sampled_from(RuleKind))
        purpose = draw(st.sampled_from(Purpose)) if kind is RuleKind.FIXED else draw(st.sampled_from(list(Purpose)[:2]))
        amount = draw(st.integers(1, 100) if kind is RuleKind.PERCENTAGE else st.integers(0, 12))
        levels = {(1, 10): draw(st.integers(0, 12))} if purpose is Purpose.MEASURED else None
        priority, scope, window = draw(st.integers(-1, 1)), draw(scopes), draw(windows)
        made.append(Rule(number, f"rule {number}", purpose, kind, amount, scope, priority, window, levels))
    return made


def plan(made: list[Rule], *, channel_id: int = 100, is_till: bool = False, at: datetime = NOON) -> Plan:
    return Plan(
        made,
        channel_id=channel_id,
        is_till=is_till,
        at=at,
        zone_of=lambda _location: BERLIN,
        category_of=PRODUCTS.__getitem__,
    )


pieces = st.integers(0, 40)
owed = st.sampled_from([{}, {1: {10: 5}}, {1: {10: 90}, 2: {11: 1}}])
levels = st.tuples(st.sampled_from(sorted(PRODUCTS)), st.sampled_from(PLACES))


@given(rules(), levels, pieces, pieces, owed, st.sampled_from(CHANNELS), st.booleans())
def test_what_is_withheld_lies_between_nothing_and_all_and_is_explained_to_the_piece(
    made: list[Rule],
    level: tuple[int, int],
    on_hand: int,
    free: int,
    others: dict[int, dict[int, int]],
    channel_id: int,
    is_till: bool,
) -> None:
    compiled = plan(made, channel_id=channel_id, is_till=is_till)
    [withheld] = compiled.withheld([(*level, on_hand, free)], others)
    assert 0 <= withheld <= free
    taken = compiled.explain((*level, on_hand, free), others)
    assert sum(one.pieces for one in taken) == withheld
    assert all(one.pieces > 0 for one in taken)


@given(rules(), st.randoms(use_true_random=False), pieces, owed)
def test_the_order_of_rules_and_figures_changes_nothing(
    made: list[Rule], random: Random, free: int, others: dict[int, dict[int, int]]
) -> None:
    figures = [(product, place, free, free) for product in PRODUCTS for place in PLACES]
    straight = dict(zip(figures, plan(made).withheld(figures, others), strict=True))
    mixed_rules, mixed = random.sample(made, len(made)), random.sample(figures, len(figures))
    assert dict(zip(mixed, plan(mixed_rules).withheld(mixed, others), strict=True)) == straight


@given(rules(), levels, pieces, st.integers(0, 5), owed)
def test_one_piece_more_is_never_one_seen_less(
    made: list[Rule], level: tuple[int, int], free: int, promised: int, others: dict[int, dict[int, int]]
) -> None:
    figures = [(*level, free + promised, free), (*level, free + promised + 1, free + 1)]
    before, after = plan(made).withheld(figures, others)
    assert free - before <= free + 1 - after


@given(rules(), levels, pieces)
def test_a_plan_says_what_the_cascade_says_of_all_rules_that_match(
    made: list[Rule], level: tuple[int, int], free: int
) -> None:
    product, place = level
    matching = [
        rule
        for rule in made
        if cascade.applies_to(rule, 100, is_till=False)
        and rule.scope.covers(product, PRODUCTS[product], place)
        and rule.window.is_running(NOON, BERLIN)
    ]
    terms = cascade.settle(matching, product, place) or NOTHING
    assert plan(made).withheld([(product, place, free, free)], {}) == [terms.withheld(free, free)]


@given(rules(), levels, pieces, st.integers(0, 50))
def test_owing_others_more_never_shows_more(made: list[Rule], level: tuple[int, int], free: int, more: int) -> None:
    product, place = level
    figure, compiled = (product, place, free, free), plan(made)
    [alone], [owing] = compiled.withheld([figure], {}), compiled.withheld([figure], {product: {place: more}})
    assert alone <= owing <= free


# --- single sentences of the docstring ------------------------------------------------------------------------------------


def rule(kind: RuleKind, amount: int, purpose: Purpose = Purpose.BUFFER, number: int = 1, **values: object) -> Rule:
    return Rule(number, f"rule {number}", purpose, kind, amount, **values)  # type: ignore[arg-type]


def seen(*made: Rule, free: int = 10, on_hand: int = 10, is_till: bool = False, at: datetime = NOON) -> int:
    return free - plan(list(made), is_till=is_till, at=at).withheld([(1, 10, on_hand, free)], {})[0]


def test_each_kind_alone() -> None:
    assert seen(rule(RuleKind.FIXED, 3)) == 7
    assert seen(rule(RuleKind.FIXED, 30)) == 0
    assert seen(rule(RuleKind.PERCENTAGE, 25), on_hand=10) == 7  # 2.5 pieces are 3 pieces
    assert seen(rule(RuleKind.PERCENTAGE, 10), on_hand=40, free=10) == 6  # of what is on hand, not of what is free
    assert seen(rule(RuleKind.CAP, 4)) == 4
    assert seen(rule(RuleKind.CAP, 0)) == 0
    assert seen(rule(RuleKind.CUT_OFF, 10)) == 10
    assert seen(rule(RuleKind.CUT_OFF, 11)) == 0


def test_floors_of_one_purpose_are_one_floor_and_purposes_add_up() -> None:
    fixed, share = rule(RuleKind.FIXED, 2), rule(RuleKind.PERCENTAGE, 30, number=2)
    assert seen(fixed, share) == 7
    assert seen(fixed, share, rule(RuleKind.FIXED, 5, Purpose.MEASURED, 3)) == 5
    assert seen(fixed, rule(RuleKind.FIXED, 4, Purpose.HOLDBACK, 4)) == 4


def test_the_cut_off_looks_at_what_is_left_and_the_cap_comes_last() -> None:
    assert seen(rule(RuleKind.FIXED, 3), rule(RuleKind.CUT_OFF, 8, number=2)) == 0
    assert seen(rule(RuleKind.CUT_OFF, 5), rule(RuleKind.CAP, 3, number=2)) == 3


def test_a_till_sees_what_is_held_back_for_people_who_walk_in() -> None:
    held_back = rule(RuleKind.FIXED, 4, Purpose.HOLDBACK)
    assert (seen(held_back), seen(held_back, is_till=True)) == (6, 10)
    assert seen(rule(RuleKind.FIXED, 4), is_till=True) == 6  # a buffer for all channels is for tills, too


def test_the_most_specific_wins_then_priority_then_the_stricter() -> None:
    broad = rule(RuleKind.FIXED, 5, number=1)
    group = rule(RuleKind.FIXED, 4, number=2, scope=Scope(location_ids=frozenset({10, 11}), is_group=True))
    category = rule(RuleKind.FIXED, 3, number=3, scope=Scope(category="lamps"))
    product = rule(RuleKind.FIXED, 1, number=4, scope=Scope(product_id=1))
    assert [seen(broad), seen(broad, group), seen(broad, group, category), seen(broad, category, product)] == [
        5,
        6,
        7,
        9,
    ]
    assert seen(broad, rule(RuleKind.FIXED, 2, number=5, priority=1)) == 8
    assert seen(broad, rule(RuleKind.FIXED, 6, number=5)) == 4


@pytest.mark.parametrize(
    ("zone", "instant", "runs"),
    [
        # Clocks in Beirut jump from 00:00 to 01:00 on 29 March 2026, and go from 00:00 back to 23:00 on 25 October 2026.
        ("Asia/Beirut", datetime(2026, 3, 28, 21, 59, tzinfo=UTC), False),  # 23:59 on the 28th
        ("Asia/Beirut", datetime(2026, 3, 28, 22, 0, tzinfo=UTC), True),  # 01:00 on the 29th, midnight never was
        ("Asia/Beirut", datetime(2026, 10, 24, 20, 30, tzinfo=UTC), False),  # 23:30 for the first time
        ("Asia/Beirut", datetime(2026, 10, 24, 21, 30, tzinfo=UTC), False),  # 23:30 for the second time
        ("Asia/Beirut", datetime(2026, 10, 24, 22, 0, tzinfo=UTC), True),  # 00:00 on the 25th
        ("Europe/Berlin", datetime(2026, 11, 19, 22, 59, tzinfo=UTC), False),
        ("Europe/Berlin", datetime(2026, 11, 19, 23, 0, tzinfo=UTC), True),
        ("Europe/Berlin", datetime(2026, 11, 20, 5, 0, tzinfo=UTC), False),
    ],
)
def test_daily_hours_follow_the_clock_on_the_wall_also_when_it_is_changed_at_midnight(
    zone: str, instant: datetime, runs: bool
) -> None:
    assert Window(daily_from=time(0), daily_until=time(6)).is_running(instant, ZoneInfo(zone)) is runs


def test_hours_over_midnight_and_the_ends_of_a_time_box() -> None:
    night = Window(daily_from=time(22), daily_until=time(6))
    assert [night.is_running(NOON.replace(hour=hour), ZoneInfo("UTC")) for hour in (5, 6, 21, 22)] == [
        True,
        False,
        False,
        True,
    ]
    box = rule(RuleKind.FIXED, 3, window=Window(NOON, NOON + timedelta(hours=1)))
    moments = [NOON - timedelta(seconds=1), NOON, NOON + timedelta(minutes=59), NOON + timedelta(hours=1)]
    assert [seen(box, at=moment) for moment in moments] == [10, 7, 7, 10]


@given(rules(), levels, st.integers(-200, 200))
def test_a_plan_that_holds_at_another_instant_says_the_same_as_one_made_for_it(
    made: list[Rule], level: tuple[int, int], minutes: int
) -> None:
    compiled, then = plan(made), NOON + timedelta(minutes=minutes, seconds=7)
    assert compiled.holds_at(NOON)
    if compiled.holds_at(then):
        figure = (*level, 10, 10)
        assert compiled.withheld([figure], {}) == plan(made, at=then).withheld([figure], {})


def test_contradictions_are_named() -> None:
    broad, other = rule(RuleKind.FIXED, 5), rule(RuleKind.FIXED, 3, number=2)
    assert [found.how for found in cascade.contradictions(broad, [broad, other])] == ["equal_rank"]
    looser = rule(RuleKind.FIXED, 1, number=3, scope=Scope(product_id=1))
    [found] = cascade.contradictions(broad, [looser])
    assert (found.how, found.rule, found.other) == ("loosens", looser, broad)
    cap, cut_off = rule(RuleKind.CAP, 2, number=4), rule(RuleKind.CUT_OFF, 3, number=5)
    assert [found.how for found in cascade.contradictions(cap, [cut_off])] == ["cap_below_cut_off"]
    elsewhere = rule(RuleKind.FIXED, 3, number=6, scope=Scope(channel_id=100))
    assert not cascade.contradictions(rule(RuleKind.FIXED, 5, scope=Scope(channel_id=101)), [elsewhere])
    later = rule(RuleKind.FIXED, 3, number=7, window=Window(starts_at=NOON))
    assert not cascade.contradictions(rule(RuleKind.FIXED, 5, window=Window(ends_at=NOON)), [later])
    assert not cascade.contradictions(broad, [rule(RuleKind.PERCENTAGE, 3, number=8)])


def test_what_withholds_everything_is_known_without_a_figure() -> None:
    assert rule(RuleKind.PERCENTAGE, 100).withholds_everything()
    assert rule(RuleKind.CAP, 0).withholds_everything()
    assert not rule(RuleKind.PERCENTAGE, 99).withholds_everything()
    assert not rule(RuleKind.CUT_OFF, 10**6).withholds_everything()
