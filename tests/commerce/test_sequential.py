"""Intervals that hold at every look: checked against their definition and by simulation of looking all the time."""

import random

import pytest

from commerce.operations import sequential


def test_bounds_are_where_the_likelihood_ratio_reaches_its_limit() -> None:
    import math

    for successes, trials in ((0, 10), (3, 10), (10, 10), (40, 1_000), (999, 1_000)):
        found = sequential.rate(successes, trials, alpha=0.05)
        mixture = 1 / ((trials + 1) * math.comb(trials, successes))  # the integral of the likelihood over [0, 1]
        for bound in (found.low, found.high):
            if 0 < bound < 1:
                likelihood = bound**successes * (1 - bound) ** (trials - successes)
                assert mixture / likelihood == pytest.approx(20, rel=1e-6)
        assert found.low <= successes / trials <= found.high


def test_edges() -> None:
    assert sequential.rate(0, 0, alpha=0.05) == sequential.Interval(0.0, 1.0)
    assert sequential.rate(0, 50, alpha=0.05).low == 0.0
    assert sequential.rate(50, 50, alpha=0.05).high == 1.0
    wide, narrow = sequential.rate(5, 50, alpha=0.01), sequential.rate(5, 50, alpha=0.2)
    assert wide.low < narrow.low < narrow.high < wide.high
    for bad in ((2, 1, 0.05), (-1, 1, 0.05), (0, 1, 0.0), (0, 1, 1.0)):
        with pytest.raises(ValueError):
            sequential.rate(bad[0], bad[1], alpha=bad[2])


def test_who_looks_after_every_single_trial_is_fooled_as_rarely_as_promised() -> None:
    """A fixed-sample interval would be left by far more than 10 % of these walks."""
    chance, left, naive = random.Random(7), 0, 0
    for _ in range(300):
        successes, is_out, is_naively_out = 0, False, False
        for trial in range(1, 301):
            successes += chance.random() < 0.1
            found = sequential.rate(successes, trial, alpha=0.1) if trial % 5 == 0 else None
            if found is not None:
                is_out |= not found.low <= 0.1 <= found.high
                rate = successes / trial
                is_naively_out |= trial >= 30 and abs(rate - 0.1) > 1.645 * (rate * (1 - rate) / trial) ** 0.5
        left, naive = left + is_out, naive + is_naively_out
    assert left <= 30
    assert naive > 60


def test_a_difference_holds_both_rates_at_once() -> None:
    found = sequential.difference((300, 1_000), (100, 1_000), alpha=0.05)
    assert 0 < found.low < 0.2 < found.high
    assert sequential.difference((3, 10), (1, 10), alpha=0.05).low < 0
