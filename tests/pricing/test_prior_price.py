"""The prior price of a reduction: the law at its edges, and against a reference that looks at every hour."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.prior_price import Applied, PriorPrice, Unknown, is_true, prior_price, saving_basis_points

BERLIN = ZoneInfo("Europe/Berlin")


def day(month: int, number: int, hour: int = 0, minute: int = 0, year: int = 2026) -> datetime:
    return datetime(year, month, number, hour, minute, tzinfo=BERLIN)


def prior(history: list[Applied], amount_minor: int, at: datetime) -> PriorPrice | Unknown:
    return prior_price(history, amount_minor, announced_at=at, time_zone="Europe/Berlin")


def found(history: list[Applied], amount_minor: int, at: datetime) -> PriorPrice:
    answer = prior(history, amount_minor, at)
    assert isinstance(answer, PriorPrice)
    return answer


def test_p12_an_older_price_is_carried_into_the_thirty_days():
    history = [Applied(8_000, day(1, 1), day(3, 5)), Applied(10_000, day(3, 5), day(3, 20))]
    answer = found(history, 7_000, day(3, 20))
    assert (answer.amount_minor, answer.is_carried_in, answer.since) == (8_000, True, day(2, 18))
    assert saving_basis_points(answer.amount_minor, 7_000) == 1_250
    assert is_true(1_250, prior_minor=8_000, amount_minor=7_000)
    assert not is_true(3_000, prior_minor=8_000, amount_minor=7_000)


@pytest.mark.parametrize(
    ("ended", "prior_minor"),
    [(day(2, 18), 10_000), (day(2, 18, 0, 1), 8_000), (day(2, 17, 23, 59), 10_000)],
    ids=["as the thirty days begin", "a minute after", "a minute before"],
)
def test_a_price_counts_when_it_was_applied_within_the_thirty_days(ended, prior_minor):
    history = [Applied(8_000, day(1, 1), ended), Applied(10_000, ended)]
    assert found(history, 7_000, day(3, 20)).amount_minor == prior_minor


def test_the_day_of_the_announcement_counts_up_to_its_instant():
    history = [
        Applied(10_000, day(1, 1), day(3, 20, 8)),
        Applied(9_000, day(3, 20, 8), day(3, 20, 9)),
        Applied(10_000, day(3, 20, 9)),
    ]
    assert found(history, 7_000, day(3, 20, 12)).amount_minor == 9_000
    assert found(history, 7_000, day(3, 20, 8)).amount_minor == 10_000


def test_steps_down_without_a_break_keep_the_prior_price_of_the_first():
    history = [
        Applied(10_000, day(1, 1), day(3, 1)),
        Applied(9_000, day(3, 1), day(3, 10), is_reduced=True),
        Applied(8_000, day(3, 10), day(4, 20), is_reduced=True),
    ]
    answer = found(history, 7_000, day(4, 20))
    assert (answer.amount_minor, answer.anchored_at, answer.steps) == (10_000, day(3, 1), 3)


@pytest.mark.parametrize(
    ("between", "prior_minor"),
    [
        ([], 10_000),
        ([Applied(10_000, day(3, 10), day(3, 20))], 9_000),  # back to the old price: the reduced one is the lowest now
        ([Applied(9_500, day(3, 10), day(3, 20), is_reduced=True)], 9_000),  # a rise, though announced as reduced
        ([Applied(8_500, day(3, 10), day(3, 20))], 8_500),  # lower, but not announced: a price like any other
    ],
    ids=["none", "back to normal", "a rise", "not announced"],
)
def test_an_interruption_begins_anew(between, prior_minor):
    first_until = day(3, 10) if between else day(3, 20)
    history = [
        Applied(10_000, day(1, 1), day(3, 1)),
        Applied(9_000, day(3, 1), first_until, is_reduced=True),
        *between,
    ]
    assert found(history, 8_000, day(3, 20)).amount_minor == prior_minor


def test_a_time_without_offer_interrupts():
    history = [Applied(10_000, day(1, 1), day(3, 1)), Applied(9_000, day(3, 1), day(3, 10), is_reduced=True)]
    answer = found(history, 8_000, day(3, 12))
    assert (answer.amount_minor, answer.steps) == (9_000, 1)


def test_the_first_announcement_is_the_anchor_also_before_the_price_begins():
    history = [
        Applied(8_000, day(1, 1), day(2, 17)),
        Applied(10_000, day(2, 17), day(3, 20)),
        Applied(9_000, day(3, 20), is_reduced=True, announced_at=day(3, 18)),
    ]
    assert (
        found(history[:2], 9_000, day(3, 18)).amount_minor == 8_000
    )  # thirty days before the 18th hold the 16th of February
    assert found(history[:2], 9_000, day(3, 20)).amount_minor == 10_000
    assert found(history, 8_500, day(3, 25)).anchored_at == day(3, 18)


def test_what_is_new_has_no_prior_price_and_what_is_young_the_lowest_so_far():
    assert prior([], 7_000, day(3, 20)) is Unknown.NEVER_OFFERED
    assert prior([Applied(10_000, day(3, 20))], 7_000, day(3, 20)) is Unknown.NEVER_OFFERED
    answer = found([Applied(10_000, day(3, 10))], 7_000, day(3, 20))
    assert (answer.amount_minor, answer.is_shorter) == (10_000, True)
    assert prior([Applied(10_000, day(1, 1), day(1, 5))], 7_000, day(3, 20)) is Unknown.NOT_ON_OFFER


def test_the_thirty_days_are_local_days_also_when_the_clocks_change():
    # From 29 March 2026 clocks are an hour ahead: thirty local days before 10 April begin at 23:00Z, not at 22:00Z.
    edge = datetime(2026, 3, 10, 23, tzinfo=UTC)
    history = [Applied(8_000, day(1, 1), edge), Applied(10_000, edge)]
    assert found(history, 7_000, day(4, 10)).amount_minor == 10_000
    later = edge + timedelta(minutes=1)
    history = [Applied(8_000, day(1, 1), later), Applied(10_000, later)]
    assert found(history, 7_000, day(4, 10)).amount_minor == 8_000


def test_overlapping_prices_are_refused():
    with pytest.raises(ValueError, match="overlap"):
        prior([Applied(1, day(1, 1)), Applied(2, day(1, 2))], 1, day(3, 1))


@pytest.mark.parametrize(("claimed", "holds"), [(1_999, True), (2_000, True), (2_001, False), (0, False), (-5, False)])
def test_a_percentage_is_true_up_to_what_is_saved(claimed, holds):
    assert is_true(claimed, prior_minor=10_000, amount_minor=8_000) is holds


START = datetime(2026, 2, 1, tzinfo=UTC)


@st.composite
def histories(draw: st.DrawFn) -> list[Applied]:
    at, history = START, []
    for _ in range(draw(st.integers(1, 6))):
        at += timedelta(hours=draw(st.sampled_from([0, 0, 0, 5, 24 * 40])))
        until = at + timedelta(hours=draw(st.integers(1, 24 * 25)))
        history.append(Applied(draw(st.sampled_from([800, 900, 1_000])), at, until, draw(st.booleans())))
        at = until
    return history


def slowly(history: list[Applied], amount_minor: int, announced_at: datetime) -> int | None:
    """Look at every hour: go back while it was a reduction that only fell, then take the least of thirty days."""

    def applied(at: datetime) -> Applied | None:
        return next((price for price in history if price.holds(at)), None)

    hour, anchor = timedelta(hours=1), announced_at
    while (price := applied(anchor - hour)) and price.is_reduced and price.amount_minor >= amount_minor:
        anchor, amount_minor = anchor - hour, price.amount_minor
    since = (anchor.astimezone(BERLIN) - timedelta(days=30)).replace(hour=0)
    at, seen = anchor - hour, []
    while at >= since:
        if price := applied(at):
            seen.append(price.amount_minor)
        at -= hour
    return min(seen, default=None)


@settings(max_examples=300)
@given(histories(), st.sampled_from([700, 850, 950]), st.integers(0, 24 * 120))
def test_agrees_with_looking_at_every_hour(history, amount_minor, hours):
    announced_at = START + timedelta(hours=hours)
    known = [price for price in history if price.from_at < announced_at]
    answer = prior(known, amount_minor, announced_at)
    assert (answer.amount_minor if isinstance(answer, PriorPrice) else None) == slowly(
        known, amount_minor, announced_at
    )
