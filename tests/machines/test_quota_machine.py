"""Quotas against a dictionary: whatever is claimed, settled, given back or forgotten, no key is ever overbooked (law 10)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, invariant, multiple, rule, run_state_machine_as_test

from commerce import quotas
from commerce.quotas import HoldRequest, QuotaExhausted, Usage
from tests.machines.examples import SECONDS_TO_SHRINK, Done, RolledBack, bounded, outcome

KEYS = ("machine:a", "machine:b", "machine:c")
TTL_SECONDS = (30, 60, 300)
PAUSES_SECONDS = (1, 29, 30, 31, 270, 300)

claims = st.lists(
    st.tuples(st.sampled_from(KEYS), st.integers(1, 3), st.sampled_from(TTL_SECONDS)), min_size=1, max_size=3
)


@dataclass
class Claim:
    """A hold or a booking. `state` is what is stored; a held one whose time is over counts for nothing all the same."""

    key: str
    quantity: int
    state: str
    expires_at: datetime | None

    def counts(self, at: datetime) -> bool:
        return self.state == "committed" or (self.state == "held" and not self.is_over(at))

    def is_over(self, at: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= at


class QuotaMachine(RolledBack):
    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.limits: dict[str, int] = {}  # what is stored: of quotas that were ever claimed
        self.wished = dict.fromkeys(KEYS, 12)  # what callers say the limit is
        self.claims: dict[UUID, Claim] = {}

    def used(self, key: str) -> int:
        return sum(one.quantity for one in self.claims.values() if one.key == key and one.counts(self.now))

    @rule(key=st.sampled_from(KEYS), limit=st.integers(0, 24))
    def set_limit(self, key: str, limit: int) -> None:
        """The next caller brings another limit; it is written if the claim fits."""
        self.wished[key] = limit

    @rule(target=holds, wanted=claims)
    def hold(self, wanted: list[tuple[str, int, int]]) -> Any:
        return self._place(quotas.hold, wanted, "held")

    @rule(target=holds, wanted=claims)
    def book(self, wanted: list[tuple[str, int, int]]) -> Any:
        return self._place(quotas.book, wanted, "committed")

    def _place(self, verb: Any, wanted: list[tuple[str, int, int]], state: str) -> Any:
        requests = [
            HoldRequest(
                key,
                self.wished[key],
                quantity,
                "machine",
                self.now + timedelta(seconds=seconds) if state == "held" else None,
            )
            for key, quantity, seconds in wanted
        ]
        sums: dict[str, int] = {}
        for request in requests:
            sums[request.key] = sums.get(request.key, 0) + request.quantity
        left = {key: max(0, self.wished[key] - self.used(key)) for key in sums}
        came = self.attempt(verb, requests, at=self.now)
        short = [key for key in sums if left[key] < sums[key]]
        if short:
            assert isinstance(came, QuotaExhausted)
            assert came.detail == {"key": short[0], "wanted": sums[short[0]], "left": left[short[0]]}
            return multiple()
        assert isinstance(came, Done), came
        for key in sums:
            stored = sum(
                one.quantity for one in self.claims.values() if one.key == key and one.state in ("held", "committed")
            )
            if self.wished[key] - stored < sums[key]:  # who needs the room of forgotten holds sweeps them
                self._sweep({key})
        self.limits.update({key: self.wished[key] for key in sums})
        for request, hold_id in zip(requests, came.value, strict=True):
            self.claims[hold_id] = Claim(request.key, request.quantity, state, request.expires_at)
        return multiple(*came.value)

    @rule(chosen=st.lists(holds, min_size=1, max_size=2), with_unknown=st.sampled_from([False] * 7 + [True]))
    def commit(self, chosen: list[UUID], with_unknown: bool) -> None:
        """All or none; the first that can't be settled says why."""
        asked = [*chosen, uuid4()] if with_unknown else chosen
        came = self.attempt(quotas.commit, asked, at=self.now)
        if not all(self.claims[one].counts(self.now) for one in chosen):
            assert outcome(came) == "quota_hold_expired"
        elif with_unknown:
            assert outcome(came) == "not_found"
        else:
            assert outcome(came) == "done"
            for one in chosen:
                self.claims[one].state, self.claims[one].expires_at = "committed", None

    @rule(chosen=st.lists(holds, min_size=1, max_size=3))
    def release(self, chosen: list[UUID]) -> None:
        """What was given back, or swept, stays as it is."""
        assert outcome(self.attempt(quotas.release, chosen)) == "done"
        for one in chosen:
            if self.claims[one].state in ("held", "committed"):
                self.claims[one].state = "released"

    @rule(seconds=st.sampled_from(PAUSES_SECONDS))
    def wait_a_while(self, seconds: int) -> None:
        self.wait(seconds)

    @rule()
    def expire_due(self) -> None:
        came = self.attempt(quotas.expire_due, at=self.now)
        assert came == Done(self._sweep(set(KEYS)))

    def _sweep(self, keys: set[str]) -> int:
        over = [
            one for one in self.claims.values() if one.key in keys and one.state == "held" and one.is_over(self.now)
        ]
        for one in over:
            one.state = "expired"
        return len(over)

    @invariant()
    def usage_is_that_of_the_dictionary(self) -> None:
        expected = {key: Usage(limit, self.used(key)) for key, limit in self.limits.items()}
        assert quotas.usage(KEYS, at=self.now) == expected
        assert all(usage.used <= usage.limit for usage in expected.values())


@pytest.mark.slow
@pytest.mark.timeout(SECONDS_TO_SHRINK)
@pytest.mark.django_db
def test_quotas_are_a_dictionary() -> None:
    run_state_machine_as_test(QuotaMachine, settings=bounded(examples=150, steps=50))
